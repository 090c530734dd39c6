"""The cost model's arithmetic, on figures small enough to be done by hand."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from bench.cost_compare import ceiling, containers, states_of_item_2, step_functions
from bench.cost_idle import idle_bill, standing
from bench.cost_meter import Observed, Use, bytes_of, init_cpu, messages_of
from bench.cost_model import (
    Unpriced,
    all_in,
    bill,
    gb_seconds,
    priced,
    queue_steps_only,
    with_full_batches,
    without_http,
)
from bench.prices import FOLDER, Prices
from zerotrip.runtime.metering import count_of

PRICES = Prices.load()
RECORDS = "zerotrip-local-records"


def call(function: str, api: str, operation: str, **more: Any) -> dict[str, Any]:
    line = {
        "function": function, "api": api, "operation": operation, "units": {},
        "read_units": 0.0, "write_units": 0.0, "count": 1, "algorithm": "",
        "asked": True, "accepted": True,
    }  # fmt: skip
    return {**line, **more}


def written(function: str, units: dict[str, float], **more: Any) -> dict[str, Any]:
    total = sum(units.values())
    asked = {"units": units, "write_units": total, **more}
    return call(function, "dynamodb", "TransactWriteItems", **asked)


def use(invocations: float, messages: float = 0.0, **more: float) -> Use:
    rest: dict[str, Any] = {
        "memory_mb": 512, "cpu_seconds": 0.0, "laptop_seconds": 0.0, "log_lines": 0.0,
        "log_bytes": 0.0, "init_cpu_seconds": 0.0,
    }  # fmt: skip
    return Use(invocations=invocations, messages=messages, **{**rest, **more})


def observed(lines: list[dict[str, Any]], **uses: Use) -> Observed:
    known = {"notify": use(0), "authorise": use(0), **uses}
    return Observed(
        item="item", cases=1, uses=known, tick={}, lines=lines,
        http_calls={"api": 3, "s3 POST": 1, "s3 GET": 1}, http_bytes_out=0.0,
        object_bytes={}, rows=0.0, row_bytes=0.0,
    )  # fmt: skip


def units(found: Any) -> dict[tuple[str, str], float]:
    return {(item.name, item.price): item.units for item in found.items}


def test_every_price_is_dated_and_says_where_it_is_from() -> None:
    for path in FOLDER.glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        assert content["dated"] == path.stem
        for price in content["prices"].values():
            assert price["checked"] == "list price, verify before publishing"
            assert price["source"]
            assert price["usd"] > 0


def test_a_thousand_cases_cost_a_thousand_times_one() -> None:
    found = bill({("write units", "dynamodb_write_unit"): 100.0}, PRICES)
    assert found.usd == pytest.approx(100 * 1000 * 0.625 / 1e6)
    assert found.share("dynamodb_write_unit") == 1.0


def test_a_call_that_nobody_priced_is_an_error() -> None:
    with pytest.raises(Unpriced, match=r"sns\.Publish"):
        priced(call("notify", "sns", "Publish"))


@pytest.mark.parametrize(
    ("line", "price", "amount"),
    [
        (call("f", "events", "PutEvents", count=7), "eventbridge_event", 7),
        (call("f", "kms", "Decrypt"), "kms_symmetric", 1),
        (
            call("f", "kms", "Sign", algorithm="RSASSA_PKCS1_V1_5_SHA_256"),
            "kms_rsa_2048", 1,
        ),
        (
            call("f", "kms", "Sign", algorithm="ECDSA_SHA_256"),
            "kms_other_asymmetric", 1,
        ),
        (call("f", "s3", "PutObject"), "s3_put", 1),
        (call("f", "s3", "GetObject"), "s3_get", 1),
        (call("f", "sqs", "SendMessage"), "sqs_request", 1),
        (call("f", "secretsmanager", "GetSecretValue"), "secret_call", 1),
        (call("f", "dynamodb", "BatchGetItem", count=8), "dynamodb_read_unit", 4),
        (call("f", "dynamodb", "Query", read_units=2.5), "dynamodb_read_unit", 2.5),
    ],
)  # fmt: skip
def test_each_call_has_its_price(line: Any, price: str, amount: float) -> None:
    found = {name: count for _, name, count in priced(line) if count}
    assert found == {price: amount}


def test_the_meter_counts_entries_and_rows_not_calls() -> None:
    assert count_of("PutEvents", {"Entries": [{}, {}, {}]}) == 3
    assert count_of("BatchGetItem", {"Responses": {"a": [{}, {}], "b": [{}]}}) == 3
    assert count_of("GetItem", {"Item": {}}) == 1


def test_without_http_holds_the_steps_and_the_facts_that_doors_stored() -> None:
    lines = [
        written("approve", {RECORDS: 4.0, f"{RECORDS}/due": 2.0}),
        written("partner_webhooks", {RECORDS: 4.0}),
        written("applicant_api", {RECORDS: 8.0}, accepted=False),  # the freeze itself
        written("staff_api", {RECORDS: 6.0, "zerotrip-local-answers": 2.0}),
        written("watch_deadlines", {RECORDS: 50.0}),
        call("staff_api", "kms", "Decrypt"),
    ]
    seen = observed(lines, approve=use(1, 1), staff_api=use(3), partner_webhooks=use(1))
    found = units(without_http(seen, PRICES))
    assert found["write units", "dynamodb_write_unit"] == 6 + 4 + 6
    assert found["invocations", "lambda_request"] == 1
    assert ("kms Decrypt", "kms_symmetric") not in found
    narrow = units(queue_steps_only(seen, PRICES))
    assert narrow["write units", "dynamodb_write_unit"] == 6


def test_a_message_is_paid_by_its_sender_and_by_the_batch_that_takes_it() -> None:
    seen = observed([], approve=use(1, 10), archive_events=use(1, 25))
    found = units(without_http(seen, PRICES))
    assert found["messages sent", "sqs_request"] == 35
    # A batch of 25 is received and deleted by tens: two and a half of each.
    assert found["batches received and deleted", "sqs_request"] == 2 * (1 + 2.5)


def test_a_message_that_a_function_sends_is_counted_once() -> None:
    lines = [call("sign_licence", "sqs", "SendMessage")]
    seen = observed(lines, sign_licence=use(1), register_licence=use(1, 1))
    found = units(without_http(seen, PRICES))
    sent = found.get(("messages sent", "sqs_request"), 0.0)
    assert sent + found["sqs SendMessage", "sqs_request"] == 1


def test_full_batches_make_rarer_what_is_asked_once_a_batch() -> None:
    lines = [
        call("archive_events", "s3", "PutObject"),
        call("archive_events", "s3", "PutObject"),
        call("sign_licence", "s3", "PutObject"),
        call("publish_events", "events", "PutEvents", count=20),
        written("approve", {RECORDS: 6.0}),
    ]
    seen = observed(
        lines, approve=use(1, 1), archive_events=use(2, 20), publish_events=use(20),
        sign_licence=use(1, 1),
    )  # fmt: skip
    sizes = {"approve": 10, "archive_events": 200, "publish_events": 100}
    found = units(without_http(with_full_batches(seen, sizes), PRICES))
    assert found["invocations", "lambda_request"] == pytest.approx(0.1 + 0.1 + 0.2 + 1)
    assert found["s3 PutObject", "s3_put"] == pytest.approx(1 + 0.1)
    # By the event and by the row nothing gets cheaper.
    assert found["events put on the bus", "eventbridge_event"] == 20
    assert found["write units", "dynamodb_write_unit"] == 6
    assert found["messages sent", "sqs_request"] == 22


def test_what_was_observed_is_kept_whole() -> None:
    seen = observed([written("approve", {RECORDS: 6.0})], approve=use(1, 1))
    assert Observed.from_json(json.loads(json.dumps(asdict(seen)))) == seen


def test_all_in_counts_requests_by_the_doors_that_answered_them() -> None:
    seen = observed(
        [], applicant_api=use(9), staff_api=use(3), authorise=use(10), notify=use(
            4, 4, log_bytes=1000.0, log_lines=10.0
        ),
    )  # fmt: skip
    found = units(all_in(seen, PRICES))
    assert found["API requests, partners' callbacks too", "rest_api_request"] == 12
    assert found["invocations", "lambda_request"] == 26
    assert found["log lines", "logs_gb"] == pytest.approx((1000 + 10 * 26) / 1e9)
    assert found["client's own s3 POST", "s3_put"] == 1


def test_work_costs_by_processor_and_waiting_by_memory() -> None:
    small = use(1, cpu_seconds=1.0)
    large = use(1, cpu_seconds=1.0, memory_mb=1024)
    assert gb_seconds(small, 0.0, PRICES) == gb_seconds(large, 0.0, PRICES) == 1.769
    assert gb_seconds(large, 2.0, PRICES) - gb_seconds(large, 0.0, PRICES) == 2.0
    cold = use(10, init_cpu_seconds=1.0)
    assert gb_seconds(cold, 0.0, PRICES) == pytest.approx(10 * 0.01 * 1.769)


def test_a_cold_start_is_the_first_case_less_a_warm_one() -> None:
    cold = {1: ("notify", 0.7), 2: ("notify", 0.5), 3: ("submit", 0.4)}
    found = init_cpu(cold, {"notify": 0.2})
    assert found == {"notify": pytest.approx(0.5), "submit": 0.4}


def test_messages_are_counted_by_line_or_by_the_batch_that_says_how_many() -> None:
    lines = [
        '{"code":"step_started","step":"notify"}',
        '{"code":"step_started","step":"archive_events","messages":28}',
        '{"code":"step_completed","messages":28}',
    ]
    assert messages_of(lines) == 29


def test_a_row_is_sized_by_names_and_values() -> None:
    row = {"pk": {"S": "证"}, "sealed": {"B": b"12345"}, "version": {"N": "7"}}
    assert bytes_of(row) == (2 + 3) + (6 + 5) + (7 + 8)


def test_a_workflow_pays_for_each_state_and_still_needs_its_tasks() -> None:
    lines = [
        written("approve", {RECORDS: 6.0}),
        written("advance_case", {RECORDS: 6.0}),
        call("publish_events", "events", "PutEvents", count=5),
    ]
    seen = observed(
        lines, approve=use(1, 1), advance_case=use(2, 2), publish_events=use(5)
    )
    found = step_functions(seen, PRICES)
    entered = sum(each.entered for each in states_of_item_2(0, 0.01))
    assert found.transitions_usd == pytest.approx(entered * 25e-6 * 1000)
    # Both commands' rows and one invocation; no bus, no queue, no relay, no waking.
    expected = 12 * 0.625e-6 + 0.2e-6 + _waits(lines[:1])
    assert found.also_needed_usd == pytest.approx(expected * 1000)


def test_a_workflow_beside_an_archive_still_pays_for_bus_and_relay() -> None:
    lines = [call("publish_events", "events", "PutEvents", count=5)]
    seen = observed(
        lines, approve=use(1, 1), publish_events=use(5), archive_events=use(1, 5)
    )
    found = step_functions(seen, PRICES)
    sqs = (5 + 2) * 0.4e-6  # five sent, one batch received and deleted
    expected = 5 * 1e-6 + sqs + 7 * 0.2e-6 + _waits(lines)
    assert found.also_needed_usd == pytest.approx(expected * 1000)


def _waits(lines: list[dict[str, Any]]) -> float:
    seconds = sum(PRICES.assumed[f"wait_ms_{line['api']}"] for line in lines) / 1000
    return seconds * 0.5 * PRICES.usd["lambda_gb_second"]


def test_containers_break_even_where_a_month_of_them_costs_the_same() -> None:
    everything = bill({("invocations", "lambda_request"): 1000.0}, PRICES)
    found = containers(everything, bill({}, PRICES), PRICES)
    assert found.break_even_cases == pytest.approx(269 / (1000 * 0.2e-6))
    assert found.break_even_cases_with_shared == pytest.approx(found.break_even_cases)


def test_the_tightest_key_comes_first() -> None:
    lines = [
        written("submit", {RECORDS: 4.0, f"{RECORDS}/due": 2.0}),
        written("pre_review", {RECORDS: 6.0, f"{RECORDS}/due": 2.0}),
    ]
    found = ceiling(lines, 2, PRICES, {"records/due": 4})
    rates = {limit.name: limit.steps_a_second for limit in found}
    assert found[0].name == "records/due, shards on one partition"
    assert rates == {
        "records/due, shards on one partition": 500,
        "records, spread": 800,
        "records/due, spread": 2000,
        "records/due, 4 shards apart": 2000,
    }
    assert found[1].sum == "4,000 / 5.00 = 800"


TEMPLATE = """
Resources:
  Nested:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml}
  Step:
    Type: AWS::Serverless::Function
    Properties:
      Handler: notify.handler
      Events:
        Queue: {Type: SQS, Properties: {Queue: !GetAtt A.Arn, BatchSize: 10}}
  Clock:
    Type: AWS::Serverless::Function
    Properties:
      Handler: watch_deadlines.handler
      Events:
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
  Night:
    Type: AWS::Serverless::Function
    Properties:
      Handler: seal_day.handler
      Events:
        Tick: {Type: Schedule, Properties: {Schedule: "cron(0 2 * * ? *)"}}
"""
INNER = """
Resources:
  Key: {Type: "AWS::KMS::Key"}
  First: {Type: "AWS::CloudWatch::Alarm"}
  Second: {Type: "AWS::CloudWatch::Alarm"}
"""


def test_what_stands_is_counted_in_the_templates(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "inner.yaml").write_text(INNER)
    found = standing(720, tmp_path / "template.yaml")
    assert (found.polled_queues, found.alarms, found.keys, found.secrets) == (
        1,
        2,
        1,
        0,
    )
    assert found.ticks_a_month == {"watch_deadlines": 43_200, "seal_day": 30}
    assert found.batch_sizes == {"notify": 10}


def test_an_empty_queue_is_polled_all_month(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    (tmp_path / "inner.yaml").write_text(INNER)
    found = standing(730, tmp_path / "template.yaml")
    tick = {"dynamodb_read_unit": 4.0}
    idle = idle_bill(found, tick, PRICES, fixed_address=False)
    fixed = idle_bill(found, tick, PRICES, fixed_address=True)
    monthly = {item.name: item.usd for item in idle.items}
    # 730 h, a poll each 20 s, five pollers.
    assert monthly["long polls of empty queues"] == pytest.approx(657_000 * 0.4e-6)
    assert monthly["the watchdog's ticks"] == pytest.approx(43_800 * 4 * 0.125e-6)
    assert fixed.usd - idle.usd == pytest.approx(730 * (0.045 + 0.005))


def test_our_own_template_is_counted() -> None:
    found = standing(730)
    assert found.polled_queues >= 11
    assert found.alarms > found.polled_queues
    assert found.ticks_a_month["watch_deadlines"] == 730 * 60

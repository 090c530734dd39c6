"""The bench's own arithmetic: which call belongs to which step, and what it sums to."""

from __future__ import annotations

from typing import Any

from bench.cold_start import Figures
from bench.one_case import seconds_of
from bench.recording import name_of, worked
from bench.usage import (
    StepUnits,
    by_table,
    calls_per_case,
    step_units,
    within,
)

HEAD = {"zerotrip-local-records": 4.0, "zerotrip-local-records/due": 2.0}
TASK = {"zerotrip-local-records": 6.0, "zerotrip-local-records/worklist": 1.0}


def written(function: str, units: dict[str, float], **more: Any) -> dict[str, Any]:
    return {
        "function": function,
        "api": "dynamodb",
        "operation": "TransactWriteItems",
        "read_units": 0.0,
        "write_units": sum(units.values()),
        "units": units,
        "at": 0,
        **more,
    }


def read(function: str, **more: Any) -> dict[str, Any]:
    units = {"zerotrip-local-records": 1.0}
    line = written(function, units, operation="GetItem", **more)
    return {**line, "read_units": 1.0, "write_units": 0.0}


def test_two_transactions_of_one_message_are_one_step() -> None:
    lines = [
        written("dispatch_courier", HEAD, message_id="a"),
        read("dispatch_courier", message_id="a"),
        written("dispatch_courier", {"zerotrip-local-records": 4.0}, message_id="a"),
        written("dispatch_courier", HEAD, message_id="b"),
    ]
    assert step_units(lines) == [
        StepUnits("dispatch_courier", "machine", 2, 1.5, mean=8.0, worst=10.0, aim=6)
    ]


def test_a_step_that_touches_the_work_list_may_cost_more() -> None:
    lines = [
        written("pre_review", TASK, message_id="a"),
        written("pre_review", HEAD, message_id="b"),
        written("staff_api", TASK),
        written("staff_api", TASK),
    ]
    found = [(each.function, each.kind, each.steps) for each in step_units(lines)]
    assert found == [
        ("pre_review", "machine", 1),
        ("pre_review", "task", 1),
        ("staff_api", "officer", 2),
    ]


def test_what_an_applicant_writes_is_no_step() -> None:
    drafts = {"zerotrip-local-drafts": 2.0}
    lines = [written("applicant_api", HEAD), written("notify", drafts, message_id="a")]
    assert step_units(lines) == []


def test_calls_are_counted_per_case() -> None:
    lines = [read("notify"), read("notify"), read("notify"), written("notify", HEAD)]
    reads, writes = calls_per_case(lines, cases=2)
    assert (reads.call, reads.per_case, reads.read_units) == (
        "dynamodb.GetItem", 1.5, 1.5,
    )  # fmt: skip
    assert (writes.per_case, writes.write_units) == (0.5, 3.0)
    assert by_table(lines) == HEAD


def test_a_line_belongs_to_the_case_that_ran_when_it_was_written() -> None:
    lines = [read("notify", at=at) for at in (9, 10, 20, 21, 35)]
    found = within(lines, [(10, 20), (30, 40)])
    assert [line["at"] for line in found] == [10, 20, 35]


def test_seconds_run_from_the_first_event_to_the_last() -> None:
    times = ("2026-11-21T08:00:01.250Z", "2026-11-21T08:00:00.000Z")
    assert seconds_of([{"time": time} for time in times]) == 1.25


def test_a_ratio_is_taken_between_neighbours() -> None:
    figures = Figures()
    for import_ms, invoke_ms, unit_ms in ((100, 100, 100), (300, 300, 300), (90, 0, 9)):
        figures.add({"import_ms": import_ms, "invoke_ms": invoke_ms}, unit_ms)
    assert (figures.cpu_ms, figures.ratio) == (200, 2.0)


def test_events_are_named_by_source_and_variant() -> None:
    body = '{"type": "zerotrip.case.received.v1"}'
    stored = '{"Records": [{"eventName": "ObjectCreated:Put"}]}'
    assert name_of({"Records": [{"body": body}]}) == "case_received"
    assert name_of({"Records": [{"body": stored}]}) == "s3_object_created_put"
    assert name_of({"Records": [{"dynamodb": {}}]}) == "records_stream"
    assert name_of({"time": "2026-11-21T08:00:00Z"}) == "scheduled"


def test_an_invocation_counts_when_it_did_its_whole_work() -> None:
    stored = {"POST / DynamoDB_20120810.TransactWriteItems"}
    event = {"Records": [{"body": "{}"}]}
    assert worked(event, {"batchItemFailures": []}, stored)
    assert not worked(event, {"batchItemFailures": [{"itemIdentifier": "1"}]}, stored)
    assert not worked(event, {"batchItemFailures": []}, set())
    decided = {"resource": "/v1/staff/cases/{case_no}/decisions", "httpMethod": "POST"}
    assert worked(decided, {"statusCode": 201}, stored)
    assert not worked(decided, {"statusCode": 409}, stored)

"""One case of each item, through HTTPS and events only, on the laptop cloud."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo import STORIES, Errand, Screen, errand_of
from infra.local.mini_program import Client, Partners
from infra.local.partners.people import PEOPLE
from tests.judges.signatures import Verdict, openssl_verdict
from tests.support.laptop_cloud import LaptopCloud

EXPECTED = {
    "vehicle-inspection-mark": (
        [("courier_charge", "opened", 2000)],
        [("pickup", "delivered"), ("delivery", "delivered")],
    ),
    "vehicle-licence-replacement": (
        [("fee", "settled", 1500)],
        [("delivery", "delivered")],
    ),
    "food-business-licence": ([], []),
}


@pytest.fixture(scope="module")
def errands(cloud: LaptopCloud) -> list[tuple[Errand, dict[str, Any]]]:
    """All three errands, side by side as in `make demo`."""
    partners = Partners.of(cloud.home)
    made = [
        errand_of(each, cloud.home, Screen(quiet=True), partners) for each in STORIES
    ]
    with ThreadPoolExecutor(len(made)) as pool:
        return list(zip(made, pool.map(Errand.run, made), strict=True))


def test_every_item_ends_with_a_valid_licence(
    errands: list[tuple[Errand, dict[str, Any]]],
) -> None:
    for errand, case in errands:
        bills, parcels = EXPECTED[errand.story.folder]
        assert case["state"] == "completed"
        assert [
            (bill["kind"], bill["stage"], bill["amount_fen"]) for bill in case["bills"]
        ] == bills
        assert [
            (parcel["direction"], parcel["stage"]) for parcel in case["shipments"]
        ] == parcels


def test_another_tool_than_ours_calls_the_signatures_valid(
    cloud: LaptopCloud, errands: list[tuple[Errand, dict[str, Any]]]
) -> None:
    stored = cloud.client("s3").get_object(
        Bucket=cloud.outputs["CatalogueBucket"], Key="trust/roots.pem"
    )
    root = stored["Body"].read()
    for _, case in errands:
        pdf = Path(case["licence_pdf"]).read_bytes()
        assert openssl_verdict(pdf, root) == Verdict(valid=True, whole=True)


def test_partners_saw_each_effect_once(
    cloud: LaptopCloud, errands: list[tuple[Errand, dict[str, Any]]]
) -> None:
    partners = Partners.of(cloud.home)
    parcels = [
        parcel["shipment_id"] for _, case in errands for parcel in case["shipments"]
    ]
    ordered = [
        each["order_id"] for each in partners.control("courier", "orders")["items"]
    ]
    assert [ordered.count(parcel) for parcel in parcels] == [1, 1, 1]
    paid = [bill for _, case in errands for bill in case["bills"]]
    settled = [bill["bill_id"] for bill in paid if bill["stage"] == "settled"]
    at_channel = partners.control("payments", "orders")["items"]
    successes = [
        order["out_trade_no"] for order in at_channel if order["state"] == "SUCCESS"
    ]
    assert [successes.count(bill) for bill in settled] == [1]


def test_the_applicant_was_told_of_every_turn(
    cloud: LaptopCloud, errands: list[tuple[Errand, dict[str, Any]]]
) -> None:
    errand, case = next(e for e in errands if e[0].story.applicant == "li")
    client = Client(cloud.api_url, errand.partners).sign_in_by_wechat("li")
    notices, _ = client.call("GET", "/v1/notices")
    mine = [n for n in notices["notices"] if n["case_no"] == case["case_no"]]
    told = {notice["type"] for notice in mine}
    assert {
        "case.submitted",
        "case.accepted",
        "case.approved",
        "bill.opened",
        "bill.settled",
        "case.completed",
    } <= told
    assert len(mine) == len({notice["id"] for notice in mine})
    client.call("POST", f"/v1/notices/{mine[0]['id']}/read")
    again, _ = client.call("GET", "/v1/notices")
    read = next(n for n in again["notices"] if n["id"] == mine[0]["id"])
    assert read["read"] is True


def test_no_log_line_holds_a_name_a_number_or_a_telephone(
    cloud: LaptopCloud, errands: list[tuple[Errand, dict[str, Any]]]
) -> None:
    secret = _personal(errands)
    lines = _all_log_lines(cloud)
    assert any("step_completed" in line for line in lines), "the logs were not found"
    found = [(word, line[:200]) for line in lines for word in secret if word in line]
    assert found == []


def _personal(errands: list[tuple[Errand, dict[str, Any]]]) -> set[str]:
    words: set[str] = set()
    for errand, _ in errands:
        person = PEOPLE[errand.story.applicant]
        words |= {person.name, person.id_no, person.telephone, person.openid}
        if person.company is not None:  # whom the form names, instead of its example
            words |= {person.company.name, person.company.uscc}
            words |= {person.company.representative, person.company.representative_no}
        _gather(errand.example.form, words)
    return words


def _gather(value: Any, words: set[str]) -> None:
    """Names, numbers, telephones and addresses that the form used."""
    if isinstance(value, dict):
        for name, part in value.items():
            if isinstance(part, str) and name in (
                "name",
                "citizen_number",
                "telephone",
                "address",
                "uscc",
                "legal_representative",
                "plate_number",
                "vin",
            ):
                words.add(part)
            _gather(part, words)


def _all_log_lines(cloud: LaptopCloud) -> list[str]:
    logs = cloud.client("logs")
    lines: list[str] = []
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"]
            )
            lines += [event["message"] for part in events for event in part["events"]]
    for path in cloud.home.path.glob("*.log"):
        lines += path.read_text("utf-8", "replace").splitlines()
    return [_readable(line) for line in lines]


def _readable(line: str) -> str:
    """JSON escapes undone, so that Chinese is found as it was written."""
    try:
        return json.dumps(json.loads(line), ensure_ascii=False)
    except ValueError:
        return line

"""Marked persons go through the laptop cloud, and nowhere is one found in clear.

Uploaded files and signed licences hold them: they are the product. The partner
sandboxes were told on purpose. Everything else is searched.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.mini_program import Client, Refused
from infra.local.seed import tables_of
from tests.canary import control, places
from tests.canary.places import peek
from tests.canary.playing import Run, play
from tests.canary.scanner import Scanner
from tests.support.laptop_cloud import LaptopCloud
from tests.template.application import everywhere as resources
from zerotrip.cases.model import case_key
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.records import Records

# A minute and a half of cold starts, beside the whole run: not for every change.
pytestmark = [pytest.mark.cloud, pytest.mark.verify]
TENANT = "441882"
PLACES = ("logs", "output", "metrics", "queues", "stream", "objects", "tables")


@pytest.fixture(scope="module")
def run(our_cloud: LaptopCloud) -> Run:
    """One run, which all tests below look at."""
    return play(our_cloud)


def test_the_errands_ended_and_the_troubles_were_troubles(run: Run) -> None:
    assert [case["stage"] for case in run.completed] == ["completed"] * 6
    assert set(run.refusals) >= {400, 401, 403, 404, 409, 415, 422, 428}
    # 502 is a worker that started too slowly; 500 would be an error of ours.
    assert 500 not in run.refusals


def test_no_message_on_its_way_holds_a_person(run: Run) -> None:
    assert {piece.place for piece in run.on_the_way} == {"events", "queues"}
    assert len(run.on_the_way) > 40, "the messages were not seen"
    assert places.search(run.scanner(), iter(run.on_the_way)).sightings == []


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_is_kept_or_told_holds_a_person(run: Run, place: str) -> None:
    everywhere = places.everywhere(run.cloud, run.began, run.planted)
    assert set(everywhere) == set(PLACES)
    searched = places.search(run.scanner(), everywhere[place]())
    assert searched.sightings == []
    # The emulator's functions write no metrics of their own: nothing is found there.
    assert searched.pieces > 0 or place == "metrics"


def test_dead_letters_say_why_in_codes(run: Run) -> None:
    sqs = run.cloud.client("sqs")
    reasons = set()
    for url in sqs.list_queues()["QueueUrls"]:
        if url.endswith("-dead-letters"):
            for letter in peek(sqs, url):
                if letter["Body"] in run.planted:
                    reasons.add(letter["MessageAttributes"]["code"]["StringValue"])
    assert {"message_unreadable", "event_row_absent", "upload_key_unknown"} <= reasons


def test_the_gateway_and_the_functions_keep_no_further_trace() -> None:
    """No access log, no execution log of bodies, no X-Ray: what is not kept is safe."""
    for name, api in resources("AWS::Serverless::Api").items():
        stage = api["Properties"]
        assert not stage.get("TracingEnabled"), name
        for setting in stage.get("MethodSettings", []):
            assert not setting.get("DataTraceEnabled"), name
        access = stage.get("AccessLogSetting", {}).get("Format", "")
        for told in ("path", "requestOverride", "authorizer", "identity"):
            assert f"$context.{told}" not in access.replace("resourcePath", ""), name
    for name, function in resources("AWS::Serverless::Function").items():
        assert function["Properties"].get("Tracing", "PassThrough") == "PassThrough", (
            name
        )


def test_a_case_whose_key_is_destroyed_is_gone_and_its_chain_stands(run: Run) -> None:
    errand, case = run.errands[1], run.completed[1]
    cloud, case_no = run.cloud, case["case_no"]
    records = Records(tables_of(cloud.home, cloud.outputs))
    officer = Client(cloud.api_url, errand.partners).sign_in_by_oidc("zhao")
    shown, _ = officer.call("GET", f"/v1/staff/cases/{case_no}")
    assert shown["form"]["owner"]["name"] == errand.marks.name
    _destroy_key(cloud, f"{TENANT}#APP#{errand.application}")
    for client, method, path in (
        (officer, "GET", f"/v1/staff/cases/{case_no}"),
        (errand.client, "GET", f"/v1/applications/{errand.application}"),
        (errand.client, "POST", f"/v1/applications/{errand.application}/submission"),
    ):
        with pytest.raises(Refused) as refused:
            client.call(method, path)
        problem = refused.value.problem
        assert (refused.value.status, problem["code"]) == (410, "data_key_destroyed")
        assert problem["zh"]
        assert "APP#" not in str(problem)
    assert errand.client.case(case_no)[0]["stage"] == "completed"
    history = records.history(case_key(TENANT, case_no))
    assert len(history) > 5
    assert chain_faults(history) == []
    licence_id = case["licence_id"]
    public = Client(cloud.api_url, errand.partners)
    verified, _ = public.call("GET", f"/v1/verifications/{licence_id}")
    assert verified["state"] == "valid"
    assert errand.client.licence_file(licence_id).startswith(b"%PDF")


def _destroy_key(cloud: LaptopCloud, owner: str) -> None:
    cloud.client("dynamodb").delete_item(
        TableName=cloud.outputs["KeysTable"],
        Key={"pk": {"S": owner}, "sk": {"S": "KEY"}},
        ConditionExpression="attribute_exists(pk)",
    )


def test_the_search_finds_whoever_is_planted_in_each_place(run: Run) -> None:
    """Last, since a metric stays."""
    scanner = Scanner(tuple(control.PEOPLE.values()))
    began = datetime.now(UTC) - timedelta(seconds=1)
    with control.planted(run.cloud):
        everywhere = places.everywhere(run.cloud, began)
        for place in PLACES:
            found = places.search(scanner, everywhere[place]()).sightings
            assert control.seen(found) == set(control.WRITINGS), place

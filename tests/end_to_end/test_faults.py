"""What may go wrong on the way: wrong files, dead letters, copies, killed workers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.demo import STORIES, Errand, Screen, errand_of
from infra.local.files import a_file
from infra.local.mini_program import Client, Partners, Refused
from infra.local.redrive import redrive
from infra.local.republish import republish
from tests.support.laptop_cloud import LaptopCloud
from tests.support.workers import kill_step_workers, tick
from zerotrip.kernel.bus import EventBridge

FOOD = next(story for story in STORIES if story.folder == "food-business-licence")
PATIENCE_SECONDS = 60


@pytest.fixture
def errand(cloud: LaptopCloud) -> Errand:
    """A company's application for a food licence, not handed in yet."""
    return errand_of(FOOD, cloud.home, Screen(quiet=True), Partners.of(cloud.home))


@pytest.fixture
def company(cloud: LaptopCloud) -> Client:
    """The company's client."""
    return Client(cloud.api_url, Partners.of(cloud.home)).sign_in_by_oidc("wang")


def test_a_wrong_upload_is_refused_with_a_reason(
    errand: Errand, company: Client
) -> None:
    application = company.draft(errand.item.code, errand.example.form)
    pretending = b"#!/bin/sh\nexit 0\n" + b"-" * 600
    company.upload(f"applications/{application}", "floor_plan", "image/png", pretending)

    def refused() -> bool:
        draft, _ = company.call("GET", f"/v1/applications/{application}")
        return [slot["state"] for slot in draft["materials"]] == ["refused"]

    _until(refused)
    draft, _ = company.call("GET", f"/v1/applications/{application}")
    reason = draft["materials"][0]["reason"]
    assert reason["code"] == "material_type_wrong"
    assert reason["zh"]


def test_a_draft_changed_elsewhere_is_not_overwritten(
    errand: Errand, company: Client
) -> None:
    application = company.draft(errand.item.code, errand.example.form)
    path = f"/v1/applications/{application}"
    with pytest.raises(Refused) as refused:
        company.call("PUT", path, {"form": {}}, {"If-Match": '"v1"'})
    assert (refused.value.status, refused.value.problem["code"]) == (
        412,
        "draft_changed",
    )
    with pytest.raises(Refused) as missing:
        company.call("PUT", path, {"form": {}})
    assert missing.value.status == 428


def test_nobody_else_learns_of_a_case(
    cloud: LaptopCloud, errand: Errand, company: Client
) -> None:
    errand._apply(company)
    stranger = Client(cloud.api_url, errand.partners).sign_in_by_wechat("zhang")
    answers = []
    for case_no in (errand.case_no, "1" * 45):
        with pytest.raises(Refused) as refused:
            stranger.call("GET", f"/v1/cases/{case_no}")
        problem = {**refused.value.problem, "instance": ""}
        answers.append((refused.value.status, problem))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
    with pytest.raises(Refused) as forbidden:
        stranger.call("GET", "/v1/worklist")
    assert forbidden.value.status == 403


def test_a_dead_letter_says_why_and_the_case_goes_on_after_the_fix(
    cloud: LaptopCloud, errand: Errand, company: Client
) -> None:
    keys, sqs = cloud.client("dynamodb"), cloud.client("sqs")
    dead_letters = _dead_letters_of(cloud, "pre_review")
    application = company.draft(errand.item.code, errand.example.form)
    where = {
        "TableName": cloud.outputs["KeysTable"],
        "Key": {
            "pk": {"S": f"441882#APP#{application}"},
            "sk": {"S": "KEY"},
        },
    }
    for material, facts in errand.example.materials.items():
        content = a_file(facts["type"], facts["size_bytes"])
        company.upload(f"applications/{application}", material, facts["type"], content)
    case_no = company.submit(application)
    row = keys.get_item(**where)["Item"]
    # Somebody destroyed the key of a case that is under way.
    keys.delete_item(**where)
    _until(lambda: len(_letters_about(sqs, dead_letters, case_no)) == 1)
    (letter,) = _letters_about(sqs, dead_letters, case_no)
    said = {
        name: value["StringValue"]
        for name, value in letter["MessageAttributes"].items()
    }
    assert said["code"] == "data_key_destroyed"
    assert said["step"] == "pre_review"
    assert said["original_message_id"]
    keys.put_item(TableName=where["TableName"], Item=row)
    moved = redrive(sqs, dead_letters, cloud.outputs.queue_url("pre_review"))
    assert moved.moved >= 1
    company.wait(case_no, lambda case: case["stage"] == "in_review", PATIENCE_SECONDS)
    assert _letters_about(sqs, dead_letters, case_no) == []


def test_every_event_published_again_changes_nothing(
    cloud: LaptopCloud, errand: Errand
) -> None:
    began = datetime.now(UTC)
    done = errand.run()
    _until(lambda: _quiet(cloud))
    before = _rows(cloud, errand.case_no)
    republished = republish(
        cloud.client("dynamodb"),
        cloud.outputs["RecordsTable"],
        EventBridge(cloud.client("events"), cloud.outputs["EventBusName"]),
        began,
        datetime.now(UTC),
    )
    assert republished.published == republished.found >= 10
    _until(lambda: _quiet(cloud))
    assert _rows(cloud, errand.case_no) == before
    assert done["state"] == "completed"


@pytest.mark.verify
def test_killed_workers_lose_nothing(
    cloud: LaptopCloud, errand: Errand, company: Client
) -> None:
    errand._apply(company)
    killed = 0
    for _ in range(6):
        killed += kill_step_workers(cloud)
        time.sleep(0.3)
    assert killed > 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    instant = datetime.now(UTC)
    while company.case(errand.case_no)[0]["stage"] != "in_review":
        assert time.monotonic() < deadline, "the case does not go on"
        instant += timedelta(hours=1)
        tick(cloud, instant)
        time.sleep(1)
    errand._decide()
    kill_step_workers(cloud)
    while company.case(errand.case_no)[0]["stage"] != "completed":
        assert time.monotonic() < deadline + PATIENCE_SECONDS, "it does not end"
        instant += timedelta(hours=1)
        tick(cloud, instant)
        time.sleep(1)
    case, _ = company.case(errand.case_no)
    assert company.licence_file(case["licence_id"]).startswith(b"%PDF")


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come in time"
        time.sleep(0.25)


def _letters_about(sqs: Any, queue: str, case_no: str) -> list[dict[str, Any]]:
    """The dead letters of one case: other tests bury theirs in the same queue."""
    found = {}
    for _ in range(5):
        answer = sqs.receive_message(
            QueueUrl=queue,
            MessageAttributeNames=["All"],
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
        )
        for letter in answer.get("Messages", []):
            if case_no in letter["Body"]:
                found[letter["MessageId"]] = letter
    return list(found.values())


def _dead_letters_of(cloud: LaptopCloud, step: str) -> str:
    sqs = cloud.client("sqs")
    attributes = sqs.get_queue_attributes(
        QueueUrl=cloud.outputs.queue_url(step), AttributeNames=["RedrivePolicy"]
    )["Attributes"]
    arn = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"]
    return str(sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"])


def _depth(sqs: Any, url: str) -> int:
    counted = sqs.get_queue_attributes(
        QueueUrl=url,
        AttributeNames=[
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
        ],
    )["Attributes"]
    return sum(map(int, counted.values()))


def _quiet(cloud: LaptopCloud) -> bool:
    """No message waits or is being worked on in any step's queue."""
    sqs = cloud.client("sqs")
    urls = [
        value
        for name, value in cloud.outputs.values.items()
        if name.endswith("QueueUrl")
    ]
    return all(_depth(sqs, url) == 0 for url in urls)


def _rows(cloud: LaptopCloud, case_no: str) -> list[dict[str, Any]]:
    found = cloud.client("dynamodb").query(
        TableName=cloud.outputs["RecordsTable"],
        KeyConditionExpression="pk = :p",
        ExpressionAttributeValues={":p": {"S": f"441882#CASE#{case_no}"}},
        ConsistentRead=True,
    )
    return sorted(found["Items"], key=lambda row: row["sk"]["S"])

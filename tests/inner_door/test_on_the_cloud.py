"""The same at the deployed queues: a handful of forgeries for every function."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.home import locked
from infra.local.mini_program import Partners
from infra.local.seed import tables_of
from tests.canary.errands import REPLACEMENT, Errand
from tests.canary.marks import Marks
from tests.canary.places import peek
from tests.canary.playing import patiently, until, whole
from tests.inner_door.doors import consumers
from tests.inner_door.forgeries import STORAGE_STEPS, Forgery, of_events, of_storage
from tests.support.laptop_cloud import HOMES, LaptopCloud
from zerotrip.cases.model import case_key
from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.records import Records
from zerotrip.materials.storage_events import ObjectCreated, created_message

pytestmark = pytest.mark.cloud
TENANT = "441882"
PATIENCE_SECONDS = 120
CHOSEN = {
    "not JSON", "SNS-wrapped", "foreign tenant", "claimed actor", "wrong seq",
    "a case nobody has", "schema of tomorrow", "unknown kind", "next steps invented",
    "foreign bucket", "a key nobody opened", "no such version", "no version",
}  # fmt: skip
BUT = {"claimed actor", "no such version"}
"""Ignored by a storage step, whose object was dealt with before."""


@dataclass
class Scene:
    """An errand that has ended, and its history."""

    cloud: LaptopCloud
    errand: Errand
    history: tuple[EventRow, ...]

    def rows(self) -> dict[tuple[str, str], str]:
        """Every row of the case, its draft, and what belongs to it, in full."""
        own = (self.errand.case_no, self.errand.application)
        client = self.cloud.client("dynamodb")
        found = {}
        for table in ("RecordsTable", "DraftsTable", "KeysTable", "AnswersTable"):
            pages = client.get_paginator("scan").paginate(
                TableName=self.cloud.outputs[table], ConsistentRead=True
            )
            for page in pages:
                for row in page["Items"]:
                    text = json.dumps(row, sort_keys=True, default=bytes.hex)
                    if any(each in text for each in own):
                        found[row["pk"]["S"], row["sk"]["S"]] = text
        return found

    def files(self) -> set[tuple[str, str, str]]:
        """Every version of every object of the two buckets that storage tells of."""
        s3 = self.cloud.client("s3")
        found = set()
        for bucket in ("UploadsBucket", "LicencesBucket"):
            pages = s3.get_paginator("list_object_versions")
            for page in pages.paginate(Bucket=self.cloud.outputs[bucket]):
                for each in page.get("Versions", []):
                    found.add((bucket, each["Key"], each["VersionId"]))
        return found

    def genuine(self, step: str) -> str:
        """A message that this step has had, or one as it would have had it."""
        if step in STORAGE_STEPS:
            name = "UploadsBucket" if step == "receive_material" else "LicencesBucket"
            mine = (self.errand.application, self.errand.case_no)
            (key, version), *_ = [
                (key, version)
                for bucket, key, version in sorted(self.files())
                if bucket == name and any(each in key for each in mine)
            ]
            stored = ObjectCreated(self.cloud.outputs[name], key, version)
            return json.dumps(created_message(stored, 9))
        asked = [row for row in self.history if step in row.next_steps]
        return cloud_event((asked or list(self.history))[0]).model_dump_json()

    def forged(self, step: str) -> list[Forgery]:
        """The chosen forgeries of that step's message."""
        genuine = self.genuine(step)
        if step in STORAGE_STEPS:
            key = f"{TENANT}/none"
            return [
                each for each in of_storage(genuine, key) if each.name in CHOSEN - BUT
            ]
        others = {}
        if step not in ("archive_events", "notify"):  # both take this event as it is
            others["CASE"] = self.history[-1]
        forged = of_events(genuine, others, "1" * 45)
        names = CHOSEN | {"next steps invented for CASE"}
        return [each for each in forged if each.name in names]


@pytest.fixture(scope="module")
def scene(cloud: LaptopCloud) -> Iterator[Scene]:
    with locked(HOMES / "in-use.lock"):
        partners = Partners.of(cloud.home)
        errand = Errand(cloud, partners, REPLACEMENT, Marks(40))
        whole(errand)
        records = Records(tables_of(cloud.home, cloud.outputs))
        made = Scene(cloud, errand, records.history(case_key(TENANT, errand.case_no)))
        _still(made)
        yield made


def test_forged_messages_at_every_queue_do_nothing_and_are_coded(scene: Scene) -> None:
    rows, files = scene.rows(), scene.files()
    sqs = scene.cloud.client("sqs")
    sent: dict[str, list[Forgery]] = {}
    for step in consumers():
        sent[step] = scene.forged(step)
        for each in sent[step]:
            sqs.send_message(
                QueueUrl=scene.cloud.outputs.queue_url(step), MessageBody=each.body
            )
    assert all(len(forged) >= 5 for forged in sent.values())
    for step, forged in sent.items():
        letters = _letters(scene.cloud, step, {each.body for each in forged})
        for each in forged:
            told = letters[each.body]
            # What is about a case is no business of the step that publishes items.
            other_kind = {"step_not_asked"} if step == "publish_item" else set()
            assert told["code"] in each.codes | other_kind, (step, each.name)
            assert told["step"] == step
    assert scene.rows() == rows
    assert scene.files() == files


def test_work_goes_on_beside_them(scene: Scene) -> None:
    errand = Errand(scene.cloud, Partners.of(scene.cloud.home), REPLACEMENT, Marks(41))
    patiently(errand.sign_in)
    patiently(errand.hand_in)
    found = errand.client.wait(
        errand.case_no, lambda case: case["stage"] == "in_review", PATIENCE_SECONDS
    )
    assert found["stage"] == "in_review"


def _letters(
    cloud: LaptopCloud, step: str, bodies: set[str]
) -> dict[str, dict[str, str]]:
    """What the step's dead letters say of these bodies."""
    sqs = cloud.client("sqs")
    url = cloud.outputs.queue_url(step)
    policy = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    arn = json.loads(policy["Attributes"]["RedrivePolicy"])["deadLetterTargetArn"]
    dead = sqs.get_queue_url(QueueName=arn.rpartition(":")[2])["QueueUrl"]
    found: dict[str, dict[str, str]] = {}

    def all_there() -> bool:
        for letter in peek(sqs, dead):
            if letter["Body"] in bodies:
                said = letter["MessageAttributes"]
                found[letter["Body"]] = {n: v["StringValue"] for n, v in said.items()}
        return found.keys() == bodies

    until(all_there)
    return found


def _still(scene: Scene) -> None:
    """The parcel has arrived and every notice is written: nothing moves any more."""
    seen: list[Any] = []

    def unmoved() -> bool:
        seen.append(scene.rows())
        return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

    until(unmoved)

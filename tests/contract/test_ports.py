"""What the other ports promise, kept by the simulator's adapters and by the real ones.

Objects, data keys, queues, the stream and the bus's rules; tables have a suite of their
own. Each promise is one test over both; where the emulator keeps a promise otherwise
than AWS documents it, the test says so.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import pytest

from infra.local.home import Home
from tests.contract.emulator import create_tables, running_emulator
from tests.simulation.adapters import Outside, SimulatedKeys, SimulatedObjects
from tests.simulation.cloud import Cloud, Queue
from tests.simulation.faults import Faults
from tests.simulation.scheduler import Scheduler
from tests.simulation.template import MAX_RECEIVES, matches, queue_functions
from zerotrip.kernel.objects import AlreadyWritten, Objects, S3Objects
from zerotrip.kernel.sealing import KeyService, KmsKeys, WrappedElsewhere
from zerotrip.kernel.tables import Expect, Put, StoredRow

_numbers = itertools.count(1)
VISIBILITY_SECONDS = 1


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as home:
        yield home


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(seed=1)


# objects


@pytest.fixture(params=["simulated", "s3"])
def objects(request: pytest.FixtureRequest, scheduler: Scheduler) -> Objects:
    if request.param == "simulated":
        return SimulatedObjects(bucket="b", outside=Outside(scheduler, Faults()))
    client = request.getfixturevalue("emulator").client("s3")
    bucket = f"contract-{next(_numbers)}"
    client.create_bucket(Bucket=bucket)
    client.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}
    )
    return S3Objects(client, bucket)


def test_what_is_not_there_is_none(objects: Objects) -> None:
    assert objects.get("no/such") is None
    assert objects.newest_version("no/such") is None


def test_each_version_stays_readable(objects: Objects) -> None:
    first = objects.put("a/b 中.txt", b"one", content_type="text/plain")
    second = objects.put("a/b 中.txt", b"second", content_type="text/plain")
    assert first != second
    old, new = objects.get("a/b 中.txt", first), objects.get("a/b 中.txt")
    assert old is not None
    assert new is not None
    assert (old.content, new.content) == (b"one", b"second")
    assert new.version_id == second
    assert objects.newest_version("a/b 中.txt") == (second, 6)


def test_a_key_that_is_written_once_stays_as_it_was(objects: Objects) -> None:
    kept = objects.put_once("x.pdf", b"first", content_type="application/pdf")
    with pytest.raises(AlreadyWritten):
        objects.put_once("x.pdf", b"other", content_type="application/pdf")
    assert objects.newest_version("x.pdf") == (kept, 5)


def test_the_checksum_and_the_metadata_come_back(objects: Objects) -> None:
    objects.put_once("m", b"abc", content_type="text/plain", metadata={"k": "v"})
    stored = objects.get("m")
    assert stored is not None
    checksum = base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    assert stored.sha256 == checksum
    assert (dict(stored.metadata), stored.content_type) == ({"k": "v"}, "text/plain")


def test_first_versions_are_told_by_key(objects: Objects) -> None:
    first = objects.put("p/2", b"old", content_type="text/plain")
    objects.put("p/2", b"newer", content_type="text/plain")
    objects.put("p/1", b"x", content_type="text/plain")
    objects.put("q/0", b"x", content_type="text/plain")
    found = objects.first_versions("p/")
    assert [each.key for each in found] == ["p/1", "p/2"]
    assert (found[1].version_id, found[1].size_bytes) == (first, 3)
    assert (objects.first_key("p/"), objects.first_key("r/")) == ("p/1", None)


# data keys


@pytest.fixture(params=["simulated", "kms"])
def keys(request: pytest.FixtureRequest, scheduler: Scheduler) -> KeyService:
    if request.param == "simulated":
        return SimulatedKeys(outside=Outside(scheduler, Faults()))
    client = request.getfixturevalue("emulator").client("kms")
    return KmsKeys(client, client.create_key()["KeyMetadata"]["KeyId"])


def test_a_data_key_opens_under_its_own_context_only(keys: KeyService) -> None:
    plain, wrapped = keys.generate({"tenant": "441882", "owner": "APP#1"})
    assert len(plain) == 32
    assert plain not in wrapped
    assert keys.unwrap(wrapped, {"tenant": "441882", "owner": "APP#1"}) == plain
    with pytest.raises(WrappedElsewhere):
        keys.unwrap(wrapped, {"tenant": "441882", "owner": "APP#2"})


def test_no_two_data_keys_are_alike(keys: KeyService) -> None:
    made = {keys.generate({"tenant": "441882", "owner": "APP#1"}) for _ in range(3)}
    assert len({plain for plain, _ in made}) == 3


# queues


class Waiting(Protocol):
    """A queue as its poller sees it."""

    def send(self, body: str) -> None: ...
    def receive(self) -> list[tuple[Any, str, int]]:
        """Receipt, body, how often received, this time included."""

    def delete(self, receipt: Any) -> None: ...
    def let_visibility_pass(self) -> None: ...
    def dead(self) -> list[str]: ...


@dataclass
class SimulatedQueue:
    scheduler: Scheduler
    queue: Queue

    def send(self, body: str) -> None:
        self.queue.send(body, delay=(0.0, 0.0))
        self.scheduler.run(self.scheduler.now)

    def receive(self) -> list[tuple[Any, str, int]]:
        return [(m, m.body, m.receives) for m in self.queue.receive(10)]

    def delete(self, receipt: Any) -> None:
        self.queue.delete(receipt)

    def let_visibility_pass(self) -> None:
        seconds = self.queue.spec.visibility_seconds + 1
        self.scheduler.run(self.scheduler.now + timedelta(seconds=seconds))

    def dead(self) -> list[str]:
        return [message.body for message in self.queue.dead]


@dataclass
class SqsQueue:
    client: Any
    url: str = ""
    dead_url: str = ""

    def __post_init__(self) -> None:
        name = f"contract-{next(_numbers)}"
        self.dead_url = self.client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
        arn = self.client.get_queue_attributes(
            QueueUrl=self.dead_url, AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        policy = {"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES}
        self.url = self.client.create_queue(
            QueueName=name,
            Attributes={
                "VisibilityTimeout": str(VISIBILITY_SECONDS),
                "RedrivePolicy": json.dumps(policy),
            },
        )["QueueUrl"]

    def send(self, body: str) -> None:
        self.client.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self) -> list[tuple[Any, str, int]]:
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            AttributeNames=["ApproximateReceiveCount"],
        )
        return [
            (
                each["ReceiptHandle"],
                each["Body"],
                int(each["Attributes"]["ApproximateReceiveCount"]),
            )
            for each in answer.get("Messages", [])
        ]

    def delete(self, receipt: Any) -> None:
        self.client.delete_message(QueueUrl=self.url, ReceiptHandle=receipt)

    def let_visibility_pass(self) -> None:
        time.sleep(VISIBILITY_SECONDS + 0.1)

    def dead(self) -> list[str]:
        answer = self.client.receive_message(
            QueueUrl=self.dead_url, MaxNumberOfMessages=10
        )
        return [each["Body"] for each in answer.get("Messages", [])]


@pytest.fixture(params=["simulated", "sqs"])
def queue(request: pytest.FixtureRequest, scheduler: Scheduler) -> Waiting:
    if request.param == "sqs":
        return SqsQueue(request.getfixturevalue("emulator").client("sqs"))
    cloud = Cloud(scheduler, Faults())
    cloud.queues["submit"].polling = False
    return SimulatedQueue(scheduler, cloud.queues["submit"])


def test_a_message_in_work_is_hidden_until_its_time_is_over(queue: Waiting) -> None:
    queue.send("one")
    ((_, body, count),) = queue.receive()
    assert (body, count) == ("one", 1)
    assert queue.receive() == []
    queue.let_visibility_pass()
    assert [(body, count) for _, body, count in queue.receive()] == [("one", 2)]


def test_a_deleted_message_never_comes_again(queue: Waiting) -> None:
    queue.send("one")
    queue.send("two")
    for receipt, body, _ in queue.receive():
        if body == "one":
            queue.delete(receipt)
    queue.let_visibility_pass()
    assert [body for _, body, _ in queue.receive()] == ["two"]


def test_what_was_received_too_often_goes_to_the_dead_letters(queue: Waiting) -> None:
    queue.send("poison")
    for count in range(1, MAX_RECEIVES + 1):
        assert [c for _, _, c in queue.receive()] == [count]
        queue.let_visibility_pass()
    assert queue.receive() == []
    assert queue.dead() == ["poison"]


# the bus's rules


def test_rules_match_as_event_bridge_says(emulator: Home) -> None:
    client = emulator.client("events")
    patterns = [
        spec.pattern for spec in queue_functions().values() if spec.pattern is not None
    ]
    assert len(patterns) > 5
    for steps, kind in (
        (["submit"], "zerotrip.case.received.v1"),
        (["pre_review", "advance_case"], "zerotrip.case.submitted.v1"),
        ([], "zerotrip.notice.sent.v1"),
        (["advance_case"], "zerotrip.bill.settled.v1"),
    ):
        event = {
            "source": "zerotrip",
            "detail-type": kind,
            "detail": {"data": {"next_steps": steps}},
        }
        envelope = {
            "id": "1",
            "account": "000000000000",
            "time": "2026-11-20T00:00:00Z",
            "region": "local",
            "resources": [],
            **event,
        }
        for pattern in patterns:
            said = client.test_event_pattern(
                EventPattern=json.dumps(pattern), Event=json.dumps(envelope)
            )["Result"]
            assert matches(pattern, event) is said, (pattern, event)


# the stream


def test_a_keys_events_come_in_the_order_of_their_transactions(
    emulator: Home, scheduler: Scheduler
) -> None:
    keys = ["441882#CASE#A", "441882#CASE#B"]
    rows = [
        StoredRow(pk, f"EVENT#step#{number}", {"n": number}, version=None)
        for number in range(4)
        for pk in keys
    ]
    cloud = Cloud(scheduler, Faults())
    cloud.stream.reading = False
    for row in rows:
        cloud.stream.committed([Put("records", row, Expect(absent=True))])
    simulated = [record for shard in cloud.stream._shards for _, record in shard]
    client = emulator.client("dynamodb")
    names = create_tables(client)
    client.update_table(
        TableName=names["records"],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    for row in rows:
        item = {"pk": {"S": row.pk}, "sk": {"S": row.sk}, "data": {"S": "{}"}}
        client.put_item(TableName=names["records"], Item=item)
    real = _stream_records(emulator, names["records"])
    for found in (simulated, real):
        assert {record["eventName"] for record in found} == {"INSERT"}
        for pk in keys:
            order = [
                record["dynamodb"]["NewImage"]["sk"]["S"]
                for record in found
                if record["dynamodb"]["NewImage"]["pk"]["S"] == pk
            ]
            assert order == [f"EVENT#step#{number}" for number in range(4)]


def _stream_records(emulator: Home, table: str) -> list[dict[str, Any]]:
    arn = emulator.client("dynamodb").describe_table(TableName=table)["Table"][
        "LatestStreamArn"
    ]
    client = emulator.client("dynamodbstreams")
    found: list[dict[str, Any]] = []
    shards = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    for shard in shards:
        iterator = client.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found += client.get_records(ShardIterator=iterator)["Records"]
    return found

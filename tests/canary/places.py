"""Everywhere on the laptop cloud where something is kept or told, piece by piece.

Allowed to hold a person, so their content is not read here: uploaded files and signed
licences (they are the product), and what partners were told on purpose.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.canary.scanner import Finding, Scanner
from tests.support.laptop_cloud import LaptopCloud

TAP = "zerotrip-local-canary-tap"
_PEEK_SECONDS = 20
_MOST_LINES = 10_000
_AT_ONCE = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes, and where they were found."""

    place: str
    where: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Sighting:
    """A person in clear, and where."""

    place: str
    where: str
    finding: Finding


def logs(cloud: LaptopCloud, since: datetime) -> Iterator[Piece]:
    """Every line that every function logged; embedded metrics would be lines too."""
    client = cloud.client("logs")
    began, now = _milliseconds(since), _milliseconds(datetime.now(UTC)) + 1
    for page in client.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            name = group["logGroupName"]
            for line in _lines(client, name, began, now):
                yield Piece("logs", name, line.encode())


def _lines(client: Any, group: str, start: int, end: int) -> Iterator[str]:
    """The lines of a time; of two halves of it where they are too many for one answer.

    The emulator answers with 10,000 lines at most, and with no word of the rest.
    """
    found = client.filter_log_events(logGroupName=group, startTime=start, endTime=end)
    if len(found["events"]) < _MOST_LINES or end - start < 2:
        yield from (event["message"] for event in found["events"])
        return
    middle = (start + end) // 2
    yield from _lines(client, group, start, middle)
    yield from _lines(client, group, middle + 1, end)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def output(cloud: LaptopCloud) -> Iterator[Piece]:
    """What gateway, door, sandboxes and the functions' processes printed."""
    for path in sorted(cloud.home.path.glob("*.log")):
        for line in path.read_bytes().splitlines():
            yield Piece("output", path.name, line)


def metrics(cloud: LaptopCloud) -> Iterator[Piece]:
    """Names and dimensions of all metrics."""
    pages = cloud.client("cloudwatch").get_paginator("list_metrics").paginate()
    for page in pages:
        for metric in page["Metrics"]:
            yield Piece("metrics", metric["MetricName"], _json(metric))


def queues(cloud: LaptopCloud, planted: frozenset[str]) -> Iterator[Piece]:
    """Bodies and attributes of what waits: dead letters, and whatever has no reader.

    A body that the test itself put there, unchanged, is its own; its attributes are
    the product's.
    """
    sqs = cloud.client("sqs")
    read = {
        mapping["EventSourceArn"].rpartition(":")[2]
        for mapping in _mappings(cloud)
        if mapping["State"] == "Enabled"
    }
    for url in sqs.list_queues()["QueueUrls"]:
        name = url.rpartition("/")[2]
        if name not in read:
            for message in peek(sqs, url):
                if message["Body"] not in planted:
                    yield Piece("queues", name, message["Body"].encode())
                told = {
                    key: message.get(key) for key in ("MessageAttributes", "Attributes")
                }
                yield Piece("queues", f"{name} attributes", _json(told))


def peek(sqs: Any, url: str) -> list[dict[str, Any]]:
    """All messages that wait in a queue, left where they are."""
    found: dict[str, dict[str, Any]] = {}
    while True:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=_PEEK_SECONDS,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        found |= {message["MessageId"]: message for message in messages}
        if not messages:
            break
    for message in found.values():
        sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    return list(found.values())


def stream(cloud: LaptopCloud, since: datetime) -> Iterator[Piece]:
    """What was written to the records table's stream since then."""
    client = cloud.client("dynamodbstreams")
    for found in client.list_streams()["Streams"]:
        arn = found["StreamArn"]
        described = client.describe_stream(StreamArn=arn)["StreamDescription"]
        for shard in described["Shards"]:
            iterator = client.get_shard_iterator(
                StreamArn=arn,
                ShardId=shard["ShardId"],
                ShardIteratorType="TRIM_HORIZON",
            )["ShardIterator"]
            while iterator:
                answer = client.get_records(ShardIterator=iterator)
                if not answer["Records"]:
                    break
                for record in answer["Records"]:
                    if record["dynamodb"]["ApproximateCreationDateTime"] < since:
                        continue
                    yield Piece("stream", found["TableName"], _json(record))
                iterator = answer.get("NextShardIterator")


def objects(cloud: LaptopCloud) -> Iterator[Piece]:
    """Keys, metadata and tags of every object; content where no file of a person is."""
    s3 = cloud.client("s3")
    files = {cloud.outputs["UploadsBucket"], cloud.outputs["LicencesBucket"]}
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name.endswith("-artifacts"):  # our own code, put there by the deployment
            continue
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
            for version in page.get("Versions", []):
                at = {"Bucket": name, "Key": version["Key"]}
                head = s3.head_object(**at, VersionId=version["VersionId"])
                said = {"key": version["Key"], "metadata": head["Metadata"]}
                said |= {n: str(head.get(n, "")) for n in _TOLD_OF_AN_OBJECT}
                said["tags"] = s3.get_object_tagging(**at)["TagSet"]
                yield Piece("objects", name, _json(said))
                if name not in files:
                    got = s3.get_object(**at, VersionId=version["VersionId"])
                    yield Piece("objects", f"{name} content", got["Body"].read())


_TOLD_OF_AN_OBJECT = ("ContentType", "ContentDisposition", "CacheControl")


def tables(cloud: LaptopCloud) -> Iterator[Piece]:
    """Every attribute of every row of every table."""
    client = cloud.client("dynamodb")
    for name in client.list_tables()["TableNames"]:
        for page in client.get_paginator("scan").paginate(TableName=name):
            for row in page["Items"]:
                yield Piece("tables", name, _json(row))


def everywhere(
    cloud: LaptopCloud, since: datetime, planted: frozenset[str] = frozenset()
) -> dict[str, Callable[[], Iterator[Piece]]]:
    """All places, by name; of logs and stream what came since then."""
    return {
        "logs": lambda: logs(cloud, since),
        "output": lambda: output(cloud),
        "metrics": lambda: metrics(cloud),
        "queues": lambda: queues(cloud, planted),
        "stream": lambda: stream(cloud, since),
        "objects": lambda: objects(cloud),
        "tables": lambda: tables(cloud),
    }


@dataclass
class Searched:
    """What was read in one place, and who was seen there."""

    pieces: int
    content_bytes: int
    sightings: list[Sighting]


def search(scanner: Scanner, pieces: Iterator[Piece]) -> Searched:
    """Scans pieces, many at a time; only where one holds somebody, one by one."""
    done = Searched(0, 0, [])
    waiting: list[Piece] = []
    size = 0
    for piece in pieces:
        waiting.append(piece)
        size += len(piece.content)
        if size > _AT_ONCE:
            _look(scanner, waiting, done)
            waiting, size = [], 0
    _look(scanner, waiting, done)
    return done


def _look(scanner: Scanner, waiting: list[Piece], done: Searched) -> None:
    done.pieces += len(waiting)
    joined = b"\n\n".join(piece.content for piece in waiting)
    done.content_bytes += len(joined)
    if scanner.search(joined):
        done.sightings += [
            Sighting(piece.place, piece.where, finding)
            for piece in waiting
            for finding in scanner.search(piece.content)
        ]


@contextmanager
def tapped(cloud: LaptopCloud) -> Iterator[str]:
    """A queue of our own that gets a copy of every event, as each step's does."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName=TAP)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    bus = cloud.outputs["EventBusName"]
    events.put_rule(
        Name=TAP, EventBusName=bus, EventPattern=json.dumps({"source": ["zerotrip"]})
    )
    target = {"Id": TAP, "Arn": arn["Attributes"]["QueueArn"], "InputPath": "$.detail"}
    events.put_targets(Rule=TAP, EventBusName=bus, Targets=[target])
    try:
        yield url
    finally:
        events.remove_targets(Rule=TAP, EventBusName=bus, Ids=[TAP])
        events.delete_rule(Name=TAP, EventBusName=bus)
        sqs.delete_queue(QueueUrl=url)


@contextmanager
def paused(cloud: LaptopCloud, *steps: str) -> Iterator[None]:
    """These steps read nothing meanwhile, so that their messages can be looked at."""
    client = cloud.client("lambda")
    chosen = [
        mapping["UUID"]
        for mapping in _mappings(cloud)
        for step in steps
        if mapping["EventSourceArn"].endswith(f":zerotrip-local-{step}")
    ]
    for uuid in chosen:
        client.update_event_source_mapping(UUID=uuid, Enabled=False)
    try:
        yield
    finally:
        for uuid in chosen:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)


def _mappings(cloud: LaptopCloud) -> list[dict[str, Any]]:
    answer = cloud.client("lambda").list_event_source_mappings()
    return list(answer["EventSourceMappings"])


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_shown).encode()


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()  # the scanner reads hexadecimal too
    return str(value)

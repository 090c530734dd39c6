"""Plants marked persons in every place, in several writings, and takes them away again.

The search must find each of them: otherwise "nothing was found" says nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from tests.canary.marks import Marks
from tests.canary.places import Sighting
from tests.support.laptop_cloud import LaptopCloud

NAME = "zerotrip-local-canary-control"
WRITINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "URL-encoded": quote,
    "JSON-escaped": lambda name: json.dumps(name).strip('"'),
    "base64": lambda name: base64.b64encode(f'{{"n":"{name}"}}'.encode()).decode(),
    "hashed": lambda name: hashlib.sha256(name.encode()).hexdigest(),
}
PEOPLE = {writing: Marks(9000 + place) for place, writing in enumerate(WRITINGS)}


def written() -> list[str]:
    """One text for each writing, each with a person of its own."""
    return [write(PEOPLE[name].name) for name, write in WRITINGS.items()]


def seen(sightings: list[Sighting]) -> set[str]:
    """The writings that a search has found."""
    found = set()
    for writing, person in PEOPLE.items():
        hashed = WRITINGS["hashed"](person.name)
        for each in sightings:
            if person.name in each.finding.around or each.finding.found == hashed:
                found.add(writing)
    return found


@contextmanager
def planted(cloud: LaptopCloud) -> Iterator[None]:
    """All writings in all places, as long as the block runs."""
    with ExitStack() as stack:
        for plant in (_logs, _output, _metrics, _queues, _rows, _objects):
            stack.enter_context(plant(cloud))
        yield


@contextmanager
def _logs(cloud: LaptopCloud) -> Iterator[None]:
    client = cloud.client("logs")
    client.create_log_group(logGroupName=NAME)
    client.create_log_stream(logGroupName=NAME, logStreamName=NAME)
    now = int(time.time() * 1000)
    lines = [{"timestamp": now, "message": f'{{"code":"{t}"}}'} for t in written()]
    client.put_log_events(logGroupName=NAME, logStreamName=NAME, logEvents=lines)
    yield
    client.delete_log_group(logGroupName=NAME)


@contextmanager
def _output(cloud: LaptopCloud) -> Iterator[None]:
    path = cloud.home.path / f"{NAME}.log"
    path.write_text("\n".join(written()), encoding="utf-8")
    yield
    path.unlink()


@contextmanager
def _metrics(cloud: LaptopCloud) -> Iterator[None]:
    told = [
        {
            "MetricName": NAME,
            "Value": 1.0,
            "Dimensions": [{"Name": "who", "Value": text}],
        }
        for text in written()
    ]
    cloud.client("cloudwatch").put_metric_data(Namespace=NAME, MetricData=told)
    yield  # a metric cannot be taken away: this control comes last


@contextmanager
def _queues(cloud: LaptopCloud) -> Iterator[None]:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=NAME)["QueueUrl"]
    for place, text in enumerate(written()):
        told = {"reason": {"DataType": "String", "StringValue": text}}
        if place % 2:
            sqs.send_message(QueueUrl=url, MessageBody="{}", MessageAttributes=told)
        else:
            sqs.send_message(QueueUrl=url, MessageBody=text)
    yield
    sqs.delete_queue(QueueUrl=url)


@contextmanager
def _rows(cloud: LaptopCloud) -> Iterator[None]:
    """Into a table, and so into its stream; ciphertext's attribute among them."""
    client, table = cloud.client("dynamodb"), cloud.outputs["RecordsTable"]
    keys = []
    for place, text in enumerate(written()):
        key = {"pk": {"S": f"441882#CONTROL#{place}"}, "sk": {"S": "CONTROL"}}
        held = {"sealed": {"B": text.encode()}} if place % 2 else {"data": {"S": text}}
        client.put_item(TableName=table, Item={**key, **held})
        keys.append(key)
    yield
    for key in keys:
        client.delete_item(TableName=table, Key=key)


@contextmanager
def _objects(cloud: LaptopCloud) -> Iterator[None]:
    """As a key, as metadata, as a tag and as the content of what is no file."""
    s3, bucket = cloud.client("s3"), cloud.outputs["CatalogueBucket"]
    plain, url, escaped, encoded, hashed = written()
    stored = [
        s3.put_object(Bucket=bucket, Key=f"control/{plain}", Body=b"x"),
        s3.put_object(
            Bucket=bucket,
            Key="control/2",
            Body=b"x",
            Metadata={"who": url, "also": encoded},
        ),
        s3.put_object(Bucket=bucket, Key="control/3", Body=escaped.encode()),
        s3.put_object(
            Bucket=bucket, Key="control/4", Body=b"x", Tagging=f"who={hashed}"
        ),
    ]
    yield
    keys = (f"control/{plain}", "control/2", "control/3", "control/4")
    for key, made in zip(keys, stored, strict=True):
        s3.delete_object(Bucket=bucket, Key=key, VersionId=made["VersionId"])

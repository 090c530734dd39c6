"""The laptop cloud itself: what every other end-to-end test stands on."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

import pytest

from infra.local.redrive import redrive
from tests.support.laptop_cloud import LaptopCloud
from tests.template.application import functions, nested, resources


def ask(url: str, headers: dict[str, str] | None = None) -> tuple[int, str, Any]:
    """Status, media type and JSON of an answer, also of a refusal."""
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, kind = answer.status, answer.headers["Content-Type"]
            return status, kind, json.loads(answer.read())
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers["Content-Type"], json.loads(refusal.read())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/cases", 401, "unauthenticated"),
        ("/v1/no-such-thing", 404, "not_found"),
    ],
)
def test_the_gateway_refuses_with_a_problem_document(
    cloud: LaptopCloud, path: str, status: int, code: str
):
    answered, kind, problem = ask(cloud.api_url + path)
    assert (answered, kind) == (status, "application/problem+json")
    assert problem["code"] == code
    assert problem["zh"]
    assert problem["en"]


def test_every_function_and_queue_of_the_template_is_there(cloud: LaptopCloud):
    deployed = {
        each["FunctionName"].removeprefix("zerotrip-local-")
        for page in cloud.client("lambda").get_paginator("list_functions").paginate()
        for each in page["Functions"]
    }
    assert deployed == {function.name for function in functions()}
    urls = cloud.client("sqs").list_queues(QueueNamePrefix="zerotrip-local-")
    names = {url.rpartition("/")[2] for url in urls["QueueUrls"]}
    steps = {f.name for f in functions() if f.queue}
    assert {f"zerotrip-local-{step}" for step in steps} <= names
    assert {f"zerotrip-local-{step}-dead-letters" for step in steps} <= names
    assert len(steps) == len(nested("queue.yaml"))


def test_the_bus_knows_the_rules_of_the_template(cloud: LaptopCloud):
    bus = cloud.outputs["EventBusName"]
    listed = cloud.client("events").list_rules(EventBusName=bus)["Rules"]
    patterns = {rule["Name"]: json.loads(rule["EventPattern"]) for rule in listed}
    wanted = {
        f"zerotrip-local-{rule['Properties']['Targets'][0]['Id']}": rule["Properties"][
            "EventPattern"
        ]
        for rule in resources("AWS::Events::Rule").values()
    }
    assert patterns == wanted


def test_redriving_moves_every_message_with_its_attributes_once(cloud: LaptopCloud):
    sqs, name = cloud.client("sqs"), f"redrive-{uuid.uuid4().hex[:8]}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    dead = sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
    reason = {"code": {"DataType": "String", "StringValue": "some_code"}}
    for number in range(13):
        sqs.send_message(
            QueueUrl=dead, MessageBody=str(number), MessageAttributes=reason
        )
    steps: list[tuple[int, int]] = []
    done = redrive(sqs, dead, queue, lambda moved, found: steps.append((moved, found)))
    assert (done.found, done.moved) == (13, 13)
    assert steps[-1] == (13, 13)
    arrived = []
    while len(arrived) < 13:
        batch = sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        )
        assert batch.get("Messages"), "messages were lost"
        arrived += batch["Messages"]
    assert sorted(int(each["Body"]) for each in arrived) == list(range(13))
    codes = {each["MessageAttributes"]["code"]["StringValue"] for each in arrived}
    assert codes == {"some_code"}
    assert redrive(sqs, dead, queue).found == 0

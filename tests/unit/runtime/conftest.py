"""A queue function as Lambda runs it, with SQS played by a list."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from zerotrip.runtime import aws

DEAD_LETTERS = "https://sqs.example.invalid/dead"


@dataclass
class FakeSqs:
    """Keeps what was sent; refuses where told to."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    down: bool = False

    def send_message(self, **message: Any) -> None:
        if self.down:
            raise ConnectionError("sqs does not answer")
        self.sent.append(message)

    def reasons(self) -> list[dict[str, str]]:
        """The attributes of each message in the DLQ."""
        return [
            {
                name: value["StringValue"]
                for name, value in message["MessageAttributes"].items()
            }
            for message in self.sent
        ]


@dataclass
class Function:
    """What a test sees of one function: its DLQ and its log lines."""

    sqs: FakeSqs
    output: io.StringIO

    def lines(self) -> list[dict[str, Any]]:
        """The log, line by line."""
        return [json.loads(line) for line in self.output.getvalue().splitlines()]

    def codes(self) -> list[str]:
        """The codes of the log lines."""
        return [line["code"] for line in self.lines()]


@pytest.fixture
def function(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Function:
    """The outside of a function: its settings, its clients, its standard output."""
    from aws_lambda_powertools import Logger

    sqs = FakeSqs()
    output = io.StringIO()
    # A logger of the same name would keep the stream of the test that was first.
    logger = Logger(service=request.node.nodeid, stream=output)
    monkeypatch.setattr(aws, "client", {"sqs": sqs}.__getitem__)
    monkeypatch.setattr("zerotrip.runtime.batch.logger", lambda: logger)
    monkeypatch.setenv("DEAD_LETTER_QUEUE", DEAD_LETTERS)
    return Function(sqs, output)


def sqs_record(body: str, number: int = 1, receives: int = 1) -> dict[str, Any]:
    """One message as the event source mapping hands it over."""
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012}",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": str(receives),
            "SentTimestamp": "1795161600000",
            "SenderId": "AIDAEXAMPLE",
            "ApproximateFirstReceiveTimestamp": "1795161600001",
        },
        "messageAttributes": {},
        "md5OfBody": "0" * 32,
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws-cn:sqs:cn-north-1:000000000000:zerotrip-test-step",
        "awsRegion": "cn-north-1",
    }


def deliver(
    handler: Callable[[Mapping[str, Any], Any], Any], *records: dict[str, Any]
) -> list[str]:
    """Invokes the function with a batch; answers which messages go back."""
    answer = handler({"Records": list(records)}, None)
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

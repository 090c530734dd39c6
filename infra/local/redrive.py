"""Puts a step's dead letters back into its queue: `make redrive QUEUE=approve`.

Our own loop, because the emulator has no message move task; it works in AWS as well
(`--stage staging`, with the operator's credentials). A message is sent first and
deleted then: if the loop is killed in between, the step sees it twice, which is a
duplicate like any other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.home import DEFAULT_HOME, Home

HIDDEN_SECONDS = 60  # long enough to send and delete ten messages
MOST_PER_CALL = 10
EMPTY_ANSWERS = 2  # one may be empty although messages are there


@dataclass(frozen=True, slots=True)
class Redriven:
    """How many messages there were at the start, and how many went back."""

    found: int
    moved: int


def redrive(
    sqs: Any,
    dead_letters_url: str,
    queue_url: str,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Redriven:
    """Moves what the dead-letter queue holds now; what fails anew stays for later."""
    counted = sqs.get_queue_attributes(
        QueueUrl=dead_letters_url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    found = int(counted["Attributes"]["ApproximateNumberOfMessages"])
    moved = empty = 0
    while moved < found and empty < EMPTY_ANSWERS:
        messages = sqs.receive_message(
            QueueUrl=dead_letters_url,
            MaxNumberOfMessages=min(MOST_PER_CALL, found - moved),
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["MessageGroupId", "AWSTraceHeader"],
        ).get("Messages", [])
        empty = 0 if messages else empty + 1
        for message in messages:
            sqs.send_message(QueueUrl=queue_url, **_again(message))
            sqs.delete_message(
                QueueUrl=dead_letters_url, ReceiptHandle=message["ReceiptHandle"]
            )
            moved += 1
            progress(moved, found)
    return Redriven(found=found, moved=moved)


def _again(message: Mapping[str, Any]) -> dict[str, Any]:
    """What to send: body, attributes and the group that keeps the queue fair.

    A message that is sent anew has a new id; the first one stays in its attributes.
    """
    first_id = {"DataType": "String", "StringValue": message["MessageId"]}
    sent: dict[str, Any] = {
        "MessageBody": message["Body"],
        "MessageAttributes": {
            "original_message_id": first_id,
            **message.get("MessageAttributes", {}),
        },
    }
    group = message.get("Attributes", {}).get("MessageGroupId")
    if group:
        sent["MessageGroupId"] = group
    return sent


def _bar(moved: int, found: int) -> None:
    done = 30 * moved // max(found, 1)
    end = "\n" if moved == found else "\r"
    print(f"  [{'█' * done}{'·' * (30 - done)}] {moved}/{found}", end=end, flush=True)


def main() -> int:
    """Redrives one step's queue; 1 if the queue is unknown or messages stayed."""
    parser = argparse.ArgumentParser(prog="infra.local.redrive")
    parser.add_argument("queue", help="the step, as in functions/: approve")
    parser.add_argument("--stage", default="local")
    arguments = parser.parse_args()
    if arguments.stage == "local":
        sqs = Home(DEFAULT_HOME).client("sqs")
    else:
        import boto3  # the operator's own credentials and region

        sqs = boto3.client("sqs")
    name = f"zerotrip-{arguments.stage}-{arguments.queue}"
    try:
        queue_url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        dead_url = sqs.get_queue_url(QueueName=f"{name}-dead-letters")["QueueUrl"]
    except sqs.exceptions.QueueDoesNotExist:
        print(f"✗ 没有这个队列 · no such queue: {name}", file=sys.stderr)
        return 1
    done = redrive(sqs, dead_url, queue_url, _bar)
    print(
        f"  已放回 {done.moved} 条，共 {done.found} 条 · {done.moved} of {done.found}"
    )
    return 0 if done.moved == done.found else 1


if __name__ == "__main__":
    sys.exit(main())

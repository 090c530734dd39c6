"""Queue handlers: one message, one step; what fails is sorted by what helps.

| the step raises | the message |
| --- | --- |
| nothing, AlreadyDone | is acknowledged |
| Retry, anything unforeseen | goes back; after the last receive to the DLQ |
| GiveUp | goes to the DLQ at once |

Into the DLQ the function itself puts it, with the reason as message attributes, since
SQS's own redrive cannot tell why.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import pydantic
from pydantic import TypeAdapter, ValidationError

from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.messages import CloudEvent
from zerotrip.runtime import aws
from zerotrip.runtime.logs import logger, said, unforeseen

# Powertools' batch builds its own pydantic models of every record type, a fifth of a
# step's import, where it sees pydantic loaded. None of them is used here.
sys.modules.pop("pydantic")
try:
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
finally:
    sys.modules["pydantic"] = pydantic

LAST_RECEIVE = 5
"""maxReceiveCount of every step's queue (`infra/stacks/queue.yaml`)."""

Deps = TypeVar("Deps")
Message = TypeVar("Message")
Handler = Callable[[Mapping[str, Any], Any], Any]


def step_handler(
    name: str, step: Callable[[CloudEvent, Deps], object], deps: Callable[[], Deps]
) -> Handler:
    """The Lambda handler of a step whose messages are CloudEvents."""
    return message_handler(name, TypeAdapter(CloudEvent), step, deps)


def message_handler(
    name: str,
    shape: TypeAdapter[Message],
    step: Callable[[Message, Deps], object],
    deps: Callable[[], Deps],
) -> Handler:
    """The Lambda handler of a step whose messages have this shape, or one of a union.

    The shapes are closed to further fields, so that none passes for another.
    """
    return queue_handler(name, lambda body: step(_read(shape, body), deps()))


def queue_handler(name: str, carry_out: Callable[[str], object]) -> Handler:
    """The Lambda handler of a queue: `carry_out` gets one message's body."""
    processor = BatchProcessor(
        event_type=EventType.SQS, raise_on_entire_batch_failure=False
    )

    def handler(event: Mapping[str, Any], context: Any) -> Any:
        return process_partial_response(
            event=dict(event),
            record_handler=lambda record: _one(name, record, carry_out),
            processor=processor,
            context=context,
        )

    return handler


def _one(name: str, record: SQSRecord, carry_out: Callable[[str], object]) -> None:
    logger().append_keys(step=name, message_id=record.message_id)
    logger().info("STARTED", code="step_started")
    try:
        carry_out(record.body)
    except AlreadyDone as done:
        logger().info(done.en, **said(done))
    except GiveUp as error:
        logger().error(error.en, **said(error))
        _bury(name, record, error.code, error.en)
    except Retry as error:
        logger().warning(error.en, **said(error))
        if not _buried_at_last(name, record, error.code, error.en):
            raise
    except Exception as error:
        logger().error("The step failed.", **unforeseen(error))
        if not _buried_at_last(name, record, "step_failed", type(error).__name__):
            raise
    else:
        logger().info("COMPLETED", code="step_completed")


def _read(shape: TypeAdapter[Message], body: str) -> Message:
    try:
        return shape.validate_json(body)
    except ValidationError as error:
        raise GiveUp(
            "message_unreadable",
            "消息格式或版本无法识别，未作处理。",
            "The message is malformed or of an unknown version; nothing was done.",
            detail={"faults": [fault["type"] for fault in error.errors()][:5]},
        ) from error


def _buried_at_last(name: str, record: SQSRecord, code: str, reason: str) -> bool:
    """On the last receive SQS would move the message without a reason: we say it."""
    if int(record.attributes.approximate_receive_count or 1) < LAST_RECEIVE:
        return False
    _bury(name, record, code, reason)
    return True


def _bury(name: str, record: SQSRecord, code: str, reason: str) -> None:
    aws.send(
        "DEAD_LETTER_QUEUE",
        record.body,
        {
            "code": code,
            "reason": reason,
            "step": name,
            "original_message_id": record.message_id,
        },
    )


def storage_handler(
    name: str,
    step: Callable[[Mapping[str, Any], Deps], object],
    deps: Callable[[], Deps],
) -> Handler:
    """The Lambda handler of a step whose messages are S3 events.

    S3 puts one record in a message, but does not promise it: each of several is carried
    out, whatever came of those before it. Then the message goes back if one may work
    later, else to the DLQ if one cannot; a record carried out twice costs nothing.
    """
    from zerotrip.materials.storage_events import records_of

    def carry_out(body: str) -> None:
        later: Retry | None = None
        never: GiveUp | None = None
        for record in records_of(body):
            try:
                step(record, deps())
            except AlreadyDone as done:
                logger().info(done.en, **said(done))
            except Retry as error:
                later = later or error
            except GiveUp as error:
                never = never or error
        if later is not None:
            raise later
        if never is not None:
            raise never

    return queue_handler(name, carry_out)

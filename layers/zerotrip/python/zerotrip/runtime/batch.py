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
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry, ZeroTripError
from zerotrip.runtime import aws
from zerotrip.runtime.late import put_off
from zerotrip.runtime.logs import logger, said, unforeseen

# Powertools' batch brings what an asynchronous batch and thirty kinds of event need.
put_off("asyncio")
put_off("aws_lambda_powertools", Logger="logging")
put_off("aws_lambda_powertools.utilities.data_classes", S3Event="s3_event")
# It builds its own pydantic models of every record type, a fifth of a step's import,
# where it sees pydantic loaded. None of them is used here.
_pydantic = sys.modules.pop("pydantic", None)
try:
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
finally:
    if _pydantic is not None:
        sys.modules["pydantic"] = _pydantic

if TYPE_CHECKING:
    # Late: steps that storage wakes read no message of ours and need no pydantic.
    from pydantic import TypeAdapter

    from zerotrip.kernel.messages import Arrived, CloudEvent

LAST_RECEIVE = 5
"""maxReceiveCount of every step's queue (`infra/stacks/queue.yaml`)."""

Deps = TypeVar("Deps")
Message = TypeVar("Message")
Handler = Callable[[Mapping[str, Any], Any], Any]


def step_handler(
    name: str, step: Callable[[CloudEvent, Deps], object], deps: Callable[[], Deps]
) -> Handler:
    """The Lambda handler of a step whose messages are CloudEvents."""
    from pydantic import TypeAdapter

    from zerotrip.kernel.messages import CloudEvent

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
    from pydantic import ValidationError

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
            "original_message_id": _original_id(record),
        },
    )


def _original_id(record: SQSRecord) -> str:
    """The id under which the message first came: it was sent anew with each redrive."""
    said = record.message_attributes["original_message_id"]
    return (said.string_value if said else None) or record.message_id


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


def together_handler(
    name: str,
    shape: TypeAdapter[Message],
    step: Callable[[Sequence[Arrived[Message]], Deps], Mapping[int, ZeroTripError]],
    deps: Callable[[], Deps],
) -> Handler:
    """The Lambda handler of a step that carries out a batch as one thing.

    The step answers what failed by position, and harms no other message by it; an error
    of ours that it raises holds for the whole batch. What nobody foresaw is some one
    message's doing: each is carried out alone then, and only that one fails. Each
    failure is sorted as for a single message. What went well is one line in the log,
    since a batch is one effect.
    """
    from zerotrip.kernel.messages import Arrived

    def carry_out(records: Sequence[SQSRecord]) -> dict[str, Exception]:
        """What failed, by message id."""
        failed: dict[str, Exception] = {}
        arrived: dict[str, Arrived[Message]] = {}
        for record in records:
            try:
                message = _read(shape, record.body)
            except GiveUp as error:
                failed[record.message_id] = error
            else:
                arrived[record.message_id] = Arrived(message, _sent_at(record))
        return failed | (_together(step, arrived, deps) if arrived else {})

    def handler(event: Mapping[str, Any], context: Any) -> Any:
        records = [SQSRecord(dict(each)) for each in event["Records"]]
        logger().append_keys(step=name)
        logger().info("STARTED", code="step_started", messages=len(records))
        failed = carry_out(records)
        logger().info(
            "COMPLETED", code="step_completed", messages=len(records) - len(failed)
        )
        if not failed:
            return {"batchItemFailures": []}
        ours = [each for each in event["Records"] if each["messageId"] in failed]
        return process_partial_response(
            event={"Records": ours},
            record_handler=lambda record: _one(
                name, record, lambda _: _raise(failed[record.message_id])
            ),
            processor=BatchProcessor(
                event_type=EventType.SQS, raise_on_entire_batch_failure=False
            ),
            context=context,
        )

    return handler


def _together(
    step: Callable[[Sequence[Arrived[Message]], Deps], Mapping[int, ZeroTripError]],
    arrived: Mapping[str, Arrived[Message]],
    deps: Callable[[], Deps],
) -> dict[str, Exception]:
    """What failed, by message id: of all at once, or of each alone."""
    ids = list(arrived)
    try:
        failed = step(list(arrived.values()), deps())
    except ZeroTripError as error:
        return dict.fromkeys(ids, error)
    except Exception as error:  # noqa: BLE001  (raised again for its message)
        if len(ids) == 1:
            return {ids[0]: error}
        alone = [_together(step, {each: arrived[each]}, deps) for each in ids]
        return {each: why for found in alone for each, why in found.items()}
    return {ids[position]: error for position, error in failed.items()}


def _raise(error: Exception) -> None:
    raise error


def _sent_at(record: SQSRecord) -> datetime:
    sent = int(record.attributes.sent_timestamp or 0)
    return datetime.fromtimestamp(sent / 1000, UTC)

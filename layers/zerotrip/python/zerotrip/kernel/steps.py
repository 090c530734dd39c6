"""What every step does first and last: read the row it was pointed at, store once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from zerotrip.kernel.aggregate import Change, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.records import Committed, Overtaken, Records, Taken

if TYPE_CHECKING:
    from zerotrip.kernel.messages import CloudEvent

ATTEMPTS = 5
"""How often a step decides again when its head moves under it, before it waits."""


def pointed_at(records: Records, message: CloudEvent, tenant: str) -> EventRow:
    """The event row that a message names. Raises GiveUp: no row, no effect."""
    _require_own(message, tenant)
    row = records.event(message.data.key, message.data.event)
    if row is None or row.seq != message.data.seq:
        raise GiveUp(
            "event_row_absent",
            "消息所指的事件不存在，未作处理。",
            "The message points at an event that is not stored; nothing was done.",
            detail={"aggregate": message.data.key.shown},
        )
    return row


def _require_own(message: CloudEvent, tenant: str) -> None:
    if message.data.tenant != tenant:
        raise GiveUp(
            "tenant_foreign",
            "消息属于其他租户，未作处理。",
            "The message names another tenant; nothing was done.",
            detail={"tenant": message.data.tenant},
        )


def asked(
    records: Records,
    message: CloudEvent,
    tenant: str,
    step: str,
    kinds: frozenset[Kind] = frozenset({Kind.CASE}),
) -> EventRow:
    """The row, which must itself ask for this step: the message's word is no proof.

    Rows of other kinds than `kinds` are not even read, as the step's role may not.
    """
    _require_own(message, tenant)
    row = None
    if message.data.key.kind in kinds:
        row = pointed_at(records, message, tenant)
    if row is None or step not in row.next_steps:
        raise GiveUp(
            "step_not_asked",
            "事件并未要求执行该步骤，未作处理。",
            "The event does not ask for this step; nothing was done.",
            detail={"aggregate": message.data.key.shown, "step": step},
        )
    return row


def settle(
    records: Records, key: Key, decide: Callable[[Head | None], Change]
) -> Committed:
    """Reads the head, decides, stores; again when the head has moved on.

    Raises AlreadyDone `done_before` for a duplicate, GiveUp `cause_taken` when another
    request holds the same key, Retry `contended` after five rounds.
    """
    for _ in range(ATTEMPTS):
        change = decide(records.head(key))
        try:
            committed = records.commit(change)
        except Overtaken:
            continue
        except Taken as taken:
            raise GiveUp(
                "cause_taken",
                "同一事由已由其他请求处理。",
                "Another request already acted on the same cause.",
                detail={"winner": taken.winner.ref},
            ) from taken
        if committed.duplicate:
            raise done_before(committed.events[0])
        return committed
    raise Retry(
        "contended",
        "该记录正被同时处理，稍后自动重试。",
        "The record is being worked on at the same moment; tried again later.",
        detail={"aggregate": key.ref},
    )


def done_before(row: EventRow) -> AlreadyDone:
    """The effect is stored: `row` is it."""
    return AlreadyDone(
        "done_before",
        "该步骤此前已完成。",
        "The step was carried out before.",
        detail={"event": row.ref},
    )

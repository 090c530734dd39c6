"""What `notify` does with one message: find who is told, put it in the inbox once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zerotrip.kernel.aggregate import Change, EventRow, Head, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Records
from zerotrip.kernel.steps import pointed_at, settle
from zerotrip.notices.model import inbox_key, tell
from zerotrip.notices.templates import TEMPLATES


@dataclass(frozen=True, slots=True)
class NoticeSteps:
    """The ports of this step: records, our tenant, the clock."""

    records: Records
    tenant: str
    now: Callable[[], datetime]


def notify(message: CloudEvent, deps: NoticeSteps) -> EventRow:
    """Writes the one notice of the event that a message points at; answers its row.

    Raises AlreadyDone `notice_not_needed`, GiveUp `recipient_unknown`, and what
    `kernel.steps` raises: `done_before`, `event_row_absent`, `contended`.
    """
    cause = pointed_at(deps.records, message, deps.tenant)
    if cause.type not in TEMPLATES:
        raise AlreadyDone(
            "notice_not_needed",
            "该事件无需通知申请人。",
            "The applicant is not told of this event.",
            detail={"type": cause.type},
        )
    sub, case_no = _recipient(cause, deps.records)
    inbox = inbox_key(deps.tenant, sub)

    def decide(head: Head | None) -> Change:
        return tell(cause, case_no, inbox, head, deps.now())

    return settle(deps.records, inbox, decide).events[0]


def _recipient(cause: EventRow, records: Records) -> tuple[str, str]:
    """The subject who is told, and the case number that is named to them."""
    if cause.key.kind is Kind.CASE:
        head = records.head(cause.key)
        sub = head.body.get("sub") if head else None
        case_no = cause.key.id
    else:
        sub = cause.body.get("sub")
        case_no = cause.body.get("case_no", "")
    if not isinstance(sub, str) or not sub or not case_no:
        raise GiveUp(
            "recipient_unknown",
            "该事件没有注明应通知的申请人。",
            "The event does not say whom to tell.",
            detail={"cause": cause.ref},
        )
    return sub, case_no

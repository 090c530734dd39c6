"""What `notify` does with one message: find who is told, put it in the inbox once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zerotrip.cases.drafts import WARNING
from zerotrip.cases.expiring import DraftExpiring, ExpiringDraft, still_expiring
from zerotrip.kernel.aggregate import Change, EventRow, Head, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Records
from zerotrip.kernel.steps import pointed_at, settle
from zerotrip.notices.model import Expiry, inbox_key, remind, tell
from zerotrip.notices.templates import TEMPLATES

_TOLD_OF = frozenset(Kind(name.partition(".")[0].upper()) for name in TEMPLATES)
"""Rows of other kinds are not even read, as the step's role may not."""


@dataclass(frozen=True, slots=True)
class NoticeSteps:
    """The ports of this step: records, our tenant, the clock.

    Through the tables of `records` it also reads the rows of `drafts`.
    """

    records: Records
    tenant: str
    now: Callable[[], datetime]


def notify(message: CloudEvent | DraftExpiring, deps: NoticeSteps) -> EventRow:
    """Writes the one notice of what a message points at; answers its row.

    That is a stored event, or a draft that expires. Raises AlreadyDone
    `notice_not_needed` and `draft_moved_on`, GiveUp `recipient_unknown`, and what
    `kernel.steps` raises: `done_before`, `event_row_absent`, `contended`.
    """
    if isinstance(message, DraftExpiring):
        return _tell_of_expiry(message.draft, deps)
    cause = None
    if message.data.key.kind in _TOLD_OF:
        cause = pointed_at(deps.records, message, deps.tenant)
    if cause is None or cause.type not in TEMPLATES:
        raise AlreadyDone(
            "notice_not_needed",
            "该事件无需通知申请人。",
            "The applicant is not told of this event.",
            detail={"aggregate": message.data.key.shown},
        )
    sub, case_no = _recipient(cause, deps.records)
    inbox = inbox_key(deps.tenant, sub)

    def decide(head: Head | None) -> Change:
        return tell(cause, case_no, inbox, head, deps.now())

    return settle(deps.records, inbox, decide).events[0]


def _tell_of_expiry(draft: ExpiringDraft, deps: NoticeSteps) -> EventRow:
    if draft.tenant != deps.tenant:
        raise GiveUp(
            "tenant_foreign",
            "消息属于其他租户，未作处理。",
            "The message names another tenant; nothing was done.",
            detail={"tenant": draft.tenant},
        )
    row = still_expiring(deps.records.tables, draft)
    if row is None:
        raise AlreadyDone(
            "draft_moved_on",
            "该草稿已保存、提交或删除，无需提醒。",
            "The draft was saved, submitted or deleted since; nobody is reminded.",
            detail={"application": draft.application},
        )
    expiry = Expiry(
        application=draft.application,
        item=row.data["item"],
        item_digest=row.data["item_digest"],
        expires_at=draft.expires_at,
    )
    inbox = inbox_key(deps.tenant, row.data["sub"])

    def decide(head: Head | None) -> Change:
        return remind(expiry, WARNING, inbox, head, deps.now())

    return settle(deps.records, inbox, decide).events[0]


def _recipient(cause: EventRow, records: Records) -> tuple[str, str]:
    """The subject who is told, and the case number that is named to them."""
    if cause.key.kind is Kind.CASE:
        head = records.head(cause.key)
        sub = head.subject[0] if head and head.subject else None
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

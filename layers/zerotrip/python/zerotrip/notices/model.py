"""A notice: one event of the subject's own stream, caused by one event elsewhere. Pure.

A reminder is the same, caused by a clock (a draft about to expire).

It holds references, never a person or a sentence: the words are put in when it is
read, so that a better sentence reaches old notices too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from zerotrip.kernel import aggregate, times
from zerotrip.kernel.aggregate import Change, Event, EventRow, Head, Key, Kind

SENT = "notice.sent"
STEP = "notify"
DRAFT_EXPIRING = "draft.expiring"
STAGE = "open"
# 22 base64url characters hold 132 bits: no two notices of one person share an id.
_ID_CHARACTERS = 22
_PARAMETERS = (
    "amount_fen", "direction", "instead_of", "kind", "payable_until", "waybill",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Notice:
    """A stored notice. `about` names what it is about, `BILL#…`, `APPLICATION#…`.

    `sub` is whose inbox it is in. `case_no` is empty as long as there is no case.
    `occurred_at` is when the fact happened, `sent_at` when it was put in the inbox,
    both UTC texts; `parameters` are amounts and codes for the template's sentence.
    """

    id: str
    sub: str
    template: str
    case_no: str
    about: str
    occurred_at: str
    sent_at: str
    parameters: Mapping[str, Any]


def inbox_key(tenant: str, sub: str) -> Key:
    """The stream of everything that one subject was told."""
    return Key(tenant, Kind.NOTICE, sub)


def notice_id(event_sk: str) -> str:
    """A notice's id: the head of the SHA-256 of its event row's sort key, base64url.

    The sort key holds step and cause, so the id is the same however often it is made,
    and it says nothing by itself.
    """
    return aggregate.digest(event_sk)[:_ID_CHARACTERS]


def tell(
    cause: EventRow, case_no: str, inbox: Key, head: Head | None, now: datetime
) -> Change:
    """The change that puts a notice of `cause` at the end of an inbox."""
    body = {
        "template": cause.type,
        "case_no": case_no,
        "about": cause.key.ref,
        "occurred_at": cause.time,
        "parameters": {
            name: cause.body[name] for name in _PARAMETERS if name in cause.body
        },
    }
    event = _sent(inbox, cause.ref, body, now)
    return _appended(inbox, head, cause.organisation, event)


@dataclass(frozen=True, slots=True)
class Expiry:
    """A draft that expires: its id, its pinned item, when (UTC text)."""

    application: str
    item: str
    item_digest: str
    expires_at: str

    @property
    def cause(self) -> str:
        """The clock and its due time: one reminder per draft and expiry."""
        return f"draft_expiry:{self.application}@{self.expires_at}"


def remind(
    expiry: Expiry,
    warning: timedelta,
    inbox: Key,
    head: Head | None,
    now: datetime,
) -> Change:
    """The change that tells of a draft which expires `warning` after its due time.

    The item is in the parameters, since the draft may be gone when they are read.
    """
    due_at = times.from_text(expiry.expires_at) - warning
    body = {
        "template": DRAFT_EXPIRING,
        "case_no": "",
        "about": f"APPLICATION#{expiry.application}",
        "occurred_at": times.to_text(due_at),
        "parameters": {
            "item": expiry.item,
            "item_digest": expiry.item_digest,
            "expires_at": expiry.expires_at,
        },
    }
    event = _sent(inbox, expiry.cause, body, now)
    # An item's code begins with the USCC of the body that carries it out.
    return _appended(inbox, head, expiry.item[:18], event)


def _sent(inbox: Key, cause: str, body: Mapping[str, Any], now: datetime) -> Event:
    return Event(
        type=SENT,
        step=STEP,
        cause=cause,
        time=now,
        actor=STEP,
        # Not the body: a later release may say more, and it is still the same notice.
        request_hash=aggregate.digest([STEP, inbox.pk, cause]),
        body=body,
    )


def _appended(inbox: Key, head: Head | None, organisation: str, event: Event) -> Change:
    return Change(
        key=inbox,
        expected_version=head.version if head else 0,
        allowed_from=frozenset(),
        stage=STAGE,
        organisation=organisation,
        body={},
        event=event,
        previous_hash=head.last_hash if head else aggregate.GENESIS,
    )


def notice(row: EventRow) -> Notice:
    """The notice that an event row of an inbox holds."""
    body = row.body
    return Notice(
        id=notice_id(row.sk),
        sub=row.key.id,
        template=body["template"],
        case_no=body["case_no"],
        about=body["about"],
        occurred_at=body["occurred_at"],
        sent_at=row.time,
        parameters=body["parameters"],
    )

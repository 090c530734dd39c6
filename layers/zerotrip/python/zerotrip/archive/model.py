"""Lines, objects and days of the archive. Pure.

One object per batch, `{tenant}/yyyy/mm/dd/HH/{hash}.ndjson`: a line per event, named by
what it holds. Day and hour are those of the archiving, in Shanghai, because a day must
be able to end: an event that comes late belongs to the day on which it came.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import (
    EventRow,
    Key,
    canonical,
    digest_of_bytes,
    link,
)

CONTENT_TYPE = "application/x-ndjson"
CLOSES_AFTER = timedelta(hours=1)
"""How long after its end a day is still written to; longer than clocks may differ."""
SEALED_AFTER = timedelta(hours=2)
"""How long after its end a day may be sealed: nothing is written to it by then."""

_OBJECT = re.compile(r"[0-9]{6}/[0-9]{4}/[0-9]{2}/[0-9]{2}/[0-9]{2}/[\w-]{43}\.ndjson")
_DAY = re.compile(r"[0-9]{6}/([0-9]{4})/([0-9]{2})/([0-9]{2})/")


class Unreadable(ValueError):
    """A line of the archive is not an event, or an object is not what its name says."""


@dataclass(frozen=True, slots=True)
class Link:
    """What the checks need of an event: its place, its hash, and whether that holds.

    `sound` says that the row's content gives the row's hash.
    """

    sk: str
    seq: int
    prev_hash: str
    hash: str
    sound: bool
    time: str


def link_of(row: EventRow) -> Link:
    """The link that a row makes in its chain."""
    return Link(
        row.sk, row.seq, row.prev_hash, row.hash, link(row) == row.hash, row.time
    )


def line_of(row: EventRow) -> bytes:
    """A stored event as one canonical JSON line: ciphertext and references only."""
    sealed = None if row.sealed is None else base64.b64encode(row.sealed).decode()
    return (
        canonical(
            {
                "key": row.key.pk,
                "sk": row.sk,
                "seq": row.seq,
                "type": row.type,
                "time": row.time,
                "actor": row.actor,
                "request_hash": row.request_hash,
                "prev_hash": row.prev_hash,
                "hash": row.hash,
                "next_steps": list(row.next_steps),
                "organisation": row.organisation,
                "body": dict(row.body),
                "sealed": sealed,
            }
        )
        + b"\n"
    )


def row_of(line: bytes) -> EventRow:
    """The event of a line, as it was stored. Raises Unreadable."""
    try:
        data: dict[str, Any] = json.loads(line)
        sealed = data["sealed"]
        return EventRow(
            key=Key.from_pk(data["key"]),
            sk=data["sk"],
            seq=data["seq"],
            type=data["type"],
            time=data["time"],
            actor=data["actor"],
            request_hash=data["request_hash"],
            prev_hash=data["prev_hash"],
            hash=data["hash"],
            next_steps=tuple(data["next_steps"]),
            organisation=data["organisation"],
            body=data["body"],
            sealed=None if sealed is None else base64.b64decode(sealed),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"not an event: {type(error).__name__}") from error


def content_of(rows: Iterable[EventRow]) -> bytes:
    """The lines of a batch, each event once, in an order that no delivery changes."""
    ordered = sorted(rows, key=lambda row: (row.key.pk, row.seq, row.hash))
    return b"".join(dict.fromkeys(line_of(row) for row in ordered))


def rows_of(key: str, content: bytes) -> list[EventRow]:
    """The events of one object. Raises Unreadable when its name does not fit."""
    if digest_of_bytes(content) != key.rpartition("/")[2].removesuffix(".ndjson"):
        raise Unreadable(f"{key}: its content was changed")
    return [row_of(line) for line in content.splitlines()]


def object_key(tenant: str, hour: datetime, content: bytes) -> str:
    """Where a batch that is archived in this hour is kept."""
    local = hour.astimezone(times.SHANGHAI)
    return f"{tenant}/{local:%Y/%m/%d/%H}/{digest_of_bytes(content)}.ndjson"


def day_prefix(tenant: str, day: date) -> str:
    """What the keys of a day begin with."""
    return f"{tenant}/{day:%Y/%m/%d}/"


def root_key(tenant: str, day: date) -> str:
    """Where a day's seal is kept."""
    return f"{day_prefix(tenant, day)}root.json"


def is_batch(key: str) -> bool:
    """Whether a key is that of a batch of events, and not of a seal or a stranger."""
    return _OBJECT.fullmatch(key) is not None


def day_of(key: str) -> date | None:
    """The day to which a key belongs; None for a key of another form."""
    found = _DAY.match(key)
    if found is None:
        return None
    try:
        return date(*map(int, found.groups()))
    except ValueError:
        return None


def archiving_hour(sent_at: datetime, now: datetime) -> datetime:
    """Under which hour a batch is kept whose newest message was queued at `sent_at`.

    A delivery that is repeated names the same hour, and so the same object. Only when
    that day is over and about to be sealed does the batch go to the present hour.
    """
    return sent_at if now < _end_of(times.legal_day(sent_at)) + CLOSES_AFTER else now


def newest_closed_day(tick: datetime) -> date:
    """The last day that may be sealed at this instant."""
    return times.legal_day(tick - SEALED_AFTER) - timedelta(days=1)


def _end_of(day: date) -> datetime:
    following = day + timedelta(days=1)
    return datetime(
        following.year, following.month, following.day, tzinfo=times.SHANGHAI
    )

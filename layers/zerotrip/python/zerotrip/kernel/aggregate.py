"""A head and its events: the one shape of everything that emits facts. Pure.

`../shared/data.md` fixes the keys. A command yields a `Change`; `place` gives it its
sequence number and its link in the hash chain; `records.Records` stores it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from zerotrip.kernel import times

GENESIS = "genesis"
_MINTED = re.compile(r"[0-9A-Z.]{20,120}")
"""What all ids have in common, and neither a telephone nor an identity number does."""


class Kind(StrEnum):
    """The aggregates that emit facts."""

    CASE = "CASE"
    BILL = "BILL"
    SHIPMENT = "SHIPMENT"
    LICENCE = "LICENCE"
    NOTICE = "NOTICE"
    ITEM = "ITEM"


@dataclass(frozen=True, slots=True)
class Key:
    """Names one aggregate: tenant (6 digits), kind, id."""

    tenant: str
    kind: Kind
    id: str

    @property
    def pk(self) -> str:
        """Partition key, `441882#CASE#…`."""
        return f"{self.tenant}#{self.kind}#{self.id}"

    @property
    def ref(self) -> str:
        """The same without the tenant, as messages name it: `CASE#…`."""
        return f"{self.kind}#{self.id}"

    @property
    def shown(self) -> str:
        """As `ref` where the id may be one of ours, else the kind: for log lines.

        A message is anybody's word until its row is found, and so is the id in it.
        """
        return self.ref if _MINTED.fullmatch(self.id) else f"{self.kind}#?"

    @classmethod
    def from_ref(cls, tenant: str, ref: str) -> Key:
        """Reads `CASE#…`. Raises ValueError for a kind that does not exist."""
        kind, _, identity = ref.partition("#")
        if not identity or "#" in identity:
            raise ValueError(f"not an aggregate: {ref!r}")
        return cls(tenant, Kind(kind), identity)

    @classmethod
    def from_pk(cls, pk: str) -> Key:
        """Reads a partition key."""
        tenant, _, ref = pk.partition("#")
        return cls.from_ref(tenant, ref)


@dataclass(frozen=True, slots=True)
class Head:
    """Where an aggregate stands now. `version` is the seq of its last event, or 0."""

    key: Key
    version: int
    stage: str
    last_hash: str
    body: Mapping[str, Any]
    due_at: str | None = None
    subject: tuple[str, str] | None = None  # (sub, received_at)


@dataclass(frozen=True, slots=True)
class Event:
    """A fact as a command decides it, not yet placed in its stream.

    `cause` and `step` make the row's key; `request_hash` tells a duplicate from a
    conflict and never covers minted ids; `body` holds references only; `sealed` is
    ciphertext of what a person wrote.
    """

    type: str
    step: str
    cause: str
    time: datetime
    actor: str
    request_hash: str
    next_steps: tuple[str, ...] = ()
    body: Mapping[str, Any] = field(default_factory=dict)
    sealed: bytes | None = None

    @property
    def sk(self) -> str:
        """Sort key of the row: one effect per step and cause."""
        return f"EVENT#{self.step}#{self.cause}"


@dataclass(frozen=True, slots=True)
class EventRow:
    """A stored event: placed, chained, immutable."""

    key: Key
    sk: str
    seq: int
    type: str
    time: str
    actor: str
    request_hash: str
    prev_hash: str
    hash: str
    next_steps: tuple[str, ...]
    organisation: str
    body: Mapping[str, Any]
    sealed: bytes | None = None

    @property
    def ref(self) -> str:
        """How another command names this event as its cause: `CASE#…#000002`."""
        return f"{self.key.ref}#{self.seq:06}"


@dataclass(frozen=True, slots=True)
class Row:
    """A further row of the aggregate: FORM, SLOT#…, TASK#…."""

    sk: str
    data: Mapping[str, Any]
    sealed: bytes | None = None
    work: tuple[str, str] | None = None  # (work-list partition, due): open tasks only


@dataclass(frozen=True, slots=True)
class Change:
    """What one command does to one aggregate.

    `expected_version` 0 creates, unless the head was `reserved` before its first event.
    `allowed_from` empty means any stage. `rows` are put, `removed` are deleted, in the
    same transaction as head and event.
    """

    key: Key
    expected_version: int
    allowed_from: frozenset[str]
    stage: str
    organisation: str
    body: Mapping[str, Any]
    event: Event
    previous_hash: str = GENESIS
    due_at: str | None = None
    subject: tuple[str, str] | None = None
    rows: tuple[Row, ...] = ()
    removed: tuple[str, ...] = ()
    reserved: bool = False


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8: what is hashed."""
    return json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    ).encode()


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON, base64url without padding, 43 characters."""
    return digest_of_bytes(canonical(value))


def digest_of_bytes(content: bytes) -> str:
    """SHA-256, base64url without padding, 43 characters."""
    raw = hashlib.sha256(content).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def link(row: EventRow) -> str:
    """The hash of an event: covers everything in the row, so also its predecessor."""
    sealed = digest_of_bytes(row.sealed) if row.sealed is not None else None
    return digest(
        [
            row.key.pk, row.sk, row.seq, row.type, row.time, row.actor,
            row.request_hash, row.prev_hash, list(row.next_steps), row.organisation,
            dict(row.body), sealed,
        ]
    )  # fmt: skip


def place(change: Change) -> tuple[Head, EventRow]:
    """Gives the event its sequence number and its link, and the head that follows."""
    event = change.event
    unlinked = EventRow(
        key=change.key,
        sk=event.sk,
        seq=change.expected_version + 1,
        type=event.type,
        time=times.to_text(event.time),
        actor=event.actor,
        request_hash=event.request_hash,
        prev_hash=change.previous_hash,
        hash="",
        next_steps=event.next_steps,
        organisation=change.organisation,
        body=event.body,
        sealed=event.sealed,
    )
    row = replace(unlinked, hash=link(unlinked))
    head = Head(
        key=change.key,
        version=row.seq,
        stage=change.stage,
        last_hash=row.hash,
        body=change.body,
        due_at=change.due_at,
        subject=change.subject,
    )
    return head, row


def chain_faults(history: tuple[EventRow, ...]) -> list[str]:
    """What is wrong with a history ordered by seq: gaps, broken links, changed rows."""
    faults: list[str] = []
    previous = GENESIS
    for position, row in enumerate(history, start=1):
        if row.seq != position:
            faults.append(f"{row.key.ref}: event {position} has seq {row.seq}")
        if row.prev_hash != previous:
            faults.append(f"{row.ref}: does not follow its predecessor")
        if link(row) != row.hash:
            faults.append(f"{row.ref}: its content was changed")
        previous = row.hash
    return faults

"""The records table: heads and event rows, written together or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zerotrip.kernel.aggregate import (
    Change,
    EventRow,
    Head,
    Key,
    Row,
    place,
)
from zerotrip.kernel.tables import (
    Delete,
    Expect,
    Put,
    Rejected,
    StoredRow,
    Tables,
    Write,
)

RECORDS_TABLE = "records"
HEAD = "HEAD"
DUE_SHARDS = 4
"""Shards of the due index per tenant; data in the template when it must grow."""


class Overtaken(Exception):
    """The head has moved on since it was read. Read again and decide again."""

    def __init__(self, head: Head | None) -> None:
        super().__init__("the head has moved on")
        self.head = head


class Taken(Exception):
    """Another command already holds this event's key: `winner` is its row."""

    def __init__(self, winner: EventRow) -> None:
        super().__init__(f"{winner.ref} was first")
        self.winner = winner


class CompanionFailed(Exception):
    """A write to another table in the same transaction failed its condition."""

    def __init__(self, position: int, old: StoredRow | None) -> None:
        super().__init__(f"companion {position} failed its condition")
        self.position = position
        self.old = old


@dataclass(frozen=True, slots=True)
class Committed:
    """What stands stored: one event row per change; `duplicate` when it already did."""

    events: tuple[EventRow, ...]
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Records:
    """Reads and commits aggregates through the Tables port."""

    tables: Tables

    def head(self, key: Key) -> Head | None:
        """The head, read consistently."""
        row = self.tables.get(RECORDS_TABLE, key.pk, HEAD)
        return None if row is None else _head(row)

    def heads(self, keys: Sequence[Key]) -> list[Head]:
        """Heads by key in one batch; absent ones are left out."""
        rows = self.tables.get_many(RECORDS_TABLE, [(k.pk, HEAD) for k in keys])
        return [_head(row) for row in rows]

    def event(self, key: Key, sk: str) -> EventRow | None:
        """One event row by its own key."""
        row = self.tables.get(RECORDS_TABLE, key.pk, sk)
        return None if row is None else event_row(row)

    def history(self, key: Key) -> tuple[EventRow, ...]:
        """All events of the aggregate, ordered by seq."""
        rows = self.tables.query(RECORDS_TABLE, key.pk, "EVENT#")
        return tuple(sorted(map(event_row, rows), key=lambda row: row.seq))

    def row(self, key: Key, sk: str) -> Row | None:
        """One further row (FORM, SLOT#…, TASK#…)."""
        row = self.tables.get(RECORDS_TABLE, key.pk, sk)
        return None if row is None else Row(row.sk, row.data, row.sealed, row.work)

    def rows(self, key: Key, prefix: str) -> list[Row]:
        """Further rows whose sort key begins with prefix."""
        found = self.tables.query(RECORDS_TABLE, key.pk, prefix)
        return [Row(row.sk, row.data, row.sealed, row.work) for row in found]

    def due(self, tenant: str, until: str, limit: int = 100) -> list[Key]:
        """Heads whose due time has come, over all shards."""
        found: list[Key] = []
        for shard in range(DUE_SHARDS):
            keys = self.tables.index(
                RECORDS_TABLE, "due", f"{tenant}#DUE#{shard}", until=until, limit=limit
            )
            found.extend(Key.from_pk(pk) for pk, sk in keys if sk == HEAD)
        return found

    def of_subject(self, tenant: str, sub: str, limit: int = 100) -> list[Key]:
        """Aggregates of one subject, newest first."""
        keys = self.tables.index(
            RECORDS_TABLE,
            "subject",
            f"{tenant}#SUBJECT#{sub}",
            newest_first=True,
            limit=limit,
        )
        return [Key.from_pk(pk) for pk, _ in keys]

    def worklist(self, partitions: Iterable[str], limit: int) -> list[tuple[Key, str]]:
        """Open tasks (case key, task sort key) of work-list partitions, earliest due.

        Every partition is one shard; what falls due first comes first within it.
        """
        found: list[tuple[Key, str]] = []
        for partition in partitions:
            keys = self.tables.index(RECORDS_TABLE, "worklist", partition, limit=limit)
            found.extend((Key.from_pk(pk), sk) for pk, sk in keys)
        return found

    def commit(
        self,
        *changes: Change,
        companions: Sequence[Write] = (),
        token: str | None = None,
    ) -> Committed:
        """Stores every change and companion in one transaction.

        Raises Overtaken (head condition), Taken (other actor or request under the same
        key), CompanionFailed. The same command again answers `duplicate=True`.
        """
        placed = [place(change) for change in changes]
        writes: list[Write] = []
        spots: list[tuple[str, int]] = []
        for position, (change, (head, row)) in enumerate(
            zip(changes, placed, strict=True)
        ):
            for name, write in _writes(change, head, row):
                spots.append((name, position))
                writes.append(write)
        for position, companion in enumerate(companions):
            spots.append(("companion", position))
            writes.append(companion)
        events = tuple(row for _, row in placed)
        try:
            self.tables.transact(writes, token)
        except Rejected as rejected:
            return self._explain(rejected, spots, events)
        return Committed(events)

    def reserve(self, head: Head) -> Head:
        """Stores a head of version 0, before any event; answers the one that stands.

        For what a partner may call back about before its first fact is stored: the
        wish for it is an event of the aggregate that asked. Raises Overtaken when
        another transaction held the row.
        """
        try:
            put = Put(RECORDS_TABLE, _stored_head(head), Expect(absent=True))
            self.tables.transact([put])
        except Rejected as rejected:
            old = rejected.olds.get(0)
            if old is None:
                raise Overtaken(None) from rejected
            return _head(old)
        return head

    def touch(self, head: Head, due_at: str | None, body: dict[str, object]) -> None:
        """Rewrites watch entries of a head; no event, its version stays.

        Raises Overtaken when the head has moved since it was read.
        """
        moved = Head(
            head.key,
            head.version,
            head.stage,
            head.last_hash,
            body,
            due_at,
            head.subject,
        )
        expect = Expect(version=head.version)
        try:
            self.tables.transact([Put(RECORDS_TABLE, _stored_head(moved), expect)])
        except Rejected as rejected:
            raise Overtaken(None) from rejected

    def _explain(
        self,
        rejected: Rejected,
        spots: list[tuple[str, int]],
        events: tuple[EventRow, ...],
    ) -> Committed:
        winners: dict[int, EventRow] = {}
        for spot, (name, position) in enumerate(spots):
            old = rejected.olds.get(spot)
            if name == "event" and spot in rejected.failed:
                stored = (
                    event_row(old)
                    if old is not None
                    else self.event(events[position].key, events[position].sk)
                )
                if stored is not None:
                    winners[position] = stored
        if winners:
            for position, winner in winners.items():
                mine = events[position]
                if (winner.actor, winner.request_hash) != (
                    mine.actor,
                    mine.request_hash,
                ):
                    raise Taken(winner) from rejected
            if len(winners) == len(events):
                ordered = tuple(winners[i] for i in range(len(events)))
                return Committed(ordered, duplicate=True)
        for spot, (name, position) in enumerate(spots):
            if name == "companion" and spot in rejected.failed:
                raise CompanionFailed(position, rejected.olds.get(spot)) from rejected
        raise Overtaken(None) from rejected


def _writes(change: Change, head: Head, row: EventRow) -> list[tuple[str, Write]]:
    expect = (
        Expect(absent=True)
        if change.expected_version == 0 and not change.reserved
        else Expect(version=change.expected_version, stages=change.allowed_from)
    )
    writes: list[tuple[str, Write]] = [
        ("head", Put(RECORDS_TABLE, _stored_head(head), expect)),
        ("event", Put(RECORDS_TABLE, stored_event(row), Expect(absent=True))),
    ]
    writes += [
        (
            "row",
            Put(
                RECORDS_TABLE,
                StoredRow(
                    pk=change.key.pk,
                    sk=extra.sk,
                    data=extra.data,
                    sealed=extra.sealed,
                    work=extra.work,
                ),
            ),
        )
        for extra in change.rows
    ]
    writes += [
        ("row", Delete(RECORDS_TABLE, change.key.pk, sk)) for sk in change.removed
    ]
    return writes


def due_partition(key: Key) -> str:
    """The shard of the due index on which a head waits: spread by its id."""
    shard = sum(key.id.encode()) % DUE_SHARDS
    return f"{key.tenant}#DUE#{shard}"


def _stored_head(head: Head) -> StoredRow:
    tenant = head.key.tenant
    return StoredRow(
        pk=head.key.pk,
        sk=HEAD,
        data={"hash": head.last_hash, **head.body},
        version=head.version,
        stage=head.stage,
        due=(due_partition(head.key), head.due_at) if head.due_at else None,
        subject=(
            (f"{tenant}#SUBJECT#{head.subject[0]}", head.subject[1])
            if head.subject
            else None
        ),
    )


def _head(row: StoredRow) -> Head:
    body = dict(row.data)
    last_hash = body.pop("hash")
    subject = None
    if row.subject is not None:
        subject = (row.subject[0].split("#", 2)[2], row.subject[1])
    return Head(
        key=Key.from_pk(row.pk),
        version=row.version or 0,
        stage=row.stage or "",
        last_hash=last_hash,
        body=body,
        due_at=row.due[1] if row.due else None,
        subject=subject,
    )


def stored_event(row: EventRow) -> StoredRow:
    """An event as its row of the table."""
    return StoredRow(
        pk=row.key.pk,
        sk=row.sk,
        sealed=row.sealed,
        data={
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
        },
    )


def event_row(row: StoredRow) -> EventRow:
    """The event that a row of the table holds."""
    data = row.data
    return EventRow(
        key=Key.from_pk(row.pk),
        sk=row.sk,
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
        sealed=row.sealed,
    )

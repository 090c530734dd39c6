"""A records table and its archive, filled by the product's own code, to tamper with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support.memory import MemoryObjects, MemoryTables
from zerotrip.archive.checking import (
    Archive,
    Finding,
    check_archive,
    check_table,
)
from zerotrip.archive.items import chains_of
from zerotrip.archive.steps import (
    ArchiveSteps,
    Sealed,
    SealSteps,
    archive_events,
    seal_days,
)
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import GENESIS, Change, Event, EventRow, Key, Kind
from zerotrip.kernel.errors import ZeroTripError
from zerotrip.kernel.messages import Arrived, CloudEvent, cloud_event
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import StoredRow

TENANT = "441882"
BATCH = 200
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
Item = dict[str, dict[str, Any]]


def a_case(number: int = 1) -> Key:
    """The key of a made-up case."""
    return Key(TENANT, Kind.CASE, f"{number:045}")


@dataclass
class Kept:
    """A table, an archive, and a clock that only the test moves."""

    at: datetime = NOON
    tables: MemoryTables = field(default_factory=MemoryTables)
    objects: MemoryObjects = field(default_factory=MemoryObjects)

    def __post_init__(self) -> None:
        self.records = Records(self.tables)
        self.steps = ArchiveSteps(
            TENANT, self.records, self.objects, now=lambda: self.at
        )
        self.seals = SealSteps(TENANT, self.objects)

    def write(self, key: Key, count: int = 1) -> list[EventRow]:
        """Adds events to an aggregate, each with a little of everything."""
        head = self.records.head(key)
        version, previous = (
            (head.version, head.last_hash) if head is not None else (0, GENESIS)
        )
        rows = []
        for _ in range(count):
            done = self.records.commit(_change(key, version, previous, self.at))
            rows.append(done.events[0])
            version, previous = version + 1, done.events[0].hash
        return rows

    def archive(
        self, rows: Sequence[EventRow], sent_at: datetime | None = None
    ) -> dict[int, ZeroTripError]:
        """Lets archive_events take the messages of these events, batch by batch."""
        failed: dict[int, ZeroTripError] = {}
        for start in range(0, len(rows), BATCH):
            part = [cloud_event(row) for row in rows[start : start + BATCH]]
            said = archive_events(self.arrived(part, sent_at), self.steps)
            failed |= {start + position: error for position, error in said.items()}
        return failed

    def arrived(
        self, messages: Iterable[CloudEvent], sent_at: datetime | None = None
    ) -> list[Arrived[CloudEvent]]:
        """Messages as they come out of the queue."""
        return [Arrived(each, sent_at or self.at) for each in messages]

    def night(self, days: int = 1) -> list[Sealed]:
        """Moves the clock to 02:00 in Shanghai, and lets seal_day run."""
        day = times.legal_day(self.at) + timedelta(days=days)
        self.at = datetime(day.year, day.month, day.day, 2, tzinfo=times.SHANGHAI)
        sealed = seal_days(self.at, self.seals)
        self.at = self.at.astimezone(UTC) + timedelta(hours=10)
        return sealed

    def root(self, day: date) -> dict[str, Any]:
        """A day's `root.json`."""
        (stored, *_) = self.objects.versions[f"{TENANT}/{day:%Y/%m/%d}/root.json"]
        found: dict[str, Any] = json.loads(stored.content)
        return found

    def batches(self) -> list[str]:
        """Keys of the objects that hold events."""
        return sorted(key for key in self.objects.versions if key.count("/") == 5)

    def items(self) -> list[Item]:
        """The table as DynamoDB would give it."""
        return [item_of(row) for row in self.tables.rows.values()]

    def checked(self, **span: date) -> Archive:
        """The whole archive, checked in itself."""
        first = span.get("first", NOON.date())
        last = span.get("last", times.legal_day(self.at))
        return check_archive(self.objects, TENANT, first, last, now=self.at)

    def findings(
        self, items: Iterable[Item] | None = None, *, whole: bool = True, **span: date
    ) -> list[Finding]:
        """Everything that is found, in the archive and beside the table."""
        archive = self.checked(**span)
        return archive.findings + check_table(
            archive,
            chains_of(self.items() if items is None else items),
            settled_before=times.to_text(self.at - timedelta(hours=1)),
            whole=whole,
        )


def item_of(row: StoredRow) -> Item:
    """A row of the table as an item of DynamoDB."""
    item: Item = {
        "pk": {"S": row.pk},
        "sk": {"S": row.sk},
        "data": {
            "S": json.dumps(dict(row.data), ensure_ascii=False, separators=(",", ":"))
        },
    }
    if row.version is not None:
        item["version"] = {"N": str(row.version)}
    if row.sealed is not None:
        item["sealed"] = {"B": row.sealed}
    return item


def _change(key: Key, version: int, previous: str, at: datetime) -> Change:
    number = version + 1
    return Change(
        key=key,
        expected_version=version,
        allowed_from=frozenset(),
        stage="in_review",
        organisation="11441882000000019J",
        body={"n": number},
        event=Event(
            type=f"{key.kind.lower()}.accepted",
            step="pre_review",
            cause=f"{key.ref}#{number:06}",
            time=at + timedelta(milliseconds=number),
            actor="sub-示例",
            request_hash=f"request-{number}",
            next_steps=("approve",) if number % 2 else (),
            body={"number": number, "文": f"第{number}件"},
            sealed=b"sealed %d" % number if number % 3 == 0 else None,
        ),
        previous_hash=previous,
    )

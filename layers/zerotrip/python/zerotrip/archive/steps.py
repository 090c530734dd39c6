"""What the archive's two functions do, given what they need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zerotrip.archive.model import (
    CONTENT_TYPE,
    Unreadable,
    archiving_hour,
    content_of,
    newest_closed_day,
    object_key,
    root_key,
    rows_of,
)
from zerotrip.archive.reading import (
    batches_of,
    content_at,
    details_of,
    first_day,
    is_sealed,
    root_of,
)
from zerotrip.archive.seals import DayChains, Reach, Seal, details_key, seal
from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.errors import GiveUp, Retry, ZeroTripError
from zerotrip.kernel.messages import Arrived, CloudEvent
from zerotrip.kernel.objects import AlreadyWritten, Objects
from zerotrip.kernel.records import RECORDS_TABLE, Records, event_row
from zerotrip.kernel.steps import pointed_at

LOOK_BACK_DAYS = 92
"""How far back a night looks for what continues; `make check-archive` looks further."""
MOST_DAYS_PER_TICK = 31
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ArchiveSteps:
    """What archive_events is given."""

    tenant: str
    records: Records
    objects: Objects
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SealSteps:
    """What seal_day is given."""

    tenant: str
    objects: Objects


@dataclass(frozen=True, slots=True)
class Sealed:
    """One day's seal as it stands; `gaps` and `faults` are counts."""

    day: date
    root: str
    objects: int
    aggregates: int
    events: int
    gaps: int
    faults: int


def archive_events(
    arrived: Sequence[Arrived[CloudEvent]], deps: ArchiveSteps
) -> Mapping[int, ZeroTripError]:
    """Writes the events that a batch points at as one immutable object.

    Answers what failed, by position: a message without its row harms no other. Raises
    Retry when nothing could be written. The same batch again is the same object.
    """
    stored = _stored(arrived, deps)
    failed: dict[int, ZeroTripError] = {}
    rows: list[EventRow] = []
    sent: list[datetime] = []
    for position, each in enumerate(arrived):
        data = each.message.data
        row = stored.get((data.key.pk, data.event))
        try:
            if row is None or row.seq != data.seq:
                row = pointed_at(deps.records, each.message, deps.tenant)
        except (GiveUp, Retry) as error:
            failed[position] = error
            continue
        rows.append(row)
        sent.append(each.sent_at)
    if rows:
        content = content_of(rows)
        hour = archiving_hour(max(sent), deps.now())
        _write_once(deps.objects, object_key(deps.tenant, hour, content), content)
    return failed


def _stored(
    arrived: Sequence[Arrived[CloudEvent]], deps: ArchiveSteps
) -> dict[tuple[str, str], EventRow]:
    """Rows of a batch in few calls; what is not seen yet is read consistently later."""
    keys = [
        (each.message.data.key.pk, each.message.data.event)
        for each in arrived
        if each.message.data.tenant == deps.tenant
    ]
    found = deps.records.tables.get_many(RECORDS_TABLE, keys)
    return {(row.pk, row.sk): event_row(row) for row in found}


def seal_days(tick: datetime, deps: SealSteps) -> list[Sealed]:
    """Seals every day that is over and has no seal, the oldest first.

    A missed night is made good by the next; a day without events is sealed too. The
    tick's own time is the only clock.
    """
    days = _unsealed(tick, deps)[:MOST_DAYS_PER_TICK]
    return [_seal_one(day, tick, deps) for day in days]


def _unsealed(tick: datetime, deps: SealSteps) -> list[date]:
    newest = newest_closed_day(tick)
    oldest = first_day(deps.objects, deps.tenant) or newest
    found: list[date] = []
    day = newest
    while day >= oldest and not is_sealed(deps.objects, deps.tenant, day):
        found.append(day)
        day -= ONE_DAY
    return found[::-1]


def _seal_one(day: date, tick: datetime, deps: SealSteps) -> Sealed:
    found = DayChains(deps.tenant)
    for batch in batches_of(deps.objects, deps.tenant, day):
        content = content_at(deps.objects, batch)
        try:
            found.add(batch.key, rows_of(batch.key, content))
        except Unreadable:
            found.add_unreadable(batch.key)
    reach, searched = _reach(day, found, deps)
    made = seal(
        day,
        found,
        previous=root_of(deps.objects, deps.tenant, day - ONE_DAY),
        reach=reach,
        searched=searched,
        tick=tick,
    )
    return _keep(made, deps)


def _reach(
    day: date, found: DayChains, deps: SealSteps
) -> tuple[dict[str, Reach], bool]:
    """How far chains were sealed before; whether every earlier day was read."""
    wanted, reach = found.continued(), dict[str, Reach]()
    oldest = first_day(deps.objects, deps.tenant) or day
    before = day - ONE_DAY
    while before >= oldest and wanted - reach.keys():
        if day - before > LOOK_BACK_DAYS * ONE_DAY:
            return reach, False
        try:
            _, heads = details_of(deps.objects, deps.tenant, before)
        except Unreadable:
            # Said in the seal, and no reason to leave this day without one.
            found.faults.append({"code": "seal_unreadable", "day": f"{before}"})
            heads = []
        for head in heads:
            if head.aggregate in wanted:
                reach.setdefault(head.aggregate, head.reached)
        before -= ONE_DAY
    return reach, True


def _keep(made: Seal, deps: SealSteps) -> Sealed:
    """Writes a seal, its details first. One that stands already is the one that counts.

    Nothing is added to a day that is over, so a second attempt finds the same.
    """
    root = str(made.document["root"])
    key = details_key(deps.tenant, made.day, root)
    _write_once(deps.objects, key, made.details)
    standing = made
    key = root_key(deps.tenant, made.day)
    if not _write_once(deps.objects, key, made.root_json, "application/json"):
        content = root_of(deps.objects, deps.tenant, made.day)
        standing = Seal(made.day, made.details, content or made.root_json)
    said = standing.document
    return Sealed(
        day=made.day,
        root=said["root"],
        objects=said["objects"],
        aggregates=said["aggregates"],
        events=said["events"],
        gaps=len(said["gaps"]),
        faults=len(said["faults"]),
    )


def _write_once(
    objects: Objects, key: str, content: bytes, content_type: str = CONTENT_TYPE
) -> bool:
    """Whether it was not there before."""
    try:
        objects.put_once(key, content, content_type=content_type)
    except AlreadyWritten:
        return False
    return True

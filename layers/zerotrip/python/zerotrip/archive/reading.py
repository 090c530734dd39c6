"""Reading the archive: what was first written under a key, and nothing that came later.

Whoever may write could write a key again or mark it as deleted; the version that is
locked is the oldest, so that one is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from zerotrip.archive.model import (
    Unreadable,
    day_of,
    day_prefix,
    is_batch,
    root_key,
    rows_of,
)
from zerotrip.archive.seals import DayHead, details_key, read_details, read_root
from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.objects import FirstVersion, Objects

ONE_DAY = timedelta(days=1)


def first_day(objects: Objects, tenant: str) -> date | None:
    """The day with which the archive begins; None while it is empty."""
    key = objects.first_key(f"{tenant}/2")  # years; nothing of ours sorts before
    return None if key is None else day_of(key)


def batches_of(objects: Objects, tenant: str, day: date) -> list[FirstVersion]:
    """The objects of a day that hold events, by key."""
    listed = objects.first_versions(day_prefix(tenant, day))
    return [each for each in listed if is_batch(each.key)]


def content_at(objects: Objects, version: FirstVersion) -> bytes:
    """What a listed version holds. Raises Retry when it cannot be read."""
    stored = objects.get(version.key, version.version_id)
    if stored is None:
        raise Retry(
            "archive_unreadable",
            "归档文件已列出，但读取失败，系统会自动重试。",
            "An object of the archive is listed, but cannot be read; tried again.",
            detail={"object": version.key},
        )
    return stored.content


def root_of(objects: Objects, tenant: str, day: date) -> bytes | None:
    """`root.json` of a day as it was first written; None if the day has no seal."""
    return _first_at(objects, root_key(tenant, day))


def is_sealed(objects: Objects, tenant: str, day: date) -> bool:
    """Whether the day has a seal."""
    key = root_key(tenant, day)
    return any(each.key == key for each in objects.first_versions(key))


def details_of(
    objects: Objects, tenant: str, day: date
) -> tuple[list[str], list[DayHead]]:
    """Names of objects and heads of chains in a day's seal; none without a seal.

    Raises Unreadable when they are not those that the seal names.
    """
    sealed = root_of(objects, tenant, day)
    if sealed is None:
        return [], []
    root = str(read_root(sealed)["root"])
    content = _first_at(objects, details_key(tenant, day, root))
    if content is None:
        raise Unreadable(f"{day}: the details of the seal are missing")
    return read_details(content, root)


def read_events(
    objects: Objects, tenant: str, first: date, last: date
) -> Iterator[EventRow]:
    """Every event that was archived from `first` to `last`, both included, once.

    By day of archiving, within a day by time, aggregate and seq: an event that came
    late comes late here too, and its seq says where it belongs. Raises Unreadable for
    an object that is not what its name says.
    """
    seen: set[str] = set()
    day = first
    while day <= last:
        rows: dict[str, EventRow] = {}
        for batch in batches_of(objects, tenant, day):
            for row in rows_of(batch.key, content_at(objects, batch)):
                if row.ref not in seen:
                    rows.setdefault(row.ref, row)
        seen |= rows.keys()
        yield from sorted(
            rows.values(), key=lambda row: (row.time, row.key.ref, row.seq)
        )
        day += ONE_DAY


def _first_at(objects: Objects, key: str) -> bytes | None:
    for version in objects.first_versions(key):
        if version.key == key:
            return content_at(objects, version)
    return None

"""Lines, objects and days of the archive."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.archive.kept import TENANT, Kept, a_case
from zerotrip.archive.model import (
    Unreadable,
    archiving_hour,
    content_of,
    day_of,
    is_batch,
    line_of,
    link_of,
    newest_closed_day,
    object_key,
    row_of,
    rows_of,
)
from zerotrip.kernel import times

AT = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)  # 00:30 on the 21st in Shanghai


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_a_line_gives_back_the_event_as_it_was_stored(kept: Kept) -> None:
    for row in kept.write(a_case(), 4):
        assert row_of(line_of(row)) == row
        assert link_of(row_of(line_of(row))).sound


def test_a_line_is_one_line_of_canonical_json(kept: Kept) -> None:
    (row,) = kept.write(a_case())
    line = line_of(row)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert list(json.loads(line)) == sorted(json.loads(line))
    assert json.loads(line)["key"] == row.key.pk


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b"null", b'{"key": "x"}', b"\xff", b'"text"']
)
def test_what_is_no_event_is_unreadable(line: bytes) -> None:
    with pytest.raises(Unreadable):
        row_of(line)


def test_the_order_of_delivery_does_not_change_an_object(kept: Kept) -> None:
    rows = [*kept.write(a_case(1), 3), *kept.write(a_case(2), 2)]
    assert content_of(rows) == content_of([*reversed(rows), rows[0], rows[3]])
    key = object_key(TENANT, AT, content_of(rows))
    assert is_batch(key)
    assert sorted(row.ref for row in rows_of(key, content_of(rows))) == sorted(
        row.ref for row in rows
    )


def test_an_object_is_named_by_what_it_holds(kept: Kept) -> None:
    content = content_of(kept.write(a_case(), 2))
    key = object_key(TENANT, AT, content)
    with pytest.raises(Unreadable):
        rows_of(key, content.replace(b"pre_review", b"pre-review", 1))


def test_day_and_hour_of_a_key_are_those_of_shanghai() -> None:
    key = object_key(TENANT, AT, b"")
    assert key.startswith("441882/2026/11/21/00/")
    assert day_of(key) == date(2026, 11, 21)


@pytest.mark.parametrize(
    "key",
    [
        "441882/2026/11/21/root.json",
        "441882/2026/11/21/chains-" + "a" * 43 + ".ndjson",
        "441882/2026/11/21/00/short.ndjson",
        "44188/2026/11/21/00/" + "a" * 43 + ".ndjson",
        "441882/2026/11/21/00/deeper/" + "a" * 43 + ".ndjson",
    ],
)
def test_no_other_key_passes_for_a_batch(key: str) -> None:
    assert not is_batch(key)


@pytest.mark.parametrize("key", ["441882/2026/13/45/x", "441882/report.pdf", ""])
def test_a_key_without_a_day_has_none(key: str) -> None:
    assert day_of(key) is None


def test_a_batch_keeps_its_hour_until_its_day_is_about_to_be_sealed() -> None:
    sent = datetime(2026, 11, 20, 23, 50, tzinfo=times.SHANGHAI)
    midnight = datetime(2026, 11, 21, tzinfo=times.SHANGHAI)
    for minutes in (-5, 0, 30, 59):
        assert archiving_hour(sent, midnight + timedelta(minutes=minutes)) == sent
    for minutes in (60, 61, 60 * 24 * 13):
        late = midnight + timedelta(minutes=minutes)
        assert archiving_hour(sent, late) == late


def test_a_day_is_closed_before_it_may_be_sealed() -> None:
    """Whatever the clock: no batch is written to a day that seal_day may take."""
    sent = datetime(2026, 11, 20, 12, tzinfo=times.SHANGHAI)
    for minutes in range(0, 48 * 60, 7):
        now = sent + timedelta(minutes=minutes)
        written = times.legal_day(archiving_hour(sent, now))
        an_hour_later = now + timedelta(minutes=59)
        assert written > newest_closed_day(an_hour_later)


@pytest.mark.parametrize(
    ("tick", "day"),
    [
        (datetime(2026, 11, 20, 18, 0, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2026, 11, 20, 17, 59, tzinfo=UTC), date(2026, 11, 19)),
        (datetime(2026, 11, 21, 17, 59, tzinfo=UTC), date(2026, 11, 20)),
        (datetime(2028, 2, 29, 18, 0, tzinfo=UTC), date(2028, 2, 29)),
    ],
)
def test_the_tick_at_two_seals_the_day_before(tick: datetime, day: date) -> None:
    assert newest_closed_day(tick) == day

"""Instants in UTC, legal days in Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrip.kernel import times

INSTANTS = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001 (it wants them without)
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, times.SHANGHAI, timezone(timedelta(hours=-5))]),
)


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2023, 2, 28), 12, date(2024, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 3, 31), 1, date(2026, 4, 30)),
        (date(2026, 12, 31), 1, date(2027, 1, 31)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2026, 11, 21), 0, date(2026, 11, 21)),
        (date(2026, 12, 5), 60, date(2031, 12, 5)),
    ],
)
def test_a_month_later_is_the_same_day_or_the_months_last(
    day: date, months: int, then: date
) -> None:
    assert times.add_months(day, months) == then


@pytest.mark.parametrize(
    ("day", "born", "age"),
    [
        (date(2026, 11, 20), date(2008, 11, 21), 17),
        (date(2026, 11, 21), date(2008, 11, 21), 18),
        (date(2026, 12, 1), date(2008, 11, 21), 18),
        (date(2026, 2, 28), date(2008, 2, 29), 17),
        (date(2026, 3, 1), date(2008, 2, 29), 18),
        (date(2026, 11, 21), date(2026, 11, 21), 0),
    ],
)
def test_one_is_a_year_older_on_the_birthday_itself(
    day: date, born: date, age: int
) -> None:
    assert times.age_on(day, born) == age


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(0, 600))
def test_months_are_counted_and_the_day_is_never_later(day: date, months: int) -> None:
    then = times.add_months(day, months)
    assert (then.year - day.year) * 12 + then.month - day.month == months
    assert then.day <= day.day
    assert then.day == day.day or (then + timedelta(days=1)).day == 1


@given(INSTANTS)
def test_a_text_is_the_instant_to_the_millisecond(instant: datetime) -> None:
    text = times.to_text(instant)
    assert len(text) == 24
    assert instant - times.from_text(text) < timedelta(milliseconds=1)
    assert times.to_text(times.from_text(text)) == text


@given(INSTANTS, INSTANTS)
def test_texts_sort_as_their_instants_do(one: datetime, other: datetime) -> None:
    earlier, later = sorted((one, other))
    assert times.to_text(earlier) <= times.to_text(later)


def test_a_text_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="no offset"):
        times.from_text("2026-11-21T08:00:00")


def test_other_offsets_are_read_too() -> None:
    assert times.from_text("2026-11-21T16:00:00+08:00") == datetime(
        2026, 11, 21, 8, tzinfo=UTC
    )


def test_the_legal_day_changes_at_midnight_in_shanghai() -> None:
    before = datetime(2026, 11, 21, 15, 59, 59, tzinfo=UTC)
    assert times.legal_day(before) == date(2026, 11, 21)
    assert times.legal_day(before + timedelta(seconds=1)) == date(2026, 11, 22)
    assert times.spoken(before) == "2026-11-21 23:59"

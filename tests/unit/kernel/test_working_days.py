"""Working days as the law counts them, from days that were announced."""

from __future__ import annotations

from datetime import date

import pytest

from zerotrip.kernel.working_days import ANNOUNCED, WorkingDays

DAYS = WorkingDays.from_json(ANNOUNCED)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2026-11-20", 0, "2026-11-20"),
        ("2026-11-20", 1, "2026-11-23"),  # Friday, Monday
        ("2026-11-21", 1, "2026-11-23"),  # a Saturday does not count
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday that is worked
        ("2026-02-14", 1, "2026-02-24"),  # after the Spring Festival
        ("2026-02-27", 1, "2026-02-28"),
        ("2026-09-24", 2, "2026-09-29"),  # the Mid-Autumn Festival and a weekend
        ("2026-09-30", 3, "2026-10-10"),  # two days, then a Saturday that is worked
        ("2026-12-31", 1, "2027-01-04"),  # New Year's Day of a year not announced
        ("2027-04-30", 1, "2027-05-03"),
    ],
)
def test_the_nth_working_day_after_a_day(start: str, count: int, end: str) -> None:
    assert DAYS.after(date.fromisoformat(start), count).isoformat() == end


def test_2026_has_the_working_days_that_were_announced() -> None:
    days = [date.fromordinal(date(2026, 1, 1).toordinal() + n) for n in range(365)]
    weekdays = sum(day.weekday() < 5 for day in days)
    # The weekdays less the 13 holidays of law, whose weekends are worked or given.
    assert weekdays == 261
    assert sum(map(DAYS.works, days)) == 248


def test_a_loaded_year_replaces_the_guess() -> None:
    loaded = WorkingDays.from_json({"2027": {"off": ["01-01/01-03"], "worked": []}})
    assert not loaded.works(date(2027, 1, 1))
    assert loaded.works(date(2027, 5, 3))
    assert not loaded.works(date(2028, 5, 1))


def test_a_day_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="day is out of range"):
        WorkingDays.from_json({"2027": {"off": ["02-30"], "worked": []}})
    with pytest.raises(KeyError):
        WorkingDays.from_json({"2027": {"off": []}})

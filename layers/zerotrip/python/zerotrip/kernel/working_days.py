"""Legal working days (工作日): weekends, holidays, and weekends that are worked. Pure.

The State Council's office announces each year's days in the autumn before. A year that
nobody has announced yet has its weekends and the holidays of a fixed date only, so a
period that ends in it must be reckoned again once the year is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

_DAY = timedelta(days=1)
_SATURDAY = 5
_FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})
"""全国年节及纪念日放假办法 (2024): holidays that follow no lunar date."""


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Announced years: days off besides weekends, and weekends that are worked."""

    years: frozenset[int]
    off: frozenset[date]
    worked: frozenset[date]

    def works(self, day: date) -> bool:
        """Whether offices are open on that day."""
        if day in self.worked:
            return True
        if day.weekday() >= _SATURDAY or day in self.off:
            return False
        return day.year in self.years or (day.month, day.day) not in _FIXED

    def after(self, day: date, count: int) -> date:
        """The `count`-th working day after a day, which itself does not count."""
        while count > 0:
            day += _DAY
            count -= self.works(day)
        return day

    @classmethod
    def from_json(cls, years: Mapping[str, Any]) -> WorkingDays:
        """Reads `{"2026": {"off": ["01-01/01-03", …], "worked": ["01-04", …]}}`.

        Raises ValueError for a date that does not exist, KeyError for a part missing.
        """
        off: set[date] = set()
        worked: set[date] = set()
        for year, days in years.items():
            off.update(each for span in days["off"] for each in _span(year, span))
            worked.update(each for span in days["worked"] for each in _span(year, span))
        return cls(
            frozenset(int(year) for year in years), frozenset(off), frozenset(worked)
        )


def _span(year: str, text: str) -> Iterator[date]:
    first, _, last = text.partition("/")
    day = date.fromisoformat(f"{year}-{first}")
    end = date.fromisoformat(f"{year}-{last or first}")
    while day <= end:
        yield day
        day += _DAY


ANNOUNCED: Mapping[str, Any] = {
    # 国务院办公厅关于2026年部分节假日安排的通知, 4 November 2025.
    "2026": {
        "off": [
            "01-01/01-03", "02-15/02-23", "04-04/04-06", "05-01/05-05",
            "06-19/06-21", "09-25/09-27", "10-01/10-07",
        ],
        "worked": ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"],
    },
}  # fmt: skip
"""Years known when this was written; an operator loads later ones beside them."""

"""Instants are UTC in storage; legal days are Asia/Shanghai."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta, timezone

# China keeps one offset the whole year since 1991; a fixed offset needs no tz data.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def to_text(instant: datetime) -> str:
    """`2026-11-21T08:00:00.000Z`: sorts as text, milliseconds, always UTC."""
    moment = instant.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def from_text(text: str) -> datetime:
    """The instant of an RFC 3339 text. Raises ValueError when there is no offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no offset in {text!r}")
    return instant.astimezone(UTC)


def legal_day(instant: datetime) -> date:
    """The calendar day on which the law sees this instant."""
    return instant.astimezone(SHANGHAI).date()


def spoken(instant: datetime) -> str:
    """How a person reads it: `2026-11-21 16:00` in Shanghai time."""
    return f"{instant.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def spoken_day(day: date) -> tuple[str, str]:
    """`2026年12月1日`, `2026-12-01`."""
    return f"{day.year}年{day.month}月{day.day}日", day.isoformat()


def spoken_minute(instant: datetime) -> tuple[str, str]:
    """The minute in Shanghai: `2026年12月5日10:00`, `2026-12-05 10:00`."""
    zh, en = spoken_day(legal_day(instant))
    clock = f"{instant.astimezone(SHANGHAI):%H:%M}"
    return f"{zh}{clock}", f"{en} {clock}"


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day (29 February)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def age_on(day: date, born: date) -> int:
    """Full years of age (周岁): one more from the birthday itself.

    Who was born on 29 February is a year older on 1 March of a common year.
    """
    had_birthday = (day.month, day.day) >= (born.month, born.day)
    return day.year - born.year - (0 if had_birthday else 1)

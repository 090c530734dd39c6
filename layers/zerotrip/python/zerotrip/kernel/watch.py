"""When an event that nobody has answered yet is published again."""

from __future__ import annotations

from datetime import datetime, timedelta

FIRST_WATCH = timedelta(minutes=2)
LONGEST_WATCH = timedelta(days=1)


def watch_due(now: datetime, tries: int) -> datetime:
    """When an unanswered event is looked at again: 2 min, doubling, a day at most."""
    return now + min(FIRST_WATCH * int(2 ** min(tries, 20)), LONGEST_WATCH)

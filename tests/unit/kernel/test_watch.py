"""How long the watchdog waits before it publishes an unanswered event again."""

from __future__ import annotations

from zerotrip.kernel.times import from_text
from zerotrip.kernel.watch import watch_due


def test_the_watch_doubles_up_to_a_day() -> None:
    now = from_text("2026-11-21T08:00:00Z")
    minutes = [(watch_due(now, tries) - now).total_seconds() / 60 for tries in range(5)]
    assert minutes == [2, 4, 8, 16, 32]
    assert (watch_due(now, 10**6) - now).days == 1

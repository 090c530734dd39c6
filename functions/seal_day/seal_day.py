"""Each night: the root of the day's chain heads, written once beside its events."""

from typing import Any

from zerotrip.runtime.night import seal_tick


def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    """The tick's own time (`event["time"]`) is the only clock."""
    return seal_tick(event["time"])

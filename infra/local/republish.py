"""Puts stored events back on the bus: `make republish FROM=… TO=…`.

For what the stream lost beyond its 24 hours. Event rows are read again and nothing is
written: effects are exactly once, so what had arrived before changes nothing. Works in
AWS as well (`--stage staging`, with the operator's credentials).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.local.home import DEFAULT_HOME, Home
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.bus import Bus, EventBridge
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.stream import inserted_event

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Republished:
    """How many rows were read, how many events lay in the time, how many went out."""

    rows: int
    found: int
    published: int


def republish(
    dynamodb: Any,
    table: str,
    bus: Bus,
    since: datetime,
    until: datetime,
    *,
    progress: Progress = lambda *_: None,
) -> Republished:
    """Publishes every stored event of `since <= time < until`, oldest first.

    Order does not matter to the steps; it makes the log readable.
    """
    first, last = times.to_text(since), times.to_text(until)
    rows, events = 0, []
    for item in _event_items(dynamodb, table):
        rows += 1
        image = {name: value for name, value in item.items() if name != "sealed"}
        row = inserted_event({"eventName": "INSERT", "dynamodb": {"NewImage": image}})
        if row is not None and first <= row.time < last:
            events.append(row)
    events.sort(key=lambda row: row.time)
    published = _publish(bus, events, progress)
    return Republished(rows, len(events), published)


def _publish(bus: Bus, events: list[EventRow], progress: Progress) -> int:
    published = 0
    for start in range(0, len(events), 100):
        part = events[start : start + 100]
        failed = bus.publish([cloud_event(row) for row in part])
        published += len(part) - len(failed)
        progress(start + len(part), len(events))
    return published


def _event_items(dynamodb: Any, table: str) -> Iterator[dict[str, Any]]:
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(sk, :event)",
        ExpressionAttributeValues={":event": {"S": "EVENT#"}},
    )
    for page in pages:
        yield from page["Items"]


def _instant(text: str) -> datetime:
    """`2026-11-20` (midnight in Shanghai) or RFC 3339 with an offset."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=times.SHANGHAI)
    return instant


def _bar(done: int, found: int) -> None:
    filled = 30 * done // max(found, 1)
    end = "\n" if done == found else "\r"
    print(
        f"  [{'█' * filled}{'·' * (30 - filled)}] {done}/{found}", end=end, flush=True
    )


def main() -> int:
    """Republishes one span of time; 1 if the bus did not take everything."""
    parser = argparse.ArgumentParser(prog="infra.local.republish")
    parser.add_argument("since", type=_instant, help="2026-11-20 or RFC 3339")
    parser.add_argument("until", type=_instant, help="likewise; not included")
    parser.add_argument("--stage", default="local")
    arguments = parser.parse_args()
    name = f"zerotrip-{arguments.stage}"
    if arguments.stage == "local":
        home = Home(DEFAULT_HOME)
        dynamodb, events = home.client("dynamodb"), home.client("events")
    else:
        import boto3  # the operator's own credentials and region

        dynamodb, events = boto3.client("dynamodb"), boto3.client("events")
    done = republish(
        dynamodb,
        f"{name}-records",
        EventBridge(events, name),
        arguments.since,
        arguments.until,
        progress=_bar,
    )
    print(
        f"  已重新发布 {done.published} 个事件，共 {done.found} 个"
        f" · {done.published} of {done.found} events published again"
    )
    return 0 if done.published == done.found else 1


if __name__ == "__main__":
    sys.exit(main())

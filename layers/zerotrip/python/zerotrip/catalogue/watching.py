"""The watchdog of items: a day was set, and nobody has published the revision yet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from zerotrip.catalogue.revisions import ItemStage, looked_at, read_item
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.bus import Bus, publish_again
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.records import Overtaken, Records


def watch_items(records: Records, bus: Bus, due: Sequence[Key], tick: datetime) -> int:
    """Publishes `item.scheduled` of due items again; answers how many.

    Nothing else waits in an item's head, and the entry ends with `item.published`. A
    crash after publishing repeats it at the next tick: an item is offered once.
    """
    published = 0
    for head in records.heads([key for key in due if key.kind is Kind.ITEM]):
        now = read_item(head)
        if now is None or now.stage is not ItemStage.SCHEDULED:
            continue  # answered since the index was read
        row = records.event(head.key, now.scheduled_by)
        if row is not None:
            publish_again(bus, [cloud_event(row)])
            published += 1
        try:
            records.touch(head, *looked_at(now, tick))
        except Overtaken:
            continue  # published in this moment
    return published

"""A day was set and its message is lost: the watchdog publishes it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.unit.catalogue.test_revisions import Hall
from zerotrip.catalogue.revisions import ItemStage
from zerotrip.catalogue.steps import publish_item
from zerotrip.catalogue.watching import watch_items
from zerotrip.kernel import times
from zerotrip.kernel.errors import AlreadyDone, Retry
from zerotrip.kernel.messages import CloudEvent

TENANT = "441882"


@dataclass
class Bus:
    """Keeps what it is given, unless it takes nothing."""

    takes: bool = True
    events: list[CloudEvent] = field(default_factory=list)

    def publish(self, events: Sequence[CloudEvent]) -> list[int]:
        if not self.takes:
            return list(range(len(events)))
        self.events.extend(events)
        return []


def tick(hall: Hall, bus: Bus) -> int:
    now = hall.shop.moment
    due = hall.records.due(TENANT, times.to_text(now))
    return watch_items(hall.records, bus, due, now)


def pass_by(hall: Hall, **time: float) -> None:
    hall.shop.moment += timedelta(**time)


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_lost_message_is_published_again_and_the_item_offered(hall):
    event, bus = hall.scheduled(), Bus()
    assert tick(hall, bus) == 0
    pass_by(hall, minutes=2)
    assert tick(hall, bus) == 1
    (again,) = bus.events
    assert again == event
    publish_item(again, hall.deps)
    assert hall.stage(again.data.key.id) is ItemStage.PUBLISHED
    with pytest.raises(AlreadyDone):
        publish_item(event, hall.deps)


def test_the_distances_double_until_it_is_answered(hall):
    event, bus = hall.scheduled(), Bus()
    found = []
    for minute in range(1, 65):
        pass_by(hall, minutes=1)
        if tick(hall, bus):
            found.append(minute)
    assert found == [2, 6, 14, 30, 62]
    publish_item(event, hall.deps)
    pass_by(hall, days=3)
    assert tick(hall, bus) == 0
    assert hall.publishing.read(event.data.key.id).item.tries == 0


def test_a_bus_that_takes_nothing_is_tried_at_the_next_tick(hall):
    hall.scheduled()
    pass_by(hall, minutes=3)
    with pytest.raises(Retry) as refused:
        tick(hall, Bus(takes=False))
    assert refused.value.code == "bus_unavailable"
    bus = Bus()
    assert tick(hall, bus) == 1


def test_an_item_that_waits_for_its_offices_is_left_alone(hall):
    hall.approved()
    pass_by(hall, days=9)
    assert tick(hall, Bus()) == 0

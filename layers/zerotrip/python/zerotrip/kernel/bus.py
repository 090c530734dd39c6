"""The port to the event bus, and its adapter on EventBridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from zerotrip.kernel.errors import Retry
from zerotrip.kernel.messages import EVENT_SOURCE, CloudEvent

ENTRIES_PER_CALL = 10


class Bus(Protocol):
    """Takes events; what it could not take it names by position."""

    def publish(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        """Positions of the events that the bus did not take."""


def publish_again(bus: Bus, events: Sequence[CloudEvent]) -> None:
    """The watchdog's way: all of them, or Retry `bus_unavailable` at this tick."""
    if bus.publish(events):
        raise Retry(
            "bus_unavailable",
            "事件总线暂时不可用，系统会自动重试。",
            "The event bus did not take every event; tried at the next tick.",
        )


@dataclass(frozen=True, slots=True)
class EventBridge:
    """Bus on EventBridge; `client` is a botocore events client."""

    client: Any
    name: str

    def publish(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        """PutEvents in tens. An answer of 200 may still hold failed entries."""
        failed: set[int] = set()
        for start in range(0, len(events), ENTRIES_PER_CALL):
            part = events[start : start + ENTRIES_PER_CALL]
            answer = self.client.put_events(
                Entries=[
                    {
                        "EventBusName": self.name,
                        "Source": EVENT_SOURCE,
                        "DetailType": event.type,
                        "Detail": event.model_dump_json(),
                    }
                    for event in part
                ]
            )
            if answer["FailedEntryCount"]:
                failed |= {
                    start + position
                    for position, entry in enumerate(answer["Entries"])
                    if entry.get("ErrorCode")
                }
        return frozenset(failed)

"""A counter: a world in which parcels travel."""

from __future__ import annotations

import functools
import uuid
from datetime import timedelta
from typing import Any

from tests.support.memory import LossyTables
from tests.support.partners import FakeCourier, delivery_steps, parcel_callbacks
from tests.support.persons import acting
from tests.support.world import TENANT, Message, World
from zerotrip.deliveries import model
from zerotrip.deliveries.callbacks import parcel_callback
from zerotrip.deliveries.clients.courier import (
    ParcelNotice,
    ParcelStatus,
)
from zerotrip.deliveries.model import ShipmentNow, ShipmentStage
from zerotrip.deliveries.steps import DeliverySteps, dispatch_courier
from zerotrip.kernel.aggregate import EventRow, Key

PAPERS_ITEM = "vehicle-inspection-mark"


class Counter:
    """A case whose papers are to be picked up, its courier, and its messages."""

    def __init__(self) -> None:
        self.tables = LossyTables()
        self.world = World(tables=self.tables)
        self.courier = FakeCourier()
        self.case_no = self.world.apply(PAPERS_ITEM, "sub-1", "citizen")
        self.world.relay()
        while not any(each.step == "dispatch_courier" for each in self.world.queue):
            self.world.carry_out(self.world.queue.pop(0))
            self.world.relay()
        (self.ordering,) = self.world.take("dispatch_courier")
        self.world.run()
        self.world.steps["dispatch_courier"] = lambda event: dispatch_courier(
            event, self.deps
        )
        world = self.world
        self._kept = dict(self.tables.rows), world._seen, world.clock.at

    def back(self) -> Counter:
        """As it was when the papers were asked for, with a courier who knows nothing.

        Publishing an item takes a while, so one world serves many tests.
        """
        rows, seen, at = self._kept
        self.tables.rows, self.tables.lose_after = dict(rows), ""
        del self.tables.transactions[seen:]
        self.world.queue, self.world._seen, self.world.clock.at = [], seen, at
        self.world.dead, self.world.log = [], []
        self.courier = FakeCourier()
        return self

    @property
    def deps(self) -> DeliverySteps:
        return delivery_steps(self.world, self.courier)

    def order(self) -> str:
        """One delivery of the message that asks for the pick-up."""
        return self.world.carry_out(self.ordering)

    def withdraw(self) -> Message:
        """The applicant withdraws; answers the message that asks for cancelling."""
        now = self.world.case(self.case_no)
        self.world.requests.withdraw(self.case_no, acting("sub-1"), now.head.version)
        self.world.relay()
        (message,) = self.world.take("dispatch_courier")
        return message

    def notice(self, status: str, minutes: float = 0, **said: Any) -> ParcelNotice:
        """What the courier would say, so many minutes after the order."""
        told = {
            "callback_id": f"msg_{uuid.uuid4().hex}",
            "shipment_id": self.key.id,
            "waybill": FakeCourier.waybill(self.key.id),
            "status": ParcelStatus(status),
            "occurred_at": self.world.clock.at + timedelta(minutes=minutes),
        }
        return ParcelNotice(**{**told, **said})

    def hear(self, notice: ParcelNotice) -> EventRow:
        """A callback that has been verified."""
        self.courier.next_notice = notice
        deps = parcel_callbacks(self.world, self.courier)
        return parcel_callback({}, b"", deps)

    @property
    def key(self) -> Key:
        shipment = self.world.case(self.case_no).case.shipments[0]
        return model.shipment_key(TENANT, shipment)

    @property
    def shipment(self) -> ShipmentNow:
        head = self.world.records.head(self.key)
        assert head is not None
        return model.read_shipment(head)

    @property
    def stage(self) -> ShipmentStage:
        return self.shipment.stage

    @property
    def types(self) -> list[str]:
        return [row.type for row in self.world.records.history(self.key)]


@functools.cache
def _one_counter() -> Counter:
    return Counter()


def fresh_counter() -> Counter:
    """A counter whose case waits for its papers; only one is in use at a time."""
    return _one_counter().back()

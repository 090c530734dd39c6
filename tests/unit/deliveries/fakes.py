"""A courier that remembers, and a counter: a world in which parcels travel."""

from __future__ import annotations

import functools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.world import TENANT, Message, World
from tests.unit.payments.fakes import LossyTables
from zerotrip.deliveries import model
from zerotrip.deliveries.callbacks import ParcelCallbacks, parcel_callback
from zerotrip.deliveries.clients.courier import (
    Contact,
    Parcel,
    ParcelNotice,
    ParcelStatus,
)
from zerotrip.deliveries.model import ShipmentNow, ShipmentStage
from zerotrip.deliveries.steps import DeliverySteps, dispatch_courier
from zerotrip.kernel.aggregate import EventRow, Key
from zerotrip.kernel.errors import AlreadyDone, GiveUp

PAPERS_ITEM = "vehicle-inspection-mark"
OFFICE = Contact("示例政务服务中心", "0750-0000000", "示例省示例市示例路1号")


@dataclass
class FakeCourier:
    """Obeys the carrier's rules; `before` and `after` run at each named call."""

    orders: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    status: dict[str, ParcelStatus] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    after: dict[str, Callable[[], None]] = field(default_factory=dict)
    next_notice: ParcelNotice | None = None

    def order(
        self,
        shipment_id: str,
        direction: str,
        sender: Contact,
        receiver: Contact,
        cargo: str,
    ) -> str:
        self._enter("order")
        content = (direction, sender, receiver, cargo)
        if self.orders.setdefault(shipment_id, content) != content:
            detail = {"http_status": 409, "reason": "order_conflict"}
            raise GiveUp("courier_order_refused", "", "", detail=detail)
        self.status.setdefault(shipment_id, ParcelStatus.CREATED)
        self._leave("order")
        return self.waybill(shipment_id)

    def cancel(self, shipment_id: str) -> None:
        self._enter("cancel")
        if shipment_id not in self.orders:
            raise AlreadyDone("courier_order_unknown", "", "")
        if self.status[shipment_id] not in ("CREATED", "CANCELLED"):
            raise AlreadyDone("courier_cancellation_too_late", "", "")
        self.status[shipment_id] = ParcelStatus.CANCELLED
        self._leave("cancel")

    def find(self, shipment_id: str) -> Parcel | None:
        self._enter("find")
        if shipment_id not in self.orders:
            return None
        waybill, status = self.waybill(shipment_id), self.status[shipment_id]
        return Parcel(shipment_id, waybill, status, datetime(2026, 11, 20, tzinfo=UTC))

    def read_callback(self, headers: Any, raw_body: bytes) -> ParcelNotice:
        """Reading and its refusals are tried with the real client."""
        assert self.next_notice is not None
        return self.next_notice

    @staticmethod
    def waybill(shipment_id: str) -> str:
        return f"ZT{shipment_id[-6:]}"

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        self.before.pop(call, lambda: None)()

    def _leave(self, call: str) -> None:
        self.after.pop(call, lambda: None)()


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
        (self.ordering,) = self.messages("dispatch_courier")
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
        return DeliverySteps(
            TENANT,
            self.world.records,
            self.world.catalogue,
            lambda: self.world.keys,
            self.courier,  # type: ignore[arg-type]
            OFFICE,
            self.world.clock,
        )

    def order(self) -> str:
        """One delivery of the message that asks for the pick-up."""
        return self.world.carry_out(self.ordering)

    def withdraw(self) -> Message:
        """The applicant withdraws; answers the message that asks for cancelling."""
        now = self.world.case(self.case_no)
        self.world.requests.withdraw(self.case_no, "sub-1", now.head.version)
        self.world.relay()
        (message,) = self.messages("dispatch_courier")
        return message

    def messages(self, step: str) -> list[Message]:
        """Takes the waiting messages of a step out of the queue."""
        found = [each for each in self.world.queue if each.step == step]
        self.world.queue = [each for each in self.world.queue if each not in found]
        return found

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
        deps = ParcelCallbacks(
            TENANT,
            self.world.records,
            self.courier,  # type: ignore[arg-type]
            self.world.clock,
        )
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

"""A world with its partners: whole errands, whatever order their messages come in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import timedelta

from tests.support.partners import (
    FakeCourier,
    FakeWeChatPay,
    delivery_steps,
    parcel_callbacks,
)
from tests.support.persons import acting
from tests.support.world import TENANT, Message, World
from zerotrip.cases.lifecycle import FINAL, Obligation, Stage
from zerotrip.deliveries.callbacks import parcel_callback
from zerotrip.deliveries.clients.courier import ParcelNotice, ParcelStatus
from zerotrip.deliveries.steps import dispatch_courier
from zerotrip.kernel.aggregate import Kind
from zerotrip.kernel.errors import AlreadyDone, Conflict
from zerotrip.payments.model import BillStage
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import PaymentSteps, collect_payment, record_payment

ROLES = {
    "vehicle-inspection-mark": "citizen",
    "vehicle-licence-replacement": "citizen",
    "food-business-licence": "company",
}
OPENID = "oTown-1"
MOST_TURNS = 500
"""Far above any order of messages that comes to rest."""
Deliver = Callable[["Town"], None]


class Town:
    """One applicant's errand with a channel, a courier and an officer at hand."""

    def __init__(self, folder: str) -> None:
        self.world = World()
        self.channel = FakeWeChatPay(self.world.clock)
        self.courier = FakeCourier()
        world = self.world
        channels = {"wechat_pay": lambda: self.channel}
        payments = PaymentSteps(TENANT, world.records, channels, world.clock)  # type: ignore[arg-type]
        self.payments = Payments(world.records, world.catalogue, channels, world.clock)  # type: ignore[arg-type]
        world.steps["collect_payment"] = lambda event: collect_payment(event, payments)
        world.steps["dispatch_courier"] = lambda event: dispatch_courier(
            event, delivery_steps(self.world, self.courier)
        )
        self.case_no = world.apply(folder, "sub-1", ROLES[folder])
        world.relay()
        self._kept = (
            dict(world.tables.rows),
            list(world.queue),
            world.mint.random_bytes.__self__.getstate(),  # type: ignore[attr-defined]
        )

    def back(self) -> Town:
        """As it was when the application had just been handed in."""
        world = self.world
        rows, queue, dice = self._kept
        world.tables.rows = dict(rows)
        world.tables.transactions = []
        world._seen = 0
        world.queue, world.dead, world.log = list(queue), [], []
        world.licences.versions.clear()
        world.mint.random_bytes.__self__.setstate(dice)  # type: ignore[attr-defined]
        self.channel = FakeWeChatPay(world.clock)
        self.courier = FakeCourier()
        return self

    def run(self, deliver: Deliver) -> None:
        """Until the case has ended and nothing is on its way any more."""
        for _ in range(MOST_TURNS):
            self.world.relay()
            if self.world.queue:
                deliver(self)
            elif not self.people_act():
                return
        raise RuntimeError("the errand never comes to rest")

    def people_act(self) -> bool:
        """What people do when everything stands still; whether anyone did."""
        now = self.world.case(self.case_no)
        if self._parcels_arrive():
            return True
        if Obligation.DECISION in now.case.obligations:
            self.world.requests.decide(
                now, "officer-1", now.head.version, "approve", "材料齐全"
            )
            return True
        if now.stage is Stage.PAYMENT_DUE:
            self.pay()
            return True
        return now.stage not in FINAL

    def pay(self) -> None:
        """The applicant opens the bill and pays it; the channel says so twice."""
        now = self.world.case(self.case_no)
        try:
            opened = self.payments.pay(
                now, acting("sub-1"), now.head.version, None, "wechat_pay", OPENID
            )
        except Conflict as conflict:
            if conflict.code != "bill_not_ready":  # its message is not there yet
                raise
            return
        paid = self.channel.paid_by_its_payer(opened["bill_id"])
        (bill,) = [b for b in self.payments.bills(now) if b.stage is BillStage.OPENED]
        for _ in range(2):
            try:
                record_payment(self.world.records, bill.key, paid, self.world.clock())
            except AlreadyDone:
                continue

    def _parcels_arrive(self) -> bool:
        moved = False
        for shipment_id, status in list(self.courier.status.items()):
            if status is not ParcelStatus.CREATED:
                continue
            self.courier.status[shipment_id] = ParcelStatus.DELIVERED
            at = self.world.clock()
            # Out of order, and the last one twice.
            for told, minutes in (
                (ParcelStatus.DELIVERED, 9),
                (ParcelStatus.PICKED_UP, 1),
                (ParcelStatus.DELIVERED, 9),
            ):
                self.courier.next_notice = ParcelNotice(
                    callback_id=f"msg_{shipment_id}_{told}",
                    shipment_id=shipment_id,
                    waybill=self.courier.waybill(shipment_id),
                    status=told,
                    occurred_at=at + timedelta(minutes=minutes),
                )
                try:
                    deps = parcel_callbacks(self.world, self.courier)
                    parcel_callback({}, b"", deps)
                except (AlreadyDone, Conflict):
                    continue
            moved = True
        return moved

    def outcome(self) -> dict[str, object]:
        """What must be the same however the messages came."""
        count = {str(kind): len(self.world.heads(str(kind))) for kind in Kind}
        return {
            "stage": self.world.case(self.case_no).stage,
            "events": [row.type for row in self.world.history(self.case_no)],
            "licence files": len(self.world.licences.versions),
            "licence versions": sum(map(len, self.world.licences.versions.values())),
            "parcels ordered": len(self.courier.orders),
            "notices": self._notices(),
            **count,
        }

    def _notices(self) -> list[str]:
        rows = [
            row.data["body"]["template"]
            for (table, pk, sk), row in sorted(self.world.tables.rows.items())
            if table == "records" and "#NOTICE#" in pk and sk.startswith("EVENT#")
        ]
        return sorted(rows)


def in_order(town: Town) -> None:
    """The first message, once."""
    town.world.carry_out(town.world.queue.pop(0))


def each_twice(town: Town) -> None:
    """The first message, and the same one again."""
    message = town.world.queue.pop(0)
    town.world.carry_out(message)
    town.world.carry_out(message)


def swapping(position: int) -> Deliver:
    """The n-th and the following message of the errand change places."""
    seen = [0]

    def deliver(town: Town) -> None:
        queue: list[Message] = town.world.queue
        seen[0] += 1
        if seen[0] == position and len(queue) > 1:
            queue[0], queue[1] = queue[1], queue[0]
        in_order(town)

    return deliver


@functools.cache
def _one_town(folder: str) -> Town:
    return Town(folder)


def fresh_town(folder: str) -> Town:
    """A town at the start of an errand; publishing takes a while, so one serves all."""
    return _one_town(folder).back()

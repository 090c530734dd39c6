"""A payment channel and a courier that remember and obey their own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.support.world import TENANT, World
from zerotrip.deliveries.callbacks import ParcelCallbacks
from zerotrip.deliveries.clients.courier import (
    Contact,
    Parcel,
    ParcelNotice,
    ParcelStatus,
)
from zerotrip.deliveries.steps import DeliverySteps
from zerotrip.kernel.errors import AlreadyDone, Conflict, GiveUp
from zerotrip.payments.channels.wechat_pay import ChannelState, TradeState
from zerotrip.payments.model import Paid

OFFICE = Contact("示例政务服务中心", "0750-0000000", "示例省示例市示例路1号")


@dataclass(kw_only=True)
class Recorded:
    """Keeps the calls; `before` and `after` run once at each named call."""

    calls: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    after: dict[str, Callable[[], None]] = field(default_factory=dict)

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        self.before.pop(call, lambda: None)()

    def _leave(self, call: str) -> None:
        self.after.pop(call, lambda: None)()


@dataclass
class Order:
    """An order as the channel keeps it."""

    content: tuple[Any, ...]
    state: TradeState = TradeState.NOTPAY
    transaction_id: str = ""
    paid_at: datetime | None = None


@dataclass
class FakeWeChatPay(Recorded):
    """Obeys the channel's rules."""

    now: Callable[[], datetime]
    orders: dict[str, Order] = field(default_factory=dict)

    def open(
        self, bill_id: str, amount_fen: int, description: str, openid: str, until: Any
    ) -> dict[str, str]:
        self._enter("open")
        content = (amount_fen, description, openid, until)
        order = self.orders.setdefault(bill_id, Order(content))
        if order.content != content:
            raise Conflict("payment_number_used", "", "")
        if order.state is TradeState.CLOSED:
            raise Conflict("payment_order_closed", "", "")
        if order.state is TradeState.SUCCESS:
            raise Conflict("payment_already_made", "", "")
        self._leave("open")
        return {"package": f"prepay_id={bill_id}"}

    def query(self, bill_id: str) -> ChannelState:
        self._enter("query")
        order = self.orders[bill_id]
        return ChannelState(
            bill_id,
            order.state,
            order.transaction_id or None,
            order.content[0],
            payer_openid=order.content[2],
            success_time=order.paid_at,
        )

    def close(self, bill_id: str) -> None:
        self._enter("close")
        order = self.orders.get(bill_id)
        if order is not None and order.state is TradeState.SUCCESS:
            raise AlreadyDone("payment_already_made", "", "")
        if order is not None:
            order.state = TradeState.CLOSED
        self._leave("close")

    def paid_by_its_payer(self, bill_id: str, transaction_id: str = "42000001") -> Paid:
        """The payer pays what was asked; answers what the notice would say."""
        order = self.orders[bill_id]
        assert order.state is TradeState.NOTPAY, f"cannot be paid: {order.state}"
        order.state, order.transaction_id = TradeState.SUCCESS, transaction_id
        order.paid_at = self.now()
        return Paid(
            "wxpay", transaction_id, order.content[0], "CNY", order.content[2],
            order.paid_at,
        )  # fmt: skip


@dataclass
class FakeCourier(Recorded):
    """Obeys the carrier's rules."""

    orders: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    status: dict[str, ParcelStatus] = field(default_factory=dict)
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


def delivery_steps(world: World, courier: FakeCourier) -> DeliverySteps:
    """The ports of `dispatch_courier` in that world."""
    return DeliverySteps(
        TENANT,
        world.records,
        world.catalogue,
        lambda: world.keys,
        courier,  # type: ignore[arg-type]
        OFFICE,
        world.clock,
    )


def parcel_callbacks(world: World, courier: FakeCourier) -> ParcelCallbacks:
    """The ports of the courier's callback in that world."""
    return ParcelCallbacks(TENANT, world.records, courier, world.clock)  # type: ignore[arg-type]

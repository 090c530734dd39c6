"""A payment channel that remembers, and a till: a world in which bills are paid."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.support.memory import MemoryTables
from tests.support.world import TENANT, Message, World
from zerotrip.cases.lifecycle import Stage
from zerotrip.kernel.aggregate import EventRow, Key
from zerotrip.kernel.errors import AlreadyDone, Conflict, Retry
from zerotrip.kernel.tables import Write
from zerotrip.payments import model
from zerotrip.payments.channels.wechat_pay import ChannelState, TradeState
from zerotrip.payments.model import BillNow, BillStage, Paid
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import PaymentSteps, collect_payment, record_payment

FEE_ITEM = "vehicle-licence-replacement"
OPENID = "oSandbox-0000000000000000001"
FEE_FEN = 1500


class Killed(BaseException):
    """The process ended here; nothing in the product may catch this."""


@dataclass
class Order:
    """An order as the channel keeps it."""

    content: tuple[Any, ...]
    state: TradeState = TradeState.NOTPAY
    transaction_id: str = ""
    paid_at: datetime | None = None


@dataclass
class FakeWeChatPay:
    """Obeys the channel's rules; `before` and `after` run at each named call."""

    now: Callable[[], datetime]
    orders: dict[str, Order] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    before: dict[str, Callable[[], None]] = field(default_factory=dict)
    after: dict[str, Callable[[], None]] = field(default_factory=dict)

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

    def _enter(self, call: str) -> None:
        self.calls.append(call)
        self.before.pop(call, lambda: None)()

    def _leave(self, call: str) -> None:
        self.after.pop(call, lambda: None)()


@dataclass
class LossyTables(MemoryTables):
    """Loses the answer of one commit: the rows stand, the caller hears of a failure."""

    lose_after: str = ""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        super().transact(writes, token)
        wrote = " ".join(getattr(write, "row", write).sk for write in writes)
        if self.lose_after and self.lose_after in wrote:
            self.lose_after = ""
            raise Retry("database_unavailable", "", "")


class Till:
    """A world with bills: a case of the item with a fee, its applicant, a channel."""

    def __init__(self, folder: str = FEE_ITEM) -> None:
        self.tables = LossyTables()
        self.world = World(tables=self.tables)
        self.channel = FakeWeChatPay(self.world.clock)
        # Looked up at each call: `back` puts another one in its place.
        channels: Any = {"wechat_pay": lambda: self.channel}
        self.deps = PaymentSteps(TENANT, self.world.records, channels, self.world.clock)
        self.world.steps["collect_payment"] = lambda event: collect_payment(
            event, self.deps
        )
        self.payments = Payments(
            self.world.records, self.world.catalogue, channels, self.world.clock
        )
        self.case_no = self.world.apply(folder, "sub-1", "citizen")
        self.world.run()
        self.keep()

    def approve(self, *, run: bool = True) -> None:
        """An officer approves; with `run` the bill is stored too."""
        now = self.world.case(self.case_no)
        self.world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
        self.world.relay()
        while self.world.case(self.case_no).stage is not Stage.PAYMENT_DUE:
            self.world.carry_out(self.world.queue.pop(0))
            self.world.relay()
        if run:
            self.world.run()

    def keep(self) -> None:
        """Remembers this moment, for `back`: publishing an item takes a while."""
        world = self.world
        self._kept = (
            dict(self.tables.rows), list(world.queue), world._seen, world.clock.at,
            world.mint.random_bytes.__self__.getstate(),
        )  # fmt: skip
        del self.tables.transactions[world._seen :]

    def back(self) -> Till:
        """As it was at `keep`, with a channel that knows nothing."""
        world = self.world
        rows, queue, seen, at, dice = self._kept
        self.tables.rows, self.tables.lose_after = dict(rows), ""
        del self.tables.transactions[seen:]
        world.queue, world._seen, world.clock.at = list(queue), seen, at
        world.mint.random_bytes.__self__.setstate(dice)
        world.dead, world.log = [], []
        world.steps.pop("dispatch_courier", None)
        self.channel = FakeWeChatPay(world.clock)
        return self

    def withdraw(self) -> None:
        now = self.world.case(self.case_no)
        self.world.requests.withdraw(self.case_no, "sub-1", now.head.version)
        self.world.relay()

    def messages(self, step: str) -> list[Message]:
        """Takes the waiting messages of a step out of the queue."""
        found = [each for each in self.world.queue if each.step == step]
        self.world.queue = [each for each in self.world.queue if each not in found]
        return found

    def pay(self, **wish: Any) -> dict[str, Any]:
        now = self.world.case(self.case_no)
        asked = {
            "sub": "sub-1",
            "seen_version": now.head.version,
            "bill_id": None,
            "channel": "wechat_pay",
            "payer_openid": OPENID,
        }
        return self.payments.pay(now, **{**asked, **wish})

    def notice(self, paid: Paid) -> EventRow:
        """What a genuine notice does once it has been read."""
        return record_payment(self.world.records, self.key, paid, self.world.clock())

    @property
    def key(self) -> Key:
        (bill,) = self.world.case(self.case_no).case.bills
        return model.bill_key(TENANT, bill)

    @property
    def bill(self) -> BillNow:
        head = self.world.records.head(self.key)
        assert head is not None
        return model.read_bill(head)

    @property
    def types(self) -> list[str]:
        return [row.type for row in self.world.records.history(self.key)]

    @property
    def stage(self) -> BillStage:
        return self.bill.stage


@functools.cache
def _one_till() -> Till:
    return Till()


def fresh_till() -> Till:
    """A till whose case waits for its officer; only one is in use at a time."""
    return _one_till().back()

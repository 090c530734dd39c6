"""A till: a world in which bills are paid."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.support.memory import LossyTables
from tests.support.partners import FakeWeChatPay
from tests.support.persons import acting
from tests.support.world import TENANT, World
from zerotrip.cases.lifecycle import Stage
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow, Key
from zerotrip.kernel.errors import AlreadyDone
from zerotrip.payments import model
from zerotrip.payments.model import BillNow, BillStage, Paid
from zerotrip.payments.refunds import Listed, refund_list
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import PaymentSteps, collect_payment, record_payment
from zerotrip.payments.watching import BillDue, watch_bills

FEE_ITEM = "vehicle-licence-replacement"
OPENID = "oSandbox-0000000000000000001"
FEE_FEN = 1500


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
        self.world.requests.withdraw(self.case_no, acting("sub-1"), now.head.version)
        self.world.relay()

    def pay(self, **wish: Any) -> dict[str, Any]:
        now = self.world.case(self.case_no)
        asked = {
            "acting": acting("sub-1"),
            "seen_version": now.head.version,
            "bill_id": None,
            "channel": "wechat_pay",
            "payer_openid": OPENID,
        }
        return self.payments.pay(now, **{**asked, **wish})

    def notice(self, paid: Paid) -> EventRow:
        """What a genuine notice does once it has been read."""
        return record_payment(self.world.records, self.key, paid, self.world.clock())

    def refunds(self) -> list[Listed]:
        """The finance office's list, the oldest entry of each shard first."""
        organisation = self.world.case(self.case_no).case.organisation
        return refund_list(self.world.records, TENANT, [organisation])

    def tick(self) -> list[str]:
        """One tick of the watchdog, and what came of each of its messages."""
        sent: list[Mapping[str, Any]] = []
        now = self.world.clock()
        due = self.world.records.due(TENANT, times.to_text(now))
        watch_bills(self.world.records, sent.append, due, now)
        outcomes = []
        for message in sent:
            try:
                collect_payment(BillDue.model_validate(message), self.deps)
                outcomes.append("done")
            except AlreadyDone as done:
                outcomes.append(done.code)
        return outcomes

    def until(self, until: datetime) -> list[datetime]:
        """A tick each minute; answers when a message about a bill was sent."""
        asked = []
        while self.world.clock() < until:
            self.world.clock.forward(minutes=1)
            if self.tick():
                asked.append(self.world.clock())
        return asked

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

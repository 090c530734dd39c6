"""Payments heal themselves: a lost notice, a lapsed bill, money that comes too late."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.persons import acting
from tests.support.town import Town, in_order
from tests.support.world import TENANT
from tests.unit.payments.fakes import FEE_FEN, Till, fresh_till
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import AlreadyDone, Conflict, GiveUp, Retry
from zerotrip.notices.inbox import Inbox
from zerotrip.notices.words import item_words
from zerotrip.payments import model
from zerotrip.payments.channels.wechat_pay import TradeState
from zerotrip.payments.model import BillNow, BillStage
from zerotrip.payments.steps import PaymentSteps, look_at, record_payment
from zerotrip.payments.terms import Terms
from zerotrip.payments.watching import BillDue, watch_bills

DAYS = 15


@pytest.fixture
def till() -> Till:
    till = fresh_till()
    till.approve()
    return till


def _bill(till: Till, bill_id: str) -> BillNow:
    head = till.world.records.head(model.bill_key(TENANT, bill_id))
    assert head is not None
    return model.read_bill(head)


def _lapse(till: Till) -> str:
    """Lets the bill's time end; answers its number."""
    old = till.key.id
    till.world.clock.forward(days=DAYS)
    assert till.tick() == ["done"]
    till.world.run()
    return old


# the schedule


def test_the_channel_is_asked_less_and_less_often(till: Till) -> None:
    till.pay()
    opened = till.world.clock()
    asked = till.until(opened + timedelta(hours=4))
    minutes = [(at - opened).total_seconds() / 60 for at in asked]
    assert minutes == [5, 15, 35, 75, 135, 195]
    assert set(till.channel.calls) == {"open", "query"}
    assert till.types == ["bill.opened", "bill.prepared"]


def test_after_a_day_the_channel_is_asked_daily() -> None:
    terms = Terms()
    day = timedelta(days=1)
    gaps = [terms.ask_after(asked) for asked in range(60)]
    assert gaps[:4] == [timedelta(minutes=each) for each in (5, 10, 20, 40)]
    assert sum(gaps[:27], timedelta()) > day
    assert set(gaps[27:]) == {day}


def test_a_lost_notice_is_made_good_by_the_first_question(till: Till) -> None:
    till.pay()
    paid = till.channel.paid_by_its_payer(till.key.id)
    till.world.clock.forward(minutes=5)
    assert till.tick() == ["done"]
    settled = till.world.records.history(till.key)[-1]
    assert (settled.type, settled.sk) == (
        "bill.settled",
        f"EVENT#settle#{paid.cause}",
    )
    with pytest.raises(AlreadyDone):
        till.notice(paid)
    till.world.steps["dispatch_courier"] = lambda _: None
    till.world.run()
    assert till.world.case(till.case_no).stage is Stage.DELIVERING
    till.world.clock.forward(days=40)
    assert till.tick() == []


def test_a_bill_that_was_never_opened_there_is_not_asked_about(till: Till) -> None:
    assert till.until(till.world.clock() + timedelta(hours=2)) == []
    assert till.channel.calls == []


def test_who_opens_a_bill_again_is_asked_about_soon(till: Till) -> None:
    till.pay()
    start = till.world.clock()
    till.until(start + timedelta(hours=4))
    till.pay()
    again = till.world.clock()
    assert till.until(again + timedelta(minutes=6)) == [again + timedelta(minutes=5)]
    assert till.types == ["bill.opened", "bill.prepared"]


def test_a_channel_that_is_down_is_asked_again_by_the_schedule(till: Till) -> None:
    till.pay()
    till.channel.paid_by_its_payer(till.key.id)

    def down() -> None:
        raise Retry("payment_channel_unavailable", "", "")

    till.channel.before["query"] = down
    till.world.clock.forward(minutes=5)
    with pytest.raises(Retry):
        till.tick()
    till.world.clock.forward(minutes=10)
    assert till.tick() == ["done"]
    assert till.stage is BillStage.SETTLED


def test_a_message_for_a_bill_that_is_settled_does_nothing(till: Till) -> None:
    till.pay()
    message = _message(till)
    till.notice(till.channel.paid_by_its_payer(till.key.id))
    calls = list(till.channel.calls)
    with pytest.raises(AlreadyDone) as done:
        look_at(message, till.deps)
    assert done.value.code == "bill_settled"
    assert till.channel.calls == calls


@pytest.mark.parametrize(
    "said", [{"tenant": "999999"}, {"id": "441882" + "Z" * 26}], ids=str
)
def test_a_message_for_no_bill_of_ours_goes_to_the_dead_letters(
    till: Till, said: dict[str, str]
) -> None:
    bill = {**_message(till).bill.model_dump(), **said}
    with pytest.raises(GiveUp) as refused:
        look_at(BillDue.model_validate({"bill": bill}), till.deps)
    assert refused.value.code == "bill_not_stored"


def test_an_early_message_cannot_end_a_bill(till: Till) -> None:
    for prepared in (False, True):
        if prepared:
            till.pay()
        with pytest.raises(AlreadyDone) as done:
            look_at(_message(till), till.deps)
        assert done.value.code == "payment_not_made"
    assert till.stage is BillStage.OPENED


def test_a_bill_that_moves_in_the_same_moment_keeps_its_own_time(till: Till) -> None:
    till.pay()
    till.world.clock.forward(minutes=5)
    now = till.world.clock()

    def paid_meanwhile(_: Any) -> None:
        till.notice(till.channel.paid_by_its_payer(till.key.id))

    due = till.world.records.due(TENANT, times.to_text(now))
    assert watch_bills(till.world.records, paid_meanwhile, due, now) == 1
    assert till.stage is BillStage.SETTLED
    assert till.bill.head.due_at is None


# the end of a bill's time


def test_an_unpaid_bill_lapses_and_the_case_opens_another_of_the_same_sum(
    till: Till,
) -> None:
    till.pay()
    old = _lapse(till)
    assert _bill(till, old).stage is BillStage.LAPSED
    assert till.channel.orders[old].state is TradeState.CLOSED
    now = till.world.case(till.case_no)
    (new,) = now.case.bills
    assert new != old
    assert now.case.obligations[Obligation.PAYMENT].ref == f"BILL#{new}"
    renewed = _bill(till, new)
    assert (renewed.stage, renewed.bill.amount_fen) == (BillStage.OPENED, FEE_FEN)
    assert (renewed.bill.kind, renewed.bill.instead_of) == ("fee", old)
    assert times.from_text(renewed.bill.payable_until) == (
        till.world.clock() + timedelta(days=DAYS)
    )
    assert till.world.history(till.case_no)[-1].type == "case.bill_renewed"
    assert till.world.dead == []


def test_the_new_bill_is_paid_like_the_first(till: Till) -> None:
    till.pay()
    _lapse(till)
    assert till.pay()["bill_id"] == till.key.id
    till.notice(till.channel.paid_by_its_payer(till.key.id, "42000002"))
    till.world.steps["dispatch_courier"] = lambda _: None
    till.world.run()
    assert till.world.case(till.case_no).stage is Stage.DELIVERING
    assert chain_faults(till.world.history(till.case_no)) == []


def test_a_bill_that_nobody_ever_opened_lapses_without_the_channel(till: Till) -> None:
    old = _lapse(till)
    assert _bill(till, old).stage is BillStage.LAPSED
    assert till.channel.calls == []
    assert till.key.id != old


def test_a_bill_that_was_paid_in_its_last_minute_is_settled_instead(till: Till) -> None:
    till.pay()
    till.channel.paid_by_its_payer(till.key.id)
    till.world.clock.forward(days=DAYS)
    assert till.tick() == ["done"]
    assert till.types[-1] == "bill.settled"


def test_a_payer_who_is_faster_than_the_closing_has_paid(till: Till) -> None:
    till.pay()
    till.world.clock.forward(days=DAYS)
    till.channel.before["close"] = lambda: till.channel.paid_by_its_payer(till.key.id)
    assert till.tick() == ["done"]
    assert till.types[-1] == "bill.settled"
    assert "bill.lapsed" not in till.types


def test_a_payment_that_is_under_way_is_waited_for(till: Till) -> None:
    till.pay()
    till.channel.orders[till.key.id].state = TradeState.USERPAYING
    till.world.clock.forward(days=DAYS)
    assert till.tick() == ["payment_not_made"]
    assert till.stage is BillStage.OPENED
    till.channel.orders[till.key.id].state = TradeState.NOTPAY
    till.channel.paid_by_its_payer(till.key.id)
    till.world.clock.forward(minutes=10)
    assert till.tick() == ["done"]
    assert till.stage is BillStage.SETTLED


def test_an_order_that_the_channel_has_closed_is_replaced_at_once(till: Till) -> None:
    till.pay()
    old = till.key.id
    till.channel.orders[old].state = TradeState.CLOSED
    till.world.clock.forward(minutes=5)
    assert till.tick() == ["done"]
    till.world.run()
    assert _bill(till, old).stage is BillStage.LAPSED
    assert till.key.id != old


def test_an_expired_bill_is_told_to_be_replaced_shortly(till: Till) -> None:
    till.pay()
    till.world.clock.forward(days=DAYS)
    assert _refusal(till) == "bill_expired"
    old = _lapse_now(till)
    assert _refusal(till, bill_id=old) == "bill_lapsed"


def test_a_lapse_that_is_told_twice_opens_one_new_bill(till: Till) -> None:
    till.pay()
    till.world.clock.forward(days=DAYS)
    till.tick()
    till.world.relay()
    (message,) = till.world.take("advance_case")
    assert till.world.carry_out(message) == "done"
    assert till.world.carry_out(message) == "nothing_to_advance"
    till.world.run()
    assert len(till.world.heads("BILL")) == 2


def test_a_case_that_is_withdrawn_meanwhile_asks_for_no_other_bill(till: Till) -> None:
    till.pay()
    till.world.clock.forward(days=DAYS)
    till.tick()
    till.world.relay()
    till.withdraw()
    till.world.run()
    assert len(till.world.heads("BILL")) == 1
    assert till.world.case(till.case_no).stage is Stage.WITHDRAWN


def test_a_withdrawal_after_the_renewal_cancels_the_new_bill(till: Till) -> None:
    _lapse(till)
    till.withdraw()
    till.world.run()
    assert till.stage is BillStage.CANCELLED
    assert till.world.dead == []


def test_the_head_of_the_case_does_not_grow_with_each_lapse(till: Till) -> None:
    sizes = []
    for _ in range(4):
        _lapse(till)
        sizes.append(len(repr(till.world.case(till.case_no).head.body)))
    assert max(sizes) - min(sizes) < 20
    assert len(till.world.heads("BILL")) == 5


def test_a_couriers_charge_that_lapses_is_opened_anew_after_the_end() -> None:
    town = Town("vehicle-inspection-mark")
    town.run(in_order)
    world = town.world
    before = world.case(town.case_no)
    (old,) = before.case.bills
    assert before.stage is Stage.COMPLETED
    deps = PaymentSteps(
        TENANT, world.records, {"wechat_pay": lambda: town.channel}, world.clock
    )  # type: ignore[arg-type]
    world.clock.forward(days=DAYS)
    look_at(BillDue.model_validate({"bill": {"tenant": TENANT, "id": old}}), deps)
    town.run(in_order)
    now = world.case(town.case_no)
    (new,) = now.case.bills
    assert now.stage is Stage.COMPLETED
    assert world.history(town.case_no)[-1].type == "case.charge_renewed"
    heads = [world.records.head(model.bill_key(TENANT, each)) for each in (old, new)]
    assert [head.stage for head in heads if head] == ["lapsed", "opened"]
    assert [head.body["amount_fen"] for head in heads if head] == [2000, 2000]
    assert world.dead == []


def test_the_applicant_is_told_once_of_the_new_bill(till: Till) -> None:
    _lapse(till)
    told = _told(till)
    assert [each["type"] for each in told].count("bill.opened") == 2
    newest = told[0]
    assert newest["about"]["id"] == till.key.id
    assert newest["text"]["zh"].startswith("您申请的“补领机动车行驶证”")
    assert "请于2026年12月20日10:00前缴纳15.00元" in newest["text"]["zh"]


# money for the old bill


def test_money_for_a_lapsed_bill_is_listed_and_its_payer_told(till: Till) -> None:
    till.pay()
    order = till.channel.orders[till.key.id]
    old = _lapse(till)
    order.state = TradeState.NOTPAY  # it had been paid before it was closed
    paid = till.channel.paid_by_its_payer(old)
    key = model.bill_key(TENANT, old)
    event = record_payment(till.world.records, key, paid, till.world.clock())
    assert event.type == "bill.paid_after_lapse"
    late = _bill(till, old)
    assert (late.stage, late.bill.refund_due_fen) == (BillStage.REFUND_DUE, FEE_FEN)
    (entry,) = till.refunds()
    assert (entry.bill, entry.why, entry.amount_fen) == (
        old,
        "paid_after_lapse",
        FEE_FEN,
    )
    till.world.run()
    assert "bill.paid_after_lapse" in [each["type"] for each in _told(till)]
    assert till.stage is BillStage.OPENED  # the new one is still to be paid


def test_a_payment_that_contradicts_the_bill_does_not_keep_it_for_ever(
    till: Till,
) -> None:
    till.pay()
    order = till.channel.orders[till.key.id]
    till.channel.paid_by_its_payer(till.key.id)
    order.content = (1, *order.content[1:])  # the channel says another sum
    till.world.clock.forward(minutes=5)
    assert till.tick() == ["done"]
    assert (till.stage, till.types[-1]) == (BillStage.OPENED, "bill.contradicted")
    assert len(till.refunds()) == 1
    old = _lapse_now(till)
    assert _bill(till, old).stage is BillStage.LAPSED
    assert till.key.id != old
    assert len(till.refunds()) == 1


def _lapse_now(till: Till) -> str:
    old = till.key.id
    until = times.from_text(till.bill.bill.payable_until)
    till.world.clock.forward(
        seconds=max(0.0, (until - till.world.clock()).total_seconds())
    )
    till.world.clock.forward(minutes=10)
    till.tick()
    till.world.run()
    return old


def _told(till: Till) -> list[dict[str, Any]]:
    """The applicant's inbox, the newest first."""
    world = till.world
    inbox = Inbox(
        world.records,
        world.tables,
        lambda code, digest: item_words(world.catalogue.pinned(TENANT, code, digest)),
        world.clock,
    )
    return list(inbox.list(TENANT, acting("sub-1")))


def _message(till: Till) -> BillDue:
    return BillDue.model_validate({"bill": {"tenant": TENANT, "id": till.key.id}})


def _refusal(till: Till, **wish: Any) -> str:
    with pytest.raises(Conflict) as refused:
        till.pay(**wish)
    return refused.value.code

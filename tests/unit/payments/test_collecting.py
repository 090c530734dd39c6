"""Bills are stored once, cancelled once, in whatever order the messages come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.memory import Killed
from tests.support.world import TENANT
from tests.unit.payments.fakes import FEE_FEN, Till, fresh_till
from zerotrip.cases.lifecycle import Stage
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.notices.model import inbox_key
from zerotrip.payments.model import BILL_TRANSITIONS, BillStage
from zerotrip.payments.steps import collect_payment


@pytest.fixture
def till() -> Till:
    return fresh_till()


def test_an_approved_case_has_its_fee_stored_and_its_applicant_told(till: Till) -> None:
    till.approve()
    bill = till.bill
    assert (bill.stage, bill.bill.amount_fen) == (BillStage.OPENED, FEE_FEN)
    assert (bill.bill.kind, bill.bill.blocks) == ("fee", True)
    assert (bill.bill.case_no, bill.bill.sub) == (till.case_no, "sub-1")
    assert bill.bill.facts == {}
    inbox = till.world.records.history(inbox_key(TENANT, "sub-1"))
    assert "bill.opened" in [row.body["template"] for row in inbox]
    assert till.channel.calls == []
    assert till.world.dead == []


def test_the_message_that_comes_twice_stores_one_bill(till: Till) -> None:
    till.approve(run=False)
    (message,) = till.world.take("collect_payment")
    till.world.clock.forward(hours=1)
    assert till.world.carry_out(message) == "done"
    assert till.world.carry_out(message) == "bill_opened"
    # Dated by the event that asked for it, however long the message waited.
    assert till.bill.bill.opened_at == "2026-11-20T02:00:00.000Z"
    assert till.bill.bill.payable_until == "2026-12-05T02:00:00.000Z"
    assert till.types == ["bill.opened"]


def test_the_case_is_signed_only_after_the_fee(till: Till) -> None:
    till.approve()
    assert till.world.case(till.case_no).stage is Stage.PAYMENT_DUE
    till.pay()
    till.notice(till.channel.paid_by_its_payer(till.key.id))
    till.world.steps["dispatch_courier"] = lambda _: None
    till.world.run()
    assert till.world.case(till.case_no).stage is Stage.DELIVERING
    assert till.bill.bill.facts == {"settled": 3}
    assert chain_faults(till.world.records.history(till.key)) == []


def test_a_withdrawn_case_has_its_bill_cancelled_and_closed(till: Till) -> None:
    till.approve()
    till.pay()
    till.withdraw()
    till.world.run()
    assert till.types == ["bill.opened", "bill.prepared", "bill.cancelled"]
    assert till.stage is BillStage.CANCELLED
    assert till.channel.orders[till.key.id].state == "CLOSED"


def test_a_bill_that_was_never_prepared_is_cancelled_without_the_channel(
    till: Till,
) -> None:
    till.approve()
    till.withdraw()
    till.world.run()
    assert till.stage is BillStage.CANCELLED
    assert till.channel.calls == []


def test_a_cancellation_that_overtakes_the_bill_asks_nobody_to_pay(till: Till) -> None:
    till.approve(run=False)
    (opening,) = till.world.take("collect_payment")
    till.withdraw()
    (cancelling,) = till.world.take("collect_payment")
    assert till.world.carry_out(cancelling) == "done"
    assert till.world.carry_out(opening) == "bill_cancelled"
    assert till.world.carry_out(cancelling) == "bill_cancelled"
    assert till.types == ["bill.cancelled"]
    assert till.stage is BillStage.CANCELLED
    assert till.bill.bill.amount_fen == FEE_FEN


def test_both_orders_of_opening_and_cancelling_end_in_the_same_bill() -> None:
    ends = []
    for swapped in (False, True):
        till = fresh_till()
        till.approve(run=False)
        (opening,) = till.world.take("collect_payment")
        till.withdraw()
        (cancelling,) = till.world.take("collect_payment")
        order = [cancelling, opening] if swapped else [opening, cancelling]
        for message in order:
            till.world.carry_out(message)
        ends.append((till.stage, till.bill.bill))
    assert ends[0] == ends[1]
    assert ends[0][0] is BillStage.CANCELLED


def test_a_lost_answer_of_the_database_stores_one_bill(till: Till) -> None:
    till.approve(run=False)
    (message,) = till.world.take("collect_payment")
    till.tables.lose_after = "EVENT#collect_payment"
    with pytest.raises(Retry):
        till.world.carry_out(message)
    assert till.world.carry_out(message) == "bill_opened"
    assert till.types == ["bill.opened"]


@pytest.mark.parametrize("crash", ["before", "after"])
def test_a_crash_at_the_closing_is_made_good_by_the_next_delivery(
    till: Till, crash: str
) -> None:
    till.approve()
    till.pay()
    till.withdraw()
    (message,) = till.world.take("collect_payment")
    hooks = getattr(till.channel, crash)
    hooks["close"] = _die
    with pytest.raises(Killed):
        till.world.carry_out(message)
    assert till.stage is BillStage.CANCELLED
    till.world.carry_out(message)
    assert till.channel.orders[till.key.id].state == "CLOSED"
    assert till.types.count("bill.cancelled") == 1


def test_a_channel_that_is_down_leaves_the_message_on_its_queue(till: Till) -> None:
    till.approve()
    till.pay()
    till.withdraw()
    (message,) = till.world.take("collect_payment")
    till.channel.before["close"] = _down
    with pytest.raises(Retry):
        till.world.carry_out(message)
    assert till.world.carry_out(message) == "bill_cancelled"
    assert till.channel.orders[till.key.id].state == "CLOSED"


def test_a_payer_who_is_faster_than_the_cancellation_is_due_a_refund(
    till: Till,
) -> None:
    till.approve()
    till.pay()
    till.withdraw()
    paid = till.channel.paid_by_its_payer(till.key.id)
    till.world.run()
    assert till.types[-1] == "bill.paid_after_cancellation"
    assert till.stage is BillStage.REFUND_DUE
    assert till.bill.bill.refund_due_fen == FEE_FEN
    with pytest.raises(AlreadyDone):
        till.notice(paid)
    assert till.bill.bill.refund_due_fen == FEE_FEN


def test_a_bill_of_an_event_that_names_none_goes_to_the_dead_letters(
    till: Till,
) -> None:
    till.approve(run=False)
    (message,) = till.world.take("collect_payment")
    head = ("records", till.world.case(till.case_no).key.pk, message.event.data.event)
    row = till.tables.rows[head]
    body = {**row.data["body"]}
    del body["bill"]
    till.tables.rows[head] = replace(row, data={**row.data, "body": body})
    with pytest.raises(GiveUp) as refused:
        collect_payment(message.event, till.deps)
    assert refused.value.code == "bill_not_asked"


def test_every_bill_stage_is_reached_by_an_event() -> None:
    reached = {row.to for row in BILL_TRANSITIONS.values()}
    assert set(BillStage) <= reached


def test_no_bill_asks_for_anything_but_the_case_to_advance() -> None:
    till = fresh_till()
    till.approve()
    till.pay()
    till.notice(till.channel.paid_by_its_payer(till.key.id))
    history = till.world.records.history(till.key)
    asked = {step for row in history for step in row.next_steps}
    assert asked == {"advance_case"}


def _die() -> None:
    raise Killed


def _down() -> None:
    raise Retry("payment_channel_unavailable", "", "")

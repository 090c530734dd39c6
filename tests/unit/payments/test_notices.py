"""Notices of the payment channel: what is believed, stored once, and refused."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from infra.local.partners import Sandboxes
from tests.support.partners import FakeWeChatPay
from tests.support.world import TENANT
from tests.unit.payments.fakes import FEE_FEN, OPENID, Till, fresh_till
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import (
    AlreadyDone,
    NotFound,
    Retry,
    Unauthenticated,
    ZeroTripError,
)
from zerotrip.payments.callbacks import PaymentCallbacks, payment_notice
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig
from zerotrip.payments.model import BillStage

Wire = tuple[dict[str, str], bytes]


@pytest.fixture(scope="module")
def partners() -> Iterator[Sandboxes]:
    with Sandboxes(timeout_seconds=2) as running:
        yield running


@pytest.fixture
def till() -> Till:
    till = fresh_till()
    till.approve()
    till.pay()
    return till


@pytest.fixture
def deps(till: Till, partners: Sandboxes) -> PaymentCallbacks:
    config = WeChatPayConfig.from_json(partners.config["payments"])
    channel = WeChatPay(config, urllib3.PoolManager(), lambda: datetime.now(UTC))
    return PaymentCallbacks(TENANT, till.world.records, channel, till.world.clock)


def _wire(
    till: Till, partners: Sandboxes, variety: str = "genuine", **said: Any
) -> Wire:
    keys, sandbox = partners.keys, partners.sandboxes["payments"]
    content = {
        "appid": keys.appid,
        "mchid": keys.mchid,
        "out_trade_no": till.key.id,
        "transaction_id": "4200000000000000000000000001",
        "trade_state": "SUCCESS",
        "success_time": "2026-11-20T10:00:00+08:00",
        "payer": {"openid": OPENID},
        "amount": {"total": FEE_FEN, "currency": "CNY"},
    }
    return sandbox._notices.spoilt("notice-1", content | said, variety)


def test_a_genuine_notice_settles_the_bill_and_wakes_the_case(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    event = payment_notice(*_wire(till, partners), deps)
    assert event.sk == "EVENT#settle#wxpay:4200000000000000000000000001:SUCCESS"
    assert (event.type, event.next_steps) == ("bill.settled", ("advance_case",))
    assert event.body["paid_at"] == "2026-11-20T02:00:00.000Z"
    assert (event.body["case_no"], event.body["sub"]) == (till.case_no, "sub-1")
    assert till.bill.bill.facts == {"settled": event.seq}
    assert OPENID not in repr(till.tables.rows)


def test_the_same_money_told_five_times_is_one_receipt(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    payment_notice(*_wire(till, partners), deps)
    for _ in range(4):
        # The channel signs each attempt anew, so headers and nonce differ.
        with pytest.raises(AlreadyDone) as repeated:
            payment_notice(*_wire(till, partners), deps)
        assert repeated.value.code == "done_before"
    assert till.types.count("bill.settled") == 1
    assert till.stage is BillStage.SETTLED


REFUSED = {
    "forged": "wechat_pay_signature_wrong",
    "probe": "wechat_pay_signature_wrong",
    "altered": "wechat_pay_signature_wrong",
    "unsigned": "wechat_pay_signature_missing",
    "old": "wechat_pay_signature_stale",
    "future": "wechat_pay_signature_stale",
    "unknown_serial": "wechat_pay_signature_serial_unknown",
    "contradiction": "payment_notice_contradicts_itself",
    "wrong_seal": "payment_notice_not_opened",
    "not_json": "payment_notice_unreadable",
    "unknown_order": "bill_unknown",
}
CONTRADICTING = {
    "wrong_amount": "payment_amount_mismatch",
    "wrong_currency": "payment_currency_mismatch",
    "wrong_payer": "payment_payer_mismatch",
    "foreign_merchant": "payment_merchant_mismatch",
    "foreign_app": "payment_merchant_mismatch",
}


@pytest.mark.parametrize(("variety", "code"), REFUSED.items())
def test_what_is_wrong_changes_nothing_and_says_its_code(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes, variety: str, code: str
) -> None:
    before = dict(till.tables.rows)
    with pytest.raises(ZeroTripError) as refused:
        payment_notice(*_wire(till, partners, variety), deps)
    assert refused.value.code == code
    assert not isinstance(refused.value, AlreadyDone)
    assert till.tables.rows == before
    assert OPENID not in str(refused.value) + repr(refused.value.detail)


@pytest.mark.parametrize(("variety", "code"), CONTRADICTING.items())
def test_a_notice_that_contradicts_the_bill_is_kept_and_settles_nothing(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes, variety: str, code: str
) -> None:
    event = payment_notice(*_wire(till, partners, variety), deps)
    assert (event.type, event.body["code"]) == ("bill.contradicted", code)
    assert (till.stage, till.bill.bill.facts) == (BillStage.OPENED, {})
    assert till.bill.bill.refund_due_fen == 0
    assert event.next_steps == ()
    assert OPENID not in repr(till.tables.rows)
    assert "oSandbox-somebody-else" not in repr(till.tables.rows)
    (entry,) = till.refunds()
    assert (entry.bill, entry.why, entry.certain) == (till.key.id, code, False)
    with pytest.raises(AlreadyDone):
        payment_notice(*_wire(till, partners, variety), deps)
    assert till.types.count("bill.contradicted") == 1


@pytest.mark.parametrize("swapped", [False, True])
def test_the_channels_right_word_settles_the_bill_beside_its_wrong_one(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes, *, swapped: bool
) -> None:
    varieties = ["wrong_amount", "genuine"]
    for variety in reversed(varieties) if swapped else varieties:
        payment_notice(*_wire(till, partners, variety), deps)
    assert till.stage is BillStage.SETTLED
    assert till.refunds() == []
    assert sorted(till.types[2:]) == ["bill.contradicted", "bill.settled"]


def test_a_number_that_we_cannot_have_minted_is_never_made_a_key(
    till: Till,
    deps: PaymentCallbacks,
    partners: Sandboxes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[object] = []
    wire = _wire(till, partners, out_trade_no=f"{till.key.id[:-6]}#HEAD#")
    monkeypatch.setattr(till.tables, "get", lambda *key: read.append(key))
    with pytest.raises(NotFound):
        payment_notice(*wire, deps)
    assert read == []


def test_a_bill_that_nobody_was_asked_to_pay_cannot_be_paid(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    till.back().approve()
    event = payment_notice(*_wire(till, partners), deps)
    assert event.body["code"] == "payment_payer_mismatch"
    assert till.stage is BillStage.OPENED


def test_headers_are_found_in_any_case(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    headers, body = _wire(till, partners)
    lower = {name.lower(): value for name, value in headers.items()}
    assert payment_notice(lower, body, deps).type == "bill.settled"


def test_a_lost_answer_of_the_database_is_one_receipt(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    till.tables.lose_after = "EVENT#settle"
    with pytest.raises(Retry):
        payment_notice(*_wire(till, partners), deps)
    with pytest.raises(AlreadyDone):
        payment_notice(*_wire(till, partners), deps)
    assert till.types.count("bill.settled") == 1


def test_a_replayed_notice_is_stale_after_five_minutes(
    till: Till, deps: PaymentCallbacks, partners: Sandboxes
) -> None:
    payment_notice(*_wire(till, partners), deps)
    with pytest.raises(Unauthenticated):
        payment_notice(*_wire(till, partners, "old"), deps)


def test_money_after_the_cancellation_is_due_back_and_wakes_nothing(till: Till) -> None:
    paid = till.channel.paid_by_its_payer(till.key.id)
    till.channel.orders[till.key.id].state = "NOTPAY"  # its notice is still under way
    till.withdraw()
    till.world.run()
    event = till.notice(paid)
    assert (event.type, event.next_steps) == ("bill.paid_after_cancellation", ())
    assert till.stage is BillStage.REFUND_DUE
    assert till.bill.bill.facts == {}
    assert till.bill.bill.refund_due_fen == FEE_FEN
    (entry,) = till.refunds()
    assert (entry.why, entry.amount_fen) == ("paid_after_cancellation", FEE_FEN)
    till.world.run()
    assert till.world.case(till.case_no).stage == "withdrawn"


def test_payment_and_cancellation_end_alike_in_either_order() -> None:
    ends = []
    for order in itertools.permutations(("pay", "cancel")):
        till = fresh_till()
        till.approve()
        till.pay()
        paid = till.channel.paid_by_its_payer(till.key.id)
        till.channel = FakeWeChatPay(till.world.clock)  # its word comes by notice only
        till.withdraw()
        (cancelling,) = till.world.take("collect_payment")
        for what in order:
            if what == "pay":
                till.notice(paid)
            else:
                till.world.carry_out(cancelling)
        (entry,) = till.refunds()
        ends.append((till.stage, till.bill.bill, entry.payment, entry.amount_fen))
        assert chain_faults(till.world.records.history(till.key)) == []
    assert ends[0] == ends[1]
    assert ends[0][0] is BillStage.REFUND_DUE


def test_a_second_transaction_for_one_bill_is_kept_and_due_back(till: Till) -> None:
    paid = till.channel.paid_by_its_payer(till.key.id)
    till.notice(paid)
    again = till.notice(replace(paid, transaction_id="42000002"))
    assert again.type == "bill.paid_again"
    assert till.stage is BillStage.SETTLED
    assert till.bill.bill.facts == {"settled": 3}
    assert till.bill.bill.refund_due_fen == FEE_FEN
    (entry,) = till.refunds()
    assert (entry.why, entry.payment) == ("paid_again", "wxpay:42000002")


def test_a_courier_charge_wakes_no_case(till: Till) -> None:
    head = ("records", till.key.pk, "HEAD")
    row = till.tables.rows[head]
    charge = {**row.data, "kind": "courier_charge", "blocks": False}
    till.tables.rows[head] = replace(row, data=charge)
    event = till.notice(till.channel.paid_by_its_payer(till.key.id))
    assert (event.type, event.next_steps) == ("bill.settled", ())

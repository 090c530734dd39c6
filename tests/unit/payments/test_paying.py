"""An applicant opens a bill at the channel; what they see and what they are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import urllib3

from infra.local.partners import Sandboxes
from tests.support.memory import Killed
from tests.unit.payments.fakes import FEE_FEN, OPENID, Till, fresh_till
from zerotrip.kernel import times
from zerotrip.kernel.errors import (
    Conflict,
    Invalid,
    NotFound,
    PreconditionFailed,
    Retry,
    Unavailable,
    ZeroTripError,
)
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig
from zerotrip.payments.model import BillStage


@pytest.fixture
def till() -> Till:
    till = fresh_till()
    till.approve()
    return till


def _refusal(till: Till, kind: type[ZeroTripError], **wish: object) -> str:
    with pytest.raises(kind) as refused:
        till.pay(**wish)
    assert refused.value.zh
    assert refused.value.en
    return refused.value.code


def test_the_open_bill_is_opened_under_its_own_number(till: Till) -> None:
    answer = till.pay()
    bill = till.key.id
    assert answer == {
        "bill_id": bill,
        "channel": "wechat_pay",
        "amount_fen": FEE_FEN,
        "currency": "CNY",
        "parameters": {"package": f"prepay_id={bill}"},
    }
    assert till.channel.orders[bill].content[:2] == (FEE_FEN, "补领机动车行驶证")


def test_asking_again_for_the_same_version_is_a_success(till: Till) -> None:
    assert till.pay() == till.pay()
    assert till.types == ["bill.opened", "bill.prepared"]


def test_hours_later_the_same_order_is_opened_again(till: Till) -> None:
    first = till.pay()
    till.world.clock.forward(hours=3)
    assert till.pay() == first
    assert till.channel.calls == ["open", "open"]


def test_no_openid_is_stored_in_the_clear(till: Till) -> None:
    till.pay()
    assert OPENID not in repr(till.tables.rows)
    assert len(till.bill.bill.payers) == 1


def test_the_channel_is_asked_only_after_the_store_knows(till: Till) -> None:
    till.channel.before["open"] = _die
    with pytest.raises(Killed):
        till.pay()
    assert till.bill.bill.channel == "wechat_pay"
    assert till.pay()["bill_id"] == till.key.id


def test_a_lost_answer_of_the_database_is_made_good_by_asking_again(till: Till) -> None:
    till.tables.lose_after = "EVENT#open_payment"
    with pytest.raises(Retry):
        till.pay()
    assert till.pay()["bill_id"] == till.key.id
    assert till.types.count("bill.prepared") == 1


def test_a_channel_that_is_down_is_said_and_may_be_asked_again(till: Till) -> None:
    till.channel.before["open"] = _down
    assert _refusal(till, Unavailable) == "channel_unavailable"
    assert till.pay()["bill_id"] == till.key.id


def test_an_unknown_channel_is_a_fault_of_the_request(till: Till) -> None:
    with pytest.raises(Invalid) as refused:
        till.pay(channel="shells")
    assert [fault.path for fault in refused.value.faults] == ["/channel"]
    assert till.types == ["bill.opened"]


def test_without_a_wechat_login_the_applicant_is_told_what_to_do(till: Till) -> None:
    assert _refusal(till, Conflict, payer_openid=None) == "payer_unknown"


def test_a_bill_of_another_case_is_not_there(till: Till) -> None:
    other = "441882" + "A" * 26
    assert _refusal(till, NotFound, bill_id=other) == "bill_unknown"


def test_a_bill_may_be_named(till: Till) -> None:
    assert till.pay(bill_id=till.key.id)["bill_id"] == till.key.id


def test_a_settled_bill_is_not_paid_twice(till: Till) -> None:
    seen = till.world.case(till.case_no).head.version
    till.pay()
    till.notice(till.channel.paid_by_its_payer(till.key.id))
    assert _refusal(till, Conflict) == "bill_settled"
    till.world.steps["dispatch_courier"] = lambda _: None
    till.world.run()
    assert _refusal(till, Conflict, seen_version=seen) == "bill_settled"
    assert till.channel.calls == ["open"]


def test_a_withdrawn_case_has_nothing_to_pay(till: Till) -> None:
    till.withdraw()
    till.world.run()
    assert _refusal(till, Conflict) == "nothing_to_pay"


def test_a_case_without_bills_has_nothing_to_pay() -> None:
    till = fresh_till()
    with pytest.raises(Conflict) as refused:
        till.pay()
    assert refused.value.code == "nothing_to_pay"
    assert refused.value.detail == {"stage": "in_review"}


def test_a_bill_that_is_on_its_way_is_called_not_ready() -> None:
    till = fresh_till()
    till.approve(run=False)
    assert _refusal(till, Conflict) == "bill_not_ready"


def test_an_expired_bill_is_not_opened(till: Till) -> None:
    till.world.clock.forward(days=91)
    assert _refusal(till, Conflict) == "bill_expired"
    assert till.channel.calls == []


def test_a_version_that_does_not_exist_yet_is_refused(till: Till) -> None:
    assert _refusal(till, PreconditionFailed, seen_version=99) == "version_unknown"


def test_who_saw_another_stage_must_look_again(till: Till) -> None:
    assert _refusal(till, Conflict, seen_version=3) == "stage_changed"
    assert till.channel.calls == []


def test_a_second_payer_under_the_same_version_is_a_conflict(till: Till) -> None:
    till.pay()
    code = _refusal(till, Conflict, payer_openid="oSandbox-other")
    assert code == "payment_begun_otherwise"


def test_a_cancellation_during_the_opening_closes_what_was_opened(till: Till) -> None:
    def withdraw() -> None:
        till.withdraw()
        till.world.run()

    till.channel.before["open"] = withdraw
    assert _refusal(till, Conflict) == "nothing_to_pay"
    assert till.stage is BillStage.CANCELLED
    assert till.channel.orders[till.key.id].state == "CLOSED"


def test_money_whose_notice_is_late_is_found_when_paying_again(till: Till) -> None:
    till.pay()
    paid = till.channel.paid_by_its_payer(till.key.id)
    assert _refusal(till, Conflict) == "bill_settled"
    assert till.stage is BillStage.SETTLED
    with pytest.raises(ZeroTripError) as repeated:
        till.notice(paid)
    assert repeated.value.code == "done_before"
    assert till.types.count("bill.settled") == 1


def _die() -> None:
    raise Killed


def _down() -> None:
    raise Unavailable("payment_channel_unavailable", "", "")


@pytest.fixture
def partners() -> Iterator[Sandboxes]:
    # Of its own for each test: the same seed draws the same bill numbers.
    with Sandboxes(timeout_seconds=2) as running:
        yield running


@pytest.fixture
def real(till: Till, partners: Sandboxes) -> Till:
    """The till with the product's own client, and the sandbox over HTTP."""
    config = WeChatPayConfig.from_json(partners.config["payments"])
    till.world.clock.at = datetime.now(UTC)
    till.channel = WeChatPay(config, urllib3.PoolManager(), till.world.clock)
    head = ("records", till.key.pk, "HEAD")
    row = till.tables.rows[head]
    until = "2099-01-01T00:00:00.000Z"
    till.tables.rows[head] = replace(row, data={**row.data, "payable_until": until})
    return till


def test_over_http_a_late_notice_is_found_when_paying_again(
    real: Till, partners: Sandboxes
) -> None:
    first = real.pay()["parameters"]
    again = real.pay()["parameters"]
    assert first["package"] == again["package"]
    partners.control("payments", "pay", {"client": again, "quiet": True})
    assert _refusal(real, Conflict) == "bill_settled"
    assert real.stage is BillStage.SETTLED
    orders = partners.control("payments", "orders")["items"]
    (order,) = [each for each in orders if each["out_trade_no"] == real.key.id]
    settled = real.world.records.history(real.key)[-1]
    assert settled.body["transaction_id"] == order["transaction_id"]


def test_over_http_a_lost_notice_is_found_by_the_watchdog(
    real: Till, partners: Sandboxes
) -> None:
    opened = real.pay()["parameters"]
    partners.control("payments", "pay", {"client": opened, "quiet": True})
    # Five minutes that the channel's clock does not see: the bill falls due now.
    head = real.bill.head
    assert head.due_at is not None
    now = times.to_text(real.world.clock())
    real.world.records.touch(head, now, dict(head.body))
    assert real.tick() == ["done"]
    assert real.stage is BillStage.SETTLED


def test_over_http_an_unpaid_bill_is_closed_at_the_channel_and_lapses(
    real: Till, partners: Sandboxes
) -> None:
    real.pay()
    key, head = real.key, real.bill.head
    over = {**head.body, "payable_until": times.to_text(real.world.clock())}
    real.world.records.touch(head, over["payable_until"], over)
    assert real.tick() == ["done"]
    assert [row.type for row in real.world.records.history(key)][-1] == "bill.lapsed"
    orders = partners.control("payments", "orders")["items"]
    (order,) = [each for each in orders if each["out_trade_no"] == key.id]
    assert order["state"] == "CLOSED"

"""WeChat Pay v3: notices of the sandbox, read by the product's client."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from infra.local.partners import Sandboxes
from zerotrip.kernel.errors import Malformed, Refused, Unauthenticated
from zerotrip.payments.channels.wechat_pay import (
    PaymentNotice,
    TradeState,
    WeChatPay,
    WeChatPayConfig,
    failure_answer,
    success_answer,
)

from .conftest import Receiver, wait_until

PAYER = "oSandbox-0000000000000000002"
_number = itertools.count(1)


@pytest.fixture
def channel(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> WeChatPay:
    return WeChatPay(WeChatPayConfig.from_json(partners.config["payments"]), http, now)


@pytest.fixture
def product(partners: Sandboxes, receiver: Receiver, channel: WeChatPay) -> Receiver:
    """A receiver that reads each notice and answers as the webhook function does."""

    def answer(
        headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            channel.read_notice(headers, body)
        except Refused as refused:
            return failure_answer(refused.code, refused.status)
        return success_answer()

    receiver.answer = answer
    partners.control("payments", "callbacks", {"url": receiver.url})
    return receiver


def an_open_bill(channel: WeChatPay) -> str:
    bill_id = f"441882NOTE{next(_number):022d}"
    channel.open(bill_id, 1500, "工本费", PAYER, datetime(2099, 1, 1, tzinfo=UTC))
    return bill_id


def pay(partners: Sandboxes, bill_id: str, **wish: Any) -> dict[str, str]:
    return dict(partners.control("payments", "pay", {"out_trade_no": bill_id} | wish))


def counted(partners: Sandboxes) -> dict[str, int]:
    return dict(partners.control("payments", "orders")["notices"])


def test_a_payment_is_told_with_all_that_must_be_compared(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    bill_id = an_open_bill(channel)
    paid = pay(partners, bill_id)
    product.wait_for(1)
    notice = channel.read_notice(*product.got[0])
    settings = partners.config["payments"]
    assert notice == PaymentNotice(
        notice_id=paid["notice_id"],
        bill_id=bill_id,
        transaction_id=paid["transaction_id"],
        state=TradeState.SUCCESS,
        amount_fen=1500,
        currency="CNY",
        payer_openid=PAYER,
        success_time=notice.success_time,
        mchid=settings["mchid"],
        appid=settings["appid"],
    )
    assert notice.success_time.tzinfo is UTC
    assert PAYER not in repr(notice)
    wait_until(lambda: counted(partners)["pending"] == 0)


def test_header_names_may_come_in_any_case(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    pay(partners, an_open_bill(channel))
    product.wait_for(1)
    headers, body = product.got[0]
    for change in (str.upper, str.lower, str.title):
        again = {change(name): value for name, value in headers.items()}
        assert channel.read_notice(again, body).state is TradeState.SUCCESS


REFUSED = {
    "forged": (401, "wechat_pay_signature_wrong"),
    "probe": (401, "wechat_pay_signature_wrong"),
    "altered": (401, "wechat_pay_signature_wrong"),
    "unsigned": (401, "wechat_pay_signature_missing"),
    "old": (401, "wechat_pay_signature_stale"),
    "future": (401, "wechat_pay_signature_stale"),
    "unknown_serial": (401, "wechat_pay_signature_serial_unknown"),
    "unknown_scheme": (401, "wechat_pay_signature_scheme_unknown"),
    "wrong_seal": (400, "payment_notice_not_opened"),
    "refund": (400, "payment_notice_type_unknown"),
    "unknown_algorithm": (400, "payment_notice_algorithm_unknown"),
    "contradiction": (400, "payment_notice_contradicts_itself"),
    "amount_as_text": (400, "payment_notice_unreadable"),
    "not_json": (400, "payment_notice_unreadable"),
}


@pytest.mark.parametrize("variety", REFUSED)
def test_each_bad_notice_is_refused_with_its_own_code(
    product: Receiver, partners: Sandboxes, channel: WeChatPay, variety: str
) -> None:
    wish = {"out_trade_no": an_open_bill(channel), "variety": variety}
    answer = partners.control("payments", "notices", wish)
    status, code = REFUSED[variety]
    assert answer["status"] == status
    # The channel's own failure answer, or it would take it for a success.
    assert json.loads(answer["body"]) == {"code": "FAIL", "message": code}


def test_the_same_notice_is_accepted_when_nothing_is_wrong_with_it(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    wish = {"out_trade_no": an_open_bill(channel), "variety": "genuine"}
    answer = partners.control("payments", "notices", wish)
    assert (answer["status"], answer["body"]) == (204, "")


@pytest.mark.parametrize(
    ("variety", "field", "value"),
    [
        ("wrong_amount", "amount_fen", 1),
        ("wrong_currency", "currency", "USD"),
        ("wrong_payer", "payer_openid", "oSandbox-somebody-else"),
        ("foreign_merchant", "to_us", False),
        ("foreign_app", "to_us", False),
        ("unknown_order", "bill_id", "999999" + "Z" * 26),
    ],
)
def test_what_only_the_bill_can_tell_is_handed_on_as_it_came(
    *,
    product: Receiver,
    partners: Sandboxes,
    channel: WeChatPay,
    variety: str,
    field: str,
    value: object,
) -> None:
    wish = {"out_trade_no": an_open_bill(channel), "variety": variety}
    partners.control("payments", "notices", wish)
    assert getattr(channel.read_notice(*product.got[0]), field) == value


def test_a_captured_notice_reads_the_same_for_five_minutes_and_not_after(
    product: Receiver, partners: Sandboxes, channel: WeChatPay, http: Any
) -> None:
    pay(partners, an_open_bill(channel))
    product.wait_for(1)
    headers, body = product.got[0]
    assert channel.read_notice(headers, body) == channel.read_notice(headers, body)
    config = WeChatPayConfig.from_json(partners.config["payments"])
    sent_at = datetime.fromtimestamp(int(headers["wechatpay-timestamp"]), UTC)
    for age_seconds, holds in ((299, True), (300, False)):
        later = sent_at + timedelta(seconds=age_seconds)
        reader = WeChatPay(config, http, lambda later=later: later)
        if holds:
            assert reader.read_notice(headers, body)
        else:
            with pytest.raises(Unauthenticated) as refused:
                reader.read_notice(headers, body)
            assert refused.value.code == "wechat_pay_signature_stale"


@pytest.mark.parametrize(
    "change",
    [
        {"wechatpay-timestamp": "now"},
        {"wechatpay-timestamp": "１２３"},
        {"wechatpay-nonce": ""},
        {"wechatpay-signature": "not base64!"},
        {"wechatpay-signature": "é"},
        {"wechatpay-nonce": "\ud800"},
    ],
)
def test_odd_headers_are_refused_and_nothing_breaks(
    product: Receiver,
    partners: Sandboxes,
    channel: WeChatPay,
    change: dict[str, str],
) -> None:
    pay(partners, an_open_bill(channel))
    product.wait_for(1)
    headers, body = product.got[0]
    with pytest.raises(Unauthenticated):
        channel.read_notice(headers | change, body)
    with pytest.raises(Unauthenticated):
        channel.read_notice({}, b"")


def test_a_key_in_a_certificate_serves_while_the_channel_moves_between_both(
    product: Receiver, partners: Sandboxes, channel: WeChatPay, http: Any, now: Any
) -> None:
    pay(partners, an_open_bill(channel))
    product.wait_for(1)
    settings = partners.config["payments"]
    certificate = _certificate_of(partners.keys.platform_private_key)
    serial = settings["platform_serial"]
    config = WeChatPayConfig.from_json(
        settings | {"platform_keys": {serial: certificate}}
    )
    assert WeChatPay(config, http, now).read_notice(*product.got[0])


def _certificate_of(private_pem: str) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        load_pem_private_key,
    )

    key: Any = load_pem_private_key(private_pem.encode(), password=None)
    name = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "TEST platform 测试")]
    )
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(moment)
        .not_valid_after(moment + timedelta(days=1))
        .sign(key, SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def test_the_wrong_seal_key_is_malformed_not_a_crash(
    product: Receiver, partners: Sandboxes, channel: WeChatPay, http: Any, now: Any
) -> None:
    pay(partners, an_open_bill(channel))
    product.wait_for(1)
    for wrong_key in ("0" * 32, "short"):
        settings = partners.config["payments"] | {"api_v3_key": wrong_key}
        reader = WeChatPay(WeChatPayConfig.from_json(settings), http, now)
        with pytest.raises(Malformed):
            reader.read_notice(*product.got[0])


# How the sandbox sends


def test_a_refused_notice_comes_again_with_the_same_id_until_it_is_taken(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    good, tries = product.answer, itertools.count(1)
    product.answer = lambda headers, body: (
        failure_answer("not_now", 503) if next(tries) < 3 else good(headers, body)
    )
    paid = pay(partners, an_open_bill(channel))
    product.wait_for(3)
    wait_until(lambda: counted(partners)["pending"] == 0)
    notices = [channel.read_notice(*got) for got in product.got]
    assert {notice.notice_id for notice in notices} == {paid["notice_id"]}
    assert len(product.got) == 3


def test_duplicates_and_reversed_order_on_demand(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    partners.control("payments", "delivery", {"duplicates": 2, "reorder_seconds": 0.2})
    before = counted(partners)["sent"]
    bills = [an_open_bill(channel) for _ in range(2)]
    for bill_id in bills:
        pay(partners, bill_id)
    product.wait_for(6)
    order = [channel.read_notice(*got).bill_id for got in product.got]
    assert order == [bills[1]] * 3 + [bills[0]] * 3
    wait_until(lambda: counted(partners)["sent"] == before + 6)


def test_held_notices_leave_when_the_hold_ends(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    partners.control("payments", "delivery", {"hold": True})
    pay(partners, an_open_bill(channel))
    assert counted(partners)["pending"] == 1
    assert product.got == []
    partners.control("payments", "delivery", {})
    product.wait_for(1)


def test_another_sum_can_arrive_than_was_asked(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    bill_id = an_open_bill(channel)
    pay(partners, bill_id, amount_fen=100)
    product.wait_for(1)
    assert channel.read_notice(*product.got[0]).amount_fen == 100
    assert channel.query(bill_id).amount_fen == 100


def test_a_notice_may_be_lost_for_good_and_the_query_still_tells(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    bill_id = an_open_bill(channel)
    paid = pay(partners, bill_id, quiet=True)
    assert counted(partners)["pending"] == 0
    assert product.got == []
    state = channel.query(bill_id)
    assert (state.state, state.transaction_id) == ("SUCCESS", paid["transaction_id"])


def test_a_notice_may_contradict_what_the_query_says(
    product: Receiver, partners: Sandboxes, channel: WeChatPay
) -> None:
    bill_id = an_open_bill(channel)
    pay(partners, bill_id, variety="wrong_amount")
    product.wait_for(1)
    told, state = channel.read_notice(*product.got[0]), channel.query(bill_id)
    assert (told.amount_fen, state.amount_fen) == (1, 1500)
    assert told.transaction_id == state.transaction_id


def test_an_order_whose_time_is_over_can_be_closed_and_not_be_paid(
    partners: Sandboxes, channel: WeChatPay
) -> None:
    bill_id = an_open_bill(channel)
    partners.control("payments", "expire", {"out_trade_no": bill_id})
    with pytest.raises(RuntimeError, match="expired"):
        pay(partners, bill_id)
    assert channel.query(bill_id).state is TradeState.NOTPAY
    channel.close(bill_id)
    assert channel.query(bill_id).state is TradeState.CLOSED

"""WeChat Pay v3: what the product calls, against the sandbox, over HTTP."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from infra.local.partners import Sandboxes
from zerotrip.kernel.errors import (
    AlreadyDone,
    Conflict,
    GiveUp,
    Retry,
    Unavailable,
    ZeroTripError,
)
from zerotrip.payments.channels.wechat_pay import (
    TradeState,
    WeChatPay,
    WeChatPayConfig,
)

PAYER = "oSandbox-0000000000000000001"
_number = itertools.count(1)


@pytest.fixture
def settings(partners: Sandboxes) -> dict[str, Any]:
    return dict(partners.config["payments"])


@pytest.fixture
def channel(
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
) -> WeChatPay:
    return WeChatPay(WeChatPayConfig.from_json(settings), http, now)


@pytest.fixture
def bill_id() -> str:
    return f"441882OPEN{next(_number):022d}"


def a_bill(bill_id: str, **changes: Any) -> dict[str, Any]:
    expires_at = datetime(2099, 1, 1, tzinfo=UTC)
    return {
        "bill_id": bill_id,
        "amount_fen": 1500,
        "description": "机动车行驶证工本费",
        "payer_openid": PAYER,
        "expires_at": expires_at,
    } | changes


def orders(partners: Sandboxes) -> dict[str, Any]:
    return dict(partners.control("payments", "orders"))


def test_a_bill_is_opened_and_the_client_can_pay_with_what_it_gets(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    client = channel.open(**a_bill(bill_id))
    assert set(client) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    # The payer's client pays by `paySign` alone: the sandbox checks it.
    partners.control("payments", "pay", {"client": client, "quiet": True})
    state = channel.query(bill_id)
    assert (state.state, state.amount_fen, state.currency) == ("SUCCESS", 1500, "CNY")
    assert (state.bill_id, state.payer_openid) == (bill_id, PAYER)
    assert state.transaction_id is not None
    assert state.success_time is not None
    assert abs(state.success_time - datetime.now(UTC)) < timedelta(seconds=5)


def test_a_spoilt_pay_sign_pays_nothing(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    client = channel.open(**a_bill(bill_id)) | {"nonceStr": "another"}
    with pytest.raises(RuntimeError, match="PAY_SIGN_WRONG"):
        partners.control("payments", "pay", {"client": client})
    assert channel.query(bill_id).state is TradeState.NOTPAY


def test_opening_again_is_the_same_order(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    before = orders(partners)["orders"]
    packages = {channel.open(**a_bill(bill_id))["package"] for _ in range(3)}
    assert len(packages) == 1
    assert orders(partners)["orders"] == before + 1


def test_the_same_number_with_another_amount_is_a_conflict(
    channel: WeChatPay, bill_id: str
) -> None:
    channel.open(**a_bill(bill_id))
    with pytest.raises(Conflict) as refused:
        channel.open(**a_bill(bill_id, amount_fen=1501))
    assert refused.value.code == "payment_number_used"


def test_what_is_paid_can_be_neither_opened_nor_closed(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    channel.open(**a_bill(bill_id))
    partners.control("payments", "pay", {"out_trade_no": bill_id, "quiet": True})
    with pytest.raises(Conflict) as refused:
        channel.open(**a_bill(bill_id))
    assert refused.value.code == "payment_already_made"
    with pytest.raises(AlreadyDone) as done:
        channel.close(bill_id)
    assert done.value.code == "payment_already_made"


def test_a_closed_bill_stays_closed(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    channel.open(**a_bill(bill_id))
    channel.close(bill_id)
    channel.close(bill_id)
    assert channel.query(bill_id).state is TradeState.CLOSED
    with pytest.raises(Conflict) as refused:
        channel.open(**a_bill(bill_id))
    assert refused.value.code == "payment_order_closed"
    with pytest.raises(RuntimeError, match="409"):
        partners.control("payments", "pay", {"out_trade_no": bill_id})


def test_an_unknown_number_is_not_opened_and_closes_quietly(
    channel: WeChatPay, bill_id: str
) -> None:
    channel.close(bill_id)
    assert channel.query(bill_id).state is TradeState.NOT_OPENED


def test_an_expired_order_cannot_be_paid(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    channel.open(**a_bill(bill_id, expires_at=past))
    with pytest.raises(RuntimeError, match="expired"):
        partners.control("payments", "pay", {"out_trade_no": bill_id})


def test_a_long_description_is_cut_to_what_the_channel_takes(
    channel: WeChatPay, bill_id: str
) -> None:
    assert channel.open(**a_bill(bill_id, description="证" * 200))["package"]


@pytest.mark.parametrize(
    ("change", "channel_code", "code"),
    [
        ({"merchant_serial": "0"}, "SIGNERROR", "payment_channel_misconfigured"),
        ({"appid": "wx0"}, "APPIDMCHIDNOTMATCH", "payment_channel_misconfigured"),
        ({"notify_url": "https://x.y/?q"}, "PARAMERROR", "payment_channel_refused"),
        ({"platform_serial": "0"}, "PARAMERROR", "payment_channel_refused"),
    ],
)
def test_settings_that_the_channel_refuses_are_given_up(
    *,
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    bill_id: str,
    change: dict[str, str],
    channel_code: str,
    code: str,
) -> None:
    channel = WeChatPay(WeChatPayConfig.from_json(settings | change), http, now)
    with pytest.raises(GiveUp) as refused:
        channel.open(**a_bill(bill_id))
    assert refused.value.code == code
    assert refused.value.detail["channel_code"] == channel_code


def test_a_request_of_a_wrong_clock_is_refused(
    settings: dict[str, Any], http: urllib3.PoolManager, bill_id: str
) -> None:
    def slow() -> datetime:
        return datetime.now(UTC) - timedelta(minutes=6)

    channel = WeChatPay(WeChatPayConfig.from_json(settings), http, slow)
    with pytest.raises(GiveUp) as refused:
        channel.query(bill_id)
    assert refused.value.detail["channel_code"] == "SIGNERROR"


PASSING = [
    {"kind": "error", "status": 500, "code": "SYSTEM_ERROR"},
    {"kind": "error", "status": 500, "code": "SYSTEMERROR"},
    {"kind": "error", "status": 429, "code": "FREQUENCY_LIMITED"},
    {"kind": "error", "status": 502, "code": ""},
    {"kind": "hang", "seconds": 2},
    {"kind": "lost_answer"},
    {"kind": "unsigned_answer"},
    {"kind": "forged_answer"},
    {"kind": "old_answer"},
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda f: f.get("code") or f["kind"])
def test_what_may_pass_is_tried_again_with_the_same_number(
    *,
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    partners: Sandboxes,
    bill_id: str,
    fault: dict[str, object],
) -> None:
    config = WeChatPayConfig.from_json(settings | {"timeout_seconds": 0.3})
    channel = WeChatPay(config, http, now)
    before = orders(partners)["orders"]
    for call, kind in (
        (lambda: channel.open(**a_bill(bill_id)), Unavailable),
        (lambda: channel.query(bill_id), Retry),
        (lambda: channel.close(bill_id), Retry),
    ):
        partners.control("payments", "faults", fault)
        with pytest.raises(kind) as refused:
            call()
        assert isinstance(refused.value, ZeroTripError)
        assert refused.value.code == "payment_channel_unavailable"
        if kind is Unavailable:
            channel.open(**a_bill(bill_id))
    assert orders(partners)["orders"] == before + 1


def test_a_lasting_error_that_comes_as_a_500_is_given_up(
    channel: WeChatPay, partners: Sandboxes, bill_id: str
) -> None:
    partners.control("payments", "faults", {"kind": "error", "code": "OPENID_MISMATCH"})
    with pytest.raises(GiveUp) as refused:
        channel.open(**a_bill(bill_id))
    assert refused.value.code == "payment_channel_refused"


def test_no_secret_is_printed(settings: dict[str, Any]) -> None:
    printed = repr(WeChatPayConfig.from_json(settings))
    assert settings["mchid"] in printed
    assert settings["api_v3_key"] not in printed
    assert "PRIVATE" not in printed


def test_settings_name_a_field_that_is_not_known(settings: dict[str, Any]) -> None:
    with pytest.raises(GiveUp, match="partner_config_invalid") as refused:
        WeChatPayConfig.from_json(settings | {"apiv3": "x"})
    assert "apiv3" in refused.value.detail["reason"]

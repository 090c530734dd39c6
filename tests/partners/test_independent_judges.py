"""Libraries that we did not write agree with the sandboxes and with the clients."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import standardwebhooks
import urllib3
import wechatpayv3

from infra.local.partners import Sandboxes
from zerotrip.deliveries.clients.courier import Courier, CourierConfig
from zerotrip.kernel import standard_webhooks
from zerotrip.kernel.errors import GiveUp, Unauthenticated
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig

from .conftest import Receiver

PAYER = "oSandbox-0000000000000000001"
_number = itertools.count(1)


def a_library_client(partners: Sandboxes, **changes: Any) -> wechatpayv3.WeChatPay:
    settings = partners.config["payments"] | changes
    client = wechatpayv3.WeChatPay(
        wechatpay_type=wechatpayv3.WeChatPayType.MINIPROG,
        mchid=settings["mchid"],
        private_key=settings["merchant_private_key"],
        cert_serial_no=settings["merchant_serial"],
        appid=settings["appid"],
        apiv3_key=settings["api_v3_key"],
        notify_url=settings["notify_url"],
        public_key=settings["platform_keys"][settings["platform_serial"]],
        public_key_id=settings["platform_serial"],
        timeout=3,
    )
    # The library has no setting for the host.
    client._core._gate_way = settings["url"]
    return client


@pytest.fixture
def channel(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> WeChatPay:
    return WeChatPay(WeChatPayConfig.from_json(partners.config["payments"]), http, now)


def a_number() -> str:
    return f"441882ORAC{next(_number):022d}"


def pay_with_the_library(
    client: wechatpayv3.WeChatPay, number: str
) -> tuple[int, dict[str, Any]]:
    status, body = client.pay(
        description="工本费",
        out_trade_no=number,
        amount={"total": 1500, "currency": "CNY"},
        payer={"openid": PAYER},
    )
    return status, json.loads(body)


def test_the_sandbox_takes_the_librarys_requests_and_it_takes_the_answers(
    partners: Sandboxes,
) -> None:
    client, number = a_library_client(partners), a_number()
    status, answer = pay_with_the_library(client, number)
    assert status == 200
    assert answer["prepay_id"].startswith("wx")
    # The library raises when an answer's signature does not hold.
    status, body = client.query(out_trade_no=number)
    assert (status, json.loads(body)["trade_state"]) == (200, "NOTPAY")
    assert client.close(out_trade_no=number)[0] == 204
    assert pay_with_the_library(client, number) == (
        400,
        {"code": "ORDER_CLOSED", "message": "ORDER_CLOSED"},
    )


def test_the_sandbox_refuses_a_key_that_is_not_the_merchants(
    partners: Sandboxes,
) -> None:
    stranger = a_library_client(
        partners, merchant_private_key=partners.keys.platform_private_key
    )
    status, answer = pay_with_the_library(stranger, a_number())
    assert (status, answer["code"]) == (401, "SIGN_ERROR")


def test_the_library_refuses_an_answer_that_the_sandbox_forged(
    partners: Sandboxes,
) -> None:
    partners.control("payments", "faults", {"kind": "forged_answer"})
    with pytest.raises(Exception, match="failed to verify the signature"):
        pay_with_the_library(a_library_client(partners), a_number())


def test_the_library_and_our_client_mean_the_same_order(
    partners: Sandboxes, channel: WeChatPay
) -> None:
    number = a_number()
    pay_with_the_library(a_library_client(partners), number)
    assert channel.query(number).state == "NOTPAY"
    client = channel.open(
        a_number(), 1500, "工本费", PAYER, datetime(2099, 1, 1, tzinfo=UTC)
    )
    expected = a_library_client(partners).sign(
        [
            partners.config["payments"]["appid"],
            client["timeStamp"],
            client["nonceStr"],
            client["package"],
        ]
    )
    assert client["paySign"] == expected


def test_the_library_opens_the_sandboxs_notice_and_reads_what_we_read(
    partners: Sandboxes, channel: WeChatPay, receiver: Receiver
) -> None:
    partners.control("payments", "callbacks", {"url": receiver.url})
    number = a_number()
    channel.open(number, 1500, "工本费", PAYER, datetime(2099, 1, 1, tzinfo=UTC))
    partners.control("payments", "pay", {"out_trade_no": number})
    receiver.wait_for(1)
    headers, body = receiver.got[0]
    theirs = a_library_client(partners).callback(headers, body)
    ours = channel.read_notice(headers, body)
    assert theirs is not None
    assert theirs["id"] == ours.notice_id
    assert theirs["resource"]["out_trade_no"] == ours.bill_id == number
    assert theirs["resource"]["transaction_id"] == ours.transaction_id
    assert theirs["resource"]["amount"]["total"] == ours.amount_fen
    wish = {"out_trade_no": number, "variety": "forged"}
    partners.control("payments", "notices", wish)
    assert a_library_client(partners).callback(*receiver.got[1]) is None


# Standard Webhooks

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SENT_AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": SIGNATURE,
}


def test_the_published_vector() -> None:
    assert standard_webhooks.sign(SECRET, HEADERS["webhook-id"], SENT_AT, BODY) == (
        SIGNATURE
    )
    assert (
        standard_webhooks.verify(HEADERS, BODY, [SECRET], SENT_AT)
        == HEADERS["webhook-id"]
    )


def test_the_library_verifies_what_we_sign_and_we_what_it_signs() -> None:
    now = datetime.now(UTC)
    library = standardwebhooks.Webhook(SECRET)
    ours = standard_webhooks.sign(SECRET, "msg_1", now, BODY)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": ours,
    }
    assert library.verify(BODY, headers) == {"test": 2432232314}
    theirs = library.sign("msg_1", now, BODY.decode())
    assert theirs == ours
    headers["webhook-signature"] = theirs
    assert standard_webhooks.verify(headers, BODY, [SECRET], now) == "msg_1"


def test_the_library_verifies_the_couriers_callbacks(
    partners: Sandboxes, receiver: Receiver
) -> None:
    partners.control("courier", "callbacks", {"url": receiver.url})
    library = standardwebhooks.Webhook(partners.config["courier"]["webhook_secrets"][0])
    partners.control("courier", "notices", {"variety": "genuine"})
    headers, body = receiver.got[0]
    assert library.verify(body, headers)["type"] == "parcel.status_changed"
    for variety in ("forged", "altered", "unsigned", "old", "future"):
        partners.control("courier", "notices", {"variety": variety})
        headers, body = receiver.got[-1]
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            library.verify(body, headers)


def test_the_client_reads_what_the_library_signed(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    settings = partners.config["courier"]
    sent_at = now()
    body = json.dumps(
        {
            "type": "parcel.status_changed",
            "data": {
                "order_id": "441882" + "A" * 26,
                "waybill": "ZT1",
                "status": "IN_TRANSIT",
                "occurred_at": "2026-11-21T08:00:00Z",
            },
        }
    )
    signature = standardwebhooks.Webhook(settings["webhook_secrets"][0]).sign(
        "msg_2", sent_at, body
    )
    headers = {
        "Webhook-Id": "msg_2",
        "Webhook-Timestamp": str(int(sent_at.timestamp())),
        "Webhook-Signature": signature,
    }
    courier = Courier(CourierConfig.from_json(settings), http, now)
    assert courier.read_callback(headers, body.encode()).callback_id == "msg_2"


def test_two_secrets_or_two_signatures_let_keys_rotate() -> None:
    other = "whsec_" + "A" * 32
    both = f"v1a,AAAA v1,{'B' * 44} {SIGNATURE}"
    rotated = HEADERS | {"webhook-signature": both}
    assert standard_webhooks.verify(rotated, BODY, [other, SECRET], SENT_AT)
    with pytest.raises(Unauthenticated):
        standard_webhooks.verify(rotated, BODY, [other], SENT_AT)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"webhook-id": ""}, "callback_signature_missing"),
        ({"webhook-id": "msg.1614265330"}, "callback_signature_missing"),
        ({"webhook-id": "\ud800"}, "callback_signature_missing"),
        ({"webhook-timestamp": "1614265330.5"}, "callback_signature_missing"),
        ({"webhook-timestamp": "-1614265330"}, "callback_signature_missing"),
        ({"webhook-timestamp": "１"}, "callback_signature_missing"),
        ({"webhook-timestamp": "9" * 5000}, "callback_signature_wrong"),
        ({"webhook-timestamp": "1614265331"}, "callback_signature_wrong"),
        ({"webhook-signature": ""}, "callback_signature_missing"),
        # The published library lets these three end in an uncaught exception.
        ({"webhook-signature": "v1"}, "callback_signature_wrong"),
        ({"webhook-signature": "v1,abc"}, "callback_signature_wrong"),
        ({"webhook-signature": "v1,é\ud800"}, "callback_signature_wrong"),
        ({"webhook-signature": SIGNATURE[3:]}, "callback_signature_wrong"),
        ({"webhook-signature": "v2" + SIGNATURE[2:]}, "callback_signature_wrong"),
    ],
)
def test_odd_headers_are_refused_and_nothing_breaks(
    change: dict[str, str], code: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        standard_webhooks.verify(HEADERS | change, BODY, [SECRET], SENT_AT)
    assert refused.value.code == code


@pytest.mark.parametrize("secret", ["whsec_short", "whsec_!!!", "", "whsec_"])
def test_a_weak_secret_is_a_fault_of_the_settings(secret: str) -> None:
    with pytest.raises(GiveUp, match="webhook_secret_invalid"):
        standard_webhooks.verify(HEADERS, BODY, [secret], SENT_AT)

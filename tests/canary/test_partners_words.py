"""What a partner says of a person where a code belongs is not repeated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.canary.marks import Marks
from tests.canary.scanner import Scanner
from tests.support.partners import OFFICE
from zerotrip.deliveries.clients.courier import Courier, CourierConfig
from zerotrip.identity.clients.wechat_mini_program import (
    WeChatMiniProgram,
    WeChatMiniProgramConfig,
)
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.configuration import error_code
from zerotrip.kernel.errors import Malformed, Retry, ZeroTripError
from zerotrip.kernel.standard_webhooks import sign
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig

SOMEBODY = Marks(7)
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
WORDS = [*SOMEBODY.values().values(), {"name": SOMEBODY.name}, [SOMEBODY.telephone]]
NO_REFERENCES = [
    SOMEBODY.name, SOMEBODY.email, SOMEBODY.address, SOMEBODY.company, SOMEBODY.plate,
    {"name": SOMEBODY.name}, [SOMEBODY.telephone], 13800090007,
]  # fmt: skip
"""A bare number in a text cannot be told from one of the courier's own."""
SECRET = "whsec_" + "A" * 32
each_word = pytest.mark.parametrize("word", WORDS, ids=str)


@dataclass
class Answering:
    """A partner that answers everything with the same."""

    status: int
    said: Any

    def request(self, *_: Any, **__: Any) -> Answering:
        return self

    @property
    def data(self) -> bytes:
        return json.dumps(self.said, ensure_ascii=False).encode()


def _unsaid(error: ZeroTripError) -> None:
    told = str([error.code, error.zh, error.en, error.detail, str(error)])
    assert Scanner((SOMEBODY,)).search(told.encode()) == []


def _courier(answer: Answering) -> Courier:
    config = CourierConfig("https://courier.example.invalid", "key", [SECRET])
    return Courier(config, answer, lambda: NOW)  # type: ignore[arg-type]


@each_word
@pytest.mark.parametrize("status", [400, 403, 409, 422])
def test_the_couriers_refusal_names_nobody(word: Any, status: int) -> None:
    courier = _courier(Answering(status, {"code": word, "message": SOMEBODY.name}))
    with pytest.raises(ZeroTripError) as refused:
        courier.order("441882" + "0" * 26, "delivery", OFFICE, OFFICE, "证照")
    _unsaid(refused.value)
    assert refused.value.detail["reason"] == "unnamed"


@pytest.mark.parametrize("word", NO_REFERENCES, ids=str)
def test_a_waybill_is_a_reference(word: Any) -> None:
    number = "441882" + "0" * 26
    with pytest.raises(Retry) as unread:
        _courier(Answering(201, {"order_id": number, "waybill": word})).order(
            number, "delivery", OFFICE, OFFICE, "证照"
        )
    _unsaid(unread.value)
    data = {
        "order_id": number,
        "waybill": word,
        "status": "DELIVERED",
        "occurred_at": "2026-11-20T02:00:00.000Z",
    }
    body = json.dumps({"type": "parcel.status_changed", "data": data}).encode()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(NOW.timestamp())),
        "webhook-signature": sign(SECRET, "msg_1", NOW, body),
    }
    with pytest.raises(Malformed) as refused:
        _courier(Answering(200, {})).read_callback(headers, body)
    _unsaid(refused.value)


@each_word
def test_the_payment_channels_refusal_names_nobody(word: Any) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    config = WeChatPayConfig.from_json(
        {
            "url": "https://pay.example.invalid",
            "appid": "wx1",
            "mchid": "1",
            "merchant_serial": "1",
            "merchant_private_key": pem,
            "platform_serial": "1",
            "platform_keys": {},
            "api_v3_key": "0" * 32,
            "notify_url": "https://zerotrip.example.invalid",
        }
    )
    channel = WeChatPay(config, Answering(400, {"code": word}), lambda: NOW)  # type: ignore[arg-type]
    with pytest.raises(ZeroTripError) as refused:
        channel.close("441882" + "0" * 26)
    _unsaid(refused.value)


@each_word
def test_wechats_errcode_is_a_number(word: Any) -> None:
    config = WeChatMiniProgramConfig("https://wechat.example.invalid", "wx1", "s")
    login = WeChatMiniProgram(config, Answering(200, {"errcode": word}))  # type: ignore[arg-type]
    with pytest.raises(ZeroTripError) as refused:
        login.exchange("code")
    _unsaid(refused.value)


@pytest.mark.parametrize(
    "code", ["ORDERPAID", "PARAM_ERROR", "order_invalid", "too_late", "E1001", "a.b-c"]
)
def test_a_code_stays_what_it_is(code: str) -> None:
    assert error_code(code) == code


@each_word
def test_an_id_that_is_none_is_not_shown(word: Any) -> None:
    if isinstance(word, str):
        shown = Key("441882", Kind.CASE, word).shown
        assert Scanner((SOMEBODY,)).search(shown.encode()) == []


def test_our_own_ids_are_shown() -> None:
    for kind, identity in (
        (Kind.CASE, "11441882000000027D444013180300020261120102910"),
        (Kind.BILL, "441882DRXMW319A5SBNXSGXF9DKBY8BP"),
        (Kind.NOTICE, "4T8RZ6Q0V2M1K9J7H5G3F1D0C8"),
        (Kind.LICENCE, "1.2.156.3005.2.11100000MB0304894M003.A.7Q2W9E.001.9"),
    ):
        assert Key("441882", kind, identity).shown == f"{kind}#{identity}"

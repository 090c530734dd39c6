"""Builds WeChat Pay notices: genuine ones, and each kind that must be refused."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from .callbacks import Wire
from .server import unix_seconds
from .wechat_pay_wire import PlatformWire

Content = dict[str, Any]
_SHANGHAI = timezone(timedelta(hours=8))

# Sealed and signed as it should be; what it says is wrong.
_SAYS: dict[str, Callable[[Content], Content]] = {
    "wrong_amount": lambda said: {"amount": said["amount"] | {"total": 1}},
    "wrong_currency": lambda said: {"amount": said["amount"] | {"currency": "USD"}},
    "wrong_payer": lambda _: {"payer": {"openid": "oSandbox-somebody-else"}},
    "unknown_order": lambda _: {"out_trade_no": "999999" + "Z" * 26},
    "foreign_merchant": lambda _: {"mchid": "1900000001"},
    "foreign_app": lambda _: {"appid": "wx0000000000000000"},
    "contradiction": lambda _: {"trade_state": "CLOSED"},
    "amount_as_text": lambda said: {"amount": said["amount"] | {"total": "1500"}},
}


class Notices:
    """Notices of one platform."""

    def __init__(self, wire: PlatformWire) -> None:
        self._wire = wire

    def spoilt(self, notice_id: str, content: Content, variety: str) -> Wire:
        """One attempt, signed now: genuine, or with one thing wrong.

        Wrong is a key of `_SAYS`, or forged, probe, altered, unsigned, old, future,
        unknown_serial, unknown_scheme, wrong_seal, refund, unknown_algorithm, not_json.
        """
        if variety in _SAYS:
            content = content | _SAYS[variety](content)
        body = self._body(notice_id, content)
        now = unix_seconds()
        if variety in {"old", "future"}:
            return self._signed(body, now + (600 if variety == "future" else -600))
        if variety == "forged":
            other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            return self._with_type(self._wire.signed_headers(body, key=other)), body
        if variety == "unknown_serial":
            headers = self._wire.signed_headers(body, serial="PUB_KEY_ID_0000")
            return self._with_type(headers), body
        if variety in {"wrong_seal", "refund", "unknown_algorithm", "not_json"}:
            return self._signed(self._misfit(notice_id, content, variety))
        headers, body = self._signed(body)
        if variety == "probe":
            # The platform's own test traffic: a receiver must fail it like any other.
            random = secrets.token_urlsafe(32)
            headers["Wechatpay-Signature"] = f"WECHATPAY/SIGNTEST/{random}"
        if variety == "unsigned":
            del headers["Wechatpay-Signature"]
        if variety == "unknown_scheme":
            headers["Wechatpay-Signature-Type"] = "WECHATPAY2-SM2-WITH-SM3"
        if variety == "altered":
            body = body.replace(b'"summary"', b'"Summary"')
        return headers, body

    def _misfit(self, notice_id: str, content: Content, variety: str) -> bytes:
        if variety == "not_json":
            return b"<xml>"
        if variety == "wrong_seal":
            return self._body(notice_id, content, api_v3_key=secrets.token_hex(16))
        if variety == "unknown_algorithm":
            return self._body(notice_id, content, algorithm="AEAD_SM4_GCM")
        return self._body(notice_id, content, event_type="REFUND.SUCCESS")

    def _body(
        self,
        notice_id: str,
        content: Content,
        *,
        event_type: str = "TRANSACTION.SUCCESS",
        api_v3_key: str = "",
        algorithm: str = "",
    ) -> bytes:
        resource = self._wire.sealed(content, api_v3_key)
        notice = {
            "id": notice_id,
            "create_time": datetime.now(_SHANGHAI).isoformat(timespec="seconds"),
            "event_type": event_type,
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
            "resource": resource | ({"algorithm": algorithm} if algorithm else {}),
        }
        return json.dumps(notice, ensure_ascii=False).encode()

    def _signed(self, body: bytes, timestamp: int | None = None) -> Wire:
        headers = self._wire.signed_headers(body, timestamp=timestamp)
        return self._with_type(headers), body

    def _with_type(self, headers: dict[str, str]) -> dict[str, str]:
        return headers | {"Content-Type": "application/json"}

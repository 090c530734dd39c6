"""Standard Webhooks, scheme v1: HMAC-SHA256 over `id.timestamp.body`.

Source: standardwebhooks.com, specification 1.0.0. Our own forty lines, because the
published library lets a crafted header end in an uncaught exception.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import urllib3

from zerotrip.kernel.errors import GiveUp, Unauthenticated

TOLERANCE_SECONDS: Final = 300
_PREFIX: Final = "whsec_"
_MIN_SECRET_BYTES: Final = 24


def sign(secret: str, message_id: str, sent_at: datetime, body: bytes) -> str:
    """The value of `webhook-signature` for one secret: `v1,` and base64."""
    return "v1," + _digest(secret, message_id, str(int(sent_at.timestamp())), body)


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime
) -> str:
    """The message's id, if one of the secrets signed exactly these bytes just now.

    Raises Unauthenticated: `callback_signature_missing`, `callback_signature_wrong`,
    `callback_too_old` or `callback_from_future`. Several secrets allow rotation.
    """
    any_case = urllib3.HTTPHeaderDict(headers)
    message_id = any_case.get("webhook-id", "")
    timestamp = any_case.get("webhook-timestamp", "")
    signatures = any_case.get("webhook-signature", "").split()
    # A dot in the id would let a body's first part pass as a timestamp.
    id_holds = message_id and message_id.isascii() and "." not in message_id
    timestamp_holds = timestamp.isascii() and timestamp.isdigit()
    if not (id_holds and timestamp_holds and signatures):
        raise _refused("callback_signature_missing")
    given = [
        signature.removeprefix("v1,").encode("ascii", "replace")
        for signature in signatures
        if signature.startswith("v1,")
    ]
    expected = [
        _digest(secret, message_id, timestamp, body).encode() for secret in secrets
    ]
    # Every pair is compared, so that time does not tell which secret came close.
    matches = [hmac.compare_digest(one, other) for one in given for other in expected]
    if not any(matches):
        raise _refused("callback_signature_wrong")
    age_seconds = now.timestamp() - int(timestamp)
    if age_seconds > TOLERANCE_SECONDS:
        raise _refused("callback_too_old")
    if age_seconds < -TOLERANCE_SECONDS:
        raise _refused("callback_from_future")
    return message_id


def _digest(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if len(key) < _MIN_SECRET_BYTES:
        raise GiveUp(
            "webhook_secret_invalid",
            "回调密钥的配置有误。",
            "A webhook secret is not `whsec_` and base64 of 24 bytes or more.",
        )
    return key


def _refused(code: str) -> Unauthenticated:
    return Unauthenticated(
        code, "回调未通过验签。", "The callback does not carry a signature that holds."
    )

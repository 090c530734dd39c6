"""The platform's side of WeChat Pay v3: checks our signature, signs, seals.

Written apart from the product's client, so that one mistake cannot agree with itself.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from .keys import Keys
from .server import Request

SCHEME = "WECHATPAY2-SHA256-RSA2048"
_FIELD = re.compile(r'(\w+)="([^"]*)"')


class PlatformWire:
    """The platform's keys at work."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._merchant = _rsa(keys.merchant_private_key).public_key()
        self._platform = _rsa(keys.platform_private_key)

    def merchant_signed(self, request: Request) -> bool:
        """Whether `Authorization` holds for exactly this request, now."""
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        fields = dict(_FIELD.findall(rest))
        timestamp = fields.get("timestamp", "")
        if (
            scheme != SCHEME
            or fields.get("mchid") != self._keys.mchid
            or fields.get("serial_no") != self._keys.merchant_serial
            or not timestamp.isdigit()
            or abs(time.time() - int(timestamp)) >= 300
        ):
            return False
        head = (request.method, request.target, timestamp, fields.get("nonce_str", ""))
        text = "".join(f"{line}\n" for line in head).encode() + request.body + b"\n"
        return self._merchant_made(fields.get("signature", ""), text)

    def client_signed(self, client: dict[str, str]) -> bool:
        """Whether the `paySign` of `wx.requestPayment` holds."""
        lines = (
            self._keys.appid,
            client.get("timeStamp", ""),
            client.get("nonceStr", ""),
            client.get("package", ""),
        )
        text = "".join(f"{line}\n" for line in lines).encode()
        return client.get("signType") == "RSA" and self._merchant_made(
            client.get("paySign", ""), text
        )

    def signed_headers(
        self,
        body: bytes,
        *,
        timestamp: int | None = None,
        serial: str = "",
        key: rsa.RSAPrivateKey | None = None,
    ) -> dict[str, str]:
        """The `Wechatpay-…` headers over a body, of an answer as of a notice."""
        moment = str(int(time.time()) if timestamp is None else timestamp)
        nonce = secrets.token_urlsafe(24)
        text = f"{moment}\n{nonce}\n".encode() + body + b"\n"
        signature = (key or self._platform).sign(
            text, padding.PKCS1v15(), hashes.SHA256()
        )
        return {
            "Wechatpay-Timestamp": moment,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": base64.b64encode(signature).decode(),
            "Wechatpay-Serial": serial or self._keys.platform_serial,
            "Wechatpay-Signature-Type": SCHEME,
            "Request-ID": secrets.token_hex(16),
        }

    def sealed(self, plain: dict[str, Any], api_v3_key: str = "") -> dict[str, str]:
        """A notice's `resource`: AES-256-GCM, the tag at the end."""
        nonce, associated = secrets.token_hex(6), "transaction"
        ciphertext = AESGCM((api_v3_key or self._keys.api_v3_key).encode()).encrypt(
            nonce.encode(),
            json.dumps(plain, ensure_ascii=False).encode(),
            associated.encode(),
        )
        return {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "nonce": nonce,
            "associated_data": associated,
        }

    def _merchant_made(self, signature: str, text: bytes) -> bool:
        try:
            raw = base64.b64decode(signature, validate=True)
            self._merchant.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def _rsa(pem: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("the sandbox's key is not RSA")
    return key

"""How WeChat Pay v3 signs and seals: RSA-SHA256 over lines, AES-256-GCM.

Source: pay.weixin.qq.com, API v3, "签名生成", "签名验证", "证书和回调报文解密".
Each line of a signed text ends with a line feed, also the last.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

import urllib3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_pem_public_key,
)

from zerotrip.kernel.errors import Unauthenticated

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
TOLERANCE_SECONDS: Final = 300


def load_private_key(pem: str) -> RSAPrivateKey:
    """The merchant's key. Its arithmetic is not checked again at each cold start."""
    key = load_pem_private_key(
        pem.encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    return cast(RSAPrivateKey, key)


def load_platform_key(pem: str) -> RSAPublicKey:
    """A platform public key, or the one inside a platform certificate.

    Both kinds are in use at once while WeChat moves a merchant from one to the other.
    """
    if "BEGIN CERTIFICATE" in pem:
        # Imported late: 30 ms of cold start that public-key mode does not need.
        from cryptography.x509 import load_pem_x509_certificate

        return cast(RSAPublicKey, load_pem_x509_certificate(pem.encode()).public_key())
    return cast(RSAPublicKey, load_pem_public_key(pem.encode()))


def sign_lines(key: RSAPrivateKey, *lines: str) -> str:
    """Base64 of the PKCS#1 v1.5 signature over the lines."""
    text = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()


def verify(
    headers: Mapping[str, str],
    body: bytes,
    platform_keys: Mapping[str, RSAPublicKey],
    now: datetime,
) -> None:
    """Nothing, if one of the platform's keys signed exactly these bytes just now.

    Raises Unauthenticated: `wechat_pay_signature_missing`, `…_scheme_unknown`,
    `…_serial_unknown`, `…_wrong` or `…_stale` (five minutes, either way).
    """
    any_case = urllib3.HTTPHeaderDict(headers)
    timestamp = any_case.get("Wechatpay-Timestamp", "")
    nonce = any_case.get("Wechatpay-Nonce", "")
    signature = any_case.get("Wechatpay-Signature", "")
    if not (timestamp.isascii() and timestamp.isdigit() and nonce and signature):
        raise _refused("missing")
    if any_case.get("Wechatpay-Signature-Type", SCHEME) != SCHEME:
        raise _refused("scheme_unknown")
    key = platform_keys.get(any_case.get("Wechatpay-Serial", ""))
    if key is None:
        # Never fetched on the caller's word: an unknown serial is refused and alarmed.
        raise _refused("serial_unknown")
    try:
        key.verify(
            base64.b64decode(signature, validate=True),
            f"{timestamp}\n{nonce}\n".encode() + body + b"\n",
            PKCS1v15(),
            SHA256(),
        )
    except (InvalidSignature, ValueError):
        # Also what the platform's own probes (`WECHATPAY/SIGNTEST/…`) must meet.
        raise _refused("wrong") from None
    if abs(now.timestamp() - int(timestamp)) >= TOLERANCE_SECONDS:
        raise _refused("stale")


def unseal(api_v3_key: str, resource: Mapping[str, str]) -> bytes:
    """The plain bytes of a notice's `resource`.

    Raises `cryptography.exceptions.InvalidTag`, KeyError or ValueError.
    """
    return AESGCM(api_v3_key.encode()).decrypt(
        resource["nonce"].encode(),
        base64.b64decode(resource["ciphertext"], validate=True),
        resource.get("associated_data", "").encode(),
    )


def _refused(reason: str) -> Unauthenticated:
    return Unauthenticated(
        f"wechat_pay_signature_{reason}",
        "微信支付报文未通过验签。",
        "The message does not carry a signature of the payment platform that holds.",
    )

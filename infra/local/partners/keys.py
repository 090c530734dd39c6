"""Keys and names of the sandboxes: made at the first start, kept in the home folder.

They look like a partner's and are worth nothing: no merchant, app or account exists.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

FILE_NAME = "keys.json"
PROVIDERS = (
    "population",
    "civil_affairs",
    "social_insurance",
    "market_regulation",
    "natural_resources",
)
"""Who gives shared materials, as `catalogue/_shared_materials.yaml` names them."""


@dataclass(frozen=True)
class Keys:
    """Everything secret that the sandboxes and the product share, PEM for keys."""

    appid: str
    appsecret: str
    client_id: str
    client_secret: str
    oidc_private_key: str
    mchid: str
    merchant_serial: str
    merchant_private_key: str
    platform_serial: str
    platform_private_key: str
    api_v3_key: str
    courier_api_key: str
    courier_webhook_secret: str
    provider_secrets: dict[str, dict[str, str]]

    @classmethod
    def kept_in(cls, home: Path) -> Keys:
        """Those of an earlier start, else new ones, readable by the owner only."""
        path = home / FILE_NAME
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if known.keys() >= {each.name for each in fields(cls)}:
            return cls(**known)
        # A partner that came since the home folder was made gets its keys now.
        keys = cls(**{**asdict(cls.make()), **known})
        home.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(asdict(keys), indent=2))
        return keys

    @classmethod
    def make(cls) -> Keys:
        return cls(
            appid=f"wx{secrets.token_hex(8)}",
            appsecret=secrets.token_hex(16),
            client_id="zerotrip-sandbox",
            client_secret=secrets.token_urlsafe(32),
            oidc_private_key=_pem(ec.generate_private_key(ec.SECP256R1())),
            mchid="1900000000",
            merchant_serial=secrets.token_hex(20).upper(),
            merchant_private_key=_pem(_rsa()),
            platform_serial=f"PUB_KEY_ID_{secrets.randbelow(10**22):022d}",
            platform_private_key=_pem(_rsa()),
            # 32 characters that are 32 bytes: the channel uses the text as the key.
            api_v3_key=secrets.token_hex(16),
            courier_api_key=secrets.token_urlsafe(32),
            courier_webhook_secret=_webhook_secret(),
            provider_secrets={
                name: {"request": _webhook_secret(), "answer": _webhook_secret()}
                for name in PROVIDERS
            },
        )


def public_pem(private_pem: str) -> str:
    """The public half of a private key, PEM."""
    key = load_pem_private_key(private_pem.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)


def _webhook_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

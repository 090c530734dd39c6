"""Signs id_tokens, good ones and, on wish, each kind that must be refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from .server import unix_seconds

LIFE_SECONDS = 300


class IdTokens:
    """The provider's keys: each that was ever used stays published."""

    def __init__(self, private_pem: str, audience: str) -> None:
        key = load_pem_private_key(private_pem.encode(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 (own key)
        self._audience = audience
        self._keys = {"sandbox-1": key}
        self._kid = "sandbox-1"

    def rotate(self) -> str:
        """A new key signs from now on."""
        self._kid = f"sandbox-{len(self._keys) + 1}"
        self._keys[self._kid] = ec.generate_private_key(ec.SECP256R1())
        return self._kid

    def jwks(self) -> dict[str, Any]:
        """RFC 7517 key set of the public halves."""
        published = []
        for kid, key in self._keys.items():
            jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
            published.append(jwk | {"kid": kid, "use": "sig", "alg": "ES256"})
        return {"keys": published}

    def issue(
        self, issuer: str, identity: dict[str, Any], nonce: str, variety: str
    ) -> str:
        """A token; `variety` names what is wrong with it, `genuine` is nothing.

        `no_kid` is sound too: it names no key (OpenID Connect Core 10.1).
        """
        now = unix_seconds()
        claims: dict[str, Any] = identity | {
            "iss": issuer,
            "aud": self._audience,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "nonce": nonce,
        }
        changes: dict[str, dict[str, Any]] = {
            "wrong_nonce": {"nonce": "another"},
            "expired": {"iat": now - 2 * LIFE_SECONDS, "exp": now - LIFE_SECONDS},
            "not_yet": {"nbf": now + LIFE_SECONDS},
            "wrong_issuer": {"iss": "https://another.example.invalid"},
            "wrong_audience": {"aud": "another-client"},
            "wrong_party": {"azp": "another-client"},
        }
        claims |= changes.get(variety, {})
        if variety == "missing_claim":
            del claims["id_no"]
        if variety in {"alg_none", "hs256"}:
            return self._unsound(claims, variety)
        key, kid = self._keys[self._kid], self._kid
        if variety in {"forged", "unknown_key"}:
            key = ec.generate_private_key(ec.SECP256R1())
        if variety == "unknown_key":
            kid = "nobody-knows"
        named = {} if variety == "no_kid" else {"kid": kid}
        return jwt.encode(claims, key, algorithm="ES256", headers=named)

    def _unsound(self, claims: dict[str, Any], variety: str) -> str:
        # Made by hand: the library refuses to, and rightly.
        algorithm = {"alg_none": "none", "hs256": "HS256"}[variety]
        head = {"alg": algorithm, "kid": self._kid, "typ": "JWT"}
        signed = b".".join(_b64(json.dumps(part).encode()) for part in (head, claims))
        mac = b""
        if variety == "hs256":
            public = self._keys[self._kid].public_key()
            pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            mac = hmac.digest(pem, signed, hashlib.sha256)
        return (signed + b"." + _b64(mac)).decode()


def _b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")

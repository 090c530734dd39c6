"""Tokens that must open nothing, each made from the session of who may call.

So the only thing wrong with a token is what its column says: the person, the roles and
the request are right.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from zerotrip.identity.model import Session
from zerotrip.identity.tokens import PublicKey, Realm, TokenIssuer, TokenSigner

_SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
HOUR = timedelta(hours=1)


class ForgersKey:
    """A P-256 key that the forger made; nobody publishes its public half."""

    def __init__(self) -> None:
        self._private = ec.generate_private_key(ec.SECP256R1())

    def sign_digest(self, digest: bytes) -> bytes:
        """DER, as KMS answers."""
        return self._private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    @property
    def public(self) -> PublicKey:
        """Its public half."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )
        return PublicKey.from_der(der)


@dataclass(frozen=True)
class Mint:
    """The realm's own signer: true tokens, and true ones that are out of place."""

    realm: Realm
    signer: TokenSigner
    public: PublicKey
    clock: Callable[[], datetime]

    def token(
        self,
        session: Session,
        *,
        issued: timedelta = timedelta(0),
        realm: Realm | None = None,
        lifetime_seconds: int = 900,
    ) -> str:
        """A signed token of the session; `issued` is how far from now."""
        issuer = TokenIssuer(
            realm or self.realm, self.signer, self.public.kid, lifetime_seconds
        )
        return issuer.issue(session, self.clock() + issued, "access-matrix")


Forgery = Callable[[Mint, Session], str | None]


def _bearer(token: str) -> str:
    return f"Bearer {token}"


def _out_of_time(issued: timedelta) -> Forgery:
    return lambda mint, session: _bearer(mint.token(session, issued=issued))


def _of_realm(**other: str) -> Forgery:
    return lambda mint, session: _bearer(
        mint.token(session, realm=replace(mint.realm, **other))
    )


def _unsigned(algorithm: str, *, keep_signature: bool) -> Forgery:
    def forge(mint: Mint, session: Session) -> str:
        _, claims, signature = mint.token(session).split(".")
        header = _part({"alg": algorithm, "kid": mint.public.kid, "typ": "JWT"})
        return _bearer(f"{header}.{claims}.{signature if keep_signature else ''}")

    return forge


def _hmac_with(secret: Callable[[PublicKey], bytes]) -> Forgery:
    """RFC 8725 2.1: the public key taken for a shared secret."""

    def forge(mint: Mint, session: Session) -> str:
        claims = mint.token(session).split(".")[1]
        header = _part({"alg": "HS256", "kid": mint.public.kid, "typ": "JWT"})
        content = f"{header}.{claims}"
        made = hmac.digest(secret(mint.public), content.encode(), hashlib.sha256)
        return _bearer(f"{content}.{_encode(made)}")

    return forge


def _by_own_key(*, kid: str) -> Forgery:
    """Signed by the forger; `kid` own, true, or own with the key in the header."""

    def forge(mint: Mint, session: Session) -> str:
        own = ForgersKey()
        named = mint.public.kid if kid == "true" else own.public.kid
        header: dict[str, Any] = {"alg": "ES256", "kid": named, "typ": "JWT"}
        if kid == "embedded":
            header["jwk"] = own.public.jwk
        content = f"{_part(header)}.{mint.token(session).split('.')[1]}"
        der = own.sign_digest(hashlib.sha256(content.encode()).digest())
        r, s = utils.decode_dss_signature(der)
        return _bearer(f"{content}.{_encode(r.to_bytes(32) + s.to_bytes(32))}")

    return forge


def _altered(mint: Mint, session: Session) -> str:
    """A stranger's true token, with the right person written over the stranger."""
    stranger = replace(session, sub="SYNTHETIC0STRANGER00000000")
    header, _, signature = mint.token(stranger).split(".")
    claims = mint.token(session).split(".")[1]
    return _bearer(f"{header}.{claims}.{signature}")


def _other_scheme(mint: Mint, session: Session) -> str:
    return f"Basic {mint.token(session)}"


def _der(key: PublicKey) -> bytes:
    return _SPKI + key.point


def _pem(key: PublicKey) -> bytes:
    loaded = serialization.load_der_public_key(_der(key))
    return loaded.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _jwk(key: PublicKey) -> bytes:
    return json.dumps(key.jwk, sort_keys=True, separators=(",", ":")).encode()


def _part(value: dict[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


FORGERIES: dict[str, Forgery] = {
    "no_token": lambda mint, session: None,
    "no_such_token": lambda mint, session: "Bearer nothing.of.ours",
    "other_scheme": _other_scheme,
    "expired": _out_of_time(-HOUR),
    "not_yet_valid": _out_of_time(HOUR),
    "wrong_issuer": _of_realm(issuer="https://elsewhere.example.invalid"),
    "wrong_audience": _of_realm(audience="zerotrip-production"),
    "alg_none": _unsigned("none", keep_signature=False),
    "alg_none_with_signature": _unsigned("None", keep_signature=True),
    "hs256_public_der": _hmac_with(_der),
    "hs256_public_pem": _hmac_with(_pem),
    "hs256_public_jwk": _hmac_with(_jwk),
    "unknown_kid": _by_own_key(kid="own"),
    "forged_signature": _by_own_key(kid="true"),
    "embedded_key": _by_own_key(kid="embedded"),
    "altered_claims": _altered,
}
"""Column by column: the Authorization header that is sent instead of the right one."""

"""Our own access tokens: short-lived ES256 JWTs, signed by a key that never leaves KMS.

Sources: RFC 7515, 7517, 7519, 7638, 7518 3.4 (raw r and s), RFC 8693 4.1 (`act`),
RFC 8725 (one algorithm, chosen by us). By hand, because PyJWT costs the authoriser
five times the import of the one curve that it needs. No name and no number in a claim.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

from zerotrip.identity.model import Level, Role, Session, SessionRefused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

ALGORITHM = "ES256"
_COORDINATE_BYTES = 32
_MAXIMUM_CHARACTERS = 4096
_NOT_BEFORE_LEEWAY = timedelta(seconds=5)  # two Lambda hosts may differ by that much
# SubjectPublicKeyInfo of an uncompressed P-256 point (RFC 5480): fixed up to the point.
_SPKI_PREFIX = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


class TokenFault(StrEnum):
    """Why a token does not hold; the reason of a SessionRefused."""

    MALFORMED = "token_malformed"
    ALGORITHM_REFUSED = "token_algorithm_refused"
    KEY_UNKNOWN = "token_key_unknown"
    SIGNATURE_WRONG = "token_signature_wrong"
    ISSUER_WRONG = "token_issuer_wrong"
    AUDIENCE_WRONG = "token_audience_wrong"
    NOT_YET_VALID = "token_not_yet_valid"
    EXPIRED = "token_expired"


class TokenSigner(Protocol):
    """The private key behind one method: KMS, an HSM, or a test key."""

    def sign_digest(self, digest: bytes) -> bytes:
        """An ECDSA P-256 signature (DER) of a SHA-256 digest of 32 bytes."""


@dataclass(frozen=True)
class PublicKey:
    """A P-256 public key: its uncompressed point, 65 bytes."""

    point: bytes

    @classmethod
    def from_der(cls, der: bytes) -> PublicKey:
        """From SubjectPublicKeyInfo. Raises ValueError for any other kind of key."""
        if len(der) != len(_SPKI_PREFIX) + 65 or not der.startswith(_SPKI_PREFIX):
            raise ValueError("not an uncompressed P-256 public key")
        return cls(der[len(_SPKI_PREFIX) :])

    @functools.cached_property
    def jwk(self) -> dict[str, str]:
        """The members that RFC 7638 hashes."""
        x, y = self.point[1:33], self.point[33:]
        return {"crv": "P-256", "kty": "EC", "x": _encode(x), "y": _encode(y)}

    @functools.cached_property
    def kid(self) -> str:
        """RFC 7638 thumbprint, 43 characters."""
        canonical = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return _encode(hashlib.sha256(canonical.encode()).digest())

    def verifies(self, raw_signature: bytes, content: bytes) -> bool:
        """Whether r and s (32 bytes each) sign the content."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        if len(raw_signature) != 2 * _COORDINATE_BYTES:
            return False
        r = int.from_bytes(raw_signature[:_COORDINATE_BYTES])
        s = int.from_bytes(raw_signature[_COORDINATE_BYTES:])
        der = utils.encode_dss_signature(r, s)
        try:
            self._key.verify(der, content, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    @functools.cached_property
    def _key(self) -> EllipticCurvePublicKey:
        from cryptography.hazmat.primitives.asymmetric import ec

        curve = ec.SECP256R1()
        return ec.EllipticCurvePublicKey.from_encoded_point(curve, self.point)


@dataclass(frozen=True, slots=True)
class KmsTokenKey:
    """An ECC_NIST_P256 key in KMS; `client` is a botocore or boto3 KMS client."""

    client: Any
    key_id: str

    def sign_digest(self, digest: bytes) -> bytes:
        """One Sign call; DER."""
        answer = self.client.sign(
            KeyId=self.key_id,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm="ECDSA_SHA_256",
        )
        return bytes(answer["Signature"])

    def public_key(self) -> PublicKey:
        """One GetPublicKey call: keep the answer for the life of the process."""
        answer = self.client.get_public_key(KeyId=self.key_id)
        return PublicKey.from_der(bytes(answer["PublicKey"]))


def jwks(public_keys: Sequence[PublicKey]) -> dict[str, list[dict[str, str]]]:
    """The key set for `/.well-known/jwks.json` (RFC 7517)."""
    return {
        "keys": [
            {**key.jwk, "kid": key.kid, "use": "sig", "alg": ALGORITHM}
            for key in public_keys
        ]
    }


@dataclass(frozen=True, slots=True)
class Realm:
    """Whose tokens: `issuer` is our public base URL, `audience` `zerotrip-{stage}`."""

    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Makes access tokens; `kid` is the thumbprint of the signer's public key."""

    realm: Realm
    signer: TokenSigner
    kid: str
    lifetime_seconds: int = 900

    def issue(self, session: Session, now: datetime, token_id: str) -> str:
        """A signed token for the session; its `exp` is `now` plus the lifetime."""
        session = replace(session, expires_at=self.expiry(now))
        header = {"alg": ALGORITHM, "kid": self.kid, "typ": "JWT"}
        content = f"{_part(header)}.{_part(self._claims(session, now, token_id))}"
        der = self.signer.sign_digest(hashlib.sha256(content.encode()).digest())
        return f"{content}.{_encode(raw_signature(der))}"

    def expiry(self, now: datetime) -> datetime:
        """When a token issued now stops being valid."""
        return now + timedelta(seconds=self.lifetime_seconds)

    def _claims(self, session: Session, now: datetime, token_id: str) -> dict[str, Any]:
        issued_at = int(now.timestamp())
        claims: dict[str, Any] = {
            "iss": self.realm.issuer,
            "aud": self.realm.audience,
            "sub": session.sub,
            "iat": issued_at,
            "nbf": issued_at,
            "exp": int(session.expires_at.timestamp()),
            "jti": token_id,
            "sid": session.session_id,
            "roles": sorted(session.roles),
            "org": session.organisation,
            "dep": session.department,
            "lvl": session.level,
        }
        if session.power is not None:
            claims["pow"] = session.power
        return claims | ({"act": {"sub": session.actor}} if session.actor else {})


def verify(
    token: str, public_keys: Mapping[str, PublicKey], realm: Realm, now: datetime
) -> Session:
    """The session that a token speaks for. Raises SessionRefused with a TokenFault."""
    header, claims, signature = _parts(token)
    if header.get("alg") != ALGORITHM or "crit" in header:
        # Before any key is looked at: `none`, or an HMAC with our public key.
        raise SessionRefused(TokenFault.ALGORITHM_REFUSED)
    key = public_keys.get(str(header.get("kid", "")))
    if key is None:
        raise SessionRefused(TokenFault.KEY_UNKNOWN)
    if not key.verifies(signature, token.rpartition(".")[0].encode()):
        raise SessionRefused(TokenFault.SIGNATURE_WRONG)
    if claims.get("iss") != realm.issuer:
        raise SessionRefused(TokenFault.ISSUER_WRONG)
    if claims.get("aud") != realm.audience:
        raise SessionRefused(TokenFault.AUDIENCE_WRONG)
    session, not_before = _session(claims)
    if now < not_before - _NOT_BEFORE_LEEWAY:
        raise SessionRefused(TokenFault.NOT_YET_VALID)
    if now >= session.expires_at:
        raise SessionRefused(TokenFault.EXPIRED)
    return session


def raw_signature(der: bytes) -> bytes:
    """ECDSA as JWS wants it: r and s, 32 bytes each (RFC 7518 3.4)."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    pieces = token.split(".")
    if len(pieces) != 3 or len(token) > _MAXIMUM_CHARACTERS:
        raise SessionRefused(TokenFault.MALFORMED)
    try:
        header, claims = (json.loads(_decode(piece)) for piece in pieces[:2])
        signature = _decode(pieces[2])
    except (ValueError, binascii.Error, RecursionError) as error:
        raise SessionRefused(TokenFault.MALFORMED) from error
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise SessionRefused(TokenFault.MALFORMED)
    return header, claims, signature


def _session(claims: Mapping[str, Any]) -> tuple[Session, datetime]:
    try:
        actor = claims["act"]["sub"] if "act" in claims else None
        session = Session(
            sub=_text(claims["sub"]),
            roles=frozenset(Role(role) for role in claims["roles"]),
            session_id=_text(claims["sid"]),
            level=Level(claims["lvl"]),
            expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            organisation=_text(claims["org"]),
            department=_text(claims["dep"]),
            actor=None if actor is None else _text(actor),
            power=_text(claims["pow"]) if "pow" in claims else None,
        )
        return session, datetime.fromtimestamp(claims["nbf"], UTC)
    except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
        raise SessionRefused(TokenFault.MALFORMED) from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("claim is not a text")
    return value


def _part(value: Mapping[str, Any]) -> str:
    return _encode(json.dumps(value, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    padded = text + "=" * (-len(text) % 4)
    raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    # One spelling for each part (RFC 7515 2). It does not make a token's bytes unique:
    # beside (r, s) the signature (r, n - s) holds too, and anybody can work it out. So
    # nothing may tell tokens apart by their bytes; `jti` does.
    if _encode(raw) != text:
        raise ValueError("not canonical base64url")
    return raw

"""A token holds only as we made it, where we meant it, while it lasts."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.identity.world import NOON, REALM, LocalKey, mirrored
from zerotrip.identity.model import Level, Role, Session, SessionRefused
from zerotrip.identity.tokens import (
    KmsTokenKey,
    PublicKey,
    Realm,
    TokenFault,
    TokenIssuer,
    jwks,
    raw_signature,
    verify,
)

KEY = LocalKey()
KEYS = {KEY.public.kid: KEY.public}
SESSION = Session(
    sub="0SUBJECT0000000000000000AB",
    roles=frozenset({Role.OFFICER, Role.APPROVER}),
    session_id="0SESSION0000000000000000AB",
    level=Level.PRESENT,
    expires_at=NOON,
    organisation="12999999MB0000000T",
    department="counter",
    actor="0AGENT000000000000000000AB",
    power="0POWER000000000000000000AB",
)
TOKEN = TokenIssuer(REALM, KEY, KEY.public.kid).issue(SESSION, NOON, "token-1")


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def part(value: object) -> str:
    return encode(json.dumps(value).encode())


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    header, claims, _ = token.split(".")
    return tuple(
        json.loads(base64.urlsafe_b64decode(p + "==")) for p in (header, claims)
    )


def signed(header: dict[str, Any], claims: object, key: LocalKey = KEY) -> str:
    content = f"{part(header)}.{part(claims)}"
    der = key.sign_digest(hashlib.sha256(content.encode()).digest())
    return f"{content}.{encode(raw_signature(der))}"


def changed(**claims: Any) -> str:
    header, held = parts(TOKEN)
    return signed(header, held | claims)


def without(claim: str) -> str:
    header, held = parts(TOKEN)
    return signed(header, {name: held[name] for name in held if name != claim})


def refused_because(token: str, keys: dict[str, PublicKey] = KEYS) -> str:
    with pytest.raises(SessionRefused) as refused:
        verify(token, keys, REALM, NOON)
    # Whoever sent it learns nothing of why.
    assert refused.value.code == "session_refused"
    assert refused.value.detail == {}
    return refused.value.reason


def test_a_token_gives_back_the_session_it_was_made_for() -> None:
    expected = replace(SESSION, expires_at=NOON + timedelta(minutes=15))
    assert verify(TOKEN, KEYS, REALM, NOON) == expected


def test_another_library_reads_our_token_with_our_published_key() -> None:
    published = jwt.PyJWKSet.from_dict(jwks([KEY.public]))
    key = published[jwt.get_unverified_header(TOKEN)["kid"]]
    claims = jwt.decode(
        TOKEN,
        key,
        algorithms=["ES256"],
        audience=REALM.audience,
        issuer=REALM.issuer,
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    assert claims["sub"] == SESSION.sub
    assert claims["jti"] == "token-1"
    assert claims["act"] == {"sub": SESSION.actor}


def test_we_read_another_librarys_token() -> None:
    _, claims = parts(TOKEN)
    headers = {"kid": KEY.public.kid}
    theirs = jwt.encode(claims, KEY.private, algorithm="ES256", headers=headers)
    assert verify(theirs, KEYS, REALM, NOON).sub == SESSION.sub


def test_no_claim_says_more_than_references() -> None:
    _, claims = parts(TOKEN)
    assert (
        " ".join(claims) == "iss aud sub iat nbf exp jti sid roles org dep lvl pow act"
    )


def test_an_unsigned_token_is_refused() -> None:
    _, claims = parts(TOKEN)
    header = {"alg": "none", "kid": KEY.public.kid}
    unsigned = f"{part(header)}.{part(claims)}."
    assert refused_because(unsigned) == TokenFault.ALGORITHM_REFUSED


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(
            KEY.private.public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo,
            ),
            id="pem",
        ),
        pytest.param(KEY.public_der(), id="der"),
        pytest.param(KEY.public.point, id="point"),
    ],
)
def test_our_public_key_is_no_secret_to_sign_with(secret: bytes) -> None:
    _, claims = parts(TOKEN)
    header = {"alg": "HS256", "kid": KEY.public.kid}
    content = f"{part(header)}.{part(claims)}"
    mac = hmac.new(secret, content.encode(), "sha256").digest()
    assert refused_because(f"{content}.{encode(mac)}") == TokenFault.ALGORITHM_REFUSED


@pytest.mark.parametrize(
    "algorithm", ["es256", "RS256", "ES384", "", None, 7, ["ES256"]]
)
def test_only_our_algorithm_counts_though_the_signature_is_right(
    algorithm: object,
) -> None:
    header, claims = parts(TOKEN)
    token = signed(header | {"alg": algorithm}, claims)
    assert refused_because(token) == TokenFault.ALGORITHM_REFUSED


def test_an_extension_that_we_do_not_know_is_refused() -> None:
    header, claims = parts(TOKEN)
    token = signed(header | {"crit": ["exp"]}, claims)
    assert refused_because(token) == TokenFault.ALGORITHM_REFUSED


@pytest.mark.parametrize("kid", ["another", "", None, 7])
def test_a_key_that_is_not_ours_is_refused(kid: object) -> None:
    header, claims = parts(TOKEN)
    assert refused_because(signed(header | {"kid": kid}, claims)) == (
        TokenFault.KEY_UNKNOWN
    )


def test_a_key_brought_along_in_the_token_is_not_used() -> None:
    thief = LocalKey(seed=8)
    header, claims = parts(TOKEN)
    token = signed(header | {"jwk": thief.public.jwk}, claims, thief)
    assert refused_because(token) == TokenFault.SIGNATURE_WRONG


def test_changed_claims_break_the_signature() -> None:
    header, claims = parts(TOKEN)
    claims["roles"] = ["auditor"]
    signature = TOKEN.rpartition(".")[2]
    forged = f"{part(header)}.{part(claims)}.{signature}"
    assert refused_because(forged) == TokenFault.SIGNATURE_WRONG


@pytest.mark.parametrize("length", [0, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    content = TOKEN.rpartition(".")[0]
    token = f"{content}.{encode(b'x' * length)}"
    assert refused_because(token) == TokenFault.SIGNATURE_WRONG


def test_a_right_signature_in_another_spelling_is_refused() -> None:
    content, _, signature = TOKEN.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    longer = raw[:32] + b"\0" + raw[32:]
    assert refused_because(f"{content}.{encode(longer)}") == (
        TokenFault.SIGNATURE_WRONG
    )


def test_a_token_longer_than_any_of_ours_is_not_read() -> None:
    assert refused_because(changed(dep="x" * 4096)) == TokenFault.MALFORMED


def test_a_signature_of_zeros_is_refused() -> None:
    content = TOKEN.rpartition(".")[0]
    assert refused_because(f"{content}.{encode(bytes(64))}") == (
        TokenFault.SIGNATURE_WRONG
    )


@given(position=st.integers(0, len(TOKEN) - 1), character=st.sampled_from("Aa9_-.=+"))
def test_no_character_of_a_token_can_be_changed(position: int, character: str) -> None:
    if TOKEN[position] == character:
        return
    forged = TOKEN[:position] + character + TOKEN[position + 1 :]
    with pytest.raises(SessionRefused):
        verify(forged, KEYS, REALM, NOON)


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        (changed(iss="https://other.example"), TokenFault.ISSUER_WRONG),
        (without("iss"), TokenFault.ISSUER_WRONG),
        (changed(aud="zerotrip-production"), TokenFault.AUDIENCE_WRONG),
        (changed(aud=[REALM.audience]), TokenFault.AUDIENCE_WRONG),
        (without("aud"), TokenFault.AUDIENCE_WRONG),
        (changed(nbf=int(NOON.timestamp()) + 6), TokenFault.NOT_YET_VALID),
        (changed(exp=int(NOON.timestamp())), TokenFault.EXPIRED),
        (without("exp"), TokenFault.MALFORMED),
        (without("nbf"), TokenFault.MALFORMED),
        (without("sub"), TokenFault.MALFORMED),
        (without("roles"), TokenFault.MALFORMED),
        (changed(exp="tomorrow"), TokenFault.MALFORMED),
        (changed(exp=1e300), TokenFault.MALFORMED),
        (changed(exp=float("nan")), TokenFault.MALFORMED),
        (changed(sub=7), TokenFault.MALFORMED),
        (changed(roles=["emperor"]), TokenFault.MALFORMED),
        (changed(act="agent"), TokenFault.MALFORMED),
        (changed(lvl="L3"), TokenFault.MALFORMED),
        (without("lvl"), TokenFault.MALFORMED),
        (changed(pow=7), TokenFault.MALFORMED),
        (signed(parts(TOKEN)[0], ["a", "list"]), TokenFault.MALFORMED),
    ],
)
def test_each_fault_has_its_own_code_for_the_log(token: str, reason: str) -> None:
    assert refused_because(token) == reason


@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "not a token",
        TOKEN + ".more",
        TOKEN.replace(".", "!", 1),
        TOKEN + "=",
        "é." + TOKEN.partition(".")[2],
        f"{encode(b'[' * 5000)}.{TOKEN.partition('.')[2]}",
        f"{part({'alg': 'ES256'})}.{encode(b'[' * 3000)}.x",
    ],
)
def test_what_is_no_token_is_malformed(token: str) -> None:
    assert refused_because(token) == TokenFault.MALFORMED


def test_the_last_second_counts_and_the_next_does_not() -> None:
    end = NOON + timedelta(minutes=15)
    before = end - timedelta(milliseconds=1)
    assert verify(TOKEN, KEYS, REALM, before).sub == SESSION.sub
    with pytest.raises(SessionRefused) as refused:
        verify(TOKEN, KEYS, REALM, end)
    assert refused.value.reason == TokenFault.EXPIRED


def test_a_clock_that_is_five_seconds_behind_is_forgiven() -> None:
    assert (
        verify(TOKEN, KEYS, REALM, NOON - timedelta(seconds=5)).level is Level.PRESENT
    )


def test_a_mirrored_signature_holds_and_says_the_same() -> None:
    twin = mirrored(TOKEN)
    assert twin != TOKEN
    assert verify(twin, KEYS, REALM, NOON) == verify(TOKEN, KEYS, REALM, NOON)
    assert parts(twin)[1]["jti"] == parts(TOKEN)[1]["jti"] == "token-1"
    assert mirrored(twin) == TOKEN


def test_a_token_of_one_stage_is_none_of_another() -> None:
    other = Realm(REALM.issuer, "zerotrip-production")
    with pytest.raises(SessionRefused) as refused:
        verify(TOKEN, KEYS, other, NOON)
    assert refused.value.reason == TokenFault.AUDIENCE_WRONG


def test_the_key_id_is_the_rfc_7638_thumbprint() -> None:
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(KEY.private.public_key()))
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    assert KEY.public.kid == encode(hashlib.sha256(canonical.encode()).digest())
    assert jwks([KEY.public])["keys"][0]["kid"] == KEY.public.kid


def test_a_key_of_another_curve_is_not_taken() -> None:
    other = ec.derive_private_key(7, ec.SECP384R1()).public_key()
    der = other.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ValueError, match="P-256"):
        PublicKey.from_der(der)


class Kms:
    """KMS's documented answers to the two calls; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def sign(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"Signature": KEY.sign_digest(request["Message"])}

    def get_public_key(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"PublicKey": KEY.public_der()}


def test_kms_signs_the_digest_and_never_sees_the_token() -> None:
    kms = Kms()
    held = KmsTokenKey(kms, "alias/tokens")
    token = TokenIssuer(REALM, held, held.public_key().kid).issue(SESSION, NOON, "jti")
    assert verify(token, KEYS, REALM, NOON).sub == SESSION.sub
    content = token.rpartition(".")[0].encode()
    assert kms.asked[1:] == [
        {
            "KeyId": "alias/tokens",
            "Message": hashlib.sha256(content).digest(),
            "MessageType": "DIGEST",
            "SigningAlgorithm": "ECDSA_SHA_256",
        }
    ]


def test_small_r_and_s_keep_their_leading_zeros() -> None:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    assert raw_signature(encode_dss_signature(1, 2)) == (
        bytes(31) + b"\x01" + bytes(31) + b"\x02"
    )


def test_the_lifetime_can_be_set() -> None:
    issuer = TokenIssuer(REALM, KEY, KEY.public.kid, lifetime_seconds=60)
    session = verify(issuer.issue(SESSION, NOON, "jti"), KEYS, REALM, NOON)
    assert session.expires_at == NOON + timedelta(seconds=60)

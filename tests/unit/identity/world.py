"""A town with one key, one clock and partners that say what they are told."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.support.memory import MemoryKeys, MemoryTables
from zerotrip.identity.clients.oidc import Claims, CompanyClaims
from zerotrip.identity.clients.wechat_mini_program import WeChatLogin
from zerotrip.identity.model import Level, Organisation, Role
from zerotrip.identity.officers import Officers
from zerotrip.identity.sessions import Grant, Sessions
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.identity.store import Subjects
from zerotrip.identity.tokens import PublicKey, Realm, TokenIssuer
from zerotrip.kernel.errors import Unauthenticated
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Write

TENANT = "999999"
HASH_KEY = b"a synthetic secret for keyed hashes"
REALM = Realm("https://zerotrip.example", "zerotrip-test")
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
OFFICE = "12999999MB0000000T"
COMPANY = "91999999MA0000001N"


class LocalKey:
    """A token signer whose private key is in the test's own memory."""

    def __init__(self, seed: int = 7) -> None:
        self.private = ec.derive_private_key(seed, ec.SECP256R1())
        self.signed = 0

    def sign_digest(self, digest: bytes) -> bytes:
        self.signed += 1
        return self.private.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA256())))

    def public_der(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.DER,
            serialization.PublicFormat.SubjectPublicKeyInfo,
        )

    @property
    def public(self) -> PublicKey:
        return PublicKey.from_der(self.public_der())


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Bytes:
    """Random bytes that are the same in each run and never twice the same."""

    drawn: int = 0

    def __call__(self, count: int) -> bytes:
        self.drawn += 1
        return hashlib.shake_256(str(self.drawn).encode()).digest(count)


@dataclass
class WeChat:
    """Each code is the openid that it stands for."""

    refused: bool = False
    unionids: dict[str, str] = field(default_factory=dict)

    def exchange(self, code: str) -> WeChatLogin:
        if self.refused:
            raise Unauthenticated("wechat_code_used", "已使用", "used")
        return WeChatLogin(openid=code, unionid=self.unionids.get(code))


@dataclass
class IdentityProvider:
    """Each code stands for the claims that were put behind it."""

    people: dict[str, Claims] = field(default_factory=dict)
    asked: list[tuple[str, str, str, str]] = field(default_factory=list)

    def exchange(
        self, code: str, code_verifier: str, nonce: str, redirect_uri: str
    ) -> Claims:
        self.asked.append((code, code_verifier, nonce, redirect_uri))
        return self.people[code]


class RivalTables(MemoryTables):
    """Lets a rival act just before the next transaction, once."""

    rival: Callable[[], object] | None = None

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        if self.rival is not None:
            rival, self.rival = self.rival, None
            rival()
        super().transact(writes, token)


def mirrored(token: str) -> str:
    """The same token with (r, n - s) as its signature, which anybody can work out."""
    content, _, signature = token.rpartition(".")
    raw = base64.urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # P-256
    other = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    return f"{content}.{base64.urlsafe_b64encode(other).rstrip(b'=').decode()}"


def person(sub: str = "idp-zhang", **changed: Any) -> Claims:
    """张示例, whose number is the published example of the standard.

    `corp_uscc` and `corp_name` make an agent of a company of them.
    """
    name, uscc = changed.pop("corp_name", None), changed.pop("corp_uscc", None)
    said = {
        "issuer": "https://idp.example",
        "sub": sub,
        "name": "张示例",
        "id_type": "111",
        "id_no": "11010519491231002X",
        "level": Level.PRESENT,
        "kind": "natural",
        "company": company(uscc=uscc, name=name) if uscc else None,
    }
    return Claims(**(said | changed))


def company(**changed: Any) -> CompanyClaims:
    """示例食品有限公司, for which an agent may do everything."""
    said = {
        "name": "示例食品有限公司",
        "uscc": COMPANY,
        "kind": "company",
        "status": "active",
        "representative": None,
        "representative_no": None,
        "role": "agent",
        "powers": frozenset({"all"}),
        "items": None,
        "source": "provider",
        "until": None,
    }
    return CompanyClaims(**(said | changed))


class World:
    """Everything that signing in needs, in memory."""

    def __init__(self) -> None:
        self.tables = RivalTables()
        self.keys = MemoryKeys()
        self.clock = Clock()
        self.key = LocalKey()
        self.wechat = WeChat()
        self.idp = IdentityProvider()
        self.mint = Mint(Bytes())
        self.officers = Officers(self.tables)
        self.subjects = Subjects(
            self.tables,
            KeyRing(self.tables, self.keys),
            self.mint,
            self.clock,
            HASH_KEY,
        )
        self.sessions = Sessions(
            tenant=TENANT,
            tables=self.tables,
            subjects=self.subjects,
            officers=self.officers,
            issuer=TokenIssuer(REALM, self.key, self.key.public.kid),
            wechat=self.wechat,
            oidc=self.idp,
            mint=self.mint,
            clock=self.clock,
        )

    @property
    def public_keys(self) -> dict[str, PublicKey]:
        return {self.key.public.kid: self.key.public}

    def login(self, claims: Claims) -> Grant:
        self.idp.people["code"] = claims
        return self.sessions.login_oidc("code", "verifier", "nonce", "https://r")

    def register(self, oidc_subject: str, *roles: Role) -> str:
        office = Organisation(OFFICE, "示例县政务服务局", "Example County Services")
        register_organisation(self.tables, TENANT, office)
        return register_officer(
            self.tables,
            HASH_KEY,
            TENANT,
            oidc_subject,
            organisation=OFFICE,
            department="counter",
            roles=frozenset(roles or {Role.OFFICER}),
            mint=self.mint,
        )

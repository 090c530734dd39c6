"""From a login to a session, and on from refresh token to refresh token.

Table `answers`; a refresh token is 32 bytes of which only the hash is kept.

    T#SESSION#{sid}    SESSION    live | ended    {sub, via, actor, staff}
    T#REFRESH#{hash}   TOKEN      live | used     {sid, used_at}

Each refresh uses one token up and makes the next; the first is random, each other one a
keyed hash of the one before it. So the token used last gives the same successor again
for ten seconds: an answer was lost, or two tabs asked at once. Any other used one that
comes again was stolen, or its thief was first: the whole session ends (RFC 9700
4.14.2). A session never has two live tokens.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from zerotrip.identity.model import (
    STAFF,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SessionRefused,
    Subject,
    SubjectKind,
)
from zerotrip.identity.store import Officers, Subjects
from zerotrip.identity.tokens import TokenIssuer
from zerotrip.kernel import times
from zerotrip.kernel.errors import Forbidden, Unauthenticated, Unavailable
from zerotrip.kernel.identifiers import Mint, is_uscc
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables

if TYPE_CHECKING:
    from zerotrip.identity.clients.oidc import Claims
    from zerotrip.identity.clients.wechat_mini_program import WeChatLogin

ANSWERS_TABLE = "answers"
_ATTEMPTS = 5
_TOKEN_BYTES = 32
_SAME_SUCCESSOR_FOR = timedelta(seconds=10)


class WeChatExchange(Protocol):
    """`clients.wechat_mini_program.WeChatMiniProgram`."""

    def exchange(self, code: str) -> WeChatLogin:
        """Who a mini-program login code stands for."""


class OidcExchange(Protocol):
    """`clients.oidc.OidcProvider`."""

    def exchange(
        self, code: str, code_verifier: str, nonce: str, redirect_uri: str
    ) -> Claims:
        """Who an authorization code stands for."""


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a session lasts from its login on, refreshed or not, in seconds."""

    applicant_seconds: int = 30 * 24 * 3600
    staff_seconds: int = 12 * 3600  # a working day: staff sign in anew each morning


@dataclass(frozen=True, slots=True)
class Grant:
    """What a client gets: tokens, and who it is now."""

    session: Session
    kind: SubjectKind
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_seconds: int

    def as_json(self) -> dict[str, Any]:
        """The answer of `POST /v1/sessions` and of its refresh."""
        return {
            "token_type": "Bearer",
            "access_token": self.access_token,
            "expires_in_seconds": self.expires_in_seconds,
            "refresh_token": self.refresh_token,
            "subject": {"kind": self.kind.value, "level": self.session.level},
            "roles": sorted(role.value for role in self.session.roles),
        }


@dataclass(frozen=True, slots=True)
class _Opened:
    """What a session is made of, before its tokens."""

    sid: str
    subject: Subject
    via: Provider
    actor: str | None
    staff: bool
    expires_at_seconds: int
    version: int

    def row(self, tenant: str) -> StoredRow:
        data = {
            "sub": self.subject.sub,
            "via": self.via,
            "actor": self.actor,
            "staff": self.staff,
        }
        return StoredRow(
            f"{tenant}#SESSION#{self.sid}",
            "SESSION",
            data,
            version=self.version,
            stage="live",
            expires_at=self.expires_at_seconds,
        )


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sign in, refresh, sign out, bind; `tenant` is the 6-digit division code."""

    tenant: str
    tables: Tables
    subjects: Subjects
    officers: Officers
    issuer: TokenIssuer
    wechat: WeChatExchange
    oidc: OidcExchange
    mint: Mint
    clock: Callable[[], datetime]
    lifetimes: Lifetimes = Lifetimes()

    def login_wechat(self, code: str) -> Grant:
        """A session for the code of `wx.login()`: always a citizen, never staff."""
        known = self.wechat.exchange(code)
        subject = self.subjects.enter(
            self.tenant,
            Login(Provider.WECHAT, known.openid),
            SubjectKind.NATURAL,
            Person(openid=known.openid, unionid=known.unionid),
        )
        return self._begin(subject, Provider.WECHAT, actor=None)

    def login_oidc(
        self, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> Grant:
        """A session for an OIDC code: a citizen, a company by its agent, or an officer.

        Raises Forbidden `officer_suspended`, Unauthenticated `company_code_wrong`.
        """
        claims = self.oidc.exchange(code, verifier, nonce, redirect_uri)
        kind = _kind(claims)
        company_code = _company_code(claims) if kind is SubjectKind.LEGAL else None
        person = self.subjects.enter(
            self.tenant,
            Login(Provider.OIDC, claims.sub),
            SubjectKind.NATURAL,
            _person(claims),
            claims.level,
        )
        if company_code is None:
            return self._begin(person, Provider.OIDC, actor=None)
        company = self.subjects.enter(
            self.tenant,
            Login(Provider.USCC, company_code),
            SubjectKind.LEGAL,
            Person(corp_name=claims.corp_name, corp_uscc=company_code),
            claims.level,
        )
        return self._begin(company, Provider.OIDC, actor=person.sub)

    def bind(
        self, session: Session, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> Subject:
        """Joins a citizen's session (from WeChat) with a person proven by OIDC.

        Raises Forbidden for companies and staff, Conflict `login_bound_elsewhere`.
        The next refresh of the session carries the new level.
        """
        if session.roles != {Role.CITIZEN}:
            raise _only_citizens()
        claims = self.oidc.exchange(code, verifier, nonce, redirect_uri)
        if _kind(claims) is not SubjectKind.NATURAL:
            raise _only_citizens()
        login = Login(Provider.OIDC, claims.sub)
        person = _person(claims)
        return self.subjects.bind(self.tenant, session.sub, login, person, claims.level)

    def refresh(self, refresh_token: str) -> Grant:
        """The next pair of tokens, with today's roles and level.

        The token used last gives the same refresh token again for ten seconds. Raises
        SessionRefused: unknown, expired, ended, or used before (which ends the
        session); Forbidden `officer_suspended`.
        """
        for _ in range(_ATTEMPTS):
            token, opened = self._live(refresh_token)
            session = self._session(opened)
            if bool(session.roles & STAFF) != opened.staff:
                raise SessionRefused("session_role_changed")
            # Signed before the old token is used up: a failure of KMS costs nothing.
            following = self._successor(refresh_token, opened.sid)
            grant = replace(self._grant(opened, session), refresh_token=following)
            if token.stage == "used":
                return grant  # its successor is kept already
            try:
                self._rotate(token, opened, following)
            except Rejected:
                continue  # another refresh or an end came first: look again
            return grant
        raise _busy()

    def end(self, session: Session) -> None:
        """Signs out: no refresh works from now on. Ending twice is no error."""
        self._end(session.session_id)

    def _begin(self, subject: Subject, via: Provider, actor: str | None) -> Grant:
        now = int(self.clock().timestamp())
        opened = _Opened(self.mint.opaque(), subject, via, actor, False, now, 1)
        session = self._session(opened)
        staff = bool(session.roles & STAFF)
        lifetime_seconds = (
            self.lifetimes.staff_seconds if staff else self.lifetimes.applicant_seconds
        )
        opened = replace(opened, staff=staff, expires_at_seconds=now + lifetime_seconds)
        grant = self._grant(opened, session)
        self.tables.transact(
            [
                Put(ANSWERS_TABLE, opened.row(self.tenant), Expect(absent=True)),
                self._kept(grant.refresh_token, opened),
            ]
        )
        return grant

    def _rotate(self, token: StoredRow, opened: _Opened, following: str) -> None:
        live = frozenset({"live"})
        used_at = times.to_text(self.clock())
        used = replace(
            token, data={**token.data, "used_at": used_at}, stage="used", version=2
        )
        next_row = replace(opened, version=opened.version + 1).row(self.tenant)
        self.tables.transact(
            [
                Put(ANSWERS_TABLE, used, Expect(stages=live)),
                self._kept(following, opened),
                Put(
                    ANSWERS_TABLE,
                    next_row,
                    Expect(version=opened.version, stages=live),
                ),
            ]
        )

    def _session(self, opened: _Opened) -> Session:
        """Roles as they are now. Raises Forbidden `officer_suspended`."""
        subject = opened.subject
        session = Session(
            sub=subject.sub,
            roles=frozenset({Role.CITIZEN}),
            session_id=opened.sid,
            level=subject.level,
            expires_at=self.issuer.expiry(self.clock()),
            actor=opened.actor,
        )
        if subject.kind is SubjectKind.LEGAL:
            return replace(session, roles=frozenset({Role.COMPANY}))
        if opened.via is not Provider.OIDC or not self.officers.find(
            self.tenant, subject.sub
        ):
            return session
        officer = self.officers.current(self.tenant, subject.sub)
        return replace(
            session,
            roles=officer.roles,
            organisation=officer.organisation,
            department=officer.department,
        )

    def _grant(self, opened: _Opened, session: Session) -> Grant:
        access_token = self.issuer.issue(session, self.clock(), self.mint.opaque())
        return Grant(
            session=session,
            kind=opened.subject.kind,
            access_token=access_token,
            refresh_token=self._new_refresh_token(),
            expires_in_seconds=self.issuer.lifetime_seconds,
        )

    def _live(self, refresh_token: str) -> tuple[StoredRow, _Opened]:
        """The token's row and its session, if both still hold.

        The row is live, or used so lately that the same successor is given again.
        """
        token = self.tables.get(ANSWERS_TABLE, self._token_key(refresh_token), "TOKEN")
        if token is None:
            raise SessionRefused("refresh_token_unknown")
        sid = str(token.data["sid"])
        if token.stage != "live" and not self._used_last(token, refresh_token):
            self._end(sid)
            raise SessionRefused("refresh_token_reused")
        row = self.tables.get(ANSWERS_TABLE, f"{self.tenant}#SESSION#{sid}", "SESSION")
        if row is None or row.stage != "live":
            raise SessionRefused("session_ended")
        expires_at_seconds = row.expires_at or 0
        # The database removes expired rows hours later: the time is checked here.
        if self.clock() >= datetime.fromtimestamp(expires_at_seconds, UTC):
            raise SessionRefused("session_expired")
        opened = _Opened(
            sid=sid,
            subject=self.subjects.get(self.tenant, str(row.data["sub"])),
            via=Provider(row.data["via"]),
            actor=row.data["actor"],
            staff=row.data["staff"],
            expires_at_seconds=expires_at_seconds,
            version=row.version or 0,
        )
        return token, opened

    def _used_last(self, token: StoredRow, refresh_token: str) -> bool:
        """Whether a used token was used under ten seconds ago, and none after it."""
        used_at = token.data.get("used_at")
        if used_at is None:  # used by a version that kept no time
            return False
        if self.clock() >= times.from_text(used_at) + _SAME_SUCCESSOR_FOR:
            return False
        following = self._successor(refresh_token, str(token.data["sid"]))
        row = self.tables.get(ANSWERS_TABLE, self._token_key(following), "TOKEN")
        return row is not None and row.stage == "live"

    def _end(self, sid: str) -> None:
        for _ in range(_ATTEMPTS):
            pk = f"{self.tenant}#SESSION#{sid}"
            row = self.tables.get(ANSWERS_TABLE, pk, "SESSION")
            if row is None or row.stage == "ended":
                return
            ended = replace(row, stage="ended", version=(row.version or 0) + 1)
            try:
                self.tables.transact(
                    [Put(ANSWERS_TABLE, ended, Expect(version=row.version))]
                )
            except Rejected:
                continue  # a refresh came between: end what it left
            return
        raise _busy()

    def _kept(self, refresh_token: str, opened: _Opened) -> Put:
        row = StoredRow(
            self._token_key(refresh_token),
            "TOKEN",
            {"sid": opened.sid},
            version=1,
            stage="live",
            expires_at=opened.expires_at_seconds,
        )
        return Put(ANSWERS_TABLE, row, Expect(absent=True))

    def _new_refresh_token(self) -> str:
        return _as_text(self.mint.random_bytes(_TOKEN_BYTES))

    def _successor(self, refresh_token: str, sid: str) -> str:
        """The token after this one: as hard to guess, and the same at each asking."""
        # The same key hashes logins, which begin with the name of a provider.
        content = f"refresh_successor:{sid}:{refresh_token}".encode()
        return _as_text(hmac.digest(self.subjects.hash_key, content, "sha256"))

    def _token_key(self, refresh_token: str) -> str:
        # 256 secret bits cannot be guessed from a plain hash: no key is needed here.
        hashed = hashlib.sha256(refresh_token.encode()).hexdigest()
        return f"{self.tenant}#REFRESH#{hashed}"


def _as_text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _person(claims: Claims) -> Person:
    return Person(name=claims.name, id_type=claims.id_type, id_no=claims.id_no)


def _company_code(claims: Claims) -> str:
    if claims.corp_uscc is None or not is_uscc(claims.corp_uscc):
        raise Unauthenticated(
            "company_code_wrong",
            "统一身份认证没有给出有效的统一社会信用代码。",
            "The identity provider gave no valid unified social credit code.",
        )
    return claims.corp_uscc


def _kind(claims: Claims) -> SubjectKind:
    try:
        return SubjectKind(claims.kind)
    except ValueError as error:
        raise Unauthenticated(
            "subject_kind_unknown",
            "统一身份认证没有说明是个人还是企业。",
            "The identity provider did not say whether this is a person or a company.",
        ) from error


def _busy() -> Unavailable:
    return Unavailable(
        "session_busy",
        "请求过多，请稍后再试。",
        "Too many requests at once; please try again shortly.",
    )


def _only_citizens() -> Forbidden:
    return Forbidden(
        "bind_only_citizens",
        "只有个人用户可以绑定统一身份认证账号。",
        "Only natural persons can bind their account.",
    )

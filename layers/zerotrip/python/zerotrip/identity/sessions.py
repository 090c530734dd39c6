"""From a login to a session, and on from refresh token to refresh token.

Table `answers`; a refresh token is 32 bytes of which only the hash is kept.

    T#SESSION#{sid}    SESSION    live | ended    {sub, via, actor, power, staff, …}
    T#REFRESH#{hash}   TOKEN      live | used     {sid, used_at}
    T#WINDOW#{code}    WINDOW                     {sub}, for 15 minutes

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
    Level,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SessionRefused,
    Subject,
    SubjectKind,
)
from zerotrip.identity.officers import Officers
from zerotrip.identity.persons import PersonNow
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import (
    USUAL_TERM,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
    narrowed,
    power_ended,
    subject_ended,
    why_ended,
)
from zerotrip.identity.store import Subjects
from zerotrip.identity.tokens import TokenIssuer
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Forbidden, Unauthenticated, Unavailable
from zerotrip.kernel.identifiers import Mint, is_uscc
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables

if TYPE_CHECKING:
    from zerotrip.identity.clients.oidc import Claims, CompanyClaims
    from zerotrip.identity.clients.wechat_mini_program import WeChatLogin

ANSWERS_TABLE = "answers"
FRESH_SECONDS = 600
"""How long a sign-in counts as a fresh proof of that login."""
WINDOW_SECONDS = 900
"""How long a code is good that is shown to an officer at a window."""
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
    power: str | None
    staff: bool
    signed_in_at_seconds: int
    expires_at_seconds: int
    version: int

    def row(self, tenant: str) -> StoredRow:
        data = {
            "sub": self.subject.sub,
            "via": self.via,
            "actor": self.actor,
            "power": self.power,
            "staff": self.staff,
            "signed_in_at": self.signed_in_at_seconds,
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
        return self._begin(subject, Provider.WECHAT)

    def login_oidc(
        self, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> Grant:
        """A session for an OIDC code: a citizen, a company by its agent, or an officer.

        Raises Forbidden `officer_suspended`, `identity_conflict`, as `subject_ended`
        and `powers.power_ended` do, Unauthenticated `company_code_wrong`.
        """
        claims = self.oidc.exchange(code, verifier, nonce, redirect_uri)
        kind = _kind(claims)
        if kind is SubjectKind.LEGAL:
            _require_company_code(claims)
        person = self._enter(claims)
        if kind is SubjectKind.NATURAL or claims.company is None:
            return self._begin(person, Provider.OIDC)
        company = self._enter_company(claims, claims.company)
        if company.ended is not None:
            raise subject_ended(company.ended)
        power = self._by_word(company, person, claims, claims.company)
        return self._begin(company, Provider.OIDC, power, actor=person.sub)

    def begin_for(self, session: Session, power: Power) -> Grant:
        """A further session in which an agent acts under a power that holds.

        Raises Forbidden as `powers.power_ended` does.
        """
        person = self.subjects.persons.of(self.tenant, power.principal)
        principal = person.principal
        reason = why_ended(power, principal, self.clock())
        if reason is not None:
            raise power_ended(reason)
        return self._begin(principal, self._via(session), power, actor=session.sub)

    def bindings(self, session: Session) -> PersonNow:
        """All logins of the person who is signed in."""
        person = self.subjects.persons.of(self.tenant, session.actor or session.sub)
        if person.asked.former:
            raise SessionRefused("login_removed")
        return person

    def bind_wechat(self, session: Session, code: str) -> PersonNow:
        """Makes a WeChat login one of the person who signed in just now.

        Raises as `bind_oidc` does.
        """
        self.require_fresh(session)
        known = self.wechat.exchange(code)
        other = self.subjects.enter(
            self.tenant,
            Login(Provider.WECHAT, known.openid),
            SubjectKind.NATURAL,
            Person(openid=known.openid, unionid=known.unionid),
        )
        return self.subjects.join(self.tenant, session.sub, other.sub)

    def bind_oidc(
        self, session: Session, code: str, verifier: str, nonce: str, redirect_uri: str
    ) -> PersonNow:
        """Makes a login at the identity provider one of the person who signed in.

        Raises Forbidden `bind_only_persons`, `proof_not_fresh`,
        `identity_level_too_low`, Conflict `login_bound_elsewhere`, `too_many_logins`.
        Nothing is moved; the next request of either login sees what both have.
        """
        self.require_fresh(session)
        claims = self.oidc.exchange(code, verifier, nonce, redirect_uri)
        if _kind(claims) is not SubjectKind.NATURAL:
            raise only_oneself()
        other = self._enter(claims)
        return self.subjects.join(self.tenant, session.sub, other.sub)

    def unbind(self, session: Session, login: str) -> None:
        """Takes a login away from its person; what it began stays theirs.

        Raises Forbidden `proof_not_fresh`, Conflict `last_login`,
        `officer_login_stays`, NotFound `binding_unknown`.
        """
        self.require_fresh(session)
        # Of somebody else's login nobody learns whether it is an officer's.
        own = {each.sub for each in self.bindings(session).live}
        if login in own and self.officers.find(self.tenant, login) is not None:
            raise Conflict(
                "officer_login_stays",
                "这是您的工作人员登录方式，不能自行解除，请联系管理员。",
                "This is your login as an officer: ask your administrator.",
            )
        self.subjects.remove(self.tenant, session.sub, login)

    def window_code(self, session: Session) -> tuple[str, datetime]:
        """A code to be shown to an officer, and until when it is good."""
        until = self.clock() + timedelta(seconds=WINDOW_SECONDS)
        for _ in range(_ATTEMPTS):
            code = self.mint.readable()
            row = StoredRow(
                window_key(self.tenant, code),
                "WINDOW",
                {"sub": session.sub},
                version=1,
                stage="live",
                expires_at=int(until.timestamp()),
            )
            try:
                self.tables.transact([Put(ANSWERS_TABLE, row, Expect(absent=True))])
            except Rejected:
                continue  # another's code: draw again
            return code, until
        raise _busy()

    def require_fresh(self, session: Session) -> None:
        """Raises Forbidden `proof_not_fresh`, and `bind_only_persons` for agents."""
        if session.actor is not None:
            raise only_oneself()
        self.bindings(session)
        pk = f"{self.tenant}#SESSION#{session.session_id}"
        row = self.tables.get(ANSWERS_TABLE, pk, "SESSION")
        # The access token of a session that was signed out proves nothing any more.
        live = row is not None and row.stage == "live"
        since = int(row.data["signed_in_at"]) if row is not None and live else 0
        if self.clock().timestamp() - since > FRESH_SECONDS:
            raise Forbidden(
                "proof_not_fresh",
                "为保障账号安全，请先重新登录，并在10分钟内完成本操作。",
                "To keep your account safe, sign in again first and do this within ten "
                "minutes.",
            )

    def _enter(self, claims: Claims) -> Subject:
        """Who signed in, and for whom a guardian acted until now, are one person."""
        person = self.subjects.enter(
            self.tenant,
            Login(Provider.OIDC, claims.sub),
            SubjectKind.NATURAL,
            _person(claims),
            level=claims.level,
        )
        if person.level.reaches(Level.PRESENT):
            known = self.subjects.find(
                self.tenant, Login(Provider.DOCUMENT, claims.id_no)
            )
            if known is not None and known not in person.members:
                return self.subjects.join(self.tenant, person.sub, known).asked
        return person

    def _enter_company(self, claims: Claims, company: CompanyClaims) -> Subject:
        said: dict[str, Any] = {"company": company.kind}
        if company.representative_no is not None:
            said["representative"] = self.subjects.number_mark(
                company.representative_no
            )
        if company.status == "deregistered":
            said["ended"] = company.status
        return self.subjects.enter(
            self.tenant,
            Login(Provider.USCC, company.uscc),
            SubjectKind.LEGAL,
            Person(
                corp_name=company.name,
                corp_uscc=company.uscc,
                corp_representative=company.representative,
            ),
            level=claims.level,
            facts=said,
        )

    def _by_word(
        self, company: Subject, person: Subject, claims: Claims, said: CompanyClaims
    ) -> Power:
        """The power that the provider's word gives at a sign-in, new or renewed.

        One that was revoked here stays so: the principal gives another.
        """
        now = self.clock()
        source = PowerSource(said.source)
        if (
            said.role == Office.REPRESENTATIVE
            and company.register
            and company.representative != person.number
        ):
            raise power_ended("representative_changed")
        powers = Powers(self.tables, self.tenant)
        wanted = Power(
            id=self.mint.opaque(),
            principal=company.sub,
            agent=person.sub,
            office=_office(said, claims),
            acts=narrowed(said.powers),
            scope=Scope(),
            items=said.items,
            source=source,
            starts_at=now,
            ends_at=said.until or now + USUAL_TERM,
            state=PowerState.ACCEPTED,
            representative=company.representative,
            accepted_at=now,
        )
        held = [
            each
            for each in powers.held_by(frozenset({person.sub}))
            if each.principal == company.sub and each.source is source
        ]
        if not held:
            made = powers.add(wanted)
        elif held[0].state is PowerState.REVOKED:
            made = self._given_since(powers, company, person)
        else:
            made = powers.change(
                held[0].id, lambda before: _renewed(before, wanted, now)
            )
        reason = why_ended(made, company, now)
        if reason is not None:
            raise power_ended(reason)
        return made

    def _given_since(self, powers: Powers, company: Subject, person: Subject) -> Power:
        """Another power for that company, where the provider's word was revoked."""
        subs = self.subjects.persons.of(self.tenant, person.sub).subs
        for power in powers.held_by(subs):
            if power.principal == company.sub and (
                why_ended(power, company, self.clock()) is None
            ):
                return power
        raise power_ended("revoked")

    def _via(self, session: Session) -> Provider:
        pk = f"{self.tenant}#SESSION#{session.session_id}"
        row = self.tables.get(ANSWERS_TABLE, pk, "SESSION")
        if row is None:
            raise SessionRefused("session_ended")
        return Provider(row.data["via"])

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

    def _begin(
        self,
        subject: Subject,
        via: Provider,
        power: Power | None = None,
        actor: str | None = None,
    ) -> Grant:
        now = int(self.clock().timestamp())
        opened = _Opened(
            sid=self.mint.opaque(),
            subject=subject,
            via=via,
            actor=actor,
            power=None if power is None else power.id,
            staff=False,
            signed_in_at_seconds=now,
            expires_at_seconds=now,
            version=1,
        )
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
        """Roles as they are now. Raises Forbidden `officer_suspended`.

        Raises SessionRefused `login_removed`, Forbidden those of `subject_ended`.
        """
        subject = opened.subject
        person = self.subjects.persons.of(self.tenant, opened.actor or subject.sub)
        if person.asked.former:
            raise SessionRefused("login_removed")
        if person.ended is not None:
            raise subject_ended(person.ended)
        session = Session(
            sub=subject.sub,
            roles=frozenset({Role.CITIZEN}),
            session_id=opened.sid,
            level=person.level,
            expires_at=self.issuer.expiry(self.clock()),
            actor=opened.actor,
            power=opened.power,
        )
        if subject.kind is SubjectKind.LEGAL:
            return replace(session, roles=frozenset({Role.COMPANY}))
        # Who acts for an officer in a private matter is no officer.
        if (
            opened.actor is not None
            or opened.via is not Provider.OIDC
            or not self.officers.find(self.tenant, subject.sub)
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
            power=row.data["power"],
            staff=row.data["staff"],
            signed_in_at_seconds=int(row.data["signed_in_at"]),
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


def window_key(tenant: str, code: str) -> str:
    """Partition key of a code that is shown at a window."""
    return f"{tenant}#WINDOW#{code}"


def _renewed(before: Power, wanted: Power, now: datetime) -> Power:
    """The power as the provider says it now; the same where nothing changed.

    A term without an end of its own is begun again when half of it is over, so that
    most sign-ins write nothing.
    """
    fixed = replace(
        wanted, id=before.id, version=before.version, accepted_at=before.accepted_at
    )
    alike = replace(fixed, starts_at=before.starts_at, ends_at=before.ends_at)
    lasts = before.ends_at - now > USUAL_TERM / 2
    ends_alike = before.ends_at == wanted.ends_at
    return before if alike == before and (lasts or ends_alike) else fixed


def _office(said: CompanyClaims, claims: Claims) -> Office:
    """As what somebody acts; nobody is a representative by another's number."""
    office = Office(said.role)
    if office is Office.REPRESENTATIVE and said.representative_no not in (
        None,
        claims.id_no,
    ):
        return Office.AGENT
    return office


def _person(claims: Claims) -> Person:
    return Person(
        name=claims.name,
        id_type=claims.id_type,
        id_no=claims.id_no,
        telephone=claims.telephone,
    )


def _require_company_code(claims: Claims) -> None:
    if claims.company is None or not is_uscc(claims.company.uscc):
        raise Unauthenticated(
            "company_code_wrong",
            "未取得有效的统一社会信用代码，请核对企业账号。",
            "The identity provider gave no valid unified social credit code.",
        )


def _kind(claims: Claims) -> SubjectKind:
    try:
        return SubjectKind(claims.kind)
    except ValueError as error:
        raise Unauthenticated(
            "subject_kind_unknown",
            "未能识别该账号属于个人还是法人，请重新登录。",
            "The identity provider did not say whether this is a person or a company.",
        ) from error


def _busy() -> Unavailable:
    return Unavailable(
        "session_busy",
        "请求过多，请稍后再试。",
        "Too many requests at once; please try again shortly.",
    )


def only_oneself() -> Forbidden:
    """An agent's session manages no logins."""
    return Forbidden(
        "bind_only_persons",
        "请以本人身份登录后再管理登录方式，代办时不能操作。",
        "Sign in as yourself to manage your logins: an agent's session cannot.",
    )

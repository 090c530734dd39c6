"""People, companies, officers and their sessions. Pure.

A person is known by `sub`, an opaque internal id. Names and numbers of documents are
in `Person`, which is stored sealed and opened only where a step needs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self

from zerotrip.kernel.errors import Fault, Invalid, Unauthenticated


class Level(StrEnum):
    """How well an identity is proven, lowest first.

    Providers number their levels differently; their settings map them to these words
    (Guangdong's published scale: 2, 3, 4, 5).
    """

    DECLARED = "declared"  # an account; what its owner says was not checked
    MATCHED = "matched"  # name and number belong together in the state's register
    PRESENT = "present"  # and a living person showed that they are his
    STRONG = "strong"  # a certificate, or seen at a window by an officer who is named

    def reaches(self, wanted: Level) -> bool:
        """Whether this level is enough where `wanted` is asked for."""
        order = list(Level)
        return order.index(self) >= order.index(wanted)


class Role(StrEnum):
    """What a session may act as."""

    CITIZEN = "citizen"
    COMPANY = "company"
    OFFICER = "officer"
    APPROVER = "approver"
    AUDITOR = "auditor"
    EDITOR = "editor"
    STAFFING_REVIEWER = "staffing_reviewer"
    LEGAL_REVIEWER = "legal_reviewer"


APPLICANTS = frozenset({Role.CITIZEN, Role.COMPANY})
STAFF = frozenset(Role) - APPLICANTS


class SubjectKind(StrEnum):
    """Natural person, or legal person (a company)."""

    NATURAL = "natural"
    LEGAL = "legal"


class CompanyKind(StrEnum):
    """What a legal subject is: a sole trader (个体工商户) acts by its operator."""

    COMPANY = "company"
    SOLE_TRADER = "sole_trader"
    BRANCH = "branch"


class Provider(StrEnum):
    """Who vouched for a login; part of what the keyed hash covers.

    `uscc` and `document` are no logins of anybody: a company, and a person for whom
    a guardian acts, are found by their numbers.
    """

    WECHAT = "wechat"
    OIDC = "oidc"
    USCC = "uscc"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Login:
    """One way in: a provider and who it says this is. Stored as a keyed hash only."""

    provider: Provider
    identity: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """What providers told us of a subject; sealed at rest, never logged."""

    name: str | None = field(default=None, repr=False)
    id_type: str | None = field(default=None, repr=False)
    id_no: str | None = field(default=None, repr=False)
    telephone: str | None = field(default=None, repr=False)
    corp_name: str | None = field(default=None, repr=False)
    corp_uscc: str | None = field(default=None, repr=False)
    corp_representative: str | None = field(default=None, repr=False)
    openid: str | None = field(default=None, repr=False)
    unionid: str | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, str]:
        """The known fields only."""
        every = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in every.items() if value is not None}

    def updated(self, newer: Person) -> Person:
        """What `newer` knows replaces what was known; the rest stays."""
        return Person(**(self.as_json() | newer.as_json()))


@dataclass(frozen=True, slots=True)
class Proven:
    """An applicant as the state knows them: what a form must say. Never logged.

    `id_type` is GA/T 2000.156's code or `USCC`; `representative` is the name of a
    company's legal representative, person in charge or operator.
    """

    kind: SubjectKind
    id_type: str
    number: str = field(repr=False)
    name: str = field(repr=False)
    telephone: str | None = field(default=None, repr=False)
    representative: str | None = field(default=None, repr=False)
    company: CompanyKind | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a login leads to, as stored.

    `subs` are all logins of the same person (empty: this one alone). `number` is the
    keyed hash of the proven number or USCC, `named` that of a person's name,
    `representative` that of a company's representative. `register`: a register's own
    word said who that is, and no sign-in says otherwise. `ended` says why a principal
    is no more (`deceased`, `deregistered`); a `former` login leads here no longer.
    """

    tenant: str
    sub: str
    kind: SubjectKind
    level: Level
    subs: tuple[str, ...] = ()
    number: str | None = None
    named: str | None = None
    representative: str | None = None
    register: bool = False
    company: CompanyKind | None = None
    ended: str | None = None
    former: bool = False
    via: Provider | None = None
    seen_by: str | None = None

    @property
    def members(self) -> tuple[str, ...]:
        """Every `sub` of the person, this one among them."""
        return self.subs or (self.sub,)


@dataclass(frozen=True, slots=True)
class Organisation:
    """A public body: `uscc` names it everywhere. Public information."""

    uscc: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Officer:
    """A member of staff: where they work, what they may do, whether they still may."""

    sub: str
    organisation: str
    department: str
    roles: frozenset[Role]
    suspended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """Who calls, as handlers see it.

    `organisation` and `department` are empty for applicants; `actor` is the `sub` of
    who acts for `sub` under `power`, both None where they act for themselves; `level`
    is that of the time of issue; `expires_at` is the access token's.
    """

    sub: str
    roles: frozenset[Role]
    session_id: str
    level: Level
    expires_at: datetime
    organisation: str = ""
    department: str = ""
    actor: str | None = None
    power: str | None = None

    def as_context(self) -> dict[str, str]:
        """The authoriser's context: strings only, as API Gateway demands."""
        return {
            "sub": self.sub,
            "roles": " ".join(sorted(self.roles)),
            "organisation": self.organisation,
            "department": self.department,
            "sid": self.session_id,
            "level": self.level,
            "actor": self.actor or "",
            "power": self.power or "",
            "expires_at": str(int(self.expires_at.timestamp())),
        }

    @classmethod
    def from_context(cls, context: Mapping[str, object]) -> Self:
        """Reads `requestContext.authorizer`. Raises SessionRefused when it is none."""
        try:
            return cls(
                sub=str(context["sub"]),
                roles=frozenset(Role(role) for role in str(context["roles"]).split()),
                session_id=str(context["sid"]),
                level=Level(str(context["level"])),
                expires_at=datetime.fromtimestamp(int(str(context["expires_at"])), UTC),
                organisation=str(context.get("organisation", "")),
                department=str(context.get("department", "")),
                actor=str(context.get("actor", "")) or None,
                power=str(context.get("power", "")) or None,
            )
        except (KeyError, ValueError) as error:
            raise SessionRefused("session_missing") from error


class SessionRefused(Unauthenticated):
    """A token that does not hold. Outside all look alike; `reason` is for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "session_refused",
            "登录已失效，请重新登录。",
            "Your session does not hold; please sign in again.",
        )
        self.reason = reason


def staff_role_faults(roles: frozenset[Role]) -> tuple[Fault, ...]:
    """What is wrong with the roles that an officer is to get; empty when nothing is."""
    faults = []
    if not roles or roles - STAFF:
        faults.append(
            Fault(
                "/roles",
                "staff_roles_wrong",
                "工作人员角色只能是 officer、approver、auditor。",
                "Staff roles are officer, approver and auditor, at least one.",
            )
        )
    if Role.AUDITOR in roles and len(roles) > 1:
        # GB/T 22239 8.1.4: who audits must not be who acts.
        faults.append(
            Fault(
                "/roles",
                "auditor_not_alone",
                "审计员不得兼任其他角色。",
                "An auditor holds no other role.",
            )
        )
    return tuple(faults)


def refuse_faults(faults: tuple[Fault, ...]) -> None:
    """Raises Invalid `registration_invalid` with all the faults, if there are any."""
    if faults:
        raise Invalid(
            "registration_invalid",
            "登记信息有误，请逐项更正。",
            "The registration is wrong; please correct each point.",
            faults=faults,
        )

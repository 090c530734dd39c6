"""Powers of agents: who may act for whom, in what, from when until when. Pure.

Civil Code 161-175: an authorisation names the agent, the matter, the powers and the
term. A company always acts through somebody; a minor acts through a guardian.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from zerotrip.identity.model import Level, Role, Subject, SubjectKind
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Fault, Forbidden, Invalid
from zerotrip.kernel.identifiers import birth_date_of

USUAL_TERM = timedelta(days=30)
LONGEST_TERM = timedelta(days=365)
OFFER_STANDS = timedelta(days=7)
"""How long an offered power may be accepted."""


class Act(StrEnum):
    """What an agent may do for the principal."""

    APPLY = "apply"  # draft, upload, hand in, correct, withdraw
    PAY = "pay"
    RECEIVE = "receive"  # notices, licences and their files


EVERY_ACT = frozenset(Act)


class PowerSource(StrEnum):
    """Whose word a power rests on."""

    PROVIDER = "provider"  # the identity provider, at each sign-in
    E_BUSINESS_LICENCE = "e_business_licence"  # 电子营业执照
    CONSENT = "consent"  # the principal's own, in the platform; the agent accepts it
    GUARDIAN = "guardian"  # an officer saw the papers at a window


class Office(StrEnum):
    """As what somebody acts for the principal."""

    REPRESENTATIVE = "representative"  # 法定代表人、负责人、经营者: no agent
    MANAGER = "manager"  # 证照管理员
    AGENT = "agent"
    GUARDIAN = "guardian"


class PowerState(StrEnum):
    """How far a power has come."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


OFFICE_WORDS: Mapping[Office, tuple[str, str]] = {
    Office.REPRESENTATIVE: ("法定代表人（负责人、经营者）", "legal representative"),
    Office.MANAGER: ("证照管理员", "licence manager"),
    Office.AGENT: ("代理人", "agent"),
    Office.GUARDIAN: ("监护人", "guardian"),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a power is for: everything, one item, or one case."""

    item: str | None = None
    case_no: str | None = None

    @property
    def everything(self) -> bool:
        """Whether it is bound to nothing."""
        return self.item is None and self.case_no is None

    def covers(self, item: str, case_no: str | None) -> bool:
        """Whether something of that item, and of that case if it is one, is meant."""
        if self.case_no is not None:
            return self.case_no == case_no
        return self.item in (None, item)


@dataclass(frozen=True, slots=True)
class Power:
    """A relation between a principal and an agent, by their `sub`s.

    `items` limits a provider's word to some items (None: all). `representative` is the
    keyed hash of the company's representative when it was given. `agent` is None while
    it is offered to a number that may belong to nobody here; `offered_to` is the keyed
    hash of that number and name. Times are UTC.
    """

    id: str
    principal: str
    agent: str | None
    office: Office
    acts: frozenset[Act]
    scope: Scope
    source: PowerSource
    starts_at: datetime
    ends_at: datetime
    state: PowerState
    items: tuple[str, ...] | None = None
    representative: str | None = None
    offered_to: str | None = None
    offered_at: datetime | None = None
    accepted_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    recorded_by: str | None = None
    version: int = 0

    @property
    def offer_ends_at(self) -> datetime:
        """Until when it may be accepted."""
        return (self.offered_at or self.starts_at) + OFFER_STANDS

    @property
    def is_own(self) -> bool:
        """Whether it is the company's own act: its representative's."""
        return self.office is Office.REPRESENTATIVE

    @property
    def is_agent(self) -> bool:
        """Whether it makes an agent, which an item may forbid."""
        return self.office in (Office.AGENT, Office.MANAGER)

    def covers(self, item: str, case_no: str | None) -> bool:
        """Whether it reaches a draft of that item, or that case."""
        named = self.items is None or item in self.items
        return named and self.scope.covers(item, case_no)

    def as_data(self) -> dict[str, Any]:
        """The body of its row."""
        return {
            "principal": self.principal,
            "agent": self.agent,
            "office": self.office,
            "acts": sorted(self.acts),
            "item": self.scope.item,
            "case_no": self.scope.case_no,
            "items": None if self.items is None else list(self.items),
            "source": self.source,
            "starts_at": times.to_text(self.starts_at),
            "ends_at": times.to_text(self.ends_at),
            "state": self.state,
            "representative": self.representative,
            "offered_to": self.offered_to,
            "offered_at": _text(self.offered_at),
            "accepted_at": _text(self.accepted_at),
            "revoked_at": _text(self.revoked_at),
            "revoked_by": self.revoked_by,
            "recorded_by": self.recorded_by,
        }

    @classmethod
    def from_data(cls, id: str, data: Mapping[str, Any], version: int) -> Power:
        """Reads the body of its row."""
        items = data["items"]
        return cls(
            id=id,
            principal=data["principal"],
            agent=data["agent"],
            office=Office(data["office"]),
            acts=frozenset(Act(each) for each in data["acts"]),
            scope=Scope(data["item"], data["case_no"]),
            items=None if items is None else tuple(items),
            source=PowerSource(data["source"]),
            starts_at=times.from_text(data["starts_at"]),
            ends_at=times.from_text(data["ends_at"]),
            state=PowerState(data["state"]),
            representative=data["representative"],
            offered_to=data["offered_to"],
            offered_at=_time(data.get("offered_at")),
            accepted_at=_time(data["accepted_at"]),
            revoked_at=_time(data["revoked_at"]),
            revoked_by=data["revoked_by"],
            recorded_by=data["recorded_by"],
            version=version,
        )


def why_ended(power: Power, principal: Subject, now: datetime) -> str | None:
    """A code for why the power does not hold at that time; None where it does.

    `offered`, `revoked`, `not_begun`, `ended`, `representative_changed`,
    `principal_deceased`, `principal_deregistered`.
    """
    if principal.ended is not None:
        return f"principal_{principal.ended}"
    if power.state is not PowerState.ACCEPTED:
        return str(power.state)
    if now < power.starts_at:
        return "not_begun"
    if now >= power.ends_at:
        return "ended"
    known = (power.representative, principal.representative)
    if None not in known and known[0] != known[1]:
        # Whoever the former representative let act was let act by nobody since.
        return "representative_changed"
    return None


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts, and for whom, as registered at this moment.

    `sub` owns what is begun now, `subs` are all logins of that principal, whose things
    may be reached. `level` is of the person who acts; `login` is that person's own
    `sub`, with `logins` beside it; `power` is None where they act for themselves.
    `seen_by` is the officer who saw that person at a window, where one did.
    """

    sub: str
    subs: frozenset[str]
    roles: frozenset[Role]
    level: Level
    login: str
    logins: tuple[str, ...] = ()
    power: Power | None = None
    seen_by: str | None = None

    @property
    def actor(self) -> str:
        """Whose act it is: what an event names."""
        return self.login if self.power is not None else self.sub

    @property
    def for_another(self) -> bool:
        """Whether an agent or guardian acts, not the person or company itself."""
        return self.power is not None and not self.power.is_own

    @property
    def on_behalf(self) -> dict[str, str] | None:
        """For whom, as events say it; None where nobody is represented."""
        if self.power is None:
            return None
        return {
            "principal": self.sub,
            "power": self.power.id,
            "office": str(self.power.office),
        }

    def require(self, act: Act | None) -> None:
        """Raises Forbidden `power_missing` where the power does not allow the act."""
        if self.power is None or act is None or act in self.power.acts:
            return
        raise Forbidden(
            "power_missing",
            "您的授权不包括此项操作，请由委托人办理，或者请委托人另行授权。",
            "Your authorisation does not include this: the principal may do it, or "
            "authorise you to.",
            detail={"act": act},
        )

    def reaches(self, sub: str, item: str, case_no: str | None = None) -> bool:
        """Whether that owner's draft or case of an item is within reach."""
        if sub not in self.subs:
            return False
        return self.power is None or self.power.covers(item, case_no)

    def has_all_of(self, sub: str) -> bool:
        """Whether all that this owner has is within reach, whatever it is about."""
        power = self.power
        whole = power is None or (power.scope.everything and power.items is None)
        return sub in self.subs and whole


def alone(sub: str, *roles: Role, level: Level = Level.PRESENT) -> Acting:
    """Somebody with one login who acts for themselves."""
    return Acting(sub, frozenset({sub}), frozenset(roles), level, sub, (sub,))


def power_ended(reason: str) -> Forbidden:
    """The relation under which somebody acts does not hold; as `why_ended` says it."""
    kind, code, zh, en = _ENDED[reason]
    return kind(code, zh, en)


_ENDED: Mapping[str, tuple[type[Forbidden], str, str, str]] = {
    "offered": (
        Forbidden,
        "power_not_accepted",
        "该委托尚未被接受，请先接受委托。",
        "This authorisation was not accepted yet: accept it first.",
    ),
    "revoked": (
        Forbidden,
        "power_revoked",
        "委托已被撤销，您不能再代为办理；需要继续代办的，请委托人（单位由法定代表人、"
        "负责人或者经营者）在本平台重新授权，您接受后即可办理。",
        "The authorisation was revoked. To go on, the principal, or a company's "
        "representative, gives another one here, and you accept it.",
    ),
    "not_begun": (
        Forbidden,
        "power_not_begun",
        "委托期限尚未开始，请在授权期限内办理。",
        "The authorisation has not begun yet: please come back within its term.",
    ),
    "ended": (
        Forbidden,
        "power_expired",
        "委托期限已届满，请由委托人重新授权。",
        "The authorisation has ended; the principal may give another one.",
    ),
    "representative_changed": (
        Forbidden,
        "representative_changed",
        "登记机关已变更该单位的法定代表人（负责人、经营者），原授权终止，请由现任重新授权。",
        "The register names another representative, so that this authorisation has "
        "ended; the present one may give another.",
    ),
    "principal_deceased": (
        Forbidden,
        "principal_deceased",
        "登记信息显示委托人已去世，委托关系终止，请到政务服务窗口咨询。",
        "The register says that the principal has died, so that the authorisation has "
        "ended; please ask at a service counter.",
    ),
    "principal_deregistered": (
        Forbidden,
        "principal_deregistered",
        "登记信息显示该单位已注销，不能再以其名义办理。",
        "The register says that this body was deregistered: nobody acts in its name.",
    ),
}


def subject_ended(reason: str) -> Forbidden:
    """A register says that this person has died, or this body was deregistered."""
    kind, code, zh, en = _SUBJECT_ENDED[reason]
    return kind(code, zh, en)


_SUBJECT_ENDED: Mapping[str, tuple[type[Forbidden], str, str, str]] = {
    "deceased": (
        Forbidden,
        "subject_deceased",
        "户籍登记信息显示该账号的本人已去世，账号已停用；信息有误的，"
        "请本人持有效证件到政务服务窗口更正。",
        "By the population register the holder of this account has died, so that it is "
        "closed. If that is wrong, a service counter corrects it.",
    ),
    "deregistered": (
        Forbidden,
        "subject_deregistered",
        "登记信息显示该单位已注销，不能再以其名义办理；您仍可以本人身份登录办理个人事项。"
        "信息有误的，请向登记机关更正。",
        "By the register this body was deregistered: nobody acts in its name. You may "
        "still sign in as yourself. If that is wrong, the register corrects it.",
    ),
}


def narrowed(acts: Iterable[str]) -> frozenset[Act]:
    """`all`, or the acts that are named. Raises Invalid for none."""
    named = set(acts)
    if "all" in named:
        return EVERY_ACT
    if not named or named - set(Act):
        raise Invalid(
            "power_invalid",
            "授权内容有误，请逐项更正。",
            "The authorisation is wrong: please correct each point.",
            faults=(
                Fault(
                    "/acts",
                    "acts_wrong",
                    "请选择授权事项：申请、缴费、领取，或者全部。",
                    "Choose what is allowed: apply, pay, receive, or all.",
                ),
            ),
        )
    return frozenset(Act(each) for each in named)


def term(
    starts_at: datetime | None, ends_at: datetime | None, now: datetime
) -> tuple[datetime, datetime]:
    """From when until when; 30 days where no end is named. Raises Invalid."""
    begin = now if starts_at is None else max(starts_at, now)
    end = begin + USUAL_TERM if ends_at is None else ends_at
    if begin < end <= begin + LONGEST_TERM:
        return begin, end
    raise Invalid(
        "power_invalid",
        "授权内容有误，请逐项更正。",
        "The authorisation is wrong: please correct each point.",
        faults=(
            Fault(
                "/ends_at",
                "term_wrong",
                "授权期限须晚于开始时间和当前时间，且不超过365天。",
                "The term ends after it begins and after now, 365 days at the most.",
            ),
        ),
    )


def accepted(power: Power, agent: str, now: datetime) -> Power:
    """The power after its agent took it. Raises Conflict `power_not_offered`."""
    if power.state is PowerState.ACCEPTED and power.agent == agent:
        return power
    if power.state is not PowerState.OFFERED or now >= power.offer_ends_at:
        raise power_not_offered()
    return replace(power, agent=agent, state=PowerState.ACCEPTED, accepted_at=now)


def revoked(power: Power, by: str, now: datetime) -> Power:
    """The power after somebody ended it; one that was revoked stays as it is."""
    if power.state is PowerState.REVOKED:
        return power
    return replace(power, state=PowerState.REVOKED, revoked_at=now, revoked_by=by)


def power_not_offered() -> Conflict:
    """It cannot be accepted: taken back, too old, or somebody's already."""
    return Conflict(
        "power_not_offered",
        "该委托已撤回或者已过期，请委托人重新发起。",
        "This authorisation was taken back or is too old; the principal may offer it "
        "again.",
    )


def may_give(principal: Subject, acting: Acting) -> bool:
    """Whether who acts may let others act: oneself, or a company's representative."""
    if principal.kind is SubjectKind.NATURAL:
        return acting.power is None
    return acting.power is not None and acting.power.office is Office.REPRESENTATIVE


def age_on(number: str, day: date) -> int | None:
    """Full years of whoever has this number; None where it names no birthday."""
    born = birth_date_of(number)
    return None if born is None else times.age_on(day, born)


def guardian_needed(age: int) -> Forbidden:
    """Too young to do this alone."""
    return Forbidden(
        "guardian_needed",
        "申请人是未成年人，未达到本事项要求的本人办理年龄，由监护人代为办理：请监护人本人登录，"
        "并持户口簿等监护关系证明到政务服务窗口登记一次，之后即可在线代办。",
        "The applicant is too young to act alone: a guardian signs in, and shows the "
        "papers once at a service counter; after that everything is online.",
        detail={"age": age},
    )


def level_too_low(reached: Level, wanted: Level) -> Forbidden:
    """What has to be proven first, and how."""
    return Forbidden(
        "identity_level_too_low",
        "办理此项须先完成实名认证：请用统一身份认证登录并核验身份"
        "（人脸识别不是唯一方式，也可持证件到政务服务窗口由工作人员核验），"
        "再回来继续；已填写的内容会保留。",
        "This needs a proven identity: sign in with the identity provider and verify "
        "yourself there, or show your document at a service counter (your face need "
        "not be scanned). Then go on here: what you filled in is kept.",
        detail={"level": str(reached), "required": str(wanted)},
    )


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else times.to_text(moment)


def _time(text: str | None) -> datetime | None:
    return None if text is None else times.from_text(text)

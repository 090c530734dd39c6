"""Letting somebody act: offered by the principal, taken by the agent, ended by either.

And what officers see at a window: who somebody is, and whose guardian.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TypeVar

from zerotrip.identity.callers import Callers
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    SubjectKind,
)
from zerotrip.identity.persons import PersonNow
from zerotrip.identity.power_store import (
    Powers,
    mark_of,
    offer_mark,
    power_unknown,
)
from zerotrip.identity.powers import (
    EVERY_ACT,
    Acting,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
    accepted,
    age_on,
    guardian_needed,
    level_too_low,
    may_give,
    narrowed,
    power_ended,
    revoked,
    term,
)
from zerotrip.identity.rows import number_mark
from zerotrip.identity.sessions import ANSWERS_TABLE, window_key
from zerotrip.identity.store import Subjects
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault, Forbidden, Invalid, NotFound, ZeroTripError
from zerotrip.kernel.identifiers import (
    IdentityDocument,
    Mint,
    birth_date_of,
    identity_document_of,
    identity_number_fault,
    is_identity_number,
)
from zerotrip.kernel.names import normalised_name, normalised_number
from zerotrip.kernel.tables import Expect, Put, Rejected

LIVE, USED = "live", "used"
Entry = TypeVar("Entry")
OF_AGE = 18
"""Civil Code 17, 18: who is younger lets nobody act, a guardian acts (23, 27)."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a principal offers, as it was asked; times are UTC."""

    agent_name: str = field(repr=False)
    agent_number: str = field(repr=False)
    acts: tuple[str, ...]
    item: str | None = None
    case_no: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Agency:
    """The commands on powers of one tenant."""

    callers: Callers
    powers: Powers
    mint: Mint
    hash_key: bytes = field(repr=False)

    def offer(self, acting: Acting, offer: Offer) -> Power:
        """Offers a power to whoever has that name and number; nobody learns whether
        somebody of that name is known here.

        Raises Forbidden `power_not_yours_to_give`, `identity_level_too_low`, Invalid.
        """
        principal = self.callers.persons.of(self.callers.tenant, acting.sub)
        if not may_give(principal.asked, acting):
            raise Forbidden(
                "power_not_yours_to_give",
                "只有本人，或者单位的法定代表人（负责人、经营者），可以授权他人办理。",
                "Only the person, or a company's representative, lets others act.",
            )
        _require_present(acting.level)
        self._require_of_age(acting)
        begin, end = term(offer.starts_at, offer.ends_at, self.callers.now())
        number = normalised_number(offer.agent_number)
        _require_agent(
            number, oneself=number_mark(self.hash_key, number) in principal.marks
        )
        return self.powers.add(
            Power(
                id=self.mint.opaque(),
                principal=acting.sub,
                agent=None,
                office=Office.AGENT,
                acts=narrowed(offer.acts),
                scope=Scope(offer.item, offer.case_no),
                source=PowerSource.CONSENT,
                starts_at=begin,
                ends_at=end,
                state=PowerState.OFFERED,
                representative=principal.asked.representative,
                offered_to=offer_mark(
                    self.hash_key, offer.agent_name, offer.agent_number
                ),
                offered_at=self.callers.now(),
            )
        )

    def accept(self, acting: Acting, power_id: str) -> Power:
        """Takes what was offered to one's own name and number.

        Raises NotFound `power_unknown` alike for none and another's, Conflict
        `power_not_offered`, Forbidden `identity_level_too_low`.
        """
        _require_present(acting.level)
        self._require_of_age(acting)
        power = self.powers.get(power_id)
        if acting.power is not None or power.offered_to != self._own_mark(acting):
            raise power_unknown()
        now = self.callers.now()
        return self.powers.change(
            power_id, lambda before: accepted(before, acting.login, now)
        )

    def revoke(self, acting: Acting, power_id: str) -> Power:
        """Ends a power, by either side; from the next request on it holds no more.

        Raises NotFound `power_unknown` alike for none and another's.
        """
        power = self.powers.get(power_id)
        principal = self.callers.persons.of(self.callers.tenant, acting.sub)
        gave = power.principal in acting.subs and may_give(principal.asked, acting)
        # A login that was taken away meanwhile is the same person's still.
        own = {acting.login} if acting.power is not None else acting.subs
        if not gave and power.agent not in own:
            raise power_unknown()
        if power.office is Office.GUARDIAN and power.agent not in own:
            raise Forbidden(
                "guardian_stays",
                "监护关系由政务服务窗口登记，不能由被监护人自行撤销；有变化的，"
                "请到政务服务窗口更正。",
                "A ward does not end a guardianship: a service counter corrects it.",
            )
        if power.is_own:
            raise Forbidden(
                "representative_stays",
                "您是登记的法定代表人（负责人、经营者），该权限随登记变更，不能在此撤销。",
                "You are the registered representative: the register changes that.",
            )
        now = self.callers.now()
        return self.powers.change(
            power_id, lambda before: revoked(before, acting.login, now)
        )

    def given(self, acting: Acting) -> list[Power]:
        """What the principal gave, for who may give; nothing for anybody else."""
        principal = self.callers.persons.of(self.callers.tenant, acting.sub)
        if not may_give(principal.asked, acting):
            return []
        return self.powers.given_by(acting.subs)

    def held(self, acting: Acting) -> list[Power]:
        """What one was given, and what is offered to one's own name and number."""
        if acting.power is not None:
            return []
        held = self.powers.held_by(acting.subs)
        mark = self._own_mark(acting)
        offered = [] if mark is None else self.powers.offered_to(mark)
        known = {each.id for each in held}
        return [
            *held,
            *(
                each
                for each in offered
                if each.id not in known and each.state is PowerState.OFFERED
            ),
        ]

    def usable(self, acting: Acting, power_id: str) -> Power:
        """A power of one's own to act under. Raises NotFound `power_unknown`."""
        power = self.powers.get(power_id)
        if acting.power is not None:
            raise power_unknown()
        if power.agent is None and power.offered_to == self._own_mark(acting):
            raise power_ended("offered")
        if power.agent not in acting.subs:
            raise power_unknown()
        return power

    def _own_mark(self, acting: Acting) -> str | None:
        proven = self.callers.applicant(acting)
        return None if proven is None else mark_of(self.hash_key, proven)

    def _require_of_age(self, acting: Acting) -> None:
        proven = self.callers.applicant(acting)
        if proven is None or proven.kind is SubjectKind.LEGAL:
            return
        age = age_on(proven.number, times.legal_day(self.callers.now()))
        if age is not None and age < OF_AGE:
            raise guardian_needed(OF_AGE)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a document that an officer looked at says, in one writing."""

    name: str = field(repr=False)
    number: str = field(repr=False)
    id_type: str

    @classmethod
    def read(cls, name: str, number: str, id_type: str | None) -> Seen:
        """Normalised, with the kind of document that the number belongs to.

        Raises Invalid `identity_number_wrong`, `document_wrong`.
        """
        number = normalised_number(number)
        document = identity_document_of(number)
        if document is None:
            raise Invalid(
                "identity_number_wrong",
                "证件号码有误，请核对证件后重新填写。",
                "The identity number is wrong: please check it against the document.",
                faults=(identity_number_fault("/number"),),
            )
        usual = ID_TYPES.get(document)
        if usual is not None and id_type not in (None, *usual):
            fault = Fault(
                "/id_type",
                "document_wrong",
                "证件类型与证件号码不符，请核对证件。",
                "The kind of document does not fit its number.",
            )
            raise Invalid("document_wrong", fault.zh, fault.en, faults=(fault,))
        kind = id_type or (usual[0] if usual else str(document))
        return cls(normalised_name(name), number, kind)


ID_TYPES: Mapping[IdentityDocument, tuple[str, ...]] = {
    IdentityDocument.CITIZEN_CARD: ("111", "112"),
    IdentityDocument.PASSPORT: ("414",),
    IdentityDocument.PERMANENT_RESIDENT_CARD: ("553",),
}
"""GA/T 2000.156; the code of residence permits is not verified [U]."""


@dataclass(frozen=True, slots=True)
class Window:
    """What an officer records who has seen a person and their papers."""

    subjects: Subjects
    powers: Powers
    tenant: str

    def shown_by(self, code: str) -> str:
        """The `sub` of who showed the code. Raises NotFound `window_code_unknown`."""
        tables, now = self.subjects.tables, self.subjects.clock()
        row = tables.get(ANSWERS_TABLE, window_key(self.tenant, code), "WINDOW")
        # The database removes expired rows hours later: the time is checked here.
        if row is None or row.stage == USED or (row.expires_at or 0) <= now.timestamp():
            raise _code_unknown()
        return str(row.data["sub"])

    def entered(self, code: str, enter: Callable[[], Entry]) -> Entry:
        """Makes the one entry for which a code is good; a refused one leaves it good.

        Raises NotFound `window_code_unknown` where another entry came first.
        """
        self._turn(code, before=LIVE, after=USED)
        try:
            return enter()
        except ZeroTripError:
            self._turn(code, before=USED, after=LIVE)
            raise

    def _turn(self, code: str, *, before: str, after: str) -> None:
        tables = self.subjects.tables
        row = tables.get(ANSWERS_TABLE, window_key(self.tenant, code), "WINDOW")
        if row is None or row.stage != before:
            raise _code_unknown()
        expect = Expect(version=row.version)
        turned = replace(row, stage=after, version=(row.version or 0) + 1)
        try:
            tables.transact([Put(ANSWERS_TABLE, turned, expect)])
        except Rejected as rejected:
            raise _code_unknown() from rejected

    def vouch(self, sub: str, seen: Seen, officer: str) -> PersonNow:
        """The login is proven `strong`, and the officer stands for it.

        Raises Conflict `proven_as_another`, Invalid `name_differs`.
        """
        person = Person(name=seen.name, id_type=seen.id_type, id_no=seen.number)
        return self.subjects.vouch(self.tenant, sub, person, officer, seen.number)

    def guardian(
        self, sub: str, seen: Seen, officer: str, *, corrects: bool = False
    ) -> Power:
        """Somebody who was seen is the guardian of a minor, until the minor is of age.

        Raises Forbidden `identity_level_too_low` (the guardian is not proven), Invalid
        `minor_wrong` (no date of birth in the number, or of age already),
        `name_differs`. `corrects`: an officer's earlier entry of the name was wrong.
        """
        guardian = self.subjects.persons.of(self.tenant, sub)
        _require_present(guardian.level)
        self._require_guardian(guardian, seen.number)
        now = self.subjects.clock()
        name, number, id_type = seen.name, seen.number, seen.id_type
        until = _of_age_on(number)
        if until is None or until <= now:
            raise _no_minor()
        login = Login(Provider.DOCUMENT, number)
        self.subjects.require_name_of_number(
            self.tenant,
            number,
            name,
            self.subjects.find(self.tenant, login) if corrects else None,
        )
        child = self.subjects.enter(
            self.tenant,
            login,
            SubjectKind.NATURAL,
            Person(name=name, id_type=id_type, id_no=number),
            level=Level.STRONG,
        )
        for known in self.powers.held_by(guardian.subs):
            if (
                known.principal == child.sub
                and known.state is PowerState.ACCEPTED
                and known.ends_at > now
            ):
                return known
        return self.powers.add(
            Power(
                id=self.subjects.mint.opaque(),
                principal=child.sub,
                agent=sub,
                office=Office.GUARDIAN,
                acts=EVERY_ACT,
                scope=Scope(),
                source=PowerSource.GUARDIAN,
                starts_at=now,
                ends_at=until,
                state=PowerState.ACCEPTED,
                accepted_at=now,
                recorded_by=officer,
            )
        )

    def _require_guardian(self, guardian: PersonNow, child: str) -> None:
        """Raises Invalid `guardian_wrong` for the child itself, and for a minor."""
        proven = self.subjects.identities.proven(self.tenant, guardian)
        today = times.legal_day(self.subjects.clock())
        age = None if proven is None else age_on(proven.number, today)
        oneself = self.subjects.number_mark(child) in guardian.marks
        if not oneself and (age is None or age >= OF_AGE):
            return
        fault = Fault(
            "/code",
            "guardian_wrong",
            "出示核验码的人是未成年人或者就是被监护人，请由监护人本人生成核验码。",
            "Who showed the code is the child or another minor: the guardian makes the "
            "code.",
        )
        raise Invalid(
            "guardian_wrong",
            "登记内容有误，请逐项更正。",
            "The entry is wrong: please correct each point.",
            faults=(fault,),
        )


def _require_agent(number: str, *, oneself: bool) -> None:
    """Raises Invalid `power_invalid` for a number that is none, or one's own."""
    fault = None
    if not is_identity_number(number):
        fault = replace(identity_number_fault("/agent_number"))
    elif oneself:
        fault = Fault(
            "/agent_number",
            "agent_is_oneself",
            "不能委托自己，请填写代理人的证件号码。",
            "Nobody is their own agent: name the other person's number.",
        )
    if fault is not None:
        raise Invalid(
            "power_invalid",
            "授权内容有误，请逐项更正。",
            "The authorisation is wrong: please correct each point.",
            faults=(fault,),
        )


def _require_present(level: Level) -> None:
    if not level.reaches(Level.PRESENT):
        raise level_too_low(level, Level.PRESENT)


def _of_age_on(number: str) -> datetime | None:
    """The instant at which whoever has this number comes of age."""
    born = birth_date_of(number)
    if born is None:
        return None
    day = times.add_months(born, 12 * OF_AGE)
    midnight = datetime(day.year, day.month, day.day, tzinfo=times.SHANGHAI)
    return midnight.astimezone(UTC)


def _code_unknown() -> NotFound:
    return NotFound(
        "window_code_unknown",
        "核验码有误、已使用或者已过期，请办事人重新生成（15分钟内有效，仅可使用一次）。",
        "This code is wrong, used or too old: have a new one made; it is good for one "
        "entry within 15 minutes.",
    )


def _no_minor() -> Invalid:
    return Invalid(
        "minor_wrong",
        "登记内容有误，请逐项更正。",
        "The entry is wrong: please correct each point.",
        faults=(
            Fault(
                "/number",
                "minor_wrong",
                "该证件号码不是未成年人的号码，不能登记监护关系。",
                "This number is no minor's: no guardian is recorded.",
            ),
        ),
    )

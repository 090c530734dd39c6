"""Letting somebody act: offered by the principal, taken by the agent, ended by either.

And what officers see at a window: who somebody is, and whose guardian.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from zerotrip.identity.callers import Callers
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    SubjectKind,
)
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
    revoked,
    term,
)
from zerotrip.identity.sessions import ANSWERS_TABLE, window_key
from zerotrip.identity.store import (
    PersonNow,
    Subjects,
)
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault, Forbidden, Invalid, NotFound
from zerotrip.kernel.identifiers import Mint, birth_date_of
from zerotrip.kernel.names import normalised_name, normalised_number

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
            )
        )

    def accept(self, acting: Acting, power_id: str) -> Power:
        """Takes what was offered to one's own name and number.

        Raises NotFound `power_unknown` alike for none and another's, Conflict
        `power_not_offered`, Forbidden `identity_level_too_low`.
        """
        _require_present(acting.level)
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
        if not gave and power.agent not in acting.logins:
            raise power_unknown()
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
        held = self.powers.held_by(frozenset(acting.logins))
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
        if acting.power is not None or power.agent not in acting.logins:
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
        if row is None or (row.expires_at or 0) <= now.timestamp():
            raise NotFound(
                "window_code_unknown",
                "核验码有误或者已过期，请办事人重新生成（15分钟内有效）。",
                "This code is wrong or too old: have a new one made; it is good for "
                "15 minutes.",
            )
        return str(row.data["sub"])

    def vouch(
        self, sub: str, name: str, id_type: str, number: str, officer: str
    ) -> PersonNow:
        """The login is proven `strong`, and the officer stands for it.

        Raises Conflict `login_bound_elsewhere`.
        """
        number = normalised_number(number)
        seen = Person(name=normalised_name(name), id_type=id_type, id_no=number)
        return self.subjects.vouch(self.tenant, sub, seen, officer, number)

    def guardian(
        self, sub: str, name: str, id_type: str, number: str, officer: str
    ) -> Power:
        """Somebody who was seen is the guardian of a minor, until the minor is of age.

        Raises Forbidden `identity_level_too_low` (the guardian is not proven), Invalid
        `minor_wrong` (no date of birth in the number, or of age already).
        """
        guardian = self.subjects.persons.of(self.tenant, sub)
        _require_present(guardian.level)
        now = self.subjects.clock()
        number = normalised_number(number)
        until = _of_age_on(number)
        if until is None or until <= now:
            raise _no_minor()
        child = self.subjects.enter(
            self.tenant,
            Login(Provider.DOCUMENT, number),
            SubjectKind.NATURAL,
            Person(name=normalised_name(name), id_type=id_type, id_no=number),
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

"""Who calls, and for whom, read anew at each request: a revocation works at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zerotrip.identity.model import (
    Level,
    Proven,
    Provider,
    Session,
    SessionRefused,
    SubjectKind,
)
from zerotrip.identity.persons import Identities, PersonNow, Persons
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import (
    Acting,
    Power,
    power_ended,
    subject_ended,
    why_ended,
)
from zerotrip.kernel.errors import NotFound


@dataclass(frozen=True, slots=True)
class Standing:
    """How an applicant stands now: proven as whom, how well, and whether still there.

    `level` is of who acts: the agent's for a company. `ended` is `deceased` or
    `deregistered`.
    """

    proven: Proven | None
    level: Level
    ended: str | None


@dataclass(frozen=True, slots=True)
class Callers:
    """Tells from a session who acts now, and opens who that is."""

    tenant: str
    persons: Persons
    powers: Powers
    identities: Identities
    now: Callable[[], datetime]

    def acting(self, session: Session) -> Acting:
        """Who acts, and for whom.

        Raises SessionRefused for a login that was removed or given to somebody else,
        Forbidden `subject_ended` and, for an agent, `power_ended`.
        """
        person = self._signed_in(session.actor or session.sub)
        if session.actor is None:
            return Acting(
                sub=session.sub,
                subs=person.subs,
                roles=session.roles,
                level=person.level,
                login=session.sub,
                logins=_logins(person, session.sub),
                seen_by=person.best.seen_by,
            )
        power = self._power(session)
        if power.agent not in person.subs:
            raise power_ended("revoked")
        principal = self.persons.of(self.tenant, session.sub)
        reason = why_ended(power, principal.principal, self.now())
        if reason is not None:
            raise power_ended(reason)
        return Acting(
            sub=session.sub,
            subs=principal.subs,
            roles=session.roles,
            level=_level(person, principal),
            login=session.actor,
            logins=_logins(person, session.actor),
            power=power,
            seen_by=person.best.seen_by,
        )

    def applicant(self, acting: Acting) -> Proven | None:
        """For whom is applied, as proven; None below `matched`."""
        return self._proven(acting.sub)

    def agent(self, acting: Acting) -> Proven | None:
        """Who applies for somebody else, as proven; None where nobody does."""
        return None if acting.power is None else self._proven(acting.login)

    def standing(self, sub: str, agent: str | None) -> Standing:
        """How an applicant stands now, whoever is signed in; `agent` acted for them."""
        principal = self.persons.of(self.tenant, sub)
        acted = principal if agent is None else self.persons.of(self.tenant, agent)
        return Standing(
            proven=self.identities.proven(self.tenant, principal),
            level=_level(acted, principal),
            ended=principal.ended,
        )

    def _proven(self, sub: str) -> Proven | None:
        return self.identities.proven(self.tenant, self.persons.of(self.tenant, sub))

    def _signed_in(self, sub: str) -> PersonNow:
        try:
            person = self.persons.of(self.tenant, sub)
        except NotFound as gone:
            raise SessionRefused("subject_unknown") from gone
        if person.asked.former:
            raise SessionRefused("login_removed")
        if person.ended is not None:
            raise subject_ended(person.ended)
        return person

    def _power(self, session: Session) -> Power:
        try:
            return self.powers.get(session.power or "")
        except NotFound as gone:
            raise SessionRefused("power_unknown") from gone


def _level(agent: PersonNow, principal: PersonNow) -> Level:
    """A company is proven by its register; a person is no better proven by an agent."""
    if principal.asked.kind is SubjectKind.LEGAL:
        return agent.level
    return min(agent.level, principal.level, key=list(Level).index)


def _logins(person: PersonNow, own: str) -> tuple[str, ...]:
    """The person's logins: the one in use first, then WeChat's, since those pay."""
    others = sorted(
        (each for each in person.live if each.sub != own),
        key=lambda each: (each.via is not Provider.WECHAT, each.sub),
    )
    return (own, *(each.sub for each in others))

"""Who is who: a person is a set of logins. Reads, and opens what is proven."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from zerotrip.identity.model import Level, Person, Proven, Subject, SubjectKind
from zerotrip.identity.rows import (
    IDENTITY_TABLE,
    SUBJECT,
    opened_person,
    read_subject,
    subject_key,
    subject_unknown,
)
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Tables

USCC = "USCC"
RESIDENT_IDENTITY_CARD = "111"
"""GA/T 2000.156."""


@dataclass(frozen=True, slots=True)
class PersonNow:
    """All logins of one person, or one company, as they stand now.

    `asked` is the one that was looked up; `every` holds all, itself among them.
    """

    asked: Subject
    every: tuple[Subject, ...]

    @property
    def subs(self) -> frozenset[str]:
        """Whose drafts, cases, notices and files are this person's."""
        return frozenset(each.sub for each in self.every)

    @property
    def live(self) -> tuple[Subject, ...]:
        """Those by which the person may still sign in."""
        return tuple(each for each in self.every if not each.former)

    @property
    def level(self) -> Level:
        """How well the person is proven: by the best of the logins."""
        reached = {each.level for each in self.live}
        return max(reached, key=list(Level).index, default=Level.DECLARED)

    @property
    def best(self) -> Subject:
        """The login whose provider vouches most for name and number."""
        numbered = [each for each in self.live if each.number is not None]
        return max(
            numbered, key=lambda each: list(Level).index(each.level), default=self.asked
        )

    @property
    def ended(self) -> str | None:
        """`deceased` or `deregistered`, where a register said so."""
        return next((each.ended for each in self.every if each.ended), None)

    @property
    def principal(self) -> Subject:
        """Who was asked for, with what a register said of any of the logins."""
        return replace(self.asked, ended=self.ended)

    @property
    def marks(self) -> frozenset[str]:
        """All by which this person is known again: logins, numbers, and for a company
        its representative's number."""
        known = {each.number for each in self.every}
        known |= {each.representative for each in self.every}
        return self.subs | {each for each in known if each is not None}


@dataclass(frozen=True, slots=True)
class Persons:
    """Reads who is who; nothing is opened and nothing written."""

    tables: Tables

    def of(self, tenant: str, sub: str) -> PersonNow:
        """The person behind a login. Raises NotFound `subject_unknown`."""
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        asked = read_subject(tenant, sub, row)
        others = [each for each in asked.members if each != sub]
        return PersonNow(asked, (asked, *self._subjects(tenant, others).values()))

    def many(self, tenant: str, subs: Iterable[str]) -> dict[str, PersonNow]:
        """By `sub`; those that nobody knows are left out. Two reads at the most."""
        wanted = set(subs)
        found = self._subjects(tenant, wanted)
        members = {other for each in found.values() for other in each.members}
        found |= self._subjects(tenant, members - set(found))
        return {
            sub: PersonNow(
                found[sub],
                tuple(found[each] for each in found[sub].members if each in found),
            )
            for sub in wanted
            if sub in found
        }

    def _subjects(self, tenant: str, subs: Iterable[str]) -> dict[str, Subject]:
        keys = [(subject_key(tenant, sub), SUBJECT) for sub in sorted(subs)]
        if not keys:
            return {}
        found = {}
        for row in self.tables.get_many(IDENTITY_TABLE, keys):
            sub = row.pk.rpartition("#")[2]
            found[sub] = read_subject(tenant, sub, row)
        return found


@dataclass(frozen=True, slots=True)
class Identities:
    """Opens what providers vouched for: one KMS call per person."""

    tables: Tables
    keys: KeyRing

    def person(self, tenant: str, sub: str) -> Person:
        """What is personal of one login. Raises NotFound `subject_unknown`."""
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        return opened_person(self.keys, tenant, sub, row)

    def proven(self, tenant: str, person: PersonNow) -> Proven | None:
        """Name and number as a provider or an officer vouched for them.

        None below `matched`: what somebody says of themselves proves nothing.
        """
        best = person.best
        natural = best.kind is SubjectKind.NATURAL
        if natural and not person.level.reaches(Level.MATCHED):
            return None
        known = self.person(tenant, best.sub)
        if not natural:
            if not known.corp_uscc:
                return None
            return Proven(
                kind=SubjectKind.LEGAL,
                id_type=USCC,
                number=known.corp_uscc,
                name=known.corp_name or "",
                representative=known.corp_representative,
                company=best.company,
            )
        if not known.id_no or not known.name:
            return None
        return Proven(
            kind=SubjectKind.NATURAL,
            id_type=known.id_type or RESIDENT_IDENTITY_CARD,
            number=known.id_no,
            name=known.name,
            telephone=known.telephone,
        )

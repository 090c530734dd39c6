"""Whose cases an officer must not handle: their own, and those of declared kin.

Persons are compared, never logins: however an officer or an applicant signed in, and
whoever acted for whom (Civil Servants Law 76, 77).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from zerotrip.identity.persons import PersonNow, Persons
from zerotrip.identity.power_store import Powers
from zerotrip.identity.rows import IDENTITY_TABLE, number_mark
from zerotrip.kernel import times
from zerotrip.kernel.errors import Forbidden
from zerotrip.kernel.names import normalised_number
from zerotrip.kernel.tables import Put, StoredRow, Tables

_KIN = "KIN#"


@dataclass(frozen=True, slots=True)
class Kin:
    """A declared relation; whose, only a keyed hash tells."""

    relation: str
    declared_at: str


@dataclass(frozen=True, slots=True)
class Recusal:
    """Tells which cases are an officer's own."""

    tables: Tables
    tenant: str
    persons: Persons
    now: Callable[[], datetime]
    hash_key: bytes = field(repr=False)

    def declare(self, officer: str, relation: str, number: str) -> None:
        """Keeps a relation; the same number again changes its word."""
        mark = number_mark(self.hash_key, normalised_number(number))
        row = StoredRow(
            self._pk(officer),
            f"{_KIN}{mark}",
            {"relation": relation, "declared_at": times.to_text(self.now())},
        )
        self.tables.transact([Put(IDENTITY_TABLE, row)])

    def declared(self, officer: str) -> list[Kin]:
        """What an officer declared, the latest last."""
        found = [
            Kin(row.data["relation"], row.data["declared_at"])
            for row in self._rows(officer)
        ]
        return sorted(found, key=lambda each: each.declared_at)

    def marks_of(self, officer: str) -> frozenset[str]:
        """All by which the officer is known, declared kin, and those whom the officer
        ever acted for."""
        kin = {row.sk.removeprefix(_KIN) for row in self._rows(officer)}
        person = self.persons.of(self.tenant, officer)
        held = Powers(self.tables, self.tenant).held_by(person.subs)
        principals = {each.principal for each in held if each.accepted_at is not None}
        return person.marks | kin | principals

    def own(
        self,
        officer: str,
        parties: Mapping[str, Iterable[str]],
        *,
        vouched: bool = True,
    ) -> frozenset[str]:
        """Which of these cases are the officer's own, by case number.

        `parties` are the `sub`s of each case's applicant and of whoever acted. Whoever
        saw one of them at a window and stands for the identity decides nothing either,
        unless `vouched` is False.
        """
        marks = self.marks_of(officer)
        subs = {sub for each in parties.values() for sub in each}
        known = self.persons.many(self.tenant, subs)
        return frozenset(
            case_no
            for case_no, each in parties.items()
            if any(
                sub in marks or (sub in known and _near(known[sub], marks, vouched))
                for sub in each
            )
        )

    def require_others(
        self, officer: str, case_no: str, parties: set[str], *, vouched: bool = True
    ) -> None:
        """Raises Forbidden `own_case` for a case of one's own, as `own` tells it."""
        if self.own(officer, {case_no: parties}, vouched=vouched):
            raise own_case()

    def is_near(self, officer: str, number: str) -> bool:
        """Whether a number is the officer's own, or that of declared kin."""
        return number_mark(self.hash_key, number) in self.marks_of(officer)

    def _rows(self, officer: str) -> list[StoredRow]:
        return self.tables.query(IDENTITY_TABLE, self._pk(officer), _KIN)

    def _pk(self, officer: str) -> str:
        return f"{self.tenant}#OFFICER#{officer}"


def _near(person: PersonNow, marks: frozenset[str], vouched: bool) -> bool:
    seen_by = {each.seen_by for each in person.live} if vouched else set()
    return bool(person.marks & marks) or bool(seen_by & marks)


def own_case() -> Forbidden:
    """One's own case, or that of somebody too near."""
    return Forbidden(
        "own_case",
        "该办件的申请人、代理人是您本人、您申报的亲属或者单位、您代理过的人，"
        "或者其身份由您在窗口核验，您应当回避，请由其他人员办理。",
        "You have a part in this case: it is your own, that of a relative or body that "
        "you declared or acted for, or of somebody whose identity you verified. A "
        "colleague handles it.",
    )

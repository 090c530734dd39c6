"""Whose cases an officer must not handle: their own, and those of declared kin.

Persons are compared, never logins: however an officer or an applicant signed in, and
whoever acted for whom (Civil Servants Law 76, 77).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from zerotrip.identity.store import IDENTITY_TABLE, Persons, number_mark
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
        """All by which the officer and the declared kin are known."""
        kin = {row.sk.removeprefix(_KIN) for row in self._rows(officer)}
        return self.persons.of(self.tenant, officer).marks | kin

    def own(self, officer: str, parties: Mapping[str, Iterable[str]]) -> frozenset[str]:
        """Which of these cases are the officer's own, by case number.

        `parties` are the `sub`s of each case's applicant and of whoever acted.
        """
        marks = self.marks_of(officer)
        subs = {sub for each in parties.values() for sub in each}
        known = self.persons.many(self.tenant, subs)
        return frozenset(
            case_no
            for case_no, each in parties.items()
            if any(
                sub in marks or (sub in known and known[sub].marks & marks)
                for sub in each
            )
        )

    def require_others(self, officer: str, case_no: str, parties: set[str]) -> None:
        """Raises Forbidden `own_case` for a case of one's own."""
        if self.own(officer, {case_no: parties}):
            raise own_case()

    def is_near(self, officer: str, number: str) -> bool:
        """Whether a number is the officer's own, or that of declared kin."""
        return number_mark(self.hash_key, number) in self.marks_of(officer)

    def _rows(self, officer: str) -> list[StoredRow]:
        return self.tables.query(IDENTITY_TABLE, self._pk(officer), _KIN)

    def _pk(self, officer: str) -> str:
        return f"{self.tenant}#OFFICER#{officer}"


def own_case() -> Forbidden:
    """One's own case, or that of somebody too near."""
    return Forbidden(
        "own_case",
        "本件与您或者您申报的亲属、单位有利害关系，您应当回避，由其他人员办理。",
        "You, or a relative or body that you declared, have a part in this case: a "
        "colleague handles it.",
    )

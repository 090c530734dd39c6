"""One notice (一次性告知): what was asked, what could be seen then, what comes late.

Each notice is a row of the case, `ASKED#{seq}`. It remembers which form lay there and
which rules and materials had been looked at. So a later notice can be held against it:
what could be seen then, and is as it was, was to be told then.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zerotrip.cases.handed import read_form
from zerotrip.cases.model import CaseNow, Handed
from zerotrip.catalogue.pointers import pointer
from zerotrip.kernel.aggregate import Row, canonical
from zerotrip.kernel.errors import Fault
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import DataKey, KeyRing

ASKED = "ASKED#"
GROUNDS = "GROUNDS"
"""Why a case ended without a decision: the row with every ground, in words."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as the rules make it. `looked_at`: rules that ran, materials asked."""

    faults: Sequence[Fault]
    looked_at: Collection[str]


@dataclass(frozen=True, slots=True)
class Told:
    """An earlier notice: what it named, what was looked at, what lay there then."""

    named: frozenset[tuple[str, str]]
    looked_at: frozenset[str]
    by_officer: bool
    handed: Handed

    def as_now(self, path: str, handed: Handed) -> bool:
        """Whether what lies at that path is what lay there then."""
        return bool(_content(self.handed, path) == _content(handed, path))

    def names(self, path: str) -> bool:
        """Whether anything at that path was told."""
        return any(path == told for told, _ in self.named)


def asked_row(now: CaseNow, notice: Notice) -> Row:
    """The row of a notice that the rules make: its sentences hold no person."""
    data = {
        "by": "rules",
        "faults": [fault.as_json() for fault in notice.faults],
        "form": now.case.form,
        "looked_at": sorted(notice.looked_at),
    }
    return Row(_sk(now), data)


def officers_row(now: CaseNow, data_key: DataKey, faults: Sequence[Fault]) -> Row:
    """The row of an officer's notice: the sentences are a person's own, so sealed.

    A person looks at everything that lies there.
    """
    sk = _sk(now)
    words = [fault.as_json() for fault in faults]
    data = {
        "by": "officer",
        "faults": [{"path": fault.path, "code": fault.code} for fault in faults],
        "form": now.case.form,
        "looked_at": [],
    }
    return Row(sk, data, data_key.seal(now.key.ref, sk, canonical(words)))


def faults_of(now: CaseNow, row: Row, keys: KeyRing) -> list[dict[str, str]]:
    """Every defect that a notice names, in words; opens the case's key if it must."""
    if row.sealed is None:
        return list(row.data["faults"])
    data_key = keys.open(now.key.tenant, now.case.key_owner)
    found: list[dict[str, str]] = json.loads(
        data_key.unseal(now.key.ref, row.sk, row.sealed)
    )
    return found


def told_before(records: Records, keys: KeyRing, now: CaseNow) -> tuple[Told, ...]:
    """The case's earlier notices, oldest first, with what lay there at each."""
    rows = records.rows(now.key, ASKED)
    forms = {
        sk: read_form(records, keys, now, sk)
        for sk in {row.data["form"] for row in rows}
    }
    return tuple(
        Told(
            named=frozenset(
                (each["path"], each["code"]) for each in row.data["faults"]
            ),
            looked_at=frozenset(row.data["looked_at"]),
            by_officer=row.data["by"] == "officer",
            handed=forms[row.data["form"]],
        )
        for row in rows
    )


def late_by_rules(
    faults: Iterable[Fault],
    subjects: Mapping[tuple[str, str], str],
    handed: Handed,
    earlier: Sequence[Told],
) -> frozenset[tuple[str, str]]:
    """Defects, as `(path, code)`, that lay open at an earlier notice and were not told.

    `subjects` says which rule or material a defect is about. One that was looked at
    then held then, or was told: its defect is new, or still not mended. One that could
    not be looked at then is late now, unless what lies in its place has changed.
    """
    found: set[tuple[str, str]] = set()
    for fault in faults:
        named = (fault.path, fault.code)
        then = [each for each in earlier if each.as_now(fault.path, handed)]
        unseen = named in subjects and any(
            subjects[named] not in each.looked_at
            for each in then
            if not each.by_officer
        )
        if unseen and not any(each.names(fault.path) for each in then):
            found.add(named)
    return frozenset(found)


def late_by_officer(
    faults: Iterable[Fault], handed: Handed, earlier: Sequence[Told]
) -> tuple[Fault, ...]:
    """Defects in what lay there at an earlier notice, unchanged, and was not told."""
    late = []
    for fault in faults:
        then = [each for each in earlier if each.as_now(fault.path, handed)]
        if then and not any(each.names(fault.path) for each in then):
            late.append(fault)
    return tuple(late)


def _sk(now: CaseNow) -> str:
    return f"{ASKED}{now.head.version + 1:06}"


def _content(handed: Handed, path: str) -> Any:
    """What lies at `/form/…` or `/materials/…`: a material is what its bytes are."""
    part, _, rest = path[1:].partition("/")
    if part == "form":
        return pointer(handed.form, f"/{rest}")
    return handed.content_of(rest)

"""The seal of a day: how far each chain came, and what does not fit. Pure.

`root.json` names one digest, the day's root: over the names of the day's objects and
over the heads of the day's chains. It also names the root of the day before. So who
knows one root (a newspaper, another authority) knows all earlier ones.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Self

from zerotrip.archive.model import Unreadable, day_prefix
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import (
    GENESIS,
    EventRow,
    canonical,
    digest_of_bytes,
    link,
)

VERSION = 1


@dataclass(frozen=True, slots=True)
class Reach:
    """The highest event of an aggregate that was sealed: its seq and its hash."""

    seq: int
    hash: str | None


BEGINNING = Reach(0, GENESIS)


@dataclass(frozen=True, slots=True)
class DayHead:
    """One aggregate on one day: how many events came, and the last of them.

    `reached` is the highest event sealed until then; it differs from the last of the
    day only when that came late.
    """

    aggregate: str
    events: int
    last: int
    hash: str
    reached: Reach

    def as_json(self) -> dict[str, Any]:
        return {
            "aggregate": self.aggregate,
            "events": self.events,
            "last": self.last,
            "hash": self.hash,
            "reached": [self.reached.seq, self.reached.hash],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        reached = Reach(*data["reached"])
        return cls(
            data["aggregate"], data["events"], data["last"], data["hash"], reached
        )


@dataclass
class DayChains:
    """What a day's objects hold, gathered object by object."""

    tenant: str
    objects: list[str] = field(default_factory=list)
    chains: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)

    def add(self, key: str, rows: Iterable[EventRow]) -> None:
        """The events of one object; one that is known already counts once."""
        self.objects.append(key)
        for row in rows:
            if row.key.tenant != self.tenant:
                self._fault("tenant_foreign", row.key.pk, row.seq)
                continue
            if link(row) != row.hash:
                self._fault("event_changed", row.key.pk, row.seq)
            chain = self.chains.setdefault(row.key.pk, {})
            made = (row.prev_hash, row.hash)
            if chain.setdefault(row.seq, made) != made:
                self._fault("event_forked", row.key.pk, row.seq)

    def add_unreadable(self, key: str) -> None:
        """An object that is not what its name says: it is named, and not believed."""
        self.objects.append(key)
        self.faults.append({"code": "object_changed", "object": key})

    def events(self) -> int:
        """How many different events came."""
        return sum(map(len, self.chains.values()))

    def continued(self) -> set[str]:
        """Aggregates whose chain did not begin on this day."""
        return {pk for pk, chain in self.chains.items() if 1 not in chain}

    def _fault(self, code: str, aggregate: str, seq: int) -> None:
        self.faults.append({"code": code, "aggregate": aggregate, "seq": seq})


@dataclass(frozen=True, slots=True)
class Seal:
    """A day's seal: `root_json` names the digest of `details`, its only content."""

    day: date
    details: bytes
    root_json: bytes

    @property
    def document(self) -> dict[str, Any]:
        """`root.json`, read."""
        return read_root(self.root_json)


def seal(
    day: date,
    found: DayChains,
    *,
    previous: bytes | None,
    reach: Mapping[str, Reach],
    searched: bool,
    tick: datetime,
) -> Seal:
    """Seals a day.

    `previous` is `root.json` of the day before; `reach` says how far chains were sealed
    before this day, for those that continue; `searched` says that all earlier days were
    looked through, so that a chain which is not in `reach` has none.
    """
    heads: list[DayHead] = []
    gaps: list[dict[str, Any]] = []
    faults = list(found.faults)
    beyond = 0
    for aggregate, chain in sorted(found.chains.items()):
        known = reach.get(aggregate, BEGINNING)
        if aggregate not in reach and 1 not in chain and not searched:
            known = Reach(min(chain) - 1, None)
            beyond += 1
        heads.append(_head(aggregate, chain, known))
        missing = _missing(chain, known)
        if missing:
            gaps.append({"aggregate": aggregate, "missing": missing})
        faults += [
            {"code": "chain_broken", "aggregate": aggregate, "seq": seq}
            for seq in _broken(chain, known)
        ]
    details = _details(day, found, heads)
    root = {
        "version": VERSION,
        "tenant": found.tenant,
        "day": f"{day}",
        "root": digest_of_bytes(details),
        "objects": len(found.objects),
        "aggregates": len(heads),
        "events": found.events(),
        "gaps": gaps,
        "faults": sorted(faults, key=canonical),
        "beyond": beyond,
        "previous": None if previous is None else digest_of_bytes(previous),
        "sealed_at": times.to_text(tick),
    }
    return Seal(day, details, canonical(root) + b"\n")


def read_root(content: bytes) -> dict[str, Any]:
    """`root.json`, read. Raises Unreadable."""
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise Unreadable("a seal that is no JSON") from error
    if not isinstance(found, dict) or found.get("version") != VERSION:
        raise Unreadable("a seal of an unknown version")
    return found


def details_key(tenant: str, day: date, root: str) -> str:
    """Where the lines are kept that a day's root is the digest of."""
    return f"{day_prefix(tenant, day)}chains-{root}.ndjson"


def read_details(content: bytes, root: str) -> tuple[list[str], list[DayHead]]:
    """Names of objects, below the day, and heads. Raises Unreadable."""
    if digest_of_bytes(content) != root:
        raise Unreadable("the details are not those of the root")
    objects, heads = [], []
    for line in content.splitlines():
        data = json.loads(line)
        if "object" in data:
            objects.append(str(data["object"]))
        else:
            heads.append(DayHead.from_json(data))
    return objects, heads


def _head(
    aggregate: str, chain: Mapping[int, tuple[str, str]], known: Reach
) -> DayHead:
    last = max(chain)
    reached = Reach(last, chain[last][1]) if last > known.seq else known
    return DayHead(aggregate, len(chain), last, chain[last][1], reached)


def _missing(chain: Mapping[int, Any], known: Reach) -> list[list[int]]:
    """Spans of sequence numbers, both ends included, that should have come."""
    spans: list[list[int]] = []
    expected = known.seq + 1
    for seq in sorted(seq for seq in chain if seq > known.seq):
        if seq > expected:
            spans.append([expected, seq - 1])
        expected = seq + 1
    return spans


def _broken(chain: Mapping[int, tuple[str, str]], known: Reach) -> list[int]:
    """Events that do not follow the one before, and sealed ones that came otherwise."""
    hashes: dict[int, str | None] = {0: GENESIS, known.seq: known.hash}
    broken = [
        known.seq
        for sealed in [known.hash]
        if known.seq in chain and sealed not in (None, chain[known.seq][1])
    ]
    for seq in sorted(chain):
        before = chain[seq - 1][1] if seq - 1 in chain else hashes.get(seq - 1)
        if before is not None and chain[seq][0] != before:
            broken.append(seq)
    return broken


def _details(day: date, found: DayChains, heads: Iterable[DayHead]) -> bytes:
    prefix = day_prefix(found.tenant, day)
    lines = [{"object": key.removeprefix(prefix)} for key in sorted(found.objects)]
    lines += [head.as_json() for head in heads]
    return b"".join(canonical(line) + b"\n" for line in lines)

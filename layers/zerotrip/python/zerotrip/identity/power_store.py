"""Powers in table `identity`: one row each, and pointers from both who are in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from zerotrip.identity.model import Proven
from zerotrip.identity.powers import Power
from zerotrip.identity.rows import IDENTITY_TABLE, keyed_hash, subject_key
from zerotrip.kernel.errors import NotFound, Unavailable
from zerotrip.kernel.names import normalised_name, normalised_number
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write

_ATTEMPTS = 5
_HOLDS, _GAVE = "HOLDS#", "GAVE#"


@dataclass(frozen=True, slots=True)
class Powers:
    """Reads and writes powers of one tenant."""

    tables: Tables
    tenant: str

    def get(self, power_id: str) -> Power:
        """One power. Raises NotFound `power_unknown`."""
        row = self.tables.get(IDENTITY_TABLE, self._pk(power_id), "POWER")
        if row is None:
            raise power_unknown()
        return _read(row)

    def held_by(self, subs: frozenset[str]) -> list[Power]:
        """What these logins of one person were given, whatever became of it."""
        return self._pointed_at([(subject_key(self.tenant, s), _HOLDS) for s in subs])

    def given_by(self, subs: frozenset[str]) -> list[Power]:
        """What these logins of one principal gave, whatever became of it."""
        return self._pointed_at([(subject_key(self.tenant, s), _GAVE) for s in subs])

    def offered_to(self, mark: str) -> list[Power]:
        """What was offered to the name and number of that keyed hash."""
        return self._pointed_at([(self._offered_pk(mark), "")])

    def add(self, power: Power) -> Power:
        """Stores a new power with its pointers, in one transaction."""
        writes: list[Write] = [
            Put(
                IDENTITY_TABLE,
                self._row(replace(power, version=1)),
                Expect(absent=True),
            ),
            self._pointer(subject_key(self.tenant, power.principal), _GAVE, power.id),
        ]
        if power.agent is not None:
            agent = subject_key(self.tenant, power.agent)
            writes.append(self._pointer(agent, _HOLDS, power.id))
        if power.offered_to is not None:
            writes.append(
                self._pointer(self._offered_pk(power.offered_to), "", power.id)
            )
        self.tables.transact(writes)
        return replace(power, version=1)

    def change(self, power_id: str, change: Callable[[Power], Power]) -> Power:
        """Reads, changes and writes a power, again where another was faster."""
        for _ in range(_ATTEMPTS):
            before = self.get(power_id)
            after = change(before)
            if after == before:
                return before
            after = replace(after, version=before.version + 1)
            expect = Expect(version=before.version)
            writes: list[Write] = [Put(IDENTITY_TABLE, self._row(after), expect)]
            if after.agent is not None and before.agent is None:
                agent = subject_key(self.tenant, after.agent)
                writes.append(self._pointer(agent, _HOLDS, power_id))
            try:
                self.tables.transact(writes)
            except Rejected:
                continue
            return after
        raise _busy()

    def _pointed_at(self, places: list[tuple[str, str]]) -> list[Power]:
        ids = {
            row.sk.removeprefix(prefix)
            for pk, prefix in places
            for row in self.tables.query(IDENTITY_TABLE, pk, prefix)
        }
        if not ids:
            return []
        keys = [(self._pk(each), "POWER") for each in sorted(ids)]
        found = [_read(row) for row in self.tables.get_many(IDENTITY_TABLE, keys)]
        return sorted(found, key=lambda each: (each.starts_at, each.id), reverse=True)

    def _row(self, power: Power) -> StoredRow:
        return StoredRow(
            self._pk(power.id), "POWER", power.as_data(), version=power.version
        )

    def _pointer(self, pk: str, prefix: str, power_id: str) -> Put:
        return Put(IDENTITY_TABLE, StoredRow(pk, f"{prefix}{power_id}", {}))

    def _pk(self, power_id: str) -> str:
        return f"{self.tenant}#POWER#{power_id}"

    def _offered_pk(self, mark: str) -> str:
        return f"{self.tenant}#OFFERED#{mark}"


def offer_mark(hash_key: bytes, name: str, number: str) -> str:
    """The keyed hash of whom a power is offered to: name and number together."""
    said = f"offer:{normalised_name(name)}:{normalised_number(number)}"
    return keyed_hash(hash_key, said)


def mark_of(hash_key: bytes, proven: Proven) -> str:
    """The same, of somebody who is proven."""
    return offer_mark(hash_key, proven.name, proven.number)


def power_unknown() -> NotFound:
    """No such power, or none of yours."""
    return NotFound(
        "power_unknown", "没有找到该委托。", "There is no such authorisation."
    )


def _read(row: StoredRow) -> Power:
    return Power.from_data(row.pk.rpartition("#")[2], row.data, row.version or 0)


def _busy() -> Unavailable:
    return Unavailable(
        "powers_busy",
        "该委托正在被更改，请稍后再试。",
        "The authorisation is being changed at this moment: please try again.",
    )

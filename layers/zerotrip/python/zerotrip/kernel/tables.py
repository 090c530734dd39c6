"""The port to the database: rows, and transactions described as data.

Two adapters obey it: `store.DynamoTables`, and the in-memory one of the simulator.
Conditions are data, so that both compile the same thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class StoredRow:
    """One row of any table: hot attributes, and the body as one JSON blob."""

    pk: str
    sk: str
    data: Mapping[str, Any]
    version: int | None = None
    stage: str | None = None
    sealed: bytes | None = None
    due: tuple[str, str] | None = None
    work: tuple[str, str] | None = None
    subject: tuple[str, str] | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Expect:
    """The condition of a write: absent, or a version, and one of some stages."""

    absent: bool = False
    version: int | None = None
    stages: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Put:
    """Writes the whole row of a table (`records`, `drafts`, …) under a condition."""

    table: str
    row: StoredRow
    expect: Expect = Expect()


@dataclass(frozen=True, slots=True)
class Delete:
    """Deletes a row under a condition."""

    table: str
    pk: str
    sk: str
    expect: Expect = Expect()


Write = Put | Delete


class Rejected(Exception):
    """A transaction was cancelled. `olds[i]` is the row that failed write i, if any.

    `failed` holds the positions whose condition failed; empty when it was cancelled
    by another transaction on the same rows, which is worth a retry.
    """

    def __init__(
        self, failed: frozenset[int], olds: Mapping[int, StoredRow | None]
    ) -> None:
        super().__init__(f"conditions failed at {sorted(failed)}")
        self.failed = failed
        self.olds = dict(olds)


class TokenReused(Exception):
    """The request token stood for another transaction in the last ten minutes."""


class Tables(Protocol):
    """What the product asks of its database."""

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        """One row, read consistently."""

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[StoredRow]:
        """Rows by key, in no order, each once, absent ones left out."""

    def query(self, table: str, pk: str, prefix: str = "") -> list[StoredRow]:
        """All rows of a partition whose sort key begins with prefix, consistently."""

    def index(
        self,
        table: str,
        name: str,
        partition: str,
        *,
        until: str | None = None,
        newest_first: bool = False,
        limit: int = 100,
    ) -> list[tuple[str, str]]:
        """Keys (pk, sk) of an index partition, by its sort key, up to `until`."""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        """All or nothing; the same writes under the same token once.

        Raises Rejected, TokenReused; a passing failure raises errors.Retry.
        """

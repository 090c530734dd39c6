"""In-memory adapters at the product's own ports. They keep AWS's documented rules."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

from zerotrip.kernel.errors import Retry
from zerotrip.kernel.objects import (
    AlreadyWritten,
    FirstVersion,
    StoredObject,
    UploadForm,
)
from zerotrip.kernel.sealing import WrappedElsewhere
from zerotrip.kernel.tables import (
    Delete,
    Expect,
    Put,
    Rejected,
    StoredRow,
    TokenReused,
    Write,
)

_INDEXES = {"due": "due", "worklist": "work", "subject": "subject"}


def _holds(expect: Expect, old: StoredRow | None) -> bool:
    if expect.absent and old is not None:
        return False
    if expect.version is not None and (old is None or old.version != expect.version):
        return False
    return not expect.stages or (old is not None and old.stage in expect.stages)


class MemoryTables:
    """The Tables port: conditions, transactions, request tokens, three indexes.

    A token is remembered for `token_life_seconds` of `clock`, as DynamoDB does for ten
    minutes; without a clock for ever. Rows are kept by partition, index entries too.
    """

    def __init__(
        self,
        rows: Mapping[tuple[str, str, str], StoredRow] | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        token_life_seconds: float = 600.0,
    ) -> None:
        self.clock = clock
        self.token_life_seconds = token_life_seconds
        self.tokens: dict[str, tuple[str, float]] = {}
        self.transactions: list[list[Write]] = []
        self.rows = dict(rows or {})

    @property
    def rows(self) -> Rows:
        """Every row by table, pk, sk; what is changed here is changed there."""
        return Rows(self)

    @rows.setter
    def rows(self, rows: Mapping[tuple[str, str, str], StoredRow]) -> None:
        given = dict(rows)
        self._partitions: dict[tuple[str, str], dict[str, StoredRow]] = {}
        self._indexed: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
        for (table, _, _), row in given.items():
            self._store(table, row)

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        return self._partitions.get((table, pk), {}).get(sk)

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[StoredRow]:
        found = (self.get(table, pk, sk) for pk, sk in dict.fromkeys(keys))
        return [row for row in found if row is not None]

    def query(self, table: str, pk: str, prefix: str = "") -> list[StoredRow]:
        kept = self._partitions.get((table, pk), {})
        return [kept[sk] for sk in sorted(kept) if sk.startswith(prefix)]

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
        entries = self._indexed.get((table, name, partition), {})
        found = [
            (sort_key, pk, sk)
            for (pk, sk), sort_key in entries.items()
            if until is None or sort_key <= until
        ]
        found.sort(reverse=newest_first)
        return [(pk, sk) for _, pk, sk in found[:limit]]

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        keys = [_key(write) for write in writes]
        assert len(set(keys)) == len(keys), "one transaction writes a row twice"
        if token is not None and self._sent_before(token, writes):
            return
        failed = [
            position
            for position, write in enumerate(writes)
            if not _holds(write.expect, self.get(*keys[position]))
        ]
        if failed:
            olds = {position: self.get(*keys[position]) for position in failed}
            raise Rejected(frozenset(failed), olds)
        if token is not None:
            self.tokens[token] = (repr(writes), self.clock())
        for write in writes:
            if isinstance(write, Put):
                kept = json.loads(json.dumps(dict(write.row.data)))
                self._store(write.table, replace(write.row, data=kept))
            else:
                self._remove(*_key(write))
        self.transactions.append(list(writes))

    def _store(self, table: str, row: StoredRow) -> None:
        kept = self._partitions.setdefault((table, row.pk), {})
        old = kept.get(row.sk)
        kept[row.sk] = row
        self._reindex(table, old, row)

    def _remove(self, table: str, pk: str, sk: str) -> None:
        old = self._partitions.get((table, pk), {}).pop(sk, None)
        self._reindex(table, old, None)

    def _reindex(
        self, table: str, old: StoredRow | None, new: StoredRow | None
    ) -> None:
        for name, attribute in _INDEXES.items():
            was = None if old is None else getattr(old, attribute)
            now = None if new is None else getattr(new, attribute)
            if was is not None and old is not None:
                self._indexed[(table, name, was[0])].pop((old.pk, old.sk), None)
            if now is not None and new is not None:
                place = self._indexed.setdefault((table, name, now[0]), {})
                place[(new.pk, new.sk)] = now[1]

    def _sent_before(self, token: str, writes: Sequence[Write]) -> bool:
        kept = self.tokens.get(token)
        if kept is None or self.clock() - kept[1] >= self.token_life_seconds:
            return False
        if kept[0] != repr(writes):
            raise TokenReused(token)
        return True


class Rows(MutableMapping[tuple[str, str, str], StoredRow]):
    """The rows of tables as one mapping, in the order in which they came."""

    def __init__(self, tables: MemoryTables) -> None:
        self._tables = tables

    def __getitem__(self, key: tuple[str, str, str]) -> StoredRow:
        row = self._tables.get(*key)
        if row is None:
            raise KeyError(key)
        return row

    def __setitem__(self, key: tuple[str, str, str], row: StoredRow) -> None:
        table, pk, sk = key
        self._tables._store(table, replace(row, pk=pk, sk=sk))

    def __delitem__(self, key: tuple[str, str, str]) -> None:
        if key not in self:
            raise KeyError(key)
        self._tables._remove(*key)

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        for (table, pk), kept in self._tables._partitions.items():
            for sk in kept:
                yield table, pk, sk

    def __len__(self) -> int:
        return sum(map(len, self._tables._partitions.values()))

    def __repr__(self) -> str:
        return repr(dict(self))


def _key(write: Write) -> tuple[str, str, str]:
    if isinstance(write, Delete):
        return (write.table, write.pk, write.sk)
    return (write.table, write.row.pk, write.row.sk)


class Killed(BaseException):
    """The process ended here; nothing in the product may catch this."""


class LossyTables(MemoryTables):
    """Loses the answer of one commit: the rows stand, the caller hears of a failure."""

    lose_after: str = ""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        super().transact(writes, token)
        wrote = " ".join(_key(write)[2] for write in writes)
        if self.lose_after and self.lose_after in wrote:
            self.lose_after = ""
            raise Retry("database_unavailable", "", "")


@dataclass
class MemoryObjects:
    """The Objects port: versions are numbered, a written-once key stays written."""

    versions: dict[str, list[StoredObject]] = field(default_factory=dict)

    def get(self, key: str, version_id: str | None = None) -> StoredObject | None:
        for stored in reversed(self.versions.get(key, [])):
            if version_id is None or stored.version_id == version_id:
                return stored
        return None

    def newest_version(self, key: str) -> tuple[str, int] | None:
        stored = self.get(key)
        return None if stored is None else (stored.version_id, len(stored.content))

    def first_versions(self, prefix: str) -> list[FirstVersion]:
        return [
            FirstVersion(key, held[0].version_id, len(held[0].content))
            for key, held in sorted(self.versions.items())
            if key.startswith(prefix)
        ]

    def first_key(self, prefix: str) -> str | None:
        below = [key for key in self.versions if key.startswith(prefix)]
        return min(below, default=None)

    def put_once(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        if key in self.versions:
            raise AlreadyWritten(key)
        return self._add(key, content, content_type, metadata or {})

    def put(self, key: str, content: bytes, *, content_type: str) -> str:
        return self._add(key, content, content_type, {})

    def upload_form(
        self, key: str, *, content_type: str, size_bytes: int, seconds: int
    ) -> UploadForm:
        fields = {"key": key, "Content-Type": content_type, "size": str(size_bytes)}
        return UploadForm("memory://upload", {**fields, "seconds": str(seconds)})

    def download_url(
        self, key: str, version_id: str, *, seconds: int, file_name: str
    ) -> str:
        return f"memory://{key}?version={version_id}&seconds={seconds}&as={file_name}"

    def _add(
        self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        held = self.versions.setdefault(key, [])
        version_id = f"v{len(held) + 1}"
        checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
        held.append(
            StoredObject(
                key, version_id, content, content_type, dict(metadata), checksum
            )
        )
        return version_id


@dataclass
class MemoryKeys:
    """KeyService whose wrapped keys open only under their own context."""

    made: int = 0
    kept: dict[bytes, tuple[bytes, dict[str, str]]] = field(default_factory=dict)
    unwrapped: int = 0

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        self.made += 1
        plain = hashlib.sha256(f"key {self.made}".encode()).digest()
        wrapped = f"wrapped {self.made}".encode()
        self.kept[wrapped] = (plain, dict(context))
        return plain, wrapped

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        self.unwrapped += 1
        plain, bound_to = self.kept.get(wrapped, (b"", {}))
        if bound_to != context:
            raise WrappedElsewhere
        return plain

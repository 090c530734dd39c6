"""In-memory adapters at the product's own ports. They keep AWS's documented rules."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from zerotrip.kernel.errors import Retry
from zerotrip.kernel.objects import AlreadyWritten, StoredObject, UploadForm
from zerotrip.kernel.tables import (
    Delete,
    Expect,
    Put,
    Rejected,
    StoredRow,
    TokenReused,
    Write,
)


def _holds(expect: Expect, old: StoredRow | None) -> bool:
    if expect.absent and old is not None:
        return False
    if expect.version is not None and (old is None or old.version != expect.version):
        return False
    return not expect.stages or (old is not None and old.stage in expect.stages)


@dataclass
class MemoryTables:
    """The Tables port: conditions, transactions, request tokens, three indexes."""

    rows: dict[tuple[str, str, str], StoredRow] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    transactions: list[list[Write]] = field(default_factory=list)

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        return self.rows.get((table, pk, sk))

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[StoredRow]:
        found = (self.rows.get((table, pk, sk)) for pk, sk in dict.fromkeys(keys))
        return [row for row in found if row is not None]

    def query(self, table: str, pk: str, prefix: str = "") -> list[StoredRow]:
        return [
            self.rows[key]
            for key in sorted(self.rows)
            if key[0] == table and key[1] == pk and key[2].startswith(prefix)
        ]

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
        attribute = {"due": "due", "worklist": "work", "subject": "subject"}[name]
        found = []
        for (kept_in, _, _), row in self.rows.items():
            pair = getattr(row, attribute)
            if kept_in != table or pair is None or pair[0] != partition:
                continue
            if until is None or pair[1] <= until:
                found.append((pair[1], row.pk, row.sk))
        found.sort(reverse=newest_first)
        return [(pk, sk) for _, pk, sk in found[:limit]]

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        keys = [_key(write) for write in writes]
        assert len(set(keys)) == len(keys), "one transaction writes a row twice"
        failed = [
            position
            for position, write in enumerate(writes)
            if not _holds(write.expect, self.rows.get(keys[position]))
        ]
        if token is not None and self._sent_before(token, writes):
            return
        if failed:
            olds = {position: self.rows.get(keys[position]) for position in failed}
            raise Rejected(frozenset(failed), olds)
        if token is not None:
            self.tokens[token] = repr(writes)
        for write in writes:
            if isinstance(write, Put):
                kept = json.loads(json.dumps(dict(write.row.data)))
                self.rows[_key(write)] = replace(write.row, data=kept)
            else:
                self.rows.pop(_key(write), None)
        self.transactions.append(list(writes))

    def _sent_before(self, token: str, writes: Sequence[Write]) -> bool:
        if token not in self.tokens:
            return False
        if self.tokens[token] != repr(writes):
            raise TokenReused(token)
        return True


def _key(write: Write) -> tuple[str, str, str]:
    if isinstance(write, Delete):
        return (write.table, write.pk, write.sk)
    return (write.table, write.row.pk, write.row.sk)


class Killed(BaseException):
    """The process ended here; nothing in the product may catch this."""


@dataclass
class LossyTables(MemoryTables):
    """Loses the answer of one commit: the rows stand, the caller hears of a failure."""

    lose_after: str = ""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        super().transact(writes, token)
        wrote = " ".join(getattr(write, "row", write).sk for write in writes)
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

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        self.made += 1
        plain = hashlib.sha256(f"key {self.made}".encode()).digest()
        wrapped = f"wrapped {self.made}".encode()
        self.kept[wrapped] = (plain, dict(context))
        return plain, wrapped

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        plain, bound_to = self.kept[wrapped]
        if bound_to != context:
            raise ValueError("InvalidCiphertextException: other encryption context")
        return plain

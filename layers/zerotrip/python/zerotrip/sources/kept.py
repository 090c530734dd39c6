"""Resolutions in the table `drafts`: one row per material, beside the draft.

`SOURCE#{material}`: references in clear, the provider's document sealed under the
application's own key. The case gets a row of its own at the freeze.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from zerotrip.kernel.aggregate import Row
from zerotrip.kernel.sealing import DataKey, KeyRing
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables
from zerotrip.sources.model import (
    SHARED,
    SOURCE,
    Application,
    Resolution,
    Resolved,
    Unresolved,
)

DRAFTS_TABLE = "drafts"
RESOLVED, UNRESOLVED = "resolved", "unresolved"


@dataclass(frozen=True, slots=True)
class Kept:
    """Reads and writes the resolutions of an application."""

    tables: Tables
    keys: KeyRing

    def rows(self, application: Application) -> dict[str, StoredRow]:
        """By material code."""
        found = self.tables.query(DRAFTS_TABLE, application.pk, SOURCE)
        return {row.sk.removeprefix(SOURCE): row for row in found}

    def keep(
        self,
        application: Application,
        looked: Mapping[str, Resolution],
        before: Mapping[str, StoredRow],
    ) -> None:
        """Writes each resolution where its row still is as it was read.

        What somebody else wrote meanwhile stays: two devices looked at the same time,
        and either answer is true.
        """
        documents = {
            code: each.document
            for code, each in looked.items()
            if isinstance(each, Resolved) and each.document is not None
        }
        sealed: dict[str, bytes] = {}
        if documents:
            data_key = self.keys.open(application.tenant, application.owner)
            sealed = {
                code: data_key.seal(application.pk, source_sk(code), content)
                for code, content in documents.items()
            }
        for code, resolution in looked.items():
            row = before.get(code)
            put = Put(
                DRAFTS_TABLE,
                _to_row(application, code, resolution, row, sealed.get(code)),
                Expect(version=row.version) if row else Expect(absent=True),
            )
            try:
                self.tables.transact([put])
            except Rejected:
                continue

    def with_documents(
        self,
        application: Application,
        found: Mapping[str, Resolved],
        rows: Mapping[str, StoredRow],
    ) -> dict[str, Resolved]:
        """The same, with each provider's document in clear: the case seals its own."""
        closed = [
            code
            for code, each in found.items()
            if each.source == SHARED and each.document is None
        ]
        if not closed:
            return dict(found)
        data_key = self.keys.open(application.tenant, application.owner)
        opened = {
            code: data_key.unseal(
                application.pk, source_sk(code), rows[code].sealed or b""
            )
            for code in closed
        }
        return {
            code: replace(each, document=opened.get(code, each.document))
            for code, each in found.items()
        }


def read(row: StoredRow) -> Resolution:
    """What a row says."""
    if row.stage == UNRESOLVED:
        return Unresolved.from_data(row.data)
    return Resolved.from_data(row.data)


def source_sk(material: str) -> str:
    """Sort key of a material's resolution, under a draft and under a case."""
    return f"{SOURCE}{material}"


def case_row(
    data_key: DataKey, case_ref: str, material: str, resolved: Resolved
) -> Row | None:
    """The case's row that keeps the provider's document; None for a licence.

    `case_ref` is the case's `Key.ref`, to which the ciphertext is bound.
    """
    if resolved.document is None:
        return None
    sk = source_sk(material)
    return Row(sk, resolved.pin(), data_key.seal(case_ref, sk, resolved.document))


def read_document(data_key: DataKey, case_ref: str, row: Row) -> bytes:
    """The provider's document, canonical JSON; for the officer, never for a log."""
    return data_key.unseal(case_ref, row.sk, row.sealed or b"")


def _to_row(
    application: Application,
    code: str,
    resolution: Resolution,
    before: StoredRow | None,
    sealed: bytes | None,
) -> StoredRow:
    return StoredRow(
        pk=application.pk,
        sk=source_sk(code),
        data=resolution.as_data(),
        version=(before.version or 0) + 1 if before else 1,
        stage=RESOLVED if isinstance(resolution, Resolved) else UNRESOLVED,
        sealed=sealed,
        expires_at=application.expires_at,
    )

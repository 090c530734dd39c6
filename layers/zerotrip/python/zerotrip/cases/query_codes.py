"""The query code: what people say instead of a case number of 45 characters. Pure.

    T#QUERY#{code}    CASE    {case_no, telephone}

The code is random and belongs to one case of the tenant. `telephone` is a keyed hash of
the last four characters of the applicant's telephone, None where there is none: the
code alone opens nothing (docs/decisions/0016-query-codes.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import pointer
from zerotrip.identity.rows import keyed_hash
from zerotrip.kernel.records import RECORDS_TABLE
from zerotrip.kernel.tables import Expect, Put, StoredRow, Tables

_CASE = "CASE"
_LAST = 4


@dataclass(frozen=True, slots=True)
class QueryPointer:
    """Which case a code stands for. `version` 0 is not stored yet."""

    tenant: str
    code: str
    case_no: str
    telephone: str | None
    version: int = 0

    def put(self) -> Put:
        """Its write: where no row of that code is, or where it is as it was read."""
        return Put(
            RECORDS_TABLE,
            StoredRow(
                pk=_partition(self.tenant, self.code),
                sk=_CASE,
                data={"case_no": self.case_no, "telephone": self.telephone},
                version=self.version + 1,
            ),
            Expect(version=self.version) if self.version else Expect(absent=True),
        )


def read_pointer(tables: Tables, tenant: str, code: str) -> QueryPointer | None:
    """The pointer of that code, read consistently."""
    row = tables.get(RECORDS_TABLE, _partition(tenant, code), _CASE)
    if row is None:
        return None
    said = row.data
    version = row.version or 0
    return QueryPointer(tenant, code, said["case_no"], said["telephone"], version)


def telephone_rewritten(
    tables: Tables,
    tenant: str,
    code: str | None,
    telephone: str | None,
) -> tuple[Put, ...]:
    """The write that gives the pointer another hash; empty where it is the same.

    Cases that were handed in before there were codes have no pointer.
    """
    stored = None if code is None else read_pointer(tables, tenant, code)
    if stored is None or stored.telephone == telephone:
        return ()
    return (replace(stored, telephone=telephone).put(),)


def telephone_hash(
    hash_key: bytes, code: str, item: Item, form: Mapping[str, Any]
) -> str | None:
    """The keyed hash of the telephone's last four characters, under this code alone."""
    path = item.applicant.telephone_path
    said = None if path is None else pointer(form, path)
    if not isinstance(said, str) or len(said) < _LAST:
        return None
    # With the code in it, equal endings of two cases have unequal hashes.
    return keyed_hash(hash_key, f"query:{code}:{said[-_LAST:]}")


def _partition(tenant: str, code: str) -> str:
    return f"{tenant}#QUERY#{code}"

"""The catalogue's shared files as they are published: elements, shared materials.

Rows of the table `catalogue`: `{tenant}#SHARED` and `{tenant}#ELEMENTS` / code,
`{tenant}#CALENDAR` / `YEARS`. An item is held against these, not against what its
editor sends along.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zerotrip.catalogue.model import DataElement, SharedMaterial
from zerotrip.kernel.tables import Put, StoredRow, Tables

TABLE = "catalogue"
YEARS = "YEARS"
_AT_ONCE = 90
"""A transaction takes a hundred writes."""


def publish_shared_materials(
    tables: Tables, tenant: str, materials: Iterable[SharedMaterial]
) -> int:
    """Offers these materials from now on, whatever was said before; answers how many.

    Whoever publishes may be run again: it changes nothing that is already so.
    """
    return _publish(tables, _shared(tenant), materials)


def publish_elements(
    tables: Tables, tenant: str, elements: Iterable[DataElement]
) -> int:
    """The same for the shared data elements."""
    return _publish(tables, _elements(tenant), elements)


def published_shared_materials(
    tables: Tables, tenant: str
) -> dict[str, SharedMaterial]:
    """All that are published, by code."""
    rows = tables.query(TABLE, _shared(tenant))
    return {row.sk: SharedMaterial.model_validate(dict(row.data)) for row in rows}


def published_elements(tables: Tables, tenant: str) -> dict[str, DataElement]:
    """All data elements that are published, by code."""
    rows = tables.query(TABLE, _elements(tenant))
    return {row.sk: DataElement.model_validate(dict(row.data)) for row in rows}


def shared_materials(
    tables: Tables, tenant: str, codes: Iterable[str]
) -> dict[str, SharedMaterial]:
    """The published ones among these codes; one batch get."""
    keys = [(_shared(tenant), code) for code in dict.fromkeys(codes)]
    return {
        row.sk: SharedMaterial.model_validate(dict(row.data))
        for row in (tables.get_many(TABLE, keys) if keys else [])
    }


def publish_working_days(tables: Tables, tenant: str, years: Mapping[str, Any]) -> None:
    """Loads announced years beside those that the software knows; none changes none."""
    if years:
        row = StoredRow(calendar_partition(tenant), YEARS, dict(years))
        tables.transact([Put(TABLE, row)])


def published_working_days(tables: Tables, tenant: str) -> Mapping[str, Any]:
    """The years that an operator loaded."""
    row = tables.get(TABLE, calendar_partition(tenant), YEARS)
    return {} if row is None else row.data


def calendar_partition(tenant: str) -> str:
    """Where a tenant's working days stand."""
    return f"{tenant}#CALENDAR"


def _publish(
    tables: Tables, partition: str, entries: Iterable[SharedMaterial | DataElement]
) -> int:
    writes = [
        Put(TABLE, StoredRow(partition, each.code, each.model_dump(mode="json")))
        for each in entries
    ]
    for start in range(0, len(writes), _AT_ONCE):
        tables.transact(writes[start : start + _AT_ONCE])
    return len(writes)


def _shared(tenant: str) -> str:
    return f"{tenant}#SHARED"


def _elements(tenant: str) -> str:
    return f"{tenant}#ELEMENTS"

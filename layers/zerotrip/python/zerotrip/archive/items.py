"""Chains of the records table as DynamoDB's own items have them, whatever was done.

A row that cannot be read any more is not an error here, but what one looks for.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from zerotrip.archive.comparing import TableChain
from zerotrip.archive.model import Link, link_of
from zerotrip.kernel.records import HEAD, event_row
from zerotrip.kernel.tables import StoredRow

Item = Mapping[str, Mapping[str, Any]]


def link_of_item(item: Item) -> Link:
    """The link that an event row makes; an unsound one at seq 0 if it is unreadable."""
    sealed = bytes(item["sealed"]["B"]) if "sealed" in item else None
    pk, sk = item["pk"]["S"], item["sk"]["S"]
    try:
        data = json.loads(item["data"]["S"])
        return link_of(event_row(StoredRow(pk, sk, data, sealed=sealed)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Link(sk, 0, "", "", sound=False, time="")


def chains_of(items: Iterable[Item]) -> dict[str, TableChain]:
    """Every aggregate of a table's items, by partition key."""
    links: dict[str, list[Link]] = {}
    ends: dict[str, tuple[int, str]] = {}
    for item in items:
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if sk.startswith("EVENT#"):
            links.setdefault(pk, []).append(link_of_item(item))
        elif sk == HEAD:
            links.setdefault(pk, [])
            ends[pk] = _end_of(item)
    return {
        pk: TableChain(
            tuple(sorted(found, key=lambda each: each.seq)), *ends.get(pk, (0, ""))
        )
        for pk, found in links.items()
    }


def _end_of(item: Item) -> tuple[int, str]:
    try:
        return int(item["version"]["N"]), str(json.loads(item["data"]["S"])["hash"])
    except (ValueError, KeyError, TypeError):
        return 0, ""

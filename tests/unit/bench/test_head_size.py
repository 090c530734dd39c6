"""A head stays under 1 KB: beyond it each write of it costs two units more."""

from __future__ import annotations

import json

import pytest

from tests.support.town import ROLES, Town, in_order
from zerotrip.kernel.records import HEAD
from zerotrip.kernel.tables import Put, StoredRow

LONGER_SUB = 26 - len("sub-1")
"""A real subject's id has 26 characters; it stands in the head once."""


def bytes_of(row: StoredRow) -> int:
    """DynamoDB's way: names and values in UTF-8, a small number in three bytes."""
    body = json.dumps(dict(row.data), ensure_ascii=False, separators=(",", ":"))
    texts = ["pk", row.pk, "sk", row.sk, "data", body, "version", "000"]
    texts += ["stage", row.stage or ""]
    if row.due:
        texts += ["due_pk", "due_at", *row.due]
    if row.subject:
        texts += ["subject_pk", "received_at", *row.subject]
    return sum(len(text.encode()) for text in texts)


@pytest.mark.parametrize("folder", sorted(ROLES))
def test_a_cases_head_stays_under_one_kilobyte(folder: str) -> None:
    town = Town(folder)
    town.run(in_order)
    heads = [
        write.row
        for writes in town.world.tables.transactions
        for write in writes
        if isinstance(write, Put) and write.row.sk == HEAD and "#CASE#" in write.row.pk
    ]
    assert len(heads) >= 6
    assert max(bytes_of(head) for head in heads) + LONGER_SUB <= 1024

"""An office's open tasks, oldest application first. No personal data."""

from __future__ import annotations

from typing import Any

from zerotrip.cases.model import WORK_SHARDS, CaseNow, read, work_partition
from zerotrip.kernel.records import Records


def open_tasks(
    records: Records,
    tenant: str,
    *,
    organisation: str,
    department: str,
    roles: frozenset[str],
    limit: int = 50,
) -> list[tuple[CaseNow, dict[str, Any]]]:
    """Cases that wait for one of these roles in this office, with their tasks."""
    partitions = [
        work_partition(tenant, organisation, department, role, shard)
        for role in sorted(roles)
        for shard in range(WORK_SHARDS)
    ]
    found = records.worklist(partitions, limit)
    heads = {head.key: head for head in records.heads([key for key, _ in found])}
    tasks = []
    for key, sk in found:
        task = records.row(key, sk)
        if key in heads and task is not None and task.work is not None:
            tasks.append((read(heads[key]), {"task": sk, **task.data}))
    tasks.sort(key=lambda pair: pair[0].case.received_at)
    return tasks[:limit]

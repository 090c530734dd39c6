"""The finance office's list: money that came too late, twice, or not as billed.

An entry is a `TASK#` row of the bill, in the work list of the bill's organisation under
the role `finance`: one for each payment, whatever is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from zerotrip.cases.model import WORK_SHARDS, work_partition, work_shard
from zerotrip.kernel.aggregate import Row
from zerotrip.kernel.records import Records

FINANCE = "finance"
"""The role, and in place of a department: refunds are the whole organisation's."""
REFUND = "refund"


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry: which payment, for which bill, and why somebody must look at it.

    `payment` is channel and transaction, `amount_fen` what the channel says has come,
    in the smallest unit of `currency`; `listed_at` a UTC text. `certain` is false while
    the channel's words and the bill contradict each other: what has come is not sure.
    """

    bill: str
    case_no: str
    why: str
    payment: str
    amount_fen: int
    currency: str
    listed_at: str
    certain: bool = True


def listed(tenant: str, organisation: str, entry: Listed) -> Row:
    """The row that puts a payment on the list, the oldest first."""
    shard = work_shard(entry.case_no)
    partition = work_partition(tenant, organisation, FINANCE, FINANCE, shard)
    return Row(
        sk=entry_key(entry),
        data={"kind": REFUND, "role": FINANCE, "state": "open", **asdict(entry)},
        work=(partition, entry.listed_at),
    )


def explained(tenant: str, organisation: str, entry: Listed) -> Row:
    """The entry, off the list: the channel has said what is true of the payment."""
    row = listed(tenant, organisation, entry)
    return replace(row, data={**row.data, "state": "dropped"}, work=None)


def entry_key(entry: Listed) -> str:
    """The sort key of an entry: what is due back stands apart from what is unsure."""
    return f"TASK#{entry.payment}" + ("" if entry.certain else ":unsure")


def partitions(tenant: str, organisation: str) -> list[str]:
    """Where an organisation's entries stand in the work-list index."""
    return [
        work_partition(tenant, organisation, FINANCE, FINANCE, shard)
        for shard in range(WORK_SHARDS)
    ]


def refund_list(
    records: Records, tenant: str, organisations: Iterable[str], limit: int = 1000
) -> list[Listed]:
    """The open entries of these organisations (USCCs), the oldest first."""
    found = []
    for organisation in organisations:
        for key, sk in records.worklist(partitions(tenant, organisation), limit):
            row = records.row(key, sk)
            if row is not None and row.work is not None:
                found.append(read_entry(row.data))
    return sorted(found, key=lambda entry: entry.listed_at)


def read_entry(data: Mapping[str, Any]) -> Listed:
    """The entry that a row holds."""
    return Listed(**{name: data[name] for name in Listed.__slots__})

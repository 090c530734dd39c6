"""The watchdog of bills: the channel is asked, and a bill's time ends, by the clock.

`watch_deadlines` holds no key of a channel, so it only sends `collect_payment` a
message: a hint like all others, of a shape of its own, since no event asks for it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.identifiers import RECORD_NUMBER
from zerotrip.kernel.messages import Tenant
from zerotrip.kernel.records import Overtaken, Records
from zerotrip.payments import model


class DueBill(BaseModel):
    """Which bill."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tenant: Tenant
    id: Annotated[str, Field(pattern=f"^{RECORD_NUMBER.pattern}$")]


class BillDue(BaseModel):
    """The message from `watch_deadlines` to `collect_payment`; closed to the rest."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    bill: DueBill


def watch_bills(
    records: Records,
    send: Callable[[Mapping[str, Any]], None],
    due: Sequence[Key],
    tick: datetime,
) -> int:
    """Sends a message for each bill that is due; answers how many.

    Sent first, moved on then: a crash between sends it again at the next tick, and
    what a channel says twice is stored once.
    """
    sent = 0
    for head in records.heads([key for key in due if key.kind is Kind.BILL]):
        if head.due_at is None or times.from_text(head.due_at) > tick:
            continue  # the index lags behind: paid, ended or opened again since
        bill = DueBill(tenant=head.key.tenant, id=head.key.id)
        send(BillDue(bill=bill).model_dump())
        sent += 1
        # Overtaken: paid, ended or opened again in this moment, with its own due time.
        with contextlib.suppress(Overtaken):
            records.touch(head, *model.looked_after(model.read_bill(head), tick))
    return sent

"""Drafts about to expire: `watch_deadlines` says so, `notify` tells their owners once.

No event of a draft is stored, so the message is of a shape of its own. It is a hint
like all others: the step reads the draft's row, and no row means no effect.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from zerotrip.cases.drafts import DRAFT, DRAFTS_TABLE, OPEN, Drafts
from zerotrip.kernel import times
from zerotrip.kernel.messages import Tenant
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables

DRAFTS_PER_SHARD = 25
"""Looked at in one tick: 4 shards x 25 x about 30 ms stay far below the function's
15 s, and 6,000 an hour over three days are more than a weekend's 80,000."""

_WARNED = "warned"


class ExpiringDraft(BaseModel):
    """Which draft, and when it expires: a later save makes this message void."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tenant: Tenant
    application: Annotated[str, Field(pattern=r"^[0-9A-Z]{1,64}$")]
    expires_at: Annotated[str, Field(pattern=r"^[0-9-]{10}T[0-9:.]{8,12}Z$")]


class DraftExpiring(BaseModel):
    """The message from `watch_deadlines` to `notify`; closed to anything else."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    draft: ExpiringDraft


def warn_of_drafts(
    drafts: Drafts,
    send: Callable[[Mapping[str, Any]], None],
    tenant: str,
    tick: datetime,
) -> int:
    """Sends a message for each draft whose warning is due; answers how many.

    The tick's own time is the only clock. Sent first, marked then: a crash between
    sends the message again, and `notify`'s key makes one notice of both.
    """
    until = times.to_text(tick)
    sent = 0
    for row in drafts.expiring(tenant, until, DRAFTS_PER_SHARD):
        if row.due is None or row.due[1] > until:
            continue  # the index lags behind: saved or handed in since
        if times.from_text(row.data["expires_at"]) > tick:
            send(_message(tenant, row).model_dump())
            sent += 1
        _mark(drafts.tables, row)
    return sent


def still_expiring(tables: Tables, draft: ExpiringDraft) -> StoredRow | None:
    """The draft's row; None when it is gone, handed in, or was saved since."""
    row = tables.get(DRAFTS_TABLE, f"{draft.tenant}#APP#{draft.application}", DRAFT)
    if row is None or row.stage != OPEN or row.data["expires_at"] != draft.expires_at:
        return None
    return row


def _message(tenant: str, row: StoredRow) -> DraftExpiring:
    return DraftExpiring(
        draft=ExpiringDraft(
            tenant=tenant,
            application=row.pk.rpartition("#")[2],
            expires_at=row.data["expires_at"],
        )
    )


def _mark(tables: Tables, row: StoredRow) -> None:
    """Takes the row out of the due index; its version, the draft's ETag, stays."""
    marked = replace(row, data={**row.data, _WARNED: True}, due=None)
    expect = Expect(version=row.version, stages=frozenset({OPEN}))
    # Rejected: saved, handed in or deleted since it was read. The person's own write
    # has set the row right, and the message finds the draft moved on.
    with contextlib.suppress(Rejected):
        tables.transact([Put(DRAFTS_TABLE, marked, expect)])

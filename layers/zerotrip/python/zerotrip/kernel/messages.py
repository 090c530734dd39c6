"""What travels: a CloudEvent that points at a stored event row, and nothing more.

A message is a hint (design rule 5): actor and content come from the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from zerotrip.kernel.aggregate import EventRow, Key

EVENT_SOURCE = "zerotrip"
TYPE_PREFIX = "zerotrip."
SCHEMA_VERSION = "v1"

Tenant = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Message = TypeVar("Message")


@dataclass(frozen=True, slots=True)
class Arrived(Generic[Message]):
    """A message of a batch, and when it was first queued: a redelivery keeps that."""

    message: Message
    sent_at: datetime


class Pointer(BaseModel):
    """The `data` of every event: references only, closed to anything else."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    tenant: Tenant
    organisation: Annotated[str, Field(max_length=18)]
    # ASCII: 512 characters stay below the 1,024 bytes of a sort key; no name fits.
    aggregate: Annotated[
        str,
        Field(pattern=r'^(CASE|BILL|SHIPMENT|LICENCE|NOTICE|ITEM)#[!-"$-~]{1,120}$'),
    ]
    event: Annotated[str, Field(pattern=r"^EVENT#[!-~]+$", max_length=512)]
    seq: Annotated[int, Field(ge=1)]
    next_steps: tuple[str, ...]

    @property
    def key(self) -> Key:
        """The aggregate whose row the message points at."""
        return Key.from_ref(self.tenant, self.aggregate)


class CloudEvent(BaseModel):
    """CloudEvents 1.0.2, structured mode; the body of every step's message."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    specversion: Literal["1.0"] = "1.0"
    id: Annotated[str, Field(max_length=160)]
    source: Annotated[str, Field(pattern=r"^zerotrip/[0-9]{6}$")]
    type: Annotated[str, Field(pattern=r"^zerotrip\.[a-z]+\.[a-z_]+\.v1$")]
    subject: str
    time: str
    datacontenttype: Literal["application/json"] = "application/json"
    data: Pointer


def cloud_event(row: EventRow) -> CloudEvent:
    """The one message that an event row gives rise to, the same at each publication."""
    return CloudEvent(
        id=row.ref,
        source=f"zerotrip/{row.key.tenant}",
        type=f"{TYPE_PREFIX}{row.type}.{SCHEMA_VERSION}",
        subject=row.key.ref,
        time=row.time,
        data=Pointer(
            tenant=row.key.tenant,
            organisation=row.organisation,
            aggregate=row.key.ref,
            event=row.sk,
            seq=row.seq,
            next_steps=row.next_steps,
        ),
    )

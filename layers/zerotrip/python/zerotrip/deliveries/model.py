"""A shipment: one parcel, one way, and where its carrier last saw it. Pure.

Statuses arrive late, twice and out of order: docs/decisions/0008-money-and-parcels.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from zerotrip.cases.commands import Command
from zerotrip.cases.facts import Fact, FactTransition, fact_change
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import GENESIS, Change, Head, Key, Kind


class ShipmentStage(StrEnum):
    """Where a parcel stands; every member says what is true in it."""

    ORDERED = "ordered"
    """We want it; the carrier may not know yet. The head stands before any event."""
    DISPATCHED = "dispatched"
    """The carrier has the order and gave it a waybill."""
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    EXCEPTION = "exception"
    """Stuck; somebody must look."""
    OUT_FOR_DELIVERY = "out_for_delivery"
    ATTEMPT_FAILED = "attempt_failed"
    """Nobody was there; the carrier tries again."""
    AT_LOCKER = "at_locker"
    """Waits for the receiver in a locker or at an agent."""
    RETURNING = "returning"
    LOST = "lost"
    """Until the carrier says otherwise."""
    DELIVERED = "delivered"
    """The receiver has it. Final."""
    RETURNED = "returned"
    """The sender has it again. Final."""
    CANCELLED = "cancelled"
    """Never picked up. Final."""


ENDED = frozenset(
    {ShipmentStage.DELIVERED, ShipmentStage.RETURNED, ShipmentStage.CANCELLED}
)
"""What no carrier's word leaves; an operator may."""

_BY_STATUS = {"CREATED": ShipmentStage.DISPATCHED} | {
    stage.name: stage
    for stage in ShipmentStage
    if stage not in (ShipmentStage.ORDERED, ShipmentStage.DISPATCHED)
}
_RANKS = {stage: rank for rank, stage in enumerate(ShipmentStage)}
"""Of two scans in the same millisecond, the later step of the journey counts."""

ORDER_STEP = "dispatch_courier"
TRACK_STEP = "track"
MOVING = frozenset(ShipmentStage) - ENDED


SHIPMENT_TRANSITIONS: dict[str, FactTransition] = {
    "shipment.dispatched": FactTransition(
        ORDER_STEP, frozenset(ShipmentStage) - {ShipmentStage.CANCELLED}, None
    ),
    "shipment.cancelled": FactTransition(ORDER_STEP, MOVING, ShipmentStage.CANCELLED),
    "shipment.cancellation_refused": FactTransition(ORDER_STEP, MOVING, None),
    "shipment.scanned": FactTransition(TRACK_STEP, frozenset(ShipmentStage), None),
} | {
    f"shipment.{status.lower()}": FactTransition(TRACK_STEP, MOVING, stage)
    for status, stage in _BY_STATUS.items()
    if stage is not ShipmentStage.CANCELLED
}
"""`shipment.cancelled` also creates, and comes from the carrier too; a scan that tells
nothing new is `shipment.scanned`, so that nobody is told of it."""


class Shipment(Fact):
    """The body of a shipment's head: references, no address.

    `facts` maps `dispatched`, `delivered` to the seq that made it true, and `ordered`
    to 0, since the head alone says so; what was cancelled before that lacks it.
    `scanned` is the last scan that counted: UTC text and rank.
    """

    direction: Literal["pickup", "delivery"]
    waybill: str | None = None
    scanned: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ShipmentNow:
    """A shipment as read: its head and its body."""

    head: Head
    shipment: Shipment

    @property
    def key(self) -> Key:
        """The aggregate's key."""
        return self.head.key

    @property
    def stage(self) -> ShipmentStage:
        """Where it stands."""
        return ShipmentStage(self.head.stage)

    @property
    def facts(self) -> Mapping[str, int]:
        """What became true, and by which event."""
        return self.shipment.facts


@dataclass(frozen=True, slots=True)
class Scan:
    """What a carrier says of a parcel: a status of ours, when and under what number."""

    status: str
    occurred_at: datetime
    waybill: str

    @property
    def stage(self) -> ShipmentStage:
        """The stage that the status means. Raises KeyError for an unknown one."""
        return _BY_STATUS[self.status]


def shipment_key(tenant: str, shipment_id: str) -> Key:
    """The key of a shipment."""
    return Key(tenant, Kind.SHIPMENT, shipment_id)


def read_shipment(head: Head) -> ShipmentNow:
    """The shipment that a head of kind SHIPMENT holds."""
    return ShipmentNow(head, Shipment.model_validate(dict(head.body)))


def ordered(key: Key, shipment: Shipment) -> Head:
    """A new shipment's head, stored before the carrier is asked.

    Without an event: the case's own event already says that the parcel is wanted.
    """
    made = shipment.model_copy(update={"facts": {"ordered": 0}})
    body = made.model_dump(mode="json", exclude_defaults=True)
    return Head(key, 0, ShipmentStage.ORDERED, GENESIS, body)


def cancel_unordered(key: Key, shipment: Shipment, command: Command) -> Change:
    """The cancellation overtook the order: the carrier is never asked."""
    return _change(None, key, shipment, "shipment.cancelled", command)


def dispatch(now: ShipmentNow, waybill: str, command: Command) -> Change:
    """The carrier took the order. Its first scans may have been faster."""
    facts = {**now.facts, "dispatched": now.head.version + 1}
    made = now.shipment.model_copy(update={"facts": facts, "waybill": waybill})
    stage = ShipmentStage.DISPATCHED
    if now.stage is not ShipmentStage.ORDERED:
        stage = now.stage
    return _change(now, now.key, made, "shipment.dispatched", command, stage=stage)


def cancel(now: ShipmentNow, command: Command) -> Change:
    """The carrier gave the order back, or never had it."""
    return _change(now, now.key, now.shipment, "shipment.cancelled", command)


def refuse_cancellation(now: ShipmentNow, command: Command) -> Change:
    """Too late: the parcel is on its way, and is tracked to its end."""
    return _change(now, now.key, now.shipment, "shipment.cancellation_refused", command)


def track(now: ShipmentNow, scan: Scan, command: Command) -> Change:
    """Stores a scan; it moves the stage only if it tells something newer.

    The newer is the later scan, by time and then by rank. What ends a journey counts
    whatever its time: a carrier's clock must not keep a case waiting for ever.
    """
    occurred_at = times.to_text(scan.occurred_at)
    place = (occurred_at, _RANKS[scan.stage])
    before = now.shipment.scanned
    moves = now.stage not in ENDED and (
        scan.stage in ENDED or before is None or place > before
    )
    event_type = f"shipment.{scan.status.lower()}" if moves else "shipment.scanned"
    update: dict[str, Any] = {"waybill": now.shipment.waybill or scan.waybill}
    arrived = moves and scan.stage is ShipmentStage.DELIVERED
    if moves:
        update["scanned"] = place
    if arrived:
        update["facts"] = {**now.facts, "delivered": now.head.version + 1}
    return _change(
        now,
        now.key,
        now.shipment.model_copy(update=update),
        event_type,
        command,
        step=TRACK_STEP,
        extra={"status": scan.status, "occurred_at": occurred_at},
        next_steps=("advance_case",) if arrived else (),
    )


def request_of(scan: Scan) -> str:
    """What tells a repeated callback from another one under the same id."""
    return f"{scan.status} {times.to_text(scan.occurred_at)} {scan.waybill}"


def _change(
    now: ShipmentNow | None,
    key: Key,
    shipment: Shipment,
    event_type: str,
    command: Command,
    *,
    stage: ShipmentStage | None = None,
    step: str | None = None,
    extra: Mapping[str, Any] | None = None,
    next_steps: tuple[str, ...] = (),
) -> Change:
    transition = SHIPMENT_TRANSITIONS[event_type]
    change = fact_change(
        now.head if now else None,
        key,
        shipment,
        command,
        transition,
        event_type=event_type,
        stage=stage or transition.to or (now.stage if now else ShipmentStage.ORDERED),
        said={
            "direction": shipment.direction,
            **({"waybill": shipment.waybill} if shipment.waybill else {}),
            **(extra or {}),
        },
        step=step,
        next_steps=next_steps,
    )
    # A head that stands before its first event was reserved by `ordered`.
    return replace(change, reserved=now is not None and now.head.version == 0)

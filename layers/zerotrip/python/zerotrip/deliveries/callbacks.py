"""What a courier's callback does: the scan is stored first, then it is news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from zerotrip.cases.commands import Command
from zerotrip.deliveries import model
from zerotrip.deliveries.clients.courier import Courier
from zerotrip.deliveries.model import Scan
from zerotrip.kernel.aggregate import Change, EventRow, Head
from zerotrip.kernel.errors import Conflict, NotFound
from zerotrip.kernel.identifiers import RECORD_NUMBER
from zerotrip.kernel.records import Records
from zerotrip.kernel.steps import settle

PARTNER = "courier"


@dataclass(frozen=True, slots=True)
class ParcelCallbacks:
    """The ports of the callback: our tenant, records, who signs, the clock."""

    tenant: str
    records: Records
    courier: Courier
    now: Callable[[], datetime]


def parcel_callback(
    headers: Mapping[str, str], raw_body: bytes, deps: ParcelCallbacks
) -> EventRow:
    """Stores the scan that a callback tells of, from the callback's raw bytes.

    Raises AlreadyDone for a repeated callback (a success to the courier);
    Unauthenticated or Malformed from the courier's client, NotFound
    `shipment_unknown`, Conflict `waybill_mismatch`, GiveUp `cause_taken`: nothing
    stored.
    """
    notice = deps.courier.read_callback(headers, raw_body)
    # A number that we cannot have minted is foreign, and is never made a key.
    if not RECORD_NUMBER.fullmatch(notice.shipment_id):
        raise _unknown()
    scan = Scan(str(notice.status), notice.occurred_at, notice.waybill)
    command = Command(
        cause=f"{PARTNER}:{notice.callback_id}:{notice.status}",
        actor=f"partner:{PARTNER}",
        now=deps.now(),
        request=model.request_of(scan),
    )

    def decide(head: Head | None) -> Change:
        if head is None:
            raise _unknown()
        now = model.read_shipment(head)
        if now.shipment.waybill not in (None, scan.waybill):
            raise Conflict(
                "waybill_mismatch",
                "回调的运单号与记录不符，未作处理。",
                "The callback names another waybill; nothing was changed.",
                detail={"shipment": now.key.id},
            )
        return model.track(now, scan, command)

    key = model.shipment_key(deps.tenant, notice.shipment_id)
    return settle(deps.records, key, decide).events[0]


def _unknown() -> NotFound:
    return NotFound("shipment_unknown", "没有找到该寄递。", "No such shipment.")

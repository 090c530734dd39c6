"""What `dispatch_courier` does with one message: order a parcel, or take it back.

The shipment's head is stored first, then the carrier is asked under the same number,
then its answer is stored; the message is acknowledged only after that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.cases import effects
from zerotrip.cases.commands import machine
from zerotrip.cases.handed import read_handed
from zerotrip.cases.model import CaseNow, stored_case
from zerotrip.catalogue.pointers import pointer
from zerotrip.catalogue.publication import Catalogue
from zerotrip.deliveries import model
from zerotrip.deliveries.clients.courier import Contact, Courier
from zerotrip.deliveries.model import ENDED, Shipment, ShipmentNow, ShipmentStage
from zerotrip.kernel.aggregate import Change, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Overtaken, Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.steps import asked, done_before, settle

CARGO = {"pickup": "纸质申请材料", "delivery": "证照或办理结果"}
_REGION = ("province", "city", "county")


@dataclass(frozen=True, slots=True)
class DeliverySteps:
    """The ports of these steps; `office` is where papers go to and results come from.

    `keys` is made when a form must be opened, which a cancellation never needs.
    """

    tenant: str
    records: Records
    catalogue: Catalogue
    keys: Callable[[], KeyRing]
    courier: Courier
    office: Contact
    now: Callable[[], datetime]


def office_of(settings: Mapping[str, Any]) -> tuple[Contact, dict[str, Any]]:
    """The office's contact out of the courier's secret, and the rest of the secret.

    The secret holds `office: {name, telephone, address}` beside the fields of
    `CourierConfig`. Raises GiveUp `office_contact_missing`.
    """
    rest = {name: value for name, value in settings.items() if name != "office"}
    office = settings.get("office")
    names = ("name", "telephone", "address")
    if not (isinstance(office, Mapping) and all(office.get(name) for name in names)):
        raise GiveUp(
            "office_contact_missing",
            "快递服务的配置缺少办理单位的收寄件信息（office）。",
            "The courier's settings lack `office`: name, telephone and address.",
        )
    return Contact(**{name: str(office[name]) for name in names}), rest


def dispatch_courier(message: CloudEvent, deps: DeliverySteps) -> None:
    """Orders the parcel that a case's event asks for; cancels those it takes back.

    Raises AlreadyDone when all of it was done before, Retry when the carrier does not
    answer, GiveUp when it refuses or the case lacks what is needed.
    """
    event = asked(deps.records, message, deps.tenant, model.ORDER_STEP)
    tasks = effects.tasks_of(
        event,
        Kind.SHIPMENT,
        lambda wanted: _order(event, wanted, deps),
        lambda key: _cancel(event, key, deps),
    )
    if not tasks:
        raise _not_asked(event.key)
    effects.carry_out(tasks)


def _order(event: EventRow, wanted: Mapping[str, Any], deps: DeliverySteps) -> None:
    key = model.shipment_key(deps.tenant, wanted["id"])
    case = _case(event, deps)
    now = _stored(key, _shipment(event, wanted, case), deps)
    if "dispatched" in now.facts:
        raise done_before(deps.records.history(key)[now.facts["dispatched"] - 1])
    if "ordered" not in now.facts:
        raise _ended(now)
    if now.stage is ShipmentStage.CANCELLED:
        # An earlier delivery of this message may have reached the carrier and died.
        raise _call_off(now, deps)
    waybill = _waybill(now, case, deps)
    command = machine(event, deps.now(), model.ORDER_STEP)

    def decide(head: Head | None) -> Change:
        latest = now if head is None else model.read_shipment(head)
        if latest.stage is ShipmentStage.CANCELLED:
            # Withdrawn while the carrier was being asked.
            raise _call_off(latest, deps)
        return model.dispatch(latest, waybill, command)

    settle(deps.records, key, decide)


def _stored(key: Key, shipment: Shipment, deps: DeliverySteps) -> ShipmentNow:
    """The shipment as it stands, made if there is none yet."""
    head = deps.records.head(key)
    if head is None:
        try:
            # Two deliveries of one message at once: one makes it, and both go on.
            head = deps.records.reserve(model.ordered(key, shipment))
        except Overtaken as busy:
            raise Retry(
                "shipment_unread",
                "寄递记录读取失败。",
                "The shipment could not be read.",
                detail={"shipment": key.id},
            ) from busy
    return model.read_shipment(head)


def _cancel(event: EventRow, key: Key, deps: DeliverySteps) -> None:
    command = machine(event, deps.now(), model.ORDER_STEP)

    def decide(head: Head | None) -> Change:
        if head is None:
            asked_for = effects.asking_event(deps.records, event.key, key)
            if asked_for is None:
                raise _not_asked(key)
            shipment = _shipment(*asked_for, _case(event, deps))
            return model.cancel_unordered(key, shipment, command)
        now = model.read_shipment(head)
        if now.stage in ENDED:
            raise _ended(now)
        # Asked inside the round: if the order arrives meanwhile, the head has moved,
        # and the carrier is asked again.
        try:
            deps.courier.cancel(key.id)
        except AlreadyDone as too_late:
            if too_late.code == "courier_cancellation_too_late":
                return model.refuse_cancellation(now, command)
        return model.cancel(now, command)

    settle(deps.records, key, decide)


def _call_off(now: ShipmentNow, deps: DeliverySteps) -> AlreadyDone:
    try:
        deps.courier.cancel(now.key.id)
    except AlreadyDone as idle:
        return idle
    return _ended(now)


def _waybill(now: ShipmentNow, case: CaseNow, deps: DeliverySteps) -> str:
    applicant = _applicant(case, deps)
    direction = now.shipment.direction
    inward = direction == "pickup"
    try:
        return deps.courier.order(
            now.key.id,
            direction,
            sender=applicant if inward else deps.office,
            receiver=deps.office if inward else applicant,
            cargo=CARGO[direction],
        )
    except GiveUp as refused:
        # "The number is used": we alone mint it, so that order is this one.
        if refused.detail.get("http_status") != 409:
            raise
        known = deps.courier.find(now.key.id)
        if known is None:
            raise
        return known.waybill


def _applicant(case: CaseNow, deps: DeliverySteps) -> Contact:
    """The only place that opens an address; it goes to the carrier and nowhere else."""
    item = deps.catalogue.pinned(deps.tenant, case.case.item, case.case.item_digest)
    handed = read_handed(deps.records, deps.keys(), case)
    found = pointer(dict(handed.form), item.addressee_path or "/")
    if not (
        isinstance(found, Mapping)
        and all(found.get(name) for name in ("name", "telephone", "address"))
    ):
        raise GiveUp(
            "addressee_missing",
            "申请表中没有完整的收寄件信息。",
            "The form holds no complete addressee.",
            detail={"case": case.key.id},
        )
    region = "".join(str(found.get(name) or "") for name in _REGION)
    return Contact(
        name=str(found["name"]),
        telephone=str(found["telephone"]),
        address=region + str(found["address"]),
    )


def _case(event: EventRow, deps: DeliverySteps) -> CaseNow:
    return stored_case(deps.records.head(event.key), event.key)


def _shipment(asking: EventRow, wanted: Mapping[str, Any], case: CaseNow) -> Shipment:
    return Shipment(
        case_no=case.key.id,
        sub=case.case.sub,
        organisation=asking.organisation,
        direction=wanted["direction"],
    )


def _not_asked(key: Key) -> GiveUp:
    return GiveUp(
        "shipment_not_asked",
        "办件未曾要求该寄递。",
        "No event of the case asks for such a shipment.",
        detail={"aggregate": key.ref},
    )


def _ended(now: ShipmentNow) -> AlreadyDone:
    return AlreadyDone(
        f"shipment_{now.stage}",
        "该寄递此前已处理。",
        "The shipment has been dealt with before.",
        detail={"shipment": now.key.id, "stage": str(now.stage)},
    )

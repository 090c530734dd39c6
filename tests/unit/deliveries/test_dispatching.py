"""A parcel is ordered once and called off once, whatever crashes or comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
import urllib3

from infra.local.partners import Sandboxes
from tests.support.memory import Killed
from tests.support.partners import OFFICE
from tests.support.world import TENANT
from tests.unit.deliveries.fakes import Counter, fresh_counter
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import Stage
from zerotrip.catalogue.pointers import pointer
from zerotrip.deliveries.clients.courier import Courier, CourierConfig, ParcelStatus
from zerotrip.deliveries.model import ShipmentStage
from zerotrip.deliveries.steps import dispatch_courier, office_of
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import GiveUp, Retry
from zerotrip.notices.model import inbox_key


@pytest.fixture
def counter() -> Counter:
    return fresh_counter()


def test_papers_are_fetched_from_the_applicant_and_brought_to_the_office(
    counter: Counter,
) -> None:
    assert counter.order() == "done"
    direction, sender, receiver, cargo = counter.courier.orders[counter.key.id]
    case = counter.world.case(counter.case_no)
    form = read_handed(counter.world.records, counter.world.keys, case).form
    addressee = pointer(form, "/addressee")
    assert (direction, receiver) == ("pickup", OFFICE)
    assert (sender.name, sender.telephone) == (
        addressee["name"],
        addressee["telephone"],
    )
    assert sender.address == "".join(
        addressee[part] for part in ("province", "city", "county", "address")
    )
    assert cargo == "纸质申请材料"


def test_the_order_is_stored_before_the_carrier_is_asked(counter: Counter) -> None:
    counter.courier.before["order"] = _die
    with pytest.raises(Killed):
        counter.order()
    assert counter.types == []
    assert counter.stage is ShipmentStage.ORDERED
    assert counter.shipment.head.version == 0


def test_the_answer_is_stored_with_its_waybill_and_the_applicant_is_told(
    counter: Counter,
) -> None:
    counter.order()
    shipment = counter.shipment
    assert shipment.stage is ShipmentStage.DISPATCHED
    assert shipment.shipment.waybill == counter.courier.waybill(counter.key.id)
    assert shipment.facts == {"ordered": 0, "dispatched": 1}
    (answer,) = counter.world.records.history(counter.key)
    assert counter.ordering.event is not None
    assert answer.sk == f"EVENT#dispatch_courier#{counter.ordering.event.id}"
    assert (answer.body["case_no"], answer.body["sub"]) == (counter.case_no, "sub-1")
    counter.world.run()
    inbox = counter.world.records.history(inbox_key(TENANT, "sub-1"))
    assert "shipment.dispatched" in [row.body["template"] for row in inbox]


def test_an_order_writes_three_rows(counter: Counter) -> None:
    # In transactions each row counts two units: 6, the aim of a machine step.
    before = len(counter.tables.transactions)
    counter.order()
    written = counter.tables.transactions[before:]
    assert [len(writes) for writes in written] == [1, 2]


def test_no_address_is_stored_with_the_shipment(counter: Counter) -> None:
    counter.order()
    _, sender, _, _ = counter.courier.orders[counter.key.id]
    stored = repr(
        [row for key, row in counter.tables.rows.items() if "SHIPMENT" in key[1]]
    )
    assert sender.name not in stored
    assert sender.telephone not in stored
    assert sender.address not in stored


def test_the_message_that_comes_twice_orders_one_parcel(counter: Counter) -> None:
    assert counter.order() == "done"
    assert counter.order() == "done_before"
    assert counter.courier.calls == ["order"]
    assert counter.types == ["shipment.dispatched"]


@pytest.mark.parametrize("crash", ["before", "after"])
def test_a_crash_at_the_carrier_is_made_good_by_the_next_delivery(
    counter: Counter, crash: str
) -> None:
    getattr(counter.courier, crash)["order"] = _die
    with pytest.raises(Killed):
        counter.order()
    assert counter.order() == "done"
    assert counter.types == ["shipment.dispatched"]
    assert len(counter.courier.orders) == 1


@pytest.mark.parametrize("row", ["HEAD", "EVENT#dispatch_courier#"])
def test_a_lost_answer_of_the_database_is_made_good_by_the_next_delivery(
    counter: Counter, row: str
) -> None:
    counter.tables.lose_after = row
    with pytest.raises(Retry):
        counter.order()
    counter.order()
    assert counter.types == ["shipment.dispatched"]
    assert counter.stage is ShipmentStage.DISPATCHED


def test_a_carrier_that_is_down_leaves_the_message_on_its_queue(
    counter: Counter,
) -> None:
    counter.courier.before["order"] = _down
    with pytest.raises(Retry):
        counter.order()
    assert counter.order() == "done"


def test_two_deliveries_at_once_order_one_parcel(counter: Counter) -> None:
    counter.courier.after["order"] = lambda: _expect(counter.order(), "done")
    assert counter.order() == "done_before"
    assert counter.types == ["shipment.dispatched"]


def test_a_number_that_the_carrier_knows_is_this_order(counter: Counter) -> None:
    counter.courier.orders[counter.key.id] = ("pickup", "ordered", "before", "")
    counter.courier.status[counter.key.id] = ParcelStatus.CREATED
    assert counter.order() == "done"
    assert counter.courier.calls == ["order", "find"]
    assert counter.shipment.shipment.waybill == counter.courier.waybill(counter.key.id)


def test_what_the_carrier_refuses_goes_to_the_dead_letters(counter: Counter) -> None:
    counter.courier.before["order"] = _refuse
    assert counter.order() == "courier_order_refused"
    assert counter.stage is ShipmentStage.ORDERED
    assert counter.order() == "done"


def test_scans_that_are_faster_than_the_answer_are_not_undone(
    counter: Counter,
) -> None:
    counter.courier.after["order"] = lambda: counter.hear(counter.notice("PICKED_UP"))
    assert counter.order() == "done"
    assert counter.stage is ShipmentStage.PICKED_UP
    assert counter.types[-1] == "shipment.dispatched"


def test_a_withdrawn_case_has_its_parcel_called_off(counter: Counter) -> None:
    counter.order()
    cancelling = counter.withdraw()
    assert counter.world.carry_out(cancelling) == "done"
    assert counter.world.carry_out(cancelling) == "shipment_cancelled"
    assert counter.courier.status[counter.key.id] == "CANCELLED"
    assert counter.stage is ShipmentStage.CANCELLED
    assert counter.world.case(counter.case_no).stage is Stage.WITHDRAWN
    assert chain_faults(counter.world.records.history(counter.key)) == []


def test_a_cancellation_that_overtakes_the_order_asks_no_carrier(
    counter: Counter,
) -> None:
    cancelling = counter.withdraw()
    assert counter.world.carry_out(cancelling) == "done"
    assert counter.order() == "shipment_cancelled"
    assert counter.courier.calls == []
    assert counter.types == ["shipment.cancelled"]
    assert counter.shipment.shipment.direction == "pickup"


def test_a_cancellation_while_the_carrier_is_asked_calls_the_order_off(
    counter: Counter,
) -> None:
    def withdrawn() -> None:
        _expect(counter.world.carry_out(counter.withdraw()), "done")

    counter.courier.before["order"] = withdrawn
    assert counter.order() == "shipment_cancelled"
    assert counter.courier.calls == ["order", "cancel", "cancel"]
    assert counter.courier.status[counter.key.id] == "CANCELLED"
    assert counter.stage is ShipmentStage.CANCELLED


def test_an_order_that_died_before_a_cancellation_is_called_off_by_its_redelivery(
    counter: Counter,
) -> None:
    def withdrawn_then_ordered_then_dead() -> None:
        _expect(counter.world.carry_out(counter.withdraw()), "done")
        counter.courier.after["order"] = _die

    counter.courier.before["order"] = withdrawn_then_ordered_then_dead
    with pytest.raises(Killed):
        counter.order()
    assert counter.courier.status[counter.key.id] == "CREATED"
    assert counter.order() == "shipment_cancelled"
    assert counter.courier.status[counter.key.id] == "CANCELLED"


def test_an_answer_that_comes_while_calling_off_is_called_off_too(
    counter: Counter,
) -> None:
    counter.courier.before["order"] = _die
    with pytest.raises(Killed):
        counter.order()
    cancelling = counter.withdraw()
    real = counter.courier.cancel

    def unknown_then_ordered(shipment: str) -> None:
        counter.courier.cancel = real  # type: ignore[method-assign]
        try:
            real(shipment)
        finally:
            _expect(counter.order(), "done")

    counter.courier.cancel = unknown_then_ordered  # type: ignore[method-assign]
    assert counter.world.carry_out(cancelling) == "done"
    assert counter.courier.calls == ["order", "cancel", "order", "cancel"]
    assert counter.courier.status[counter.key.id] == "CANCELLED"
    assert counter.stage is ShipmentStage.CANCELLED


def test_what_was_picked_up_already_is_tracked_to_its_end(counter: Counter) -> None:
    counter.order()
    counter.courier.status[counter.key.id] = ParcelStatus.PICKED_UP
    assert counter.world.carry_out(counter.withdraw()) == "done"
    assert counter.types[-1] == "shipment.cancellation_refused"
    assert counter.stage is ShipmentStage.DISPATCHED
    counter.hear(counter.notice("DELIVERED"))
    assert counter.stage is ShipmentStage.DELIVERED
    counter.world.run()
    assert counter.world.case(counter.case_no).stage is Stage.WITHDRAWN


@pytest.mark.parametrize("crash", ["before", "after"])
def test_a_crash_at_the_calling_off_is_made_good_by_the_next_delivery(
    counter: Counter, crash: str
) -> None:
    counter.order()
    cancelling = counter.withdraw()
    getattr(counter.courier, crash)["cancel"] = _die
    with pytest.raises(Killed):
        counter.world.carry_out(cancelling)
    assert counter.world.carry_out(cancelling) == "done"
    assert counter.courier.status[counter.key.id] == "CANCELLED"
    assert counter.types.count("shipment.cancelled") == 1


def test_both_orders_of_ordering_and_cancelling_end_cancelled(counter: Counter) -> None:
    for swapped in (False, True):
        counter.back()
        cancelling = counter.withdraw()
        messages = [counter.ordering, cancelling]
        for message in reversed(messages) if swapped else messages:
            counter.world.carry_out(message)
        assert counter.stage is ShipmentStage.CANCELLED
        assert set(counter.courier.status.values()) <= {ParcelStatus.CANCELLED}


def test_delivered_papers_let_the_rule_decide_and_the_mark_be_sent_out(
    counter: Counter,
) -> None:
    counter.order()
    counter.hear(counter.notice("DELIVERED"))
    counter.world.steps["collect_payment"] = lambda _: None
    counter.world.run()
    case = counter.world.case(counter.case_no)
    assert case.stage is Stage.DELIVERING
    back = case.case.shipments[1]
    direction, sender, receiver, cargo = counter.courier.orders[back]
    assert (direction, sender, cargo) == ("delivery", OFFICE, "证照或办理结果")
    assert receiver.name == counter.courier.orders[counter.key.id][1].name
    assert counter.world.dead == []


def test_a_form_without_addressee_goes_to_the_dead_letters(counter: Counter) -> None:
    deps = replace(counter.deps, catalogue=_NoAddressee(counter.deps.catalogue))
    assert counter.ordering.event is not None
    with pytest.raises(GiveUp) as refused:
        dispatch_courier(counter.ordering.event, deps)
    assert refused.value.code == "addressee_missing"
    assert counter.courier.calls == []


def test_the_office_is_read_out_of_the_couriers_settings() -> None:
    office = {"name": OFFICE.name, "telephone": OFFICE.telephone, "address": "示例路"}
    rest = {"url": "http://127.0.0.1", "api_key": "k", "webhook_secrets": ["s"]}
    contact, settings = office_of({**rest, "office": office})
    assert contact.name == OFFICE.name
    assert CourierConfig.from_json(settings).api_key == "k"


@pytest.mark.parametrize("office", [None, {}, {"name": "中心", "telephone": "1"}, "x"])
def test_settings_without_office_are_refused_with_a_code(office: object) -> None:
    with pytest.raises(GiveUp) as refused:
        office_of({"url": "http://127.0.0.1", "office": office})
    assert refused.value.code == "office_contact_missing"


class _NoAddressee:
    """A catalogue whose item names an addressee that the form does not have."""

    def __init__(self, real: object) -> None:
        self._real = real

    def pinned(self, *names: str) -> object:
        item = self._real.pinned(*names)  # type: ignore[attr-defined]
        return item.model_copy(update={"addressee_path": "/nobody"})


def _expect(got: str, wanted: str) -> None:
    assert got == wanted


def _die() -> None:
    raise Killed


def _down() -> None:
    raise Retry("courier_unavailable", "", "")


def _refuse() -> None:
    raise GiveUp("courier_order_refused", "", "", detail={"http_status": 422})


def test_over_http_a_parcel_is_ordered_once_and_called_off(counter: Counter) -> None:
    with Sandboxes(timeout_seconds=2) as partners:
        partners.control("courier", "pace", {"moves": False})
        config = CourierConfig.from_json(partners.config["courier"])
        counter.courier = Courier(config, urllib3.PoolManager(), counter.world.clock)
        counter.tables.lose_after = "EVENT#dispatch_courier#"
        with pytest.raises(Retry):
            counter.order()
        assert counter.order() == "done_before"
        (order,) = partners.control("courier", "orders")["items"]
        assert order["order_id"] == counter.key.id
        assert counter.shipment.shipment.waybill == order["waybill"]
        assert counter.world.carry_out(counter.withdraw()) == "done"
        assert counter.stage is ShipmentStage.CANCELLED
        assert partners.control("courier", "orders")["cancelled"] == 1

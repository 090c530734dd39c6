"""What couriers say of a parcel: late, twice, out of order, forged."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import urllib3

from infra.local.partners import Sandboxes
from tests.support.world import TENANT
from tests.unit.deliveries.fakes import Counter, fresh_counter
from zerotrip.deliveries.callbacks import ParcelCallbacks, parcel_callback
from zerotrip.deliveries.clients.courier import Courier, CourierConfig, ParcelStatus
from zerotrip.deliveries.model import (
    ENDED,
    SHIPMENT_TRANSITIONS,
    ShipmentStage,
)
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import (
    AlreadyDone,
    Conflict,
    GiveUp,
    NotFound,
    Retry,
    ZeroTripError,
)
from zerotrip.notices.model import inbox_key

JOURNEY = {
    "CREATED": 0, "PICKED_UP": 1, "IN_TRANSIT": 2, "OUT_FOR_DELIVERY": 3,
    "DELIVERED": 4,
}  # fmt: skip
SIDEWAYS = ("EXCEPTION", "ATTEMPT_FAILED", "AT_LOCKER", "RETURNING", "LOST")

Wire = tuple[dict[str, str], bytes]


@pytest.fixture
def counter() -> Counter:
    counter = fresh_counter()
    counter.order()
    return counter


def _hear(counter: Counter, *told: tuple[str, float]) -> None:
    for status, minutes in told:
        counter.hear(counter.notice(status, minutes))


def test_a_parcel_travels_and_its_delivery_wakes_the_case(counter: Counter) -> None:
    _hear(counter, *JOURNEY.items())
    history = counter.world.records.history(counter.key)
    assert [row.body["stage"] for row in history[1:]] == [
        "dispatched",
        "picked_up",
        "in_transit",
        "out_for_delivery",
        "delivered",
    ]
    assert [row.next_steps for row in history[:-1]] == [()] * 5
    assert history[-1].next_steps == ("advance_case",)
    assert counter.shipment.facts["delivered"] == history[-1].seq
    assert counter.shipment.shipment.waybill == counter.courier.waybill(counter.key.id)
    assert chain_faults(history) == []


def test_the_event_is_keyed_by_the_couriers_own_id(counter: Counter) -> None:
    notice = counter.notice("PICKED_UP", callback_id="msg_7")
    event = counter.hear(notice)
    assert event.sk == "EVENT#track#courier:msg_7:PICKED_UP"
    assert event.type == "shipment.picked_up"
    assert event.actor == "partner:courier"
    assert event.body["status"] == "PICKED_UP"
    assert event.body["direction"] == "pickup"


def test_the_same_callback_again_is_a_success_and_nothing_more(
    counter: Counter,
) -> None:
    notice = counter.notice("DELIVERED")
    counter.hear(notice)
    before = dict(counter.tables.rows)
    for _ in range(3):
        with pytest.raises(AlreadyDone):
            counter.hear(notice)
    assert counter.tables.rows == before


@pytest.mark.parametrize("first", JOURNEY)
@pytest.mark.parametrize("second", JOURNEY)
def test_each_pair_in_either_order_ends_in_the_same_stage(
    counter: Counter, first: str, second: str
) -> None:
    ends = []
    for order in itertools.permutations({first, second}):
        counter.back().order()
        _hear(counter, *((status, JOURNEY[status]) for status in order))
        ends.append((counter.stage, counter.shipment.shipment.scanned))
        assert len(counter.types) == 1 + len({first, second})
    assert len(set(ends)) == 1


@pytest.mark.parametrize("sideways", SIDEWAYS)
def test_a_step_aside_holds_until_something_later_is_told(
    counter: Counter, sideways: str
) -> None:
    ends = set()
    told = [("PICKED_UP", 1), (sideways, 2), ("IN_TRANSIT", 3)]
    for order in itertools.permutations(told):
        counter.back().order()
        _hear(counter, *order)
        ends.add(counter.stage)
    assert ends == {ShipmentStage.IN_TRANSIT}
    _hear(counter, (sideways, 4))
    assert counter.stage == sideways.lower()


def test_an_older_scan_is_kept_and_does_not_move_the_parcel_back(
    counter: Counter,
) -> None:
    _hear(counter, ("OUT_FOR_DELIVERY", 3), ("PICKED_UP", 1))
    assert counter.stage is ShipmentStage.OUT_FOR_DELIVERY
    assert counter.types[-1] == "shipment.scanned"
    last = counter.world.records.history(counter.key)[-1]
    assert (last.body["status"], last.next_steps) == ("PICKED_UP", ())


def test_of_two_scans_in_one_moment_the_later_step_counts(counter: Counter) -> None:
    for order in itertools.permutations(("PICKED_UP", "IN_TRANSIT")):
        counter.back().order()
        _hear(counter, *((status, 1) for status in order))
        assert counter.stage is ShipmentStage.IN_TRANSIT


def test_a_delivery_counts_even_if_the_carriers_clock_was_slow(
    counter: Counter,
) -> None:
    _hear(counter, ("OUT_FOR_DELIVERY", 30), ("DELIVERED", 20))
    assert counter.stage is ShipmentStage.DELIVERED


@pytest.mark.parametrize("end", sorted(stage.name for stage in ENDED))
@pytest.mark.parametrize("later", [status.name for status in ParcelStatus])
def test_nothing_that_a_courier_says_leaves_an_end(
    counter: Counter, end: str, later: str
) -> None:
    _hear(counter, (end, 1))
    ended = counter.shipment
    _hear(counter, (later, 60))
    assert counter.stage == end.lower()
    assert counter.shipment.facts == ended.facts
    assert counter.types[-1] == "shipment.scanned"


def test_a_parcel_that_was_lost_may_be_found(counter: Counter) -> None:
    _hear(counter, ("LOST", 5), ("DELIVERED", 60))
    assert counter.stage is ShipmentStage.DELIVERED


def test_one_delivery_is_told_to_the_applicant_once(counter: Counter) -> None:
    _hear(counter, ("DELIVERED", 1), ("DELIVERED", 1), ("DELIVERED", 2))
    counter.world.steps["collect_payment"] = lambda _: None
    counter.world.run()
    inbox = counter.world.records.history(inbox_key(TENANT, "sub-1"))
    told = [
        row
        for row in inbox
        if row.body["about"] == counter.key.ref
        and row.body["template"] == "shipment.delivered"
    ]
    assert len(told) == 1


def test_a_scan_may_come_before_the_answer_to_the_order(counter: Counter) -> None:
    counter.back().tables.lose_after = "HEAD"
    with pytest.raises(Retry):
        counter.order()
    _hear(counter, ("DELIVERED", 1))
    assert counter.stage is ShipmentStage.DELIVERED
    assert counter.order() == "done"
    assert counter.stage is ShipmentStage.DELIVERED
    assert set(counter.shipment.facts) == {"ordered", "delivered", "dispatched"}


def test_a_lost_answer_of_the_database_is_one_event(counter: Counter) -> None:
    notice = counter.notice("DELIVERED")
    counter.tables.lose_after = "EVENT#track"
    with pytest.raises(Retry):
        counter.hear(notice)
    with pytest.raises(AlreadyDone):
        counter.hear(notice)
    assert counter.types.count("shipment.delivered") == 1


def test_an_id_that_comes_back_with_other_content_is_refused(counter: Counter) -> None:
    notice = counter.notice("PICKED_UP")
    counter.hear(notice)
    later = replace(notice, occurred_at=datetime(2026, 12, 1, tzinfo=UTC))
    with pytest.raises(GiveUp) as refused:
        counter.hear(later)
    assert refused.value.code == "cause_taken"


def test_another_waybill_than_the_orders_is_refused(counter: Counter) -> None:
    before = dict(counter.tables.rows)
    with pytest.raises(Conflict) as refused:
        counter.hear(counter.notice("DELIVERED", waybill="ZT0000000000000"))
    assert refused.value.code == "waybill_mismatch"
    assert counter.tables.rows == before


@pytest.mark.parametrize(
    "number", [f"{TENANT}{'Z' * 26}", f"999999{'Z' * 26}", "x", "441882#HEAD"]
)
def test_an_unknown_order_stores_nothing(counter: Counter, number: str) -> None:
    before = dict(counter.tables.rows)
    with pytest.raises(NotFound) as refused:
        counter.hear(counter.notice("DELIVERED", shipment_id=number))
    assert refused.value.code == "shipment_unknown"
    assert counter.tables.rows == before


def test_a_number_that_we_cannot_have_minted_is_never_made_a_key(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    notice = counter.notice("DELIVERED", shipment_id="441882#HEAD")
    monkeypatch.setattr(counter.tables, "get", lambda *key: read.append(key))
    with pytest.raises(NotFound):
        counter.hear(notice)
    assert read == []


def test_every_stage_is_reached_by_an_event() -> None:
    reached = {row.to for row in SHIPMENT_TRANSITIONS.values()}
    # A shipment stands `ordered` before its first event.
    assert set(ShipmentStage) - {ShipmentStage.ORDERED} <= reached


@pytest.fixture(scope="module")
def partners() -> Iterator[Sandboxes]:
    with Sandboxes(timeout_seconds=2) as running:
        yield running


@pytest.fixture
def deps(counter: Counter, partners: Sandboxes) -> ParcelCallbacks:
    config = CourierConfig.from_json(partners.config["courier"])
    courier = Courier(config, urllib3.PoolManager(), lambda: datetime.now(UTC))
    return ParcelCallbacks(TENANT, counter.world.records, courier, counter.world.clock)


def _wire(counter: Counter, partners: Sandboxes, variety: str = "genuine") -> Wire:
    event = {
        "id": f"msg_{uuid.uuid4().hex}",
        "order_id": counter.key.id,
        "waybill": counter.courier.waybill(counter.key.id),
        "status": "DELIVERED",
        "occurred_at": "2026-11-20T10:00:00.000Z",
    }
    return partners.sandboxes["courier"].spoilt(event, variety)


def test_a_genuine_callback_is_believed(
    counter: Counter, deps: ParcelCallbacks, partners: Sandboxes
) -> None:
    headers, body = _wire(counter, partners)
    event = parcel_callback(headers, body, deps)
    assert (event.type, event.next_steps) == ("shipment.delivered", ("advance_case",))
    with pytest.raises(AlreadyDone):
        parcel_callback(headers, body, deps)


@pytest.mark.parametrize(
    ("variety", "code"),
    {
        "forged": "callback_signature_wrong",
        "altered": "callback_signature_wrong",
        "unsigned": "callback_signature_missing",
        "old": "callback_too_old",
        "future": "callback_from_future",
        "unknown_order": "shipment_unknown",
        "unknown_status": "callback_status_unknown",
    }.items(),
)
def test_what_is_wrong_changes_nothing_and_says_its_code(
    counter: Counter,
    deps: ParcelCallbacks,
    partners: Sandboxes,
    variety: str,
    code: str,
) -> None:
    before = dict(counter.tables.rows)
    with pytest.raises(ZeroTripError) as refused:
        parcel_callback(*_wire(counter, partners, variety), deps)
    assert refused.value.code == code
    assert not isinstance(refused.value, AlreadyDone)
    assert counter.tables.rows == before

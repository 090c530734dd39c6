"""The courier: the client against the sandbox, and what it tells, over HTTP."""

from __future__ import annotations

import itertools
import json
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import urllib3

from infra.local.partners import Sandboxes
from zerotrip.deliveries.clients.courier import (
    Contact,
    Courier,
    CourierConfig,
    Direction,
    ParcelStatus,
    failure_answer,
    success_answer,
)
from zerotrip.kernel.errors import (
    AlreadyDone,
    GiveUp,
    Refused,
    Retry,
    Unauthenticated,
)

from .conftest import Receiver, wait_until

HALL = Contact("示例政务服务中心", "13800009999", "示例省示例市示例路1号")
HOME = Contact("张示例", "13800000001", "示例省示例市样例街2号")
_number = itertools.count(1)


@pytest.fixture
def settings(partners: Sandboxes) -> dict[str, Any]:
    return dict(partners.config["courier"])


@pytest.fixture
def courier(
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
) -> Courier:
    return Courier(CourierConfig.from_json(settings), http, now)


@pytest.fixture
def shipment_id() -> str:
    return f"441882PARC{next(_number):022d}"


@pytest.fixture
def product(partners: Sandboxes, receiver: Receiver, courier: Courier) -> Receiver:
    """A receiver that reads each callback and answers as the webhook function does."""

    def answer(
        headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        try:
            courier.read_callback(headers, body)
        except Refused as refused:
            return failure_answer(refused.code, refused.status)
        return success_answer()

    receiver.answer = answer
    partners.control("courier", "callbacks", {"url": receiver.url})
    return receiver


@pytest.fixture
def _parked(partners: Sandboxes) -> Iterator[None]:
    partners.control("courier", "pace", {"moves": False})
    yield
    # Left parked, they would wake up in the next test.
    for item in counted(partners)["items"]:
        if item["status"] not in {"DELIVERED", "CANCELLED"}:
            wish = {"order_id": item["order_id"], "status": "DELIVERED"}
            partners.control("courier", "advance", wish)
    partners.control("courier", "pace", {"moves": True})


def counted(partners: Sandboxes) -> dict[str, Any]:
    return dict(partners.control("courier", "orders"))


def deliver(courier: Courier, shipment_id: str) -> str:
    return courier.order(shipment_id, Direction.DELIVERY, HALL, HOME, "行驶证一本")


def test_a_parcel_travels_by_itself_and_is_told_at_each_step(
    product: Receiver, courier: Courier, partners: Sandboxes, shipment_id: str
) -> None:
    waybill = deliver(courier, shipment_id)
    product.wait_for(4)
    notices = [courier.read_callback(*got) for got in product.got]
    assert sorted(notices, key=lambda n: n.occurred_at) == notices
    assert [notice.status for notice in notices] == [
        "PICKED_UP",
        "IN_TRANSIT",
        "OUT_FOR_DELIVERY",
        "DELIVERED",
    ]
    assert {(n.shipment_id, n.waybill) for n in notices} == {(shipment_id, waybill)}
    assert len({notice.callback_id for notice in notices}) == 4
    found = courier.find(shipment_id)
    assert found is not None
    assert (found.waybill, found.status) == (waybill, ParcelStatus.DELIVERED)
    assert found.occurred_at == notices[-1].occurred_at


@pytest.mark.usefixtures("_parked")
def test_ordering_again_is_the_same_parcel(
    courier: Courier, partners: Sandboxes, shipment_id: str
) -> None:
    before = counted(partners)["orders"]
    assert len({deliver(courier, shipment_id) for _ in range(3)}) == 1
    assert counted(partners)["orders"] == before + 1


@pytest.mark.usefixtures("_parked")
def test_the_same_number_with_other_content_is_refused(
    courier: Courier, shipment_id: str
) -> None:
    deliver(courier, shipment_id)
    with pytest.raises(GiveUp) as refused:
        courier.order(shipment_id, "pickup", HOME, HALL, "申请材料")
    assert refused.value.code == "courier_order_refused"
    assert refused.value.detail == {"http_status": 409, "reason": "order_conflict"}


def test_an_order_that_cannot_be_carried_out_is_given_up(
    courier: Courier, shipment_id: str
) -> None:
    nowhere = Contact("张示例", "13800000001", "")
    with pytest.raises(GiveUp) as refused:
        courier.order(shipment_id, Direction.PICKUP, nowhere, HALL, "材料")
    assert refused.value.detail == {"http_status": 422, "reason": "order_invalid"}
    assert courier.find(shipment_id) is None


@pytest.mark.usefixtures("_parked")
def test_a_parcel_is_cancelled_until_it_is_picked_up(
    product: Receiver, courier: Courier, partners: Sandboxes
) -> None:
    early, late = "441882CANCEL-EARLY", "441882CANCEL-LATE"
    deliver(courier, early)
    courier.cancel(early)
    courier.cancel(early)
    product.wait_for(1)
    assert courier.read_callback(*product.got[0]).status is ParcelStatus.CANCELLED
    deliver(courier, late)
    partners.control("courier", "advance", {"order_id": late})
    with pytest.raises(AlreadyDone) as done:
        courier.cancel(late)
    assert done.value.code == "courier_cancellation_too_late"
    with pytest.raises(AlreadyDone) as done:
        courier.cancel("441882CANCEL-NEVER")
    assert done.value.code == "courier_order_unknown"
    assert [item["status"] for item in counted(partners)["items"][-2:]] == [
        "CANCELLED",
        "PICKED_UP",
    ]


@pytest.mark.usefixtures("_parked")
def test_a_held_parcel_moves_only_when_it_is_told_to(
    product: Receiver, courier: Courier, partners: Sandboxes, shipment_id: str
) -> None:
    deliver(courier, shipment_id)
    wish = {
        "order_id": shipment_id,
        "status": "AT_LOCKER",
        "occurred_at": "2026-11-21T16:00:00+08:00",
    }
    partners.control("courier", "advance", wish)
    product.wait_for(1)
    notice = courier.read_callback(*product.got[0])
    assert notice.status is ParcelStatus.AT_LOCKER
    assert notice.occurred_at == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert len(product.got) == 1


PASSING = [
    {"kind": "error", "status": 500},
    {"kind": "error", "status": 503},
    {"kind": "error", "status": 429},
    {"kind": "hang", "seconds": 2},
    {"kind": "lost_answer"},
]


@pytest.mark.usefixtures("_parked")
@pytest.mark.parametrize(
    "fault", PASSING, ids=lambda f: str(f.get("status", f["kind"]))
)
def test_an_unknown_outcome_is_tried_again_and_makes_one_parcel(
    *,
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    partners: Sandboxes,
    shipment_id: str,
    fault: dict[str, object],
) -> None:
    config = CourierConfig.from_json(settings | {"timeout_seconds": 0.3})
    courier = Courier(config, http, now)
    before = counted(partners)["orders"]
    partners.control("courier", "faults", fault)
    with pytest.raises(Retry) as passing:
        deliver(courier, shipment_id)
    assert passing.value.code == "courier_unavailable"
    assert "张示例" not in "".join(traceback.format_exception(passing.value))
    waybill = deliver(courier, shipment_id)
    assert deliver(courier, shipment_id) == waybill
    assert counted(partners)["orders"] == before + 1


def test_a_wrong_key_is_our_fault_not_the_orders(
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    shipment_id: str,
) -> None:
    courier = Courier(CourierConfig.from_json(settings | {"api_key": "x"}), http, now)
    with pytest.raises(GiveUp) as refused:
        deliver(courier, shipment_id)
    assert refused.value.code == "courier_misconfigured"


REFUSED = {
    "forged": (401, "callback_signature_wrong"),
    "altered": (401, "callback_signature_wrong"),
    "unsigned": (401, "callback_signature_missing"),
    "old": (401, "callback_too_old"),
    "future": (401, "callback_from_future"),
    "unknown_status": (400, "callback_status_unknown"),
    "unknown_type": (400, "callback_type_unknown"),
    "not_json": (400, "callback_unreadable"),
}


@pytest.mark.parametrize("variety", REFUSED)
def test_each_bad_callback_is_refused_with_its_own_code(
    product: Receiver, partners: Sandboxes, variety: str
) -> None:
    answer = partners.control("courier", "notices", {"variety": variety})
    status, code = REFUSED[variety]
    assert (answer["status"], json.loads(answer["body"])) == (status, {"code": code})


def test_a_genuine_one_of_an_unknown_order_is_read_and_named(
    product: Receiver, courier: Courier, partners: Sandboxes
) -> None:
    answer = partners.control("courier", "notices", {"variety": "unknown_order"})
    assert answer["status"] == 204
    # Whether it is known is for the shipments to say: the number is their key.
    notice = courier.read_callback(*product.got[0])
    assert notice.shipment_id == "999999" + "Z" * 26
    assert notice.callback_id == answer["id"]


def test_a_replayed_callback_reads_the_same_for_five_minutes_and_not_after(
    settings: dict[str, Any],
    http: urllib3.PoolManager,
    product: Receiver,
    courier: Courier,
    partners: Sandboxes,
) -> None:
    partners.control("courier", "notices", {"id": "msg_again"})
    partners.control("courier", "notices", {"id": "msg_again"})
    first, second = (courier.read_callback(*got) for got in product.got)
    assert first.callback_id == second.callback_id == "msg_again"
    headers, body = product.got[0]
    sent_at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    for age_seconds, code in (
        (300, None),
        (301, "callback_too_old"),
        (-300, None),
        (-301, "callback_from_future"),
    ):
        moment = sent_at + timedelta(seconds=age_seconds)
        reader = Courier(
            CourierConfig.from_json(settings), http, lambda moment=moment: moment
        )
        if code is None:
            assert reader.read_callback(headers, body) == first
        else:
            with pytest.raises(Unauthenticated) as refused:
                reader.read_callback(headers, body)
            assert refused.value.code == code


@pytest.mark.usefixtures("_parked")
def test_a_refused_callback_comes_again_with_the_same_id_and_a_new_time(
    product: Receiver, courier: Courier, partners: Sandboxes, shipment_id: str
) -> None:
    good, tries = product.answer, itertools.count(1)
    product.answer = lambda headers, body: (
        # A redirect is a failure too, and is not followed.
        (307, {"Location": "/elsewhere"}, b"")
        if next(tries) < 2
        else good(headers, body)
    )
    deliver(courier, shipment_id)
    partners.control("courier", "advance", {"order_id": shipment_id})
    product.wait_for(2)
    wait_until(lambda: counted(partners)["notices"]["pending"] == 0)
    ids = [courier.read_callback(*got).callback_id for got in product.got]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_duplicates_and_reversed_order_on_demand(
    product: Receiver, courier: Courier, partners: Sandboxes, shipment_id: str
) -> None:
    partners.control("courier", "delivery", {"duplicates": 1, "reorder_seconds": 0.4})
    deliver(courier, shipment_id)
    product.wait_for(8)
    statuses = [courier.read_callback(*got).status for got in product.got]
    assert statuses[::2] == statuses[1::2]
    assert statuses[::2] == [
        ParcelStatus.DELIVERED,
        ParcelStatus.OUT_FOR_DELIVERY,
        ParcelStatus.IN_TRANSIT,
        ParcelStatus.PICKED_UP,
    ]


def test_a_contact_is_never_printed() -> None:
    assert repr(HOME) == "Contact()"

"""What an event asks of payments and deliveries, and which case a message names."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import TENANT, World
from zerotrip.cases import effects
from zerotrip.cases.model import case_key, stored_case
from zerotrip.kernel.aggregate import GENESIS, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp

CASE = case_key(TENANT, "1")


def event(**body: Any) -> EventRow:
    return EventRow(
        key=CASE,
        sk="EVENT#withdraw#v1",
        seq=1,
        type="case.withdrawn",
        time="2026-11-20T02:00:00.000Z",
        actor="sub-1",
        request_hash="",
        prev_hash=GENESIS,
        hash="",
        next_steps=(),
        organisation="11441882000000027D",
        body=body,
    )


def done() -> None:
    raise AlreadyDone("done_before", "", "")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.BILL, [{"id": "B1"}, Key(TENANT, Kind.BILL, "B0")]),
        (Kind.SHIPMENT, [Key(TENANT, Kind.SHIPMENT, "S0")]),
        (Kind.LICENCE, []),
    ],
)
def test_each_kind_has_its_own_tasks(kind: Kind, expected: list[object]) -> None:
    met: list[object] = []
    row = event(bill={"id": "B1"}, cancel=["BILL#B0", "SHIPMENT#S0"])
    effects.carry_out(effects.tasks_of(row, kind, met.append, met.append))
    assert met == expected


def test_one_task_that_is_done_keeps_none_of_the_others() -> None:
    met: list[str] = []
    effects.carry_out([done, lambda: met.append("second")])
    assert met == ["second"]


def test_all_tasks_done_before_is_said() -> None:
    with pytest.raises(AlreadyDone, match="done_before"):
        effects.carry_out([done, done])


def test_the_event_that_asked_is_found_by_the_effects_number() -> None:
    world = World(steps={"dispatch_courier": lambda event: None})
    case_no = world.apply("vehicle-inspection-mark", "sub-1", "citizen")
    world.run()
    case = world.case(case_no)
    (number,) = case.case.shipments
    asked = effects.asking_event(
        world.records, case.key, Key(TENANT, Kind.SHIPMENT, number)
    )
    assert asked is not None
    assert asked[0].type == "case.accepted"
    assert asked[1]["direction"] == "pickup"
    other = Key(TENANT, Kind.SHIPMENT, "0")
    assert effects.asking_event(world.records, case.key, other) is None


def test_only_a_stored_case_is_a_case() -> None:
    bill = Key(TENANT, Kind.BILL, "B1")
    head = Head(bill, 1, "opened", GENESIS, {})
    for found, named in ((None, CASE), (head, bill)):
        with pytest.raises(GiveUp, match="case_unknown"):
            stored_case(found, named)

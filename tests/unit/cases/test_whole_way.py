"""The three items from submission to the doorstep, however the messages come."""

from __future__ import annotations

import random

import pytest

from tests.support.town import (
    ROLES,
    Town,
    each_twice,
    fresh_town,
    in_order,
    swapping,
)
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.watching import watch_cases
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.messages import CloudEvent

EXPECTED = {
    "vehicle-inspection-mark": {"BILL": 1, "SHIPMENT": 2, "LICENCE": 1},
    "vehicle-licence-replacement": {"BILL": 1, "SHIPMENT": 1, "LICENCE": 1},
    "food-business-licence": {"BILL": 0, "SHIPMENT": 0, "LICENCE": 1},
}
every_item = pytest.mark.parametrize("folder", sorted(ROLES))


def _steadily(folder: str) -> tuple[dict[str, object], int]:
    town = fresh_town(folder)
    town.run(in_order)
    return town.outcome(), len(town.world.log)


@every_item
def test_an_item_runs_to_its_end(folder: str) -> None:
    outcome, _ = _steadily(folder)
    town = fresh_town(folder)
    assert outcome["stage"] is Stage.COMPLETED
    assert {name: outcome[name] for name in EXPECTED[folder]} == EXPECTED[folder]
    assert outcome["licence versions"] == 1
    town.run(in_order)
    assert chain_faults(town.world.history(town.case_no)) == []
    assert town.world.dead == []


@every_item
def test_each_message_delivered_twice_changes_nothing(folder: str) -> None:
    expected, _ = _steadily(folder)
    town = fresh_town(folder)
    town.run(each_twice)
    assert town.outcome() == expected
    assert town.world.dead == []


@every_item
def test_each_pair_of_neighbours_may_change_places(folder: str) -> None:
    expected, messages = _steadily(folder)
    for position in range(1, messages + 1):
        town = fresh_town(folder)
        town.run(swapping(position))
        assert town.outcome() == expected, f"messages {position} and {position + 1}"
        assert town.world.dead == []


@every_item
def test_any_order_of_messages_ends_the_same(folder: str) -> None:
    expected, _ = _steadily(folder)
    for seed in range(20):
        dice = random.Random(seed)

        def shuffled(town: Town, dice: random.Random = dice) -> None:
            dice.shuffle(town.world.queue)
            (in_order if dice.random() < 0.7 else each_twice)(town)

        town = fresh_town(folder)
        town.run(shuffled)
        assert town.outcome() == expected, f"seed {seed}"
        assert town.world.dead == []


@every_item
def test_what_is_lost_is_found_by_the_watchdog(folder: str) -> None:
    expected, _ = _steadily(folder)
    town = fresh_town(folder)
    world = town.world
    dice = random.Random(7)

    class _Bus:
        def publish(self, events: list[CloudEvent]) -> frozenset[int]:
            for event in events:
                row = world.records.event(event.data.key, event.data.event)
                assert row is not None
                world.send(row)
            return frozenset()

    def losing(town: Town) -> None:
        message = world.queue.pop(0)
        # Notices are not watched: `make republish` brings those back.
        if message.step == "notify" or dice.random() < 0.5:
            world.carry_out(message)

    for _ in range(60):
        if world.case(town.case_no).stage is Stage.COMPLETED and not world.queue:
            break
        while world.queue:
            losing(town)
            world.relay()
        town.people_act()
        world.relay()
        world.clock.forward(hours=25)
        due = world.records.due("441882", times.to_text(world.clock()))
        watch_cases(world.records, _Bus(), due, world.clock())
    town.run(in_order)
    assert town.outcome()["stage"] is Stage.COMPLETED
    assert town.outcome()["LICENCE"] == expected["LICENCE"]
    assert town.outcome()["SHIPMENT"] == expected["SHIPMENT"]

"""Many orders of messages, in memory: the same end each time."""

from __future__ import annotations

import random

import pytest

from tests.support.town import ROLES, Town, fresh_town, in_order
from tests.verify import evidence
from zerotrip.kernel.aggregate import chain_faults


class Tally:
    """What the shuffles did, over all runs."""

    def __init__(self) -> None:
        self.deliveries = 0
        self.duplicates = 0

    def shuffled(self, dice: random.Random) -> object:
        """A way to deliver: any waiting message, sometimes without forgetting it."""

        def deliver(town: Town) -> None:
            queue = town.world.queue
            message = queue.pop(dice.randrange(len(queue)))
            again = dice.random()
            if again < 0.3:
                queue.insert(dice.randrange(len(queue) + 1), message)
                self.duplicates += 1
            self.deliveries += 1
            town.world.carry_out(message)

        return deliver


def _run(seeds: int, scenario: str) -> list[str]:
    """Which orders ended otherwise than the steady one."""
    tally, ends = Tally(), 0
    different: list[str] = []
    for folder in sorted(ROLES):
        steady = fresh_town(folder)
        steady.run(in_order)
        expected = steady.outcome()
        for seed in range(seeds):
            town = fresh_town(folder)
            town.run(tally.shuffled(random.Random(seed)))  # type: ignore[arg-type]
            ends += 1
            history = town.world.history(town.case_no)
            if town.outcome() != expected or town.world.dead or chain_faults(history):
                different.append(f"{folder} seed {seed}")
    evidence.write(
        scenario,
        items=sorted(ROLES),
        seeds_per_item=seeds,
        cases=ends,
        deliveries=tally.deliveries,
        duplicates_on_the_wire=tally.duplicates,
        ended_differently=different,
    )
    return different


@pytest.mark.verify
def test_five_hundred_orders_of_each_item_end_the_same() -> None:
    assert _run(500, "orders") == []


@pytest.mark.verify_long
def test_ten_thousand_orders_of_each_item_end_the_same() -> None:
    assert _run(10_000, "orders-long") == []

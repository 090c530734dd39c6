"""Scenario 2: five hundred cases, the messages of each in another order.

Everything that waits for delivery at one time (a step's messages from the bus, notices
of stored files, callbacks of both partners) arrives in a drawn order, and one message
in four comes once more at any later time. In every other run `dispatch_courier` dies
after its order reached the carrier, so that the parcel's scans come before what we
store of the order. The watchdog is off: nothing may lean on it.
What stands stored at the end is held against the same item's run in order.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.base import FOOD, MARK, REPLACEMENT
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import JOURNEY, Played, Sum, held_against, in_order, play
from tests.simulation.oracle import Stored
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.scheduler import Actor
from tests.simulation.simulation import Simulation
from zerotrip.kernel.aggregate import EventRow, Kind

PERMUTATIONS = 500
EVENTS = 12
"""Events that a case of the item has at least, over all its aggregates."""
WIDE_SECONDS = (0.0, 900.0)
"""Wide against every gap between two events, so that any order is as likely."""
PROMPT_SECONDS = (0.0, 2.0)
FOLDERS = (REPLACEMENT, MARK, REPLACEMENT, FOOD)


@dataclass
class FasterParcel(Faults):
    """Kills the function that orders a parcel, once, when the carrier has the order."""

    faster: bool = False

    def of(
        self, actor: Actor, call: str, dice: random.Random, now: datetime
    ) -> Fault | None:
        if not self.faster or call != "courier.POST":
            return None
        self.faster = False
        self.injected[f"{Fault.CRASH_AFTER} at {call}"] += 1
        return Fault.CRASH_AFTER


def run(seed: int, size: Size) -> Outcome:
    """Each permutation is a run of one whole case."""
    total = Sum(SCENARIO.name, seed, size)
    orders: set[str] = set()
    early = 0
    count = size.of(PERMUTATIONS)
    for number in range(count):
        folder = FOLDERS[number % len(FOLDERS)]
        real = total.real_licence()
        played = _shuffled(seed * PERMUTATIONS + number, folder, number, real)
        name = f"permutation {number} of {folder}"
        _judge(in_order(folder), played)
        total.add(name, played)
        orders.add(_order(played))
        early += early_facts(played)
    if len(orders) < count * 0.9:
        total.verdict.broken.append(f"only {len(orders)} orders in {count} runs")
    if not early:
        total.verdict.broken.append("no fact was early: nothing was shown")
    return total.outcome(permutations=len(orders), early_facts=early)


def _shuffled(seed: int, folder: str, number: int, real_licences: int) -> Played:
    faults = FasterParcel(duplicates=0.25, most_copies=1, faster=number // 4 % 2 == 0)

    def prepare(run: Simulation, people: People) -> None:
        run.cloud.ticking = False
        people.patience = WIDE_SECONDS
        people.asked_again = 40  # until the bill's own message has arrived
        for queue in run.cloud.queues.values():
            queue.delay = WIDE_SECONDS
        wide = PROMPT_SECONDS if faults.faster else WIDE_SECONDS
        run.partners.control("courier", "pace", {"seconds": 0.5})
        for callbacks in run.partners.callbacks.values():
            callbacks.delay = wide

    return play(
        seed,
        folder,
        faults,
        look_seconds=60,
        real_licences=real_licences,
        trace=True,
        prepare=prepare,
    )


def _order(played: Played) -> str:
    """Which functions were called in which order, without times."""
    invocations = [line.split()[2] for line in played.run.outside.trace.lines]
    return " ".join(each.partition("#")[0] for each in dict.fromkeys(invocations))


def _late_scans_are_no_news(played: Played) -> None:
    """A parcel's stage never goes back, whatever order its scans came in."""
    for key, history in Stored.of(played.run).histories.items():
        if key.kind is Kind.SHIPMENT:
            names = [row.type.rpartition(".")[2] for row in history]
            places = [JOURNEY.index(name) for name in names if name in JOURNEY]
            if places != sorted(places):
                played.verdict.broken.append(f"{key.ref} went back: {names}")


def _judge(expected: Counter[str], played: Played) -> None:
    held_against(expected, played)
    events = sum(played.run.cloud.published.values())
    if events < EVENTS:
        played.verdict.broken.append(f"only {events} events")
    _late_scans_are_no_news(played)


def early_facts(played: Played) -> int:
    """Facts that were stored before what one would think must come first."""
    return sum(
        1
        for key, history in Stored.of(played.run).histories.items()
        if key.kind is Kind.SHIPMENT
        for row in history[: _dispatched(history)]
        if row.type not in ("shipment.ordered", "shipment.dispatched")
    )


def _dispatched(history: tuple[EventRow, ...]) -> int:
    types = [row.type for row in history]
    return types.index("shipment.dispatched") if "shipment.dispatched" in types else 0


SCENARIO = Scenario(
    2,
    "total-shuffle",
    "彻底乱序：每个办件的消息以任意次序送达",
    "Total shuffle: a case's messages arrive in any order",
    run,
)

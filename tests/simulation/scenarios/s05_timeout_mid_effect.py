"""Scenario 5: a partner or a store is called, and its answer never comes.

The call takes effect, then the function hangs until Lambda's time-out kills it, once to
four times in a row; the fifth delivery is the last one that a queue grants. The partner
must see the same number each time, and charge, order, sign and store once. What counts
is what the partner has in its own books.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.base import FOOD, MARK, REPLACEMENT
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import Played, Sum, held_against, in_order, play
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.scheduler import Actor

RUNS = 200
MOST_TIMES = 4
"""A queue delivers a message five times; the last one must be heard."""
CALLS = (
    ("courier.POST", REPLACEMENT),
    ("payments.POST", REPLACEMENT),
    ("kms.sign", FOOD),
    ("objects.put_once licences", REPLACEMENT),  # its own notice ends the matter
    ("courier.POST", MARK),
)


@dataclass
class NeverAnswers(Faults):
    """The answers of the first `times` such calls never come."""

    call: str = ""
    times: int = 0
    hung: int = 0

    def of(
        self, actor: Actor, call: str, dice: random.Random, now: datetime
    ) -> Fault | None:
        if call != self.call or self.hung >= self.times:
            return None
        self.hung += 1
        self.injected[f"{Fault.HANG_AFTER} at {call}"] += 1
        return Fault.HANG_AFTER


def run(seed: int, size: Size) -> Outcome:
    """Each call in turn hangs one to four times; each run is one whole case."""
    total = Sum(SCENARIO.name, seed, size)
    for number in range(size.of(RUNS, least=len(CALLS))):
        call, folder = CALLS[number % len(CALLS)]
        most = 1 if call.startswith("objects") else MOST_TIMES
        times = 1 + (number // len(CALLS) + seed) % most
        faults = NeverAnswers(call=call, times=times)
        signing = call in ("kms.sign", "objects.put_once licences")
        real = total.real_licence() if signing else 0
        played = play(seed * RUNS + number, folder, faults, real_licences=real)
        _judge(played, faults)
        held_against(in_order(folder), played)
        total.add(f"{call} of {folder} never answers x{times}", played)
        for book, name in (("courier", "ordered_again"), ("payments", "opened_again")):
            total.notes[name] += played.run.partners.counted(book)[name]
    return total.outcome()


def _judge(played: Played, faults: NeverAnswers) -> None:
    """The partner saw the same number again, and nothing twice."""
    books, verdict = played.run.partners, played.verdict
    parcels, bills = books.counted("courier"), books.counted("payments")
    if faults.hung != faults.times:
        verdict.broken.append(f"hung {faults.hung} times, not {faults.times}")
    if faults.call == "courier.POST" and parcels["ordered_again"] < faults.hung:
        verdict.doubled.append("the carrier was not asked again under the same number")
    if faults.call == "payments.POST" and bills["opened_again"] < faults.hung:
        verdict.doubled.append("the channel was not asked again under the same number")
    if bills["successes"] > 1:
        verdict.doubled.append(f"{bills['successes']} charges")


SCENARIO = Scenario(
    5,
    "timeout-mid-effect",
    "外部调用已生效而函数超时：同一编号重来，只成一次",
    "Time-out after the partner was called: the same number again, one effect",
    run,
)

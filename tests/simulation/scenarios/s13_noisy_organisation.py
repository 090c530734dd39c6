"""Scenario 13: one organisation sends seven times everybody else's load.

The other's p95 from receipt to pre-review's result rises less than twice, since each
message carries its organisation as message group and queues are fair. The laptop cloud
ignores groups; here they work as AWS documents them. A queue is given three workers, so
that there is something to be unfair with.
"""

from __future__ import annotations

import math

from tests.simulation.base import FOOD, REPLACEMENT, Base, base_of
from tests.simulation.faults import Faults
from tests.simulation.oracle import Stored, judge
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Kind

QUIET_CASES = 100
# Of fewer the 95th in a hundred is the slowest one, and a matter of luck.
FEWEST = 40
NOISE = 7
WORKERS = 3
ARRIVALS_PER_SECOND = 20
"""Of the quiet office: a third of what three workers do; with the noise thrice it."""
MOST = 2.0


def run(seed: int, size: Size, *, fair: bool = True) -> Outcome:
    """The quiet office alone, then beside the noisy one."""
    quiet = size.of(QUIET_CASES, least=FEWEST)
    start = base_of(((FOOD, quiet), (REPLACEMENT, NOISE * quiet)))
    calm, _ = _played(seed, start, quiet, noisy=False, fair=fair)
    loud, people = _played(seed, start, quiet, noisy=True, fair=fair)
    verdict = judge(loud, people)
    before, beside = _p95(calm, start.codes[FOOD]), _p95(loud, start.codes[FOOD])
    if beside >= MOST * before:
        verdict.broken.append(
            f"p95 of the quiet office: {before:.1f} to {beside:.1f} s"
        )
    return outcome_of(
        SCENARIO.name,
        size,
        loud,
        verdict,
        p95_seconds_alone=round(before, 2),
        p95_seconds_beside=round(beside, 2),
        p95_seconds_of_the_noisy=round(_p95(loud, start.codes[REPLACEMENT]), 2),
    )


def _played(
    seed: int, start: Base, quiet: int, *, noisy: bool, fair: bool
) -> tuple[Simulation, People]:
    with Simulation(seed, Faults(), start, real_licences=0) as run:
        run.cloud.functions.concurrency = WORKERS
        for queue in run.cloud.queues.values():
            queue.fair = fair
        people = People(run, FOOD, act=False)
        seconds = quiet / ARRIVALS_PER_SECOND
        people.hand_in_all(start.drafts[:quiet], seconds)
        if noisy:
            crowd = People(run, REPLACEMENT, act=False)
            crowd.acknowledged = people.acknowledged
            crowd.hand_in_all(start.drafts[quiet:], seconds)
        run.run_until_quiet(hours=3)
    return run, people


def _p95(run: Simulation, item: str) -> float:
    waits = []
    for key, history in Stored.of(run).histories.items():
        if key.kind is Kind.CASE and key.id.startswith(item):
            at = {row.type: times.from_text(row.time) for row in history}
            done = at["case.accepted"] - at["case.received"]
            waits.append(done.total_seconds())
    waits.sort()
    return waits[math.ceil(0.95 * len(waits)) - 1]


SCENARIO = Scenario(
    13,
    "noisy-organisation",
    "一个单位七倍负载：其他单位不受拖累",
    "One organisation sends seven times the load: the others are not held up",
    run,
)

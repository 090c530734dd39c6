"""Scenario 11: five minutes of throttling, then the p99 comes back and nothing is lost.

The plan's rate is 50 cases a second; a run at full numbers plays three a second, since
one case costs a core about 50 ms here. Rates of failure are the plan's.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from tests.simulation.base import REPLACEMENT, base
from tests.simulation.faults import Faults
from tests.simulation.oracle import Stored, judge
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Kind

CASES = 1500
BAD_SECONDS = 300.0
AFTER_SECONDS = 180.0
RECOVERED_WITHIN = timedelta(minutes=2)
MOST_CALLS = 3.0
CALM_SHARE = 4
"""The run without faults, for comparison, plays a quarter of it at the same rate."""
REFUSALS = {
    "tables": 0.20,
    "kms": 0.10,
    "objects": 0.05,
    "bus": 0.05,
    "sqs": 0.05,
    "payments": 0.05,
    "courier": 0.05,
}


def run(seed: int, size: Size) -> Outcome:
    """Applicants in five bad minutes and after them; some of them without those."""
    cases = size.of(CASES, least=12)
    some = math.ceil(cases / CALM_SHARE)
    seconds = BAD_SECONDS + AFTER_SECONDS
    run, people = _played(seed, cases, seconds, REFUSALS)
    good, _ = _played(seed, some, seconds * some / cases, {})
    verdict = judge(run, people)
    calm = _p99(good, good.started)
    over = run.started + timedelta(seconds=BAD_SECONDS) + RECOVERED_WITHIN
    late = _p99(run, over)
    calls = run.outside.trace.calls / cases / (good.outside.trace.calls / some)
    if late > 2 * calm + 5:
        verdict.broken.append(f"p99 is {late:.1f} s after recovery, {calm:.1f} before")
    if calls > MOST_CALLS:
        verdict.broken.append(f"{calls:.2f} times the calls: a storm of retries")
    return outcome_of(
        SCENARIO.name,
        size,
        run,
        verdict,
        p99_seconds_calm=round(calm, 1),
        p99_seconds_worst=round(_p99(run, run.started), 1),
        p99_seconds_after_two_minutes=round(late, 1),
        calls_ratio=round(calls, 2),
    )


def _played(
    seed: int, cases: int, seconds: float, refusals: dict[str, float]
) -> tuple[Simulation, People]:
    start = base(REPLACEMENT, cases)
    faults = Faults(refusals=refusals)
    with Simulation(seed, faults, start, real_licences=0) as run:
        run.faults.until = run.started + timedelta(seconds=BAD_SECONDS)
        people = People(run)
        people.hand_in_all(start.drafts, seconds)
        run.run_until_quiet(hours=12, done=people.all_final)
    return run, people


def _p99(run: Simulation, since: datetime) -> float:
    """Seconds from receipt to pre-review's result, of cases received since then."""
    waits = []
    for key, history in Stored.of(run).histories.items():
        if key.kind is not Kind.CASE:
            continue
        at = {row.type: times.from_text(row.time) for row in history}
        received, accepted = at["case.received"], at.get("case.accepted")
        if accepted is not None and received >= since:
            waits.append((accepted - received).total_seconds())
    waits.sort()
    return waits[math.ceil(0.99 * len(waits)) - 1] if waits else 0.0


SCENARIO = Scenario(
    11,
    "throttling",
    "限流五分钟：之后恢复，不丢不重，重试不成风暴",
    "Five minutes of throttling: recovery, nothing lost, no storm of retries",
    run,
)

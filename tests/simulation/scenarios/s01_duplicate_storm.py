"""Scenario 1: a thousand cases, about three thousand extra deliveries."""

from __future__ import annotations

from tests.simulation.faults import Faults
from tests.simulation.scenario import Outcome, Scenario, Size, whole_cases

CASES = 1000
DUPLICATED = 0.06
"""Of all messages and callbacks, one to four more copies: about three a case."""


def run(seed: int, size: Size) -> Outcome:
    """Messages of every queue and partners' callbacks come one to five times."""
    faults = Faults(duplicates=DUPLICATED, most_copies=4, lost_deletes=0.02)
    return whole_cases(
        SCENARIO.name,
        seed,
        size,
        faults,
        cases=size.of(CASES),
        over_seconds=size.of(300),
    )


SCENARIO = Scenario(
    1,
    "duplicate-storm",
    "重复投递风暴：每条消息投递一至五次",
    "Duplicate storm: each message comes one to five times",
    run,
)

"""Scenario 10: three entries in ten fail, inside answers that say 200.

The product sends to the bus in batches and reads batches from queues and stream; it
has no `SendMessageBatch` and no `BatchWriteItem`. What `BatchGetItem` leaves over is
asked for again inside `DynamoTables`, where the contract suite looks.
"""

from __future__ import annotations

from tests.simulation.faults import Faults
from tests.simulation.scenario import Outcome, Scenario, Size, whole_cases

CASES = 300
FAILED = 0.3


def run(seed: int, size: Size) -> Outcome:
    """Bus entries fail, and deletes of what a batch did well get lost."""
    faults = Faults(partial=FAILED, lost_deletes=FAILED)
    cases = size.of(CASES, least=4)
    return whole_cases(
        SCENARIO.name, seed, size, faults, cases=cases, over_seconds=cases / 3
    )


SCENARIO = Scenario(
    10,
    "partial-failures",
    "部分失败：答复为200，其中三成条目失败",
    "Partial failures: three entries in ten fail inside a 200",
    run,
)

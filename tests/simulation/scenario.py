"""What a scenario is, and what came of one run of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.base import REPLACEMENT, base
from tests.simulation.faults import Faults
from tests.simulation.oracle import Verdict, judge, summary
from tests.simulation.people import People
from tests.simulation.simulation import REAL_LICENCES, Simulation


class Size(StrEnum):
    """How much of the plan's numbers a run plays."""

    FULL = "full"
    TENTH = "tenth"
    SLICE = "slice"
    """A few seconds of everything, for `make test`."""

    def of(self, number: int, least: int = 1) -> int:
        """That number of the plan at this size."""
        share = {Size.FULL: 1, Size.TENTH: 10, Size.SLICE: 100}[self]
        return max(least, number // share)

    @property
    def real_licences(self) -> int:
        """How many licences are rendered and signed for real: half a second each."""
        return {Size.FULL: REAL_LICENCES, Size.TENTH: 0, Size.SLICE: 1}[self]


@dataclass
class Outcome:
    """One run, as it stands in the evidence."""

    scenario: str
    seed: int
    size: str
    verdict: Verdict
    injected: Counter[str] = field(default_factory=Counter)
    duplicates_on_the_wire: int = 0
    digest: str = ""
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def holds(self) -> bool:
        """Whether everything that was promised held."""
        return self.verdict.holds

    def as_json(self) -> dict[str, Any]:
        """The evidence of this run."""
        return {
            "scenario": self.scenario,
            "seed": self.seed,
            "size": self.size,
            "faults_injected": dict(sorted(self.injected.items())),
            "duplicates_on_the_wire": self.duplicates_on_the_wire,
            **summary(self.verdict),
            "event_log": self.digest,
            "notes": self.notes,
        }


@dataclass(frozen=True)
class Scenario:
    """`number` is the plan's; `run` plays it under a seed and judges."""

    number: int
    name: str
    zh: str
    en: str
    run: Callable[[int, Size], Outcome]

    def play(self, seed: int, size: Size) -> Outcome:
        """One run with its wall time."""
        begun = time.perf_counter()
        outcome = self.run(seed, size)
        outcome.seconds = round(time.perf_counter() - begun, 2)
        return outcome


def outcome_of(
    name: str,
    size: Size,
    run: Simulation,
    verdict: Verdict,
    **notes: Any,
) -> Outcome:
    """What is the same for every scenario that plays one simulation."""
    return Outcome(
        scenario=name,
        seed=run.seed,
        size=str(size),
        verdict=verdict,
        injected=run.faults.injected,
        duplicates_on_the_wire=run.cloud.duplicates,
        digest=run.outside.trace.digest,
        notes={
            "virtual_minutes": round(
                (run.scheduler.now - run.started).total_seconds() / 60, 1
            ),
            "outside_calls": run.outside.trace.calls,
            "invocations": sum(run.cloud.functions.invocations.values()),
            "killed": sum(run.cloud.functions.killed.values()),
            **notes,
        },
    )


def whole_cases(
    name: str,
    seed: int,
    size: Size,
    faults: Faults,
    *,
    cases: int,
    folder: str = REPLACEMENT,
    over_seconds: float = 60.0,
    hours: float = 12.0,
    prepare: Callable[[Simulation, People], None] = lambda run, people: None,
) -> Outcome:
    """So many applicants hand in, everybody does their part, then all is judged."""
    start = base(folder, cases)
    with Simulation(seed, faults, start, real_licences=size.real_licences) as run:
        people = People(run, folder)
        prepare(run, people)
        people.hand_in_all(start.drafts, over_seconds)
        run.run_until_quiet(hours, people.all_final)
        verdict = judge(run, people)
    return outcome_of(name, size, run, verdict)

"""Scenario 3: a fault at every outside call of every function on the way of a case.

A run without faults is traced first. Each of its outside calls that differs from those
before (by function, and by all calls of the invocation up to it) is a point; then each
point has a run of its own for every kind of fault. The same seed makes the same run up
to the fault, so the fault hits just that call.

On the way are an upload, the hand-in, both officers' requests, the payment, a parcel,
all callbacks, and three minutes in which `submit` stands still, so that the watchdog
has something to publish again.
"""

from __future__ import annotations

import random
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tests.simulation.faults import Fault, Faults
from tests.simulation.many import (
    ITEMS,
    Played,
    Sum,
    final_state,
    held_against,
    the_longest_way,
)
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.scheduler import Actor

SHARES = {Size.FULL: 10, Size.TENTH: 25, Size.SLICE: 170}
"""Into how many shares the pairs of point and kind fall; one share has one seed."""
KINDS = (
    Fault.CRASH_BEFORE,
    Fault.CRASH_AFTER,
    Fault.HANG_AFTER,
    Fault.LOST_ANSWER,
    Fault.HANG_BEFORE,
)


@dataclass(frozen=True)
class Point:
    """The `position`-th outside call of the item's run; `name` says what led to it."""

    folder: str
    function: str
    position: int
    name: str


@dataclass
class OnePoint(Faults):
    """One fault at one outside call of the run; `seen` keeps all of them."""

    position: int = 0
    kind: Fault = Fault.CRASH_BEFORE
    seen: list[tuple[str, int, str]] = field(default_factory=list)

    def of(
        self, actor: Actor, call: str, dice: random.Random, now: datetime
    ) -> Fault | None:
        """Calls of functions count; a person's own (an upload) do not."""
        if actor.deadline is None:
            return None
        self.seen.append((actor.name, actor.number, call))
        if len(self.seen) != self.position:
            return None
        self.injected[f"{self.kind} at {actor.name}: {call}"] += 1
        return self.kind


def run(seed: int, size: Size) -> Outcome:
    """Every point and kind once at full size, under ten seeds in turn; else a share."""
    total = Sum(SCENARIO.name, seed, size)
    functions: Counter[str] = Counter()
    shares = SHARES[size]
    for share in range(shares) if size is Size.FULL else (seed % shares,):
        run_seed = seed * shares + share
        expected: dict[str, Counter[str]] = {}
        found: dict[str, Point] = {}
        for folder in ITEMS:
            reference = the_longest_way(run_seed, folder, OnePoint())
            expected[folder] = final_state(reference.run)
            total.add(f"{folder} without faults", reference)
            for point in points(folder, reference):
                found.setdefault(point.name, point)
        for point, kind in _chosen(found, share, shares):
            faults = OnePoint(position=point.position, kind=kind)
            # A real licence's check asks for more, but only after it was signed.
            real = total.real_licence() if point.function == "sign_licence" else 0
            played = the_longest_way(run_seed, point.folder, faults, real_licences=real)
            if not faults.injected:
                played.verdict.broken.append("the point was not reached")
            held_against(expected[point.folder], played)
            total.add(f"{kind} at {point.name} of {point.folder}", played)
            functions[point.function] += 1
    return total.outcome(runs_by_function=dict(sorted(functions.items())))


def _chosen(
    found: Mapping[str, Point], share: int, shares: int
) -> list[tuple[Point, Fault]]:
    """The pairs of point and kind that this share plays; all shares play all."""
    pairs = [(point, kind) for point in found.values() for kind in KINDS]
    ours = [
        (point, kind)
        for point, kind in pairs
        if zlib.crc32(f"{kind} {point.name}".encode()) % shares == share
    ]
    return ours or pairs[:1]


def points(folder: str, reference: Played) -> Iterator[Point]:
    """The outside calls of a run, by function and by all calls that led to each."""
    paths: dict[int, tuple[str, ...]] = {}
    faults = reference.run.faults
    if not isinstance(faults, OnePoint):
        raise TypeError("the run was not traced")
    for position, (function, invocation, call) in enumerate(faults.seen, start=1):
        path = paths[invocation] = (*paths.get(invocation, ()), call)
        yield Point(folder, function, position, f"{function}: {' > '.join(path)}")


SCENARIO = Scenario(
    3,
    "crash-at-each-point",
    "逐点故障：每个函数的每次外部调用之前、之后、超时",
    "Crash at each point: before, after and in every outside call of every function",
    run,
)

"""Scenario 18: anything may happen to a case next; a model of sixty lines knows better.

Handing in, correcting, withdrawing, paying, deciding, signing and delivering, at their
time or not; any earlier message, callback or request again; crashes at drawn calls.
After each step the case is held against the model. Hypothesis plays the same machine
in `test_machine.py`, and shrinks what it finds.
"""

from __future__ import annotations

import random
from collections import Counter

from tests.simulation.machine import ITEMS, Disagreement, Play
from tests.simulation.many import Played, Sum
from tests.simulation.oracle import Verdict
from tests.simulation.scenario import Outcome, Scenario, Size

SEQUENCES = 100
STEPS = {Size.FULL: 50, Size.TENTH: 30, Size.SLICE: 30}


def run(seed: int, size: Size) -> Outcome:
    """So many cases, each with so many steps."""
    total = Sum(SCENARIO.name, seed, size)
    steps: Counter[str] = Counter()
    ends: Counter[str] = Counter()
    folders = list(ITEMS)
    for number in range(size.of(SEQUENCES, least=len(folders))):
        folder = folders[number % len(folders)]
        real = number < size.real_licences
        play = Play(folder, seed * SEQUENCES + number, real_licences=int(real))
        try:
            verdict = _verdict(play, STEPS[size])
        finally:
            play.leave()
        total.add(f"sequence {number}", Played(play.run, play.people, verdict))
        steps.update(play.played)
        ends[play.model.word] += 1
    return total.outcome(
        steps=dict(sorted(steps.items())), ends=dict(sorted(ends.items()))
    )


def _verdict(play: Play, steps: int) -> Verdict:
    dice = random.Random(play.run.seed)
    try:
        for _ in range(steps):
            play.anything(dice)
        return play.close()
    except Disagreement as found:
        return Verdict(broken=[str(found)])


SCENARIO = Scenario(
    18,
    "anything-in-any-order",
    "任意操作、任意次序：状态机与模型逐步比对",
    "Anything in any order: each step held against a model",
    run,
)

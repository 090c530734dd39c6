"""A slice of every scenario, that one seed is one run, and that failures are told."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from tests.simulation.__main__ import main, replay, table
from tests.simulation.oracle import Verdict
from tests.simulation.scenario import Outcome, Size
from tests.simulation.scenarios import all_scenarios

ROOT = Path(__file__).resolve().parents[2]
NUMBERS = {*range(1, 12), 13, *range(15, 19), 26, 27, 29}
"""Up to 25 of the reliability plan: 19 is `tests/archive`, 20 to 24 have suites of
their own, 25 is `make load`, 12, 14 and 28 belong to later issues."""


def test_every_scenario_of_the_plan_is_there() -> None:
    numbers = Counter(scenario.number for scenario in all_scenarios().values())
    assert set(numbers) == NUMBERS
    assert max(numbers.values()) == 1


@pytest.mark.parametrize("name", all_scenarios())
def test_a_slice_of_it_holds(name: str) -> None:
    outcome = all_scenarios()[name].play(seed=1, size=Size.SLICE)
    assert outcome.verdict.faults() == []
    assert outcome.verdict.acknowledged + sum(outcome.injected.values()) > 0
    json.dumps(outcome.as_json())


def test_one_seed_is_one_run_in_whichever_process() -> None:
    def event_log(hash_seed: str) -> str:
        arguments = ["duplicate-storm", "--size", "slice", "--seed", "7", "--json"]
        done = subprocess.run(
            [sys.executable, "-m", "tests.simulation", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        return str(json.loads(done.stdout)["event_log"])

    first = event_log("1")
    assert len(first) == 64
    assert event_log("2") == first


def test_a_failed_run_says_what_is_wrong_and_how_to_see_it_again() -> None:
    verdict = Verdict(acknowledged=1, lost=["case 7 is gone"])
    outcome = Outcome("duplicate-storm", 42, "tenth", verdict)
    assert not outcome.holds
    assert verdict.faults() == ["lost: case 7 is gone"]
    assert (
        replay(outcome) == "make simulate SCENARIO=duplicate-storm SEED=42 SIZE=tenth"
    )
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(table([outcome]))
    assert "duplicate-storm" in console.export_text()


def test_an_unknown_scenario_is_refused_by_name() -> None:
    assert main(["no-such-scenario"]) == 2

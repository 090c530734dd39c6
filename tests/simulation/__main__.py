"""`python -m tests.simulation [SCENARIO…] [--seed N] [--seeds COUNT] [--size full]`.

Plays scenarios and prints a table; a run that fails prints what is wrong and the
command that plays just that run again. `--evidence` keeps the runs under
`docs/evidence/simulation/` and the docs page's tables.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from tests.simulation import evidence
from tests.simulation.runs import outcomes
from tests.simulation.scenario import Outcome, Size
from tests.simulation.scenarios import all_scenarios

WIDTH = 130
"""Columns where nobody says how many there are: a pipe, a log."""


def replay(outcome: Outcome) -> str:
    """The command that plays this run again."""
    return (
        f"make simulate SCENARIO={outcome.scenario} SEED={outcome.seed} "
        f"SIZE={outcome.size}"
    )


def table(found: Iterable[Outcome]) -> Table:
    """The runs by scenario: sums over seeds."""
    shown = Table(title="模拟 · Simulation", box=SIMPLE_HEAD, pad_edge=False)
    for column in (
        "scenario",
        "runs",
        "acknowledged",
        "completed",
        "faults",
        "duplicates",
        "lost",
        "doubled",
        "broken",
        "let in",
        "s",
    ):
        left = column == "scenario"
        shown.add_column(column, justify="left" if left else "right", no_wrap=left)
    by_name: dict[str, list[Outcome]] = {}
    for outcome in found:
        by_name.setdefault(outcome.scenario, []).append(outcome)
    for name in all_scenarios():
        runs = by_name.get(name, [])
        if not runs:
            continue
        verdicts = [run.verdict for run in runs]
        shown.add_row(
            name,
            str(len(runs)),
            str(sum(v.acknowledged for v in verdicts)),
            str(sum(v.completed for v in verdicts)),
            str(sum(sum(run.injected.values()) for run in runs)),
            str(sum(run.duplicates_on_the_wire for run in runs)),
            str(sum(len(v.lost) for v in verdicts)),
            str(sum(len(v.doubled) for v in verdicts)),
            str(sum(len(v.broken) for v in verdicts)),
            str(sum(len(v.let_in) for v in verdicts)),
            f"{sum(run.seconds for run in runs):.0f}",
        )
    return shown


def main(arguments: list[str]) -> int:
    """Plays what is asked for; 1 when a promise did not hold."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH)
    names = asked.scenarios or list(all_scenarios())
    unknown = set(names) - set(all_scenarios())
    if unknown:
        console.print(f"没有该场景 · no such scenario: {', '.join(sorted(unknown))}")
        console.print("可用 · known: " + ", ".join(all_scenarios()))
        return 2
    seeds = range(asked.seed, asked.seed + asked.seeds)
    jobs = [(name, seed, asked.size) for seed in seeds for name in names]
    found: list[Outcome] = []
    with _progress(console) as progress:
        bar = progress.add_task("场景 · scenarios", total=len(jobs))
        for outcome in outcomes(jobs, asked.processes):
            found.append(outcome)
            progress.advance(bar)
            if asked.evidence and asked.size == Size.FULL:
                evidence.keep(outcome)
            if not outcome.holds:
                _show_failure(progress.console, outcome)
    console.print(table(found))
    if asked.evidence:
        if asked.seeds > 1:
            evidence.keep_seeds(found)
        evidence.write_page()
    if asked.json:
        for outcome in found:
            sys.stdout.write(json.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
    return 0 if all(outcome.holds for outcome in found) else 1


def _show_failure(console: Console, outcome: Outcome) -> None:
    console.print(f"✗ {outcome.scenario} seed {outcome.seed}")
    for fault in outcome.verdict.faults()[:10]:
        console.print(f"    {fault}", markup=False)
    console.print(f"  重放 · replay: {replay(outcome)}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make simulate")
    parser.add_argument("scenarios", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1, help="how many, from --seed on")
    parser.add_argument("--size", choices=[str(size) for size in Size], default="full")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--evidence", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Sums of what functions asked of AWS. Pure: log lines in, figures out.

A line is what `zerotrip.runtime.metering` writes, with `function` beside it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MACHINE, TASK, OFFICER = "machine", "task", "officer"
AIMS = {MACHINE: 6, TASK: 9, OFFICER: 10}
"""Write units of one step, indexes included (the design's page on data)."""
RECORDS = "-records"
WORKLIST = "/worklist"
STAFF = "staff_api"
Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls of one kind by one function, per case."""

    function: str
    call: str
    per_case: float
    read_units: float
    write_units: float


@dataclass(frozen=True, slots=True)
class StepUnits:
    """Write units of one function's steps of one kind; commands are transactions."""

    function: str
    kind: str
    steps: int
    commands: float
    mean: float
    worst: float
    aim: int


def calls_per_case(lines: Iterable[Line], cases: int) -> list[Calls]:
    """By function and call, the functions in the order of their names."""
    grouped: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        call = f"{line['api']}.{line['operation']}"
        grouped[line["function"], call].append(line)
    return [
        Calls(
            function=function,
            call=call,
            per_case=len(each) / cases,
            read_units=sum(line["read_units"] for line in each) / cases,
            write_units=sum(line["write_units"] for line in each) / cases,
        )
        for (function, call), each in sorted(grouped.items())
    ]


def step_units(lines: Iterable[Line]) -> list[StepUnits]:
    """Write units on the records table: of one message, or of an officer's decision.

    A step that touches the work-list index opens or closes a task.
    """
    written: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for position, line in enumerate(lines):
        units = _on_records(line)
        if units and (line.get("message_id") or line["function"] == STAFF):
            # An officer's request is one transaction; a message may be several.
            step = line.get("message_id", f"request {position}")
            written[line["function"], step].append(units)
    kinds: dict[tuple[str, str], list[list[dict[str, float]]]] = defaultdict(list)
    for (function, _), commands in written.items():
        names = {name for units in commands for name in units}
        kinds[function, kind_of_step(function, names)].append(commands)
    found = []
    for (function, kind), steps in sorted(kinds.items()):
        sums = [sum(sum(units.values()) for units in step) for step in steps]
        found.append(
            StepUnits(
                function=function,
                kind=kind,
                steps=len(steps),
                commands=statistics.mean(len(step) for step in steps),
                mean=statistics.mean(sums),
                worst=max(sums),
                aim=AIMS[kind],
            )
        )
    return found


def kind_of_step(function: str, names: Iterable[str]) -> str:
    """Which of the three aims counts for it, by the tables and indexes it wrote to."""
    if function == STAFF:
        return OFFICER
    return TASK if any(name.endswith(WORKLIST) for name in names) else MACHINE


def _on_records(line: Line) -> dict[str, float]:
    if not line["write_units"]:
        return {}
    return {
        name: units
        for name, units in line["units"].items()
        if name.partition("/")[0].endswith(RECORDS)
    }


def by_table(lines: Iterable[Line]) -> dict[str, float]:
    """Write units by table and index."""
    found: dict[str, float] = defaultdict(float)
    for line in lines:
        if line["write_units"]:
            for name, units in line["units"].items():
                found[name] += units
    return dict(sorted(found.items()))


def within(lines: Iterable[Line], windows: Sequence[tuple[int, int]]) -> list[Line]:
    """Lines written in one of the windows, milliseconds since 1970."""
    return [
        line
        for line in lines
        if any(first <= line["at"] <= last for first, last in windows)
    ]

"""`make load`: the enrolment weekend of one organisation against the laptop cloud.

Measures what the laptop can do, hands the numbers out, then plays a rush at twice that,
waits until nothing is left, plays the hours between, and a second rush. It reports what
was acknowledged and what came of it; it judges nothing.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed

from bench.cloud import fresh_cloud
from bench.load_crowd import Crowd, HandedIn, Number
from bench.load_plan import (
    NUMBERS,
    SUBMITTED,
    Weekend,
    between_times,
    rush_times,
    weekend,
)
from bench.load_report import Ledger, Phase, ledger, phase, plot, sparkline
from bench.load_watch import Depth, Fate, QueueWatch, fates
from bench.screen import measured, say, table
from infra.local.deploy import Outputs
from infra.local.home import ROOT, TENANT, Home, read_json
from infra.local.mini_program import Partners
from infra.local.seed import catalogue_of
from tests.verify import evidence
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.commands import publish_folder
from zerotrip.kernel.times import legal_day

ITEM = Path(__file__).with_name("catalogue") / "school-enrolment"
HOME = ROOT / ".local" / "load-cloud"
PLOT = ROOT / "docs" / "load-backlog.svg"
WARM_UP, PROBED = 12, 60
DRAIN_SECONDS = 600.0
SEED = 1


@dataclass
class Play:
    """One run on one laptop cloud."""

    home: Home
    outputs: Outputs
    progress: Progress
    crowd: Crowd = field(init=False)
    item_code: str = field(init=False)
    handed_in: list[HandedIn] = field(default_factory=list)
    _parts: list[tuple[str, int, list[HandedIn]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        today = legal_day(datetime.now(UTC))
        catalogue = catalogue_of(self.home, self.outputs)
        publish_folder(ITEM, catalogue, TENANT, "operator:load")
        self.item_code = load(ITEM, today).item.code
        self.crowd = Crowd(
            self.home.api_url,
            Partners.of(self.home),
            self.item_code,
            load_example(ITEM, today).form,
        )

    def capacity(self, probed: int) -> float:
        """Submissions a second that get their result when the next one never waits."""
        count = WARM_UP + probed
        numbers = self._numbers("预热 warm-up", count, count)
        self._hand_in("warm-up", numbers[:WARM_UP], [0.0] * WARM_UP)
        self._drained()
        answers = self._hand_in("capacity", numbers[WARM_UP:], [0.0] * probed)
        self._drained()
        stored = self.fates()
        ends = [stored[each.case_no].result_at or 0.0 for each in answers]
        return len(answers) / (max(ends) - min(each.due_at for each in answers))

    def play(self, planned: Weekend) -> None:
        """The whole weekend; each part begins when nothing of the last is left."""
        numbers = self._numbers("发号 numbers", planned.numbers, planned.submitted)
        rush, between = planned.rush, planned.between
        first, rest = numbers[:rush], numbers[rush : planned.submitted]
        self._part("first rush", first, rush_times(rush, planned.rate, SEED))
        middle = between_times(between, planned.between_seconds, SEED)
        self._part("hours between", rest[:between], middle)
        last = rush_times(rush, planned.rate, SEED + 1)
        self._part("second rush", rest[between:], last)

    def phases(self) -> list[Phase]:
        """The figures of each part."""
        stored = self.fates()
        return [phase(name, due, found, stored) for name, due, found in self._parts]

    def fates(self) -> dict[str, Fate]:
        """What is stored of all cases of this item."""
        return fates(self.home, self.outputs, self.item_code)

    def _part(self, name: str, numbers: list[Number], times: list[float]) -> None:
        if numbers:
            found = self._hand_in(name, numbers, times)
            self._parts.append((name, len(numbers), found))
            self._drained()

    def _numbers(self, what: str, count: int, filled: int) -> list[Number]:
        task = self.progress.add_task(what, total=count, queues="")
        done: Callable[[], None] = lambda: self.progress.advance(task)  # noqa: E731
        return self.crowd.take_numbers(count, filled, done)

    def _hand_in(
        self, name: str, numbers: list[Number], times: list[float]
    ) -> list[HandedIn]:
        task = self.progress.add_task(f"受理 {name}", total=len(numbers), queues="")

        def seen(depth: Depth) -> None:
            self.progress.update(task, queues=_queues(depth))

        def done(answer: HandedIn) -> None:
            self.handed_in.append(answer)
            self.progress.advance(task)

        with QueueWatch(self.home, self.outputs, seen):
            return self.crowd.hand_in(numbers, times, done)

    def _drained(self) -> None:
        """Waits until every acknowledged case has its result and the queues are empty;
        gives up after ten minutes, and the ledger says what was lost."""
        task = self.progress.add_task("办结积压 backlog", total=None, queues="")
        watch = QueueWatch(self.home, self.outputs, lambda _: None)
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            depth = watch.look()
            self.progress.update(task, queues=_queues(depth))
            if not any(depth.waiting.values()) and self._all_answered():
                break
            time.sleep(1)
        self.progress.update(task, total=1, completed=1)

    def _all_answered(self) -> bool:
        stored = self.fates()
        return all(
            each.case_no in stored and stored[each.case_no].result_at is not None
            for each in self.handed_in
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run found."""

    capacity: float
    planned: Weekend
    phases: list[Phase]
    kept: Ledger
    dead_letters: int
    unanswered: int
    refused: dict[str, int]


def played(
    home: Home, outputs: Outputs, scale: float | None, probed: int = PROBED
) -> Outcome:
    """Capacity first, then the weekend, on a laptop cloud that is up."""
    columns = (
        TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(),
        Elapsed(), TextColumn("{task.fields[queues]}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        playing = Play(home, outputs, progress)
        capacity = playing.capacity(probed)
        planned = weekend(capacity, scale)
        playing.play(planned)
    crowd, stored = playing.crowd, playing.fates()
    return Outcome(
        capacity=capacity,
        planned=planned,
        phases=playing.phases(),
        kept=ledger(playing.handed_in, stored, set(crowd.unanswered)),
        dead_letters=QueueWatch(home, outputs, lambda _: None).dead_letters(),
        unanswered=len(crowd.unanswered),
        refused=crowd.refused,
    )


def run(scale: float | None) -> None:
    """Measures on a cloud of its own, prints, and keeps evidence and plot."""
    with fresh_cloud(HOME) as home:
        outputs = Outputs(read_json(home.deployed_file)["outputs"])
        found = played(home, outputs, scale)
    report(found)


def sums_of(found: Outcome) -> dict[str, Any]:
    """The run in one flat object."""
    planned, kept = found.planned, found.kept
    return {
        "capacity_a_second": round(found.capacity, 2),
        "scale": round(planned.scale, 2),
        "rush_rate_a_second": round(planned.rate, 2),
        "numbers": planned.numbers,
        "never_submitted": planned.numbers - planned.submitted,
        "never_submitted_share": round(1 - planned.submitted / planned.numbers, 3),
        "acknowledged": kept.acknowledged,  # warm-up and capacity too
        "completed": kept.completed,
        "lost": len(kept.lost),
        "doubled": len(kept.doubled),
        "gaps": len(kept.broken),
        "unexpected": kept.unexpected,
        "unanswered": found.unanswered,
        "dead_letters": found.dead_letters,
        "asked_again": dict(sorted(found.refused.items())),
    }


def report(found: Outcome) -> None:
    """Tables, one JSON line, `docs/evidence/load.json`, the plot."""
    sums = sums_of(found)
    _show(found.phases)
    for each in found.phases:
        waiting = [moment.waiting for moment in each.backlog]
        say(f"积压 {each.name}", f"backlog, most {each.most_waiting}")
        say("", sparkline(waiting))
    measured("load", **sums)
    evidence.write(
        "load",
        weekend={"numbers": NUMBERS, "submitted": SUBMITTED, "hours": 57},
        **sums,
        phases=[each.as_json() for each in found.phases],
    )
    PLOT.write_text(plot(found.phases), encoding="utf-8")


def _show(phases: list[Phase]) -> None:
    rows = [
        [
            each.name, each.due, each.acknowledged, each.completed,
            *((each.result.p50, each.result.p95, each.result.p99)
              if each.result else (None, None, None)),
            each.oldest_seconds, each.zero_after_seconds,
        ]
        for each in phases
    ]  # fmt: skip
    heads = ["阶段 phase", "到达 due", "受理 ack", "完成 done"]
    heads += ["p50 s", "p95 s", "p99 s", "最久 oldest s", "清零 zero after s"]
    table("从提交到预审结果 · from submission to the result", heads, rows)


def _queues(depth: Depth) -> str:
    return " ".join(f"{step} {count}" for step, count in depth.waiting.items())


def main() -> None:
    """`python -m bench.load [--scale N]`."""
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument(
        "--scale", type=float, help="divides the weekend; else a rush lasts 60 s"
    )
    run(parser.parse_args().scale)


if __name__ == "__main__":
    main()

"""Figures of a load run from its times. Pure: moments in, report and plot out.

All times are seconds since 1970. A submission waits from the moment at which it was due
until its result is stored, whether it was acknowledged by then or not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.load_crowd import HandedIn
from bench.load_plan import percentile
from bench.load_watch import Fate

SPARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds from submission to the result of the pre-review."""

    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, slots=True)
class Moment:
    """The backlog at one second: how many wait, and how long the oldest of them has."""

    second: float
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Phase:
    """One rush, or the hours between.

    `zero_after_seconds` runs from the last submission that was due to the moment when
    nothing waited any more; None if something still did at the end.
    """

    name: str
    due: int
    seconds: float
    acknowledged: int
    completed: int
    acknowledged_a_second: float
    acknowledgement: Waits | None
    result: Waits | None
    most_waiting: int
    oldest_seconds: float
    zero_after_seconds: float | None
    backlog: tuple[Moment, ...]

    def as_json(self) -> dict[str, Any]:
        """For the evidence; the backlog as three rows of numbers."""
        found = asdict(self)
        found["backlog"] = {
            "second": [round(each.second, 1) for each in self.backlog],
            "waiting": [each.waiting for each in self.backlog],
            "oldest_seconds": [round(each.oldest_seconds, 2) for each in self.backlog],
        }
        return found


def phase(
    name: str,
    due: int,
    handed_in: Sequence[HandedIn],
    results: Mapping[str, Fate],
) -> Phase:
    """The figures of what was handed in; `due` also counts what found no answer."""
    ends = {
        each.case_no: results[each.case_no].result_at
        for each in handed_in
        if each.case_no in results
    }
    pairs = [(each.due_at, ends.get(each.case_no)) for each in handed_in]
    done = [(start, end) for start, end in pairs if end is not None]
    first = min((each.due_at for each in handed_in), default=0.0)
    last = max((each.due_at for each in handed_in), default=0.0)
    acknowledged = max((each.acknowledged_at for each in handed_in), default=0.0)
    course = backlog(pairs, first)
    whole = len(done) == due
    return Phase(
        name=name,
        due=due,
        seconds=round(last - first, 2),
        acknowledged=len(handed_in),
        completed=len(done),
        acknowledged_a_second=round(len(handed_in) / (acknowledged - first or 1.0), 2),
        acknowledgement=waits([h.acknowledged_at - h.due_at for h in handed_in]),
        result=waits([end - start for start, end in done]),
        most_waiting=max((each.waiting for each in course), default=0),
        oldest_seconds=round(max((m.oldest_seconds for m in course), default=0.0), 2),
        zero_after_seconds=(
            round(max(0.0, max(end for _, end in done) - last), 2) if whole else None
        ),
        backlog=course,
    )


def waits(seconds: Sequence[float]) -> Waits | None:
    """Percentiles, to a hundredth of a second; None of nothing."""
    if not seconds:
        return None
    ranks = [round(percentile(seconds, rank), 2) for rank in (50, 95, 99, 100)]
    return Waits(*ranks)


def backlog(
    pairs: Sequence[tuple[float, float | None]], origin: float, step: float = 1.0
) -> tuple[Moment, ...]:
    """Second by second, from the first submission to the last result."""
    if not pairs:
        return ()
    ends = [end for _, end in pairs if end is not None]
    until = max([start for start, _ in pairs] + ends)
    found, at = [], origin
    while at < until + step:
        open_since = [
            start for start, end in pairs if start <= at and (end is None or end > at)
        ]
        oldest = at - min(open_since) if open_since else 0.0
        found.append(Moment(at - origin, len(open_since), oldest))
        at += step
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Ledger:
    """What was acknowledged against what is stored, over the whole run."""

    acknowledged: int
    completed: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    broken: tuple[str, ...]
    unexpected: int


def ledger(
    handed_in: Sequence[HandedIn], results: Mapping[str, Fate], unanswered: set[str]
) -> Ledger:
    """Lost: acknowledged without a result. Doubled: an event, a task, or a case twice.

    Unexpected: a stored case that nobody was told of and whose submission did not end
    in doubt.
    """
    told = [each.case_no for each in handed_in]
    per_application: dict[str, int] = {}
    for fate in results.values():
        per_application[fate.application] = per_application.get(fate.application, 0) + 1
    ended = {
        no for no, fate in results.items() if fate.result_at is not None
    }  # fmt: skip
    return Ledger(
        acknowledged=len(set(told)),
        completed=len(ended & set(told)),
        lost=tuple(sorted(set(told) - ended)),
        doubled=tuple(
            sorted(
                number
                for number, fate in results.items()
                if fate.doubled or per_application[fate.application] > 1
            )
        ),
        broken=tuple(sorted(no for no, fate in results.items() if not fate.gap_free)),
        unexpected=sum(
            number not in set(told) and fate.application not in unanswered
            for number, fate in results.items()
        ),
    )


def sparkline(values: Sequence[float], width: int = 60) -> str:
    """The course of values as one line of text, each mark the most of its part."""
    if not values or max(values) == 0:
        return SPARKS[0] * min(width, len(values))
    a_mark = max(1, -(-len(values) // width))
    parts = [max(values[i : i + a_mark]) for i in range(0, len(values), a_mark)]
    top = max(values)
    return "".join(SPARKS[round(each / top * (len(SPARKS) - 1))] for each in parts)


def plot(phases: Sequence[Phase], width: int = 720, height: int = 200) -> str:
    """An SVG of the backlog over time, the phases one after another."""
    moments = [each for phase in phases for each in phase.backlog]
    top = max((each.waiting for each in moments), default=0) or 1
    across = (width - 50) / max(1, len(moments))
    points = " ".join(
        f"{40 + position * across:.1f},{height - 25 - each.waiting / top * 150:.1f}"
        for position, each in enumerate(moments)
    )
    marks, position = [], 0
    for each in phases:
        x = 40 + position * across
        marks.append(
            f'<line x1="{x:.1f}" y1="15" x2="{x:.1f}" y2="{height - 25}" '
            'stroke="#bbb" stroke-dasharray="3 3"/>'
            f'<text x="{x + 4:.1f}" y="22">{each.name}</text>'
        )
        position += len(each.backlog)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11" role="img">'
        "<title>等待结果的申请数 · submissions that wait for their result</title>"
        '<rect width="100%" height="100%" fill="white"/>'
        f'<text x="4" y="{height - 170}">{top}</text>'
        f'<text x="4" y="{height - 22}">0</text>'
        f'<text x="40" y="{height - 6}">0 s</text>'
        f'<text x="{width - 60}" y="{height - 6}">{len(moments)} s</text>'
        f"{''.join(marks)}"
        f'<polyline points="{points}" fill="none" stroke="#1f5fa8" '
        'stroke-width="1.5"/></svg>\n'
    )

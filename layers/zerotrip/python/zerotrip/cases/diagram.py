"""Draws `docs/lifecycle.md` from the table of transitions.

`python -m zerotrip.cases.diagram` writes it, `--check` says whether it is current.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from zerotrip.cases.lifecycle import (
    CLOCK_STEPS,
    FINAL,
    FULFILLED_BY,
    MACHINE_STEPS,
    OUTSIDE_STEPS,
    TRANSITIONS,
    Obligation,
    Stage,
    Transition,
)
from zerotrip.cases.words import EVENT_WORDS, STAGE_WORDS
from zerotrip.kernel.aggregate import Kind

PAGE = Path("docs/lifecycle.md")

BY_WORDS = {
    "applicant": ("申请人", "the applicant"),
    "officer": ("审批人员", "an officer"),
    "machine": ("系统", "the system"),
}
KIND_WORDS = {
    Kind.BILL: ("缴费单", "bill"),
    Kind.SHIPMENT: ("寄递", "parcel"),
    Kind.LICENCE: ("证照", "licence"),
}
OBLIGATION_WORDS = {
    Obligation.CORRECTIONS: ("补正", "corrections"),
    Obligation.PAPERS: ("纸质材料", "papers"),
    Obligation.PROMISES: ("承诺补交的材料", "promised materials"),
    Obligation.DECISION: ("审批决定", "a decision"),
    Obligation.PAYMENT: ("缴费", "payment"),
    Obligation.LICENCE: ("制证", "the licence"),
    Obligation.DELIVERY: ("送达", "delivery"),
}
CLOSED_BY_PERSON = {
    Obligation.CORRECTIONS: "case.corrected",
    Obligation.PROMISES: "case.promise_kept",
    Obligation.DECISION: "case.decision_recorded",
}

_HEAD = """\
<!-- Generated from zerotrip/cases/lifecycle.py: python -m zerotrip.cases.diagram -->

# 办件的一生 · The life of a case

One table of transitions says what may happen. The store compiles each row's *from* into
the condition of the database write, so what is not in the table cannot happen. A stage
is left only when none of its obligations is open.
"""


def page() -> str:
    """The whole page, in Markdown."""
    parts = [
        _HEAD,
        "## 流程图 · Diagram\n",
        "\n".join(_diagram()),
        "\n## 阶段 · Stages\n",
        "\n".join(_stages()),
        "\n## 变迁 · Transitions\n",
        "\n".join(_transitions()),
        "\n## 事项 · Obligations\n",
        "\n".join(_obligations()),
        "\n## 步骤 · Steps\n",
        "\n".join(_steps()),
    ]
    return "\n".join(parts) + "\n"


def arrows() -> Iterator[tuple[str, str, str]]:
    """Each arrow of the diagram: from, to, event; `[*]` is the start."""
    for row in TRANSITIONS.values():
        starts = [str(stage) for stage in Stage if stage in row.allowed_from]
        for to in (stage for stage in Stage if stage in row.to):
            for start in starts or ["[*]"]:
                yield start, str(to), row.event


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for stage in Stage:
        zh, en = STAGE_WORDS[stage]
        yield f'    state "{zh} {en}" as {stage}'
    for start, to, event in arrows():
        zh, _ = EVENT_WORDS[event]
        yield f"    {start} --> {to} : {zh} {event.removeprefix('case.')}"
    for stage in (stage for stage in Stage if stage in FINAL):
        yield f"    {stage} --> [*]"
    yield "```"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    titles = list(head)
    yield "| " + " | ".join(titles) + " |"
    yield "| " + " | ".join("---" for _ in titles) + " |"
    for row in rows:
        yield "| " + " | ".join(row) + " |"


def _stages() -> Iterator[str]:
    yield from _table(
        ("阶段 Stage", "名称 Name", "终态 Final"),
        (
            (
                f"`{stage}`",
                _both(STAGE_WORDS[stage]),
                "是 yes" if stage in FINAL else "",
            )
            for stage in Stage
        ),
    )


def _transitions() -> Iterator[str]:
    def cells(row: Transition) -> tuple[str, ...]:
        return (
            f"`{row.event}`<br>{_both(EVENT_WORDS[row.event])}",
            f"`{row.step}`",
            _stage_names(row.allowed_from) or "(新办件 a new case)",
            _stage_names(row.to),
            _both(BY_WORDS[row.by]),
        )

    yield from _table(
        ("事件 Event", "步骤 Step", "自 From", "至 To", "由 By"),
        map(cells, TRANSITIONS.values()),
    )


def _obligations() -> Iterator[str]:
    def fulfilled(name: Obligation) -> str:
        if name in FULFILLED_BY:
            kind, stage = FULFILLED_BY[name]
            return f"{_both(KIND_WORDS[kind])}: `{kind.lower()}` `{stage}`"
        event = CLOSED_BY_PERSON[name]
        return f"{_both(EVENT_WORDS[event])}: `{event}`"

    yield from _table(
        ("事项 Obligation", "名称 Name", "由何完成 Fulfilled by"),
        (
            (f"`{name}`", _both(OBLIGATION_WORDS[name]), fulfilled(name))
            for name in Obligation
        ),
    )


def _steps() -> Iterator[str]:
    every = {row.step for row in TRANSITIONS.values()}
    yield f"Steps that write an event of the case: {_code(every)}."
    yield f"Of these, {_code(MACHINE_STEPS)} answer an event with a further one;"
    yield "`advance_case` turns the facts of other contexts into commands."
    yield f"{_code(CLOCK_STEPS)} acts when a term of law has ended."
    yield f"{_code(OUTSIDE_STEPS)} act outside the case;"
    yield "their facts come back to `advance_case`."


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _stage_names(stages: Iterable[Stage]) -> str:
    wanted = set(stages)
    return "<br>".join(
        f"{STAGE_WORDS[stage][0]} `{stage}`" for stage in Stage if stage in wanted
    )


def _both(words: tuple[str, str]) -> str:
    return " ".join(words)


def main() -> int:
    """Writes the page, or checks it; answers the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE} is out of date: python -m zerotrip.cases.diagram\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""A load run's figures: what waited, how long, what was lost, what stands twice."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from bench.load_crowd import HandedIn
from bench.load_report import backlog, ledger, phase, plot, sparkline, waits
from bench.load_watch import Fate, fate_of

ONCE = {"case.received": 1, "case.submitted": 1, "case.accepted": 1}


def handed_in(number: int, due: float, after: float = 0.5) -> HandedIn:
    return HandedIn(f"app-{number}", f"case-{number}", due, due + after, 1)


def fate(number: int, result_at: float | None, **more: Any) -> Fate:
    kept: dict[str, Any] = {"events": ONCE, "gap_free": True, "open_tasks": 1}
    return Fate(f"app-{number}", result_at, **{**kept, **more})


def stored(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"sk": {"S": kind}, "data": {"S": json.dumps(data)}}


def test_the_backlog_counts_who_waits_and_how_long_the_oldest_has() -> None:
    course = backlog([(100.0, 103.0), (101.0, 102.5)], origin=100.0)
    assert [(each.waiting, each.oldest_seconds) for each in course] == [
        (1, 0.0), (2, 1.0), (2, 2.0), (0, 0.0),
    ]  # fmt: skip


def test_who_never_gets_a_result_waits_to_the_end() -> None:
    course = backlog([(100.0, None), (101.0, 102.0)], origin=100.0)
    assert course[-1].waiting == 1


def test_a_phase_says_when_nothing_waited_any_more() -> None:
    all_in = [handed_in(1, 100.0), handed_in(2, 110.0)]
    results = {"case-1": fate(1, 104.0), "case-2": fate(2, 111.5)}
    found = phase("rush", 2, all_in, results)
    assert (found.acknowledged, found.completed) == (2, 2)
    assert found.zero_after_seconds == 1.5
    assert found.result is not None
    assert (found.result.p50, found.result.longest) == (1.5, 4.0)
    assert found.oldest_seconds == 3.0  # looked at once a second


def test_a_phase_that_lost_something_never_comes_to_zero() -> None:
    all_in = [handed_in(1, 100.0), handed_in(2, 110.0)]
    found = phase("rush", 2, all_in, {"case-1": fate(1, 104.0)})
    assert (found.completed, found.zero_after_seconds) == (1, None)
    unanswered = phase("rush", 3, all_in, {"case-1": fate(1, 104.0)})
    assert (unanswered.due, unanswered.acknowledged) == (3, 2)


def test_of_nothing_there_are_no_percentiles() -> None:
    assert waits([]) is None


def test_acknowledged_without_a_result_is_lost() -> None:
    found = ledger(
        [handed_in(1, 0.0), handed_in(2, 0.0)], {"case-1": fate(1, 1.0)}, set()
    )
    assert (found.acknowledged, found.completed, found.lost) == (2, 1, ("case-2",))


def test_twice_is_seen_in_events_tasks_and_cases() -> None:
    results = {
        "case-1": fate(1, 1.0, events={"case.accepted": 2}),
        "case-2": fate(2, 1.0, open_tasks=2),
        "case-3": fate(3, 1.0),
        "case-4": fate(3, 1.0),  # a second case of the same application
        "case-5": fate(5, 1.0),
    }
    told = [handed_in(number, 0.0) for number in (1, 2, 3, 4, 5)]
    found = ledger(told, results, set())
    assert found.doubled == ("case-1", "case-2", "case-3", "case-4")
    assert found.unexpected == 0


def test_a_case_that_nobody_was_told_of_is_unexpected_unless_in_doubt() -> None:
    results = {"case-1": fate(1, 1.0), "case-2": fate(2, 1.0)}
    assert ledger([], results, {"app-1"}).unexpected == 1


def test_a_fate_is_read_from_the_stored_rows() -> None:
    event = {"type": "case.accepted", "seq": 2, "time": "2026-11-21T08:00:01.250Z"}
    rows = [
        stored("HEAD", {"application": "app-1"}),
        stored("EVENT#freeze#v1", {**event, "type": "case.received", "seq": 1}),
        stored("EVENT#pre_review#x", event),
        stored("TASK#000002", {}),
    ]
    found = fate_of(rows)
    assert (found.application, found.gap_free, found.open_tasks) == ("app-1", True, 1)
    assert found.result_at is not None
    assert found.result_at % 60 == 1.25
    assert not found.doubled
    again = fate_of([*rows, stored("EVENT#pre_review#y", event)])
    assert again.doubled
    assert not again.gap_free


def test_a_sparkline_shows_the_most_of_each_part() -> None:
    assert sparkline([0, 4, 8, 2], width=4) == "▁▅█▃"
    assert sparkline([0, 4, 8, 2], width=2) == "▅█"
    assert len(sparkline(list(range(600)), width=60)) == 60
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""


def test_the_plot_is_an_svg_with_a_point_a_second() -> None:
    results = {"case-1": fate(1, 104.0)}
    drawn = phase("first rush", 1, [handed_in(1, 100.0)], results)
    root = ElementTree.fromstring(plot([drawn]))  # noqa: S314  (ours)
    line = root.find("{http://www.w3.org/2000/svg}polyline")
    assert line is not None
    assert len(line.attrib["points"].split()) == len(drawn.backlog)

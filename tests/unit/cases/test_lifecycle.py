"""The one table of transitions, held against everything that is made from it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.home import ROOT
from tests.support.persons import acting
from tests.support.town import ROLES, Town, fresh_town, in_order
from tests.support.world import World
from tests.template.application import functions, nested
from zerotrip.cases import diagram
from zerotrip.cases.lifecycle import (
    CLOCK_STEPS,
    FINAL,
    FULFILLED_BY,
    MACHINE_STEPS,
    OUTSIDE_STEPS,
    TRANSITIONS,
    Obligation,
    Stage,
    allowed_from,
    step_allowed_from,
)
from zerotrip.cases.words import EVENT_WORDS, STAGE_WORDS
from zerotrip.kernel.records import event_row
from zerotrip.kernel.tables import Put, Write

PAGE = ROOT / "docs" / "lifecycle.md"
BY_MACHINE = {row.step for row in TRANSITIONS.values() if row.by == "machine"}
FOOD = "food-business-licence"


def test_every_stage_can_be_reached_from_the_first() -> None:
    reached: set[Stage] = set(TRANSITIONS["case.received"].to)
    for _ in Stage:
        for row in TRANSITIONS.values():
            if row.allowed_from & reached:
                reached |= row.to
    assert reached == set(Stage)


def test_every_stage_but_the_final_ones_is_left_by_something() -> None:
    left = {
        stage
        for row in TRANSITIONS.values()
        for stage in row.allowed_from
        if row.to != {stage}
    }
    assert left == set(Stage) - FINAL


def test_a_final_stage_can_be_reached_from_everywhere() -> None:
    ending = set(FINAL)
    for _ in Stage:
        for row in TRANSITIONS.values():
            if row.to & ending:
                ending |= row.allowed_from
    assert ending == set(Stage)


def test_a_case_begins_in_one_way_only() -> None:
    first = [event for event, row in TRANSITIONS.items() if not row.allowed_from]
    assert first == ["case.received"]


def test_signing_is_left_by_the_licence_alone() -> None:
    leaving = {
        event for event, row in TRANSITIONS.items() if Stage.SIGNING in row.allowed_from
    }
    assert leaving == {"case.licence_issued", "case.completed"}
    assert {TRANSITIONS[event].step for event in leaving} == {"advance_case"}


def test_every_row_says_who_moves_and_is_filed_under_its_event() -> None:
    for event, row in TRANSITIONS.items():
        assert row.event == event
        assert row.by in {"applicant", "officer", "machine"}
        assert event.startswith("case.")
        assert row.to


def test_steps_of_machines_and_of_people_are_not_the_same() -> None:
    assert MACHINE_STEPS | CLOCK_STEPS | {"advance_case"} == BY_MACHINE
    by_people = {row.step for row in TRANSITIONS.values() if row.by != "machine"}
    assert not by_people & (BY_MACHINE | OUTSIDE_STEPS)


@pytest.mark.parametrize("step", sorted(CLOCK_STEPS))
def test_every_step_of_a_clock_is_one_folder_and_one_schedule(step: str) -> None:
    assert (ROOT / "functions" / step / f"{step}.py").is_file()
    (function,) = [each for each in functions() if each.name == step]
    assert len(function.events("Schedule")) == 1
    assert not function.events("SQS")


@pytest.mark.parametrize("step", sorted((BY_MACHINE | OUTSIDE_STEPS) - CLOCK_STEPS))
def test_every_step_of_a_machine_is_one_folder_and_one_queue(step: str) -> None:
    assert (ROOT / "functions" / step / f"{step}.py").is_file()
    (function,) = [each for each in functions() if each.name == step]
    assert len(function.events("SQS")) == 1
    named = [
        logical_id
        for logical_id, parameters in nested("queue.yaml").items()
        if parameters["Name"]["Fn::Sub"].endswith(f"-{step}")
    ]
    assert named == [function.queue]
    readers = [each.name for each in functions() if each.queue == function.queue]
    assert readers == [step]


def test_every_event_and_every_stage_has_words_in_both_languages() -> None:
    assert set(EVENT_WORDS) == set(TRANSITIONS)
    assert set(STAGE_WORDS) == set(Stage)
    for zh, en in (*EVENT_WORDS.values(), *STAGE_WORDS.values()):
        assert any("\u4e00" <= character <= "\u9fff" for character in zh)
        assert en.isascii()


def test_every_obligation_is_closed_by_a_fact_or_by_a_person() -> None:
    by_person = set(diagram.CLOSED_BY_PERSON)
    assert by_person | set(FULFILLED_BY) == set(Obligation)
    assert not by_person & set(FULFILLED_BY)
    for event in diagram.CLOSED_BY_PERSON.values():
        assert TRANSITIONS[event].by in {"applicant", "officer"}


def test_a_step_may_start_where_any_of_its_events_may() -> None:
    assert step_allowed_from("approve") == {Stage.IN_REVIEW, Stage.DECIDED}
    assert step_allowed_from("submit") == {Stage.RECEIVED}
    assert step_allowed_from("nothing") == set()


def errands() -> Iterator[World]:
    """Worlds in which, between them, almost everything happened to a case."""
    for folder in sorted(ROLES):
        town: Town = fresh_town(folder)
        town.run(in_order)
        yield town.world
    for decision in ("refuse", "withdraw"):
        world = World()
        case_no = world.apply(FOOD, "sub-1", "company")
        world.run()
        now = world.case(case_no)
        if decision == "withdraw":
            world.requests.withdraw(case_no, acting("sub-1"), now.head.version)
        else:
            article = "《中华人民共和国食品安全法》第三十五条"
            world.requests.decide(
                now, "officer-1", now.head.version, "refuse", "不符", articles=[article]
            )
        world.run()
        yield world


def changes(world: World) -> Iterator[tuple[str, int, list[Write]]]:
    """Each stored event of a case: its type, its seq, and its whole transaction."""
    for writes in world.tables.transactions:
        for write in writes:
            if isinstance(write, Put) and write.row.sk.startswith("EVENT#"):
                row = event_row(write.row)
                if row.type in TRANSITIONS:
                    yield row.type, row.seq, writes


def test_the_database_is_asked_for_the_stages_of_the_table() -> None:
    seen: set[str] = set()
    for world in errands():
        for event, seq, writes in changes(world):
            (head,) = [
                write
                for write in writes
                if isinstance(write, Put)
                and write.row.sk == "HEAD"
                and "#CASE#" in write.row.pk
            ]
            seen.add(event)
            assert head.row.version == seq
            assert head.row.stage in TRANSITIONS[event].to
            assert head.expect.stages == allowed_from(event), event
            if event == "case.received":
                assert head.expect.absent
            else:
                assert head.expect.version == seq - 1
    assert len(seen) >= 11
    assert {"case.refused", "case.withdrawn", "case.fee_paid"} <= seen


def test_the_page_in_the_docs_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == diagram.page(), (
        "run: python -m zerotrip.cases.diagram"
    )


def test_the_page_shows_every_transition_once() -> None:
    text = diagram.page()
    arrows = list(diagram.arrows())
    assert len(arrows) == len(set(arrows))
    assert len(arrows) == sum(
        max(len(row.allowed_from), 1) * len(row.to) for row in TRANSITIONS.values()
    )
    for start, to, event in arrows:
        assert text.count(f"    {start} --> {to} : {EVENT_WORDS[event][0]} ") == 1
    for stage in Stage:
        zh, en = STAGE_WORDS[stage]
        assert f'state "{zh} {en}" as {stage}' in text
        assert (f"    {stage} --> [*]" in text) is (stage in FINAL)


def run_diagram(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "zerotrip.cases.diagram", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT / "layers" / "zerotrip" / "python")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_check_fails_for_a_stale_page_and_says_what_to_run(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    stale = run_diagram(tmp_path, "--check")
    assert stale.returncode == 1
    assert "python -m zerotrip.cases.diagram" in stale.stderr
    assert run_diagram(tmp_path).returncode == 0
    assert run_diagram(tmp_path, "--check").returncode == 0
    written = (tmp_path / "docs" / "lifecycle.md").read_text(encoding="utf-8")
    assert written == diagram.page()

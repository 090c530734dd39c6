"""A batch that is carried out as one thing: who fails alone, who fails with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tests.unit.runtime.conftest import Function, deliver, sqs_record
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry, ZeroTripError
from zerotrip.kernel.messages import Arrived
from zerotrip.runtime.batch import LAST_RECEIVE, Handler, together_handler


class Note(BaseModel):
    """A message."""

    model_config = ConfigDict(extra="forbid")
    n: int


class Step:
    """Keeps what it was given; fails as it is told."""

    def __init__(self) -> None:
        self.given: list[list[int]] = []
        self.sent_at: list[float] = []
        self.failing: dict[int, ZeroTripError] = {}
        self.whole: Exception | None = None

    def __call__(
        self, arrived: Sequence[Arrived[Note]], deps: str
    ) -> Mapping[int, ZeroTripError]:
        assert deps == "deps"
        self.given.append([each.message.n for each in arrived])
        self.sent_at = [each.sent_at.timestamp() for each in arrived]
        if self.whole is not None:
            raise self.whole
        return {
            position: self.failing[each.message.n]
            for position, each in enumerate(arrived)
            if each.message.n in self.failing
        }


@pytest.fixture
def step() -> Step:
    return Step()


@pytest.fixture
def handler(step: Step) -> Handler:
    return together_handler("archive", TypeAdapter(Note), step, lambda: "deps")


def batch(*numbers: int, receives: int = 1) -> list[dict[str, Any]]:
    return [sqs_record(json.dumps({"n": n}), n, receives) for n in numbers]


def ids(*numbers: int) -> list[str]:
    return [f"00000000-0000-4000-8000-{n:012}" for n in numbers]


def test_a_batch_is_one_effect_and_one_pair_of_lines(
    function: Function, handler: Handler, step: Step
) -> None:
    assert deliver(handler, *batch(1, 2, 3)) == []
    assert step.given == [[1, 2, 3]]
    assert step.sent_at == [1795161600.0] * 3
    assert function.codes() == ["step_started", "step_completed"]
    assert function.lines()[-1]["messages"] == 3


def test_what_no_retry_helps_is_buried_alone(
    function: Function, handler: Handler, step: Step
) -> None:
    step.failing = {2: GiveUp("row_absent", "没有。", "There is none.")}
    bodies = [*batch(1, 2), sqs_record("not json", 9), *batch(3)]
    assert deliver(handler, *bodies) == []
    assert step.given == [[1, 2, 3]]
    assert {sent["original_message_id"] for sent in function.sqs.reasons()} == set(
        ids(2, 9)
    )
    assert {sent["code"] for sent in function.sqs.reasons()} == {
        "row_absent",
        "message_unreadable",
    }


def test_what_may_work_later_comes_again_alone(
    function: Function, handler: Handler, step: Step
) -> None:
    step.failing = {2: Retry("busy", "忙。", "Busy.")}
    assert deliver(handler, *batch(1, 2, 3)) == ids(2)
    assert function.sqs.sent == []


@pytest.mark.parametrize("error", [Retry("busy", "忙。", "Busy."), KeyError("x")])
def test_what_the_step_raises_holds_for_the_whole_batch(
    function: Function, handler: Handler, step: Step, error: Exception
) -> None:
    step.whole = error
    records = [*batch(1, 2), sqs_record("not json", 9)]
    assert deliver(handler, *records) == ids(1, 2)
    assert [sent["code"] for sent in function.sqs.reasons()] == ["message_unreadable"]


def test_what_nobody_foresaw_is_one_messages_doing(function: Function) -> None:
    """A row that no code of ours wrote must not take nine good messages with it."""
    given: list[list[int]] = []

    def step(arrived: Sequence[Arrived[Note]], _: str) -> Mapping[int, ZeroTripError]:
        given.append([each.message.n for each in arrived])
        if 2 in given[-1]:
            raise KeyError("seq")
        return {}

    handler = together_handler("archive", TypeAdapter(Note), step, lambda: "deps")
    assert deliver(handler, *batch(1, 2, 3)) == ids(2)
    assert given == [[1, 2, 3], [1], [2], [3]]


def test_at_the_last_receive_it_is_buried_with_its_reason(
    function: Function, handler: Handler, step: Step
) -> None:
    step.whole = Retry("busy", "忙。", "Busy.")
    records = [*batch(1), *batch(2, receives=LAST_RECEIVE)]
    assert deliver(handler, *records) == ids(1)
    assert function.sqs.reasons()[0]["code"] == "busy"


def test_a_dead_letter_queue_that_does_not_answer_keeps_the_message(
    function: Function, handler: Handler, step: Step
) -> None:
    step.failing = {1: GiveUp("row_absent", "没有。", "There is none.")}
    function.sqs.down = True
    assert deliver(handler, *batch(1, 2)) == ids(1)


def test_what_was_done_before_is_acknowledged(
    function: Function, handler: Handler, step: Step
) -> None:
    step.failing = {1: AlreadyDone("done_before", "已完成。", "Done.")}
    assert deliver(handler, *batch(1, 2)) == []
    assert function.sqs.sent == []


def test_a_batch_of_nothing_but_poison_does_not_reach_the_step(
    function: Function, handler: Handler, step: Step
) -> None:
    assert deliver(handler, sqs_record("{", 1), sqs_record('{"n": 1, "m": 2}', 2)) == []
    assert step.given == []
    assert len(function.sqs.sent) == 2


@pytest.mark.parametrize("poison", range(11))
def test_ten_with_some_poison(
    function: Function, handler: Handler, step: Step, poison: int
) -> None:
    step.failing = {n: Retry("busy", "忙。", "Busy.") for n in range(1, poison + 1)}
    assert deliver(handler, *batch(*range(1, 11))) == ids(*range(1, poison + 1))
    assert function.lines()[1]["messages"] == 10 - poison

"""The state machine as a property: whatever happens, case and model agree."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.simulation.base import FOOD, MARK, REPLACEMENT
from tests.simulation.faults import Fault
from tests.simulation.machine import CRASHING, ITEMS, MINUTES, MOST_CALLS, Play
from tests.simulation.model import MAY_WITHDRAW, Model

settings.register_profile(
    "ci",
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
settings.register_profile(
    "nightly",
    settings.get_profile("ci"),
    max_examples=2000,
    stateful_step_count=50,
    derandomize=False,
    database=None,
)
WORDS = {*MAY_WITHDRAW, "signing", "delivering", "completed", "refused", "withdrawn"}
WALKED = {"payment"}
"""What a hundred examples may miss, and `test_each_item_has_its_way_through` walks."""
handed_in = precondition(lambda machine: machine.play.case_no is not None)


class CaseMachine(RuleBasedStateMachine):
    """Hypothesis chooses what happens; `Play` carries it out and compares."""

    seen: ClassVar[set[str]] = set()
    """Where the cases of all examples have been."""

    @initialize(folder=st.sampled_from(sorted(ITEMS)))
    def a_draft(self, folder: str) -> None:
        self.play = Play(folder)

    @precondition(lambda machine: machine.play.case_no is None)
    @rule(right=st.booleans())
    def hand_in(self, right: bool) -> None:
        self.play.hand_in(right=right)

    @handed_in
    @rule(reason=st.booleans())
    def send_back(self, reason: bool) -> None:
        self.play.send_back(reason=reason)

    @handed_in
    @rule(right=st.booleans(), changes=st.booleans())
    def correct(self, right: bool, changes: bool) -> None:
        if changes or not right:
            self.play.correct(right=right)
        else:
            self.play.correct_nothing()

    @handed_in
    @rule(place=st.none() | st.integers(0, 99))
    def withdraw(self, place: int | None) -> None:
        self.play.withdraw(place)

    @handed_in
    @rule()
    def approve(self) -> None:
        self.play.decide("approve")

    @handed_in
    @rule()
    def refuse(self) -> None:
        self.play.decide("refuse")

    @handed_in
    @rule()
    def open_bill(self) -> None:
        self.play.open_bill()

    @handed_in
    @rule()
    def pay(self) -> None:
        self.play.pay()

    @handed_in
    @rule()
    def sign(self) -> None:
        self.play.sign()

    @handed_in
    @rule(arrives=st.booleans())
    def deliver(self, arrives: bool) -> None:
        self.play.deliver(arrives=arrives)

    @handed_in
    @rule()
    def go_on(self) -> None:
        self.play.go_on()

    @handed_in
    @rule(place=st.integers(0, 999))
    def redeliver(self, place: int) -> None:
        self.play.redeliver(place)

    @handed_in
    @rule(place=st.integers(0, 99), keyed=st.booleans())
    def repeat(self, place: int, keyed: bool) -> None:
        self.play.repeat(place, keyed=keyed)

    @rule(
        function=st.sampled_from(CRASHING),
        call=st.integers(1, MOST_CALLS),
        kind=st.sampled_from(Fault),
    )
    def crash(self, function: str, call: int, kind: Fault) -> None:
        self.play.crash(function, call, kind)

    @rule(minutes=st.sampled_from(MINUTES))
    def tick(self, minutes: int) -> None:
        self.play.tick(minutes)

    def teardown(self) -> None:
        play = getattr(self, "play", None)
        if play is None:
            return
        try:
            if play.agreed:
                assert play.close().faults() == []
        finally:
            play.leave()
        self.seen.update(play.words)


def _reached(profile: str) -> set[str]:
    CaseMachine.seen.clear()
    run_state_machine_as_test(CaseMachine, settings=settings.get_profile(profile))
    return set(CaseMachine.seen)


def test_a_case_is_what_the_model_says_whatever_happens() -> None:
    # Each was reached: the property is not about cases that stand still.
    assert _reached("ci") >= WORDS - WALKED


@pytest.mark.verify_long
def test_a_case_is_what_the_model_says_two_thousand_times() -> None:
    assert _reached("nightly") >= WORDS


@pytest.mark.parametrize("folder", [REPLACEMENT, MARK, FOOD])
def test_each_item_has_its_way_through(folder: str) -> None:
    play = Play(folder)
    try:
        play.hand_in(right=False)
        play.correct_nothing()
        play.correct(right=True)
        play.deliver(arrives=True)
        if ITEMS[folder].officer:
            play.decide("approve")
        if ITEMS[folder].fee:
            play.open_bill()
            play.pay()
        play.sign()
        play.deliver(arrives=True)
        assert play.word() == play.model.word == "completed"
        assert play.close().faults() == []
    finally:
        play.leave()


def test_the_model_refuses_what_comes_at_the_wrong_time() -> None:
    case = Model(ITEMS[REPLACEMENT])
    assert case.hand_in(right=False)
    assert not case.decide("approve")
    assert not case.pay()
    assert not case.correct(right=True, changes=False)
    assert case.correct(right=True)
    assert case.decide("approve")
    assert not case.decide("refuse")
    assert not case.pay()  # no bill was opened
    assert case.open_bill()
    assert case.pay()
    assert not case.withdraw()  # it is being signed
    assert case.word == "signing"

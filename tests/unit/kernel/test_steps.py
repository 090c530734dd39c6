"""What every step does first and last."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.support.memory import MemoryTables
from zerotrip.kernel.aggregate import GENESIS, Change, Event, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.messages import CloudEvent, cloud_event
from zerotrip.kernel.records import Records
from zerotrip.kernel.steps import ATTEMPTS, asked, pointed_at, settle

KEY = Key("441882", Kind.CASE, "1")


@pytest.fixture
def records() -> Records:
    return Records(MemoryTables())


def decision(cause: str, actor: str = "sub-1") -> Callable[[Head | None], Change]:
    def decide(head: Head | None) -> Change:
        return Change(
            key=KEY,
            expected_version=head.version if head else 0,
            allowed_from=frozenset(),
            stage="open",
            organisation="11441882000000001N",
            body={},
            event=Event(
                type="case.received",
                step="freeze",
                cause=cause,
                time=datetime(2026, 11, 21, tzinfo=UTC),
                actor=actor,
                request_hash="hash",
                next_steps=("submit",),
            ),
            previous_hash=head.last_hash if head else GENESIS,
        )

    return decide


def the_row(records: Records, cause: str = "v0") -> EventRow:
    return settle(records, KEY, decision(cause)).events[0]


def pointing(row: EventRow, **changes: object) -> CloudEvent:
    event = cloud_event(row)
    return event.model_copy(update={"data": event.data.model_copy(update=changes)})


def test_a_message_leads_to_its_row(records: Records) -> None:
    row = the_row(records)
    assert pointed_at(records, cloud_event(row), "441882") == row
    assert asked(records, cloud_event(row), "441882", "submit") == row


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"tenant": "999999"}, "tenant_foreign"),
        ({"event": "EVENT#freeze#v9"}, "event_row_absent"),
        ({"aggregate": "CASE#2"}, "event_row_absent"),
        ({"seq": 2}, "event_row_absent"),
    ],
)
def test_without_its_row_a_message_does_nothing(
    records: Records, changes: dict[str, object], code: str
) -> None:
    row = the_row(records)
    with pytest.raises(GiveUp) as refused:
        pointed_at(records, pointing(row, **changes), "441882")
    assert refused.value.code == code


def test_a_step_that_the_row_does_not_ask_for_is_not_taken(records: Records) -> None:
    row = the_row(records)
    message = pointing(row, next_steps=("submit", "sign_licence"))
    with pytest.raises(GiveUp) as refused:
        asked(records, message, "441882", "sign_licence")
    assert refused.value.code == "step_not_asked"


def test_a_duplicate_is_already_done(records: Records) -> None:
    row = the_row(records)
    with pytest.raises(AlreadyDone) as done:
        settle(records, KEY, decision("v0"))
    assert done.value.code == "done_before"
    assert done.value.detail == {"event": row.ref}


def test_a_cause_that_another_took_is_given_up(records: Records) -> None:
    row = the_row(records)
    with pytest.raises(GiveUp) as refused:
        settle(records, KEY, decision("v0", actor="sub-2"))
    assert refused.value.code == "cause_taken"
    assert refused.value.detail == {"winner": row.ref}


def test_a_step_decides_again_when_the_head_moves_under_it(records: Records) -> None:
    the_row(records)
    seen: list[int] = []

    def decide(head: Head | None) -> Change:
        assert head is not None
        seen.append(head.version)
        change = decision("mine")(head)
        if len(seen) < 3:
            the_row(records, f"other {len(seen)}")
        return change

    assert settle(records, KEY, decide).events[0].seq == 4
    assert seen == [1, 2, 3]


def test_after_five_rounds_it_waits_for_its_turn(records: Records) -> None:
    rounds: list[int] = []

    def decide(head: Head | None) -> Change:
        rounds.append(1)
        the_row(records, f"other {len(rounds)}")
        return decision("mine")(head)

    with pytest.raises(Retry) as later:
        settle(records, KEY, decide)
    assert later.value.code == "contended"
    assert len(rounds) == ATTEMPTS

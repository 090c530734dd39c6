"""A head and its events: keys, places, and a chain in which every change shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from zerotrip.kernel.aggregate import (
    GENESIS,
    Change,
    Event,
    EventRow,
    Key,
    Kind,
    canonical,
    chain_faults,
    digest,
    link,
    place,
)

KEY = Key("441882", Kind.CASE, "1")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


def a_change(version: int, previous_hash: str, sealed: bytes | None = None) -> Change:
    return Change(
        key=KEY,
        expected_version=version,
        allowed_from=frozenset(),
        stage="received",
        organisation="11441882000000001N",
        body={"n": version},
        event=Event(
            type="case.received",
            step="freeze",
            cause=f"v{version}",
            time=NOW,
            actor="sub-1",
            request_hash="hash",
            next_steps=("submit",),
            body={"n": version},
            sealed=sealed,
        ),
        previous_hash=previous_hash,
    )


def a_history(length: int = 4) -> tuple[EventRow, ...]:
    rows: list[EventRow] = []
    previous = GENESIS
    for version in range(length):
        _, row = place(a_change(version, previous, sealed=b"sealed"))
        previous = row.hash
        rows.append(row)
    return tuple(rows)


def test_keys_are_read_as_they_are_written() -> None:
    assert KEY.pk == "441882#CASE#1"
    assert KEY.ref == "CASE#1"
    assert Key.from_pk(KEY.pk) == KEY
    assert Key.from_ref("441882", "CASE#1") == KEY


@pytest.mark.parametrize("ref", ["", "CASE", "CASE#", "CASE#1#2", "PERSON#1", "#1"])
def test_what_names_no_aggregate_is_refused(ref: str) -> None:
    with pytest.raises(ValueError, match=r"not an aggregate|not a valid Kind"):
        Key.from_ref("441882", ref)


def test_an_event_is_placed_behind_the_version_that_was_expected() -> None:
    head, row = place(a_change(6, "before"))
    assert (head.version, row.seq) == (7, 7)
    assert head.last_hash == row.hash
    assert row.prev_hash == "before"
    assert row.sk == "EVENT#freeze#v6"
    assert row.ref == "CASE#1#000007"
    assert row.time == "2026-11-21T08:00:00.000Z"


def test_an_unbroken_history_has_no_fault() -> None:
    assert chain_faults(a_history()) == []
    assert chain_faults(()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"key": Key("999999", Kind.CASE, "1")},
        {"sk": "EVENT#freeze#v9"},
        {"type": "case.approved"},
        {"time": "2026-11-21T08:00:00.001Z"},
        {"actor": "sub-2"},
        {"request_hash": "other"},
        {"next_steps": ()},
        {"organisation": "11441882000000002N"},
        {"body": {"n": 9}},
        {"sealed": b"Sealed"},
        {"sealed": None},
        {"hash": "another"},
    ],
)
def test_a_change_anywhere_in_a_row_shows(change: dict[str, object]) -> None:
    rows = list(a_history())
    rows[1] = replace(rows[1], **change)  # type: ignore[arg-type]
    assert "its content was changed" in " ".join(chain_faults(tuple(rows)))


def test_a_row_whose_link_was_made_anew_still_breaks_the_next_one() -> None:
    rows = list(a_history())
    forged = replace(rows[1], actor="sub-2")
    rows[1] = replace(forged, hash=link(forged))
    assert chain_faults(tuple(rows)) == [
        "CASE#1#000003: does not follow its predecessor"
    ]


@pytest.mark.parametrize(
    ("forge", "words"),
    [
        (lambda rows: rows[1:], "event 1 has seq 2"),
        (lambda rows: rows[:1] + rows[2:], "event 2 has seq 3"),
        (lambda rows: [rows[0], rows[2], rows[1], rows[3]], "event 2 has seq 3"),
        (lambda rows: [*rows[:2], rows[1], *rows[2:]], "event 3 has seq 2"),
        (
            lambda rows: rows[:1] + [replace(row, seq=row.seq - 1) for row in rows[2:]],
            "does not follow its predecessor",
        ),
    ],
    ids=["first gone", "deleted", "swapped", "inserted", "deleted and renumbered"],
)
def test_a_row_gone_added_or_moved_shows(
    forge: Callable[[list[EventRow]], list[EventRow]], words: str
) -> None:
    faults = chain_faults(tuple(forge(list(a_history()))))
    assert words in " ".join(faults)


def test_a_missing_tail_does_not_show_in_the_rows_alone() -> None:
    """That is what the head's own hash is for: it names the last link."""
    head, _ = place(a_change(3, a_history(3)[-1].hash, sealed=b"sealed"))
    history = a_history()
    assert chain_faults(history[:-1]) == []
    assert head.last_hash == history[-1].hash != history[-2].hash


def test_what_is_hashed_has_one_form_only() -> None:
    assert canonical({"b": 1, "a": "零"}) == '{"a":"零","b":1}'.encode()
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1]) != digest(["1"])
    assert len(digest("x")) == 43

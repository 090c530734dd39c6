"""Head and event are stored together or not at all; who was second is told why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.support.memory import MemoryTables
from zerotrip.kernel.aggregate import (
    GENESIS,
    Change,
    Event,
    Head,
    Key,
    Kind,
    Row,
    chain_faults,
)
from zerotrip.kernel.records import (
    DUE_SHARDS,
    CompanionFailed,
    Overtaken,
    Records,
    Taken,
    due_partition,
)
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow

TENANT = "441882"
KEY = Key(TENANT, Kind.CASE, "1")
BILL = Key(TENANT, Kind.BILL, "2")
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


@pytest.fixture
def records(tables: MemoryTables) -> Records:
    return Records(tables)


def change(
    head: Head | None,
    cause: str,
    *,
    key: Key = KEY,
    actor: str = "sub-1",
    request_hash: str = "one",
    stage: str = "open",
) -> Change:
    return Change(
        key=key,
        expected_version=head.version if head else 0,
        allowed_from=frozenset({"open"}),
        stage=stage,
        organisation="11441882000000001N",
        body={"cause": cause},
        event=Event(
            type="case.changed",
            step="step",
            cause=cause,
            time=NOW,
            actor=actor,
            request_hash=request_hash,
        ),
        previous_hash=head.last_hash if head else GENESIS,
        due_at="2026-11-21T08:02:00.000Z",
        subject=("sub-1", "2026-11-21T08:00:00.000Z"),
    )


def stored(records: Records, cause: str) -> Head:
    records.commit(change(records.head(KEY), cause))
    head = records.head(KEY)
    assert head is not None
    return head


def test_head_and_event_are_read_as_they_were_written(records: Records) -> None:
    committed = records.commit(change(None, "v0"))
    (row,) = committed.events
    assert not committed.duplicate
    assert records.event(KEY, "EVENT#step#v0") == row
    assert records.head(KEY) == Head(
        key=KEY,
        version=1,
        stage="open",
        last_hash=row.hash,
        body={"cause": "v0"},
        due_at="2026-11-21T08:02:00.000Z",
        subject=("sub-1", "2026-11-21T08:00:00.000Z"),
    )


def test_the_sequence_has_no_gap_and_the_chain_holds(records: Records) -> None:
    for cause in ("v0", "v1", "v2", "CASE#1#000003"):
        stored(records, cause)
    history = records.history(KEY)
    assert [row.seq for row in history] == [1, 2, 3, 4]
    assert chain_faults(history) == []
    head = records.head(KEY)
    assert head is not None
    assert head.last_hash == history[-1].hash


def test_the_same_command_again_is_a_duplicate_and_writes_nothing(
    records: Records, tables: MemoryTables
) -> None:
    first = records.commit(change(None, "v0"))
    head = stored(records, "v1")
    before = dict(tables.rows)
    again = records.commit(change(None, "v0"))
    assert again.duplicate
    assert again.events == first.events
    # As a machine step does it: the head was read anew.
    again = records.commit(change(head, "v0"))
    assert again.duplicate
    assert again.events == first.events
    assert tables.rows == before


@pytest.mark.parametrize("other", [{"actor": "sub-2"}, {"request_hash": "two"}])
def test_another_command_under_the_same_key_is_told_the_winner(
    records: Records, tables: MemoryTables, other: dict[str, str]
) -> None:
    (winner,) = records.commit(change(None, "v0")).events
    before = dict(tables.rows)
    with pytest.raises(Taken) as taken:
        records.commit(change(records.head(KEY), "v0", **other))
    assert taken.value.winner == winner
    assert tables.rows == before


def test_a_command_decided_on_an_older_head_is_overtaken(
    records: Records, tables: MemoryTables
) -> None:
    old = stored(records, "v0")
    stored(records, "v1")
    before = dict(tables.rows)
    with pytest.raises(Overtaken):
        records.commit(change(old, "another"))
    assert tables.rows == before


def test_a_command_from_a_stage_that_does_not_allow_it_is_overtaken(
    records: Records,
) -> None:
    records.commit(change(None, "v0", stage="closed"))
    with pytest.raises(Overtaken):
        records.commit(change(records.head(KEY), "v1"))
    assert len(records.history(KEY)) == 1


def test_an_aggregate_is_created_once(records: Records) -> None:
    stored(records, "v0")
    with pytest.raises(Overtaken):
        records.commit(change(None, "another"))


def test_a_cancelled_transaction_is_worth_another_round(
    records: Records, tables: MemoryTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cancelled(writes: object, token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(tables, "transact", cancelled)
    with pytest.raises(Overtaken):
        records.commit(change(None, "v0"))


def test_a_companion_that_fails_is_named_and_nothing_is_stored(
    records: Records, tables: MemoryTables
) -> None:
    kept = StoredRow("a", "b", {"n": 1}, version=1)
    tables.transact([Put("drafts", kept)])
    fine = Put("drafts", StoredRow("c", "d", {}))
    fails = Put("drafts", replace(kept, version=9), Expect(version=8))
    with pytest.raises(CompanionFailed) as failed:
        records.commit(change(None, "v0"), companions=[fine, fails])
    assert (failed.value.position, failed.value.old) == (1, kept)
    assert records.head(KEY) is None
    assert tables.get("drafts", "c", "d") is None


def test_a_duplicate_is_one_although_its_companion_fails_the_second_time(
    records: Records,
) -> None:
    companion = Put("drafts", StoredRow("a", "b", {}), Expect(absent=True))
    records.commit(change(None, "v0"), companions=[companion])
    assert records.commit(change(None, "v0"), companions=[companion]).duplicate


def test_two_aggregates_change_together_or_not_at_all(records: Records) -> None:
    stored(records, "v0")
    stale = change(None, "v9")
    with pytest.raises(Overtaken):
        records.commit(stale, change(None, "v9", key=BILL))
    assert records.head(BILL) is None
    fresh = change(records.head(KEY), "v1")
    committed = records.commit(fresh, change(None, "v1", key=BILL))
    assert [row.key for row in committed.events] == [KEY, BILL]
    assert records.commit(fresh, change(None, "v1", key=BILL)).duplicate


def test_half_of_a_pair_that_is_stored_already_makes_no_duplicate(
    records: Records,
) -> None:
    stored(records, "v0")
    with pytest.raises(Overtaken):
        records.commit(change(None, "v0"), change(None, "v0", key=BILL))
    assert records.head(BILL) is None


def test_further_rows_come_and_go_with_their_event(records: Records) -> None:
    task = Row("TASK#000001", {"state": "open"}, sealed=b"\0", work=("w", "d"))
    records.commit(replace(change(None, "v0"), rows=(task,)))
    assert records.row(KEY, task.sk) == task
    assert records.rows(KEY, "TASK#") == [task]
    assert records.worklist(["w"], 10) == [(KEY, task.sk)]
    gone = replace(change(records.head(KEY), "v1"), removed=(task.sk,))
    records.commit(gone)
    assert records.row(KEY, task.sk) is None
    assert records.worklist(["w"], 10) == []


def test_an_update_of_the_watch_leaves_version_and_history(records: Records) -> None:
    head = stored(records, "v0")
    records.touch(head, None, {"cause": "touched"})
    touched = records.head(KEY)
    assert touched == replace(head, due_at=None, body={"cause": "touched"})
    assert len(records.history(KEY)) == 1
    stored(records, "v1")
    with pytest.raises(Overtaken):
        records.touch(head, None, {})


def test_what_is_due_is_found_on_every_shard(records: Records) -> None:
    keys = [Key(TENANT, Kind.CASE, str(number)) for number in range(8)]
    for key in keys:
        records.commit(change(None, "v0", key=key))
    assert len({due_partition(key) for key in keys}) == DUE_SHARDS
    due = records.due(TENANT, "2026-11-21T08:02:00.000Z")
    assert sorted(due, key=lambda key: key.id) == keys
    assert records.due(TENANT, "2026-11-21T08:01:59.999Z") == []
    assert records.due("999999", "2026-11-21T08:02:00.000Z") == []


def test_a_subjects_aggregates_come_newest_first(records: Records) -> None:
    first = change(None, "v0")
    second = replace(
        change(None, "v0", key=BILL), subject=("sub-1", "2026-11-22T08:00:00.000Z")
    )
    records.commit(first)
    records.commit(second)
    assert records.of_subject(TENANT, "sub-1") == [BILL, KEY]
    assert records.of_subject(TENANT, "sub-1", limit=1) == [BILL]
    assert records.of_subject(TENANT, "sub-2") == []
    assert {head.key for head in records.heads([KEY, BILL])} == {KEY, BILL}


def test_a_head_may_be_reserved_before_its_first_event(
    records: Records, tables: MemoryTables
) -> None:
    reserved = Head(KEY, 0, "open", GENESIS, {"n": 0})
    assert records.reserve(reserved) == reserved
    assert records.head(KEY) == reserved
    assert records.history(KEY) == ()
    first = replace(change(None, "a", stage="closed"), reserved=True)
    (event,) = records.commit(first).events
    assert (event.seq, event.prev_hash) == (1, GENESIS)
    assert records.commit(first).duplicate
    assert chain_faults(records.history(KEY)) == []


def test_who_reserves_second_gets_what_stands(records: Records) -> None:
    records.reserve(Head(KEY, 0, "open", GENESIS, {"n": 0}))
    assert records.reserve(Head(KEY, 0, "open", GENESIS, {"n": 1})).body == {"n": 0}
    records.commit(replace(change(None, "a"), reserved=True))
    assert records.reserve(Head(KEY, 0, "open", GENESIS, {"n": 2})).version == 1


def test_a_reserved_head_is_not_created_again(records: Records) -> None:
    records.reserve(Head(KEY, 0, "open", GENESIS, {}))
    with pytest.raises(Overtaken):
        records.commit(change(None, "a"))
    assert records.history(KEY) == ()


def test_only_one_of_two_first_events_follows_a_reserved_head(
    records: Records,
) -> None:
    records.reserve(Head(KEY, 0, "open", GENESIS, {}))
    records.commit(replace(change(None, "a"), reserved=True))
    with pytest.raises(Overtaken):
        records.commit(replace(change(None, "b"), reserved=True))
    assert len(records.history(KEY)) == 1

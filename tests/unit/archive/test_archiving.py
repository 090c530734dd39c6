"""archive_events: each batch one object, each event kept, nothing believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.archive.kept import NOON, TENANT, Kept, a_case
from tests.support.memory import MemoryTables
from zerotrip.archive.model import rows_of
from zerotrip.archive.steps import ArchiveSteps, archive_events
from zerotrip.kernel.aggregate import EventRow, Key, Kind
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.messages import CloudEvent, cloud_event
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import StoredRow


@pytest.fixture
def kept() -> Kept:
    return Kept()


def stored(kept: Kept) -> list[EventRow]:
    """Every line of the archive, repeated ones too."""
    return [
        row
        for key in kept.batches()
        for row in rows_of(key, kept.objects.versions[key][0].content)
    ]


def test_a_batch_is_one_object_with_every_event_as_stored(kept: Kept) -> None:
    rows = [*kept.write(a_case(1), 3), *kept.write(Key(TENANT, Kind.NOTICE, "sub"), 2)]
    assert kept.archive(rows) == {}
    (key,) = kept.batches()
    assert key.startswith("441882/2026/11/20/12/")
    assert sorted(stored(kept), key=lambda row: row.ref) == sorted(
        rows, key=lambda row: row.ref
    )


def test_the_same_batch_again_is_the_same_object(kept: Kept) -> None:
    rows = kept.write(a_case(), 5)
    kept.archive(rows)
    kept.at += timedelta(hours=3)
    assert kept.archive(rows[::-1], sent_at=NOON) == {}
    assert len(kept.batches()) == 1
    assert len(kept.objects.versions[kept.batches()[0]]) == 1


def test_an_event_twice_in_a_batch_is_one_line(kept: Kept) -> None:
    rows = kept.write(a_case(), 2)
    kept.archive([*rows, *rows])
    assert len(stored(kept)) == 2


def test_a_batch_cut_otherwise_repeats_events_and_loses_none(kept: Kept) -> None:
    rows = kept.write(a_case(), 6)
    kept.archive(rows[:4])
    kept.archive(rows[2:])
    assert {row.ref for row in stored(kept)} == {row.ref for row in rows}
    assert len(stored(kept)) == 8


def test_a_batch_that_came_after_its_day_goes_to_the_present_one(kept: Kept) -> None:
    rows = kept.write(a_case(), 2)
    kept.at += timedelta(days=3)
    kept.archive(rows, sent_at=NOON)
    (key,) = kept.batches()
    assert key.startswith("441882/2026/11/23/12/")


def altered(message: CloudEvent, **data: object) -> CloudEvent:
    return message.model_copy(update={"data": message.data.model_copy(update=data)})


def test_messages_without_their_row_fail_alone(kept: Kept) -> None:
    rows = kept.write(a_case(), 3)
    good = [cloud_event(row) for row in rows]
    bad = {
        1: altered(good[0], event="EVENT#freeze#v9"),
        2: altered(good[0], seq=7),
        4: altered(good[0], tenant="441883"),
        5: altered(good[0], aggregate="CASE#" + "9" * 45),
        7: altered(good[0], aggregate="LICENCE#" + a_case().id),
    }
    ours = iter(good)
    batch = [bad.get(position) or next(ours) for position in range(8)]
    failed = archive_events(kept.arrived(batch), kept.steps)
    assert {position: error.code for position, error in failed.items()} == {
        position: "tenant_foreign" if position == 4 else "event_row_absent"
        for position in bad
    }
    assert sorted(row.seq for row in stored(kept)) == [1, 2, 3]


def test_a_claimed_actor_or_step_changes_nothing_of_what_is_kept(kept: Kept) -> None:
    (row,) = kept.write(a_case())
    claimed = altered(cloud_event(row), next_steps=("sign_licence",), organisation="X")
    assert archive_events(kept.arrived([claimed]), kept.steps) == {}
    assert stored(kept) == [row]


def test_poison_alone_writes_no_object(kept: Kept) -> None:
    (row,) = kept.write(a_case())
    poison = altered(cloud_event(row), seq=2)
    assert set(archive_events(kept.arrived([poison, poison]), kept.steps)) == {0, 1}
    assert kept.objects.versions == {}


class LaggingTables(MemoryTables):
    """Batch reads do not see rows yet that a consistent read sees."""

    def get_many(self, table: str, keys: object) -> list[StoredRow]:
        return []


def test_a_row_that_a_batch_read_does_not_see_yet_is_read_again() -> None:
    kept = Kept(tables=LaggingTables())
    rows = kept.write(a_case(), 3)
    assert kept.archive(rows) == {}
    assert [row.ref for row in stored(kept)] == [row.ref for row in rows]


class BrokenTables(MemoryTables):
    """One row cannot be read now."""

    def get_many(self, table: str, keys: object) -> list[StoredRow]:
        return []

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        if sk.endswith("#000002"):
            raise Retry("database_unavailable", "", "")
        return super().get(table, pk, sk)


def test_a_row_that_cannot_be_read_now_comes_again_alone(kept: Kept) -> None:
    rows = kept.write(a_case(), 3)
    broken = replace(kept.steps, records=Records(BrokenTables(rows=kept.tables.rows)))
    messages = kept.arrived(map(cloud_event, rows))
    failed = archive_events(messages, broken)
    assert {position: error.code for position, error in failed.items()} == {
        1: "database_unavailable"
    }
    again = [messages[position] for position in failed]
    assert archive_events(again, kept.steps) == {}
    assert sorted(row.seq for row in stored(kept)) == [1, 2, 3]


def test_the_archive_is_given_no_way_to_write_rows(kept: Kept) -> None:
    rows = kept.write(a_case(), 3)
    before = dict(kept.tables.rows)
    written = len(kept.tables.transactions)
    kept.archive(rows)
    assert kept.tables.rows == before
    assert len(kept.tables.transactions) == written
    assert isinstance(kept.steps, ArchiveSteps)

"""seal_day: every day once, each naming the one before, and what is missing."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.archive.kept import NOON, TENANT, Kept, a_case
from zerotrip.archive.model import object_key
from zerotrip.archive.seals import read_details
from zerotrip.archive.steps import seal_days
from zerotrip.kernel.aggregate import digest_of_bytes
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.objects import FirstVersion, StoredObject

FRIDAY = date(2026, 11, 20)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def details(kept: Kept, day: date) -> tuple[list[str], dict[str, list[object]]]:
    """Objects and heads of a day, as its seal names them."""
    root = str(kept.root(day)["root"])
    key = f"{TENANT}/{day:%Y/%m/%d}/chains-{root}.ndjson"
    objects, heads = read_details(kept.objects.versions[key][0].content, root)
    return objects, {
        head.aggregate: [head.events, head.last, head.hash, head.reached.seq]
        for head in heads
    }


def test_a_seal_names_the_last_event_of_each_chain_and_every_object(kept: Kept) -> None:
    first, second = kept.write(a_case(1), 3), kept.write(a_case(2), 2)
    kept.archive([*first, second[0]])
    kept.archive(second[1:])
    (sealed,) = kept.night()
    assert (sealed.day, sealed.events, sealed.aggregates) == (FRIDAY, 5, 2)
    assert (sealed.objects, sealed.gaps, sealed.faults) == (2, 0, 0)
    objects, heads = details(kept, FRIDAY)
    assert [f"{TENANT}/2026/11/20/{name}" for name in objects] == kept.batches()
    assert heads == {
        a_case(1).pk: [3, 3, first[-1].hash, 3],
        a_case(2).pk: [2, 2, second[-1].hash, 2],
    }


def test_each_seal_names_the_one_before(kept: Kept) -> None:
    for _ in range(3):
        kept.archive(kept.write(a_case(), 2))
        kept.night()
    roots = [kept.root(FRIDAY + n * ONE_DAY) for n in range(3)]
    contents = [
        kept.objects.versions[f"{TENANT}/{FRIDAY + n * ONE_DAY:%Y/%m/%d}/root.json"][
            0
        ].content
        for n in range(3)
    ]
    assert roots[0]["previous"] is None
    assert roots[1]["previous"] == digest_of_bytes(contents[0])
    assert roots[2]["previous"] == digest_of_bytes(contents[1])


def test_a_day_without_events_is_sealed_too(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    kept.night()
    (quiet,) = kept.night()
    assert (quiet.day, quiet.events, quiet.objects) == (FRIDAY + ONE_DAY, 0, 0)
    assert kept.root(quiet.day)["root"] == digest_of_bytes(b"")


def test_an_empty_archive_begins_with_the_night_before(kept: Kept) -> None:
    (sealed,) = kept.night()
    assert (sealed.day, sealed.events) == (FRIDAY, 0)
    (following,) = kept.night()
    assert following.day == FRIDAY + ONE_DAY


def test_nights_that_were_missed_are_made_good_in_order(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    kept.at += 2 * ONE_DAY
    kept.archive(kept.write(a_case()))
    sealed = kept.night(days=3)
    assert [each.day for each in sealed] == [FRIDAY + n * ONE_DAY for n in range(5)]
    assert [each.events for each in sealed] == [1, 0, 1, 0, 0]
    assert kept.findings() == []


def test_the_same_tick_again_seals_nothing_more(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    tick = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    (sealed,) = seal_days(tick, kept.seals)
    before = {key: list(held) for key, held in kept.objects.versions.items()}
    assert seal_days(tick, kept.seals) == []
    assert seal_days(tick + timedelta(hours=5), kept.seals) == []
    assert kept.objects.versions == before
    assert kept.root(sealed.day)["sealed_at"] == "2026-11-20T18:00:00.000Z"


def test_a_tick_before_two_leaves_the_day_open(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    assert seal_days(datetime(2026, 11, 20, 17, 59, tzinfo=UTC), kept.seals) == []


def test_a_night_that_was_cut_off_is_finished_by_the_next_attempt(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 3))
    kept.night()
    whole = {key: list(held) for key, held in kept.objects.versions.items()}
    kept.objects.versions.pop(f"{TENANT}/2026/11/20/root.json")
    seal_days(datetime(2026, 11, 20, 18, tzinfo=UTC), kept.seals)
    assert kept.objects.versions == whole


def test_two_at_the_same_time_leave_one_seal(kept: Kept) -> None:
    """The other has written meanwhile: its seal is the one that stands."""
    kept.archive(kept.write(a_case(), 3))
    tick = datetime(2026, 11, 20, 18, 0, tzinfo=UTC)
    seal_days(tick, kept.seals)
    key = f"{TENANT}/2026/11/20/root.json"
    winner = kept.objects.versions.pop(key)

    def first_versions(prefix: str) -> list[FirstVersion]:
        found = original(prefix)
        if prefix == key and key not in kept.objects.versions:
            kept.objects.versions[key] = winner
        return found

    original = kept.objects.first_versions
    kept.objects.first_versions = first_versions  # type: ignore[method-assign]
    (sealed,) = seal_days(tick + timedelta(minutes=1), kept.seals)
    assert kept.objects.versions[key] == winner
    assert sealed.root == kept.root(FRIDAY)["root"]


def test_a_chain_that_goes_on_another_day_has_no_gap(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 2))
    kept.night()
    kept.night()
    kept.archive(kept.write(a_case(), 2))
    (sealed,) = kept.night()
    assert (sealed.gaps, sealed.faults) == (0, 0)
    assert details(kept, sealed.day)[1][a_case().pk][1:] == [
        4,
        kept.records.history(a_case())[-1].hash,
        4,
    ]


def test_what_did_not_come_is_named_once_and_its_coming_late_too(kept: Kept) -> None:
    rows = kept.write(a_case(), 6)
    kept.archive([rows[0], rows[3], rows[5]])
    kept.night()
    assert kept.root(FRIDAY)["gaps"] == [
        {"aggregate": a_case().pk, "missing": [[2, 3], [5, 5]]}
    ]
    assert [each.code for each in kept.findings()] == ["event_unarchived"]
    kept.archive([rows[1], rows[2], rows[4]])
    (late,) = kept.night()
    assert (late.events, late.gaps, late.faults) == (3, 0, 0)
    assert details(kept, late.day)[1][a_case().pk] == [3, 5, rows[4].hash, 6]
    kept.archive(kept.write(a_case()))
    (after,) = kept.night()
    assert (after.gaps, after.faults) == (0, 0)
    assert kept.findings() == []


def test_what_never_began_is_a_gap(kept: Kept) -> None:
    rows = kept.write(a_case(), 3)
    kept.archive(rows[2:])
    kept.night()
    assert kept.root(FRIDAY)["gaps"][0]["missing"] == [[1, 2]]


def test_events_published_again_are_no_gap_and_no_fault(kept: Kept) -> None:
    rows = kept.write(a_case(), 3)
    kept.archive(rows)
    kept.night()
    kept.archive(rows + kept.write(a_case()))
    (sealed,) = kept.night()
    assert (sealed.events, sealed.gaps, sealed.faults) == (4, 0, 0)
    assert kept.findings() == []


def test_a_chain_that_was_rewritten_shows_when_it_goes_on(kept: Kept) -> None:
    """The next event follows the new chain, not the one that was sealed."""
    kept.archive(kept.write(a_case(), 2))
    kept.night()
    kept.tables.rows.clear()
    kept.write(a_case(), 2)  # another time, so other hashes
    kept.archive(kept.write(a_case()))
    (sealed,) = kept.night()
    assert sealed.faults == 1
    assert kept.root(sealed.day)["faults"] == [
        {"code": "chain_broken", "aggregate": a_case().pk, "seq": 3}
    ]


def test_two_events_in_one_place_are_a_fault(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 2))
    kept.tables.rows.clear()
    kept.at += timedelta(minutes=1)
    kept.archive(kept.write(a_case(), 2))
    (sealed,) = kept.night()
    codes = [fault["code"] for fault in kept.root(sealed.day)["faults"]]
    assert codes == ["event_forked", "event_forked"]


def test_what_lies_too_far_back_is_counted_and_not_called_a_gap(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zerotrip.archive.steps.LOOK_BACK_DAYS", 2)
    kept.archive(kept.write(a_case(), 2))
    for _ in range(4):
        kept.night()
    kept.archive(kept.write(a_case()))
    (sealed,) = kept.night()
    assert (sealed.gaps, sealed.faults) == (0, 0)
    assert kept.root(sealed.day)["beyond"] == 1
    assert kept.findings() == []


def test_no_more_than_a_month_is_made_good_in_one_night(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    assert len(kept.night(days=40)) == 31
    assert len(kept.night()) == 10
    assert kept.findings() == []


def test_a_broken_object_is_named_and_not_believed(kept: Kept) -> None:
    rows = kept.write(a_case(), 2)
    kept.archive(rows[:1])
    kept.archive(rows[1:])
    (good, bad) = kept.batches()
    stored = kept.objects.versions[bad][0]
    kept.objects.versions[bad] = [changed(stored)]
    (sealed,) = kept.night()
    assert sealed.objects == 2
    assert {"code": "object_changed", "object": bad} in kept.root(FRIDAY)["faults"]
    assert good != bad


def changed(stored: StoredObject) -> StoredObject:
    content = stored.content.replace(b"accepted", b"refused!", 1)
    return StoredObject(
        stored.key, stored.version_id, content, stored.content_type, stored.metadata
    )


def test_what_was_overwritten_is_read_as_it_was_first(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 2))
    (key,) = kept.batches()
    kept.objects.put(key, b"{}\n", content_type="text/plain")
    (sealed,) = kept.night()
    assert (sealed.events, sealed.faults) == (2, 0)


def test_a_stranger_among_the_keys_stops_nothing(kept: Kept) -> None:
    kept.archive(kept.write(a_case()))
    for key in (f"{TENANT}/2026/11/20/note.txt", f"{TENANT}/2026/99/99/x"):
        kept.objects.put(key, b"?", content_type="text/plain")
    (sealed,) = kept.night()
    assert (sealed.day, sealed.objects) == (FRIDAY, 1)


def test_another_tenants_event_is_a_fault(kept: Kept) -> None:
    (row,) = kept.write(a_case())
    kept.archive([row])
    line = kept.objects.versions[kept.batches()[0]][0].content
    foreign = line.replace(b"441882#", b"441883#")
    key = object_key(TENANT, NOON, foreign)
    kept.objects.put_once(key, foreign, content_type="application/x-ndjson")
    kept.night()
    codes = [fault["code"] for fault in kept.root(FRIDAY)["faults"]]
    assert codes == ["tenant_foreign"]


def test_an_object_that_cannot_be_read_now_leaves_the_day_for_later(
    kept: Kept,
) -> None:
    kept.archive(kept.write(a_case()))

    def get(key: str, version_id: str | None = None) -> StoredObject | None:
        return None if key in kept.batches() else original(key, version_id)

    original = kept.objects.get
    kept.objects.get = get  # type: ignore[method-assign]
    with pytest.raises(Retry):
        kept.night()
    assert not any(key.endswith("root.json") for key in kept.objects.versions)
    kept.objects.get = original  # type: ignore[method-assign]
    assert next(each.day for each in kept.night()) == FRIDAY


def test_a_seal_whose_details_are_gone_is_named_in_the_next(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 2))
    kept.night()
    root = kept.root(FRIDAY)["root"]
    kept.objects.versions.pop(f"{TENANT}/2026/11/20/chains-{root}.ndjson")
    kept.archive(kept.write(a_case()))
    (sealed,) = kept.night()
    assert {"code": "seal_unreadable", "day": "2026-11-20"} in kept.root(sealed.day)[
        "faults"
    ]


def test_a_seal_is_canonical_json_without_a_person(kept: Kept) -> None:
    kept.archive(kept.write(a_case(), 3))
    kept.night()
    content = kept.objects.versions[f"{TENANT}/2026/11/20/root.json"][0].content
    assert list(json.loads(content)) == sorted(json.loads(content))
    assert b"sub-" not in content

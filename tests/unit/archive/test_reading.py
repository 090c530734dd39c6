"""Reading the archive again: for a replay, and to check it in itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tests.archive.kept import TENANT, Kept, a_case, item_of
from zerotrip.archive.checking import WORDS
from zerotrip.archive.items import chains_of, link_of_item
from zerotrip.archive.model import Unreadable
from zerotrip.archive.reading import read_events
from zerotrip.kernel.aggregate import canonical

FRIDAY = date(2026, 11, 20)
ONE_DAY = timedelta(days=1)
ROOT = f"{TENANT}/2026/11/20/root.json"


@pytest.fixture
def kept() -> Kept:
    """Two days with two cases, and a third, quiet day; all sealed."""
    made = Kept()
    made.archive([*made.write(a_case(1), 3), *made.write(a_case(2), 2)])
    made.night()
    made.archive(made.write(a_case(1), 2))
    made.night()
    made.night()
    return made


def codes(kept: Kept) -> list[str]:
    return sorted(each.code for each in kept.checked().findings)


def put(kept: Kept, key: str, content: bytes) -> None:
    """Writes a key as it could not be written: in place of its first version."""
    first = kept.objects.versions[key][0]
    kept.objects.versions[key] = [replace(first, content=content)]


def test_a_replay_reads_every_event_once_and_in_order(kept: Kept) -> None:
    again = kept.records.history(a_case(2))
    kept.archive(again)
    kept.archive([*again, *kept.write(a_case(3))])
    replayed = list(read_events(kept.objects, TENANT, FRIDAY, FRIDAY + 4 * ONE_DAY))
    assert len(replayed) == 8
    for key in (a_case(1), a_case(2), a_case(3)):
        rows = [row for row in replayed if row.key == key]
        assert tuple(rows) == kept.records.history(key)
    assert [row.time for row in replayed] == sorted(row.time for row in replayed)


def test_a_replay_of_some_days_reads_those(kept: Kept) -> None:
    second = list(read_events(kept.objects, TENANT, FRIDAY + ONE_DAY, FRIDAY + ONE_DAY))
    assert [row.seq for row in second] == [4, 5]
    assert list(read_events(kept.objects, TENANT, FRIDAY, FRIDAY - ONE_DAY)) == []


def test_a_replay_does_not_believe_a_changed_object(kept: Kept) -> None:
    key = kept.batches()[0]
    put(kept, key, kept.objects.versions[key][0].content + b"{}\n")
    with pytest.raises(Unreadable):
        list(read_events(kept.objects, TENANT, FRIDAY, FRIDAY))


def test_an_untouched_archive_has_nothing_to_say(kept: Kept) -> None:
    found = kept.checked()
    assert found.findings == []
    assert (found.days, found.seals, found.objects, found.events) == (4, 3, 2, 7)
    assert len(found.root) == 43
    assert kept.findings() == []


def test_a_changed_object_is_found(kept: Kept) -> None:
    key = kept.batches()[0]
    put(kept, key, kept.objects.versions[key][0].content.replace(b"sub-", b"bus-", 1))
    assert set(codes(kept)) == {"object_changed", "seal_changed"}


def test_an_object_that_is_gone_is_found(kept: Kept) -> None:
    del kept.objects.versions[kept.batches()[0]]
    assert codes(kept) == ["object_missing"]


def test_an_object_that_came_after_the_seal_is_found(kept: Kept) -> None:
    key = kept.batches()[1].replace("/21/", "/20/")
    content = kept.objects.versions[kept.batches()[1]][0].content
    kept.objects.put_once(key, content, content_type="application/x-ndjson")
    assert codes(kept) == ["object_unsealed"]


def test_an_object_that_is_not_ours_is_found(kept: Kept) -> None:
    kept.objects.put(f"{TENANT}/2026/11/20/note.txt", b"?", content_type="text/plain")
    assert codes(kept) == ["object_foreign"]


def test_a_seal_that_is_gone_is_found(kept: Kept) -> None:
    del kept.objects.versions[ROOT]
    assert "seal_missing" in codes(kept)
    assert "seal_unlinked" in codes(kept)  # the next day names a seal that is gone


@pytest.mark.parametrize(
    ("field", "value"),
    [("events", 6), ("gaps", ["none"]), ("sealed_at", ""), ("previous", "x" * 43)],
)
def test_a_seal_that_was_changed_is_found(
    kept: Kept, field: str, value: object
) -> None:
    put(kept, ROOT, canonical({**kept.root(FRIDAY), field: value}))
    assert {"seal_changed", "seal_unlinked"} & set(codes(kept))


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 2}'])
def test_a_seal_that_is_none_is_found(kept: Kept, content: bytes) -> None:
    put(kept, ROOT, content)
    assert "seal_changed" in codes(kept)


def test_a_day_that_was_made_anew_does_not_fit_the_next(kept: Kept) -> None:
    """Whoever replaced all objects and the seal of a day would have to go on."""
    other = Kept()
    other.archive(other.write(a_case(5), 3))
    other.night()
    for key in [each for each in kept.objects.versions if "/11/20/" in each]:
        del kept.objects.versions[key]
    kept.objects.versions |= other.objects.versions
    assert codes(kept) == ["seal_unlinked"]


def test_a_day_that_is_not_over_needs_no_seal(kept: Kept) -> None:
    kept.archive(kept.write(a_case(7)))
    assert codes(kept) == []


def test_every_finding_has_words_in_both_languages() -> None:
    for zh, en in WORDS.values():
        assert not zh.isascii()
        assert en.isascii()


def test_an_item_gives_the_link_of_its_row(kept: Kept) -> None:
    for row in kept.tables.rows.values():
        if row.sk != "HEAD":
            assert link_of_item(item_of(row)).sound


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"seq": "x"}'])
def test_an_item_that_cannot_be_read_is_unsound(kept: Kept, text: str) -> None:
    items = kept.items()
    broken = next(each for each in items if each["sk"]["S"] != "HEAD")
    broken["data"] = {"S": text}
    assert not link_of_item(broken).sound
    assert chains_of(items).keys() == {a_case(1).pk, a_case(2).pk}
    assert [each.code for each in kept.findings(items)] == ["event_changed"]


def test_a_head_that_cannot_be_read_is_found(kept: Kept) -> None:
    items = kept.items()
    head = next(each for each in items if each["sk"]["S"] == "HEAD")
    head["data"] = {"S": "?"}
    assert [each.code for each in kept.findings(items)] == ["head_differs"]


def test_another_tenants_rows_are_left_alone(kept: Kept) -> None:
    items = kept.items()
    foreign = {**items[0], "pk": {"S": "441883#CASE#1"}}
    assert kept.findings([*items, foreign]) == []


def test_a_chain_that_only_the_archive_has_is_deleted(kept: Kept) -> None:
    items = [each for each in kept.items() if each["pk"]["S"] != a_case(2).pk]
    (found,) = kept.findings(items)
    assert (found.code, found.where) == ("event_deleted", a_case(2).ref)


def test_a_chain_that_only_the_table_has_should_have_been_archived(
    kept: Kept,
) -> None:
    kept.write(a_case(9), 2)
    assert kept.findings() == []
    kept.at += timedelta(hours=2)
    (found,) = kept.findings()
    assert (found.code, found.where) == ("event_unarchived", a_case(9).ref)
    part = kept.findings(whole=False, first=FRIDAY, last=FRIDAY)
    assert part == []

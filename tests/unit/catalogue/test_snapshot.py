"""The snapshot: what is offered when, found by words, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.unit.catalogue.world import FOLDERS
from zerotrip.catalogue import snapshot
from zerotrip.catalogue.model import ItemSummary
from zerotrip.catalogue.snapshot import Wanted

BEFORE, NOW, LATER = (
    "2026-11-20T00:00:00.000Z",
    "2026-11-21T00:00:00.000Z",
    "2026-12-01T00:00:00.000Z",
)
MARK, REPLACEMENT, FOOD = FOLDERS


@pytest.fixture
def entries(drafts) -> dict[str, ItemSummary]:
    return {
        name: snapshot.entry(draft.item, f"digest-{name}", BEFORE)
        for name, draft in drafts.items()
    }


@dataclass
class Sees:
    """What somebody finds who types these words."""

    entries: dict[str, ItemSummary]

    def __call__(self, words: str, **filters: str) -> set[str]:
        found = snapshot.matching(self.entries.values(), Wanted(words, **filters))
        names = {each.code: name for name, each in self.entries.items()}
        return {names[each.code] for each in found}


@pytest.fixture
def sees(entries) -> Sees:
    return Sees(entries)


@pytest.mark.parametrize(
    "words",
    [
        "食品",
        "食品 许可",
        "shipin",
        "SHIPIN",
        "spjyxkz",
        "food",
        "Food licence",
        "市场监督",
    ],
)
def test_an_item_is_found_by_chinese_pinyin_initials_and_english(sees, words):
    assert sees(words) == {FOOD}


def test_every_word_has_to_be_there(sees):
    assert sees("食品 机动车") == set()
    assert sees("") == set(FOLDERS)


def test_filters_narrow_what_words_find(sees, entries):
    assert sees("", audience="company") == {FOOD}
    assert sees("", department="vehicle-office") == {MARK, REPLACEMENT}
    theme = entries[FOOD].themes
    assert all(FOOD in sees("", theme=each) for each in theme)
    assert sees("", theme="no_such_theme") == set()


def test_pages_follow_each_other_and_end(entries):
    ordered = snapshot.offered(entries.values(), NOW)
    first = snapshot.page(ordered, "", 2)
    second = snapshot.page(ordered, first.next_after or "", 2)
    assert [*first.items, *second.items] == list(ordered)
    assert (first.total, second.total, second.next_after) == (3, 3, None)
    assert all(a.code < b.code for a, b in pairwise(ordered))


def test_a_later_revision_waits_for_its_day(drafts, entries):
    item = drafts[FOOD].item.model_copy(update={"revision": 2})
    later = snapshot.entry(item, "digest-2", LATER)
    held = snapshot.with_entry(entries.values(), later, NOW)
    digests = {
        day: {each.digest for each in snapshot.offered(held, day)}
        for day in (NOW, LATER)
    }
    assert "digest-2" not in digests[NOW]
    assert f"digest-{FOOD}" in digests[NOW]
    assert "digest-2" in digests[LATER]
    assert f"digest-{FOOD}" not in digests[LATER]


def test_what_is_replaced_is_not_carried_on(drafts, entries):
    item = drafts[FOOD].item.model_copy(update={"revision": 2})
    held = snapshot.with_entry(
        entries.values(), snapshot.entry(item, "digest-2", NOW), NOW
    )
    assert [each.digest for each in held if each.code == item.code] == ["digest-2"]
    assert len(held) == 3


def test_a_snapshot_is_read_back_as_it_was_kept(entries):
    kept = tuple(entries[name] for name in FOLDERS)
    assert snapshot.from_bytes(snapshot.to_bytes(kept)) == kept

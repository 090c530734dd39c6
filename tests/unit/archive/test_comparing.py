"""Each way of tampering with a chain has its own name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.archive.kept import Kept, a_case
from zerotrip.archive.comparing import (
    Difference,
    Kind,
    TableChain,
    compare,
    head_differs,
)
from zerotrip.archive.model import Link, link_of
from zerotrip.kernel.aggregate import GENESIS, EventRow, link


@pytest.fixture(scope="module")
def rows() -> list[EventRow]:
    return Kept().write(a_case(), 9)


@pytest.fixture(scope="module")
def links(rows: list[EventRow]) -> list[Link]:
    return [link_of(row) for row in rows]


def kinds(found: list[Difference]) -> dict[str, tuple[int, int, int]]:
    return {each.kind.name: (each.first, each.last, each.count) for each in found}


def anew(rows: list[EventRow], start: int) -> list[EventRow]:
    """The chain with everything from `start` on made again, hashes and all."""
    made = rows[: start - 1]
    for row in rows[start - 1 :]:
        previous = made[-1].hash if made else GENESIS
        altered = replace(row, actor="somebody else", prev_hash=previous)
        made.append(replace(altered, hash=link(altered)))
    return made


def test_what_is_as_it_was_kept_differs_in_nothing(links: list[Link]) -> None:
    assert compare(links, links) == []
    assert compare(links[::-1], links) == []
    assert compare([], []) == []


def test_a_changed_event(rows: list[EventRow], links: list[Link]) -> None:
    table = list(rows)
    table[4] = replace(rows[4], actor="somebody else")
    found = compare([link_of(row) for row in table], links)
    assert kinds(found) == {"CHANGED": (5, 5, 1)}


def test_a_changed_event_with_its_own_hash_made_again(
    rows: list[EventRow], links: list[Link]
) -> None:
    altered = replace(rows[4], actor="somebody else")
    table = list(rows)
    table[4] = replace(altered, hash=link(altered))
    found = compare([link_of(row) for row in table], links)
    assert kinds(found) == {"CHANGED": (5, 5, 1)}


def test_a_deleted_event(links: list[Link]) -> None:
    assert kinds(compare(links[:3] + links[5:], links)) == {"DELETED": (4, 5, 2)}


def test_a_whole_chain_deleted(links: list[Link]) -> None:
    assert kinds(compare([], links)) == {"DELETED": (1, 9, 9)}


def test_an_inserted_event(rows: list[EventRow], links: list[Link]) -> None:
    forged = replace(
        rows[4], sk="EVENT#approve#v9", actor="x", prev_hash=rows[3].hash, hash=""
    )
    forged = replace(forged, hash=link(forged))
    found = compare([*links, link_of(forged)], links)
    assert kinds(found) == {"INSERTED": (5, 5, 1)}


def test_swapped_contents(rows: list[EventRow], links: list[Link]) -> None:
    table = list(rows)
    table[2] = replace(rows[6], sk=rows[2].sk)
    table[6] = replace(rows[2], sk=rows[6].sk)
    found = compare([link_of(row) for row in table], links)
    assert kinds(found) == {"SWAPPED": (3, 7, 2)}


def test_swapped_places(rows: list[EventRow], links: list[Link]) -> None:
    table = list(rows)
    table[2] = replace(rows[2], seq=4)
    table[3] = replace(rows[3], seq=3)
    found = compare([link_of(row) for row in table], links)
    assert kinds(found) == {"SWAPPED": (3, 4, 2)}


def test_a_tail_cut_off(links: list[Link]) -> None:
    assert kinds(compare(links[:6], links)) == {"TRUNCATED": (7, 9, 3)}


@pytest.mark.parametrize("start", [1, 5, 9])
def test_a_chain_rewritten(rows: list[EventRow], links: list[Link], start: int) -> None:
    table = [link_of(row) for row in anew(rows, start)]
    assert kinds(compare(table, links)) == {"REWRITTEN": (start, 9, 10 - start)}


def test_a_chain_rewritten_under_other_keys(
    rows: list[EventRow], links: list[Link]
) -> None:
    other = [replace(row, sk=f"{row.sk}x") for row in rows[4:]]
    table = [link_of(row) for row in anew([*rows[:4], *other], 5)]
    assert kinds(compare(table, links)) == {"REWRITTEN": (5, 9, 5)}


def test_a_chain_rewritten_that_has_gone_on(
    rows: list[EventRow], links: list[Link]
) -> None:
    table = [link_of(row) for row in anew(rows, 4)]
    found = compare(table, links[:7], settled_before=links[0].time)
    assert kinds(found) == {"REWRITTEN": (4, 7, 4)}


def test_a_chain_rewritten_and_cut_off(rows: list[EventRow], links: list[Link]) -> None:
    table = [link_of(row) for row in anew(rows, 4)][:6]
    assert kinds(compare(table, links)) == {
        "REWRITTEN": (4, 6, 3),
        "TRUNCATED": (7, 9, 3),
    }


def test_two_kinds_at_once_are_both_named(
    rows: list[EventRow], links: list[Link]
) -> None:
    table = [link_of(replace(rows[1], actor="x")), *links[2:8]]
    assert kinds(compare([links[0], *table], links)) == {
        "CHANGED": (2, 2, 1),
        "TRUNCATED": (9, 9, 1),
    }


def test_what_follows_is_not_archived_yet(links: list[Link]) -> None:
    early, late = links[0].time, "~"
    assert compare(links, links[:6], settled_before=early) == []
    found = compare(links, links[:6], settled_before=late)
    assert kinds(found) == {"UNARCHIVED": (7, 9, 3)}
    assert compare(links, [], settled_before=early) == []


def test_a_hole_in_the_archive_is_vouched_for_by_what_follows(
    links: list[Link],
) -> None:
    found = compare(links, [*links[:3], *links[5:]])
    assert kinds(found) == {"UNARCHIVED": (4, 5, 2)}


def test_another_event_in_the_hole_is_an_inserted_one(
    rows: list[EventRow], links: list[Link]
) -> None:
    other = link_of(anew(rows[:4], 4)[3])
    found = compare([*links[:3], other, *links[4:]], [*links[:3], *links[4:]])
    assert kinds(found) == {"INSERTED": (4, 4, 1)}


def test_a_forged_end_that_does_not_follow_is_inserted(
    rows: list[EventRow], links: list[Link]
) -> None:
    forged = replace(rows[8], sk="EVENT#x#y", seq=10, prev_hash="elsewhere")
    table = [*links, link_of(replace(forged, hash=link(forged)))]
    assert kinds(compare(table, links)) == {"INSERTED": (10, 10, 1)}


def test_of_a_part_of_the_archive_only_that_part_is_compared(
    rows: list[EventRow], links: list[Link]
) -> None:
    assert compare(links, links[3:6], whole=False) == []
    table = [link_of(replace(row, actor="x")) for row in rows]
    found = compare([*links[:4], table[4], *links[5:]], links[3:6], whole=False)
    assert kinds(found) == {"CHANGED": (5, 5, 1)}
    rewritten = [link_of(row) for row in anew(rows, 2)]
    found = compare(rewritten, links[3:6], whole=False)
    assert kinds(found) == {"REWRITTEN": (4, 6, 3)}


def test_a_head_says_where_its_chain_ends(links: list[Link]) -> None:
    good = TableChain(tuple(links), 9, links[-1].hash)
    assert head_differs(good) == []
    assert head_differs(TableChain((), 0, GENESIS)) == []
    for wrong in (
        replace(good, links=good.links[:-1]),
        replace(good, version=8),
        replace(good, last_hash=links[0].hash),
    ):
        assert [each.kind for each in head_differs(wrong)] == [Kind.HEAD]

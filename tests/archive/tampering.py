"""Six ways to tamper with a chain of the table, as somebody with its keys could."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.archive.kept import Item, Kept, a_case, item_of
from zerotrip.archive.checking import Archive, Finding, check_table
from zerotrip.archive.comparing import Kind, TableChain
from zerotrip.archive.items import chains_of, link_of_item
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import GENESIS, EventRow, chain_faults, link
from zerotrip.kernel.records import event_row, stored_event
from zerotrip.kernel.tables import StoredRow

CASE = a_case()
Tamper = Callable[["Town", random.Random], tuple[list[Item], int]]


@dataclass
class Town:
    """One long chain, archived and sealed over ten days, and its raw items by seq."""

    kept: Kept
    archive: Archive
    events: list[Item]
    head: Item

    def __post_init__(self) -> None:
        self._links = {id(item): link_of_item(item) for item in self.events}
        self._rows = {id(item): row_of_item(item) for item in self.events}

    def found(self, items: list[Item]) -> list[Finding]:
        """What the archive and the table together show.

        Rows that nobody touched are read and hashed once, not for each tampering.
        """
        (chain,) = chains_of([items[-1]]).values()
        links = [self._links.get(id(item)) or link_of_item(item) for item in items[:-1]]
        links.sort(key=lambda each: each.seq)
        return self._compared(replace(chain, links=tuple(links)))

    def read_and_checked(self) -> list[Finding]:
        """The same for the untouched table, each row read and hashed anew."""
        (chain,) = chains_of([*self.events, self.head]).values()
        return self._compared(chain)

    def _compared(self, chain: TableChain) -> list[Finding]:
        return check_table(
            self.archive,
            {CASE.pk: chain},
            settled_before=times.to_text(self.kept.at),
            whole=True,
        )

    def seen_inside(self, items: list[Item]) -> bool:
        """Whether chain and head show it by themselves, with nothing kept outside."""
        try:
            rows = [
                self._rows.get(id(item)) or row_of_item(item) for item in items[:-1]
            ]
        except (ValueError, KeyError, TypeError):
            return True
        rows.sort(key=lambda row: row.seq)
        head = json.loads(items[-1]["data"]["S"])["hash"]
        end = rows[-1].hash if rows else GENESIS
        return bool(chain_faults(tuple(rows))) or head != end


def long_chain(links: int, days: int = 10) -> Town:
    """A chain of `links` events, written, archived and sealed by the product's code."""
    kept = Kept()
    for _ in range(days):
        kept.archive(kept.write(CASE, links // days))
        kept.night()
    items = kept.items()
    head = next(each for each in items if each["sk"]["S"] == "HEAD")
    events = [each for each in items if each is not head]
    archive = kept.checked()
    assert archive.findings == []
    return Town(kept, archive, events, head)


def row_of_item(item: Item) -> EventRow:
    """The event of a raw item. Raises ValueError, KeyError, TypeError."""
    return event_row(
        StoredRow(
            item["pk"]["S"],
            item["sk"]["S"],
            json.loads(item["data"]["S"]),
            sealed=item["sealed"]["B"] if "sealed" in item else None,
        )
    )


def one_bit(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """One bit of one row, wherever: content, hash, ciphertext; not the row's key."""
    at = dice.randrange(len(town.events))
    item = dict(town.events[at])
    if "sealed" in item and dice.random() < 0.5:
        item["sealed"] = {"B": flipped(item["sealed"]["B"], dice)}
    else:
        text = flipped(item["data"]["S"].encode(), dice)
        item["data"] = {"S": text.decode("utf-8", "replace")}
    return _with(town, {at: item}), at + 1


def flipped(content: bytes, dice: random.Random) -> bytes:
    """The same with one bit turned."""
    at = dice.randrange(len(content))
    turned = content[at] ^ (1 << dice.randrange(8))
    return content[:at] + bytes([turned]) + content[at + 1 :]


def deleted(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """One row is gone, not the last."""
    at = dice.randrange(len(town.events) - 1)
    return [*town.events[:at], *town.events[at + 1 :], town.head], at + 1


def inserted(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """One row more, with a hash that is right and a place in the chain."""
    at = dice.randrange(1, len(town.events))
    before = row_of_item(town.events[at - 1])
    forged = replace(
        row_of_item(town.events[at]),
        sk=f"EVENT#approve#v{dice.randrange(10**6)}",
        actor="somebody else",
        prev_hash=before.hash,
    )
    item = item_of(stored_event(replace(forged, hash=link(forged))))
    return [*town.events[:at], item, *town.events[at:], town.head], at + 1


def swapped(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """Two rows hold each other's content, or stand in each other's place."""
    first, second = sorted(dice.sample(range(len(town.events)), 2))
    one, other = (row_of_item(town.events[at]) for at in (first, second))
    if dice.random() < 0.5:
        made = (replace(other, sk=one.sk), replace(one, sk=other.sk))
    else:
        made = (replace(one, seq=other.seq), replace(other, seq=one.seq))
    changed = dict(
        zip((first, second), (item_of(stored_event(row)) for row in made), strict=True)
    )
    return _with(town, changed), first + 1


def truncated(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """The end is gone, and the head says so."""
    left = dice.randrange(1, len(town.events))
    rows = town.events[:left]
    return [*rows, _ending(town, row_of_item(rows[-1]))], left + 1


def rewritten(town: Town, dice: random.Random) -> tuple[list[Item], int]:
    """All from one row on is made anew: every hash is right, and so is the head."""
    start = dice.randrange(len(town.events))
    rows = [row_of_item(item) for item in town.events[start:]]
    previous = rows[0].prev_hash
    made: list[EventRow] = []
    for row in rows:
        altered = replace(row, actor="somebody else", prev_hash=previous)
        made.append(replace(altered, hash=link(altered)))
        previous = made[-1].hash
    items = [item_of(stored_event(row)) for row in made]
    return [*town.events[:start], *items, _ending(town, made[-1])], start + 1


def _with(town: Town, changed: dict[int, Item]) -> list[Item]:
    items = list(town.events)
    for at, item in changed.items():
        items[at] = item
    return [*items, town.head]


def _ending(town: Town, last: EventRow) -> Item:
    data = {**json.loads(town.head["data"]["S"]), "hash": last.hash}
    return {
        **town.head,
        "version": {"N": str(last.seq)},
        "data": {"S": json.dumps(data, ensure_ascii=False)},
    }


KINDS: dict[str, tuple[Tamper, Kind, bool]] = {
    "change one bit": (one_bit, Kind.CHANGED, True),
    "delete an event": (deleted, Kind.DELETED, True),
    "insert an event": (inserted, Kind.INSERTED, True),
    "swap two events": (swapped, Kind.SWAPPED, True),
    "truncate the tail": (truncated, Kind.TRUNCATED, False),
    "rewrite the chain": (rewritten, Kind.REWRITTEN, False),
}
"""What is done, what it must be called, and whether the chain shows it by itself."""


@dataclass(frozen=True)
class Outcome:
    """What came of one tampering."""

    detected: bool
    named: bool
    placed: bool
    seen_inside: bool


def try_once(town: Town, kind: str, dice: random.Random) -> Outcome:
    """Tampers once, and looks. A head that fits no more may be named besides."""
    tamper, name, _ = KINDS[kind]
    items, seq = tamper(town, dice)
    found = town.found(items)
    return Outcome(
        detected=bool(found),
        named={each.code for each in found} - {Kind.HEAD} == {name},
        placed=any(
            each.code == name and re.match(rf"seq {seq}\b", each.detail)
            for each in found
        ),
        seen_inside=town.seen_inside(items),
    )

"""What a table's chain is, beside what was archived of it. Pure.

A chain of hashes shows by itself that something within it was touched, but neither that
its end is missing nor that all of it was made anew: for that one must have kept
something outside. Here everything is compared with what was kept, so that each kind of
tampering has its own name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from zerotrip.archive.model import Link
from zerotrip.kernel.aggregate import GENESIS


class Kind(StrEnum):
    """In which way a chain differs from its archive."""

    CHANGED = "event_changed"
    DELETED = "event_deleted"
    INSERTED = "event_inserted"
    SWAPPED = "events_swapped"
    TRUNCATED = "tail_truncated"
    REWRITTEN = "chain_rewritten"
    UNARCHIVED = "event_unarchived"
    HEAD = "head_differs"


@dataclass(frozen=True, slots=True)
class Difference:
    """Events `first` to `last` of a chain differ in one way; `count` of them."""

    kind: Kind
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class TableChain:
    """An aggregate as the table has it: its events, and where its head says it is."""

    links: tuple[Link, ...]
    version: int
    last_hash: str


def compare(
    table: Sequence[Link],
    archived: Iterable[Link],
    *,
    settled_before: str = "~",
    whole: bool = True,
) -> list[Difference]:
    """How the table's events of one aggregate differ from those that were archived.

    Events that follow the last archived one are merely not archived yet, unless they
    are older than `settled_before`. Without `whole` only a part of the archive was
    read: what the table has before and after that part is left alone.
    """
    kept: dict[str, Link] = {}
    for each in archived:
        kept.setdefault(each.sk, each)
    rewritten = _rewritten(kept, table)
    if not whole:
        seqs = [each.seq for each in kept.values()]
        low, high = min(seqs, default=0), max(seqs, default=0)
        table = [each for each in table if each.sk in kept or low < each.seq < high]
    found: dict[Kind, set[int]] = {}

    def note(kind: Kind, seqs: Iterable[int]) -> None:
        found.setdefault(kind, set()).update(seqs)

    here = {each.sk: each for each in table}
    differing = {
        sk for sk in kept.keys() & here.keys() if not _same(kept[sk], here[sk])
    }
    swapped = _swapped(kept, here, differing)
    note(Kind.SWAPPED, (kept[sk].seq for sk in swapped))
    note(Kind.REWRITTEN, rewritten)
    explained = set(rewritten.values())
    note(Kind.CHANGED, (kept[sk].seq for sk in differing - swapped - explained))
    missing = {each.seq for sk, each in kept.items() if sk not in here}
    last = max((each.seq for each in table if each.sk in kept), default=0)
    note(Kind.TRUNCATED, (s for s in missing - rewritten.keys() if s > last > 0))
    note(Kind.DELETED, (s for s in missing - rewritten.keys() if not s > last > 0))
    known = kept.keys() | explained
    unknown = [each for each in table if each.sk not in known]
    vouched = _vouched(kept, unknown, table, settled_before)
    note(Kind.INSERTED, (each.seq for each in unknown if each.sk not in vouched))
    note(Kind.UNARCHIVED, (each.seq for each in unknown if vouched.get(each.sk)))
    return [
        Difference(kind, min(seqs), max(seqs), len(seqs))
        for kind, seqs in found.items()
        if seqs
    ]


def head_differs(chain: TableChain) -> list[Difference]:
    """Whether the head says that the chain ends elsewhere than it does."""
    end = max(chain.links, key=lambda each: each.seq, default=None)
    seq, last_hash = (0, GENESIS) if end is None else (end.seq, end.hash)
    if (chain.version, chain.last_hash) == (seq, last_hash):
        return []
    return [Difference(Kind.HEAD, chain.version, chain.version, 1)]


def _same(kept: Link, here: Link) -> bool:
    # The time is in the hash, so a sound row with that hash has that time.
    return here.sound and (kept.seq, kept.prev_hash, kept.hash) == (
        here.seq,
        here.prev_hash,
        here.hash,
    )


def _swapped(
    kept: Mapping[str, Link], here: Mapping[str, Link], differing: Iterable[str]
) -> set[str]:
    """Rows that hold each other's content, or stand in each other's place."""
    content = {here[sk].hash: sk for sk in differing}
    place = {here[sk].seq: sk for sk in differing}
    swapped: set[str] = set()
    for sk in differing:
        for other in (content.get(kept[sk].hash), place.get(kept[sk].seq)):
            if other is None or other == sk:
                continue
            contents = here[sk].hash == kept[other].hash
            places = here[sk].seq == kept[other].seq and here[sk].hash == kept[sk].hash
            if contents or places:
                swapped |= {sk, other}
    return swapped


def _rewritten(kept: Mapping[str, Link], table: Sequence[Link]) -> dict[int, str]:
    """Rows, by seq, that were made anew up to the end: sound, linked, and not ours."""
    by_seq: dict[int, list[Link]] = {}
    for each in table:
        by_seq.setdefault(each.seq, []).append(each)
    archived = {each.seq for each in kept.values()}
    found: dict[int, str] = {}
    for seq in sorted(by_seq, reverse=True):
        rows = by_seq[seq]
        if any(each.sk in kept and _same(kept[each.sk], each) for each in rows):
            break
        before = by_seq.get(seq - 1, [])
        hashes = {each.hash for each in before} if seq > 1 else {GENESIS}
        anew = [each for each in rows if each.sound and each.prev_hash in hashes]
        if not anew:
            break
        if seq in archived:
            found[seq] = anew[0].sk
    return found


def _vouched(
    kept: Mapping[str, Link],
    unknown: Sequence[Link],
    table: Sequence[Link],
    settled_before: str,
) -> dict[str, bool]:
    """Rows that the archive lacks though they fit; True if it should have them.

    A hole is vouched for by the event behind it, whose hash covers its predecessor's;
    the end of a chain by following on.
    """
    end = max((each.seq for each in kept.values()), default=0)
    vouched: dict[str, bool] = {}
    following = {each.seq: each.prev_hash for each in kept.values()}
    taken = {each.seq for each in kept.values()}
    for each in sorted(unknown, key=lambda row: row.seq, reverse=True):
        fits = each.sound and each.seq not in taken and each.seq < end
        if fits and following.get(each.seq + 1) == each.hash:
            vouched[each.sk] = True
            following[each.seq] = each.prev_hash
    before = {each.seq: each.hash for each in table}
    before[0] = GENESIS
    for each in sorted(unknown, key=lambda row: row.seq):
        follows = each.sound and before.get(each.seq - 1) == each.prev_hash
        if each.seq > end and follows:
            vouched[each.sk] = each.time < settled_before
    return vouched

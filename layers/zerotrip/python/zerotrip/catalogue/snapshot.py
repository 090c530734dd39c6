"""The published snapshot: one object with all items, which feeds every channel. Pure.

What is found by words is prepared when an item is published, so that looking needs no
dictionary: `words` holds names, organisation, themes, pinyin and pinyin initials.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from zerotrip.catalogue.model import Item, ItemSummary
from zerotrip.kernel.aggregate import canonical

Entries = tuple[ItemSummary, ...]
_ENTRIES = TypeAdapter(Entries)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody looks for; None or empty: whatever it is."""

    words: str = ""
    audience: str | None = None
    department: str | None = None
    theme: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of items; `after` of the next one, or None at the end."""

    items: Entries
    total: int
    next_after: str | None


def entry(item: Item, digest: str, effective_at: str) -> ItemSummary:
    """An item as the snapshot lists it, from that UTC instant on."""
    return ItemSummary(
        code=item.code,
        base_code=item.base_code,
        revision=item.revision,
        digest=digest,
        effective_at=effective_at,
        name=item.name,
        audience=item.audience,
        organisation=item.organisation.uscc,
        organisation_name=item.organisation.name,
        department=item.department,
        department_name=item.department_name,
        themes=item.themes,
        promised_working_days=item.promised_working_days,
        visits=item.visits,
        licence_type=item.licence.type_code,
        licence_title=item.licence.title,
        words=_words(item),
    )


def with_entry(entries: Iterable[ItemSummary], fresh: ItemSummary, now: str) -> Entries:
    """The entries with one more; what it or an earlier one has replaced is left out."""
    others = [each for each in entries if each.code != fresh.code]
    own = [
        each
        for each in entries
        if each.code == fresh.code and each.revision < fresh.revision
    ]
    current = offered(own, now)
    later = [each for each in own if each.effective_at > now]
    kept = [
        each
        for each in (*current, *later)
        if fresh.effective_at > now and each.effective_at < fresh.effective_at
    ]
    return tuple(
        sorted((*others, *kept, fresh), key=lambda one: (one.code, one.effective_at))
    )


def offered(entries: Iterable[ItemSummary], now: str) -> Entries:
    """What can be applied for at that instant, one revision each, by item code."""
    found: dict[str, ItemSummary] = {}
    for each in entries:
        before = found.get(each.code)
        if each.effective_at <= now and (
            before is None or _order(before) < _order(each)
        ):
            found[each.code] = each
    return tuple(found[code] for code in sorted(found))


def matching(entries: Iterable[ItemSummary], wanted: Wanted) -> Entries:
    """The entries that hold every word and every filter."""
    terms = wanted.words.lower().split()
    return tuple(
        each
        for each in entries
        if all(term in each.words for term in terms)
        and wanted.audience in (None, each.audience)
        and wanted.department in (None, each.department)
        and (wanted.theme is None or wanted.theme in each.themes)
    )


def page(entries: Sequence[ItemSummary], after: str, limit: int) -> Page:
    """So many entries behind the item code `after`."""
    rest = [each for each in entries if each.code > after]
    shown = tuple(rest[:limit])
    more = len(rest) > limit
    return Page(shown, len(entries), shown[-1].code if more else None)


def to_bytes(entries: Entries) -> bytes:
    """The object's content; its hash is its name."""
    return canonical([each.model_dump(mode="json") for each in entries])


def from_bytes(content: bytes) -> Entries:
    """Reads a snapshot's object."""
    return _ENTRIES.validate_python(json.loads(content), strict=False)


def _order(each: ItemSummary) -> tuple[str, int]:
    return each.effective_at, each.revision


def _words(item: Item) -> str:
    """Everything that a person may type, lower case, words between spaces."""
    chinese = (item.name.zh, item.organisation.name.zh, item.department_name.zh)
    others = (item.name.en, item.organisation.name.en, *item.themes, item.code)
    return " ".join((*chinese, *others, *map(_pinyin, chinese))).lower()


def _pinyin(text: str) -> str:
    """The whole pinyin without tones, and its initials: `shipin… spjyxkz`."""
    # Late, and only where items are published: 5 MB of dictionaries.
    from pypinyin import Style, lazy_pinyin

    whole = "".join(lazy_pinyin(text, errors="ignore"))
    initials = "".join(lazy_pinyin(text, style=Style.FIRST_LETTER, errors="ignore"))
    return f"{whole} {initials}"

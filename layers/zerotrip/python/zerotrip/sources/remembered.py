"""What a person wrote before is offered again, by shared data element. Pure.

Nothing is kept for this: the person's own latest applications are looked at when a
draft is read. Only fields that are still empty get an offer, and only one that the
field takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from zerotrip.catalogue.forms import FORMATS
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.plain_forms import plainly_valid
from zerotrip.catalogue.pointers import join, pointer, schema_at

MOST_LEVELS = 8
"""Forms are not deeper; a schema that refers to itself ends here."""
_PARTS = ("$ref", "allOf")


@dataclass(frozen=True, slots=True)
class Earlier:
    """An application of the same person: its item, its form, when it was handed in."""

    item: Item
    form: Mapping[str, Any] = field(repr=False)
    at: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A remembered answer, and from where."""

    value: Any = field(repr=False)
    item: Item
    at: str


def empty_fields(item: Item, form: Mapping[str, Any]) -> dict[str, str]:
    """Fields bound to a shared data element and still empty: pointer to element."""
    return {
        path: element
        for path, element in bound_fields(item)
        if pointer(form, path) in (None, "")
    }


def bound_fields(item: Item) -> Iterator[tuple[str, str]]:
    """Pointer and element of every field with `x-element`; entries of lists have none.

    A list's entries are told apart by their place alone, and places mean nothing in
    another form.
    """
    yield from _bound(item.form, (), item.form)


def offers(
    item: Item, form: Mapping[str, Any], earlier: Sequence[Earlier]
) -> dict[str, Offer]:
    """By pointer, what the latest of the earlier applications says; newest first.

    Applications for another kind of applicant are left out: an agent's own telephone
    is none of the company's.
    """
    wanted = empty_fields(item, form)
    found: dict[str, Offer] = {}
    for each in earlier:
        if each.item.audience != item.audience:
            continue
        known = {
            element: value
            for path, element in reversed(tuple(bound_fields(each.item)))
            if (value := pointer(each.form, path)) not in (None, "")
        }
        for path, element in wanted.items():
            if path in found or element not in known:
                continue
            schema = _merged(schema_at(item.form, path) or {})
            if plainly_valid(schema, known[element], FORMATS):
                found[path] = Offer(known[element], each.item, each.at)
    return found


def _bound(
    schema: Mapping[str, Any], place: tuple[str, ...], root: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    if len(place) > MOST_LEVELS:
        return
    for name in _names(schema, root):
        path = (*place, name)
        said = schema_at(root, join(path)) or {}
        if isinstance(said.get("x-element"), str):
            yield join(path), said["x-element"]
        elif said.get("type") == "object" or "properties" in said:
            yield from _bound(said, path, root)


def _names(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    """Names of the schema's own fields and of those that a condition adds."""
    names = list(schema.get("properties", {}))
    for word in ("then", "else", "allOf", "anyOf", "oneOf"):
        said = schema.get(word)
        for branch in said if isinstance(said, list) else [said]:
            if isinstance(branch, Mapping):
                names += [name for name in _names(branch, root) if name not in names]
    return names


def _merged(schema: Mapping[str, Any]) -> dict[str, Any]:
    # `schema_at` has put these parts' words beside them already.
    return {name: said for name, said in schema.items() if name not in _PARTS}

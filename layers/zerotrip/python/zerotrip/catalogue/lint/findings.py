"""What the lint says, and all that it looks at beside the item. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from zerotrip.catalogue.model import (
    BaseItem,
    DataElement,
    Item,
    SharedMaterial,
    Text,
)

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with an item: pointer into it, code, both sentences.

    An error blocks publishing; a warning is for the editor to weigh.
    """

    path: str
    code: str
    zh: str
    en: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an item is looked at beside.

    `bases`, `elements` and `shared` by code; `items` of other folders and places;
    `earlier` the published revisions of the same item; `layouts` name to source text;
    `licences` type code to title of licences that are issued beside those of `items`.
    """

    bases: Mapping[str, BaseItem] = field(default_factory=dict)
    items: tuple[Item, ...] = ()
    elements: Mapping[str, DataElement] = field(default_factory=dict)
    shared: Mapping[str, SharedMaterial] = field(default_factory=dict)
    earlier: tuple[Item, ...] = ()
    layouts: Mapping[str, str] = field(default_factory=dict)
    licences: Mapping[str, Text] = field(default_factory=dict)

    def licence_types(self, item: Item) -> dict[str, Text]:
        """What the register holds or will: the item's own licence too."""
        issued = (each.licence for each in (item, *self.items))
        return {**self.licences, **{one.type_code: one.title for one in issued}}


def errors(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those that block publishing."""
    return tuple(each for each in findings if each.severity == "error")

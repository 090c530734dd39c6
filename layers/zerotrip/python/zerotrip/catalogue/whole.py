"""A whole catalogue: every item beside all the others, and what the lint says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from zerotrip.catalogue.authoring import LAYOUT_FOLDER, Draft, folders, load
from zerotrip.catalogue.bases import base_codes, read_base
from zerotrip.catalogue.files import Place
from zerotrip.catalogue.lint import Finding, Surroundings, lint
from zerotrip.catalogue.model import BaseItem, Item
from zerotrip.catalogue.shared_files import read_elements, read_shared_materials
from zerotrip.kernel.errors import Fault, Invalid


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding, and the file and line where it is to be mended."""

    place: Place
    finding: Finding


@dataclass(frozen=True, slots=True)
class Whole:
    """A catalogue as its folder has it.

    `drafts` by folder name, `faults` of what could not be read; `surroundings` without
    any one item's earlier revisions.
    """

    drafts: Mapping[str, Draft] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    surroundings: Surroundings = field(default_factory=Surroundings)


def read_whole(catalogue: Path, today: date, *, lenient: bool = False) -> Whole:
    """Every base entry, shared file and item folder; nothing is raised for what is
    wrong: it is among the faults."""
    faults: list[Fault] = []
    bases: dict[str, BaseItem] = {}
    for code in base_codes(catalogue):
        try:
            bases[code] = read_base(catalogue, code).base
        except Invalid as error:
            faults += error.faults
    drafts: dict[str, Draft] = {}
    for folder in folders(catalogue):
        try:
            drafts[folder.name] = load(folder, today, lenient=lenient)
        except Invalid as error:
            faults += error.faults
    surroundings = Surroundings(bases=bases)
    try:
        surroundings = surroundings_of(catalogue, bases, drafts.values())
    except Invalid as error:
        faults += error.faults
    # What a base entry lacks is told by each folder that inherits it, too.
    return Whole(drafts, tuple(dict.fromkeys(faults)), surroundings)


def surroundings_of(
    catalogue: Path, bases: Mapping[str, BaseItem], drafts: Iterable[Draft]
) -> Surroundings:
    """What the lint looks at beside an item of these folders.

    Raises Invalid `catalogue_folder_wrong` when a shared file is wrong.
    """
    layouts = sorted((catalogue / LAYOUT_FOLDER).glob("*.typ"))
    return Surroundings(
        bases=bases,
        items=tuple(draft.item for draft in drafts),
        elements=read_elements(catalogue),
        shared=read_shared_materials(catalogue),
        layouts={path.stem: path.read_text(encoding="utf-8") for path in layouts},
    )


def placed_findings(
    draft: Draft, surroundings: Surroundings, earlier: Sequence[Item] = ()
) -> list[Placed]:
    """What the lint says of one draft; `earlier` are its published revisions."""
    around = replace(surroundings, earlier=tuple(earlier))
    return [
        Placed(draft.source.place(finding.path), finding)
        for finding in lint(draft.item, around)
    ]

"""An editor's files as they travel: one folder, and what it refers to.

Names are relative to the catalogue: `kiosk/item.yaml`, `_base/….yaml`,
`_layouts/….typ`. They are looked at beside what is published, not beside a checkout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from zerotrip.catalogue.authoring import (
    EXAMPLE_FILE,
    ITEM_FILE,
    LAYOUT_FOLDER,
    Draft,
    folders,
    load,
)
from zerotrip.catalogue.bases import BASE_FOLDER, has_base
from zerotrip.catalogue.files import read_mapping
from zerotrip.catalogue.lint import Finding, Surroundings, errors, lint
from zerotrip.catalogue.model import Item, ItemSummary
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.shared_entries import (
    published_elements,
    published_shared_materials,
)
from zerotrip.catalogue.shared_files import (
    ELEMENTS_FILE,
    MATERIALS_FILE,
    read_elements,
    read_shared_materials,
)
from zerotrip.kernel.errors import Fault, Invalid, NotFound


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with file and line, as an editor reads it."""

    finding: Finding
    fault: Fault

    def as_json(self) -> dict[str, str]:
        """For the wire."""
        return {
            "code": self.fault.code,
            "severity": self.finding.severity,
            "path": self.fault.path,
            "zh": self.fault.zh,
            "en": self.fault.en,
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that could be read, and all that the lint says of it."""

    draft: Draft
    findings: tuple[Told, ...]

    @property
    def errors(self) -> tuple[Told, ...]:
        """What blocks publishing."""
        blocking = set(errors(told.finding for told in self.findings))
        return tuple(told for told in self.findings if told.finding in blocking)

    def require_no_errors(self) -> None:
        """Raises Invalid `item_not_acceptable` with every error."""
        if self.errors:
            raise Invalid(
                "item_not_acceptable",
                "事项文件未通过检查，请按所列逐项修改后再送审。",
                "The item does not pass the lint: mend all that is listed, then send.",
                faults=[told.fault for told in self.errors],
            )


def files_of(folder: Path) -> dict[str, str]:
    """What has to travel with a folder: base entries, shared files and layouts.

    Raises Invalid `catalogue_folder_wrong` for a folder without a readable item.
    """
    catalogue = folder.parent
    paths = [folder / ITEM_FILE, folder / EXAMPLE_FILE]
    code = str(read_mapping(folder / ITEM_FILE).value.get("base_code"))
    paths += _base_files(catalogue, code)
    paths += [catalogue / ELEMENTS_FILE, catalogue / MATERIALS_FILE]
    paths += sorted((catalogue / LAYOUT_FOLDER).glob("*.typ"))
    return {
        str(path.relative_to(catalogue)): path.read_text(encoding="utf-8")
        for path in paths
        if path.is_file()
    }


def _base_files(catalogue: Path, code: str | None) -> list[Path]:
    """The entry's file and those that it extends; a cycle is told when it is read."""
    found: list[Path] = []
    while code is not None and has_base(catalogue, code):
        path = catalogue / BASE_FOLDER / f"{code}.yaml"
        if path in found:
            break
        found.append(path)
        code = read_mapping(path).value.get("extends")
    return found


def checked(
    tenant: str, catalogue: Catalogue, files: Mapping[str, str], today: date
) -> Checked:
    """Reads the files and looks at them beside what the tenant has published.

    Raises Invalid `catalogue_folder_wrong` where they cannot be read, and
    `item_folder_missing` where there is not exactly one item among them.
    """
    with TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        found = folders(root)
        if len(found) != 1:
            raise _no_one_folder(len(found))
        draft = load(found[0], today)
        around = _surroundings(tenant, catalogue, root, draft)
    findings = (*lint(draft.item, around), *_other_base(draft, around))
    faults = draft.source.placed(
        Fault(each.path, each.code, each.zh, each.en) for each in findings
    )
    return Checked(draft, tuple(map(Told, findings, faults)))


def _surroundings(
    tenant: str, catalogue: Catalogue, root: Path, draft: Draft
) -> Surroundings:
    listed = catalogue.listed(tenant)
    own = draft.item.code

    def content(each: ItemSummary) -> Item:
        return catalogue.pinned(tenant, each.code, each.digest)

    earlier: tuple[Item, ...]
    try:
        earlier = (catalogue.current(tenant, own).item,)
    except NotFound:
        earlier = ()
    layouts = root / LAYOUT_FOLDER
    return Surroundings(
        bases={draft.base.code: draft.base},
        items=tuple(
            content(each)
            for each in listed
            if each.base_code == draft.item.base_code and each.code != own
        ),
        # What is published counts, whatever came with the folder.
        elements={
            **read_elements(root),
            **published_elements(catalogue.tables, tenant),
        },
        shared={
            **read_shared_materials(root),
            **published_shared_materials(catalogue.tables, tenant),
        },
        earlier=earlier,
        layouts={
            path.stem: path.read_text(encoding="utf-8")
            for path in layouts.glob("*.typ")
        },
        licences={each.licence_type: each.licence_title for each in listed},
    )


def _other_base(draft: Draft, around: Surroundings) -> Iterator[Finding]:
    """The base entry that came along is not the one that others are published with.

    Raising it for all is a matter of all its implementations, not of one editor.
    """
    for other in around.items:
        if other.base_digest not in (None, draft.item.base_digest):
            yield Finding(
                "/base_code",
                "base_entry_differs",
                f"所附目录清单与已发布的{other.code}所用的不一致。",
                f"The base entry that came along is not that of {other.code}.",
            )


def _no_one_folder(found: int) -> Invalid:
    return Invalid(
        "item_folder_missing",
        "每次送审一个事项文件夹，其中须有一个item.yaml。",
        "One item folder at a time, with one item.yaml in it.",
        detail={"folders": found},
    )

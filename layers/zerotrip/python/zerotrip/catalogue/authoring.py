"""From a folder that an officer writes to an item that can be published.

A folder holds `item.yaml` and `example.yaml` (a synthetic form that must pass); what
`item.yaml` leaves out comes from its base entry. Every fault is told at once, with
file, line and a sentence in Chinese and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zerotrip.catalogue.bases import BaseEntry, base_unknown, has_base, read_base
from zerotrip.catalogue.consistency import code_checks
from zerotrip.catalogue.files import (
    MISSING,
    UNKNOWN_KEY,
    Source,
    model_faults,
    read_mapping,
    wrong,
)
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.inheritance import deviation_faults, differences, overlay
from zerotrip.catalogue.model import BaseItem, Item
from zerotrip.catalogue.pointers import join
from zerotrip.catalogue.rules import (
    broken_rules,
    failed_on_example,
    is_asked,
    rule_faults,
)
from zerotrip.catalogue.schemas import schema_faults
from zerotrip.kernel.errors import Fault

ITEM_FILE = "item.yaml"
EXAMPLE_FILE = "example.yaml"
LAYOUT_FOLDER = "_layouts"
_RELATIVE_DAY = re.compile(r"today([+-][0-9]{1,5})d")
_COMPUTED = ("base_digest", "flagged_codes")
_EXAMPLE_PARTS = {"form", "materials"}


@dataclass(frozen=True, slots=True)
class Example:
    """A synthetic case of the item: the form, and the facts of its materials."""

    form: dict[str, Any]
    materials: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """An item as its folder has it, the bytes of its layout, and its base entry.

    `source` knows the file and line of each pointer into the item.
    """

    item: Item
    layout: bytes
    base: BaseItem
    source: Source


def folders(catalogue: Path) -> list[Path]:
    """The item folders of a catalogue, by name."""
    return sorted(path.parent for path in catalogue.glob(f"*/{ITEM_FILE}"))


def load(folder: Path, today: date, *, lenient: bool = False) -> Draft:
    """Reads and checks one folder; `today` is the legal day the example is tried on.

    `lenient` takes legacy codes that fail their check and flags them in the item.
    Raises Invalid `catalogue_folder_wrong`; each fault's path is
    `<folder>/<file>:<line> <pointer>`.
    """
    source, entry = _merged(folder)
    item = _item(source, entry, lenient=lenient)
    faults = [*schema_faults(item.form, "/form"), *rule_faults(item)]
    found = differences(entry.requirements.value, source.value)
    faults += deviation_faults(found, item.deviations)
    layout_path = folder.parent / LAYOUT_FOLDER / f"{item.licence.layout}.typ"
    if not layout_path.is_file():
        faults.append(_layout_fault(item.licence.layout))
    if faults:
        raise wrong(source.placed(faults))
    _try_example(folder, item, source, today)
    return Draft(item, layout_path.read_bytes(), entry.base, source)


def authored(folder: Path) -> dict[str, Any]:
    """The item's YAML with all that it inherits, as plain values.

    Raises Invalid `catalogue_folder_wrong` when a file or the base entry is unreadable.
    """
    value: dict[str, Any] = _merged(folder)[0].value
    return value


def load_example(folder: Path, today: date) -> Example:
    """The folder's example as of a day: `today-400d` in it becomes a date.

    So an example that must be recent, or still valid, does not grow old.
    """
    return _example(read_mapping(folder / EXAMPLE_FILE).value, today)


def _merged(folder: Path) -> tuple[Source, BaseEntry]:
    """What the folder says over what it inherits, and its base entry."""
    own = read_mapping(folder / ITEM_FILE)
    computed = [
        Fault(
            f"/{name}",
            "key_computed",
            f"{name}由系统填写，请删除。",
            f"{name} is filled in by the system: remove it.",
        )
        for name in _COMPUTED
        if name in own.value
    ]
    if computed:
        raise wrong(own.placed(computed))
    code = own.value.get("base_code")
    if not isinstance(code, str):
        # Nothing to inherit from: what the item itself lacks is told with it.
        raise wrong(own.placed(_shape_faults(own.value)))
    if not has_base(folder.parent, code):
        raise wrong(own.placed([base_unknown("/base_code", code)]))
    entry = read_base(folder.parent, code)
    said = {
        "name": entry.base.name.model_dump(),
        "legal_basis": [
            each.model_dump(exclude_none=True) for each in entry.base.legal_basis
        ],
    }
    below = Source({**said, **entry.requirements.value}, entry.requirements.places)
    return overlay(below, own), entry


def _shape_faults(value: Any) -> Iterator[Fault]:
    try:
        Item.model_validate(value)
    except ValidationError as error:
        yield from model_faults(error)


def _item(source: Source, entry: BaseEntry, *, lenient: bool) -> Item:
    value = {**source.value, "base_digest": entry.digest}
    if lenient:
        value["flagged_codes"] = [
            path
            for path, check, code in code_checks(source.value)
            if check(code, strict=False, path=path).flagged
        ]
    try:
        return Item.model_validate(value)
    except ValidationError as error:
        raise wrong(source.placed(model_faults(error))) from error


def _try_example(folder: Path, item: Item, source: Source, today: date) -> None:
    file = read_mapping(folder / EXAMPLE_FILE)
    faults = list(_example_faults(item, file.value, today))
    if faults:
        raise wrong(file.placed(faults))
    example = _example(file.value, today)
    broken = list(broken_rules(item, example, today))
    if broken:
        raise wrong(source.placed(broken))
    failed = failed_on_example(item, example, today)
    if failed:
        raise wrong(file.placed(failed))


def _layout_fault(name: str) -> Fault:
    return Fault(
        "/licence/layout",
        "layout_unknown",
        f"没有名为{name}的证照版式。",
        f"There is no layout {name}.",
    )


def _example_faults(item: Item, value: dict[str, Any], today: date) -> Iterator[Fault]:
    for key in sorted(set(value) - _EXAMPLE_PARTS):
        yield Fault(join([key]), "extra_forbidden", *UNKNOWN_KEY)
    if not isinstance(value.get("form"), dict):
        yield Fault("/form", "missing", *MISSING)
        return
    odd = [
        name
        for name in ("materials", "licences")
        if not _is_table(value.get(name) or {})
    ]
    for name in odd:
        yield Fault(
            f"/{name}", "not_a_mapping", "须为键值。", "Keys are expected here."
        )
    if odd:
        return
    example = _example(value, today)
    yield from form_faults(item, example.form, "/form")
    yield from _material_faults(item, example)


def _is_table(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(each, dict) for each in value.values()
    )


def _material_faults(item: Item, example: Example) -> Iterator[Fault]:
    for material in item.materials:
        facts = example.materials.get(material.code)
        if facts is None:
            if is_asked(material, example.form):
                yield Fault(f"/materials/{material.code}", "missing", *MISSING)
        elif "type" in facts and facts["type"] not in material.types:
            yield Fault(
                f"/materials/{material.code}/type",
                "material_type_refused",
                "该材料不接受这种文件类型。",
                "The material does not take files of this type.",
            )
    for code in example.materials:
        if item.material(code) is None:
            yield Fault(
                f"/materials/{code}",
                "material_unknown",
                f"没有代码为{code}的材料。",
                f"There is no material {code}.",
            )


def _example(value: dict[str, Any], today: date) -> Example:
    dated = _dated(value, today)
    return Example(dated["form"], dated.get("materials") or {})


def _dated(value: Any, today: date) -> Any:
    if isinstance(value, dict):
        return {key: _dated(each, today) for key, each in value.items()}
    if isinstance(value, list):
        return [_dated(each, today) for each in value]
    found = _RELATIVE_DAY.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return value
    return (today + timedelta(days=int(found[1]))).isoformat()

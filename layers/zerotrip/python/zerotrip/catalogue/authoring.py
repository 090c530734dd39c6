"""From a folder that an officer writes to an item that can be published.

A folder holds `item.yaml` and `example.yaml` (a synthetic form that must pass). Every
fault is told at once, with file, line and a sentence in Chinese and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zerotrip.catalogue.checks import failed_checks, rule_problem
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import join
from zerotrip.catalogue.schemas import schema_faults
from zerotrip.catalogue.yaml_files import YamlFaults, YamlFile, read_yaml
from zerotrip.kernel.errors import Fault, Invalid

ITEM_FILE = "item.yaml"
EXAMPLE_FILE = "example.yaml"
LAYOUT_FOLDER = "_layouts"
_RELATIVE_DAY = re.compile(r"today([+-][0-9]{1,5})d")
_SENTENCES = {
    "missing": ("缺少必填内容。", "This is missing."),
    "extra_forbidden": ("不认识的键。", "This key is not known here."),
    "string_type": ("应为文本，数字请加引号。", "Text is expected: quote numbers."),
}


@dataclass(frozen=True, slots=True)
class Example:
    """A synthetic case of the item: the form, and the facts of its materials."""

    form: dict[str, Any]
    materials: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Draft:
    """An item as its folder has it, and the bytes of its layout."""

    item: Item
    layout: bytes


def folders(catalogue: Path) -> list[Path]:
    """The item folders of a catalogue, by name."""
    return sorted(path.parent for path in catalogue.glob(f"*/{ITEM_FILE}"))


def load(folder: Path, today: date) -> Draft:
    """Reads and checks one folder; `today` is the legal day the example is tried on.

    Raises Invalid `catalogue_folder_wrong`; each fault's path is
    `<folder>/<file>:<line> <pointer>`.
    """
    item_file = _read(folder, ITEM_FILE)
    try:
        item = Item.model_validate(item_file.value)
    except ValidationError as error:
        raise _wrong(folder, ITEM_FILE, item_file, _model_faults(error)) from error
    faults = [*schema_faults(item.form, "/form"), *_rule_faults(item)]
    layout_path = folder.parent / LAYOUT_FOLDER / f"{item.licence.layout}.typ"
    if not layout_path.is_file():
        faults.append(_layout_fault(item.licence.layout))
    if faults:
        raise _wrong(folder, ITEM_FILE, item_file, faults)
    example_file = _read(folder, EXAMPLE_FILE)
    faults = list(_example_faults(item, example_file.value, today))
    if faults:
        raise _wrong(folder, EXAMPLE_FILE, example_file, faults)
    example = _example(example_file.value, today)
    outcome = failed_checks(item, example.form, example.materials, today.isoformat())
    if outcome.broken:
        broken = _broken_rule_faults(item, outcome.broken)
        raise _wrong(folder, ITEM_FILE, item_file, broken)
    if outcome.failed:
        raise _wrong(folder, EXAMPLE_FILE, example_file, outcome.failed)
    return Draft(item, layout_path.read_bytes())


def load_example(folder: Path, today: date) -> Example:
    """The folder's example as of a day: `today-400d` in it becomes a date.

    So an example that must be recent, or still valid, does not grow old.
    """
    return _example(_read(folder, EXAMPLE_FILE).value, today)


def _read(folder: Path, name: str) -> YamlFile:
    try:
        text = (folder / name).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        fault = Fault("", "file_missing", "缺少该文件。", "This file is missing.")
        raise _invalid([_placed(folder, name, 1, fault)]) from error
    except UnicodeDecodeError as error:
        fault = Fault("", "not_utf8", "文件须为UTF-8。", "The file must be UTF-8.")
        raise _invalid([_placed(folder, name, 1, fault)]) from error
    try:
        found = read_yaml(text)
    except YamlFaults as error:
        placed = [_placed(folder, name, line, fault) for line, fault in error.faults]
        raise _invalid(placed) from error
    if not isinstance(found.value, dict):
        fault = Fault("", "not_a_mapping", "文件须为键值。", "Keys are expected here.")
        raise _invalid([_placed(folder, name, 1, fault)])
    return found


def _model_faults(error: ValidationError) -> Iterator[Fault]:
    for each in error.errors(include_url=False, include_input=False):
        place = join(each["loc"])
        context = each.get("ctx", {})
        if "faults" in context:
            for fault in context["faults"]:
                yield Fault(
                    place + fault["path"], fault["code"], fault["zh"], fault["en"]
                )
            continue
        zh, en = _SENTENCES.get(
            each["type"], ("内容不符合要求。", f"{each['msg'].rstrip('.')}.")
        )
        yield Fault(place, each["type"], zh, en)


def _rule_faults(item: Item) -> Iterator[Fault]:
    for position, check in enumerate(item.checks):
        problem = rule_problem(check.rule)
        if problem is not None:
            yield Fault(
                f"/checks/{position}/rule",
                "rule_unreadable",
                f"规则{check.code}无法解析。",
                f"The rule {check.code} does not parse: {problem}",
            )


def _layout_fault(name: str) -> Fault:
    return Fault(
        "/licence/layout",
        "layout_unknown",
        f"没有名为{name}的证照版式。",
        f"There is no layout {name}.",
    )


def _example_faults(item: Item, value: dict[str, Any], today: date) -> Iterator[Fault]:
    for key in sorted(set(value) - {"form", "materials"}):
        zh, en = _SENTENCES["extra_forbidden"]
        yield Fault(join([key]), "extra_forbidden", zh, en)
    if not isinstance(value.get("form"), dict):
        zh, en = _SENTENCES["missing"]
        yield Fault("/form", "missing", zh, en)
        return
    example = _example(value, today)
    yield from form_faults(item, example.form, "/form")
    yield from _material_faults(item, example)


def _broken_rule_faults(item: Item, broken: tuple[str, ...]) -> Iterator[Fault]:
    for position, check in enumerate(item.checks):
        if check.code in broken:
            yield Fault(
                f"/checks/{position}/rule",
                "rule_broken",
                f"规则{check.code}在示例上无法运行。",
                f"The rule {check.code} does not run on the example.",
            )


def _material_faults(item: Item, example: Example) -> Iterator[Fault]:
    for material in item.materials:
        facts = example.materials.get(material.code)
        if facts is None and material.required:
            zh, en = _SENTENCES["missing"]
            yield Fault(f"/materials/{material.code}", "missing", zh, en)
        elif facts is not None and facts.get("type") not in material.types:
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


def _wrong(folder: Path, name: str, file: YamlFile, faults: Iterable[Fault]) -> Invalid:
    return _invalid(
        [_placed(folder, name, file.line(fault.path), fault) for fault in faults]
    )


def _placed(folder: Path, name: str, line: int, fault: Fault) -> Fault:
    place = f"{folder.name}/{name}:{line} {fault.path}".rstrip()
    return Fault(place, fault.code, fault.zh, fault.en)


def _invalid(faults: list[Fault]) -> Invalid:
    return Invalid(
        "catalogue_folder_wrong",
        "事项文件有误，请按所列逐项修改。",
        "The item's files are wrong; everything that is wrong is listed.",
        faults=faults,
    )

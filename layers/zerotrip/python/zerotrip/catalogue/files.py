"""The catalogue's files as they are read: values, and where each pointer stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from zerotrip.catalogue.pointers import join, steps
from zerotrip.catalogue.yaml_files import YamlFaults, read_yaml
from zerotrip.kernel.errors import Fault, Invalid

MISSING = ("缺少必填内容。", "This is missing.")
UNKNOWN_KEY = ("不认识的键。", "This key is not known here.")
_SENTENCES = {
    "missing": MISSING,
    "extra_forbidden": UNKNOWN_KEY,
    "string_type": ("应为文本，数字请加引号。", "Text is expected: quote numbers."),
}


class Place(NamedTuple):
    """A file, as faults name it (`<folder>/<file>`), and a line from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A value, and for every pointer into it the place where it was written."""

    value: Any
    places: Mapping[str, Place]

    def place(self, path: str) -> Place:
        """Where the pointer stands, or the nearest part above it that exists."""
        tokens = list(steps(path))
        while tokens and join(tokens) not in self.places:
            tokens.pop()
        return self.places.get(join(tokens), Place("", 1))

    def part(self, path: str, value: Any) -> Source:
        """The value at the pointer as a source of its own."""
        prefix = path + "/"
        places = {
            at[len(path) :]: place
            for at, place in self.places.items()
            if at == path or at.startswith(prefix)
        }
        return Source(value, places)

    def placed(self, faults: Iterable[Fault]) -> list[Fault]:
        """The faults with file and line before their pointer."""
        return [placed(self.place(fault.path), fault) for fault in faults]


def read_mapping(path: Path) -> Source:
    """One YAML file that holds keys. Raises Invalid `catalogue_folder_wrong`."""
    label = f"{path.parent.name}/{path.name}"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        fault = Fault("", "file_missing", "缺少该文件。", "This file is missing.")
        raise wrong([placed(Place(label, 1), fault)]) from error
    except UnicodeDecodeError as error:
        fault = Fault("", "not_utf8", "文件须为UTF-8。", "The file must be UTF-8.")
        raise wrong([placed(Place(label, 1), fault)]) from error
    try:
        found = read_yaml(text)
    except YamlFaults as error:
        faults = [placed(Place(label, line), fault) for line, fault in error.faults]
        raise wrong(faults) from error
    if not isinstance(found.value, dict):
        fault = Fault("", "not_a_mapping", "文件须为键值。", "Keys are expected here.")
        raise wrong([placed(Place(label, 1), fault)])
    places = {at: Place(label, line) for at, line in found.lines.items()}
    return Source(found.value, places)


def model_faults(error: ValidationError) -> Iterator[Fault]:
    """What pydantic says, as faults with a pointer and a sentence per language."""
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


def placed(place: Place, fault: Fault) -> Fault:
    """The fault, its path being `<folder>/<file>:<line> <pointer>`."""
    path = f"{place.file}:{place.line} {fault.path}".rstrip()
    return Fault(path, fault.code, fault.zh, fault.en)


def wrong(faults: list[Fault]) -> Invalid:
    """All that is wrong with a folder or a shared file, as one error."""
    return Invalid(
        "catalogue_folder_wrong",
        "事项文件有误，请按所列逐项修改。",
        "The item's files are wrong; everything that is wrong is listed.",
        faults=faults,
    )

"""Entries of the base catalogue (目录清单), read from `catalogue/_base/<code>.yaml`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from zerotrip.catalogue.files import Source, model_faults, read_mapping, wrong
from zerotrip.catalogue.inheritance import overlay
from zerotrip.catalogue.model import BaseItem, Item
from zerotrip.kernel.aggregate import digest
from zerotrip.kernel.errors import Fault

BASE_FOLDER = "_base"
NOT_INHERITED = frozenset(
    {
        *("code", "base_code", "revision", "name", "legal_basis"),
        *("organisation", "department", "department_name"),
        *("base_digest", "deviations", "flagged_codes"),
    }
)
"""Fields of an item that are its own, or that a base entry says beside them."""


@dataclass(frozen=True, slots=True)
class BaseEntry:
    """An entry with all that it extends: what an implementation inherits.

    `requirements` are the resolved ones, with their places; `chain` holds the codes of
    the entry and of what it extends; `digest` is the resolved entry's content hash.
    """

    base: BaseItem
    requirements: Source
    chain: tuple[str, ...]
    digest: str


def base_codes(catalogue: Path) -> list[str]:
    """The codes of the entries that there are, by their files."""
    return sorted(path.stem for path in (catalogue / BASE_FOLDER).glob("*.yaml"))


def base_file(catalogue: Path, code: str) -> Path:
    """Where the entry of that code is written."""
    return catalogue / BASE_FOLDER / f"{code}.yaml"


def chain(catalogue: Path, code: str) -> tuple[str, ...]:
    """The code and those of all that it extends, nearest first.

    Raises Invalid `catalogue_folder_wrong`.
    """
    return read_base(catalogue, code).chain


def has_base(catalogue: Path, code: str) -> bool:
    """Whether the base catalogue has an entry of that code."""
    # A code is letters and digits: it can name no other folder.
    return code.isalnum() and base_file(catalogue, code).is_file()


def read_base(catalogue: Path, code: str) -> BaseEntry:
    """The entry of that code, resolved. Raises Invalid `catalogue_folder_wrong`."""
    entries: list[BaseItem] = []
    requirements = Source({}, {})
    wanted: str | None = code
    while wanted is not None:
        base, source = _read(catalogue, wanted)
        entries.append(base)
        given = source.part("/requirements", source.value.get("requirements") or {})
        requirements = overlay(given, requirements)
        wanted = base.extends
        problem = _chain_fault(catalogue, entries, wanted)
        if problem is not None:
            raise wrong(source.placed([problem]))
    content: dict[str, Any] = entries[0].model_dump(mode="json", exclude={"extends"})
    content["requirements"] = requirements.value
    codes = tuple(each.code for each in entries)
    return BaseEntry(entries[0], requirements, codes, digest(content))


def _read(catalogue: Path, code: str) -> tuple[BaseItem, Source]:
    source = read_mapping(base_file(catalogue, code))
    try:
        base = BaseItem.model_validate(source.value)
    except ValidationError as error:
        raise wrong(source.placed(model_faults(error))) from error
    faults = [
        Fault(
            f"/requirements/{name}",
            "requirement_unknown",
            f"目录清单不能规定{name}：没有该字段，或者属于实施清单。",
            f"A base entry cannot require {name}: no such field, or it is the "
            "implementation's own.",
        )
        for name in base.requirements
        if name not in Item.model_fields or name in NOT_INHERITED
    ]
    if base.code != code:
        faults.append(
            Fault(
                "/code",
                "base_file_name",
                f"文件名须与基本编码{base.code}一致。",
                f"The file must be named for its code, {base.code}.yaml.",
            )
        )
    if base.type != base.code[2:4]:
        faults.append(
            Fault(
                "/type",
                "base_type_differs",
                "事项类型与基本编码第3至4位不一致。",
                "The type differs from characters 3 and 4 of the base code.",
            )
        )
    if faults:
        raise wrong(source.placed(faults))
    return base, source


def _chain_fault(
    catalogue: Path, entries: list[BaseItem], wanted: str | None
) -> Fault | None:
    if wanted is None:
        return None
    codes = [base.code for base in entries]
    if wanted in codes:
        round_trip = " → ".join([*codes, wanted])
        return Fault(
            "/extends",
            "base_cycle",
            f"目录清单循环继承：{round_trip}。",
            f"Base entries extend each other in a circle: {round_trip}.",
        )
    if not has_base(catalogue, wanted):
        return base_unknown("/extends", wanted)
    return None


def base_unknown(path: str, code: str) -> Fault:
    """What is said of a base code that has no entry."""
    return Fault(
        path,
        "base_unknown",
        f"目录清单中没有{code}，请先编写{BASE_FOLDER}/{code}.yaml。",
        f"The base catalogue has no {code}: write {BASE_FOLDER}/{code}.yaml first.",
    )

"""The catalogue's shared files: data elements, and materials that providers have."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from zerotrip.catalogue.files import Source, model_faults, read_mapping, wrong
from zerotrip.catalogue.model import DataElement, SharedMaterial
from zerotrip.catalogue.schemas import schema_invalid
from zerotrip.kernel.errors import Fault
from zerotrip.kernel.working_days import WorkingDays

ELEMENTS_FILE = "_elements.yaml"
MATERIALS_FILE = "_shared_materials.yaml"
WORKING_DAYS_FILE = "_working_days.yaml"
_File = TypeVar("_File", bound=BaseModel)


class ElementsFile(BaseModel):
    """`_elements.yaml`: the shared data elements."""

    model_config = ConfigDict(extra="forbid")

    elements: tuple[DataElement, ...]


class SharedMaterialsFile(BaseModel):
    """`_shared_materials.yaml`: what providers are asked for (证明材料共享目录)."""

    model_config = ConfigDict(extra="forbid")

    materials: tuple[SharedMaterial, ...]


def read_elements(catalogue: Path) -> dict[str, DataElement]:
    """The data elements by code; none without the file.

    Raises Invalid `catalogue_folder_wrong`.
    """
    read = _read(catalogue / ELEMENTS_FILE, ElementsFile)
    if read is None:
        return {}
    file, source = read
    faults = _repeated("elements", (each.code for each in file.elements))
    for position, element in enumerate(file.elements):
        if schema_invalid(element.form):
            faults.append(
                Fault(
                    f"/elements/{position}/form",
                    "schema_invalid",
                    "不是有效的JSON Schema 2020-12。",
                    "This is not valid JSON Schema 2020-12.",
                )
            )
    if faults:
        raise wrong(source.placed(faults))
    return {each.code: each for each in file.elements}


def read_shared_materials(catalogue: Path) -> dict[str, SharedMaterial]:
    """The shared materials by code; none without the file.

    Raises Invalid `catalogue_folder_wrong`.
    """
    read = _read(catalogue / MATERIALS_FILE, SharedMaterialsFile)
    if read is None:
        return {}
    file, source = read
    faults = _repeated("materials", (each.code for each in file.materials))
    if faults:
        raise wrong(source.placed(faults))
    return {each.code: each for each in file.materials}


def read_working_days(catalogue: Path) -> dict[str, Any]:
    """Announced years as `kernel.working_days` reads them; none without the file.

    Raises Invalid `catalogue_folder_wrong`.
    """
    path = catalogue / WORKING_DAYS_FILE
    if not path.is_file():
        return {}
    source = read_mapping(path)
    years: dict[str, Any] = source.value
    try:
        WorkingDays.from_json(years)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        fault = Fault(
            "",
            "working_days_wrong",
            '应为"2027": {off: ["01-01/01-03"], worked: ["01-04"]}的形式，且日期存在。',
            'Write "2027": {off: ["01-01/01-03"], worked: ["01-04"]}, with real days.',
        )
        raise wrong(source.placed([fault])) from error
    return years


def _read(path: Path, model: type[_File]) -> tuple[_File, Source] | None:
    if not path.is_file():
        return None
    source = read_mapping(path)
    try:
        return model.model_validate(source.value), source
    except ValidationError as error:
        raise wrong(source.placed(model_faults(error))) from error


def _repeated(kind: str, codes: Iterable[str]) -> list[Fault]:
    seen: set[str] = set()
    faults: list[Fault] = []
    for position, code in enumerate(codes):
        if code in seen:
            faults.append(
                Fault(
                    f"/{kind}/{position}/code",
                    "code_repeated",
                    f"代码{code}重复。",
                    f"The code {code} stands twice.",
                )
            )
        seen.add(code)
    return faults

"""JSON Schemas of the catalogue's files, which editors use for completion."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from zerotrip.catalogue.bases import NOT_INHERITED
from zerotrip.catalogue.model import BaseItem, Item
from zerotrip.catalogue.shared_files import ElementsFile, SharedMaterialsFile

_OWN = ("code", "base_code", "revision", "organisation", "department")
_COMPUTED = ("base_digest", "flagged_codes")
_REMOVED = {
    "title": "Removed",
    "description": "An inherited entry of this code is taken away.",
    "const": True,
}


def editor_schemas() -> dict[str, dict[str, Any]]:
    """File name under `events/catalogue/` to schema."""
    return {
        "item.schema.json": item_schema(),
        "base.schema.json": base_schema(),
        "elements.schema.json": _schema("elements", ElementsFile),
        "shared_materials.schema.json": _schema(
            "shared_materials", SharedMaterialsFile
        ),
    }


def item_schema() -> dict[str, Any]:
    """Of `item.yaml`: what a base entry gives may be left out, in parts too."""
    schema = _schema("item", Item)
    for name in _COMPUTED:
        del schema["properties"][name]
    schema["required"] = [*_OWN, "department_name"]
    return _partial(schema)


def base_schema() -> dict[str, Any]:
    """Of `_base/<code>.yaml`: requirements are parts of an item."""
    schema = _schema("base", BaseItem)
    item = _partial(_schema("item", Item))
    schema["$defs"] = {**item.pop("$defs"), **schema.get("$defs", {})}
    schema["properties"]["requirements"] = {
        "type": "object",
        "default": {},
        "description": "Fields of an implementation that inherits them.",
        "additionalProperties": False,
        "properties": {
            name: value
            for name, value in item["properties"].items()
            if name not in NOT_INHERITED
        },
    }
    return schema


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:zerotrip:catalogue:{name}",
        **model.model_json_schema(),
    }


def _partial(schema: dict[str, Any]) -> dict[str, Any]:
    """Parts that can be inherited need not be whole; an entry keeps its code."""
    for name in ("Material", "Check"):
        part = schema["$defs"][name]
        part["required"] = ["code"]
        part["properties"]["removed"] = _REMOVED
    for name in (
        "Fee",
        "Charge",
        "Route",
        "Licence",
        "Organisation",
        "NotOnline",
        "Applicant",
        "Remedies",
    ):
        schema["$defs"][name].pop("required", None)
    return schema

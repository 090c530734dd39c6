"""JSON Schemas of the wire shapes, as OpenAPI components."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from zerotrip.web import answers, requests


class _Plain(GenerateJsonSchema):
    """Without a title on each field: the name says it."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False


def schemas(names: Iterable[str]) -> dict[str, Any]:
    """Schemas of these shapes and of all that they use, by name."""
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        (name, *_shape(name))
        for name in sorted({*names, "ProblemAnswer", "PartnerRefusal"})
    ]
    _, made = TypeAdapter.json_schemas(
        wanted,
        ref_template="#/components/schemas/{model}",
        schema_generator=_Plain,
    )
    found: dict[str, Any] = made["$defs"]
    return dict(sorted(found.items()))


def _shape(name: str) -> tuple[JsonSchemaMode, TypeAdapter[Any]]:
    asked = getattr(requests, name, None)
    if asked is not None:
        return "validation", TypeAdapter(asked)
    return "serialization", TypeAdapter(getattr(answers, name))

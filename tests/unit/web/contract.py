"""Holds an answer against the OpenAPI document: status, shape, problem code."""

from __future__ import annotations

import copy
import functools
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from zerotrip.web.openapi.document import document

URI = "urn:zerotrip:openapi"


@functools.cache
def made() -> dict[str, Any]:
    """The document, made once."""
    return document()


@functools.cache
def strict_registry() -> Registry[Any]:
    """The document with closed shapes, so that no field is answered unnamed."""
    closed = copy.deepcopy(made())
    for name, schema in closed["components"]["schemas"].items():
        if "properties" in schema and name != "ProblemAnswer":
            schema["additionalProperties"] = False
    registry: Registry[Any] = Registry().with_resource(
        URI, DRAFT202012.create_resource(closed)
    )
    return registry


def schema_faults(schema: dict[str, Any], value: object) -> list[str]:
    """What is wrong with a value by a schema whose references are the document's."""
    validator = Draft202012Validator(_absolute(schema), registry=strict_registry())
    return [
        f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)
    ]


def answer_faults(
    method: str, path: str, status: int, content_type: str, body: object
) -> list[str]:
    """What the document does not allow in this answer; empty when all is well."""
    operation = made()["paths"][path][method.lower()]
    answer = operation["responses"].get(str(status))
    if answer is None:
        told = body.get("code") if isinstance(body, dict) else None
        return [f"{method} {path}: {status} ({told}) is not in the document"]
    content = answer.get("content")
    if content is None:
        return [] if body is None else [f"{method} {path}: {status} has a body"]
    media_type = content_type.partition(";")[0]
    if media_type not in content:
        return [f"{method} {path}: {status} is {content_type}"]
    return schema_faults(content[media_type]["schema"], body)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: URI + value if key == "$ref" else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema

"""JSON pointers (RFC 6901) into a form, and into the schema that describes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ALWAYS = ("$ref", "allOf")
_SOMETIMES = ("anyOf", "oneOf", "then", "else")


def steps(path: str) -> tuple[str, ...]:
    """The reference tokens of a pointer. Raises ValueError when it is not one."""
    if path == "":
        return ()
    if not path.startswith("/"):
        raise ValueError(f"not a JSON pointer: {path!r}")
    return tuple(
        token.replace("~1", "/").replace("~0", "~") for token in path[1:].split("/")
    )


def join(tokens: Sequence[str | int]) -> str:
    """The pointer of reference tokens: `("a", 0)` is `/a/0`."""
    return "".join(
        "/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens
    )


def pointer(document: object, path: str) -> Any:
    """The value at the pointer, or None where the document has none."""
    found = document
    for token in steps(path):
        if isinstance(found, Mapping):
            found = found.get(token)
        elif isinstance(found, list | tuple) and token.isdecimal():
            position = int(token)
            found = found[position] if position < len(found) else None
        else:
            return None
    return found


def schema_at(schema: Mapping[str, Any], path: str) -> dict[str, Any] | None:
    """What the schema says of the pointer's value, or None if it says nothing.

    Follows `properties`, `items`, `prefixItems`, the branches of a condition and local
    `$ref`; a word that stands at the reference goes before the same at its target.
    """
    found = _found(schema, path)
    if not found:
        return None
    said: dict[str, Any] = {}
    required: list[str] = []
    for subschema in found:
        for part in _parts(schema, subschema, _ALWAYS):
            said = {**part, **said}
            required += part.get("required", ())
    return {**said, "required": required} if required else said


def leaves(schema: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """The form's fields that hold an answer: pointer, schema, always required or not.

    An array is one answer; fields of conditional branches are among them, and a field
    is required only where all that it stands in is.
    """
    yield from _leaves(schema, "", True, 0)


def _leaves(
    root: Mapping[str, Any], path: str, required: bool, depth: int
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    said = schema_at(root, path) or {}
    names = _property_names(root, path)
    if not names or depth > 16:
        if path:
            yield path, said, required
        return
    for name in names:
        always = required and name in said.get("required", ())
        yield from _leaves(root, path + join([name]), always, depth + 1)


def _property_names(root: Mapping[str, Any], path: str) -> list[str]:
    found = [
        part
        for subschema in _found(root, path)
        for part in _parts(root, subschema, (*_ALWAYS, *_SOMETIMES))
    ]
    names = [name for part in found for name in part.get("properties", {})]
    return list(dict.fromkeys(names))


def _found(schema: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = [schema]
    for token in steps(path):
        found = [
            child
            for subschema in found
            for part in _parts(schema, subschema, (*_ALWAYS, *_SOMETIMES))
            for child in _children(part, token)
        ]
    return found


def _parts(
    root: Mapping[str, Any],
    schema: Mapping[str, Any],
    words: tuple[str, ...],
    depth: int = 0,
) -> Iterator[Mapping[str, Any]]:
    """The schema and all that it is put together from by the given words."""
    # A schema that refers to itself would never end; forms are not 16 levels deep.
    if depth > 16:
        return
    yield schema
    for word in words:
        value = schema.get(word)
        if word == "$ref" and isinstance(value, str) and value.startswith("#/"):
            value = pointer(root, value[1:])
        for branch in value if isinstance(value, list) else [value]:
            if isinstance(branch, Mapping):
                yield from _parts(root, branch, words, depth + 1)


def _children(schema: Mapping[str, Any], token: str) -> Iterator[Mapping[str, Any]]:
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and isinstance(properties.get(token), Mapping):
        yield properties[token]
    if token.isdecimal():
        position = int(token)
        first = schema.get("prefixItems", ())
        if position < len(first):
            yield first[position]
        elif isinstance(schema.get("items"), Mapping):
            yield schema["items"]

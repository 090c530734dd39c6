"""JSON pointers (RFC 6901) into a form, and into the schema that describes it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_BRANCHES = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")


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


def schema_at(schema: Mapping[str, Any], path: str) -> Mapping[str, Any] | None:
    """The subschema that describes the pointer's value, or None if none does.

    Follows `properties`, `items`, `prefixItems`, the branches of a condition and local
    `$ref`.
    """
    found: list[Mapping[str, Any]] = [schema]
    for token in steps(path):
        found = [
            child
            for subschema in found
            for part in _parts(schema, subschema)
            for child in _children(part, token)
        ]
    for subschema in found:
        for part in _parts(schema, subschema):
            if part:
                return part
    return None


def _parts(
    root: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0
) -> Iterator[Mapping[str, Any]]:
    # A schema that refers to itself would never end; forms are not 16 levels deep.
    if depth > 16:
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target = pointer(root, reference[1:])
        if isinstance(target, Mapping):
            yield from _parts(root, target, depth + 1)
    branches = [branch for word in _BRANCHES for branch in schema.get(word, ())]
    branches += [schema[word] for word in _CONDITIONAL if word in schema]
    for branch in branches:
        if isinstance(branch, Mapping):
            yield from _parts(root, branch, depth + 1)


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

"""Whether a form is plainly right, found without jsonschema. Pure.

jsonschema costs a cold start 60 ms, and most forms that a function looks at were looked
at before. This answers yes only for what jsonschema would take as well; after a no, or
a keyword that is not below, jsonschema looks and says what is wrong (`form_faults`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any


class _Unsure(Exception):
    """A schema that says something which is not known here."""


Formats = Mapping[str, Callable[[str], bool]]


def plainly_valid(schema: Mapping[str, Any], form: object, formats: Formats) -> bool:
    """Whether the form surely satisfies the schema; `formats` hold for strings."""
    try:
        return _Look(formats).holds(schema, form)
    except _Unsure:
        return False


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "null": lambda value: value is None,
}
_SAYS_NOTHING = frozenset(
    {"$schema", "title", "description", "default", "examples", "then", "else"}
)
"""`then` and `else` speak through `if` alone."""


class _Look:
    """One look at one form."""

    def __init__(self, formats: Formats) -> None:
        self._formats = formats

    def holds(self, schema: object, value: object) -> bool:
        """Whether every keyword of the schema holds. Raises _Unsure."""
        if not isinstance(schema, Mapping):
            raise _Unsure
        return all(
            self._keyword(name, said, schema, value) for name, said in schema.items()
        )

    def _keyword(
        self, name: str, said: Any, schema: Mapping[str, Any], value: Any
    ) -> bool:
        if name in _SAYS_NOTHING or name.startswith("x-"):
            return True
        if name == "type":
            return self._type(said, value)
        if name in ("enum", "const"):
            return self._offered(said if name == "enum" else [said], value)
        if name == "if":
            return self._condition(schema, value)
        return self._of_its_type(name, said, schema, value)

    def _of_its_type(
        self, name: str, said: Any, schema: Mapping[str, Any], value: Any
    ) -> bool:
        # Of a value of another type these keywords say nothing: rare, so not known.
        if isinstance(value, str):
            return self._text(name, said, value)
        if isinstance(value, dict):
            return self._object(name, said, schema, value)
        if isinstance(value, list):
            return self._list(name, said, value)
        if _is_number(value):
            return self._number(name, said, value)
        raise _Unsure

    def _type(self, said: Any, value: object) -> bool:
        if not isinstance(said, str) or said not in _TYPES:
            raise _Unsure
        return _TYPES[said](value)

    def _offered(self, options: Any, value: object) -> bool:
        # Only texts: to JSON Schema 1.0 is 1 and true is not, to Python both are 1.
        if not isinstance(value, str):
            raise _Unsure
        return value in list(options)

    def _condition(self, schema: Mapping[str, Any], value: object) -> bool:
        branch = "then" if self.holds(schema["if"], value) else "else"
        return branch not in schema or self.holds(schema[branch], value)

    def _text(self, name: str, said: Any, value: str) -> bool:
        match name:
            case "minLength":
                return len(value) >= int(said)
            case "maxLength":
                return len(value) <= int(said)
            case "pattern":
                return re.search(said, value) is not None
            case "format" if said in self._formats:
                return self._formats[said](value)
        raise _Unsure

    def _object(
        self, name: str, said: Any, schema: Mapping[str, Any], value: dict[str, Any]
    ) -> bool:
        match name:
            case "required":
                return all(each in value for each in said)
            case "properties":
                return all(
                    self.holds(said[each], value[each]) for each in said.keys() & value
                )
            case "additionalProperties" if (
                said is False and "patternProperties" not in schema
            ):
                known = schema.get("properties", {})
                return all(each in known for each in value)
        raise _Unsure

    def _list(self, name: str, said: Any, value: list[Any]) -> bool:
        match name:
            case "minItems":
                return len(value) >= int(said)
            case "maxItems":
                return len(value) <= int(said)
            case "items":
                return all(self.holds(said, each) for each in value)
            case "uniqueItems" if all(isinstance(each, str) for each in value):
                return not said or len(set(value)) == len(value)
        raise _Unsure

    def _number(self, name: str, said: Any, value: float) -> bool:
        match name:
            case "minimum":
                return bool(value >= said)
            case "maximum":
                return bool(value <= said)
        raise _Unsure

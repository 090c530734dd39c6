"""What a form's schema must be like: valid, closed, bounded, and told in two languages.

Closed and bounded, because a form takes what its purpose needs and no more (minimum
necessary), and because its sealed row has a size.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from zerotrip.catalogue.forms import FORMATS
from zerotrip.catalogue.pointers import join
from zerotrip.kernel.errors import Fault

_INNER = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items",
        "not", "propertyNames", "then", "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
"""Keywords whose value is a schema."""
_LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
"""Keywords whose value is a list of schemas."""
_NAMED = frozenset({"$defs", "dependentSchemas", "patternProperties", "properties"})
"""Keywords whose value holds schemas under names of the author's."""
_OURS = frozenset({"x-element", "x-en", "x-hint", "x-hint-en", "x-options"})
KEYWORDS = (
    _INNER
    | _LISTED
    | _NAMED
    | _OURS
    | frozenset(
        {
            "$anchor", "$comment", "$dynamicAnchor", "$dynamicRef", "$id", "$ref",
            "$schema", "$vocabulary", "const", "contentEncoding", "contentMediaType",
            "default", "dependentRequired", "deprecated", "description", "enum",
            "examples", "exclusiveMaximum", "exclusiveMinimum", "format",
            "maxContains", "maxItems", "maxLength", "maxProperties", "maximum",
            "minContains", "minItems", "minLength", "minProperties", "minimum",
            "multipleOf", "pattern", "readOnly", "required", "title", "type",
            "uniqueItems", "writeOnly",
        }
    )
)  # fmt: skip
"""JSON Schema 2020-12's, and ours. It ignores a word that it does not know, and so
would a misspelt bound be."""
_BOUNDS = ("maxLength", "enum", "const", "format", "$ref")


def schema_faults(schema: Mapping[str, Any], base: str) -> tuple[Fault, ...]:
    """Everything wrong with a form's schema; `base` is put before each path."""
    invalid = [
        Fault(
            base + path,
            "schema_invalid",
            "不是有效的JSON Schema 2020-12。",
            "This is not valid JSON Schema 2020-12.",
        )
        for path in schema_invalid(schema)
    ]
    unknown = tuple(_unknown_keywords(schema, base))
    if invalid or unknown:
        return (*dict.fromkeys(invalid), *unknown)
    if schema.get("type") != "object":
        return (
            Fault(
                f"{base}/type",
                "form_not_object",
                "表单的type应为object。",
                "A form is of type object.",
            ),
        )
    return tuple(_object_faults(schema, base))


def schema_invalid(schema: Mapping[str, Any]) -> list[str]:
    """Pointers at which this is no JSON Schema 2020-12; empty when it is one."""
    # Late: importing jsonschema costs about 60 ms.
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    return [join(list(each.absolute_path)) for each in validator.iter_errors(schema)]


def _unknown_keywords(schema: object, place: str) -> Iterator[Fault]:
    if not isinstance(schema, Mapping):
        return
    for keyword, value in schema.items():
        here = f"{place}{join([str(keyword)])}"
        if keyword not in KEYWORDS:
            yield _unknown(str(keyword), here)
        elif keyword in _INNER:
            yield from _unknown_keywords(value, here)
        elif keyword in _LISTED and isinstance(value, list):
            for position, each in enumerate(value):
                yield from _unknown_keywords(each, f"{here}/{position}")
        elif keyword in _NAMED and isinstance(value, Mapping):
            for name, each in value.items():
                yield from _unknown_keywords(each, f"{here}{join([str(name)])}")


def _unknown(keyword: str, place: str) -> Fault:
    near = get_close_matches(keyword, sorted(KEYWORDS), n=1)
    meant_zh = f"，是否应为{near[0]}？" if near else "，请删除。"
    meant_en = f" Did you mean {near[0]}?" if near else " Remove it."
    return Fault(
        place,
        "schema_keyword_unknown",
        f"不认识的关键字{keyword}{meant_zh}",
        f"The keyword {keyword} is not known.{meant_en}",
    )


def _object_faults(schema: Mapping[str, Any], place: str) -> Iterator[Fault]:
    if schema.get("additionalProperties") is not False:
        yield Fault(
            place,
            "form_open",
            "须写明additionalProperties: false，不收集未列明的内容。",
            "Write additionalProperties: false: a form takes what it names, no more.",
        )
    for name, field in schema.get("properties", {}).items():
        yield from _field_faults(field, f"{place}/properties{join([name])}")
    for name, definition in schema.get("$defs", {}).items():
        yield from _value_faults(definition, f"{place}/$defs{join([name])}")


def _field_faults(field: Any, place: str) -> Iterator[Fault]:
    if not isinstance(field, Mapping):
        return
    if not field.get("title") or not field.get("x-en"):
        yield Fault(
            place,
            "field_untitled",
            "字段须有中文title和英文x-en。",
            "A field needs a Chinese title and an English x-en.",
        )
    yield from _value_faults(field, place)


def _value_faults(field: Mapping[str, Any], place: str) -> Iterator[Fault]:
    kind = field.get("type")
    if kind == "object":
        yield from _object_faults(field, place)
    elif kind == "array":
        if "maxItems" not in field:
            yield _unbounded(place, "maxItems")
        if isinstance(field.get("items"), Mapping):
            yield from _value_faults(field["items"], f"{place}/items")
    elif kind == "string":
        if not any(word in field for word in _BOUNDS):
            yield _unbounded(place, "maxLength")
        yield from _string_faults(field, place)


def _string_faults(field: Mapping[str, Any], place: str) -> Iterator[Fault]:
    if "format" in field and field["format"] not in FORMATS:
        yield Fault(
            f"{place}/format",
            "format_unknown",
            f"不认识的format；可用：{'、'.join(FORMATS)}。",
            f"An unknown format; there are: {', '.join(FORMATS)}.",
        )
    options = field.get("x-options", {})
    for value in field.get("enum", ()):
        named = options.get(value, {})
        if not named.get("zh") or not named.get("en"):
            yield Fault(
                f"{place}/enum",
                "option_unnamed",
                f"选项{value}须在x-options中写明中英文名称。",
                f"The option {value} needs a zh and en name in x-options.",
            )


def _unbounded(place: str, keyword: str) -> Fault:
    return Fault(
        place,
        "field_unbounded",
        f"须用{keyword}限定长度。",
        f"Bound it with {keyword}.",
    )

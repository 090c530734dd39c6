"""Reading a request's body: every fault at once, none of the person's own words. Pure.

Codes and sentences are those of forms (`catalogue.forms`) where they mean the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from pydantic import BaseModel, RootModel, ValidationError

from zerotrip.catalogue.pointers import join
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import Fault, Invalid, Malformed

LARGEST_BODY_BYTES = 256 * 1024
"""A form with every field at its longest is well below; DynamoDB rows end at 400 KB."""
DEEPEST_BODY = 32

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

# pydantic's error type: code, Chinese, English. {limit} is the model's own number.
_SENTENCES = {
    "missing": ("field_missing", "请填写该项。", "This field is missing."),
    "empty": ("field_empty", "该项不能为空。", "This field must not be empty."),
    "unknown": (
        "field_unknown",
        "页面版本已更新，请刷新后重新填写。",
        "There is no such field.",
    ),
    "type": (
        "field_wrong_type",
        "该项填写有误，请刷新页面后重新填写。",
        "This value has the wrong type.",
    ),
    "offered": (
        "field_not_offered",
        "请从所列选项中选择。",
        "This is not one of the options.",
    ),
    "pattern": (
        "field_wrong_pattern",
        "该项格式有误。",
        "This is not written as it should be.",
    ),
    "too_short": (
        "field_too_short",
        "该项至少需要{limit}个字符。",
        "This needs at least {limit} characters.",
    ),
    "too_long": (
        "field_too_long",
        "该项最多{limit}个字符。",
        "This may have at most {limit} characters.",
    ),
    "too_small": (
        "field_too_small",
        "该项不得小于{limit}。",
        "This must be {limit} or more.",
    ),
    "too_large": (
        "field_too_large",
        "该项不得大于{limit}。",
        "This must be {limit} or less.",
    ),
    "other": ("field_wrong", "该项不符合要求。", "This does not meet the rules."),
}
_KINDS = {
    "missing": "missing",
    "extra_forbidden": "unknown",
    "literal_error": "offered",
    "enum": "offered",
    "union_tag_invalid": "offered",
    "union_tag_not_found": "missing",
    "string_pattern_mismatch": "pattern",
    "string_too_short": "too_short",
    "string_too_long": "too_long",
    "greater_than_equal": "too_small",
    "less_than_equal": "too_large",
}
_LIMITS = ("min_length", "max_length", "ge", "le")


class TooLarge(Malformed):
    """The body is larger than any form can be."""

    status = 413


class UnsupportedType(Malformed):
    """The body is not announced as JSON."""

    status = 415


def read_json(content: bytes) -> Any:
    """The JSON value of a body.

    Raises Malformed `body_not_json`, `body_too_deep`, `body_key_twice`; TooLarge
    `body_too_large`.
    """
    if len(content) > LARGEST_BODY_BYTES:
        raise TooLarge(
            "body_too_large",
            "提交的内容过大，最多256KB，请减少后重试。",
            "The body is too large: 256 KB at most.",
        )
    try:
        value = json.loads(
            content.decode(), object_pairs_hook=_once, parse_constant=_no_constant
        )
        # A lone surrogate parses, and then cannot be stored.
        canonical(value)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise Malformed(
            "body_not_json",
            "提交的内容无法识别，请刷新页面后重试。",
            "The body is not valid JSON in UTF-8.",
        ) from error
    if _deeper(value, DEEPEST_BODY):
        raise _too_deep()
    return value


def read_body(
    model: type[BaseModel], content: bytes, content_type: str | None, *, optional: bool
) -> BaseModel:
    """The body as the route's model.

    Raises what `read_json` raises, Malformed `body_missing`, UnsupportedType
    `body_type_unsupported`, Invalid `request_invalid` with every fault.
    """
    if not content.strip():
        if not optional:
            raise Malformed(
                "body_missing",
                "没有收到提交的内容，请刷新页面后重试。",
                "The body is missing: send it as JSON.",
            )
        return validated(model, {})
    media_type = (content_type or "application/json").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedType(
            "body_type_unsupported",
            "提交的内容类型有误，请刷新页面后重试。",
            "Send the body as application/json.",
        )
    return validated(model, read_json(content))


def validated(model: type[BaseModel], value: Any) -> BaseModel:
    """The value as the model. Raises Invalid `request_invalid` with every fault."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = sorted(
            (_fault(model, each) for each in error.errors(include_input=False)),
            key=lambda fault: (fault.path, fault.code),
        )
        # `from None`: the cause would quote what the person wrote.
        raise Invalid(
            "request_invalid",
            "填写的内容有误，请按提示逐项修改。",
            "The request has faults: mend them all, then send it again.",
            faults=faults,
        ) from None


def _fault(model: type[BaseModel], error: Mapping[str, Any]) -> Fault:
    kind = _KINDS.get(error["type"], "other")
    context: Mapping[str, Any] = error.get("ctx", {})
    if kind == "too_short" and context.get("min_length") == 1:
        kind = "empty"
    if kind == "other" and error["type"].endswith("_type"):
        kind = "type"
    limit = next((context[name] for name in _LIMITS if name in context), "")
    code, zh, en = _SENTENCES[kind]
    path = _path(model, error["loc"], context)
    return Fault(path, code, zh.format(limit=limit), en.format(limit=limit))


def _path(
    model: type[BaseModel], place: Iterable[str | int], context: Mapping[str, Any]
) -> str:
    tokens = list(place)
    if issubclass(model, RootModel):
        # A choice of bodies: pydantic names the chosen one first.
        tokens = tokens[1:]
    if "discriminator" in context:
        tokens.append(str(context["discriminator"]).strip("'"))
    known = [
        token
        for token in tokens
        # A key that is no name may be a person's data: then only its place.
        if isinstance(token, int) or _PLAIN_KEY.fullmatch(token)
    ]
    return join(known)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed(
            "body_key_twice",
            "提交的内容有重复，请刷新页面后重新填写。",
            "An object of the body names a field twice.",
        )
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    parts = value.values() if isinstance(value, dict) else value
    return any(_deeper(part, levels - 1) for part in parts)


def _too_deep() -> Malformed:
    return Malformed(
        "body_too_deep",
        "提交的内容层次过多，请刷新页面后重试。",
        "The body nests too deeply: 32 levels at most.",
    )

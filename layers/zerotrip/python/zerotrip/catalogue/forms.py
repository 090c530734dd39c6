"""A form against its schema: every fault at once, in words a citizen understands. Pure.

No sentence ever holds what the person wrote: faults are logged and stored.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from zerotrip.catalogue.model import Item, Text
from zerotrip.catalogue.plain_forms import plainly_valid
from zerotrip.catalogue.pointers import join, pointer, schema_at
from zerotrip.kernel.errors import Fault, Invalid
from zerotrip.kernel.identifiers import (
    TELEPHONE,
    citizen_number_fault,
    identity_number_fault,
    is_citizen_number,
    is_identity_number,
    is_uscc,
    uscc_fault,
)

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

__all__ = ["FORMATS", "form_faults", "pointer", "require_valid", "shown"]

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}")

# Keyword of the schema: code, Chinese, English; {zh} and {en} are the field's title,
# {limit} is the schema's own number.
_SENTENCES = {
    "required": ("field_missing", "请填写“{zh}”。", "Please fill in “{en}”."),
    "empty": ("field_empty", "“{zh}”不能为空。", "“{en}” must not be empty."),
    "type": (
        "field_wrong_type",
        "“{zh}”填写有误，请重新填写。",
        "“{en}” has the wrong type of value.",
    ),
    "enum": (
        "field_not_offered",
        "“{zh}”请从所列选项中选择。",
        "Please choose “{en}” from the options offered.",
    ),
    "pattern": (
        "field_wrong_pattern",
        "“{zh}”格式有误。{hint_zh}",
        "“{en}” is not written as it should be. {hint_en}",
    ),
    "minLength": (
        "field_too_short",
        "“{zh}”至少需要{limit}个字符。",
        "“{en}” needs at least {limit} characters.",
    ),
    "maxLength": (
        "field_too_long",
        "“{zh}”最多{limit}个字符。",
        "“{en}” may have at most {limit} characters.",
    ),
    "minimum": (
        "field_too_small",
        "“{zh}”不得小于{limit}。",
        "“{en}” must be {limit} or more.",
    ),
    "maximum": (
        "field_too_large",
        "“{zh}”不得大于{limit}。",
        "“{en}” must be {limit} or less.",
    ),
    "minItems": (
        "field_too_few",
        "“{zh}”至少选择{limit}项。",
        "“{en}” needs at least {limit} entries.",
    ),
    "maxItems": (
        "field_too_many",
        "“{zh}”最多{limit}项。",
        "“{en}” may have at most {limit} entries.",
    ),
    "uniqueItems": (
        "field_repeats",
        "“{zh}”中有重复内容。",
        "“{en}” holds the same entry twice.",
    ),
    "unknown": (
        "field_unknown",
        "页面版本已更新，请刷新后重新填写。",
        "The form has no such field: please remove it.",
    ),
    "date": (
        "date_wrong",
        "“{zh}”不是有效日期，请按2026-01-31的样式填写。",
        "“{en}” is not a date: write it like 2026-01-31.",
    ),
    "telephone": (
        "telephone_wrong",
        "“{zh}”有误，请填写11位手机号码。",
        "“{en}” is wrong: please give the 11 digits of a mobile number.",
    ),
    "unprintable": (
        "text_unprintable",
        "“{zh}”中有无法显示的字符，请删除后重新填写。",
        "“{en}” holds characters that cannot be shown: please type it again.",
    ),
    "other": (
        "field_wrong",
        "“{zh}”不符合填写要求。",
        "“{en}” does not meet the form's requirements.",
    ),
}
_TYPE_SENTENCES = {
    "boolean": ("请选择“是”或者“否”。", "Please choose yes or no."),
    "integer": ("“{zh}”请填写整数。", "Please give a whole number for “{en}”."),
    "number": ("“{zh}”请填写数字。", "Please give a number for “{en}”."),
    "string": ("“{zh}”请填写文字。", "Please write “{en}” as text."),
}
"""What to do where a value has another type than the schema's."""
_SAME_SENTENCE = {
    "const": "enum",
    "exclusiveMinimum": "other",
    "exclusiveMaximum": "other",
    "unevaluatedProperties": "unknown",
}


def _is_date(text: str) -> bool:
    # fromisoformat alone would also take 20260131 and week dates.
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


FORMATS: dict[str, Callable[[str], bool]] = {
    "citizen-number": is_citizen_number,
    "identity-number": is_identity_number,
    "uscc": is_uscc,
    "telephone": lambda text: TELEPHONE.fullmatch(text) is not None,
    "date": _is_date,
}

_NUMBER_FAULTS: dict[str, Callable[[str], Fault]] = {
    "citizen-number": citizen_number_fault,
    "identity-number": identity_number_fault,
    "uscc": uscc_fault,
}


def form_faults(
    item: Item, form: Mapping[str, Any], base: str = ""
) -> tuple[Fault, ...]:
    """Every fault of the form, ordered by path; `base` is put before each path.

    Paths are JSON pointers into the form; a missing field is named by its own path.
    """
    unprintable = list(_unprintable(item, form, (), base))
    if not unprintable and plainly_valid(item.form, form, FORMATS):
        return ()
    # Late: importing jsonschema costs about 60 ms, and few forms have faults.
    from jsonschema import Draft202012Validator

    validator = Draft202012Validator(item.form, format_checker=_format_checker())
    found = {
        (fault.path, fault.code): fault
        for error in validator.iter_errors(form)
        for fault in _faults(item, error, base)
    }
    found |= {(fault.path, fault.code): fault for fault in unprintable}
    return tuple(found[key] for key in sorted(found))


def require_valid(item: Item, form: Mapping[str, Any]) -> None:
    """Raises Invalid `form_invalid` with every fault of a form that is handed in."""
    faults = form_faults(item, form, "/form")
    if faults:
        raise Invalid(
            "form_invalid",
            "申请表填写有误，请按提示修改后再提交。",
            "The form has faults: mend them all, then submit again.",
            faults=faults,
        )


def shown(item: Item, form: Mapping[str, Any], path: str) -> Text | None:
    """The value at the pointer as people read it, or None where nothing was filled in.

    Options by their names (`x-options`), lists joined, yes and no as words.
    """
    value = pointer(form, path)
    schema = schema_at(item.form, path) or {}
    if isinstance(value, list):
        entries = schema.get("items", {})
        shown_entries = [text for each in value if (text := _shown(each, entries))]
        if not shown_entries:
            return None
        return Text(
            zh="、".join(text.zh for text in shown_entries),
            en=", ".join(text.en for text in shown_entries),
        )
    return _shown(value, schema)


def _shown(value: Any, schema: Mapping[str, Any]) -> Text | None:
    if value is None or value == "" or isinstance(value, dict | list):
        return None
    if isinstance(value, bool):
        return Text(zh="是", en="Yes") if value else Text(zh="否", en="No")
    option = schema.get("x-options", {}).get(value)
    return Text(**option) if option else Text(zh=str(value), en=str(value))


@functools.cache
def _format_checker() -> FormatChecker:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, holds in FORMATS.items():
        checker.checks(name)(_for_strings(holds))
    return checker


def _for_strings(holds: Callable[[str], bool]) -> Callable[[object], bool]:
    # Another type is `type`'s fault to report, not the format's.
    return lambda value: not isinstance(value, str) or holds(value)


def _unprintable(
    item: Item, value: Any, place: tuple[str | int, ...], base: str
) -> Iterator[Fault]:
    """Each text with a character that no licence can show."""
    if isinstance(value, str):
        if not value.isprintable() and any(map(_cannot_be_shown, value)):
            yield _told(item, join(list(place)), "unprintable", None, base)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            # A key that is no name may be a person's data; it is a fault already.
            if _PLAIN_KEY.fullmatch(str(name)):
                yield from _unprintable(item, inner, (*place, name), base)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _unprintable(item, inner, (*place, index), base)


def _cannot_be_shown(character: str) -> bool:
    # Control characters, half a surrogate pair, unassigned ones, line separators.
    category = unicodedata.category(character)
    return category in ("Cc", "Cs", "Cn", "Zl", "Zp") and character not in "\n\r\t"


def _faults(item: Item, error: ValidationError, base: str) -> Iterator[Fault]:
    path = join(list(error.absolute_path))
    keyword = str(error.validator)
    if keyword == "required":
        for name in _missing(error):
            yield _fault(item, f"{path}{join([name])}", "required", error, base)
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        for name in _surplus(error):
            # A key that is no name may be a person's data: then only its place.
            place = f"{path}{join([name])}" if _PLAIN_KEY.fullmatch(name) else path
            yield _fault(item, place, "unknown", error, base)
    elif keyword == "format":
        yield _format_fault(item, path, error, base)
    elif keyword == "minLength" and error.instance == "":
        yield _fault(item, path, "empty", error, base)
    else:
        yield _fault(item, path, keyword, error, base)


def _missing(error: ValidationError) -> list[str]:
    # jsonschema reports each missing name on its own and says so only in words.
    wanted: Any = error.validator_value
    present: Any = error.instance
    return [name for name in wanted if name not in present]


def _surplus(error: ValidationError) -> list[str]:
    schema: Any = error.schema
    instance: Any = error.instance
    patterns = schema.get("patternProperties", {})
    known = schema.get("properties", {})
    return [
        name
        for name in instance
        if name not in known and not any(re.search(each, name) for each in patterns)
    ]


def _format_fault(item: Item, path: str, error: ValidationError, base: str) -> Fault:
    told = _NUMBER_FAULTS.get(str(error.validator_value))
    if told is not None:
        return told(base + path)
    return _fault(item, path, str(error.validator_value), error, base)


def _fault(
    item: Item, path: str, keyword: str, error: ValidationError, base: str
) -> Fault:
    keyword = _SAME_SENTENCE.get(keyword, keyword)
    return _told(item, path, keyword, error.validator_value, base)


def _told(item: Item, path: str, keyword: str, limit: Any, base: str) -> Fault:
    schema = schema_at(item.form, path) or {}
    code, zh, en = _SENTENCES.get(keyword, _SENTENCES["other"])
    if keyword == "type":
        zh, en = _TYPE_SENTENCES.get(str(limit), (zh, en))
    words = {
        "zh": schema.get("title", "该项"),
        "en": schema.get("x-en", "this field"),
        "hint_zh": schema.get("x-hint", ""),
        "hint_en": schema.get("x-hint-en", ""),
        "limit": limit if isinstance(limit, int | float) else "",
    }
    return Fault(base + path, code, zh.format(**words), en.format(**words).rstrip())

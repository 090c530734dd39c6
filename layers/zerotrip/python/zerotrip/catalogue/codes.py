"""Codes checked part by part: base 12, implementation 31, handling item 33. Pure.

Sources: GB/T 39554.1-2020 for the layout (read second-hand, so provincial variants may
differ), GB 32100-2015 for the USCC, GB 11643-1999 for citizen numbers. Each check has a
strict mode, and a lenient one: real legacy codes fail their check character, so lenient
takes what has the right shape and answers what it flags.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from zerotrip.kernel.errors import Fault, Invalid
from zerotrip.kernel.identifiers import (
    citizen_number_fault,
    is_citizen_number,
    is_citizens_division,
    is_uscc,
    uscc_fault,
)

REGIONS = frozenset(
    f"{number:02}"
    # 00: the state's own; the provinces' first two digits of GB/T 2260.
    for number in (
        *(0, *range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47)),
        *(*range(50, 55), *range(61, 66), 71, 81, 82),
    )
)
FIRST_PUBLIC_SERVICE_TYPE = 20
SHARED_WITH_BASE = 9
"""In an implementation code the base code's last 3 are numbered anew under these."""

_CAPITALS = "0-9A-HJ-NP-RTUWXY"  # without I O Z S V
_USCC_SHAPE = re.compile(rf"[{_CAPITALS}]{{18}}")
_BASE_SHAPE = re.compile(r"[0-9A-Z]{12}")
_CODE_SHAPE = re.compile(r"[0-9A-Z]{31}")
_HANDLING_SHAPE = re.compile(r"[0-9A-Z]{33}")
_SEQUENCE = re.compile(r"(?!000)[0-9]{3}")
_SERVICE_SEQUENCE = re.compile(rf"(?!000)[{_CAPITALS}]{{3}}")
_SUB = re.compile(r"[0-9]{3}|00Y")
_FIFTEEN = re.compile(r"[1-9][0-9]{14}")


@dataclass(frozen=True, slots=True)
class Checked:
    """A code in its parts, and what a lenient check let pass (empty when strict)."""

    code: str
    parts: dict[str, str] = field(default_factory=dict)
    flagged: tuple[Fault, ...] = ()


def check_uscc(code: str, *, strict: bool = True, path: str = "") -> Checked:
    """A unified social credit code. Raises Invalid `code_wrong`.

    Lenient flags a wrong check character; length and alphabet must always be right.
    """
    if not _USCC_SHAPE.fullmatch(code):
        raise _invalid((uscc_fault(path),))
    faults = () if is_uscc(code) else (uscc_fault(path),)
    return _checked(code, {"body": code[:17], "check": code[17]}, faults, strict)


def check_citizen_number(code: str, *, strict: bool = True, path: str = "") -> Checked:
    """A citizen number. Raises Invalid `code_wrong`.

    Lenient flags a wrong check character, and the 15 digits of before 1999; a day of
    birth that is none, and the number of another document, are refused always. Region
    codes are not looked up: they change.
    """
    if is_citizen_number(code):
        return Checked(code, _citizen_parts(code))
    faults = (citizen_number_fault(path),)
    old = _FIFTEEN.fullmatch(code) is not None
    full = code[:6] + "19" + code[6:] if old else code
    shaped = old or re.fullmatch(r"[1-9][0-9]{16}[0-9X]", code) is not None
    if not shaped or not is_citizens_division(code) or not _is_day(full[6:14]):
        raise _invalid(faults)
    return _checked(code, _citizen_parts(full), faults, strict)


def check_base_code(code: str, *, strict: bool = True, path: str = "") -> Checked:
    """A base code: region 2, type 2, main 5 (department 2, number 3), sub 3.

    Raises Invalid `code_wrong`; lenient flags a part that is wrong.
    """
    if not _BASE_SHAPE.fullmatch(code):
        raise _invalid((_fault(path, "base_code_shape"),))
    parts = {
        "region": code[:2],
        "type": code[2:4],
        "department": code[4:6],
        "number": code[6:9],
        "sub": code[9:],
    }
    return _checked(code, parts, tuple(_base_faults(parts, path)), strict)


def check_item_code(code: str, *, strict: bool = True, path: str = "") -> Checked:
    """An implementation code: USCC 18, level 1, the base code's 9, its own 3.

    Raises Invalid `code_wrong`; lenient flags a part that is wrong.
    """
    if not _CODE_SHAPE.fullmatch(code):
        raise _invalid((_fault(path, "item_code_shape"),))
    return _checked(code, _item_parts(code), tuple(_item_faults(code, path)), strict)


def check_handling_code(code: str, *, strict: bool = True, path: str = "") -> Checked:
    """A handling item's code: an implementation code and 2 digits.

    Raises Invalid `code_wrong`; lenient flags a part that is wrong.
    """
    if not _HANDLING_SHAPE.fullmatch(code):
        raise _invalid((_fault(path, "handling_code_shape"),))
    faults = list(_item_faults(code[:31], path))
    if not code[31:].isdecimal() or code[31:] == "00":
        faults.append(_fault(path, "handling_code_number_wrong"))
    parts = {**_item_parts(code[:31]), "handling": code[31:]}
    return _checked(code, parts, tuple(faults), strict)


def _base_faults(parts: dict[str, str], path: str) -> Iterator[Fault]:
    if parts["region"] not in REGIONS:
        yield _fault(path, "base_code_region_wrong")
    if not parts["type"].isdecimal():
        yield _fault(path, "base_code_type_wrong")
    service = (
        parts["type"].isdecimal() and int(parts["type"]) >= FIRST_PUBLIC_SERVICE_TYPE
    )
    sequence = _SERVICE_SEQUENCE if service else _SEQUENCE
    if not parts["department"].isdecimal() or not sequence.fullmatch(parts["number"]):
        yield _fault(path, "base_code_main_wrong")
    if not _SUB.fullmatch(parts["sub"]):
        yield _fault(path, "base_code_sub_wrong")


def _item_parts(code: str) -> dict[str, str]:
    return {
        "uscc": code[:18],
        "level": code[18],
        "region": code[19:21],
        "type": code[21:23],
        "department": code[23:25],
        "number": code[25:28],
        "own": code[28:31],
    }


def _item_faults(code: str, path: str) -> Iterator[Fault]:
    if not is_uscc(code[:18]):
        yield _fault(path, "item_code_uscc_wrong")
    if code[18] not in "1234567":
        yield _fault(path, "item_code_level_wrong")
    parts = {**_item_parts(code), "sub": "000"}
    yield from _base_faults(parts, path)
    if not code[28:].isdecimal():
        yield _fault(path, "item_code_own_wrong")


def _checked(
    code: str, parts: dict[str, str], faults: tuple[Fault, ...], strict: bool
) -> Checked:
    if strict and faults:
        raise _invalid(faults)
    return Checked(code, parts, faults)


def _citizen_parts(code: str) -> dict[str, str]:
    return {"region": code[:6], "born": code[6:14], "sequence": code[14:17]}


def _is_day(text: str) -> bool:
    try:
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return False
    return True


_SENTENCES = {
    "base_code_shape": (
        "基本编码应为12位数字或大写字母。",
        "A base code is 12 digits or capitals.",
    ),
    "base_code_region_wrong": (
        "基本编码第1至2位不是省级行政区划代码（国家级为00）。",
        "Characters 1 and 2 of the base code are no province (00 is the state).",
    ),
    "base_code_type_wrong": (
        "基本编码第3至4位（事项类型）应为2位数字。",
        "Characters 3 and 4 of the base code, the item type, must be 2 digits.",
    ),
    "base_code_main_wrong": (
        "基本编码第5至9位（主项）应为2位部门代码和3位序号001至999；"
        "公共服务事项序号可用大写字母，但不用I、O、Z、S、V。",
        "Characters 5 to 9 of the base code are 2 digits of the department and a "
        "number 001 to 999; public services may use capitals without I, O, Z, S, V.",
    ),
    "base_code_sub_wrong": (
        "基本编码末3位（子项）应为000、00Y或者001至999。",
        "The base code's last 3 characters are 000, 00Y, or 001 to 999.",
    ),
    "item_code_shape": (
        "实施编码应为31位数字或大写字母。",
        "An item code is 31 digits or capitals.",
    ),
    "item_code_uscc_wrong": (
        "实施编码前18位不是有效的统一社会信用代码。",
        "The first 18 characters of the item code are no valid USCC.",
    ),
    "item_code_level_wrong": (
        "实施编码第19位（行使层级）应为1至7。",
        "Character 19 of the item code, the level, must be 1 to 7.",
    ),
    "item_code_own_wrong": (
        "实施编码末3位应为数字。",
        "The item code's last 3 characters must be digits.",
    ),
    "handling_code_shape": (
        "业务办理项编码应为33位数字或大写字母。",
        "A handling item's code is 33 digits or capitals.",
    ),
    "handling_code_number_wrong": (
        "业务办理项编码末2位应为01至99。",
        "The last 2 characters of a handling item's code are 01 to 99.",
    ),
}


def _fault(path: str, code: str) -> Fault:
    return Fault(path, code, *_SENTENCES[code])


def _invalid(faults: tuple[Fault, ...]) -> Invalid:
    return Invalid(
        "code_wrong",
        "代码有误，请按所列逐项核对。",
        "The code is wrong; everything that is wrong is listed.",
        faults=faults,
    )

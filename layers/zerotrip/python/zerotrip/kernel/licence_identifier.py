"""Licence identifiers by GB/T 36904-2018.

`1.2.156.3005.2.{type}.{issuer}.{serial}.{version}.{check}`. The standard's own text
was not read: the layout comes from public samples, whose check characters recompute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from zerotrip.kernel.errors import Invalid

ROOT: Final = "1.2.156.3005.2"
SERIAL_LENGTH: Final = 20
HIGHEST_VERSION: Final = 999

_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_USCC: Final = "[0-9A-HJ-NP-RTUWXY]{18}"
# One public sample names its issuer by a 6-digit division code: read, never minted.
_SHAPE: Final = re.compile(
    rf"{re.escape(ROOT)}\.(?P<type_code>{_USCC}[0-9]{{3}})"
    rf"\.(?P<issuer>{_USCC}|[0-9]{{6}})\.(?P<serial>[0-9A-Z]{{1,40}})"
    r"\.(?P<version>[0-9]{3})\.(?P<check>[0-9A-Z])"
)
_TYPE: Final = re.compile(rf"{_USCC}[0-9]{{3}}")
_ISSUER: Final = re.compile(_USCC)
_SERIAL: Final = re.compile(rf"[0-9A-Z]{{{SERIAL_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class Parts:
    """What an identifier says: type (21 characters), issuer, serial, version, check."""

    type_code: str
    issuer: str
    serial: str
    version: int
    check: str


def check_character(text: str) -> str:
    """The ISO/IEC 7064 MOD 37,36 check character of digits and capital letters."""
    remainder = 36
    for character in text:
        remainder = (remainder + _ALPHABET.index(character)) % 36 or 36
        remainder = remainder * 2 % 37
    return _ALPHABET[(37 - remainder) % 36]


def licence_identifier(
    type_code: str, issuer_uscc: str, serial20: str, version: int = 1
) -> str:
    """The identifier of one licence; version counts from 1 to 999.

    Raises Invalid `licence_id_parts_wrong` when a part has the wrong shape.
    """
    if not (
        _TYPE.fullmatch(type_code)
        and _ISSUER.fullmatch(issuer_uscc)
        and _SERIAL.fullmatch(serial20)
        and 1 <= version <= HIGHEST_VERSION
    ):
        raise Invalid(
            "licence_id_parts_wrong",
            "电子证照标识的组成部分格式有误。",
            "A part of the licence identifier has the wrong shape.",
        )
    parts = (type_code, issuer_uscc, serial20, f"{version:03d}")
    return ".".join((ROOT, *parts, check_character("".join(parts))))


def parse(identifier: str) -> Parts:
    """The parts of an identifier.

    Raises Invalid `licence_id_malformed` or, for a slip of the pen,
    `licence_id_check_wrong`.
    """
    found = _SHAPE.fullmatch(identifier)
    if found is None:
        raise Invalid(
            "licence_id_malformed",
            "电子证照标识格式有误。",
            "This is not a licence identifier.",
        )
    type_code, issuer, serial, version, check = found.groups()
    if check_character(type_code + issuer + serial + version) != check:
        raise Invalid(
            "licence_id_check_wrong",
            "电子证照标识校验位不符，请核对。",
            "The licence identifier's check character does not match: please compare.",
        )
    return Parts(type_code, issuer, serial, int(version), check)

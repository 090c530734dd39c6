"""Numbers that name things: checked when they come in, minted in one place.

Sources: GB 32100-2015 (USCC), GB 11643-1999 (citizen number), GB/T 39554.1 (item
codes; read second-hand, so the layout stays lenient where noted).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from zerotrip.kernel.errors import Fault

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CODES = "10X98765432"
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

ITEM_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}[1-7][0-9A-Z]{12}")
CASE_NUMBER = re.compile(r"[0-9A-Z]{31}[0-9]{8}[0-9]{6}")
RECORD_NUMBER = re.compile(r"[0-9]{6}[0-9A-HJKMNP-TV-Z]{26}")
TELEPHONE = re.compile(r"1[3-9][0-9]{9}")


def uscc_check_character(first_17: str) -> str:
    """The 18th character of a USCC by GB 32100-2015 (31 minus the sum, 31 is 0)."""
    total = sum(
        USCC_ALPHABET.index(character) * weight
        for character, weight in zip(first_17, _USCC_WEIGHTS, strict=True)
    )
    return USCC_ALPHABET[(31 - total % 31) % 31]


def is_uscc(text: str) -> bool:
    """Whether text is a unified social credit code with a right check character."""
    return (
        len(text) == 18
        and all(character in USCC_ALPHABET for character in text)
        and uscc_check_character(text[:17]) == text[17]
    )


def is_citizen_number(text: str) -> bool:
    """Whether text is an 18-character citizen number: date and check digit right.

    Division codes are not looked up: residence permits (81, 82, 83) and permanent
    resident cards (9) are numbers too, and codes change.
    """
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", text):
        return False
    try:
        date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    total = sum(
        int(digit) * weight
        for digit, weight in zip(text[:17], _CITIZEN_WEIGHTS, strict=True)
    )
    return _CITIZEN_CODES[total % 11] == text[17]


def citizen_number_fault(path: str) -> Fault:
    """What is said of a citizen number that does not check."""
    return Fault(
        path,
        "citizen_number_wrong",
        "身份证号码有误，请核对18位号码及最后一位校验码。",
        "The identity number is wrong: check all 18 characters and the last one.",
    )


def uscc_fault(path: str) -> Fault:
    """What is said of a unified social credit code that does not check."""
    return Fault(
        path,
        "uscc_wrong",
        "统一社会信用代码有误，请核对18位代码及最后一位校验码。",
        "The unified social credit code is wrong: check all 18 characters.",
    )


@dataclass(frozen=True, slots=True)
class Mint:
    """Makes new numbers from the random bytes that it is given (`os.urandom`)."""

    random_bytes: Callable[[int], bytes]

    def case_number(self, item_code: str, legal_day: date) -> str:
        """31-character implementation code, date, 6 random digits: 45 characters."""
        return f"{item_code}{legal_day:%Y%m%d}{self._pick('0123456789', 6)}"

    def record_number(self, tenant: str) -> str:
        """Tenant and 26 base32 characters: what a bill or a shipment is called."""
        return tenant + self._pick(_BASE32, 26)

    def opaque(self, length: int = 26) -> str:
        """Base32 characters without meaning: subjects, applications, uploads."""
        return self._pick(_BASE32, length)

    def licence_serial(self) -> str:
        """20 random upper-case alphanumerics (GB/T 36904, provincial practice)."""
        return self._pick(_ALPHANUMERIC, 20)

    def from_alphabet(self, alphabet: str, length: int) -> str:
        """Random characters of an alphabet that people can read aloud."""
        return self._pick(alphabet, length)

    def _pick(self, alphabet: str, count: int) -> str:
        # Rejection keeps the choice even for alphabets that do not divide 256.
        ceiling = 256 - 256 % len(alphabet)
        picked: list[str] = []
        while len(picked) < count:
            picked.extend(
                alphabet[byte % len(alphabet)]
                for byte in self.random_bytes(count)
                if byte < ceiling
            )
        return "".join(picked[:count])

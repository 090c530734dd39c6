"""Numbers that name things: checked when they come in, minted in one place.

Sources: GB 32100-2015 (USCC), GB 11643-1999 (citizen number), GB/T 39554.1 (item
codes; read second-hand, so the layout stays lenient where noted). Numbers of residence
permits and permanent resident cards: from memory of their published formats, to be
confirmed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from zerotrip.kernel.errors import Fault

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_CITIZEN_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CITIZEN_CODES = "10X98765432"
_BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
READABLE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Of codes that people read out and type: without 0, O, 1 and I, which they confuse."""
_ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

ITEM_CODE = re.compile(r"[0-9A-HJ-NP-RTUWXY]{18}[1-7][0-9A-Z]{12}")
CASE_NUMBER = re.compile(r"[0-9A-Z]{31}[0-9]{8}[0-9]{6}")
RECORD_NUMBER = re.compile(r"[0-9]{6}[0-9A-HJKMNP-TV-Z]{26}")
QUERY_CODE = re.compile(r"[2-9A-HJ-NP-Z]{8}")
TELEPHONE = re.compile(r"1[3-9][0-9]{9}")
_EIGHTEEN = re.compile(r"[1-9][0-9]{16}[0-9X]")
_RESIDENCE_DIVISIONS = ("81", "82", "83")
"""Hong Kong, Macao, Taiwan: divisions of residence permits (港澳台居民居住证)."""
_SYNTHETIC_DIVISION = "999999"
"""Of invented people only. No permanent resident card has it: its 9 is followed by a
province and a nationality of GB/T 2659, and there is no province 99, no country 999."""
_OLD_RESIDENT_CARD = re.compile(r"[A-Z]{3}[0-9]{12}")
_PASSPORT = re.compile(r"[A-Z0-9]{5,17}")
# A citizen number that lost a digit must not become a passport.
_SHORT_CITIZEN_NUMBER = re.compile(r"[0-9]{14,16}[0-9X]")


class IdentityDocument(StrEnum):
    """What a person proves an identity with."""

    CITIZEN_CARD = "citizen_card"  # 居民身份证
    RESIDENCE_PERMIT = "residence_permit"  # 港澳台居民居住证
    PERMANENT_RESIDENT_CARD = "permanent_resident_card"  # 外国人永久居留身份证
    PASSPORT = "passport"  # 护照


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
    """Whether text is a citizen number: its division, date and check digit right.

    Divisions are not looked up, since they change; those of residence permits (81, 82,
    83) and of permanent resident cards (9) are refused.
    """
    return _is_eighteen(text) and is_citizens_division(text)


def is_citizens_division(number: str) -> bool:
    """Whether the number begins as one of a citizen: not 81, 82, 83 or 9."""
    if number.startswith(_SYNTHETIC_DIVISION):
        # The invented people of examples and tests are citizens.
        return True
    return not number.startswith((*_RESIDENCE_DIVISIONS, "9"))


def is_identity_number(text: str) -> bool:
    """Whether text is the number of a document that `IdentityDocument` names."""
    return identity_document_of(text) is not None


def identity_document_of(number: str) -> IdentityDocument | None:
    """Which document has a number of this form, or None.

    A passport has no check digit: 5 to 17 capitals and digits pass for one, unless they
    are the digits of a citizen number of which some are missing.
    """
    if _is_eighteen(number):
        if is_citizens_division(number):
            return IdentityDocument.CITIZEN_CARD
        if number.startswith("9"):
            return IdentityDocument.PERMANENT_RESIDENT_CARD
        return IdentityDocument.RESIDENCE_PERMIT
    if _OLD_RESIDENT_CARD.fullmatch(number):
        return IdentityDocument.PERMANENT_RESIDENT_CARD
    if _PASSPORT.fullmatch(number) and not _SHORT_CITIZEN_NUMBER.fullmatch(number):
        return IdentityDocument.PASSPORT
    return None


def birth_date_of(number: str) -> date | None:
    """The date of birth that a number of 18 characters holds; None for all others."""
    return _date_within(number) if _is_eighteen(number) else None


def _is_eighteen(text: str) -> bool:
    """18 characters, a date of birth, and the check digit of GB 11643-1999."""
    if not _EIGHTEEN.fullmatch(text) or _date_within(text) is None:
        return False
    total = sum(
        int(digit) * weight
        for digit, weight in zip(text[:17], _CITIZEN_WEIGHTS, strict=True)
    )
    return _CITIZEN_CODES[total % 11] == text[17]


def _date_within(number: str) -> date | None:
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def citizen_number_fault(path: str) -> Fault:
    """What is said of a citizen number that does not check."""
    return Fault(
        path,
        "citizen_number_wrong",
        "身份证号码有误，请核对18位号码及最后一位校验码。",
        "The identity number is wrong: check all 18 characters and the last one.",
    )


def identity_number_fault(path: str) -> Fault:
    """What is said of an identity document's number that does not check."""
    return Fault(
        path,
        "identity_number_wrong",
        "身份证件号码有误，请按居民身份证、港澳台居民居住证、外国人永久居留身份证"
        "或者护照上的号码填写，字母用大写。",
        "The number is none of an identity card, residence permit, permanent resident "
        "card or passport: copy it as printed, letters in capitals.",
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

    def readable(self) -> str:
        """A code of 8 characters that people can read out: query and window codes."""
        return self._pick(READABLE_ALPHABET, 8)

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

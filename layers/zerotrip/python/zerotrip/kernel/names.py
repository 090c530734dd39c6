"""Names and document numbers in one writing, so that two of them can be compared. Pure.

Unicode NFC, with one exception: a CJK compatibility ideograph stays as it is, because
NFC would put another character in its place, and a register may know the person by it.
"""

from __future__ import annotations

import re
import unicodedata

# Keyboards and registers write the dot inside a name (阿依·示例) in these ways too;
# U+00B7 is the middle dot of GB 18030.
_MIDDLE_DOTS = str.maketrans(dict.fromkeys("\u2022\u2027\u2219\u30fb\u2e31", "\u00b7"))
_FULL_WIDTH = str.maketrans(
    {
        code: code - 0xFEE0
        for first, last in (("０", "９"), ("Ａ", "Ｚ"), ("ａ", "ｚ"))
        for code in range(ord(first), ord(last) + 1)
    }
)
_COMPATIBILITY_IDEOGRAPHS = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")


def normalised_name(text: str) -> str:
    """A name in NFC, trimmed, with U+00B7 for each kind of middle dot."""
    return _composed(text).strip().translate(_MIDDLE_DOTS)


def normalised_number(text: str) -> str:
    """A number in NFC, trimmed, its digits and letters in ASCII, `x` as `X`."""
    return _composed(text).strip().translate(_FULL_WIDTH).replace("x", "X")


def same_name(a: str, b: str) -> bool:
    """Whether two writings are of one name: equal code points once normalised."""
    return normalised_name(a) == normalised_name(b)


def _composed(text: str) -> str:
    # Every second piece of a split by a group is what the group matched.
    return "".join(
        piece if place % 2 else unicodedata.normalize("NFC", piece)
        for place, piece in enumerate(_COMPATIBILITY_IDEOGRAPHS.split(text))
    )

"""Finds marked persons in bytes, however they are written, and hashed without a key.

What is searched is undone first: escapes (`\\u…`, `\\x…`), URL encoding, base64 in its
four positions and hexadecimal, one inside the other. So no list of spellings has to be
complete, and a value in the middle of something encoded is found.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote_to_bytes

from tests.canary.marks import EMAIL_DOMAIN, NAME_STEM, Marks

_UNICODE_ESCAPE = re.compile(rb"\\+u([0-9a-fA-F]{4})")
_BYTE_ESCAPE = re.compile(rb"\\+x([0-9a-fA-F]{2})")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}")
_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{16,}")
_ONLY_HEXADECIMAL = re.compile(rb"[0-9a-fA-F]{32,}")
_URLSAFE = bytes.maketrans(b"-_", b"+/")
_DEPTH = 2
_HASHES = ("md5", "sha1", "sha256", "sha512")
_DIGEST = re.compile(rb"[0-9a-fA-F]{32,128}|[A-Za-z0-9+/_-]{22,88}")
_DIGEST_PREFIX = 20
"""Characters of a digest that must agree: products cut them, none below 20."""

# Whole stems where no chance can write them, whole values where it can.
_CODINGS = ("utf-8", "gb18030")
_STEMS = [NAME_STEM.encode(coding) for coding in _CODINGS]
_STEMS += [EMAIL_DOMAIN.encode(), b"oCanaryDai-", b"LTESTDAXX", b"92999999MA"]
_SEARCHED = re.compile(
    b"(?P<stem>%s)" % b"|".join(map(re.escape, _STEMS))
    + rb"|(?P<citizen>(?<!\d)9999991911\d{7}[\dX])"
    + rb"|(?P<telephone>(?<!\d)1380009\d{4}(?!\d))"
    + b"|(?P<plate>(?:%s)ZD\\d{5})" % b"|".join(map("粤".encode, _CODINGS)),
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A person in clear: what stood there, and some of what stood around it."""

    kind: str
    found: str
    around: str


@dataclass(frozen=True)
class Scanner:
    """Knows whose unkeyed digests to look for; texts are found for everyone marked."""

    persons: tuple[Marks, ...] = ()

    def search(self, content: bytes) -> list[Finding]:
        """Every marked person in `content`, each way of writing once."""
        found: set[Finding] = set()
        for view in _views(content, _DEPTH):
            for match in _SEARCHED.finditer(view):
                found.add(_finding(str(match.lastgroup), match, view))
        for match in _DIGEST.finditer(content):
            kind = self._digests.get(match[0][:_DIGEST_PREFIX])
            if kind is not None:
                found.add(_finding(kind, match, content))
        return sorted(found)

    @cached_property
    def _digests(self) -> dict[bytes, str]:
        """The first characters of each unkeyed digest of each value."""
        known: dict[bytes, str] = {}
        for person in self.persons:
            for kind, value in person.values().items():
                for name, digest in digests(value):
                    known[digest[:_DIGEST_PREFIX]] = f"{name} of {kind}"
        return known


def digests(value: str) -> Iterator[tuple[str, bytes]]:
    """Unkeyed digests of a value, plain and as JSON, as they are usually written."""
    for text in (value, f'"{value}"'):
        for name in _HASHES:
            raw = hashlib.new(name, text.encode(), usedforsecurity=False).digest()
            yield name, raw.hex().encode()
            yield name, raw.hex().upper().encode()
            yield name, base64.b64encode(raw)
            yield name, base64.urlsafe_b64encode(raw)


def _views(content: bytes, depth: int) -> Iterator[bytes]:
    """The content with its escapes undone, then what is encoded in it."""
    plain = _unescaped(content)
    yield plain
    if depth == 0:
        return
    for decoded in (_from_base64(plain), _from_hexadecimal(plain)):
        if decoded:
            yield from _views(decoded, depth - 1)


def _unescaped(content: bytes) -> bytes:
    for _ in range(3):  # an escaped text in an escaped text
        before = content
        if b"\\" in content:
            content = _UNICODE_ESCAPE.sub(_character, content)
            content = _BYTE_ESCAPE.sub(lambda m: binascii.unhexlify(m[1]), content)
        if b"%" in content:
            content = unquote_to_bytes(content)
        if content == before:
            break
    return content


def _character(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1], 16)).encode("utf-8", "replace")


def _from_base64(content: bytes) -> bytes:
    parts = []
    for match in _BASE64.finditer(content):
        if _ONLY_HEXADECIMAL.fullmatch(match[0]):
            continue  # ciphertext and digests, read below
        run = match[0].translate(_URLSAFE)
        # Whatever stands before it may belong to the same alphabet.
        for start in range(4):
            rest = run[start:]
            parts.append(base64.b64decode(rest[: len(rest) // 4 * 4]))
            if len(rest) % 4 > 1:
                parts[-1] += base64.b64decode(rest[-(len(rest) % 4) :] + b"==")
    return b"\n".join(parts)


def _from_hexadecimal(content: bytes) -> bytes:
    parts = []
    for match in _HEXADECIMAL.finditer(content):
        for start in range(2):
            rest = match[0][start:]
            parts.append(binascii.unhexlify(rest[: len(rest) // 2 * 2]))
    return b"\n".join(parts)


def _finding(kind: str, match: re.Match[bytes], view: bytes) -> Finding:
    start, end = match.span()
    around = view[max(0, start - 60) : end + 40]
    return Finding(kind, _text(match[0]), _text(around))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")

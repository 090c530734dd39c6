"""The scanner itself: what it finds, however it is written, and what it leaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.canary.marks import Marks
from tests.canary.scanner import Scanner, digests
from zerotrip.kernel.identifiers import TELEPHONE, is_citizen_number, is_uscc

SOMEBODY = Marks(42)
SCANNER = Scanner((SOMEBODY,))
KINDS = list(SOMEBODY.values())


def _in_a_token(value: str) -> bytes:
    claims = json.dumps({"iss": "x", "name": value}).encode()
    return b"eyJhbGciOiJub25lIn0." + base64.urlsafe_b64encode(claims).rstrip(b"=")


WRITINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "GB 18030": lambda value: value.encode("gb18030"),
    "URL": lambda value: quote(value, safe="").encode(),
    "URL, small letters": lambda value: quote(value, safe="").lower().encode(),
    "URL twice": lambda value: quote(quote(value, safe=""), safe="").encode(),
    "JSON": lambda value: json.dumps(value).encode(),
    "JSON in JSON": lambda value: json.dumps(json.dumps({"a": value})).encode(),
    "repr of bytes": lambda value: repr(value.encode()).encode(),
    "base64": lambda value: base64.b64encode(value.encode()),
    "base64 of JSON": lambda value: base64.b64encode(json.dumps([value]).encode()),
    "base64 after 1": lambda value: base64.b64encode(b"-" + value.encode()),
    "base64 after 2": lambda value: base64.b64encode(b"--" + value.encode()),
    "base64 twice": lambda value: base64.b64encode(base64.b64encode(value.encode())),
    "base64 for URLs": lambda value: base64.urlsafe_b64encode(value.encode()).strip(
        b"="
    ),
    "hexadecimal": lambda value: value.encode().hex().encode(),
    "token": _in_a_token,
}


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_value_is_found_however_it_is_written(kind: str, writing: str) -> None:
    written = WRITINGS[writing](SOMEBODY.values()[kind])
    for before, after in (
        (b"", b""),
        (b'{"code":"a","detail":"', b'"}'),
        (b"x/", b"."),
    ):
        assert SCANNER.search(before + written + after) != []


@pytest.mark.parametrize("kind", KINDS)
def test_every_unkeyed_digest_is_found(kind: str) -> None:
    for name, digest in digests(SOMEBODY.values()[kind]):
        (found,) = SCANNER.search(b"T#LOGIN#" + digest.rstrip(b"=") + b"#1")
        assert found.kind == f"{name} of {kind}"


def test_a_cut_digest_is_found() -> None:
    cut = hashlib.sha256(SOMEBODY.telephone.encode()).hexdigest()[:32]
    assert [each.kind for each in SCANNER.search(cut.encode())] == [
        "sha256 of telephone"
    ]


def test_a_keyed_digest_and_ciphertext_are_nobody() -> None:
    keyed = hmac.new(os.urandom(32), SOMEBODY.telephone.encode(), "sha256")
    noise = base64.b64encode(os.urandom(3000)) + os.urandom(3000).hex().encode()
    assert SCANNER.search(keyed.hexdigest().encode() + b" " + noise) == []


def test_other_peoples_data_is_not_ours() -> None:
    others = "张示例 999999199001010016 13800000000 91441882MA0000018A 粤R00001"
    assert SCANNER.search(others.encode()) == []


def test_marked_people_are_valid_made_up_and_all_different() -> None:
    people = [Marks(number) for number in (0, 1, 42, 999, 1000, 9999)]
    for person in people:
        assert is_citizen_number(person.citizen_number)
        assert is_uscc(person.uscc)
        assert TELEPHONE.fullmatch(person.telephone)
        assert person.citizen_number.startswith("9999991911")
        assert SCANNER.search(person.name.encode()) != []
    values = [value for person in people for value in person.values().values()]
    assert len(set(values)) == len(values)

"""Numbers that name things: what is taken, what is refused, how new ones are made."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrip.kernel.identifiers import (
    CASE_NUMBER,
    ITEM_CODE,
    QUERY_CODE,
    READABLE_ALPHABET,
    RECORD_NUMBER,
    TELEPHONE,
    USCC_ALPHABET,
    IdentityDocument,
    Mint,
    birth_date_of,
    citizen_number_fault,
    identity_document_of,
    identity_number_fault,
    is_citizen_number,
    is_identity_number,
    is_uscc,
    uscc_check_character,
    uscc_fault,
)

ITEM = "12441500196720244T3442199806003"
CITIZEN = "11010519491231002X"  # the standard's own example
MINT = Mint(random.Random(1).randbytes)


def test_the_published_uscc_examples_hold_and_fail_as_they_should() -> None:
    assert is_uscc("91350100M000100Y43")
    assert not is_uscc("91350100M000100Y4Z")
    assert is_uscc("12441500196720244T")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100m000100Y43",
        "91350100I000100Y43",
        "91350100M000100Y43\n",
    ],
)
def test_what_is_no_uscc_is_refused_without_an_error(text: str) -> None:
    assert not is_uscc(text)


@given(
    st.text(USCC_ALPHABET, min_size=17, max_size=17),
    st.integers(0, 16),
    st.sampled_from(USCC_ALPHABET),
)
def test_one_changed_character_of_a_uscc_is_found(
    first_17: str, place: int, other: str
) -> None:
    code = first_17 + uscc_check_character(first_17)
    changed = code[:place] + other + code[place + 1 :]
    assert is_uscc(code)
    assert is_uscc(changed) is (changed == code)


def test_the_standards_citizen_number_holds_and_each_other_check_digit_fails() -> None:
    assert is_citizen_number(CITIZEN)
    assert not any(is_citizen_number(CITIZEN[:17] + digit) for digit in "0123456789")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "11010519491231002x",
        "1101051949123100",
        "110105194912310021",
        "11010519490231002X",  # 31 February
        "01010519491231002X",
        " 1010519491231002X",
        "11010519491231002X\n",
        "１１０１０５１９４９１２３１００２X",
    ],
)
def test_what_is_no_citizen_number_is_refused_without_an_error(text: str) -> None:
    assert not is_citizen_number(text)


@given(st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_changed_digit_of_a_citizen_number_is_found(place: int, other: str) -> None:
    changed = CITIZEN[:place] + other + CITIZEN[place + 1 :]
    assert is_citizen_number(changed) is (changed == CITIZEN)


INVENTED = "999999199001010016"
HONG_KONG = "810000199001010019"
MACAO = "820000199001010010"
TAIWAN = "830000199001010012"
RESIDENT_CARD = "911840199001010018"
OLD_RESIDENT_CARD = "USA310078050110"
DOCUMENTS = {
    CITIZEN: IdentityDocument.CITIZEN_CARD,
    INVENTED: IdentityDocument.CITIZEN_CARD,
    HONG_KONG: IdentityDocument.RESIDENCE_PERMIT,
    MACAO: IdentityDocument.RESIDENCE_PERMIT,
    TAIWAN: IdentityDocument.RESIDENCE_PERMIT,
    RESIDENT_CARD: IdentityDocument.PERMANENT_RESIDENT_CARD,
    OLD_RESIDENT_CARD: IdentityDocument.PERMANENT_RESIDENT_CARD,
    "E12345678": IdentityDocument.PASSPORT,
    "123456789": IdentityDocument.PASSPORT,
    "C3JM5RG2T": IdentityDocument.PASSPORT,
}


@pytest.mark.parametrize(("number", "document"), DOCUMENTS.items())
def test_a_number_tells_which_document_it_is_of(
    number: str, document: IdentityDocument
) -> None:
    assert identity_document_of(number) is document
    assert is_identity_number(number)


@pytest.mark.parametrize("number", [HONG_KONG, MACAO, TAIWAN, RESIDENT_CARD])
def test_a_permits_or_resident_cards_number_is_no_citizens(number: str) -> None:
    assert not is_citizen_number(number)


def test_the_invented_people_of_division_999999_are_citizens() -> None:
    assert is_citizen_number(INVENTED)


@pytest.mark.parametrize(
    "number",
    [
        "",
        "E123",  # too short
        "E12345678901234567",  # 18 characters without a date
        "e12345678",
        "E1234 678",
        "Ｅ12345678",
        "810000199001010013",  # wrong check digit
        "911840199002300017",  # 30 February
        "USA310078050110\n",
        "110105194912310",  # a citizen number without its last three
        "1101051949123100",
        "1010519491231002X",
    ],
)
def test_what_no_document_has_is_no_identity_number(number: str) -> None:
    assert identity_document_of(number) is None
    assert not is_identity_number(number)


@pytest.mark.parametrize(
    ("number", "born"),
    [
        (CITIZEN, date(1949, 12, 31)),
        (INVENTED, date(1990, 1, 1)),
        (TAIWAN, date(1990, 1, 1)),
        (RESIDENT_CARD, date(1990, 1, 1)),
        (OLD_RESIDENT_CARD, None),
        ("E12345678", None),
        ("810000199001010013", None),
    ],
)
def test_a_number_of_18_characters_tells_the_date_of_birth(
    number: str, born: date | None
) -> None:
    assert birth_date_of(number) == born


def test_a_fault_names_the_field_and_never_the_number() -> None:
    for fault, code in (
        (citizen_number_fault("/owner/id"), "citizen_number_wrong"),
        (identity_number_fault("/owner/id"), "identity_number_wrong"),
        (uscc_fault("/company/uscc"), "uscc_wrong"),
    ):
        told = fault.as_json()
        assert told["code"] == code
        assert told["path"].startswith("/")
        assert "身份证" in told["zh"] or "统一社会信用代码" in told["zh"]
        assert CITIZEN not in str(told)


def test_patterns_take_the_whole_text_only() -> None:
    assert ITEM_CODE.fullmatch(ITEM)
    assert CASE_NUMBER.fullmatch(f"{ITEM}20261121000001")
    assert not CASE_NUMBER.fullmatch(f"{ITEM}2026112100001")
    assert TELEPHONE.fullmatch("13800000000")
    assert not TELEPHONE.fullmatch("12800000000")


def test_new_numbers_have_the_form_that_the_patterns_ask_for() -> None:
    number = MINT.case_number(ITEM, date(2026, 11, 21))
    assert CASE_NUMBER.fullmatch(number)
    assert number.startswith(f"{ITEM}20261121")
    record = MINT.record_number("441882")
    assert RECORD_NUMBER.fullmatch(record)
    assert len(record) == 32  # WeChat Pay's out_trade_no takes no more
    assert len(MINT.opaque()) == 26
    assert len(MINT.opaque(7)) == 7
    serial = MINT.licence_serial()
    assert len(serial) == 20
    assert serial == serial.upper()
    assert serial.isalnum()


def test_no_number_holds_what_separates_the_parts_of_a_key() -> None:
    made = [
        MINT.case_number(ITEM, date(2026, 11, 21)),
        MINT.record_number("441882"),
        MINT.opaque(),
        MINT.licence_serial(),
    ]
    assert not any(mark in text for text in made for mark in "#/@:")


def test_every_character_comes_equally_often_of_all_bytes_once() -> None:
    counts = Counter(Mint(lambda count: bytes(range(256))).opaque(256))
    assert set(counts.values()) == {8}
    assert len(counts) == 32


@pytest.mark.parametrize(
    ("first_uneven", "made"),
    [
        # 252 = 7 x 36, 250 = 25 x 10: what stands above cannot be shared evenly.
        (252, lambda mint: mint.licence_serial()),
        (250, lambda mint: mint.case_number(ITEM, date(2026, 11, 21))[-6:]),
    ],
)
def test_bytes_that_would_make_it_uneven_are_passed_over(
    first_uneven: int, made: Callable[[Mint], str]
) -> None:
    asked: list[int] = []

    def bytes_like(count: int) -> bytes:
        asked.append(count)
        value = {1: 255, 2: first_uneven}.get(len(asked), first_uneven - 1)
        return bytes([value]) * count

    text = made(Mint(bytes_like))
    assert len(asked) == 3
    assert set(text) in ({"Z"}, {"9"})


def test_the_same_randomness_makes_the_same_number_and_other_another() -> None:
    one = Mint(random.Random(7).randbytes).opaque()
    assert Mint(random.Random(7).randbytes).opaque() == one
    assert Mint(random.Random(8).randbytes).opaque() != one


def test_a_code_for_people_has_no_character_that_looks_like_another() -> None:
    codes = [MINT.readable() for _ in range(500)]
    assert all(QUERY_CODE.fullmatch(code) for code in codes)
    assert set("".join(codes)) == set(READABLE_ALPHABET)
    assert not set(READABLE_ALPHABET) & set("0O1I")

"""A name or a number that two systems write differently is still the same one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrip.kernel.identifiers import is_citizen_number
from zerotrip.kernel.names import normalised_name, normalised_number, same_name

CITIZEN = "11010519491231002X"  # the standard's own example


@pytest.mark.parametrize(
    "dot", ["\u2022", "\u2027", "\u2219", "\u30fb", "\u00b7", "\u2e31"]
)
def test_each_middle_dot_becomes_the_one_of_the_identity_card(dot: str) -> None:
    assert normalised_name(f"阿依{dot}示例") == "阿依\u00b7示例"
    assert same_name(f"阿依{dot}示例", "阿依·示例")


def test_a_dot_that_is_missing_makes_another_name() -> None:
    assert not same_name("阿依示例", "阿依·示例")


def test_spaces_around_a_name_go_and_those_inside_stay() -> None:
    assert normalised_name(" \u3000张示例\n") == "张示例"
    assert normalised_name(" JOHN SHILI SMITH ") == "JOHN SHILI SMITH"
    assert not same_name("JOHNSHILI SMITH", "JOHN SHILI SMITH")


def test_a_decomposed_letter_is_the_composed_one() -> None:
    assert normalised_name("Jose\u0301") == "Jos\u00e9"
    assert same_name("Jose\u0301", "José")


def test_a_rare_character_outside_the_first_plane_stays_itself() -> None:
    assert normalised_name("\U00020bb7示例") == "𠮷示例"
    assert not same_name("𠮷示例", "吉示例")


@pytest.mark.parametrize(
    ("compatibility", "unified"),
    [("\uf9d1", "\u516d"), ("\uf914", "\u6a02"), ("\U0002f80f", "\u5154")],
)
def test_a_compatibility_ideograph_is_not_turned_into_another_character(
    compatibility: str, unified: str
) -> None:
    assert normalised_name(f"{compatibility}示例") == f"{compatibility}示例"
    assert not same_name(f"{compatibility}示例", f"{unified}示例")


@pytest.mark.parametrize(
    "written",
    [
        "11010519491231002x",
        " 11010519491231002X\u3000",
        "１１０１０５１９４９１２３１００２Ｘ",
        "１１０１０５１９４９１２３１００２ｘ",
    ],
)
def test_a_citizen_number_has_one_writing(written: str) -> None:
    assert normalised_number(written) == CITIZEN
    assert is_citizen_number(normalised_number(written))


def test_a_passport_number_keeps_its_letters() -> None:
    assert normalised_number("Ｅ12345678") == "E12345678"


def test_a_number_of_other_digits_is_not_made_right() -> None:
    # Arabic-Indic digits are digits to Python, but not on a Chinese document.
    assert not is_citizen_number(normalised_number("١" * 18))


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    name, number = normalised_name(text), normalised_number(text)
    assert normalised_name(name) == name
    assert normalised_number(number) == number
    assert same_name(text, name)

"""Codes part by part: vectors of the standards, and real legacy codes that fail."""

from __future__ import annotations

import pytest

from zerotrip.catalogue.codes import (
    check_base_code,
    check_citizen_number,
    check_handling_code,
    check_item_code,
    check_uscc,
)
from zerotrip.kernel.errors import Invalid
from zerotrip.kernel.identifiers import uscc_check_character

LEGACY = {
    # Codes of real registers, and the character that GB 32100 computes for them.
    "91350100M0001TGQXM": "1",
    "91350211M0000XUF46": "R",
    "91350203M0001FUE2P": "J",
}
ITEM = "12441500196720244T3442199806003"


def faults_of(check, code: str) -> list[str]:
    with pytest.raises(Invalid) as refused:
        check(code, path="/code")
    assert refused.value.code == "code_wrong"
    assert all(fault.path == "/code" for fault in refused.value.faults)
    assert all(fault.zh and fault.en for fault in refused.value.faults)
    return [fault.code for fault in refused.value.faults]


def test_the_standards_own_vectors_pass_in_strict_mode():
    assert check_uscc("91350100M000100Y43").flagged == ()
    assert check_citizen_number("11010519491231002X").parts["born"] == "19491231"
    assert check_item_code(ITEM).parts == {
        "uscc": "12441500196720244T",
        "level": "3",
        "region": "44",
        "type": "21",
        "department": "99",
        "number": "806",
        "own": "003",
    }
    assert check_base_code("442199806003").parts["sub"] == "003"
    assert check_handling_code(ITEM + "01").parts["handling"] == "01"


@pytest.mark.parametrize(("code", "computed"), LEGACY.items())
def test_a_legacy_uscc_is_refused_strictly_and_flagged_leniently(code, computed):
    assert uscc_check_character(code[:17]) == computed
    assert faults_of(check_uscc, code) == ["uscc_wrong"]

    lenient = check_uscc(code, strict=False, path="/code")

    assert [fault.code for fault in lenient.flagged] == ["uscc_wrong"]
    assert lenient.code == code


@pytest.mark.parametrize("code", ["", "91350100M000100Y4", "91350100I000100Y43"])
def test_a_uscc_of_wrong_shape_is_refused_in_both_modes(code):
    for strict in (True, False):
        with pytest.raises(Invalid):
            check_uscc(code, strict=strict)


def test_citizen_numbers_strict_and_lenient():
    assert faults_of(check_citizen_number, "110105194912310021") == [
        "citizen_number_wrong"
    ]
    assert check_citizen_number("110105194912310021", strict=False).flagged
    # Fifteen digits, as before 1999: a day of the twentieth century.
    old = check_citizen_number("110105491231002", strict=False)
    assert old.flagged
    assert old.parts["born"] == "19491231"
    for no_day in ("11010519491331002X", "110105491331002", "11010519491231"):
        with pytest.raises(Invalid):
            check_citizen_number(no_day, strict=False)


@pytest.mark.parametrize("number", ["810000199001010012", "911840199001010018"])
def test_the_number_of_another_document_is_no_citizen_number_even_when_lenient(number):
    with pytest.raises(Invalid):
        check_citizen_number(number, strict=False)


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("440131803000", []),
        ("44013180300Y", []),
        ("000131803001", []),
        ("4420318AB000", []),
        ("442131AB8000", []),
        ("442131000000", ["base_code_main_wrong"]),
        ("990131803000", ["base_code_region_wrong"]),
        ("44AA31803000", ["base_code_type_wrong"]),
        ("440131000000", ["base_code_main_wrong"]),
        # Capitals only in public services, and never I O Z S V.
        ("4401318AB000", ["base_code_main_wrong"]),
        ("4420318OB000", ["base_code_main_wrong"]),
        ("44013180300X", ["base_code_sub_wrong"]),
        ("990A3A80300X", None),
        ("4401318030", ["base_code_shape"]),
        ("44013180300y", ["base_code_shape"]),
    ],
)
def test_a_base_code_part_by_part(code, faults):
    if faults == []:
        assert check_base_code(code).flagged == ()
        return
    found = faults_of(check_base_code, code)
    if faults is None:
        assert found == [
            "base_code_region_wrong",
            "base_code_type_wrong",
            "base_code_main_wrong",
            "base_code_sub_wrong",
        ]
        assert len(check_base_code(code, strict=False).flagged) == 4
    else:
        assert found == faults


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("12441500196720244U3442199806003", ["item_code_uscc_wrong"]),
        ("12441500196720244T8442199806003", ["item_code_level_wrong"]),
        ("12441500196720244T399219980600A", None),
        (ITEM[:-1], ["item_code_shape"]),
    ],
)
def test_an_implementation_code_part_by_part(code, faults):
    expected = faults or ["base_code_region_wrong", "item_code_own_wrong"]

    assert faults_of(check_item_code, code) == expected


def test_a_handling_code_ends_with_two_digits_from_01():
    assert faults_of(check_handling_code, ITEM + "00") == ["handling_code_number_wrong"]
    assert faults_of(check_handling_code, ITEM + "A1") == ["handling_code_number_wrong"]
    assert faults_of(check_handling_code, ITEM) == ["handling_code_shape"]
    flagged = check_handling_code(ITEM + "00", strict=False).flagged
    assert [fault.code for fault in flagged] == ["handling_code_number_wrong"]

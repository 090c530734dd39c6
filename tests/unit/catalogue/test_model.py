"""An item that contradicts itself is no item."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from zerotrip.catalogue.model import Item
from zerotrip.identity.model import Level


def put(document: Any, path: str, value: Any) -> None:
    *parents, last = path.split("/")[1:]
    for token in parents:
        document = document[int(token) if isinstance(document, list) else token]
    document[int(last) if isinstance(document, list) else last] = value


def contradictions(document: dict[str, Any]) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Item.model_validate(document)
    (error,) = caught.value.errors()
    assert error["type"] == "item_inconsistent"
    faults = error["ctx"]["faults"]
    assert all(fault["zh"] and fault["en"] for fault in faults)
    return [(fault["path"], fault["code"]) for fault in faults]


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (
            "/organisation/uscc",
            "11441882000000027D",
            ("/code", "item_code_other_organisation"),
        ),
        (
            "/code",
            "11441882000000019J8440109801000",
            ("/code", "item_code_level_wrong"),
        ),
        (
            "/code",
            "11441882000000019J4440109802000",
            ("/base_code", "item_code_other_base"),
        ),
        ("/licence/type_code", "1" * 18 + "001", "licence_type_uscc_wrong"),
        ("/promised_working_days", 2, "promise_longer_than_law"),
        ("/visits", 1, "visits_differ"),
        ("/addressee_path", None, "addressee_missing"),
        ("/addressee_path", "/owner", "addressee_incomplete"),
        ("/applicant/number_path", "/owner/name", "applicant_number_format"),
        ("/audience", "company", "applicant_number_format"),
        ("/applicant/name_path", "/owner/nothing", "form_field_unknown"),
        ("/applicant/number_path", "/owner/nothing", "form_field_unknown"),
        (
            "/applicant/telephone_path",
            "/owner/nothing",
            ("/applicant/telephone_path", "form_field_unknown"),
        ),
        (
            "/applicant/representative_path",
            "/owner/nothing",
            ("/applicant/representative_path", "form_field_unknown"),
        ),
        ("/licence/holder_path", "/nobody", "form_field_unknown"),
        ("/licence/holder_number_path", "/nobody", "form_field_unknown"),
        (
            "/licence/holder_path",
            "/addressee/name",
            ("/licence/holder_path", "licence_holder_not_applicant"),
        ),
        (
            "/licence/holder_number_path",
            "/vehicle/vin",
            ("/licence/holder_number_path", "licence_holder_not_applicant"),
        ),
        (
            "/licence/fields/2/path",
            "/vehicle/colour",
            ("/licence/fields/2/path", "form_field_unknown"),
        ),
        (
            "/sections/1/fields/0",
            "/vehicle/colour",
            ("/sections/1/fields/0", "form_field_unknown"),
        ),
        (
            "/checks/0/path",
            "/form/vehicle/colour",
            ("/checks/0/path", "form_field_unknown"),
        ),
        (
            "/checks/0/path",
            "/materials/photo",
            ("/checks/0/path", "material_unknown"),
        ),
        ("/checks/1/code", "registered_in_future", "code_repeated"),
    ],
)
def test_refuses_an_item_whose_parts_do_not_fit(mark, path, value, fault):
    put(mark, path, value)

    found = contradictions(mark)

    if isinstance(fault, str):
        assert fault in [code for _, code in found]
    else:
        assert found == [fault]


def test_checks_the_organisations_code_and_the_codes_first_half(mark):
    mark["organisation"]["uscc"] = "11441882000000019K"
    mark["code"] = "11441882000000019K4440109801000"

    assert contradictions(mark) == [
        ("/code", "item_code_uscc_wrong"),
        ("/organisation/uscc", "organisation_uscc_wrong"),
    ]


def test_a_base_code_begins_with_region_and_item_type(mark):
    mark["base_code"] = "44AA09801000"
    mark["code"] = "11441882000000019J444AA09801000"

    assert contradictions(mark) == [("/base_code", "base_code_type_wrong")]


def test_no_courier_no_charge_and_no_address(mark):
    mark["route"]["papers_by_courier"] = False
    mark["route"]["deliver_by_courier"] = False

    assert contradictions(mark) == [
        ("/courier_charge", "charge_without_courier"),
        ("/addressee_path", "addressee_without_courier"),
    ]


def test_a_courier_needs_the_whole_address(mark):
    mark["form"]["properties"]["addressee"]["required"].remove("county")

    assert contradictions(mark) == [("/addressee_path", "addressee_incomplete")]


def test_every_contradiction_is_told_at_once(mark):
    mark["visits"] = 2
    mark["promised_working_days"] = 9
    mark["licence"]["holder_path"] = "/nobody"

    assert [code for _, code in contradictions(mark)] == [
        "promise_longer_than_law",
        "visits_differ",
        "licence_holder_not_applicant",
        "form_field_unknown",
    ]


@pytest.mark.parametrize(
    ("name", "field"), [("name_path", "name"), ("number_path", "citizen_number")]
)
def test_an_applicant_always_gives_name_and_number(mark, name, field):
    mark["form"]["properties"]["owner"]["required"].remove(field)

    assert contradictions(mark) == [(f"/applicant/{name}", "applicant_field_optional")]


def test_a_form_may_ask_for_no_telephone(mark):
    del mark["applicant"]["telephone_path"]

    assert Item.model_validate(mark).applicant.telephone_path is None


@pytest.mark.parametrize("number", ["citizen-number", "identity-number"])
def test_a_person_applies_with_a_citizens_or_another_documents_number(mark, number):
    owner = mark["form"]["properties"]["owner"]["properties"]
    owner["citizen_number"]["format"] = number

    assert Item.model_validate(mark)


def test_an_applicant_is_present_and_of_age_and_may_send_an_agent_unless_said(mark):
    item = Item.model_validate(mark)

    assert item.identity_level is Level.PRESENT
    assert item.applicant.own_from_age == 18
    assert item.applicant.agents_allowed


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("/fee", {"code": "cost", "name": {"zh": "费", "en": "Fee"}}, "missing"),
        ("/colour", "red", "extra_forbidden"),
        ("/licence/fields/0/value", {"zh": "甲", "en": "A"}, "licence_field_source"),
        ("/licence/fields/6/value", None, "licence_field_source"),
        ("/courier_charge/amount_fen", 0, "greater_than"),
        ("/revision", 0, "greater_than_equal"),
        ("/applicant", {"name_path": "/owner/name"}, "missing"),
        ("/applicant/own_from_age", 13, "greater_than_equal"),
        ("/applicant/own_from_age", 19, "less_than_equal"),
        ("/identity_level", "L3", "enum"),
        ("/code", "4440109801000", "string_pattern_mismatch"),
        ("/checks/0/path", "/vehicle", "string_pattern_mismatch"),
        ("/name/en", " ", "string_too_short"),
    ],
)
def test_refuses_what_is_not_shaped_like_an_item(mark, path, value, kind):
    put(mark, path, value)

    with pytest.raises(ValidationError) as caught:
        Item.model_validate(mark)

    assert kind in [error["type"] for error in caught.value.errors()]


def test_a_statutory_fee_names_its_legal_basis(mark):
    mark["fee"] = {
        "code": "cost",
        "name": {"zh": "工本费", "en": "Cost"},
        "amount_fen": 1500,
        "legal_basis": " ",
    }

    with pytest.raises(ValidationError, match="legal_basis"):
        Item.model_validate(mark)


def test_a_material_takes_a_bounded_file_of_a_named_type(mark):
    material = {
        "code": "photo",
        "name": {"zh": "照片", "en": "Photograph"},
        "types": [],
        "max_bytes": 20 * 1024 * 1024 + 1,
    }
    mark["materials"] = [material]

    with pytest.raises(ValidationError) as caught:
        Item.model_validate(mark)

    assert {error["loc"] for error in caught.value.errors()} == {
        ("materials", 0, "types"),
        ("materials", 0, "max_bytes"),
    }


def test_an_item_cannot_be_changed(mark):
    item = Item.model_validate(mark)

    with pytest.raises(ValidationError, match="frozen"):
        item.revision = 2


def test_what_was_published_is_not_judged_by_rules_added_since(mark):
    mark["visits"] = 1

    item = Item.model_validate(mark, context={"published": True})

    assert item.visits == 1


def test_a_material_is_found_by_its_code(drafts):
    item = drafts["food-business-licence"].item

    assert item.material("floor_plan").max_bytes == 10 * 1024 * 1024
    assert item.material("nothing") is None

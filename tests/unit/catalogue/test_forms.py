"""A form's faults: all of them, where they are, in words of a citizen."""

from __future__ import annotations

import re

import pytest

from zerotrip.catalogue.forms import form_faults, shown
from zerotrip.catalogue.model import Text

MARK = "vehicle-inspection-mark"
REPLACEMENT = "vehicle-licence-replacement"
FOOD = "food-business-licence"


@pytest.mark.parametrize("name", [MARK, REPLACEMENT, FOOD])
def test_the_examples_are_without_fault(drafts, example, name):
    assert form_faults(drafts[name].item, example(name).form) == ()


def test_every_fault_is_told_with_its_place(drafts, example):
    form = example(MARK).form
    del form["insurance"]
    form["owner"]["citizen_number"] = "999999199001010017"
    form["owner"]["telephone"] = "12800000000"
    form["owner"]["name"] = ""
    form["owner"]["nickname"] = "示例"
    form["vehicle"]["plate_number"] = "R00001"
    form["vehicle"]["seats"] = 0
    form["vehicle"]["use"] = "racing"
    form["vehicle"]["registered_on"] = "20250101"
    form["declarations"]["tax_paid"] = "yes"
    form["addressee"]["address"] = "路" * 101

    faults = form_faults(drafts[MARK].item, form)

    assert [(fault.path, fault.code) for fault in faults] == [
        ("/addressee/address", "field_too_long"),
        ("/declarations/tax_paid", "field_wrong_type"),
        ("/insurance", "field_missing"),
        ("/owner/citizen_number", "identity_number_wrong"),
        ("/owner/name", "field_empty"),
        ("/owner/nickname", "field_unknown"),
        ("/owner/telephone", "telephone_wrong"),
        ("/vehicle/plate_number", "field_wrong_pattern"),
        ("/vehicle/registered_on", "date_wrong"),
        ("/vehicle/seats", "field_too_small"),
        ("/vehicle/use", "field_not_offered"),
    ]


def test_an_empty_form_names_each_missing_part_once(drafts):
    faults = form_faults(drafts[FOOD].item, {})

    assert [fault.path for fault in faults] == [
        "/business",
        "/company",
        "/premises",
        "/safety_manager",
    ]


def test_a_sentence_names_the_field_and_what_to_write(drafts, example):
    form = example(MARK).form
    form["vehicle"]["plate_number"] = "R00001"
    form["vehicle"]["seats"] = 99

    plate, seats = form_faults(drafts[MARK].item, form)

    assert plate.zh == "“号牌号码”格式有误。例如“粤R12345”或“粤RD12345”。"
    assert plate.en.endswith("For example 粤R12345 or 粤RD12345.")
    assert (seats.zh, seats.en) == (
        "“核定载客人数”不得大于60。",
        "“Seats” must be 60 or less.",
    )


def test_a_condition_asks_for_more_only_when_it_holds(drafts, example):
    form = example(REPLACEMENT).form
    form["replacement"] = {"reason": "stolen"}

    faults = form_faults(drafts[REPLACEMENT].item, form)

    assert [(fault.path, fault.code) for fault in faults] == [
        ("/replacement/happened_on", "field_missing"),
        ("/replacement/police_report", "field_missing"),
    ]


def test_lists_and_company_codes_are_looked_at_too(drafts, example):
    form = example(FOOD).form
    form["company"]["uscc"] = "91441882MA0000018B"
    form["business"]["activities"] = ["hot_food", "hot_food", "noodles"]

    faults = form_faults(drafts[FOOD].item, form)

    assert [(fault.path, fault.code) for fault in faults] == [
        ("/business/activities", "field_repeats"),
        ("/business/activities/2", "field_not_offered"),
        ("/company/uscc", "uscc_wrong"),
    ]


def test_too_few_and_too_many_and_too_short(drafts, example):
    form = example(FOOD).form
    form["business"]["activities"] = []
    form["company"]["name"] = "甲"

    faults = form_faults(drafts[FOOD].item, form)

    assert [fault.code for fault in faults] == ["field_too_few", "field_too_short"]


def test_paths_begin_where_the_caller_says(drafts):
    faults = form_faults(drafts[FOOD].item, {}, "/form")

    assert faults[0].path == "/form/business"


def test_no_sentence_repeats_what_the_person_wrote(drafts, example):
    form = example(MARK).form
    secret = "机密内容88"
    for part in form.values():
        for key in part:
            part[key] = secret

    faults = form_faults(drafts[MARK].item, form)

    assert len(faults) > 10
    assert not [fault for fault in faults if secret in fault.zh + fault.en]


def test_a_key_that_is_no_name_is_not_repeated(drafts, example):
    form = example(MARK).form
    form["owner"]["13800000000 张示例"] = 1

    (fault,) = form_faults(drafts[MARK].item, form)

    assert (fault.path, fault.code) == ("/owner", "field_unknown")


@pytest.mark.parametrize(
    "number",
    ["999999199001010016", "810000199001010019", "911840199001010018", "E12345678"],
)
def test_a_car_may_belong_to_whoever_has_an_identity_document(drafts, example, number):
    form = example(MARK).form
    form["owner"]["citizen_number"] = number

    assert form_faults(drafts[MARK].item, form) == ()


def test_names_are_as_short_and_as_long_as_names_are(drafts, example):
    form = example(MARK).form
    for name in ("于", "Maria Fernanda da Conceição dos Santos Albuquerque"):
        form["owner"]["name"] = name
        assert form_faults(drafts[MARK].item, form) == ()

    shop = example(FOOD).form
    shop["company"]["name"] = "张记"
    assert form_faults(drafts[FOOD].item, shop) == ()


@pytest.mark.parametrize(
    "wrong", ["2026-02-30", "2026-2-3", "20260203", "2026-W05-1", "", "明天"]
)
def test_a_date_is_a_day_of_the_calendar(drafts, example, wrong):
    form = example(MARK).form
    form["insurance"]["valid_until"] = wrong

    (fault,) = form_faults(drafts[MARK].item, form)

    assert (fault.path, fault.code) == ("/insurance/valid_until", "date_wrong")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/business/format", Text(zh="餐饮服务经营者", en="Catering")),
        (
            "/business/activities",
            Text(
                zh="热食类食品制售、冷食类食品制售、自制饮品制售",
                en="Hot dishes, Cold dishes, Home-made drinks",
            ),
        ),
        ("/premises/dedicated_room", Text(zh="是", en="Yes")),
        ("/premises/area_square_metres", Text(zh="86.5", en="86.5")),
        ("/company/name", Text(zh="示例餐饮管理有限公司", en="示例餐饮管理有限公司")),
        ("/company", None),
        ("/company/fax", None),
    ],
)
def test_values_are_shown_as_people_read_them(drafts, example, path, text):
    assert shown(drafts[FOOD].item, example(FOOD).form, path) == text


def test_an_empty_list_shows_nothing(drafts):
    form = {"business": {"activities": []}}

    assert shown(drafts[FOOD].item, form, "/business/activities") is None


def test_sentences_are_in_both_languages(drafts):
    for draft in drafts.values():
        for fault in form_faults(draft.item, {"surplus": 1}):
            assert re.search("[一-鿿]", fault.zh)
            assert re.fullmatch(r"[\x20-\x7e“”]+", fault.en)

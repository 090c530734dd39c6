"""What changed between two revisions, in words that a person reads."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from zerotrip.catalogue.diff import _APPLICANT_NAMES, _NAMES, Change, diff
from zerotrip.catalogue.model import Applicant, Item


@pytest.fixture
def food(authored) -> dict[str, Any]:
    return copy.deepcopy(authored["food-business-licence"])


def changes(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    found = diff(*(Item.model_validate(each) for each in (before, after)))
    assert all(each.zh and each.en for each in found)
    return list(found)


def test_nothing_changed_but_the_number(food):
    assert changes(food, {**food, "revision": 2}) == []


def test_a_shorter_promise(food):
    assert changes(food, {**food, "promised_working_days": 3}) == [
        Change(
            "/promised_working_days",
            "changed",
            "承诺办结时限由5个工作日改为3个工作日。",
            "Promised working days: from 5 to 3.",
        )
    ]


def test_materials_added_removed_and_changed_are_named(food):
    after = copy.deepcopy(food)
    floor_plan, _, report = after["materials"]
    report["required"] = True
    lease = {"code": "lease", "name": {"zh": "租赁合同", "en": "Lease"}}
    after["materials"] = [floor_plan, report, lease]

    assert [(each.path, each.kind, each.zh) for each in changes(food, after)] == [
        ("/materials/safety_rules", "removed", "取消申请材料“食品安全规章制度”。"),
        (
            "/materials/water_report/required",
            "changed",
            "申请材料“生活饮用水检测报告（使用自备水源的）”·required"
            "由否(false)改为是(true)。",
        ),
        ("/materials/lease", "added", "新增申请材料“租赁合同”。"),
    ]


def test_another_order_is_a_change(food):
    after = {**food, "materials": food["materials"][::-1]}

    assert [(each.path, each.en) for each in changes(food, after)] == [
        ("/materials", "The order of materials changed.")
    ]


def test_a_rule_that_changed_shows_both(food):
    after = copy.deepcopy(food)
    after["checks"][-1]["rule"] = "form.premises.metres_to_pollution >= 30"

    (change,) = changes(food, after)

    assert change.path == "/checks/too_near_pollution/rule"
    assert "≥" not in change.zh
    assert ">= 25”改为“form" in change.zh


def test_a_field_of_the_form_is_named_by_its_title(food):
    after = copy.deepcopy(food)
    premises = after["form"]["properties"]["premises"]["properties"]
    premises["area_square_metres"]["minimum"] = 5
    premises["floor"] = {
        "type": "integer",
        "title": "楼层",
        "x-en": "Floor",
        "minimum": 0,
        "maximum": 99,
    }

    assert [(each.path, each.kind, each.zh) for each in changes(food, after)] == [
        (
            "/form/properties/premises/properties/area_square_metres/minimum",
            "changed",
            "字段“经营面积（平方米）”·minimum由1改为5。",
        ),
        ("/form/properties/premises/properties/floor", "added", "新增字段“楼层”。"),
    ]


def test_a_fee_that_comes_and_goes(food):
    fee = {
        "code": "cost",
        "name": {"zh": "工本费", "en": "Cost"},
        "amount_fen": 100,
        "legal_basis": "《示例办法》",
    }

    (came,) = changes(food, {**food, "fee": fee})
    (went,) = changes({**food, "fee": fee}, food)

    assert (came.path, came.kind, came.zh) == ("/fee", "added", "新增收费。")
    assert (went.path, went.kind, went.zh) == ("/fee", "removed", "取消收费。")


def test_who_may_apply_and_how_well_proven_is_told_in_words(food):
    after = copy.deepcopy(food)
    after["identity_level"] = "strong"
    after["applicant"] |= {"own_from_age": 16, "agents_allowed": False}
    after["applicant"]["guardians_allowed"] = False
    back = {**after, "applicant": {**after["applicant"], "agents_allowed": True}}
    back["applicant"]["guardians_allowed"] = True

    told = {each.path: each.zh for each in changes(food, after)}

    assert list(told) == [
        "/identity_level",
        "/applicant/own_from_age",
        "/applicant/agents_allowed",
        "/applicant/guardians_allowed",
    ]
    assert told["/identity_level"].startswith("实名认证要求由“须完成实人认证")
    assert told["/applicant/own_from_age"] == (
        "本人申请的年龄由年满18周岁改为年满16周岁。"
    )
    assert told["/applicant/agents_allowed"] == "改为不得委托他人代办。"
    assert [each.zh for each in changes(after, back)] == [
        "改为可以委托他人代办。",
        "改为监护人可以在网上代为申请。",
    ]


def test_a_field_of_the_applicant_that_moves_is_named(food):
    after = copy.deepcopy(food)
    del after["applicant"]["representative_path"]

    assert [(each.path, each.kind, each.zh) for each in changes(food, after)] == [
        (
            "/applicant/representative_path",
            "removed",
            "取消法定代表人（负责人、经营者）的位置。",
        )
    ]


def test_every_part_of_the_applicant_is_told_of():
    told = {*_APPLICANT_NAMES, "own_from_age", "agents_allowed"}
    told |= {"guardians_allowed"}

    assert told == set(Applicant.model_fields)


def test_every_field_of_an_item_has_its_name_in_both_languages():
    assert set(_NAMES) == set(Item.model_fields) - {"revision", "base_digest"}

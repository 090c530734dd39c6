"""Code sets of GB/T 39046, and an item as a record of its item table."""

from __future__ import annotations

import json
from datetime import date

import pytest

from zerotrip.catalogue.code_sets import (
    Audience,
    BodyNature,
    CaseKind,
    CodeSet,
    HandlingForm,
    ItemType,
    Level,
    Satisfaction,
    SpecialProcedure,
    satisfaction_of_stars,
    stars_of_satisfaction,
)
from zerotrip.catalogue.elements import item_record

CODES = {
    ItemType: "00 01 02 03 04 05 06 07 08 09 10 20",
    Level: "1 2 3 4 5 6 7",
    BodyNature: "1 2 3 9",
    Audience: "1 2 3 4 5 6",
    HandlingForm: "1 2 3 4 9",
    CaseKind: "1 2 9",
    SpecialProcedure: "1 2",
    Satisfaction: "1 2 3 4 5",
}


@pytest.mark.parametrize(("codes", "expected"), CODES.items())
def test_a_code_set_has_the_standards_codes_with_both_names(
    codes: type[CodeSet], expected: str
):
    assert [str(member) for member in codes] == expected.split()
    assert all(member.zh and member.en for member in codes)
    assert json.dumps(list(codes)) == json.dumps(expected.split())


def test_one_is_best_the_reverse_of_stars():
    assert satisfaction_of_stars(5) is Satisfaction.VERY_SATISFIED
    assert satisfaction_of_stars(5) == "1"
    assert satisfaction_of_stars(1).zh == "非常不满意"
    for stars in range(1, 6):
        assert stars_of_satisfaction(satisfaction_of_stars(stars)) == stars


@pytest.mark.parametrize("stars", [0, 6, -1])
def test_stars_are_one_to_five(stars):
    with pytest.raises(ValueError, match="1 to 5"):
        satisfaction_of_stars(stars)


def test_an_item_as_a_record_of_the_item_table(drafts):
    item = drafts["vehicle-licence-replacement"].item

    record = item_record(item, date(2026, 12, 1))

    assert {
        "基本编码": "440109802000",
        "实施编码": "11441882000000019J4440109802000",
        "事项类型名称": "行政许可",
        "行使层级名称": "县级",
        "服务对象": "1",
        "办理形式": "3,2,1",
        "办件类型": "2",
        "法定办结时限": 1,
        "法定办结时限单位": "工作日",
        "通办范围": "跨市",
        "是否支持物流快递": 1,
        "是否支持网上办理": 1,
        "是否收费": 1,
        "收费标准": "15.00",
        "到办事现场次数": 0,
        "生效日期": "20261201",
    }.items() <= record.items()
    assert record["办理材料"][0]["是否必备材料"] == 1
    assert {"原件份数", "复印件份数"} <= set(record["办理材料"][0])


def test_a_record_without_fee_day_or_named_type(drafts):
    item = drafts["vehicle-inspection-mark"].item
    extension = item.model_copy(
        update={"base_code": "442109801000", "promised_working_days": 0}
    )

    record = item_record(extension)

    assert record["事项类型"] == "21"
    assert record["事项类型名称"] == ""
    assert record["办件类型"] == "1"
    assert (record["是否收费"], record["收费标准"], record["生效日期"]) == (0, "", "")

"""What a licence's head says, and what its certificate prints."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support.world import CATALOGUE
from zerotrip.cases.model import HandedBy
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.model import Item
from zerotrip.identity.powers import Office
from zerotrip.kernel.errors import GiveUp
from zerotrip.licences.model import (
    certificate_data,
    licence_head,
    licence_key,
    object_key,
    read_object_key,
    valid_until,
)

FOLDER = CATALOGUE / "food-business-licence"
DAY = date(2026, 11, 21)
# 21 November 16:30 UTC is 22 November in Shanghai: the law sees the later day.
DECIDED_AT = datetime(2026, 11, 21, 16, 30, tzinfo=UTC)
LICENCE = "1.2.156.3005.2.11440000000000027Y001.X.ABCDEFGHIJ0123456789.001.Z"


@pytest.fixture(scope="module")
def item() -> Item:
    return load(FOLDER, DAY).item


@pytest.fixture
def form() -> dict[str, Any]:
    return dict(load_example(FOLDER, DAY).form)


def certificate(
    item: Item,
    form: dict[str, Any],
    *,
    sample: bool = True,
    by: HandedBy = HandedBy(),  # noqa: B008  # frozen
    query_code: str | None = None,
) -> dict[str, Any]:
    url = f"https://zerotrip.example/v1/verifications/{LICENCE}"
    return certificate_data(
        item,
        form,
        LICENCE,
        DECIDED_AT,
        url,
        sample=sample,
        by=by,
        query_code=query_code,
    )


def test_a_licence_has_one_object_key_which_reads_back() -> None:
    key = object_key("441882", "case-1", LICENCE)
    assert key == f"441882/case-1/{LICENCE}.pdf"
    assert read_object_key(key) == ("441882", "case-1", LICENCE)
    assert licence_key("441882", LICENCE).pk == f"441882#LICENCE#{LICENCE}"


@pytest.mark.parametrize(
    "key", ["", ".pdf", "a/b", "a/b.pdf", "a/b/c", "a/b/c/d.pdf", "a/b/c.PDF"]
)
def test_a_key_that_we_never_write_is_none(key: str) -> None:
    assert read_object_key(key) is None


def with_months(item: Item, months: int | None) -> Item:
    licence = item.licence.model_copy(update={"valid_months": months})
    return item.model_copy(update={"licence": licence})


@pytest.mark.parametrize(
    ("issued_on", "months", "until"),
    [
        (date(2026, 11, 22), 60, date(2031, 11, 21)),
        (date(2024, 2, 29), 12, date(2025, 2, 27)),
        (date(2026, 3, 1), 1, date(2026, 3, 31)),
        (date(2026, 11, 22), None, None),
    ],
)
def test_the_last_day_is_the_one_before_the_anniversary(
    item: Item, issued_on: date, months: int | None, until: date | None
) -> None:
    assert valid_until(with_months(item, months), issued_on) == until


def test_the_head_says_no_person(item: Item) -> None:
    head = licence_head(item, "case-1", "sub-1", LICENCE, DECIDED_AT)
    assert head["issued_at"] == "2026-11-21T16:30:00.000Z"
    assert head["valid_until"] == "2031-11-21"
    assert head["issuer"]["uscc"] == item.organisation.uscc
    assert head["facts"] == {}
    assert "李示例" not in str(head)
    assert "示例餐饮" not in str(head)


def test_a_licence_without_an_end_says_so(item: Item, form: dict[str, Any]) -> None:
    endless = with_months(item, None)
    head = licence_head(endless, "case-1", "sub-1", LICENCE, DECIDED_AT)
    assert head["valid_until"] is None
    dates = certificate(endless, form)["dates"]
    assert [line["en"] for line in dates] == ["Issued"]


def test_the_certificate_prints_what_the_item_lists(
    item: Item, form: dict[str, Any]
) -> None:
    data = certificate(item, form)
    printed = {line["zh"]: line["value"] for line in data["fields"]}
    assert [line.label.zh for line in item.licence.fields] == list(printed)
    assert printed["经营者名称"] == "示例餐饮管理有限公司"
    assert printed["投诉举报电话"] == "12315"
    assert data["decided_at"] == "2026-11-22T00:30:00+08:00"
    assert [line["value"] for line in data["dates"]] == [
        "2026年11月22日",
        "自2026年11月22日至2031年11月21日",
    ]
    assert data["number"]["value"] == "ABCDEFGHIJ0123456789"
    assert data["sample"] is True
    assert certificate(item, form, sample=False)["sample"] is False


def test_the_certificate_says_who_acted_for_its_holder(
    item: Item, form: dict[str, Any]
) -> None:
    assert certificate(item, form)["notes"] == []
    by = HandedBy(agent="sub-2", office=Office.AGENT, agent_name="赵示例")
    assert certificate(item, form, by=by)["notes"] == [
        {
            "zh": "由赵示例（代理人）代为申请。",
            "en": "Applied for by 赵示例, agent.",
        }
    ]


def test_the_certificate_says_by_which_code_its_case_is_found(
    item: Item, form: dict[str, Any]
) -> None:
    by = HandedBy(agent="sub-2", office=Office.AGENT, agent_name="赵示例")
    notes = certificate(item, form, by=by, query_code="7K2M9QXB")["notes"]
    assert [each["zh"] for each in notes] == [
        "办件查询码：7K2M9QXB",
        "由赵示例（代理人）代为申请。",
    ]
    assert notes[0]["en"] == "Query code: 7K2M9QXB"


def test_a_choice_is_printed_by_its_words_never_by_its_code(
    item: Item, form: dict[str, Any]
) -> None:
    printed = {line["zh"]: line["value"] for line in certificate(item, form)["fields"]}
    assert printed["主体业态"] == "餐饮服务经营者"
    assert printed["经营项目"] == "热食类食品制售、冷食类食品制售、自制饮品制售"


def test_a_line_that_the_form_does_not_fill_is_given_up(
    item: Item, form: dict[str, Any]
) -> None:
    company = {**form["company"]}
    del company["legal_representative"]
    with pytest.raises(GiveUp) as empty:
        certificate(item, {**form, "company": company})
    assert empty.value.code == "licence_field_empty"
    assert empty.value.detail == {"path": "/company/legal_representative"}

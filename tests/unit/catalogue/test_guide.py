"""What the guide tells of who may apply, and how well one must be proven."""

from __future__ import annotations

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY
from zerotrip.catalogue.authoring import load
from zerotrip.catalogue.guide import IDENTITY, guide
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pages import guide_page
from zerotrip.identity.model import Level

MARK, _, FOOD = FOLDERS


def with_applicant(item: Item, **said: object) -> Item:
    applicant = item.applicant.model_copy(update=said)
    return item.model_copy(update={"applicant": applicant})


def who(item: Item) -> list[str]:
    return [each["zh"] for each in guide(item)["who_applies"]]


def test_a_car_owner_of_age_applies_alone_or_by_an_agent(drafts):
    assert who(drafts[MARK].item) == [
        "年满18周岁的，由本人申请；未满18周岁的，由监护人代为申请",
        "可以委托他人代办",
    ]


def test_a_travel_permit_is_applied_for_oneself_from_sixteen():
    item = load(CATALOGUE / "travel-permit-renewal", TODAY).item

    assert who(item) == [
        "年满16周岁的，由本人申请；未满16周岁的，由监护人陪同到窗口办理",
        "须由本人申请，不得委托他人代办",
    ]


def test_a_company_applies_by_its_representative_or_an_agent_of_theirs(drafts):
    item = drafts[FOOD].item

    assert who(item) == [
        "由法定代表人（负责人、经营者）办理，也可以由其授权的办事人员办理"
    ]
    assert who(with_applicant(item, agents_allowed=False)) == [
        "须由法定代表人（负责人、经营者）本人办理，不得委托他人代办"
    ]


@pytest.mark.parametrize("level", Level)
def test_the_guide_says_what_to_do_about_each_level(drafts, level):
    item = drafts[MARK].item.model_copy(update={"identity_level": level})

    told = guide(item)["identity"]

    assert (told["zh"], told["en"]) == IDENTITY[level]


def test_a_face_is_never_the_only_way():
    told, _ = IDENTITY[Level.PRESENT]

    assert "人脸识别" in told
    assert "其他方式" in told
    assert "窗口" in told


def test_the_page_tells_both_in_chinese_first(drafts):
    page = guide_page(drafts[MARK].item).decode()

    for words in (*who(drafts[MARK].item), IDENTITY[Level.PRESENT][0]):
        assert words in page
    assert page.index("实名认证") < page.index("Proof of identity")

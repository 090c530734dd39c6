"""A refusal says why: reasons, articles, and what can be done, with body and period."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.world import TENANT, World
from tests.unit.cases.office import LAW, OFFICER, Office, rule
from zerotrip.cases.decisions import articles_of, decision_of
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.views import case_view, staff_decision
from zerotrip.cases.words import Act, act_words, event_words, stage_words, type_in
from zerotrip.catalogue.model import Remedies, Text
from zerotrip.catalogue.remedies import remedy_text
from zerotrip.kernel.errors import Invalid

GOVERNMENT = Text(zh="示例市人民政府", en="the People's Government of Shili")
COURT = Text(zh="示例市人民法院", en="the People's Court of Shili")


@pytest.fixture
def office() -> Office:
    return Office()


def seen(office: World, case_no: str) -> dict[str, Any]:
    """The case as its applicant sees it."""
    now = office.case(case_no)
    item = office.catalogue.pinned(TENANT, now.case.item, now.case.item_digest)
    return case_view(office.records, office.keys, now, item)


def test_a_refused_applicant_reads_reasons_articles_and_remedies(
    office: Office,
) -> None:
    case_no = office.hand_in(office.offer())
    office.decide(case_no, "refuse")
    told = seen(office, case_no)["decision"]
    assert told["act"] == "refuse"
    assert told["act_name"]["zh"] == "不予许可"
    assert told["reasons"] == {"zh": "材料齐全", "en": None}
    assert [each["zh"] for each in told["articles"]] == [LAW.cited]
    assert told["by_organisation"]["name"]["zh"] == "示例市市场监督管理局"
    assert told["remedies"]["reconsideration"] == {
        "body": GOVERNMENT.model_dump(),
        "days": 60,
        "online_url": "https://fuyi.shili.example/",
    }
    assert told["remedies"]["litigation"] == {
        "court": COURT.model_dump(),
        "months": 6,
        "days_after_reconsideration": 15,
    }
    assert told["remedies"]["prior_reconsideration"] is False
    assert "actor" not in told


def test_the_office_sees_who_decided(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    office.decide(case_no, "refuse")
    now = office.case(case_no)
    item = office.catalogue.pinned(TENANT, now.case.item, now.case.item_digest)
    told = staff_decision(office.records, office.keys, now, item)
    assert told is not None
    assert (told["actor"], told["by"]) == (OFFICER, "officer")


def test_a_decision_is_told_to_the_applicant_once_it_is_carried_out(
    office: Office,
) -> None:
    item = office.offer()
    case_no = office.hand_in(item)
    now = office.case(case_no)
    office.requests.decide(
        now, OFFICER, now.head.version, "refuse", "不符", articles=[LAW.cited]
    )
    assert office.case(case_no).stage is Stage.DECIDED
    assert seen(office, case_no)["decision"] is None
    recorded = staff_decision(office.records, office.keys, office.case(case_no), item)
    assert recorded is not None
    assert recorded["act"] == "refuse"


def test_a_grant_has_reasons_and_no_remedies(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    office.decide(case_no)
    told = seen(office, case_no)["decision"]
    assert (told["act"], told["remedies"]) == ("grant", None)


def test_a_refusal_without_an_article_is_not_taken(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    now = office.case(case_no)
    with pytest.raises(Invalid) as refused:
        office.requests.decide(now, OFFICER, now.head.version, "refuse", "不符")
    assert refused.value.code == "articles_missing"
    assert office.case(case_no).stage is Stage.IN_REVIEW


def test_not_accepted_says_ground_law_and_remedies(office: Office) -> None:
    ground = rule("closed", "false", on_failure="not_acceptable")
    case_no = office.hand_in(office.offer([ground]))
    told = seen(office, case_no)["decision"]
    assert (told["act"], told["act_name"]["zh"]) == ("not_accept", "不予受理")
    assert told["reasons"]["zh"].startswith("closed不符。")
    assert [each["zh"] for each in told["articles"]] == [LAW.cited]
    assert told["remedies"]["reconsideration"]["body"] == GOVERNMENT.model_dump()


def test_an_open_case_has_no_decision(office: Office) -> None:
    assert seen(office, office.hand_in(office.offer()))["decision"] is None


def test_what_was_decided_is_told_after_the_key_is_gone(office: Office) -> None:
    item = office.offer()
    case_no = office.hand_in(item)
    office.decide(case_no, "refuse")
    now = office.case(case_no)
    del office.tables.rows["keys", f"{TENANT}#{now.case.key_owner}", "KEY"]
    history = office.records.history(now.key)
    told = decision_of(office.records, office.keys, now, item, history)
    assert told is not None
    assert (told.act, told.reasons, told.articles) == (Act.REFUSE, None, ())


def test_an_officer_may_cite_what_the_item_rests_on(office: Office) -> None:
    item = office.offer([rule("closed", "true", legal_basis=LAW)])
    offered = [each.zh for each in articles_of(item)]
    assert offered == [*(law.cited for law in item.legal_basis), LAW.cited]


def test_the_standard_text_names_body_channel_court_and_periods() -> None:
    told = remedy_text(
        Remedies(
            reconsideration_body=GOVERNMENT,
            reconsideration_url="https://fuyi.shili.example/",
            court=COURT,
        )
    )
    assert told.zh == (
        "不服本决定的，可以自收到之日起六十日内向示例市人民政府申请行政复议"
        "（网上申请：https://fuyi.shili.example/），"
        "也可以自收到之日起六个月内向示例市人民法院提起行政诉讼。"
    )


def test_where_reconsideration_comes_first_the_text_says_so() -> None:
    told = remedy_text(
        Remedies(
            reconsideration_body=GOVERNMENT,
            reconsideration_url=None,
            court=COURT,
            prior_reconsideration=True,
        )
    )
    assert "应当先自收到之日起六十日内向示例市人民政府申请行政复议；" in told.zh
    assert "十五日内向示例市人民法院提起行政诉讼" in told.zh
    assert "六个月" not in told.zh


def test_an_item_without_bodies_still_tells_the_periods() -> None:
    assert "六十日" in remedy_text(None).zh
    assert "六个月" in remedy_text(None).zh


@pytest.mark.parametrize(
    ("item_type", "granted", "refused"),
    [
        ("01", "准予许可", "不予许可"),
        ("07", "予以确认", "不予确认"),
        ("20", "予以出具", "不予出具"),
        ("99", "准予办理", "不予办理"),
    ],
)
def test_an_act_has_one_word_in_stage_timeline_and_decision(
    item_type: str, granted: str, refused: str
) -> None:
    assert act_words(Act.GRANT, item_type)[0] == granted
    assert event_words("case.approved", item_type)[0] == granted
    assert act_words(Act.REFUSE, item_type)[0] == refused
    assert event_words("case.refused", item_type)[0] == refused
    assert stage_words(Stage.REFUSED, item_type)[0] == refused
    assert act_words(Act.NOT_ACCEPT, item_type)[0] == "不予受理"
    assert event_words("case.not_accepted", item_type)[0] == "不予受理"
    assert stage_words(Stage.NOT_ACCEPTED, item_type)[0] == "不予受理"


@pytest.mark.parametrize(
    ("decision", "word"), [("approve", "予以出具"), ("refuse", "不予出具")]
)
def test_a_proof_is_never_granted_as_a_licence(
    office: Office, decision: str, word: str
) -> None:
    case_no = office.hand_in(office.offer(base_code="442031803000"))
    office.decide(case_no, decision)
    told = seen(office, case_no)
    assert told["decision"]["act_name"]["zh"] == word
    assert word in [each["zh"] for each in told["timeline"]]
    assert not [each for each in told["timeline"] if "许可" in each["zh"]]


def test_the_type_of_an_item_stands_in_its_cases_number(office: Office) -> None:
    case_no = office.apply("social-insurance-proof", "sub-1", "citizen")
    assert type_in(case_no) == "20"

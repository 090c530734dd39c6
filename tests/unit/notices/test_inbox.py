"""The inbox: in words, newest first, read once, and nobody else's."""

from __future__ import annotations

import pytest

from tests.unit.notices.conftest import (
    A_CASE,
    BILL,
    CASE_NO,
    SHIPMENT,
    STRANGER,
    SUB,
    TENANT,
    WHO,
    WORDS,
    Office,
    message,
)
from zerotrip.identity.powers import Acting
from zerotrip.kernel.errors import NotFound, Unavailable
from zerotrip.kernel.tables import Rejected, Write
from zerotrip.notices.model import notice_id
from zerotrip.notices.steps import notify

TOLD = {"sub": SUB, "case_no": CASE_NO}
A_FEE = {
    **TOLD,
    "amount_fen": 1500,
    "kind": "fee",
    "payable_until": "2026-12-07T02:00:00.000Z",
}


def test_a_notice_is_put_in_words_with_the_items_name(office: Office) -> None:
    submitted = office.happens("case.submitted")
    row = notify(message(submitted), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert sent == {
        "id": notice_id(row.sk),
        "type": "case.submitted",
        "case_no": CASE_NO,
        "query_code": None,
        "about": {"kind": "case", "id": CASE_NO},
        "by_agent": False,
        "title": {"zh": "申请已收件", "en": "Application received"},
        "text": {
            "zh": f"您申请的“补领机动车行驶证”已收件，办件编号{CASE_NO}。"
            "材料需要补正的，将在5个工作日内一次告知。",
            "en": "Your application “Replacement of a vehicle licence” was received "
            f"under case number {CASE_NO}. What has to be corrected is told within "
            "five working days, all at once.",
        },
        "occurred_at": submitted.time,
        "sent_at": row.time,
        "read": False,
        "read_at": None,
    }


def test_a_notice_says_the_query_code_beside_the_number(office: Office) -> None:
    office.happens("case.submitted", head_body={**A_CASE, "code": "7K2M9QXB"})
    opened = office.happens("bill.opened", key=BILL, body=A_FEE)
    notify(message(opened), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert sent["query_code"] == "7K2M9QXB"
    assert f"（办件编号{CASE_NO}，查询码7K2M9QXB）" in sent["text"]["zh"]
    assert f"(case {CASE_NO}, query code 7K2M9QXB)" in sent["text"]["en"]


def test_a_bill_says_what_how_much_until_when_and_what_if_not(office: Office) -> None:
    office.happens("case.submitted")
    opened = office.happens("bill.opened", key=BILL, body=A_FEE)
    notify(message(opened), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert sent["text"]["zh"].endswith(
        "请于2026年12月7日10:00前缴纳机动车行驶证工本费15.00元，"
        "可在“我的办件”中在线缴纳。未缴费的，暂不制发机动车行驶证。"
    )
    assert (
        "15.00 yuan (Cost of a vehicle licence) by 2026-12-07 10:00"
        in sent["text"]["en"]
    )
    assert sent["about"] == {"kind": "bill", "id": BILL.id}


def test_a_renewed_bill_says_that_the_former_lapsed(office: Office) -> None:
    office.happens("case.submitted")
    body = {**A_FEE, "instead_of": "4418820000000000000000000000000A"}
    notify(message(office.happens("bill.opened", key=BILL, body=body)), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert (
        "机动车行驶证工本费缴费单逾期未缴，已失效。现已重新开立，"
        "请于2026年12月7日10:00前缴纳15.00元" in sent["text"]["zh"]
    )


def test_a_couriers_charge_holds_no_licence_back(office: Office) -> None:
    office.happens("case.submitted")
    body = {"sub": SUB, "case_no": CASE_NO, "amount_fen": 1200}
    body["kind"] = "courier_charge"
    notify(message(office.happens("bill.opened", key=BILL, body=body)), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert "请支付证照寄递服务费12.00元" in sent["text"]["zh"]
    assert "暂不制发" not in sent["text"]["zh"]


def test_a_parcel_is_told_with_its_waybill(office: Office) -> None:
    office.happens("case.submitted")
    body = {"sub": SUB, "case_no": CASE_NO, "waybill": "ZT0000000000001"}
    body["direction"] = "delivery"
    sent_off = office.happens("shipment.dispatched", key=SHIPMENT, body=body)
    notify(message(sent_off), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert "（运单号ZT0000000000001）" in sent["text"]["zh"]


def test_a_refusal_is_told_with_its_remedies(office: Office) -> None:
    notify(message(office.happens("case.refused")), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert sent["title"]["zh"] == "不予许可决定"
    assert sent["text"]["zh"].endswith(WORDS.remedies.zh)


def test_a_proof_is_told_as_issued(office: Office) -> None:
    office.item_type = "20"
    office.happens("case.submitted")
    notify(message(office.happens("licence.registered", body=TOLD)), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert sent["title"]["zh"] == "电子证明已出具"


def test_a_notice_whose_case_or_amount_is_not_known_can_still_be_read(
    office: Office,
) -> None:
    body = {"sub": SUB, "case_no": CASE_NO}
    notify(message(office.happens("bill.opened", key=BILL, body=body)), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    assert "政务服务事项" in sent["text"]["zh"]
    assert "金额见办件" in sent["text"]["zh"]


def test_the_newest_come_first_and_only_as_many_as_asked(office: Office) -> None:
    for event_type in ("case.submitted", "case.accepted", "case.approved"):
        notify(message(office.happens(event_type)), office.deps)
    assert office.told() == ["case.approved", "case.accepted", "case.submitted"]
    newest = office.inbox.list(TENANT, WHO, limit=1)
    assert [sent["type"] for sent in newest] == ["case.approved"]


def test_an_empty_inbox_is_an_empty_list(office: Office) -> None:
    assert list(office.inbox.list(TENANT, WHO)) == []


def test_a_notice_that_was_read_says_since_when(office: Office) -> None:
    for event_type in ("case.submitted", "case.accepted"):
        notify(message(office.happens(event_type)), office.deps)
    newest, _ = office.inbox.list(TENANT, WHO)
    office.inbox.mark_read(TENANT, WHO, newest["id"])
    read, unread = office.inbox.list(TENANT, WHO)
    assert (read["read"], unread["read"]) == (True, False)
    assert read["read_at"] > read["sent_at"]
    assert unread["read_at"] is None


def test_the_first_reading_stays_the_time_of_reading(office: Office) -> None:
    notify(message(office.happens("case.submitted")), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    office.inbox.mark_read(TENANT, WHO, sent["id"])
    first = office.inbox.list(TENANT, WHO)
    office.inbox.mark_read(TENANT, WHO, sent["id"])
    assert office.inbox.list(TENANT, WHO) == first


@pytest.mark.parametrize("who", [WHO, STRANGER])
def test_an_unknown_notice_and_another_persons_are_the_same_answer(
    office: Office, who: Acting
) -> None:
    notify(message(office.happens("case.submitted")), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)
    wanted = sent["id"] if who == STRANGER else "unknown"
    before = dict(office.tables.rows)
    with pytest.raises(NotFound) as caught:
        office.inbox.mark_read(TENANT, who, wanted)
    assert caught.value.code == "notice_unknown"
    assert office.tables.rows == before


def test_a_reading_that_could_not_be_kept_is_said_so(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(message(office.happens("case.submitted")), office.deps)
    (sent,) = office.inbox.list(TENANT, WHO)

    def cancelled(writes: list[Write], token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(office.tables, "transact", cancelled)
    with pytest.raises(Unavailable):
        office.inbox.mark_read(TENANT, WHO, sent["id"])


def test_an_id_is_short_safe_in_a_url_and_the_same_each_time(office: Office) -> None:
    assert notice_id("EVENT#notify#CASE#1#000002") == "Ykgoey7gw3HteZUO2APncp"
    assert notice_id("EVENT#notify#CASE#1#000003") != "Ykgoey7gw3HteZUO2APncp"

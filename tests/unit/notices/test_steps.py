"""notify: each event is told once, to the one whom it concerns."""

from __future__ import annotations

import pytest

from tests.unit.notices.conftest import (
    BILL,
    CASE_NO,
    SHIPMENT,
    STRANGER,
    SUB,
    TENANT,
    WHO,
    Office,
    case,
    message,
)
from zerotrip.kernel.aggregate import Key, Kind, chain_faults
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.tables import Rejected, Write
from zerotrip.notices.model import inbox_key
from zerotrip.notices.steps import notify

OF_THE_CASE = {"sub": SUB, "case_no": CASE_NO}


def test_an_event_of_a_case_is_told_to_its_applicant(office: Office) -> None:
    submitted = office.happens("case.submitted")
    row = notify(message(submitted), office.deps)
    assert row.key == inbox_key(TENANT, SUB)
    assert (row.type, row.sk) == ("notice.sent", f"EVENT#notify#{submitted.ref}")
    assert row.body == {
        "template": "case.submitted",
        "case_no": CASE_NO,
        "about": f"CASE#{CASE_NO}",
        "occurred_at": submitted.time,
        "parameters": {},
    }
    assert row.next_steps == ()
    assert office.told() == ["case.submitted"]
    assert office.told(STRANGER) == []


@pytest.mark.parametrize(
    ("key", "event_type", "further"),
    [
        (BILL, "bill.opened", {"amount_fen": 1500, "kind": "fee"}),
        (BILL, "bill.settled", {"amount_fen": 1500}),
        (SHIPMENT, "shipment.dispatched", {"direction": "pickup", "waybill": "SF0"}),
        (SHIPMENT, "shipment.delivered", {"direction": "delivery"}),
        (Key(TENANT, Kind.LICENCE, "1.2.156.3005.2.EXAMPLE"), "licence.registered", {}),
    ],
)
def test_a_fact_of_another_context_is_told_to_the_one_it_names(
    office: Office, key: Key, event_type: str, further: dict[str, object]
) -> None:
    fact = office.happens(
        event_type,
        key=key,
        body={**OF_THE_CASE, **further, "addressee": "张示例"},
        head_body={},
    )
    row = notify(message(fact), office.deps)
    assert row.body["about"] == key.ref
    assert row.body["parameters"] == further
    assert row.organisation == fact.organisation


def test_a_message_delivered_twice_is_one_notice(office: Office) -> None:
    submitted = message(office.happens("case.submitted"))
    notify(submitted, office.deps)
    with pytest.raises(AlreadyDone) as caught:
        notify(submitted, office.deps)
    assert caught.value.code == "done_before"
    assert office.told() == ["case.submitted"]


def test_a_duplicate_that_comes_after_other_notices_is_still_one(
    office: Office,
) -> None:
    submitted = message(office.happens("case.submitted"))
    accepted = message(office.happens("case.accepted"))
    notify(submitted, office.deps)
    notify(accepted, office.deps)
    with pytest.raises(AlreadyDone):
        notify(submitted, office.deps)
    assert office.told() == ["case.accepted", "case.submitted"]


def test_swapped_messages_are_both_told_with_the_time_of_the_fact(
    office: Office,
) -> None:
    submitted = office.happens("case.submitted")
    accepted = office.happens("case.accepted")
    notify(message(accepted), office.deps)
    notify(message(submitted), office.deps)
    newest, older = office.inbox.list(TENANT, WHO)
    assert (newest["type"], older["type"]) == ("case.submitted", "case.accepted")
    assert newest["occurred_at"] == submitted.time
    assert newest["sent_at"] > older["sent_at"]


def test_two_notices_at_once_for_one_subject_are_both_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = message(office.happens("case.submitted"))
    accepted = message(office.happens("case.accepted"))
    honest = office.tables.transact

    def overtaken(writes: list[Write], token: str | None = None) -> None:
        monkeypatch.setattr(office.tables, "transact", honest)
        notify(accepted, office.deps)
        honest(writes, token)

    monkeypatch.setattr(office.tables, "transact", overtaken)
    notify(submitted, office.deps)
    assert office.told() == ["case.submitted", "case.accepted"]
    history = office.records.history(inbox_key(TENANT, SUB))
    assert chain_faults(history) == []
    assert [row.seq for row in history] == [1, 2]


def test_the_same_message_at_two_workers_is_one_notice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = message(office.happens("case.submitted"))
    honest = office.tables.transact

    def overtaken(writes: list[Write], token: str | None = None) -> None:
        monkeypatch.setattr(office.tables, "transact", honest)
        notify(submitted, office.deps)
        honest(writes, token)

    monkeypatch.setattr(office.tables, "transact", overtaken)
    with pytest.raises(AlreadyDone):
        notify(submitted, office.deps)
    assert office.told() == ["case.submitted"]


def test_an_inbox_that_never_stands_still_is_tried_again(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted = message(office.happens("case.submitted"))

    def cancelled(writes: list[Write], token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(office.tables, "transact", cancelled)
    with pytest.raises(Retry):
        notify(submitted, office.deps)


def test_an_event_that_applicants_are_not_told_of_is_left_alone(
    office: Office,
) -> None:
    quiet = message(office.happens("case.decision_recorded"))
    with pytest.raises(AlreadyDone) as caught:
        notify(quiet, office.deps)
    assert caught.value.code == "notice_not_needed"
    assert office.told() == []


def test_a_message_that_claims_another_type_than_its_row_says_the_rows(
    office: Office,
) -> None:
    submitted = message(office.happens("case.submitted"))
    forged = submitted.model_copy(update={"type": "zerotrip.case.approved.v1"})
    assert notify(forged, office.deps).body["template"] == "case.submitted"


def test_a_message_without_a_stored_event_tells_nobody(office: Office) -> None:
    submitted = message(office.happens("case.submitted"))
    pointer = submitted.data.model_copy(update={"event": "EVENT#submit#v9"})
    with pytest.raises(GiveUp) as caught:
        notify(submitted.model_copy(update={"data": pointer}), office.deps)
    assert caught.value.code == "event_row_absent"
    assert office.told() == []


def test_a_message_of_another_tenant_tells_nobody(office: Office) -> None:
    submitted = message(office.happens("case.submitted"))
    pointer = submitted.data.model_copy(update={"tenant": "999999"})
    with pytest.raises(GiveUp):
        notify(submitted.model_copy(update={"data": pointer}), office.deps)
    assert office.told() == []


@pytest.mark.parametrize(
    "body", [{}, {"sub": SUB}, {"case_no": CASE_NO}, {"sub": "", "case_no": CASE_NO}]
)
def test_a_fact_that_names_nobody_goes_to_the_dead_letter_queue(
    office: Office, body: dict[str, str]
) -> None:
    fact = message(office.happens("bill.opened", key=BILL, body=body))
    with pytest.raises(GiveUp) as caught:
        notify(fact, office.deps)
    assert caught.value.code == "recipient_unknown"


def test_a_case_without_its_applicant_goes_to_the_dead_letter_queue(
    office: Office,
) -> None:
    nobodys = message(office.happens("case.submitted", head_body={"item": "an item"}))
    with pytest.raises(GiveUp) as caught:
        notify(nobodys, office.deps)
    assert caught.value.code == "recipient_unknown"


def test_a_notice_holds_no_word_of_the_case_but_references(office: Office) -> None:
    refused = office.happens("case.refused", body={"reason": "张示例的材料"})
    row = notify(message(refused), office.deps)
    assert "张示例" not in str(row)
    assert office.records.head(case()) is not None

"""A case in its applicant's hands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.web.town import CATALOGUE, FOOD, TENANT, VEHICLE, Answered, Town
from zerotrip.catalogue.authoring import load_example
from zerotrip.deliveries.model import ShipmentStage
from zerotrip.identity.model import (
    Login,
    Person,
    Provider,
    Role,
    Session,
    SubjectKind,
)
from zerotrip.kernel.times import legal_day
from zerotrip.payments.model import BillStage
from zerotrip.web.views import BILL_WORDS, SHIPMENT_WORDS

ONE = "/v1/cases/{case_no}"
OPENID = "oSandbox-0000000000000000001"


@pytest.fixture
def firm(town: Town) -> Session:
    return town.session("sub-firm", Role.COMPANY)


def _wrong_form(town: Town) -> dict[str, Any]:
    """A form that its schema takes and a check does not."""
    form = load_example(CATALOGUE / FOOD, legal_day(town.world.clock())).form
    return {**form, "premises": {**form["premises"], "metres_to_pollution": 1}}


def _correcting(town: Town) -> str:
    case_no = town.world.apply(FOOD, "sub-firm", "company", **_wrong_form(town))
    town.world.run()
    return case_no


def _read(town: Town, who: Session, case_no: str) -> Answered:
    return town.call("GET", ONE, who=who, case_no=case_no)


def _do(
    town: Town, who: Session, case_no: str, what: str, etag: str | None, **more: Any
) -> Answered:
    headers = {**({"If-Match": etag} if etag else {}), **more.pop("headers", {})}
    return town.call(
        "POST", f"{ONE}/{what}", who=who, headers=headers, case_no=case_no, **more
    )


def test_a_case_shows_stage_timeline_and_what_is_asked(
    town: Town, firm: Session
) -> None:
    read = _read(town, firm, _correcting(town))
    assert read.body["stage"] == "correcting"
    assert read.body["stage_name"]["zh"] == "待补正"
    assert read.headers["ETag"] == f'"v{read.body["version"]}"'
    events = [each["event"] for each in read.body["timeline"]]
    assert events == ["case.received", "case.submitted", "case.corrections_requested"]
    asked = read.body["asked_of_me"]
    assert [each["obligation"] for each in asked] == ["corrections"]
    assert [fault["code"] for fault in asked[0]["faults"]] == ["too_near_pollution"]


def test_my_cases_are_listed_newest_first_and_nobody_elses(
    town: Town, firm: Session
) -> None:
    first = town.world.apply(FOOD, "sub-firm", "company")
    town.world.clock.forward(minutes=1)
    second = town.world.apply(FOOD, "sub-firm", "company")
    town.world.apply(FOOD, "sub-other", "company")
    listed = town.call("GET", "/v1/cases", who=firm)
    assert [each["case_no"] for each in listed.body["cases"]] == [second, first]
    one = town.call("GET", "/v1/cases", who=firm, query={"limit": "1"})
    assert [each["case_no"] for each in one.body["cases"]] == [second]


def test_another_persons_case_is_not_found_whatever_is_done_to_it(
    town: Town,
) -> None:
    case_no = _correcting(town)
    other = town.session("sub-other", Role.COMPANY)
    material = {"material": "floor_plan", "content_type": "image/png", "size_bytes": 9}
    answers = [
        _read(town, other, case_no),
        _do(town, other, case_no, "materials", None, body=material),
        _do(town, other, case_no, "corrections", '"v3"', body={"form": {}}),
        _do(town, other, case_no, "withdrawal", '"v3"'),
        _do(town, other, case_no, "payments", '"v3"', body={"channel": "wechat_pay"}),
        _read(town, other, case_no[:-6] + "000000"),
    ]
    told = {(answered.status, answered.code) for answered in answers}
    assert told == {(404, "case_unknown")}


@pytest.mark.parametrize("what", ["corrections", "withdrawal", "payments"])
def test_a_command_says_which_version_was_seen(
    town: Town, firm: Session, what: str
) -> None:
    bodies = {"corrections": {"form": {}}, "payments": {"channel": "wechat_pay"}}
    case_no = _correcting(town)
    answered = _do(town, firm, case_no, what, None, body=bodies.get(what))
    assert (answered.status, answered.code) == (428, "if_match_missing")


def test_corrections_are_handed_in_once_and_the_checks_run_again(
    town: Town, firm: Session
) -> None:
    case_no = _correcting(town)
    etag = _read(town, firm, case_no).headers["ETag"]
    form = load_example(CATALOGUE / FOOD, legal_day(town.world.clock())).form
    first = _do(town, firm, case_no, "corrections", etag, body={"form": form})
    again = _do(town, firm, case_no, "corrections", etag, body={"form": form})
    assert (first.status, first.body["stage"]) == (200, "submitted")
    assert again.body == first.body
    town.world.run()
    assert _read(town, firm, case_no).body["stage"] == "in_review"


def test_each_round_of_corrections_starts_from_what_lies_there_now(
    town: Town, firm: Session
) -> None:
    case_no = _correcting(town)
    read = _read(town, firm, case_no)
    handed = read.body["handed_in"]
    assert handed["form"] == _wrong_form(town)
    plan = next(each for each in handed["materials"] if each["code"] == "floor_plan")
    assert (plan["source"], len(plan["sha256"])) == ("upload", 64)
    assert "key" not in plan
    premises = {**handed["form"]["premises"], "metres_to_pollution": 2}
    first = {**handed["form"], "premises": premises}
    etag = read.headers["ETag"]
    moved = _do(town, firm, case_no, "corrections", etag, body={"form": first})
    assert moved.status == 200
    town.world.run()
    second = _read(town, firm, case_no)
    assert second.body["stage"] == "correcting"
    assert second.body["handed_in"]["form"] == first
    # The application still holds what was first handed in: no round starts from there.
    (draft,) = town.call("GET", "/v1/applications", who=firm).body["applications"]
    application = town.call(
        "GET",
        "/v1/applications/{application_id}",
        who=firm,
        application_id=draft["application_id"],
    )
    assert application.body["form"] == handed["form"]
    again = _do(
        town, firm, case_no, "corrections", second.headers["ETag"], body={"form": first}
    )
    assert (again.status, again.code) == (409, "correction_changes_nothing")


def test_the_form_is_opened_only_where_it_is_to_be_corrected(
    town: Town, firm: Session
) -> None:
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    read = _read(town, firm, case_no)
    assert (read.body["stage"], read.body["handed_in"]) == ("in_review", None)


def test_a_correction_that_breaks_the_form_is_told_every_fault(
    town: Town, firm: Session
) -> None:
    case_no = _correcting(town)
    etag = _read(town, firm, case_no).headers["ETag"]
    form = _wrong_form(town)
    form["company"] = {**form["company"], "telephone": "1"}
    form["premises"] = {**form["premises"], "address": ""}
    answered = _do(town, firm, case_no, "corrections", etag, body={"form": form})
    assert (answered.status, answered.code) == (422, "form_invalid")
    assert sorted(answered.fault_codes.values()) == ["field_empty", "telephone_wrong"]
    assert _read(town, firm, case_no).headers["ETag"] == etag


def test_a_correction_in_anothers_name_is_told_each_field(
    town: Town, firm: Session
) -> None:
    case_no = _correcting(town)
    etag = _read(town, firm, case_no).headers["ETag"]
    form = _wrong_form(town)
    form["company"] = {**form["company"], "uscc": "91441882MA0000026P", "name": ""}
    answered = _do(town, firm, case_no, "corrections", etag, body={"form": form})
    assert (answered.status, answered.code) == (422, "applicant_differs")
    assert set(answered.fault_codes) == {"/form/company/name", "/form/company/uscc"}
    assert _read(town, firm, case_no).headers["ETag"] == etag


def test_a_material_is_uploaded_again_while_corrections_are_open(
    town: Town, firm: Session
) -> None:
    case_no = _correcting(town)
    asked = {"material": "floor_plan", "content_type": "image/png", "size_bytes": 9}
    key = {"Idempotency-Key": "k"}
    first = _do(town, firm, case_no, "materials", None, body=asked, headers=key)
    again = _do(town, firm, case_no, "materials", None, body=asked, headers=key)
    keys = {each.body["upload"]["fields"]["key"] for each in (first, again)}
    assert first.status == 201
    assert len(keys) == 1
    assert f"/CASE/{case_no}/floor_plan/" in keys.pop()


def test_a_material_that_is_not_asked_for_is_refused(town: Town, firm: Session) -> None:
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    asked = {"material": "floor_plan", "content_type": "image/png", "size_bytes": 9}
    answered = _do(town, firm, case_no, "materials", None, body=asked)
    assert (answered.status, answered.code) == (409, "materials_not_asked")


def test_a_case_is_withdrawn_once(town: Town, firm: Session) -> None:
    case_no = _correcting(town)
    etag = _read(town, firm, case_no).headers["ETag"]
    first = _do(town, firm, case_no, "withdrawal", etag, body={})
    again = _do(town, firm, case_no, "withdrawal", etag)
    assert (first.status, first.body["stage"]) == (200, "withdrawn")
    assert first.headers["ETag"] == '"v4"'
    assert again.body == first.body


def test_a_withdrawal_while_the_licence_is_signed_names_what_came_first(
    town: Town, firm: Session
) -> None:
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    etag = _read(town, firm, case_no).headers["ETag"]
    now = town.world.case(case_no)
    town.world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
    town.world.relay()
    town.world.carry_out(town.world.queue.pop(0))
    assert town.world.case(case_no).stage == "signing"
    for seen in (etag, _read(town, firm, case_no).headers["ETag"]):
        answered = _do(town, firm, case_no, "withdrawal", seen)
        assert (answered.status, answered.code) == (409, "stage_changed")
        assert answered.body["winner"]["event"] == "case.approved"
    assert town.world.case(case_no).stage == "signing"


def test_a_version_that_never_was_is_refused(town: Town, firm: Session) -> None:
    answered = _do(town, firm, _correcting(town), "withdrawal", '"v99"')
    assert (answered.status, answered.code) == (412, "version_unknown")


def _payment_due(town: Town, sub: str) -> str:
    case_no = town.world.apply(VEHICLE, sub, "citizen")
    town.world.run()
    if town.world.case(case_no).stage == "in_review":
        now = town.world.case(case_no)
        town.world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
        town.world.run()
    return case_no


def test_a_bill_has_its_words_from_the_first_moment(town: Town) -> None:
    zhang = _payer(town)
    case_no = town.world.apply(VEHICLE, zhang.sub, "citizen")
    town.world.run()
    now = town.world.case(case_no)
    town.world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
    town.world.relay()
    town.world.carry_out(town.world.queue.pop(0))
    before = _read(town, zhang, case_no).body
    town.world.run()
    after = _read(town, zhang, case_no).body
    for read in (before, after):
        (bill,) = read["bills"]
        assert bill["name"]["zh"] == "机动车行驶证工本费"
        assert bill["amount_text"] == {"zh": "15.00元", "en": "15.00 yuan"}
    assert before["bills"][0]["stage_name"]["zh"] == "正在生成缴费单"
    assert after["bills"][0]["stage_name"]["zh"] == "待缴纳"
    assert before["asked_of_me"][0]["zh"] == (
        "请缴纳机动车行驶证工本费15.00元；未缴费的，暂不制发机动车行驶证。"
    )
    assert after["asked_of_me"][0]["zh"].startswith("请于20")


def test_every_stage_of_a_bill_and_of_a_parcel_has_words() -> None:
    assert set(BILL_WORDS) == set(BillStage)
    assert set(SHIPMENT_WORDS) == set(ShipmentStage)


def _payer(town: Town) -> Session:
    subject = town.subjects.enter(
        TENANT,
        Login(Provider.WECHAT, OPENID),
        SubjectKind.NATURAL,
        Person(openid=OPENID),
    )
    return town.session(subject.sub)


def test_a_bill_is_opened_at_the_channel_with_the_payers_own_account(
    town: Town,
) -> None:
    zhang = _payer(town)
    case_no = _payment_due(town, zhang.sub)
    read = _read(town, zhang, case_no)
    assert read.body["stage"] == "payment_due"
    bill = read.body["bills"][0]
    assert (bill["stage"], bill["kind"], bill["amount_fen"]) == ("opened", "fee", 1500)
    assert read.body["asked_of_me"][0]["ref"] == bill["bill_id"]
    asked = {"channel": "wechat_pay", "bill_id": bill["bill_id"]}
    key = {"Idempotency-Key": "k"}
    etag = read.headers["ETag"]
    first = _do(town, zhang, case_no, "payments", etag, body=asked, headers=key)
    again = _do(town, zhang, case_no, "payments", etag, body=asked, headers=key)
    assert (first.status, first.body["amount_fen"]) == (201, 1500)
    assert again.body == first.body
    assert town.channel.orders[bill["bill_id"]].content[2] == OPENID
    assert town.channel.calls == ["open", "open"]


def test_who_never_came_through_wechat_is_told_how_to_pay(town: Town) -> None:
    zhang = _payer(town)
    case_no = _payment_due(town, zhang.sub)
    etag = _read(town, zhang, case_no).headers["ETag"]
    row = town.world.tables.rows[("identity", f"{TENANT}#SUB#{zhang.sub}", "SUBJECT")]
    town.world.tables.rows[("identity", row.pk, row.sk)] = replace(row, sealed=None)
    asked = {"channel": "wechat_pay"}
    answered = _do(town, zhang, case_no, "payments", etag, body=asked)
    assert (answered.status, answered.code) == (409, "payer_unknown")


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"channel": "cash"}, 422, "channel_unknown"),
        ({"channel": "wechat_pay", "bill_id": "4" * 32}, 404, "bill_unknown"),
    ],
)
def test_a_payment_names_a_channel_and_a_bill_that_exist(
    town: Town, asked: dict[str, str], status: int, code: str
) -> None:
    zhang = _payer(town)
    case_no = _payment_due(town, zhang.sub)
    etag = _read(town, zhang, case_no).headers["ETag"]
    answered = _do(town, zhang, case_no, "payments", etag, body=asked)
    assert (answered.status, answered.code) == (status, code)
    assert town.channel.calls == []


def test_notices_are_read_once_and_only_by_their_reader(
    town: Town, firm: Session
) -> None:
    _correcting(town)
    listed = town.call("GET", "/v1/notices", who=firm)
    newest = listed.body["notices"][0]
    assert (newest["type"], newest["read"]) == ("case.corrections_requested", False)
    path = {"notice_id": newest["id"]}
    other = town.session("sub-other", Role.COMPANY)
    strange = town.call("POST", "/v1/notices/{notice_id}/read", who=other, **path)
    assert (strange.status, strange.code) == (404, "notice_unknown")
    marked = town.call("POST", "/v1/notices/{notice_id}/read", who=firm, **path)
    assert (marked.status, marked.body) == (204, None)
    listed = town.call("GET", "/v1/notices", who=firm)
    assert listed.body["notices"][0]["read"] is True

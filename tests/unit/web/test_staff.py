"""What an officer sees and decides, and what an officer does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.persons import FIRM, HASH_KEY, acting
from tests.support.world import World
from tests.unit.web.town import CATALOGUE, FOOD, FOOD_OFFICE, TENANT, Answered, Town
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.shared_files import read_shared_materials
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SubjectKind,
)
from zerotrip.identity.rows import number_mark
from zerotrip.identity.staff import suspend_officer
from zerotrip.kernel.tables import Put, StoredRow
from zerotrip.kernel.times import legal_day
from zerotrip.web import staff_views

ONE = "/v1/staff/cases/{case_no}"
DECISIONS = f"{ONE}/decisions"


@pytest.fixture
def case_no(town: Town) -> str:
    number = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    return number


def _department(town: Town) -> str:
    return load(CATALOGUE / FOOD, legal_day(town.world.clock())).item.department


def _officer(
    town: Town, *roles: Role, name: str = "idp-li", department: str | None = None
) -> Session:
    return town.officer(
        name,
        *(roles or (Role.APPROVER,)),
        department=department or _department(town),
        uscc=FOOD_OFFICE,
    )


def _decide(
    town: Town,
    who: Session,
    case_no: str,
    decision: str = "approve",
    version: int = 3,
    **headers: str,
) -> Answered:
    return town.call(
        "POST",
        DECISIONS,
        who=who,
        body={
            "decision": decision,
            "reasons": "材料齐全。",
            "articles": ["《中华人民共和国食品安全法》第三十五条"],
        },
        headers={"If-Match": f'"v{version}"', **headers},
        case_no=case_no,
    )


def test_the_work_list_names_cases_and_no_person(town: Town, case_no: str) -> None:
    listed = town.call("GET", "/v1/worklist", who=_officer(town))
    assert [each["case_no"] for each in listed.body["tasks"]] == [case_no]
    assert listed.body["tasks"][0]["task"]["role"] == "approver"
    told = json.dumps(listed.body, ensure_ascii=False)
    assert "李示例" not in told
    assert "sub-firm" not in told


def test_another_departments_work_list_is_empty(town: Town, case_no: str) -> None:
    who = _officer(town, department="elsewhere")
    assert town.call("GET", "/v1/worklist", who=who).body == {"tasks": []}


def test_a_case_shows_form_materials_and_timeline_to_its_office(
    town: Town, case_no: str
) -> None:
    read = town.call("GET", ONE, who=_officer(town), case_no=case_no)
    assert read.body["form"]["company"]["legal_representative"] == "李示例"
    plan = next(each for each in read.body["materials"] if each["code"] == "floor_plan")
    assert "seconds=60" in plan["download_url"]
    assert "version=v1" in plan["download_url"]
    assert read.body["task"]["kind"] == "decision"
    assert read.headers["ETag"] == '"v3"'


@pytest.mark.parametrize("other", ["department", "organisation"])
def test_another_offices_case_is_not_found(
    town: Town, case_no: str, other: str
) -> None:
    if other == "department":
        who = _officer(town, department="elsewhere")
    else:
        who = town.officer(
            "idp-wang",
            Role.APPROVER,
            department=_department(town),
            uscc="11441882000000019J",
        )
    read = town.call("GET", ONE, who=who, case_no=case_no)
    decided = _decide(town, who, case_no)
    assert {read.code, decided.code} == {"case_unknown"}
    assert town.world.case(case_no).stage == "in_review"


def test_a_decision_is_recorded_and_answers_the_same_when_repeated(
    town: Town, case_no: str
) -> None:
    who = _officer(town)
    first = _decide(town, who, case_no)
    again = _decide(town, who, case_no)
    assert (first.status, first.body["stage"]) == (201, "decided")
    assert first.headers["ETag"] == '"v4"'
    assert again.body == first.body
    assert len(town.world.history(case_no)) == 4


def test_the_second_officer_is_told_who_was_first(town: Town, case_no: str) -> None:
    _decide(town, _officer(town), case_no)
    late = _decide(town, _officer(town, name="idp-wang"), case_no, "refuse")
    assert (late.status, late.code) == (409, "stage_changed")
    assert late.body["winner"]["event"] == "case.decision_recorded"
    assert late.body["winner"]["decision"] == "approve"


def test_a_decision_on_a_finished_case_is_a_conflict(town: Town, case_no: str) -> None:
    who = _officer(town)
    _decide(town, who, case_no)
    town.world.run()
    answered = _decide(town, who, case_no, "refuse", version=6)
    assert (answered.status, answered.code) == (409, "stage_changed")
    assert town.world.case(case_no).stage == "completed"


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"decision": "approve", "reasons": "  "}, "/reasons", "field_empty"),
        ({"decision": "approve", "reasons": "字" * 2001}, "/reasons", "field_too_long"),
        ({"decision": "maybe", "reasons": "因"}, "/decision", "field_not_offered"),
        ({"decision": "refuse"}, "/reasons", "field_missing"),
    ],
)
def test_a_decision_has_reasons(
    town: Town, case_no: str, body: dict[str, str], path: str, code: str
) -> None:
    answered = town.call(
        "POST",
        DECISIONS,
        who=_officer(town),
        body=body,
        headers={"If-Match": '"v3"'},
        case_no=case_no,
    )
    assert answered.fault_codes == {path: code}
    assert town.world.case(case_no).stage == "in_review"


def test_a_decision_names_the_version_that_was_seen(town: Town, case_no: str) -> None:
    answered = town.call(
        "POST",
        DECISIONS,
        who=_officer(town),
        body={"decision": "approve", "reasons": "齐"},
        case_no=case_no,
    )
    assert (answered.status, answered.code) == (428, "if_match_missing")


def test_an_auditor_reads_and_does_not_decide(town: Town, case_no: str) -> None:
    who = _officer(town, Role.AUDITOR)
    assert town.call("GET", ONE, who=who, case_no=case_no).status == 200
    decided = _decide(town, who, case_no)
    assert (decided.status, decided.code) == (403, "role_not_permitted")


def test_an_officer_does_not_decide_an_approvers_task(town: Town, case_no: str) -> None:
    decided = _decide(town, _officer(town, Role.OFFICER), case_no)
    assert (decided.status, decided.code) == (403, "role_not_permitted")
    assert town.world.case(case_no).stage == "in_review"


def test_a_suspension_counts_at_once_whatever_the_token_says(
    town: Town, case_no: str
) -> None:
    who = _officer(town)
    suspend_officer(town.world.tables, TENANT, who.sub, town.world.clock())
    answers = [
        town.call("GET", "/v1/worklist", who=who),
        town.call("GET", ONE, who=who, case_no=case_no),
        _decide(town, who, case_no),
    ]
    told = {(answered.status, answered.code) for answered in answers}
    assert told == {(403, "officer_suspended")}


def test_a_role_that_was_taken_away_counts_at_once(town: Town, case_no: str) -> None:
    before = _officer(town)
    _officer(town, Role.AUDITOR)
    decided = _decide(town, before, case_no)
    listed = town.call("GET", "/v1/worklist", who=before)
    assert {decided.code, listed.code} == {"role_not_permitted"}


def test_a_stranger_with_a_staff_role_is_no_officer(town: Town, case_no: str) -> None:
    who = town.session("sub-nobody", Role.APPROVER, organisation=FOOD_OFFICE)
    answered = town.call("GET", "/v1/worklist", who=who)
    assert (answered.status, answered.code) == (403, "officer_unknown")


NOTICES = f"{ONE}/corrections"
ROOM = "/form/premises/dedicated_room"
LATE = {"code": "overlooked", "text": "首次告知时漏看，现场核查发现。"}


def _defect(path: str = ROOM, **more: Any) -> dict[str, Any]:
    return {
        "path": path,
        "message": {"zh": "专间未隔断。", "en": "The room is not closed off."},
        "remedy": {"zh": "请隔断后拍照。", "en": "Close it off and show it."},
        **more,
    }


def _send_back(
    town: Town, who: Session, case_no: str, version: int = 3, **body: Any
) -> Answered:
    return town.call(
        "POST",
        NOTICES,
        who=who,
        body={"defects": [_defect()], **body},
        headers={"If-Match": f'"v{version}"'},
        case_no=case_no,
    )


def test_an_officers_notice_is_sent_once_and_read_by_the_applicant(
    town: Town, case_no: str
) -> None:
    who = _officer(town)
    first = _send_back(town, who, case_no)
    again = _send_back(town, who, case_no)
    assert (first.status, first.body["stage"]) == (201, "correcting")
    assert first.body["event"] == "case.returned"
    assert first.headers["ETag"] == '"v4"'
    assert again.body == first.body
    firm = town.session("sub-firm", Role.COMPANY)
    read = town.call("GET", "/v1/cases/{case_no}", who=firm, case_no=case_no)
    (asked,) = read.body["asked_of_me"]
    assert asked["faults"] == [
        {
            "path": ROOM,
            "code": "officer_found",
            "zh": "专间未隔断。请隔断后拍照。",
            "en": "The room is not closed off. Close it off and show it.",
        }
    ]


def test_applicant_and_officer_read_the_same_query_code(
    town: Town, case_no: str
) -> None:
    code = town.world.case(case_no).case.code
    firm = town.session("sub-firm", Role.COMPANY)
    own = town.call("GET", "/v1/cases/{case_no}", who=firm, case_no=case_no)
    seen = town.call("GET", ONE, who=_officer(town), case_no=case_no)
    assert own.body["query_code"] == seen.body["query_code"] == code
    notices = town.call("GET", "/v1/notices", who=firm).body["notices"]
    assert {each["query_code"] for each in notices} == {code}


def test_an_officer_may_write_chinese_alone(town: Town, case_no: str) -> None:
    defect = _defect(message={"zh": "专间未隔断。"}, remedy={"zh": "请隔断后拍照。"})
    assert _send_back(town, _officer(town), case_no, defects=[defect]).status == 201
    firm = town.session("sub-firm", Role.COMPANY)
    read = town.call("GET", "/v1/cases/{case_no}", who=firm, case_no=case_no)
    (asked,) = read.body["asked_of_me"]
    assert asked["zh"] == "请按要求补充说明后提交。"
    assert asked["faults"][0]["zh"] == "专间未隔断。请隔断后拍照。"
    assert asked["faults"][0]["en"].startswith("The officer wrote this in Chinese")


@pytest.mark.parametrize("english", ["x", "专间未隔断。", "---"])
def test_what_is_no_english_is_not_taken_for_it(
    town: Town, case_no: str, english: str
) -> None:
    defect = _defect(message={"zh": "专间未隔断。", "en": english})
    sent = _send_back(town, _officer(town), case_no, defects=[defect])
    assert sent.fault_codes == {"/defects/0/message/en": "field_wrong"}


def test_the_office_and_its_auditor_read_why_and_by_whom(
    town: Town, case_no: str
) -> None:
    who = _officer(town)
    before = town.call("GET", ONE, who=who, case_no=case_no).body
    assert before["decision"] is None
    assert before["articles_offered"][0]["zh"].startswith("《")
    _decide(town, who, case_no, "refuse")
    town.world.run()
    for reader in (who, _officer(town, Role.AUDITOR, name="idp-wu")):
        told = town.call("GET", ONE, who=reader, case_no=case_no).body["decision"]
        assert told["reasons"]["zh"] == "材料齐全。"
        assert told["actor"] == who.sub
        assert told["remedies"]["litigation"]["months"] == 6
    firm = town.session("sub-firm", Role.COMPANY)
    read = town.call("GET", "/v1/cases/{case_no}", who=firm, case_no=case_no).body
    assert read["decision"]["act_name"]["zh"] == read["stage_name"]["zh"] == "不予许可"
    assert "actor" not in read["decision"]


def test_a_refusal_cites_an_article(town: Town, case_no: str) -> None:
    answered = town.call(
        "POST",
        DECISIONS,
        who=_officer(town),
        body={"decision": "refuse", "reasons": "经营场所不符合要求。"},
        headers={"If-Match": '"v3"'},
        case_no=case_no,
    )
    assert answered.code == "articles_missing"
    assert answered.fault_codes == {"/articles": "field_missing"}


def test_what_was_visible_needs_a_reason(town: Town, case_no: str) -> None:
    who = _officer(town)
    metres = "/form/premises/metres_to_pollution"
    _send_back(town, who, case_no, defects=[_defect(metres)])
    form = load_example(CATALOGUE / FOOD, legal_day(town.world.clock())).form
    mended = {**form, "premises": {**form["premises"], "metres_to_pollution": 999}}
    town.world.requests.correct(case_no, acting("sub-firm", "company"), 4, mended)
    town.world.run()
    version = town.world.case(case_no).head.version
    late = _send_back(town, who, case_no, version)
    assert (late.status, late.code) == (409, "defect_was_visible")
    assert late.body["defects"] == [{"path": ROOM, "code": "officer_found"}]
    sent = _send_back(town, who, case_no, version, late_reason=LATE)
    assert sent.status == 201
    returned = town.world.history(case_no)[-1]
    assert returned.body["late"] == [
        {"path": ROOM, "code": "officer_found", "reason": "overlooked"}
    ]


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"defects": []}, "/defects", "field_wrong"),
        (
            {"defects": [_defect("/elsewhere")]},
            "/defects/0/path",
            "field_wrong_pattern",
        ),
        ({"defects": [_defect("/form/x")]}, "/defects/0/path", "defect_path_unknown"),
        ({"defects": [_defect(extra=1)]}, "/defects/0/extra", "field_unknown"),
        (
            {"late_reason": {"code": "so", "text": "因"}},
            "/late_reason/code",
            "field_not_offered",
        ),
        (
            {"late_reason": {"code": "overlooked", "text": " "}},
            "/late_reason/text",
            "field_empty",
        ),
    ],
)
def test_a_notice_says_where_what_and_how(
    town: Town, case_no: str, body: dict[str, Any], path: str, code: str
) -> None:
    answered = _send_back(town, _officer(town), case_no, **body)
    assert answered.status == 422
    assert answered.fault_codes == {path: code}
    assert town.world.case(case_no).stage == "in_review"


def test_another_role_or_office_sends_no_notice(town: Town, case_no: str) -> None:
    assert _send_back(town, _officer(town, Role.OFFICER), case_no).status == 403
    elsewhere = _officer(town, name="idp-wang", department="elsewhere")
    assert _send_back(town, elsewhere, case_no).code == "case_unknown"
    assert _send_back(town, _officer(town, Role.AUDITOR), case_no).status == 403
    assert town.world.case(case_no).stage == "in_review"


LI = Person(name="李示例", id_type="111", id_no="999999198503150022")


def _proven_officer(town: Town) -> Session:
    """An officer who is known to be 李示例, whichever login comes."""
    town.subjects.enter(
        TENANT,
        Login(Provider.OIDC, "idp-li"),
        SubjectKind.NATURAL,
        LI,
        level=Level.PRESENT,
    )
    return _officer(town)


def _declare(town: Town, who: Session, number: str) -> Answered:
    body = {"relation": "own_business", "number": number}
    return town.call("POST", "/v1/staff/kin", who=who, body=body)


@pytest.mark.parametrize("why", ["representative", "declared"])
def test_nobody_sees_or_handles_a_case_of_their_own(town: Town, why: str) -> None:
    known = {}
    if why == "representative":
        known["representative"] = number_mark(HASH_KEY, str(LI.id_no))
    town.world.enrol("sub-firm", FIRM, **known)
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    who = _proven_officer(town)
    if why == "declared":
        assert _declare(town, who, str(FIRM.corp_uscc)).status == 201
    before = town.world.case(case_no).head
    answers = [
        town.call("GET", ONE, who=who, case_no=case_no),
        _decide(town, who, case_no),
        _send_back(town, who, case_no),
    ]
    told = {(answered.status, answered.code) for answered in answers}
    assert told == {(403, "own_case")}
    assert town.call("GET", "/v1/worklist", who=who).body == {"tasks": []}
    assert town.world.case(case_no).head == before
    colleague = _officer(town, name="idp-wang")
    assert _decide(town, colleague, case_no).status == 201


def test_a_declared_relation_is_listed_without_its_number(
    town: Town, case_no: str
) -> None:
    who = _officer(town)
    declared = _declare(town, who, str(FIRM.corp_uscc))
    listed = town.call("GET", "/v1/staff/kin", who=who)
    assert listed.body == declared.body
    assert [each["relation"] for each in listed.body["kin"]] == ["own_business"]
    assert str(FIRM.corp_uscc) not in json.dumps(listed.body)


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ({"level": "matched"}, ("matched", None)),
        ({"ended": "deregistered"}, ("present", "deregistered")),
    ],
)
def test_nothing_is_granted_to_whom_the_register_no_longer_vouches_for(
    town: Town, case_no: str, known: dict[str, str], detail: tuple[str, str | None]
) -> None:
    town.subjects.note(TENANT, "sub-firm", **known)
    who = _officer(town)
    refused = _decide(town, who, case_no)
    assert (refused.status, refused.code) == (409, "applicant_unproven")
    assert (refused.body["level"], refused.body["ended"]) == detail
    assert _decide(town, who, case_no, "refuse").status == 201


def test_an_officer_sees_what_the_state_gave_and_what_is_promised(
    town: Town, case_no: str
) -> None:
    world = town.world
    now = world.case(case_no)
    form = world.records.row(now.key, "FORM")
    assert form is not None
    data_key = world.keys.open(TENANT, now.case.key_owner)
    pins = {
        "household": {
            "source": "shared", "provider": "population", "ref": "R-1",
            "sha256": "ab" * 32, "valid_until": "2026-12-20",
        },
        "business": {
            "source": "licence", "ref": "1.2.156", "sha256": "cd" * 32,
            "valid_from": "2020-01-01", "valid_until": None,
        },
    }  # fmt: skip
    sealed = data_key.seal(now.key.ref, "SOURCE#household", b'{"holder": "x"}')
    given = {**form.data, "materials": {**form.data["materials"], **pins}}
    rows = [
        StoredRow(pk=now.key.pk, sk="FORM", data=given, sealed=form.sealed),
        StoredRow(pk=now.key.pk, sk="SOURCE#household", data={}, sealed=sealed),
    ]
    world.tables.transact([Put("records", row) for row in rows])
    read = town.call("GET", ONE, who=_officer(town), case_no=case_no)
    seen = {each["code"]: each for each in read.body["materials"]}
    assert seen["household"]["document"] == {"holder": "x"}
    assert seen["household"]["reference"] == "R-1"
    assert seen["household"]["download_url"] is None
    assert (seen["business"]["source"], seen["business"]["document"]) == (
        "licence",
        None,
    )
    assert seen["floor_plan"]["source"] == "upload"
    assert read.body["promised"] == []


def test_an_officer_sees_what_the_scanner_said_of_a_file(
    town: Town, case_no: str
) -> None:
    read = town.call("GET", ONE, who=_officer(town), case_no=case_no).body
    scans = {each["code"]: each["scan"] for each in read["materials"]}
    assert scans["floor_plan"]["scanner"] == "none"
    assert scans["floor_plan"]["verdict_name"]["zh"] == "未经扫描（未安装扫描服务）"
    assert scans["floor_plan"]["scanned_at"].startswith("2026-11-20T")


def test_a_registers_answer_is_labelled_in_chinese() -> None:
    labels = read_shared_materials(CATALOGUE)["household_registration"].labels
    document = {
        "name": "张示例",
        "kind": "家庭户",
        "members": [{"name": "严示例", "relation": "子女"}],
        "floor": 3,
    }
    assert [
        (each["label"]["zh"], each["value"])
        for each in staff_views.fields(document, labels)
    ] == [
        ("姓名", "张示例"),
        ("户别", "家庭户"),
        ("家庭成员", "姓名：严示例，与户主关系：子女"),
        ("其他（floor）", "3"),
    ]


def test_a_broken_rule_is_told_with_its_sentence() -> None:
    item = load(CATALOGUE / FOOD, legal_day(World().clock())).item
    codes = [
        *(item.checks[0].code, item.materials[0].code),
        *(*staff_views.APPLICANT_CHECKS, "field_missing"),
    ]
    data = {"kind": "decision", "role": "officer", "opened_at": "", "checks": codes}
    told = {each["code"]: each["zh"] for each in staff_views.task(data, item)["checks"]}
    assert list(told) == codes
    assert item.checks[0].message.zh in told[item.checks[0].code]
    assert item.materials[0].name.zh in told[item.materials[0].code]
    assert told["applicant_deceased"] == "登记信息显示申请人已去世，请核实。"
    assert told["field_missing"] == "系统未能自动核查，请人工核对。"

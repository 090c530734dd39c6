"""For each route that takes a JSON body: a state in which a plain request succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.unit.web.contract import made
from tests.unit.web.town import CATALOGUE, FOOD, FOOD_OFFICE, TENANT, VEHICLE, Town
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.packages import files_of
from zerotrip.identity.model import Login, Person, Provider, Role, Session, SubjectKind
from zerotrip.kernel.times import legal_day

OPENID = "oSandbox-0000000000000000001"


@dataclass(frozen=True)
class Asked:
    """A request that is right in every way."""

    body: dict[str, Any]
    who: Session | None = None
    path: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def body_routes() -> dict[str, tuple[str, str]]:
    """`operationId` to method and path, for routes with a JSON body of our own.

    A partner's callback is not one: its bytes count as the partner signed them, and
    `tests/partners` sends signed ones with foreign fields.
    """
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in made()["paths"].items()
        for method, operation in methods.items()
        if "requestBody" in operation and "partners" not in operation["tags"]
    }


def _form(town: Town, folder: str) -> dict[str, Any]:
    return load_example(CATALOGUE / folder, legal_day(town.world.clock())).form


def _sign_in(_: Town) -> Asked:
    return Asked({"provider": "wechat_mini_program", "code": OPENID})


def _sign_in_again(town: Town) -> Asked:
    begun = town.call("POST", "/v1/sessions", body=_sign_in(town).body)
    return Asked({"refresh_token": begun.body["refresh_token"]})


def _begin(town: Town) -> Asked:
    return Asked({"item_code": town.world.publish(VEHICLE)}, town.session("sub-zhang"))


def _draft(town: Town) -> tuple[Session, str, int]:
    """A complete draft with its material, its owner, its version."""
    world, who = town.world, town.session("sub-zhang")
    code = world.publish(VEHICLE)
    draft = world.applications.start(who.sub, frozenset({"citizen"}), code)
    form = _form(town, VEHICLE)
    draft = world.applications.save(who.sub, draft.id, draft.version, form)
    world.upload(
        who.sub, draft.id, "loss_declaration", b"%PDF-1.7\n%%EOF\n", "application/pdf"
    )
    return who, draft.id, draft.version


def _save(town: Town) -> Asked:
    who, draft, version = _draft(town)
    return Asked(
        {"form": _form(town, VEHICLE)},
        who,
        {"application_id": draft},
        {"If-Match": f'"v{version}"'},
    )


def _announce(town: Town) -> Asked:
    who, draft, _ = _draft(town)
    return Asked(_material("loss_declaration"), who, {"application_id": draft})


def _hand_in(town: Town) -> Asked:
    who, draft, version = _draft(town)
    tag = {"If-Match": f'"v{version}"'}
    return Asked({}, who, {"application_id": draft}, tag)


def _material(code: str) -> dict[str, Any]:
    return {"material": code, "content_type": "application/pdf", "size_bytes": 9}


def _correcting(town: Town) -> tuple[Session, str, str]:
    """A company's case that must be mended, and its ETag."""
    form = _form(town, FOOD)
    wrong = {**form["premises"], "metres_to_pollution": 1}
    case_no = town.world.apply(FOOD, "sub-firm", "company", premises=wrong)
    town.world.run()
    tag = f'"v{town.world.case(case_no).head.version}"'
    return town.session("sub-firm", Role.COMPANY), case_no, tag


def _add_material(town: Town) -> Asked:
    who, case_no, _ = _correcting(town)
    return Asked(_material("safety_rules"), who, {"case_no": case_no})


def _correct(town: Town) -> Asked:
    who, case_no, tag = _correcting(town)
    form = _form(town, FOOD)
    return Asked({"form": form}, who, {"case_no": case_no}, {"If-Match": tag})


def _withdraw(town: Town) -> Asked:
    who, case_no, tag = _correcting(town)
    return Asked({}, who, {"case_no": case_no}, {"If-Match": tag})


def _reuse(town: Town) -> Asked:
    """A company's next draft, and a file that its first one left in the vault."""
    who = town.session("sub-firm", Role.COMPANY)
    case_no = town.world.apply(FOOD, who.sub, "company")
    draft = town.world.applications.start(who.sub, frozenset({"company"}), case_no[:31])
    files = town.call("GET", "/v1/vault", who=who).body["files"]
    (rules,) = [
        each for each in files if each["used_as"][0]["material"] == "safety_rules"
    ]
    return Asked(
        {"sha256": rules["sha256"], "purpose": "用于申请经营许可", "consent": True},
        who,
        {"application_id": draft.id, "material": "safety_rules"},
    )


def _pay(town: Town) -> Asked:
    world = town.world
    login = Login(Provider.WECHAT, OPENID)
    person = Person(openid=OPENID)
    payer = town.subjects.enter(TENANT, login, SubjectKind.NATURAL, person)
    case_no = world.apply(VEHICLE, payer.sub, "citizen")
    world.run()
    now = world.case(case_no)
    world.requests.decide(now, "officer-1", now.head.version, "approve", "材料齐全")
    world.run()
    return Asked(
        {"channel": "wechat_pay"},
        town.session(payer.sub),
        {"case_no": case_no},
        {"If-Match": f'"v{world.case(case_no).head.version}"'},
    )


def _mark_read(town: Town) -> Asked:
    who, _, _ = _correcting(town)
    listed = town.call("GET", "/v1/notices", who=who)
    return Asked({}, who, {"notice_id": listed.body["notices"][0]["id"]})


def _decide(town: Town) -> Asked:
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    item = load(CATALOGUE / FOOD, legal_day(town.world.clock())).item
    who = town.officer(
        "idp-zhou", Role.APPROVER, department=item.department, uscc=FOOD_OFFICE
    )
    return Asked(
        {"decision": "refuse", "reasons": "经营场所不符合要求。"},
        who,
        {"case_no": case_no},
        {"If-Match": f'"v{town.world.case(case_no).head.version}"'},
    )


def _return(town: Town) -> Asked:
    asked = _decide(town)
    words = {"zh": "平面布局图看不清。", "en": "The floor plan cannot be read."}
    defect = {
        "path": "/materials/floor_plan",
        "code": "floor_plan_blurred",
        "message": words,
        "remedy": {"zh": "请重新上传。", "en": "Please upload it again."},
    }
    late = {"code": "overlooked", "text": "初审时未能发现。"}
    body = {"defects": [defect], "late_reason": late}
    return replace(asked, body=body)


def _editor(town: Town) -> Session:
    return town.officer(
        "idp-editor", Role.EDITOR, department="food-licensing", uscc=FOOD_OFFICE
    )


def _files(town: Town) -> Asked:
    return Asked({"files": files_of(CATALOGUE / FOOD)}, _editor(town))


def _review(town: Town) -> Asked:
    sent = _files(town)
    made = town.call("POST", "/v1/catalogue/items", who=sent.who, body=sent.body)
    who = town.officer(
        "idp-legal", Role.LEGAL_REVIEWER, department="review", uscc=FOOD_OFFICE
    )
    return Asked(
        {"agrees": True, "reasons": "依据充分。"},
        who,
        {"item_code": made.body["item_code"]},
        {"If-Match": made.headers["ETag"]},
    )


def _schedule(town: Town) -> Asked:
    answers = _review(town)
    path, tag = "/v1/catalogue/items/{item_code}/reviews", answers.headers
    staffing = town.officer(
        "idp-staffing", Role.STAFFING_REVIEWER, department="review", uscc=FOOD_OFFICE
    )
    for who in (answers.who, staffing):
        made = town.call(
            "POST", path, who=who, body=answers.body, headers=tag, **answers.path
        )
        tag = {"If-Match": made.headers["ETag"]}
    return Asked({"effective_on": "2099-01-01"}, _editor(town), answers.path, tag)


SCENES: dict[str, Callable[[Town], Asked]] = {
    "check_item": _files,
    "propose_item": _files,
    "review_item": _review,
    "schedule_item": _schedule,
    "return_case": _return,
    "open_session": _sign_in,
    "refresh_session": _sign_in_again,
    "start_application": _begin,
    "save_application": _save,
    "add_material": _announce,
    "reuse_material": _reuse,
    "submit_application": _hand_in,
    "add_case_material": _add_material,
    "correct_case": _correct,
    "withdraw_case": _withdraw,
    "pay_case": _pay,
    "mark_notice_read": _mark_read,
    "decide_case": _decide,
}

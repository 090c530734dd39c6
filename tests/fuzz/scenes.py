"""For each route that takes a JSON body: a state in which a plain request succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.persons import ZHANG, acting
from tests.unit.identity.world import person
from tests.unit.web.contract import made
from tests.unit.web.town import CATALOGUE, FOOD, FOOD_OFFICE, TENANT, VEHICLE, Town
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.packages import files_of
from zerotrip.identity.agency import Offer
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SubjectKind,
)
from zerotrip.kernel.times import legal_day

OPENID = "oSandbox-0000000000000000001"
GIVER = Person(name="李示例", id_type="111", id_no="999999199202020026")
MINOR = "999999201606010246"
"""The number of somebody who is ten years old at the town's time."""


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
    applicant = acting(who.sub)
    draft = world.applications.start(applicant, code)
    form = _form(town, VEHICLE)
    draft = world.applications.save(applicant, draft.id, draft.version, form)
    world.upload(
        applicant,
        draft.id,
        "loss_declaration",
        b"%PDF-1.7\n%%EOF\n",
        "application/pdf",
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
    firm = acting(who.sub, Role.COMPANY)
    draft = town.world.applications.start(firm, case_no[:31])
    files = town.call("GET", "/v1/vault", who=who).body["files"]
    (rules,) = [
        each for each in files if each["used_as"][0]["material"] == "safety_rules"
    ]
    return Asked(
        {"sha256": rules["sha256"], "purpose": "用于申请经营许可", "consent": True},
        who,
        {"application_id": draft.id, "material": "safety_rules"},
    )


def _proven_by_wechat(town: Town) -> str:
    """A login of WeChat's whose person is proven by another login."""
    login, known = Login(Provider.WECHAT, OPENID), Person(openid=OPENID)
    payer = town.subjects.enter(TENANT, login, SubjectKind.NATURAL, known)
    town.world.enrol("sub-zhang")
    town.subjects.join(TENANT, payer.sub, "sub-zhang")
    return payer.sub


def _pay(town: Town) -> Asked:
    world = town.world
    payer = _proven_by_wechat(town)
    case_no = world.apply(VEHICLE, payer, "citizen")
    world.run()
    now = world.case(case_no)
    world.requests.decide(now, "officer-1", now.head.version, "approve", "材料齐全")
    world.run()
    return Asked(
        {"channel": "wechat_pay"},
        town.session(payer),
        {"case_no": case_no},
        {"If-Match": f'"v{world.case(case_no).head.version}"'},
    )


def _mark_read(town: Town) -> Asked:
    who, _, _ = _correcting(town)
    listed = town.call("GET", "/v1/notices", who=who)
    return Asked({}, who, {"notice_id": listed.body["notices"][0]["id"]})


def _signed_in(town: Town) -> Session:
    """The session of somebody who signed in this moment and is proven."""
    town.idp.people["code"] = person(
        name=ZHANG.name, id_no=ZHANG.id_no, level=Level.PRESENT
    )
    sessions = town.applicant().sessions
    return sessions.login_oidc("code", "verifier", "nonce", "https://r").session


def _bind(town: Town) -> Asked:
    return Asked(_sign_in(town).body, _signed_in(town))


def _show_at_a_window(town: Town) -> Asked:
    return Asked({}, town.session("sub-zhang"))


def _offer_power(town: Town) -> Asked:
    body = {"agent_name": GIVER.name, "agent_number": GIVER.id_no, "acts": ["all"]}
    return Asked(body, town.session("sub-zhang"))


def _offered(town: Town) -> str:
    """A power that somebody else offers to who is signed in."""
    giver = town.world.enrol("sub-giver", GIVER)
    offer = Offer(str(ZHANG.name), str(ZHANG.id_no), ("all",))
    return town.applicant().agency.offer(giver, offer).id


def _accept_power(town: Town) -> Asked:
    return Asked({}, _signed_in(town), {"power_id": _offered(town)})


def _act_under_power(town: Town) -> Asked:
    asked = _accept_power(town)
    path = "/v1/powers/{power_id}/acceptance"
    town.call("POST", path, who=asked.who, body={}, **asked.path)
    return asked


def _window(town: Town, name: str | None, number: str | None) -> Asked:
    """An officer looks at somebody who shows a code, and at a document."""
    asked = _show_at_a_window(town)
    shown = town.call("POST", "/v1/sessions/window-codes", who=asked.who, body={})
    who = town.officer("idp-hall", Role.OFFICER, department="hall", uscc=FOOD_OFFICE)
    body = {"code": shown.body["code"], "name": name, "number": number}
    return Asked({**body, "id_type": "111"}, who)


def _see_person(town: Town) -> Asked:
    return _window(town, ZHANG.name, ZHANG.id_no)


def _record_guardian(town: Town) -> Asked:
    return _window(town, "严示例", MINOR)


def _declare_kin(town: Town) -> Asked:
    asked = _see_person(town)
    return replace(asked, body={"relation": "spouse", "number": GIVER.id_no})


def _decide(town: Town) -> Asked:
    case_no = town.world.apply(FOOD, "sub-firm", "company")
    town.world.run()
    item = load(CATALOGUE / FOOD, legal_day(town.world.clock())).item
    who = town.officer(
        "idp-zhou", Role.APPROVER, department=item.department, uscc=FOOD_OFFICE
    )
    return Asked(
        {
            "decision": "refuse",
            "reasons": "经营场所不符合要求。",
            "articles": ["《中华人民共和国食品安全法》第三十五条"],
        },
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
    "bind_login": _bind,
    "open_window_code": _show_at_a_window,
    "offer_power": _offer_power,
    "accept_power": _accept_power,
    "open_power_session": _act_under_power,
    "see_person": _see_person,
    "record_guardian": _record_guardian,
    "declare_kin": _declare_kin,
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

"""A form's applicant is the proven person who is signed in; logins of one person."""

from __future__ import annotations

import pytest

from tests.unit.web.town import FOOD, VEHICLE
from tests.unit.web.whose_case import NUMBERS, People, claims, for_company
from zerotrip.cases.lifecycle import Stage
from zerotrip.identity.model import Level


@pytest.fixture
def people() -> People:
    return People()


# a form's applicant


def test_a_draft_begins_with_what_is_proven_of_its_applicant(people: People) -> None:
    draft = people.start(people.oidc(claims("zhang", telephone="13800000001")))
    assert draft.body["form"]["owner"] == {
        "name": "张示例",
        "citizen_number": NUMBERS["zhang"],
        "telephone": "13800000001",
    }
    assert set(draft.body["applicant"]["locked"]) == {
        "/owner/name",
        "/owner/citizen_number",
        "/owner/telephone",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("/owner/name", "李示例"),
        ("/owner/citizen_number", NUMBERS["li"]),
        ("/owner/telephone", "13900000009"),
    ],
)
def test_another_persons_name_number_or_telephone_is_refused_by_its_field(
    people: People, field: str, value: str
) -> None:
    zhang = people.oidc(claims("zhang", telephone="13800000001"))
    refused = people.applies(zhang, **{field: value})
    assert (refused.status, refused.code) == (422, "applicant_differs")
    assert refused.fault_codes == {f"/form{field}": "applicant_differs"}


def test_a_form_typed_before_the_proof_is_held_against_it_at_hand_in(
    people: People,
) -> None:
    unproven = people.wechat("openid-1")
    draft = people.start(unproven)
    form = people.form(
        VEHICLE, **{"/owner/name": "李示例", "/owner/citizen_number": NUMBERS["li"]}
    )
    saved = people.save(unproven, draft, form)
    assert saved.status == 200
    people.upload_all(unproven, draft, VEHICLE)
    assert people.bind(unproven, people.login(claims("zhang"))).status == 201
    refused = people.submit(unproven, saved)
    assert set(refused.fault_codes) == {
        "/form/owner/name",
        "/form/owner/citizen_number",
    }


def test_a_correction_names_nobody_else_either(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    case_no = people.case(zhang)
    officer = people.officer()
    now = people.town.world.case(case_no)
    defect = {
        "path": "/form/vehicle/model",
        "message": {"zh": "型号有误。", "en": "The model is wrong."},
        "remedy": {"zh": "请更正。", "en": "Correct it."},
    }
    told = people.town.call(
        "POST",
        "/v1/staff/cases/{case_no}/corrections",
        who=officer,
        body={"defects": [defect]},
        headers={"If-Match": f'"v{now.head.version}"'},
        case_no=case_no,
    )
    assert told.status == 201
    form = people.form(VEHICLE, **{"/owner/name": "李示例"})
    refused = people.town.call(
        "POST",
        "/v1/cases/{case_no}/corrections",
        who=zhang,
        body={"form": form},
        headers={"If-Match": told.headers["ETag"]},
        case_no=case_no,
    )
    assert refused.fault_codes == {"/form/owner/name": "applicant_differs"}


def test_a_name_is_the_same_in_every_writing_of_its_middle_dot(people: People) -> None:
    who = people.oidc(claims("zhang", name="阿依·示例"))
    draft = people.start(who)
    form = people.form(VEHICLE, **draft.body["applicant"]["locked"])
    form["owner"]["name"] = " 阿依•示例\u2028"
    assert people.save(who, draft, form).body["form"]["owner"]["name"] == "阿依·示例"
    people.upload_all(who, draft, VEHICLE)
    assert people.submit(who, draft).status == 202


def test_a_text_that_no_licence_can_show_is_refused_by_its_field(
    people: People,
) -> None:
    who = people.oidc(claims("zhang"))
    refused = people.applies(who, **{"/addressee/address": "示例街道\x1f一号"})
    assert refused.fault_codes == {"/form/addressee/address": "text_unprintable"}


def test_a_rare_character_is_told_where_the_register_writes_another(
    people: People,
) -> None:
    who = people.oidc(claims("zhang", name="𠮷示例"))
    refused = people.applies(who, **{"/owner/name": "吉示例"})
    assert refused.fault_codes == {"/form/owner/name": "applicant_differs"}


def test_a_companys_name_code_and_representative_are_the_registers(
    people: People,
) -> None:
    agent = people.oidc(for_company("wang"))
    for field, value in {
        "/company/name": "示例冒名有限公司",
        "/company/uscc": "91999999MA00000079",
        "/company/legal_representative": "王示例",
    }.items():
        refused = people.applies(agent, FOOD, **{field: value})
        assert refused.fault_codes == {f"/form{field}": "applicant_differs"}
    assert people.applies(agent, FOOD).status == 202


# levels


@pytest.mark.parametrize("level", [Level.DECLARED, Level.MATCHED])
def test_below_the_items_level_nothing_is_handed_in_and_the_draft_is_kept(
    people: People, level: Level
) -> None:
    who = people.oidc(claims("zhang", level=level))
    draft = people.start(who)
    assert not draft.body["applicant"]["enough"]
    assert "实名认证" in draft.body["applicant"]["zh"]
    saved = people.save(who, draft, people.form(VEHICLE))
    people.upload_all(who, draft, VEHICLE)
    refused = people.submit(who, saved)
    assert (refused.status, refused.code) == (403, "identity_level_too_low")
    assert refused.body["required"] == "present"
    stepped_up = people.oidc(claims("zhang", level=Level.PRESENT))
    assert people.submit(stepped_up, saved).status == 202


def test_a_level_that_the_provider_takes_back_lets_no_rule_decide(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    world = people.town.world
    people.lets_a_rule_decide()
    case_no = people.applies(zhang).body["case_no"]
    people.oidc(claims("zhang", level=Level.MATCHED))
    world.run()
    now = world.case(case_no)
    assert now.stage is Stage.IN_REVIEW
    (task,) = world.records.rows(now.key, "TASK#")
    assert task.data["checks"] == ["identity_level_too_low"]


def test_a_rule_decides_for_nobody_but_whom_the_form_names_still(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    world = people.town.world
    people.lets_a_rule_decide()
    case_no = people.applies(zhang).body["case_no"]
    people.oidc(claims("zhang", name="张新示例"))
    world.run()
    (task,) = world.records.rows(world.case(case_no).key, "TASK#")
    assert task.data["checks"] == ["applicant_differs"]


def test_nothing_is_granted_to_an_applicant_who_is_not_proven_any_more(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    case_no = people.case(zhang)
    people.oidc(claims("zhang", level=Level.DECLARED))
    refused = people.decides(people.officer(), case_no)
    assert (refused.status, refused.code) == (409, "applicant_unproven")
    assert people.decides(people.officer(), case_no, "refuse").status == 201


def test_officers_see_who_applied_how_and_at_which_level(people: People) -> None:
    case_no = people.case(people.oidc(claims("zhang")))
    seen = people.town.call(
        "GET", "/v1/staff/cases/{case_no}", who=people.officer(), case_no=case_no
    )
    assert seen.body["applicant"]["level"] == "present"
    assert seen.body["applicant"]["name"] == "张示例"
    assert seen.body["applicant"]["acted_for_by"] is None


def test_an_answer_that_is_kept_for_a_repeat_names_nobody(people: People) -> None:
    who, key = people.oidc(claims("zhang")), {"Idempotency-Key": "a-key-0001"}
    body = {"item_code": people.vehicle}
    asked = ("POST", "/v1/applications")
    first = people.town.call(*asked, who=who, body=body, headers=key)
    again = people.town.call(*asked, who=who, body=body, headers=key)
    assert again.status == first.status == 201
    assert again.body["application_id"] == first.body["application_id"]
    offer = {"agent_name": "李示例", "agent_number": NUMBERS["li"], "acts": ["all"]}
    asked = ("POST", "/v1/powers")
    first = people.town.call(*asked, who=who, body=offer, headers=key)
    again = people.town.call(*asked, who=who, body=offer, headers=key)
    assert again.body == first.body
    kept = repr(people.town.world.tables.rows)
    assert "张示例" not in kept
    assert NUMBERS["zhang"] not in kept


# at a window


def test_a_window_code_is_good_for_one_entry(people: People) -> None:
    zhang = people.wechat("openid-1")
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    body = {"code": code.body["code"], "name": "张示例", "number": NUMBERS["zhang"]}
    window, who = "/v1/staff/identities", people.officer()
    assert people.town.call("POST", window, who=who, body=body).status == 201
    again = people.town.call("POST", window, who=who, body=body)
    assert (again.status, again.code) == (404, "window_code_unknown")


def test_who_vouched_makes_the_next_entry_and_a_refused_one_costs_no_code(
    people: People,
) -> None:
    zhang, who = people.wechat("openid-1"), people.officer()
    for name, window, number in (
        ("张示例", "/v1/staff/identities", NUMBERS["zhang"]),
        ("严示例", "/v1/staff/guardians", NUMBERS["yan"]),
    ):
        code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
        body = {"code": code.body["code"], "name": name, "number": number}
        wrong = {**body, "number": NUMBERS["li"]}
        if "guardians" in window:
            refused = people.town.call("POST", window, who=who, body=wrong)
            assert refused.fault_codes == {"/number": "minor_wrong"}
        entered = people.town.call("POST", window, who=who, body=body)
        assert entered.status == 201


def test_a_known_number_has_one_name_at_every_window(people: People) -> None:
    people.oidc(claims("zhang"))
    code = people.town.call(
        "POST", "/v1/sessions/window-codes", who=people.wechat("openid-1")
    )
    body = {"code": code.body["code"], "name": "冒名示例", "number": NUMBERS["zhang"]}
    refused = people.town.call(
        "POST", "/v1/staff/identities", who=people.officer(), body=body
    )
    assert refused.fault_codes == {"/name": "name_differs"}


def test_a_document_is_of_the_kind_that_its_number_says(people: People) -> None:
    code = people.town.call(
        "POST", "/v1/sessions/window-codes", who=people.wechat("openid-1")
    )
    body = {"code": code.body["code"], "name": "张示例", "id_type": "414"}
    refused = people.town.call(
        "POST",
        "/v1/staff/identities",
        who=people.officer(),
        body={**body, "number": NUMBERS["zhang"]},
    )
    assert refused.fault_codes == {"/id_type": "document_wrong"}


def test_an_officer_at_a_window_proves_somebody_who_scans_no_face(
    people: People,
) -> None:
    zhang = people.wechat("openid-1")
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    officer = people.officer()
    body = {
        "code": code.body["code"],
        "name": "张示例",
        "id_type": "111",
        "number": NUMBERS["zhang"],
    }
    seen = people.town.call("POST", "/v1/staff/identities", who=officer, body=body)
    assert (seen.status, seen.body["level"]) == (201, "strong")
    case_no = people.case(zhang)
    shown = people.town.call(
        "GET",
        "/v1/staff/cases/{case_no}",
        who=people.officer("qin"),
        case_no=case_no,
    )
    assert shown.body["applicant"]["seen_by"] == officer.sub
    # Who stands for somebody's identity does not decide their case too.
    assert people.decides(officer, case_no).code == "own_case"


def test_a_window_code_is_good_for_a_quarter_of_an_hour(people: People) -> None:
    code = people.town.call(
        "POST", "/v1/sessions/window-codes", who=people.wechat("openid-1")
    )
    people.town.world.clock.forward(minutes=15)
    officer = people.officer()
    body = {"code": code.body["code"], "name": "张示例", "number": NUMBERS["zhang"]}
    refused = people.town.call("POST", "/v1/staff/identities", who=officer, body=body)
    assert (refused.status, refused.code) == (404, "window_code_unknown")


def test_no_officer_proves_himself_at_the_window(people: People) -> None:
    officer = people.officer()
    own = people.wechat("openid-of-zhao")
    code = people.town.call("POST", "/v1/sessions/window-codes", who=own)
    body = {"code": code.body["code"], "name": "赵示例", "number": NUMBERS["zhao"]}
    refused = people.town.call("POST", "/v1/staff/identities", who=officer, body=body)
    assert (refused.status, refused.code) == (403, "own_case")


# one person, many logins


def test_what_either_login_began_both_reach_and_nothing_is_moved(
    people: People,
) -> None:
    proven = people.oidc(claims("zhang"))
    by_oidc = people.case(proven)
    wechat = people.bound("openid-1", claims("zhang"))
    by_wechat = people.case(wechat)
    for who in (proven, wechat):
        listed = people.town.call("GET", "/v1/cases", who=who)
        assert {each["case_no"] for each in listed.body["cases"]} == {
            by_oidc,
            by_wechat,
        }
        assert people.read(who, by_oidc).status == 200
        assert people.read(who, by_wechat).status == 200
    assert people.town.world.case(by_oidc).case.sub == proven.sub
    assert people.town.world.case(by_wechat).case.sub == wechat.sub


def test_logins_are_bound_in_either_order(people: People) -> None:
    proven = people.oidc(claims("zhang"))
    answered = people.bind(
        proven, {"provider": "wechat_mini_program", "code": "openid-1"}
    )
    assert [each["provider"] for each in answered.body["bindings"]] == [
        "oidc",
        "wechat_mini_program",
    ]
    assert people.town.world.callers.acting(people.wechat("openid-1")).level == (
        "present"
    )


def test_a_login_of_somebody_else_is_refused_without_telling_whose(
    people: People,
) -> None:
    people.bound("openid-of-li", claims("li"))
    zhang = people.oidc(claims("zhang"))
    for body in (
        {"provider": "wechat_mini_program", "code": "openid-of-li"},
        people.login(claims("li")),
    ):
        refused = people.bind(zhang, body)
        assert (refused.status, refused.code) == (409, "login_bound_elsewhere")
        assert "李" not in str(refused.body)


def test_binding_the_same_login_again_changes_nothing(people: People) -> None:
    zhang = people.bound("openid-1", claims("zhang"))
    before = people.town.call("GET", "/v1/sessions/bindings", who=zhang)
    again = people.bind(zhang, people.login(claims("zhang")))
    assert (again.status, again.body) == (201, before.body)


def test_a_binding_wants_a_fresh_proof_of_both(people: People) -> None:
    zhang = people.wechat("openid-1")
    people.town.world.clock.forward(seconds=601)
    refused = people.bind(zhang, people.login(claims("zhang")))
    assert (refused.status, refused.code) == (403, "proof_not_fresh")


def test_two_unproven_logins_are_nobodys_in_common(people: People) -> None:
    who = people.wechat("openid-1")
    refused = people.bind(who, {"provider": "wechat_mini_program", "code": "openid-2"})
    assert (refused.status, refused.code) == (403, "identity_level_too_low")


def test_a_person_has_eight_logins_at_the_most(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    for number in range(7):
        body = {"provider": "wechat_mini_program", "code": f"openid-{number}"}
        assert people.bind(zhang, body).status == 201
    body = {"provider": "wechat_mini_program", "code": "openid-7"}
    refused = people.bind(zhang, body)
    assert (refused.status, refused.code) == (409, "too_many_logins")


def test_an_unbound_login_opens_nothing_and_the_person_loses_nothing(
    people: People,
) -> None:
    proven = people.oidc(claims("zhang"))
    wechat = people.bound("openid-1", claims("zhang"))
    case_no = people.case(wechat)
    gone = people.town.call(
        "DELETE",
        "/v1/sessions/bindings/{binding_id}",
        who=proven,
        binding_id=wechat.sub,
    )
    assert gone.status == 204
    assert people.read(wechat, case_no).status == 401
    assert people.read(people.wechat("openid-1"), case_no).status == 404
    assert people.read(proven, case_no).status == 200


def test_the_last_login_and_an_officers_login_stay(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    route = "/v1/sessions/bindings/{binding_id}"
    refused = people.town.call("DELETE", route, who=zhang, binding_id=zhang.sub)
    assert (refused.status, refused.code) == (409, "last_login")
    officer = people.officer()
    private = people.bound("openid-of-zhao", claims("zhao", sub="idp-zhao"))
    refused = people.town.call("DELETE", route, who=private, binding_id=officer.sub)
    assert (refused.status, refused.code) == (409, "officer_login_stays")


def test_an_openid_that_wechat_gave_to_somebody_else_opens_nothing_of_before(
    people: People,
) -> None:
    people.town.wechat.unionids = {"openid-1": "union-of-zhang"}
    wechat = people.bound("openid-1", claims("zhang"))
    case_no = people.case(wechat)
    people.town.wechat.unionids = {"openid-1": "union-of-another"}
    another = people.wechat("openid-1")
    assert another.sub != wechat.sub
    assert people.read(another, case_no).status == 404
    assert people.read(wechat, case_no).status == 401
    assert people.read(people.oidc(claims("zhang")), case_no).status == 200


def test_who_proved_himself_by_oidc_pays_at_wechat_with_the_bound_openid(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    case_no = people.case(zhang)
    people.decides(people.officer(), case_no)
    people.town.world.run()
    tag = people.read(zhang, case_no).headers["ETag"]

    def pays() -> object:
        return people.town.call(
            "POST",
            "/v1/cases/{case_no}/payments",
            who=zhang,
            body={"channel": "wechat_pay"},
            headers={"If-Match": tag},
            case_no=case_no,
        )

    unknown = pays()
    assert unknown.code == "payer_unknown"  # type: ignore[attr-defined]
    people.bind(zhang, {"provider": "wechat_mini_program", "code": "openid-1"})
    assert pays().status == 201  # type: ignore[attr-defined]
    (order,) = people.town.channel.orders.values()
    assert "openid-1" in order.content


# the own-case rule


def test_an_officer_who_applied_by_wechat_neither_sees_nor_decides(
    people: People,
) -> None:
    officer = people.officer()
    private = people.bound("openid-of-zhao", claims("zhao", sub="idp-zhao"))
    case_no = people.case(private)
    assert case_no not in people.tasks(officer)
    refused = people.decides(officer, case_no)
    assert (refused.status, refused.code) == (403, "own_case")
    assert case_no in people.tasks(people.officer("sun"))
    seen = people.town.call(
        "GET", "/v1/staff/cases/{case_no}", who=officer, case_no=case_no
    )
    assert (seen.status, seen.code) == (403, "own_case")


def test_an_officer_who_is_bound_after_he_applied_is_kept_away_too(
    people: People,
) -> None:
    second = claims("zhao", sub="idp-zhao-private")
    private = people.oidc(second)
    case_no = people.case(private)
    officer = people.officer()
    # The two logins are proven by one number, bound or not.
    assert people.decides(officer, case_no).code == "own_case"


def test_declared_kin_keep_an_officer_away(people: People) -> None:
    case_no = people.case(people.oidc(claims("zhang")))
    officer = people.officer("sun")
    body = {"relation": "spouse", "number": NUMBERS["zhang"]}
    kin = people.town.call("POST", "/v1/staff/kin", who=officer, body=body)
    assert kin.body["kin"][0]["relation"] == "spouse"
    assert people.tasks(officer) == []
    assert people.decides(officer, case_no).code == "own_case"

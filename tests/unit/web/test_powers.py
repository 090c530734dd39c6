"""Companies, agents and guardians: who may act for whom, and until when."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.web.town import FOOD, VEHICLE, Answered
from tests.unit.web.whose_case import NUMBERS, People, claims, for_company
from zerotrip.identity.model import Level, Session
from zerotrip.kernel import times

FOREVER = {"acts": ["all"]}


@pytest.fixture
def people() -> People:
    return People()


def offers(people: People, principal: Session, **asked: Any) -> Answered:
    body = {"agent_name": "李示例", "agent_number": NUMBERS["li"], "acts": ["all"]}
    return people.town.call("POST", "/v1/powers", who=principal, body={**body, **asked})


def accepts(people: People, agent: Session, power: Answered) -> Answered:
    return people.town.call(
        "POST",
        "/v1/powers/{power_id}/acceptance",
        who=agent,
        power_id=power.body["power_id"],
    )


def acts_under(people: People, agent: Session, power: Answered) -> Session:
    return people.session(
        people.town.call(
            "POST",
            "/v1/powers/{power_id}/sessions",
            who=agent,
            power_id=power.body["power_id"],
        )
    )


def revokes(people: People, who: Session, power: Answered) -> int:
    return people.town.call(
        "DELETE", "/v1/powers/{power_id}", who=who, power_id=power.body["power_id"]
    ).status


def authorised(people: People, **asked: Any) -> tuple[Session, Session, Answered]:
    """The principal zhang, li's session for zhang, and the power."""
    zhang, li = people.oidc(claims("zhang")), people.oidc(claims("li"))
    power = offers(people, zhang, **asked)
    assert accepts(people, li, power).status == 200
    return zhang, acts_under(people, li, power), power


# companies


def test_a_company_acts_by_its_agent_and_everything_says_so(people: People) -> None:
    agent = people.oidc(for_company("wang"))
    answered = people.applies(agent, FOOD)
    case_no = answered.body["case_no"]
    people.town.world.run()
    received = people.town.world.history(case_no)[0]
    assert received.actor == agent.actor != agent.sub
    assert received.body["on_behalf"] == {
        "principal": agent.sub,
        "power": agent.power,
        "office": "agent",
    }
    shown = people.read(agent, case_no).body
    assert shown["handed_in_by"]["name"] == "王示例"
    assert shown["timeline"][0]["on_behalf"]["zh"] == "代理人"
    # The company is told that somebody acted for it; who did so knows.
    inbox = people.town.call("GET", "/v1/notices", who=agent).body["notices"]
    assert not any(each["by_agent"] for each in inbox)
    head = people.oidc(
        for_company(
            "qin",
            role="representative",
            representative="秦示例",
            representative_no=NUMBERS["qin"],
        )
    )
    inbox = people.town.call("GET", "/v1/notices", who=head).body["notices"]
    assert all(each["by_agent"] for each in inbox)
    assert "代为办理" in inbox[0]["text"]["zh"]


def test_a_sole_trader_acts_by_the_operator(people: People) -> None:
    trader = people.oidc(
        for_company(
            "qin",
            name="示例小吃店",
            uscc="92999999MA0000031N",
            kind="sole_trader",
            role="representative",
            representative="秦示例",
            representative_no=NUMBERS["qin"],
        )
    )
    assert people.applies(trader, FOOD).status == 202


def test_nobody_is_a_representative_by_another_persons_number(people: People) -> None:
    false = people.oidc(for_company("wang", role="representative"))
    assert people.town.world.callers.acting(false).power is not None
    assert people.town.world.callers.acting(false).power.office == "agent"  # type: ignore[union-attr]


def test_a_company_that_is_deregistered_opens_no_session(people: People) -> None:
    agent = people.oidc(for_company("wang"))
    refused = people.signs_in(for_company("qin", status="deregistered"))
    assert (refused.status, refused.code) == (403, "subject_deregistered")
    draft = people.start(agent, FOOD)
    assert (draft.status, draft.code) == (403, "principal_deregistered")


def test_a_new_representative_ends_what_the_former_one_gave(people: People) -> None:
    people.oidc(for_company("li", role="representative"))
    agent = people.oidc(for_company("wang"))
    people.oidc(
        for_company(
            "qin",
            role="representative",
            representative="秦示例",
            representative_no=NUMBERS["qin"],
        )
    )
    refused = people.start(agent, FOOD)
    assert (refused.status, refused.code) == (403, "representative_changed")


def test_an_e_business_licence_lets_an_agent_do_some_acts_for_a_time(
    people: People,
) -> None:
    now = people.town.world.clock()
    agent = people.oidc(
        for_company(
            "wang",
            source="e_business_licence",
            powers=frozenset({"apply"}),
            until=now + timedelta(days=7),
        )
    )
    answered = people.applies(agent, FOOD)
    assert answered.status == 202
    refused = people.town.call("GET", "/v1/notices", who=agent)
    assert (refused.status, refused.code) == (403, "power_missing")
    people.town.world.clock.forward(days=7)
    agent = people.session(people.signs_in(for_company("qin")))  # another agent works
    late = people.signs_in(
        for_company(
            "wang",
            source="e_business_licence",
            powers=frozenset({"apply"}),
            until=now + timedelta(days=7),
        )
    )
    assert (late.status, late.code) == (403, "power_expired")


def test_an_agent_for_some_items_does_not_begin_another(people: People) -> None:
    agent = people.oidc(for_company("wang", items=(people.vehicle,)))
    refused = people.start(agent, FOOD)
    assert (refused.status, refused.code) == (403, "power_missing")


def test_an_agent_of_two_companies_works_in_two_tabs(people: People) -> None:
    first = people.oidc(for_company("wang"))
    second = people.oidc(
        for_company(
            "wang",
            name="示例食品有限公司",
            uscc="91999999MA00000079",
            representative="秦示例",
            representative_no=NUMBERS["qin"],
        )
    )
    one, two = people.applies(first, FOOD), people.applies(second, FOOD)
    assert (one.status, two.status) == (202, 202)
    for who, own, other in ((first, one, two), (second, two, one)):
        assert people.read(who, own.body["case_no"]).status == 200
        assert people.read(who, other.body["case_no"]).status == 404


def test_a_representative_revokes_an_agent_from_the_next_request_on(
    people: People,
) -> None:
    agent = people.oidc(for_company("wang"))
    boss = people.oidc(for_company("li", role="representative"))
    given = people.town.call("GET", "/v1/powers", who=boss).body["given"]
    (power,) = [each for each in given if each["agent"]["name"] == "王示例"]
    gone = people.town.call(
        "DELETE", "/v1/powers/{power_id}", who=boss, power_id=power["power_id"]
    )
    assert gone.status == 204
    assert people.start(agent, FOOD).code == "power_revoked"
    assert people.signs_in(for_company("wang")).code == "power_revoked"


# people who let others act


def test_what_was_offered_is_accepted_and_applied_for(people: People) -> None:
    zhang, for_zhang, _ = authorised(people)
    draft = people.start(for_zhang)
    assert draft.body["form"]["owner"]["name"] == "张示例"
    answered = people.applies(for_zhang)
    assert answered.status == 202
    case_no = answered.body["case_no"]
    assert people.read(zhang, case_no).body["handed_in_by"]["name"] == "李示例"
    assert people.town.world.case(case_no).case.sub == zhang.sub


def test_an_agent_may_not_name_himself_as_the_applicant(people: People) -> None:
    _, for_zhang, _ = authorised(people)
    refused = people.applies(for_zhang, **{"/owner/name": "李示例"})
    assert refused.fault_codes == {"/form/owner/name": "applicant_differs"}


def test_only_whom_it_was_offered_to_finds_and_takes_an_offer(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    power = offers(people, zhang)
    stranger = people.oidc(claims("wang"))
    held = people.town.call("GET", "/v1/powers", who=stranger).body["held"]
    assert held == []
    assert accepts(people, stranger, power).code == "power_unknown"
    unproven = people.oidc(claims("li", sub="idp-false", level=Level.MATCHED))
    assert accepts(people, unproven, power).code == "identity_level_too_low"


def test_an_offer_tells_nobody_who_is_known_here(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    people.oidc(claims("li"))
    known = offers(people, zhang)
    unknown = offers(people, zhang, agent_name="无此人", agent_number="E12345678")
    assert (known.status, known.body["agent"]) == (unknown.status, None)
    assert unknown.body["agent"] is None


def test_an_offer_is_too_old_after_a_week(people: People) -> None:
    power = offers(people, people.oidc(claims("zhang")))
    people.town.world.clock.forward(days=7)
    refused = accepts(people, people.oidc(claims("li")), power)
    assert (refused.status, refused.code) == (409, "power_not_offered")


def test_a_power_ends_between_draft_and_hand_in(people: People) -> None:
    zhang, for_zhang, power = authorised(people)
    draft = people.start(for_zhang)
    saved = people.save(for_zhang, draft, people.form(VEHICLE))
    people.upload_all(for_zhang, draft, VEHICLE)
    assert revokes(people, zhang, power) == 204
    refused = people.submit(for_zhang, saved)
    assert (refused.status, refused.code) == (403, "power_revoked")
    # The draft is the principal's, and goes on.
    assert people.submit(zhang, saved).status == 202


def test_a_power_ends_between_hand_in_and_payment(people: People) -> None:
    moment = people.town.world.clock() + timedelta(minutes=10)
    zhang, for_zhang, _ = authorised(people, ends_at=times.to_text(moment))
    case_no = people.applies(for_zhang).body["case_no"]
    people.town.world.run()
    people.decides(people.officer(), case_no)
    people.town.world.run()
    tag = people.read(for_zhang, case_no).headers["ETag"]
    people.town.world.clock.forward(minutes=10)

    def pays(who: Session) -> Answered:
        return people.town.call(
            "POST",
            "/v1/cases/{case_no}/payments",
            who=who,
            body={"channel": "wechat_pay"},
            headers={"If-Match": tag},
            case_no=case_no,
        )

    assert pays(for_zhang).code == "power_expired"
    assert pays(zhang).code == "payer_unknown"


def test_an_agent_pays_with_a_login_of_his_own(people: People) -> None:
    zhang = people.bound("openid-of-zhang", claims("zhang"))
    li = people.bound("openid-of-li", claims("li"))
    power = offers(people, zhang)
    accepts(people, li, power)
    for_zhang = acts_under(people, li, power)
    case_no = people.case(for_zhang)
    people.decides(people.officer(), case_no)
    people.town.world.run()
    paid = people.town.call(
        "POST",
        "/v1/cases/{case_no}/payments",
        who=for_zhang,
        body={"channel": "wechat_pay"},
        headers={"If-Match": people.read(for_zhang, case_no).headers["ETag"]},
        case_no=case_no,
    )
    assert paid.status == 201
    (order,) = people.town.channel.orders.values()
    assert "openid-of-li" in order.content


@pytest.mark.parametrize(
    ("acts", "refused"),
    [
        (["pay"], "POST /v1/applications"),
        (["apply"], "GET /v1/notices"),
        (["receive"], "GET /v1/vault"),
    ],
)
def test_a_power_allows_its_acts_and_no_other(
    people: People, acts: list[str], refused: str
) -> None:
    _, for_zhang, _ = authorised(people, acts=acts)
    method, route = refused.split()
    body = {"item_code": people.vehicle} if method == "POST" else None
    answered = people.town.call(method, route, who=for_zhang, body=body)
    assert (answered.status, answered.code) == (403, "power_missing")


def test_who_may_not_receive_names_no_address(people: People) -> None:
    _, for_zhang, _ = authorised(people, acts=["apply"])
    refused = people.start(for_zhang)
    assert (refused.status, refused.code) == (403, "power_missing")
    assert refused.body["act"] == "receive"


def _sent_back(people: People, applicant: Session) -> str:
    """A case of theirs whose corrections were asked for."""
    case_no = people.case(applicant)
    defect = {
        "path": "/form/vehicle/model",
        "message": {"zh": "型号有误。", "en": "The model is wrong."},
        "remedy": {"zh": "请更正。", "en": "Correct it."},
    }
    people.town.call(
        "POST",
        "/v1/staff/cases/{case_no}/corrections",
        who=people.officer(),
        body={"defects": [defect]},
        headers={"If-Match": people.read(applicant, case_no).headers["ETag"]},
        case_no=case_no,
    )
    return case_no


def test_only_an_agent_who_may_apply_sees_the_form_to_correct(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    case_no = _sent_back(people, zhang)
    own = people.read(zhang, case_no).body["handed_in"]
    assert own["form"]["vehicle"]["model"]
    li = people.oidc(claims("li"))
    for acts, seen in (["apply"], own), (["pay", "receive"], None):
        power = offers(people, zhang, acts=acts)
        accepts(people, li, power)
        found = people.read(acts_under(people, li, power), case_no)
        assert (found.body["stage"], found.body["handed_in"]) == ("correcting", seen)


def test_no_agent_sees_the_form_of_what_one_corrects_in_person(people: People) -> None:
    zhang, for_zhang, _ = authorised(people)
    people.in_person()
    case_no = _sent_back(people, zhang)
    assert people.read(zhang, case_no).body["handed_in"]
    found = people.read(for_zhang, case_no).body
    assert (found["stage"], found["handed_in"]) == ("correcting", None)


def test_a_power_for_one_case_reaches_no_other(people: People) -> None:
    zhang, li = people.oidc(claims("zhang")), people.oidc(claims("li"))
    one, other = people.case(zhang), people.case(zhang)
    power = offers(people, zhang, case_no=one)
    accepts(people, li, power)
    for_zhang = acts_under(people, li, power)
    assert people.read(for_zhang, one).status == 200
    assert people.read(for_zhang, other).status == 404
    listed = people.town.call("GET", "/v1/cases", who=for_zhang).body["cases"]
    assert [each["case_no"] for each in listed] == [one]
    assert people.start(for_zhang).code == "power_missing"


def test_an_agent_gives_nothing_on_and_manages_no_logins(people: People) -> None:
    _, for_zhang, _ = authorised(people)
    assert offers(people, for_zhang).code == "power_not_yours_to_give"
    refused = people.bind(
        for_zhang, {"provider": "wechat_mini_program", "code": "openid-9"}
    )
    assert refused.code == "bind_only_persons"


def test_an_agent_may_lay_the_power_down(people: People) -> None:
    _, for_zhang, power = authorised(people)
    li = people.oidc(claims("li"))
    assert revokes(people, li, power) == 204
    assert people.start(for_zhang).code == "power_revoked"


def test_a_principal_who_died_is_represented_by_nobody(people: People) -> None:
    zhang, for_zhang, _ = authorised(people)
    case_no = people.applies(for_zhang).body["case_no"]
    people.town.subjects.note("441882", zhang.sub, ended="deceased")
    assert people.start(for_zhang).code == "principal_deceased"
    assert people.start(zhang).code == "subject_deceased"
    people.town.world.run()
    refused = people.decides(people.officer(), case_no)
    assert (refused.status, refused.code) == (409, "applicant_unproven")


@pytest.mark.parametrize(
    "changed",
    [
        {"acts": []},
        {"acts": ["decide"]},
        {"agent_number": "1"},
        {"ends_at": "2020-01-01T00:00:00Z"},
        {"ends_at": "tomorrow"},
        {"item_code": "x"},
    ],
)
def test_a_power_that_is_none_is_refused_by_its_field(
    people: People, changed: dict[str, Any]
) -> None:
    refused = offers(people, people.oidc(claims("zhang")), **changed)
    assert refused.status == 422
    assert [path.split("/")[1] for path in refused.fault_codes] == list(changed)


def test_an_agent_is_kept_from_deciding_as_an_officer(people: People) -> None:
    officer = people.officer("li")
    private = people.bound("openid-of-li", claims("li", sub="idp-li"))
    zhang = people.oidc(claims("zhang"))
    power = offers(people, zhang)
    accepts(people, private, power)
    case_no = people.case(acts_under(people, private, power))
    assert case_no not in people.tasks(officer)
    assert people.decides(officer, case_no).code == "own_case"


def test_who_only_helped_with_the_draft_does_not_decide_it_either(
    people: People,
) -> None:
    officer = people.officer("li")
    private = people.bound("openid-of-li", claims("li", sub="idp-li"))
    zhang = people.oidc(claims("zhang"))
    power = offers(people, zhang)
    accepts(people, private, power)
    case_no = people.case(zhang)
    assert revokes(people, zhang, power) == 204
    assert case_no not in people.tasks(officer)
    assert people.decides(officer, case_no).code == "own_case"


def test_an_item_for_oneself_alone_is_offered_to_no_agent(people: People) -> None:
    people.in_person()
    zhang = people.oidc(claims("zhang"))
    refused = offers(people, zhang, item_code=people.vehicle)
    assert (refused.status, refused.code) == (403, "agents_forbidden")


def test_no_agent_touches_what_one_does_in_person(people: People) -> None:
    zhang, for_zhang, _ = authorised(people)
    draft = people.start(zhang)
    case_no = people.case(zhang)
    people.in_person()
    assert people.start(for_zhang).code == "agents_forbidden"
    drafted = people.start(zhang)
    assert people.save(for_zhang, drafted, {}).code == "agents_forbidden"
    assert people.save(for_zhang, draft, {}).status == 200  # begun before
    assert people.read(for_zhang, case_no).status == 200


@pytest.mark.parametrize(
    ("method", "route", "body"),
    [
        ("POST", "/v1/cases/{case_no}/corrections", {}),
        ("POST", "/v1/cases/{case_no}/withdrawal", None),
    ],
)
def test_no_agent_moves_a_running_case_that_is_ones_own_alone(
    people: People, method: str, route: str, body: dict[str, Any] | None
) -> None:
    people.in_person()
    zhang, for_zhang, _ = authorised(people)
    case_no = people.case(zhang)
    seen = {"If-Match": people.read(zhang, case_no).headers["ETag"]}
    asked = {"body": body, "headers": seen, "case_no": case_no}
    refused = people.town.call(method, route, who=for_zhang, **asked)
    assert (refused.status, refused.code) == (403, "agents_forbidden")


def test_an_offer_says_until_when_it_stands_and_why_it_does_not_hold_yet(
    people: People,
) -> None:
    offered = offers(people, people.oidc(claims("zhang"))).body
    assert offered["accept_until"].startswith("2026-11-27")
    assert "请先接受委托" in offered["because_words"]["zh"]


def test_an_offer_for_later_is_taken_within_the_week_as_well(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    power = offers(people, zhang, starts_at="2036-01-01T00:00:00.000Z")
    people.town.world.clock.forward(days=8)
    li = people.oidc(claims("li"))
    assert accepts(people, li, power).code == "power_not_offered"


@pytest.mark.parametrize(
    "number", ["999999199001010010", NUMBERS["zhang"]], ids=["no number", "one's own"]
)
def test_an_agent_is_somebody_else_with_a_number(people: People, number: str) -> None:
    refused = offers(people, people.oidc(claims("zhang")), agent_number=number)
    assert (refused.status, refused.code) == (422, "power_invalid")


def test_a_representative_does_not_lock_himself_out(people: People) -> None:
    said = for_company(
        "qin",
        role="representative",
        representative="秦示例",
        representative_no=NUMBERS["qin"],
    )
    head = people.oidc(said)
    refused = people.town.call(
        "DELETE", "/v1/powers/{power_id}", who=head, power_id=head.power
    )
    assert (refused.status, refused.code) == (403, "representative_stays")


# minors


def test_a_minor_accepts_no_power(people: People) -> None:
    body = {"agent_name": "严示例", "agent_number": NUMBERS["yan"]}
    power = offers(people, people.oidc(claims("zhang")), **body)
    refused = accepts(people, people.oidc(claims("yan")), power)
    assert (refused.status, refused.code) == (403, "guardian_needed")


def test_a_child_is_nobodys_guardian(people: People) -> None:
    yan = people.oidc(claims("yan"))
    code = people.town.call("POST", "/v1/sessions/window-codes", who=yan)
    body = {"code": code.body["code"], "name": "严示例", "number": NUMBERS["yan"]}
    refused = people.town.call(
        "POST", "/v1/staff/guardians", who=people.officer(), body=body
    )
    assert refused.fault_codes == {"/code": "guardian_wrong"}


def test_a_child_does_not_end_the_guardianship(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    body = {"code": code.body["code"], "name": "严示例", "number": NUMBERS["yan"]}
    recorded = people.town.call(
        "POST", "/v1/staff/guardians", who=people.officer(), body=body
    )
    refused = people.town.call(
        "DELETE",
        "/v1/powers/{power_id}",
        who=people.oidc(claims("yan")),
        power_id=recorded.body["power_id"],
    )
    assert (refused.status, refused.code) == (403, "guardian_stays")


def test_a_minor_does_not_apply_alone(people: People) -> None:
    refused = people.start(people.oidc(claims("yan")))
    assert (refused.status, refused.code) == (403, "guardian_needed")


def test_a_guardian_who_was_seen_at_a_window_acts_for_the_child(
    people: People,
) -> None:
    zhang = people.oidc(claims("zhang"))
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    body = {"code": code.body["code"], "name": "严示例", "number": NUMBERS["yan"]}
    recorded = people.town.call(
        "POST", "/v1/staff/guardians", who=people.officer(), body=body
    )
    assert recorded.status == 201
    assert recorded.body["ends_at"].startswith("2034-05-31")
    for_child = acts_under(people, zhang, recorded)
    answered = people.applies(for_child)
    assert answered.status == 202
    history = people.town.world.history(answered.body["case_no"])
    assert history[0].body["on_behalf"]["office"] == "guardian"


def test_of_full_age_one_finds_what_a_guardian_began(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    body = {"code": code.body["code"], "name": "严示例", "number": NUMBERS["yan"]}
    recorded = people.town.call(
        "POST", "/v1/staff/guardians", who=people.officer(), body=body
    )
    case_no = people.applies(acts_under(people, zhang, recorded)).body["case_no"]
    own = people.oidc(claims("yan"))
    assert people.read(own, case_no).status == 200


def test_no_guardian_is_recorded_for_somebody_of_age(people: People) -> None:
    zhang = people.oidc(claims("zhang"))
    code = people.town.call("POST", "/v1/sessions/window-codes", who=zhang)
    body = {"code": code.body["code"], "name": "李示例", "number": NUMBERS["li"]}
    refused = people.town.call(
        "POST", "/v1/staff/guardians", who=people.officer(), body=body
    )
    assert refused.fault_codes == {"/number": "minor_wrong"}

"""Every route of version 1 says who may call it; everything else is refused."""

from __future__ import annotations

import pytest

from tests.unit.identity.world import NOON
from zerotrip.identity.model import Level, Role, Session, SessionRefused
from zerotrip.identity.permissions import (
    ACTS,
    PERMISSIONS,
    act_of,
    permits,
    require,
    roles_for,
)
from zerotrip.identity.powers import Act
from zerotrip.kernel.errors import Forbidden

OFFICER, AUDITOR = Role.OFFICER, Role.AUDITOR

# The routes of version 1 as the issue lists them, and who may call each.
EXPECTED = """
POST   /v1/sessions                              anyone
POST   /v1/sessions/refresh                      anyone
DELETE /v1/sessions                              signed-in
GET    /v1/sessions/bindings                     signed-in
POST   /v1/sessions/bindings                     signed-in
DELETE /v1/sessions/bindings/{binding_id}        signed-in
POST   /v1/sessions/window-codes                 citizen company
GET    /v1/powers                                citizen company
POST   /v1/powers                                citizen company
POST   /v1/powers/{power_id}/acceptance          citizen company
POST   /v1/powers/{power_id}/sessions            citizen company
DELETE /v1/powers/{power_id}                     citizen company
GET    /.well-known/jwks.json                    anyone
GET    /v1/items                                 anyone
GET    /v1/items/{item_code}                     anyone
GET    /v1/items/{item_code}/guide               anyone
GET    /v1/items/{item_code}/guide/page          anyone
POST   /v1/catalogue/checks                      editor staffing_reviewer legal_reviewer
POST   /v1/catalogue/items                       editor
GET    /v1/catalogue/items/{item_code}           editor staffing_reviewer legal_reviewer
POST   /v1/catalogue/items/{item_code}/reviews   staffing_reviewer legal_reviewer
POST   /v1/catalogue/items/{item_code}/publication   editor
GET    /v1/applications                          citizen company
POST   /v1/applications                          citizen company
GET    /v1/applications/{application_id}         citizen company
PUT    /v1/applications/{application_id}         citizen company
POST   /v1/applications/{application_id}/materials   citizen company
POST   /v1/applications/{application_id}/submission  citizen company
POST   /v1/applications/{application_id}/materials/{material}/reuse  citizen company
GET    /v1/vault                                 citizen company
GET    /v1/cases                                 citizen company
GET    /v1/cases/{case_no}                       citizen company
POST   /v1/cases/{case_no}/materials             citizen company
POST   /v1/cases/{case_no}/corrections           citizen company
POST   /v1/cases/{case_no}/withdrawal            citizen company
POST   /v1/cases/{case_no}/payments              citizen company
GET    /v1/notices                               citizen company
POST   /v1/notices/{notice_id}/read              citizen company
GET    /v1/licences/{licence_id}                 citizen company
GET    /v1/licences/{licence_id}/document        citizen company
GET    /v1/worklist                              officer approver
GET    /v1/staff/cases/{case_no}                 officer approver auditor
POST   /v1/staff/cases/{case_no}/corrections     officer approver
POST   /v1/staff/cases/{case_no}/decisions       officer approver
POST   /v1/staff/identities                      officer approver
POST   /v1/staff/guardians                       officer approver
GET    /v1/staff/kin                             officer approver
POST   /v1/staff/kin                             officer approver
GET    /v1/verifications/{licence_id}            anyone
POST   /v1/partners/{partner}/callbacks          anyone
"""
ROUTES = [line.split() for line in EXPECTED.strip().splitlines()]


def session(*roles: Role) -> Session:
    return Session("0SUB", frozenset(roles), "0SID", Level.PRESENT, NOON)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("line", ROUTES, ids=" ".join)
def test_each_role_may_call_exactly_its_routes(line: list[str], role: Role) -> None:
    method, route, *allowed = line
    expected = allowed in (["anyone"], ["signed-in"]) or role in allowed
    assert permits(frozenset({role}), method, route) is expected
    if expected:
        require(session(role), method, route)
        return
    with pytest.raises(Forbidden) as refused:
        require(session(role), method, route)
    assert refused.value.code == "role_not_permitted"


@pytest.mark.parametrize("line", ROUTES, ids=" ".join)
def test_without_a_session_only_the_open_routes_answer(line: list[str]) -> None:
    method, route, *allowed = line
    if allowed == ["anyone"]:
        require(None, method, route)
        assert permits(frozenset(), method, route)
        return
    assert not permits(frozenset(), method, route)
    with pytest.raises(SessionRefused):
        require(None, method, route)


def test_the_table_holds_these_routes_and_no_other() -> None:
    assert len(PERMISSIONS) == len(ROUTES)


@pytest.mark.parametrize(
    ("method", "route"),
    [
        ("DELETE", "/v1/cases/{case_no}"),
        ("HEAD", "/v1/items"),
        ("GET", "/v1/items/"),
        ("GET", "/v1/items/{code}/secret"),
        ("GET", "/v1/staff/cases/{a}/{b}"),
        ("GET", "/v1/cases/{proxy+}/x"),
        ("GET", ""),
        ("GET", "v1/items"),
        ("GET", "/V1/ITEMS"),
    ],
)
def test_what_is_not_in_the_table_is_refused_to_all(method: str, route: str) -> None:
    assert roles_for(method, route) is None
    assert not permits(frozenset(Role), method, route)
    with pytest.raises(Forbidden):
        require(session(*Role), method, route)


def test_a_case_number_is_no_route_pattern() -> None:
    assert roles_for("GET", "/v1/cases/441882") is None


def test_of_several_roles_one_is_enough() -> None:
    assert permits(frozenset({AUDITOR, OFFICER}), "GET", "/v1/worklist")
    assert permits(frozenset({OFFICER}), "get", "/v1/worklist")


# What an agent's power must allow; what only shows a case needs no act.
EXPECTED_ACTS = """
apply    GET /v1/applications
apply    POST /v1/applications
apply    GET /v1/applications/{application_id}
apply    PUT /v1/applications/{application_id}
apply    POST /v1/applications/{application_id}/materials
apply    POST /v1/applications/{application_id}/materials/{material}/reuse
apply    POST /v1/applications/{application_id}/submission
apply    GET /v1/vault
apply    POST /v1/cases/{case_no}/materials
apply    POST /v1/cases/{case_no}/corrections
apply    POST /v1/cases/{case_no}/withdrawal
pay      POST /v1/cases/{case_no}/payments
receive  GET /v1/notices
receive  POST /v1/notices/{notice_id}/read
receive  GET /v1/licences/{licence_id}
receive  GET /v1/licences/{licence_id}/document
"""


def test_each_act_of_an_agent_is_named_for_its_routes_and_no_others() -> None:
    said = [line.split() for line in EXPECTED_ACTS.strip().splitlines()]
    for act, method, route in said:
        assert act_of(method, route) is Act(act)
    assert len(ACTS) == len(said)
    assert ACTS.keys() <= PERMISSIONS.keys()

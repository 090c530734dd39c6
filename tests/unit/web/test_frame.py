"""What holds for every route: reading, refusing, telling."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.identity.world import person
from tests.unit.web.contract import answer_faults
from tests.unit.web.town import INVOCATIONS, VEHICLE, Town, proxy_event, recorded
from zerotrip.identity.model import Role
from zerotrip.kernel.errors import GiveUp, Retry
from zerotrip.web.bodies import DEEPEST_BODY, LARGEST_BODY_BYTES
from zerotrip.web.endpoints import applicant
from zerotrip.web.serving import chalice_app

START = "/v1/applications"


def _deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ('{"item_code": "1144', 400, "body_not_json"),
        ("item_code=1144", 400, "body_not_json"),
        ('{"item_code": NaN}', 400, "body_not_json"),
        ('{"item_code": "\\ud800"}', 400, "body_not_json"),
        (None, 400, "body_missing"),
        ("  ", 400, "body_missing"),
        ('{"item_code": "a", "item_code": "b"}', 400, "body_key_twice"),
        (_deep(DEEPEST_BODY + 1), 400, "body_too_deep"),
        (_deep(10_000), 400, "body_too_deep"),
        ('"' + "x" * LARGEST_BODY_BYTES + '"', 413, "body_too_large"),
        ("[]", 422, "request_invalid"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem_and_changes_nothing(
    town: Town, raw: str | None, status: int, code: str
) -> None:
    who = town.session("sub-1")
    before = dict(town.world.tables.rows)
    answered = town.call("POST", START, who=who, raw=raw)
    assert (answered.status, answered.code) == (status, code)
    assert answered.headers["Content-Type"] == "application/problem+json"
    assert town.world.tables.rows == before


def test_a_body_that_is_not_utf_8_is_not_json(town: Town) -> None:
    event = proxy_event("POST", START, "/w==", who=town.session("sub-1"))
    event["isBase64Encoded"] = True
    assert town.invoke("applicant_api", event).code == "body_not_json"


def test_a_body_of_another_type_is_refused(town: Town) -> None:
    answered = town.call(
        "POST",
        START,
        who=town.session("sub-1"),
        raw="<xml/>",
        headers={"Content-Type": "text/xml"},
    )
    assert (answered.status, answered.code) == (415, "body_type_unsupported")


def test_every_fault_of_a_request_is_told_at_once_without_its_values(
    town: Town,
) -> None:
    answered = town.call(
        "POST",
        "/v1/sessions",
        body={
            "provider": "oidc",
            "code": "",
            "nonce": 7,
            "redirect_uri": "https://r.example",
            "extra": "张示例",
            "张示例": 1,
        },
    )
    assert answered.status == 422
    assert answered.fault_codes == {
        "/code": "field_empty",
        "/code_verifier": "field_missing",
        "/nonce": "field_wrong_type",
        "/extra": "field_unknown",
        "": "field_unknown",
    }
    assert "张示例" not in json.dumps(answered.body, ensure_ascii=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [({"code": "x"}, "field_missing"), ({"provider": "qq"}, "field_not_offered")],
)
def test_the_choice_of_a_provider_is_a_field_like_others(
    town: Town, body: dict[str, Any], code: str
) -> None:
    answered = town.call("POST", "/v1/sessions", body=body)
    assert answered.fault_codes == {"/provider": code}


def test_without_a_session_nobody_gets_in(town: Town) -> None:
    answered = town.call("GET", "/v1/cases")
    assert (answered.status, answered.code) == (401, "session_refused")
    assert answered.headers["WWW-Authenticate"] == "Bearer"
    assert town.log.lines[-1]["reason"] == "session_missing"


def test_an_authoriser_context_that_cannot_be_read_is_no_session(town: Town) -> None:
    event = proxy_event("GET", "/v1/cases", who=town.session("sub-1"))
    event["requestContext"]["authorizer"] = {"sub": "sub-1", "roles": "emperor"}
    answered = town.invoke("applicant_api", event)
    assert (answered.status, answered.code) == (401, "session_refused")


@pytest.mark.parametrize(
    ("method", "route", "role", "path"),
    [
        ("GET", "/v1/cases", Role.OFFICER, {}),
        ("POST", START, Role.AUDITOR, {}),
        ("GET", "/v1/worklist", Role.CITIZEN, {}),
        ("GET", "/v1/worklist", Role.AUDITOR, {}),
    ],
)
def test_a_role_that_may_not_is_told_so_before_its_body_is_read(
    town: Town, method: str, route: str, role: Role, path: dict[str, str]
) -> None:
    who = town.session("sub-1", role)
    answered = town.call(method, route, who=who, raw="{", **path)
    assert (answered.status, answered.code) == (403, "role_not_permitted")


def test_an_unknown_address_is_a_problem_document(town: Town) -> None:
    answered = town.invoke("applicant_api", recorded("applicant_api/unknown_address"))
    assert (answered.status, answered.code) == (404, "not_found")
    assert answered.headers["Content-Type"] == "application/problem+json"


def test_an_event_of_no_rest_api_is_an_unknown_address(town: Town) -> None:
    assert town.invoke("applicant_api", {"source": "probe"}).code == "not_found"


def test_another_method_is_told_which_are_taken(town: Town) -> None:
    event = proxy_event("PATCH", START, who=town.session("sub-1"))
    answered = town.invoke("applicant_api", event)
    assert (answered.status, answered.code) == (405, "method_not_allowed")
    assert answered.headers["Allow"] == "GET, POST"


@pytest.mark.parametrize("case_no", ["1", "%23HEAD", "x#y", "1" * 46])
def test_an_id_that_cannot_be_one_is_an_unknown_address(
    town: Town, case_no: str
) -> None:
    answered = town.call(
        "GET", "/v1/cases/{case_no}", who=town.session("sub-1"), case_no=case_no
    )
    assert (answered.status, answered.code) == (404, "not_found")


def test_header_names_may_come_in_lower_case(town: Town) -> None:
    town.world.publish(VEHICLE)
    name = "applicant_api/start_application_lower_case_headers"
    town.world.enrol(recorded(name)["requestContext"]["authorizer"]["sub"])
    first = town.invoke("applicant_api", recorded(name))
    again = town.invoke("applicant_api", recorded("applicant_api/start_application"))
    assert first.status == 201
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_version_is_asked_for_before_the_body_is_read(town: Town) -> None:
    answered = town.call(
        "POST",
        "/v1/cases/{case_no}/corrections",
        who=town.session("sub-1"),
        raw="{",
        case_no="1" * 45,
    )
    assert (answered.status, answered.code) == (428, "if_match_missing")


@pytest.mark.parametrize(
    "file",
    sorted(
        path
        for name in ("applicant_api", "staff_api", "public_api")
        for path in (INVOCATIONS / name).glob("*.json")
    ),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_every_recorded_invocation_gets_an_answer_of_the_document(
    town: Town, file: Path
) -> None:
    event = recorded(f"{file.parent.name}/{file.stem}")
    town.idp.people["SplxlOBeZQQYbYS6WxSbIA"] = person()
    answered = town.invoke(file.parent.name, event)
    assert answered.status < 500
    if file.stem != "unknown_address":
        faults = answer_faults(
            event["httpMethod"],
            event["resource"],
            answered.status,
            answered.headers.get("Content-Type", ""),
            answered.body,
        )
        assert faults == []


def test_answers_are_not_stored_by_caches(town: Town) -> None:
    answered = town.call("GET", "/v1/cases", who=town.session("sub-1"))
    assert answered.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("limit", ["0", "101", "ten", "-1", "٣", ""])
def test_a_limit_that_is_none_is_refused(town: Town, limit: str) -> None:
    answered = town.call(
        "GET", "/v1/cases", who=town.session("sub-1"), query={"limit": limit}
    )
    assert answered.fault_codes == {"?limit": "limit_wrong"}


class _Broken:
    """Dependencies that cannot be made."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __call__(self) -> Any:
        raise self.error


def _broken(town: Town, error: Exception) -> Any:
    town.apps["applicant_api"] = chalice_app(
        "applicant_api", applicant.ENDPOINTS, _Broken(error), lambda: town.log
    )
    return town.call("GET", "/v1/cases", who=town.session("sub-1"))


def test_what_nobody_foresaw_is_logged_without_its_message(town: Town) -> None:
    answered = _broken(town, ValueError("张示例 11010519491231002X"))
    assert (answered.status, answered.code) == (500, "internal_error")
    line = town.log.lines[-1]
    assert (line["level"], line["error"]) == ("ERROR", "ValueError")
    assert any("test_frame.py" in place for place in line["where"])
    told = json.dumps([line, answered.body], ensure_ascii=False)
    assert "张示例" not in told
    assert "11010519491231002X" not in told


def test_a_passing_failure_asks_to_come_again(town: Town) -> None:
    error = Retry("database_unavailable", "数据库", "database", detail={"cause": "X"})
    answered = _broken(town, error)
    assert (answered.status, answered.code) == (503, "database_unavailable")
    assert answered.headers["Retry-After"] == "2"
    assert "cause" not in answered.body
    assert town.log.lines[-1]["detail"] == {"cause": "X"}


def test_a_lasting_failure_is_ours_and_keeps_its_code(town: Town) -> None:
    event = proxy_event("GET", "/v1/cases", who=town.session("sub-1"))
    town.apps["applicant_api"] = chalice_app(
        "applicant_api",
        applicant.ENDPOINTS,
        _Broken(GiveUp("data_key_destroyed", "密钥已销毁", "destroyed")),
        lambda: town.log,
    )
    answered = town.invoke("applicant_api", event)
    assert (answered.status, answered.code) == (500, "data_key_destroyed")
    assert town.log.lines[-1]["level"] == "ERROR"


def test_each_request_leaves_one_line_with_its_route_and_no_person(
    town: Town,
) -> None:
    town.call("GET", "/v1/cases", who=town.session("sub-1"))
    assert town.log.lines == [
        {
            "level": "INFO",
            "sentence": "COMPLETED",
            "code": "request_answered",
            "status": 200,
            "method": "GET",
            "route": "/v1/cases",
            "request": "11111111-2222-4333-8444-555555555555",
        }
    ]

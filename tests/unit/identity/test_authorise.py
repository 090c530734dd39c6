"""API Gateway asks, the authoriser answers: recorded events in, policies out."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from tests.unit.identity.world import (
    NOON,
    REALM,
    TENANT,
    Clock,
    LocalKey,
    World,
    mirrored,
    person,
)
from zerotrip.identity.authorise import Authoriser, Unauthorized, answer
from zerotrip.identity.model import Level, Role, Session, SessionRefused
from zerotrip.identity.staff import suspend_officer
from zerotrip.identity.tokens import Realm, TokenIssuer
from zerotrip.kernel.errors import Retry

ROOT = Path(__file__).parents[3]
EVENTS = ROOT / "events" / "invocations" / "authorise"
STAGE_ARN = "arn:aws-cn:execute-api:cn-north-1:000000000000:a1b2c3d4e5/test/*"
SAID = {
    "sub": "a",
    "roles": "officer",
    "sid": "b",
    "level": "present",
    "expires_at": "1",
}
NAMES = ["rest_token", "rest_request", "rest_request_lower_case_headers"]


def recorded(name: str) -> dict[str, Any]:
    return json.loads((EVENTS / f"{name}.json").read_text())


def carrying(name: str, token: str) -> dict[str, Any]:
    """The recorded event with another token in its place."""
    event = recorded(name)
    text = json.dumps(event)
    held = event.get("authorizationToken") or next(
        value
        for key, value in event["headers"].items()
        if key.lower() == "authorization"
    )
    return json.loads(text.replace(held, f"Bearer {token}"))


@dataclass
class Log:
    lines: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def info(self, msg: object, **kwargs: Any) -> None:
        self.lines.append((str(msg), kwargs))

    @property
    def codes(self) -> list[str]:
        return [line["code"] for _, line in self.lines]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def authoriser(world: World) -> Authoriser:
    return Authoriser(
        TENANT, REALM, lambda: world.public_keys, world.officers, world.clock
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_good_token_opens_the_whole_stage_and_says_who_calls(
    name: str, world: World, authoriser: Authoriser, log: Log
) -> None:
    grant = world.login(person())
    said = answer(carrying(name, grant.access_token), authoriser, log)
    assert said["principalId"] == grant.session.sub
    assert said["policyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Action": "execute-api:Invoke",
                "Effect": "Allow",
                "Resource": STAGE_ARN,
            }
        ],
    }
    assert said["context"]["roles"] == "citizen"
    assert all(isinstance(value, str) for value in said["context"].values())
    assert Session.from_context(said["context"]) == grant.session
    assert log.lines == []


def test_a_mirrored_signature_gets_the_same_answer_and_no_second_life(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    sub = world.register("idp-wang")
    token = world.login(person("idp-wang")).access_token
    asked = carrying("rest_request", token)
    twins = carrying("rest_request", mirrored(token))
    assert answer(twins, authoriser, log) == answer(asked, authoriser, log)
    suspend_officer(world.tables, TENANT, sub, NOON)
    assert answer(twins, authoriser, log) == answer(asked, authoriser, log)
    world.clock.passes(900)
    for event in (asked, twins):
        with pytest.raises(Unauthorized):
            answer(event, authoriser, log)


def test_the_recorded_tokens_were_good_when_they_were_recorded(
    authoriser: Authoriser, log: Log
) -> None:
    for name in NAMES:
        said = answer(recorded(name), authoriser, log)
        assert said["principalId"] == "7HZX0SYNTHETIC0SUBJECT0000"


@pytest.mark.parametrize(
    ("age", "code"),
    [(timedelta(minutes=15), "token_expired"), (timedelta(-1), "token_not_yet_valid")],
)
def test_a_token_out_of_its_time_is_unauthorized(
    age: timedelta, code: str, world: World, authoriser: Authoriser, log: Log
) -> None:
    world.clock.now = NOON + age
    with pytest.raises(Unauthorized, match=r"^Unauthorized$"):
        answer(recorded("rest_request"), authoriser, log)
    assert log.codes == [code]


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Basic abc", "token", "Bearerx y"]
)
def test_no_bearer_token_is_unauthorized(
    value: str, authoriser: Authoriser, log: Log
) -> None:
    event = recorded("rest_token") | {"authorizationToken": value}
    with pytest.raises(Unauthorized):
        answer(event, authoriser, log)
    assert log.codes == ["token_missing"]


@pytest.mark.parametrize("headers", [None, {}, {"Accept": "*/*"}])
def test_no_header_is_unauthorized(
    headers: dict[str, str] | None, authoriser: Authoriser, log: Log
) -> None:
    event = recorded("rest_request_without_token") | {"headers": headers}
    with pytest.raises(Unauthorized):
        answer(event, authoriser, log)
    assert log.codes == ["token_missing"]


def test_another_issuers_token_is_unauthorized(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    foreign = Realm("https://other.example", REALM.audience)
    issuer = TokenIssuer(foreign, world.key, world.key.public.kid)
    token = issuer.issue(world.login(person()).session, NOON, "jti")
    with pytest.raises(Unauthorized):
        answer(carrying("rest_token", token), authoriser, log)
    assert log.codes == ["token_issuer_wrong"]


def test_no_log_line_holds_the_token(authoriser: Authoriser, log: Log) -> None:
    token = "e30.e30.AAAA"
    with pytest.raises(Unauthorized):
        answer(carrying("rest_token", token), authoriser, log)
    assert token not in repr(log.lines)
    assert log.lines[0][0].startswith("登录已失效，请重新登录。")


def test_an_officers_context_names_place_and_roles(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    world.register("idp-wang", Role.OFFICER, Role.APPROVER)
    grant = world.login(person("idp-wang"))
    said = answer(carrying("rest_token", grant.access_token), authoriser, log)
    assert said["context"]["roles"] == "approver officer"
    assert Session.from_context(said["context"]) == grant.session


def test_a_suspended_officer_is_denied_with_a_token_that_holds(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    sub = world.register("idp-wang")
    grant = world.login(person("idp-wang"))
    suspend_officer(world.tables, TENANT, sub, NOON)
    said = answer(carrying("rest_token", grant.access_token), authoriser, log)
    [statement] = said["policyDocument"]["Statement"]
    assert (statement["Effect"], statement["Resource"]) == ("Deny", STAGE_ARN)
    assert said["context"] == {"code": "officer_suspended"}
    assert log.codes == ["officer_suspended"]


def test_roles_taken_away_are_gone_at_the_next_request(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    world.register("idp-wang", Role.OFFICER, Role.APPROVER)
    grant = world.login(person("idp-wang"))
    world.register("idp-wang", Role.OFFICER)
    said = answer(carrying("rest_token", grant.access_token), authoriser, log)
    assert said["context"]["roles"] == "officer"


def test_a_staff_token_of_nobody_registered_is_denied(
    world: World, authoriser: Authoriser, log: Log
) -> None:
    nobody = Session("0NOBODY", frozenset({Role.AUDITOR}), "0SID", Level.PRESENT, NOON)
    token = world.sessions.issuer.issue(nobody, NOON, "jti")
    said = answer(carrying("rest_token", token), authoriser, log)
    assert said["policyDocument"]["Statement"][0]["Effect"] == "Deny"
    assert log.codes == ["officer_unknown"]


def test_citizens_cost_no_read_of_the_database(world: World, log: Log) -> None:
    grant = world.login(person())
    authoriser = Authoriser(
        TENANT,
        REALM,
        lambda: world.public_keys,
        officers=None,  # type: ignore[arg-type]
        clock=world.clock,
    )
    said = answer(carrying("rest_token", grant.access_token), authoriser, log)
    assert said["principalId"] == grant.session.sub


def test_when_the_database_does_not_answer_staff_are_not_let_in(
    world: World, authoriser: Authoriser, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.register("idp-wang")
    grant = world.login(person("idp-wang"))

    def down(*_key: str) -> None:
        raise Retry("database_unavailable", "暂不可用", "down")

    monkeypatch.setattr(world.tables, "get", down)
    with pytest.raises(Retry):
        answer(carrying("rest_token", grant.access_token), authoriser, log)


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"sub": "0SUB"},
        SAID | {"roles": "king"},
        SAID | {"expires_at": "x"},
        SAID | {"level": "L3"},
        {name: SAID[name] for name in SAID if name != "level"},
    ],
)
def test_a_context_that_is_no_session_is_refused(context: dict[str, str]) -> None:
    assert Session.from_context(SAID).level is Level.PRESENT
    with pytest.raises(SessionRefused):
        Session.from_context(context)


def function() -> ModuleType:
    path = ROOT / "functions" / "authorise" / "authorise.py"
    spec = importlib.util.spec_from_file_location("function_authorise", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_handler_answers_and_refuses(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = function()
    # A stream of its own: loggers of one name share the first one's.
    out = io.StringIO()
    log = Logger(service="authorise, as tested", stream=out)
    monkeypatch.setattr(handler, "logger", lambda: log)
    stranger = Authoriser(TENANT, REALM, dict, world.officers, Clock())
    known = Authoriser(
        TENANT,
        REALM,
        lambda: {LocalKey().public.kid: LocalKey().public},
        world.officers,
        Clock(),
    )
    monkeypatch.setattr(handler, "authoriser", lambda: known)
    said = handler.handler(recorded("rest_request"), object())
    assert said["context"]["sub"] == "7HZX0SYNTHETIC0SUBJECT0000"
    monkeypatch.setattr(handler, "authoriser", lambda: stranger)
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        handler.handler(recorded("rest_request"), object())
    logged = out.getvalue()
    assert json.loads(logged)["code"] == "token_key_unknown"
    assert "eyJ" not in logged

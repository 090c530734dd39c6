"""What must hold for the two REST APIs."""

from __future__ import annotations

import json

import pytest

from tests.template.application import load, resources, routes

APIS = resources("AWS::Serverless::Api")
RESPONSES = [
    (api, kind) for api in APIS for kind in APIS[api]["Properties"]["GatewayResponses"]
]


def test_a_route_is_listed_once():
    listed = [(route.api, route.method, route.path) for route in routes()]
    assert len(set(listed)) == len(listed)


def test_officers_are_checked_anew_at_each_call():
    authorizers = APIS["Api"]["Properties"]["Auth"]["Authorizers"]
    seconds = {n: a["Identity"]["ReauthorizeEvery"] for n, a in authorizers.items()}
    assert seconds == {"session": 60, "staff": 0}
    staff = {route.authorizer for route in routes() if route.function == "staff_api"}
    assert staff == {"staff"}


def test_only_what_anyone_may_call_goes_without_a_token():
    free = {(r.method, r.path) for r in routes() if r.authorizer == "NONE"}
    assert free == {
        ("POST", "/v1/sessions"),
        ("POST", "/v1/sessions/refresh"),
        ("GET", "/.well-known/jwks.json"),
        ("GET", "/v1/items"),
        ("GET", "/v1/items/{item_code}"),
        ("GET", "/v1/items/{item_code}/guide"),
        ("GET", "/v1/items/{item_code}/guide/page"),
        ("GET", "/v1/verifications/{licence_id}"),
        ("POST", "/v1/partners/{partner}/callbacks"),  # signed by the partner
    }


def test_a_partners_body_reaches_us_as_bytes():
    assert APIS["PartnersApi"]["Properties"]["BinaryMediaTypes"] == ["*/*"]
    assert "BinaryMediaTypes" not in APIS["Api"]["Properties"]
    partners = {route.function for route in routes() if route.api == "PartnersApi"}
    assert partners == {"partner_webhooks"}


@pytest.mark.parametrize(("api", "kind"), RESPONSES)
def test_an_answer_of_the_gateway_is_a_problem_document(api: str, kind: str):
    response = load()["Resources"][api]["Properties"]["GatewayResponses"][kind]
    headers = response["ResponseParameters"]["Headers"]
    assert headers["Content-Type"] == "'application/problem+json'"
    problem = json.loads(response["ResponseTemplates"]["application/json"])
    assert {"type", "title", "code", "zh", "en"} <= problem.keys()
    assert problem["type"] == f"urn:zerotrip:problem:{problem['code']}"
    assert problem.get("status") == response.get("StatusCode")


def test_both_gateways_answer_alike():
    first, second = (APIS[api]["Properties"]["GatewayResponses"] for api in APIS)
    assert first == second
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= first.keys()

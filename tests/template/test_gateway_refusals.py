"""What the gateway says by itself: the template, the OpenAPI document and its table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.template.application import resources
from tests.unit.web.contract import answer_faults
from zerotrip.web.gateway import REFUSALS, GatewayRefusal
from zerotrip.web.openapi.document import routes
from zerotrip.web.openapi.examples.problems import gateway_example
from zerotrip.web.openapi.refusals import gateway_refusals
from zerotrip.web.problems import PROBLEM_JSON

APIS = resources("AWS::Serverless::Api")


def _said(api: str, refusal: GatewayRefusal) -> tuple[Any, dict[str, Any]]:
    """Status and document that the template gives to a refusal."""
    response = APIS[api]["Properties"]["GatewayResponses"][refusal.kind]
    template = response["ResponseTemplates"]["application/json"]
    return response.get("StatusCode"), json.loads(template)


@pytest.mark.parametrize("api", APIS)
def test_the_template_says_what_the_table_says(api: str) -> None:
    kinds = set(APIS[api]["Properties"]["GatewayResponses"])
    assert kinds == {refusal.kind for refusal in REFUSALS}
    for refusal in REFUSALS:
        status, document = _said(api, refusal)
        instance = "urn:zerotrip:request:$context.requestId"
        assert document == {**gateway_example(refusal), "instance": instance}
        assert status == (None if refusal.general else refusal.statuses[0])


def test_each_route_documents_what_the_gateway_may_answer_in_its_place() -> None:
    for _, route in routes():
        for refusal in gateway_refusals(route):
            _, document = _said("Api", refusal)
            for status in refusal.statuses:
                faults = answer_faults(
                    route.method, route.path, status, PROBLEM_JSON, document
                )
                assert faults == [], refusal.kind


def test_a_401_names_its_scheme_and_a_busy_gateway_when_to_come_back() -> None:
    for api in APIS:
        responses = APIS[api]["Properties"]["GatewayResponses"]
        headers = {
            kind: response["ResponseParameters"]["Headers"]
            for kind, response in responses.items()
        }
        assert headers["UNAUTHORIZED"]["WWW-Authenticate"] == "'Bearer'"
        assert headers["THROTTLED"]["Retry-After"] == "'2'"
        assert headers["DEFAULT_5XX"]["Retry-After"] == "'2'"

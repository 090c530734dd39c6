"""One set of routes: template, Chalice, OpenAPI and the permission table agree."""

from __future__ import annotations

import functools
import importlib.util
import re
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.template.application import load
from tests.unit.web.contract import made
from tests.unit.web.town import ROOT
from zerotrip.identity.permissions import ANYONE, PERMISSIONS, STAFF, roles_for
from zerotrip.web.openapi.document import routes

APPLICATIONS = (
    "applicant_api",
    "staff_api",
    "catalogue_api",
    "public_api",
    "partner_webhooks",
)
Routes = set[tuple[str, str]]


@functools.cache
def _chalice(name: str) -> Routes:
    """The routes of the application in `functions/{name}/app.py`."""
    path = ROOT / "functions" / name / "app.py"
    spec = importlib.util.spec_from_file_location(f"{name}_app", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return {
        (method, route)
        for route, methods in module.app.routes.items()
        for method in methods
    }


def _events(name: str) -> Mapping[str, Any]:
    for resource in load()["Resources"].values():
        properties = resource.get("Properties", {})
        if properties.get("CodeUri") == f"functions/{name}/":
            events: Mapping[str, Any] = properties["Events"]
            return events
    raise LookupError(name)


def _template(name: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The template's routes of one function, with their properties."""
    found = {}
    for event in _events(name).values():
        asked = event["Properties"]
        found[(asked["Method"].upper(), asked["Path"])] = asked
    return found


def _document() -> Routes:
    return {
        (method.upper(), path)
        for path, methods in made()["paths"].items()
        for method in methods
    }


@pytest.mark.parametrize("name", APPLICATIONS)
def test_template_and_chalice_have_the_same_routes(name: str) -> None:
    assert set(_template(name)) == _chalice(name)


def test_the_document_has_every_route_and_no_other() -> None:
    served = set().union(*(_chalice(name) for name in APPLICATIONS))
    assert _document() == served


def test_every_route_is_in_the_permission_table_and_no_other() -> None:
    patterns = {
        (method, re.sub(r"\{[^{}]*\}", "{}", path)) for method, path in _document()
    }
    assert patterns == set(PERMISSIONS)


@pytest.mark.parametrize("name", APPLICATIONS)
def test_the_gateway_asks_for_a_session_exactly_where_a_role_is_needed(
    name: str,
) -> None:
    for (method, path), asked in _template(name).items():
        roles = roles_for(method, path)
        authorizer = asked.get("Auth", {}).get("Authorizer", "session")
        if name == "partner_webhooks":
            assert "Auth" not in asked  # that REST API has no authorizer at all
        elif roles == ANYONE:
            assert authorizer == "NONE", (method, path)
        elif roles is not None and roles <= STAFF:
            # Checked at each call: a cached policy would outlive a suspension.
            assert authorizer == "staff", (method, path)
        else:
            assert authorizer == "session", (method, path)


def test_the_document_says_who_may_call() -> None:
    for _, route in routes():
        operation = made()["paths"][route.path][route.method.lower()]
        roles = roles_for(route.method, route.path)
        assert roles is not None
        assert operation.get("x-roles", []) == sorted(str(role) for role in roles)
        assert bool(operation["security"]) == bool(roles)

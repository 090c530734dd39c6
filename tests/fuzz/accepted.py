"""Failures of Schemathesis that are no faults of ours, each with its reason."""

from __future__ import annotations

import json
from typing import Any

from schemathesis.core.failures import Failure

GATEWAY_ROUTES_BY_METHOD = (
    "API Gateway finds a route by method and path at once: a method that a path does "
    "not have is an address that is not there (404 not_found), before anything of ours"
)


def why_accepted(failure: Failure, response: Any) -> str | None:
    """The reason to let a failure pass, or None: then it is a finding."""
    about_methods = type(failure).__name__ == "UnsupportedMethodResponse"
    not_found = response.status_code == 404 and _code(response.content) == "not_found"
    return GATEWAY_ROUTES_BY_METHOD if about_methods and not_found else None


def _code(content: bytes) -> Any:
    try:
        return json.loads(content)["code"]
    except (ValueError, KeyError, TypeError):
        return None

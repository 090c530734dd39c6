"""What a route may answer instead of a success: ours, the gateway's, a partner's own.

Each is listed with its code, so that a client can decide by it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from zerotrip.identity.model import APPLICANTS
from zerotrip.identity.permissions import ANYONE, act_of, roles_for
from zerotrip.web.gateway import REFUSALS, GatewayRefusal, Where
from zerotrip.web.openapi.codes import Known, known_codes
from zerotrip.web.openapi.examples import EXAMPLES
from zerotrip.web.openapi.examples.problems import gateway_example, problem_example
from zerotrip.web.problems import PROBLEM_JSON, TITLES
from zerotrip.web.route import Route

Json = dict[str, Any]

_EVERY_ROUTE = ("internal_error", "database_unavailable")
_SIGNED_IN = ("session_refused", "role_not_permitted")
# What may have become of who acts, and of the power under which they do.
_ACTING = (
    "power_expired", "power_not_accepted", "power_not_begun", "power_revoked",
    "principal_deceased", "principal_deregistered", "representative_changed",
    "subject_deceased",
    "subject_deregistered",
)  # fmt: skip
_BODY = (
    "body_not_json", "body_key_twice", "body_too_deep", "body_too_large",
    "body_type_unsupported", "request_invalid",
)  # fmt: skip
_KEYED = ("idempotency_key_malformed", "idempotency_key_reused", "request_in_flight")
# A callback that is refused: not signed, about something unknown, at odds with what is
# stored, or not stored because something of ours failed.
_CALLBACK_REFUSALS = (400, 401, 404, 409, 500, 503)


def problem_codes(route: Route) -> tuple[str, ...]:
    """Every code that this route may answer, its own and those of all like it."""
    if route.raw:
        # A partner is answered in its own words; the codes are its callback's.
        return ("partner_unknown",)
    codes = {*_EVERY_ROUTE, *route.problems}
    if roles_for(route.method, route.path) != ANYONE:
        codes.update(_SIGNED_IN)
    codes.update(_acting_codes(route))
    if route.parameters:
        codes.add("not_found")
    if route.body is not None:
        codes.update(_BODY)
        if not route.body_optional:
            codes.add("body_missing")
    if route.if_match is not None:
        codes.add("if_match_malformed")
    if route.if_match == "required":
        codes.add("if_match_missing")
    if route.keyed:
        codes.update(_KEYED)
    return tuple(sorted(codes))


def _acting_codes(route: Route) -> set[str]:
    """What a route answers to somebody whose power ended, or is too small."""
    codes: set[str] = set()
    if roles_for(route.method, route.path) == APPLICANTS:
        codes.update(_ACTING)
    if act_of(route.method, route.path) is not None:
        codes.add("power_missing")
    return codes


def gateway_refusals(route: Route) -> tuple[GatewayRefusal, ...]:
    """What API Gateway may answer in this route's place."""
    where = {Where.EVERY_ROUTE}
    if roles_for(route.method, route.path) != ANYONE:
        where.add(Where.SIGNED_IN)
    if route.raw or route.body is not None:
        where.add(Where.WITH_BODY)
    return tuple(each for each in REFUSALS if each.where in where)


def refusals(route: Route) -> Json:
    """The OpenAPI responses of a route that are not its successes, by status."""
    codes: dict[int, list[str]] = defaultdict(list)
    for code in problem_codes(route):
        codes[_known(code).status].append(code)
    for refusal in gateway_refusals(route):
        for status in refusal.statuses:
            codes[status].append(refusal.code)
    found = {status: _problem(status, listed) for status, listed in codes.items()}
    if route.raw:
        for status in _CALLBACK_REFUSALS:
            answer = found.setdefault(status, _problem(status, []))
            answer["content"]["application/json"] = _partners_own()
    return {str(status): found[status] for status in sorted(found)}


def problem_examples(routes: Iterable[Route]) -> Json:
    """One example for each code that these routes may answer, as OpenAPI components."""
    made: Json = {}
    for route in routes:
        for refusal in gateway_refusals(route):
            made[refusal.code] = {"value": gateway_example(refusal)}
        for code in problem_codes(route):
            made[code] = {"value": problem_example(_known(code))}
    return dict(sorted(made.items()))


def _problem(status: int, codes: list[str]) -> Json:
    title = TITLES[status]
    heading = f"{title.zh} · {title.en}"
    if not codes:
        return {"description": heading, "content": {}}
    listed = ", ".join(f"`{code}`" for code in codes)
    return {
        "description": f"{heading}: {listed}",
        "content": {
            PROBLEM_JSON: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/ProblemAnswer"},
                        {"properties": {"code": {"enum": codes}}},
                    ]
                },
                "examples": {
                    code: {"$ref": f"#/components/examples/{code}"} for code in codes
                },
            }
        },
    }


def _partners_own() -> Json:
    return {
        "schema": {"$ref": "#/components/schemas/PartnerRefusal"},
        "examples": EXAMPLES["PartnerRefusal"],
    }


def _known(code: str) -> Known:
    known = known_codes().get(code)
    if known is None:
        raise LookupError(f"a route names {code!r}, which nothing raises")
    return known

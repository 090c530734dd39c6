"""Who may call what: one table, and what is not in it is refused. Pure.

Handlers ask it with the route pattern that matched; names of path parameters do not
matter. Whether a case is one's own is the handler's question, not this table's.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from zerotrip.identity.model import APPLICANTS, STAFF, Role, Session, SessionRefused
from zerotrip.identity.powers import Act
from zerotrip.kernel.errors import Forbidden

ANYONE: frozenset[Role] = frozenset()  # needs no session
EVERYBODY = APPLICANTS | STAFF  # any session
CASEWORKERS = frozenset({Role.OFFICER, Role.APPROVER})
READERS = CASEWORKERS | {Role.AUDITOR}
REVIEWERS = frozenset({Role.STAFFING_REVIEWER, Role.LEGAL_REVIEWER})
EDITORS = frozenset({Role.EDITOR})

PERMISSIONS = MappingProxyType(
    {
        ("POST", "/v1/sessions"): ANYONE,
        ("POST", "/v1/sessions/refresh"): ANYONE,
        ("DELETE", "/v1/sessions"): EVERYBODY,
        ("GET", "/v1/sessions/bindings"): EVERYBODY,
        ("POST", "/v1/sessions/bindings"): EVERYBODY,
        ("DELETE", "/v1/sessions/bindings/{}"): EVERYBODY,
        ("POST", "/v1/sessions/window-codes"): APPLICANTS,
        ("GET", "/v1/powers"): APPLICANTS,
        ("POST", "/v1/powers"): APPLICANTS,
        ("POST", "/v1/powers/{}/acceptance"): APPLICANTS,
        ("POST", "/v1/powers/{}/sessions"): APPLICANTS,
        ("DELETE", "/v1/powers/{}"): APPLICANTS,
        ("GET", "/.well-known/jwks.json"): ANYONE,
        ("GET", "/v1/items"): ANYONE,
        ("GET", "/v1/items/{}"): ANYONE,
        ("GET", "/v1/items/{}/guide"): ANYONE,
        ("GET", "/v1/items/{}/guide/page"): ANYONE,
        ("GET", "/v1/applications"): APPLICANTS,
        ("POST", "/v1/applications"): APPLICANTS,
        ("GET", "/v1/applications/{}"): APPLICANTS,
        ("PUT", "/v1/applications/{}"): APPLICANTS,
        ("POST", "/v1/applications/{}/materials"): APPLICANTS,
        ("POST", "/v1/applications/{}/materials/{}/reuse"): APPLICANTS,
        ("POST", "/v1/applications/{}/submission"): APPLICANTS,
        ("GET", "/v1/vault"): APPLICANTS,
        ("GET", "/v1/cases"): APPLICANTS,
        ("GET", "/v1/cases/{}"): APPLICANTS,
        ("POST", "/v1/cases/{}/materials"): APPLICANTS,
        ("POST", "/v1/cases/{}/corrections"): APPLICANTS,
        ("POST", "/v1/cases/{}/withdrawal"): APPLICANTS,
        ("POST", "/v1/cases/{}/payments"): APPLICANTS,
        ("GET", "/v1/notices"): APPLICANTS,
        ("POST", "/v1/notices/{}/read"): APPLICANTS,
        ("GET", "/v1/licences/{}"): APPLICANTS,
        ("GET", "/v1/licences/{}/document"): APPLICANTS,
        ("GET", "/v1/worklist"): CASEWORKERS,
        ("GET", "/v1/staff/cases/{}"): READERS,
        ("POST", "/v1/staff/cases/{}/corrections"): CASEWORKERS,
        ("POST", "/v1/staff/cases/{}/decisions"): CASEWORKERS,
        ("POST", "/v1/staff/identities"): CASEWORKERS,
        ("POST", "/v1/staff/guardians"): CASEWORKERS,
        ("GET", "/v1/staff/kin"): CASEWORKERS,
        ("POST", "/v1/staff/kin"): CASEWORKERS,
        ("POST", "/v1/catalogue/checks"): EDITORS | REVIEWERS,
        ("POST", "/v1/catalogue/items"): EDITORS,
        ("GET", "/v1/catalogue/items/{}"): EDITORS | REVIEWERS,
        ("POST", "/v1/catalogue/items/{}/reviews"): REVIEWERS,
        ("POST", "/v1/catalogue/items/{}/publication"): EDITORS,
        ("GET", "/v1/verifications/{}"): ANYONE,
        # A partner has no session: its signature over the raw body stands for it.
        ("POST", "/v1/partners/{}/callbacks"): ANYONE,
    }
)

ACTS: MappingProxyType[tuple[str, str], Act] = MappingProxyType(
    {
        # A draft is a form full of people: who pays or receives has no need of it.
        ("GET", "/v1/applications"): Act.APPLY,
        ("POST", "/v1/applications"): Act.APPLY,
        ("GET", "/v1/applications/{}"): Act.APPLY,
        ("PUT", "/v1/applications/{}"): Act.APPLY,
        ("POST", "/v1/applications/{}/materials"): Act.APPLY,
        ("POST", "/v1/applications/{}/materials/{}/reuse"): Act.APPLY,
        ("POST", "/v1/applications/{}/submission"): Act.APPLY,
        ("GET", "/v1/vault"): Act.APPLY,
        ("POST", "/v1/cases/{}/materials"): Act.APPLY,
        ("POST", "/v1/cases/{}/corrections"): Act.APPLY,
        ("POST", "/v1/cases/{}/withdrawal"): Act.APPLY,
        ("POST", "/v1/cases/{}/payments"): Act.PAY,
        ("GET", "/v1/notices"): Act.RECEIVE,
        ("POST", "/v1/notices/{}/read"): Act.RECEIVE,
        ("GET", "/v1/licences/{}"): Act.RECEIVE,
        ("GET", "/v1/licences/{}/document"): Act.RECEIVE,
    }
)
"""What an agent's power must allow for a route; the others any power is enough for."""

_PARAMETER = re.compile(r"\{[^{}/]*\}")


def roles_for(method: str, route: str) -> frozenset[Role] | None:
    """The roles that may call a route pattern, ANYONE, or None: not in the table."""
    return PERMISSIONS.get((method.upper(), _PARAMETER.sub("{}", route)))


def act_of(method: str, route: str) -> Act | None:
    """What an agent does by calling a route pattern; None where any power will do."""
    return ACTS.get((method.upper(), _PARAMETER.sub("{}", route)))


def permits(roles: frozenset[Role], method: str, route: str) -> bool:
    """Whether one of the roles may call this route; false for unknown routes."""
    allowed = roles_for(method, route)
    return allowed is not None and (allowed == ANYONE or bool(allowed & roles))


def require(session: Session | None, method: str, route: str) -> None:
    """Raises SessionRefused without a session, Forbidden `role_not_permitted`."""
    allowed = roles_for(method, route)
    if allowed == ANYONE:
        return
    if session is None:
        raise SessionRefused("session_missing")
    if not permits(session.roles, method, route):
        raise Forbidden(
            "role_not_permitted",
            "您当前的身份不能使用此功能。",
            "Your role does not permit this.",
        )

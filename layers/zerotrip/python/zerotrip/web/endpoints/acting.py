"""Who acts behind a session, and for whom, as registered at this moment."""

from __future__ import annotations

from zerotrip.identity import permissions
from zerotrip.identity.powers import Acting
from zerotrip.web.dependencies import Applicant
from zerotrip.web.exchange import Request


def acting_now(request: Request, deps: Applicant) -> Acting:
    """Who acts, whose power allows what the route does.

    Asked before anything is looked up or answered again, so that a power that ended a
    moment ago opens nothing. Raises as `identity.callers` does, Forbidden
    `power_missing`.
    """
    acting = deps.callers.acting(request.person)
    acting.require(permissions.act_of(request.route.method, request.route.path))
    return acting

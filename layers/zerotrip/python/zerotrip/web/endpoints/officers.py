"""The officer behind a session, as registered at this moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from zerotrip.identity import permissions
from zerotrip.web.exchange import Request

if TYPE_CHECKING:
    from zerotrip.identity.model import Officer
    from zerotrip.identity.officers import Officers


class Knows(Protocol):
    """What is asked of an application's dependencies."""

    @property
    def tenant(self) -> str:
        """The deployment's tenant."""

    @property
    def officers(self) -> Officers:
        """Who works here."""


def officer_now(request: Request, deps: Knows) -> Officer:
    """The officer as registered now: a suspension or a new role counts at once."""
    session = request.person
    officer = deps.officers.current(deps.tenant, session.sub)
    today = replace(session, roles=officer.roles)
    permissions.require(today, request.route.method, request.route.path)
    return officer

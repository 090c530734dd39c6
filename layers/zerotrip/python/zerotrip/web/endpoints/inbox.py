"""What the applicant was told."""

from __future__ import annotations

from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.exchange import Reply, Request


def list_notices(request: Request, deps: Applicant) -> Reply:
    """The inbox, newest first."""
    acting = acting_now(request, deps)
    found = deps.inbox.list(deps.tenant, acting, request.limit)
    return Reply(200, {"notices": list(found)})


def mark_notice_read(request: Request, deps: Applicant) -> Reply:
    """Marks one notice as read; the first reading stands."""
    acting = acting_now(request, deps)
    deps.inbox.mark_read(deps.tenant, acting, request.path["notice_id"])
    return Reply(204)

"""What editors and the two reviewing offices do with an item's revision."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING, Any

from zerotrip.identity.model import Officer, Role
from zerotrip.identity.permissions import REVIEWERS
from zerotrip.kernel.aggregate import EventRow
from zerotrip.web.dependencies import Editors
from zerotrip.web.endpoints.officers import officer_now
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.idempotency import Answers
from zerotrip.web.requests import ItemFiles, ItemPublication, ItemReview
from zerotrip.web.route import Route
from zerotrip.web.routes import catalogue as routes
from zerotrip.web.serving import Endpoint

if TYPE_CHECKING:
    from zerotrip.catalogue.packages import Checked
    from zerotrip.catalogue.publishing import Publishing
    from zerotrip.catalogue.revisions import ItemNow


def check_item(request: Request, deps: Editors) -> Reply:
    """What is wrong with an editor's files, beside what is published."""
    officer_now(request, deps)
    found = deps.publishing.check(request.asked(ItemFiles).files)
    return Reply(200, _checked(found))


def propose_item(request: Request, deps: Editors) -> Reply:
    """A revision goes to both offices."""
    officer = officer_now(request, deps)
    publishing = deps.publishing

    def act() -> Reply:
        files = request.asked(ItemFiles).files
        committed, found = publishing.propose(
            officer.sub, officer.organisation, files, request.seen or 0
        )
        code = committed.events[0].key.id
        reply = _proposal(publishing, code, 201)
        body = {**(reply.body or {}), "findings": _checked(found)["findings"]}
        return Reply(201, body, reply.headers)

    return _once(request, deps, act)


def read_proposal(request: Request, deps: Editors) -> Reply:
    """Where the latest revision stands."""
    officer = officer_now(request, deps)
    code = request.path["item_code"]
    if not officer.roles & REVIEWERS:
        deps.publishing.own(code, officer.organisation)
    return _proposal(deps.publishing, code, 200)


def review_item(request: Request, deps: Editors) -> Reply:
    """The officer's own office answers."""
    officer = officer_now(request, deps)
    publishing, asked = deps.publishing, request.asked(ItemReview)
    code = request.path["item_code"]

    def act() -> Reply:
        from zerotrip.catalogue.revisions import Office

        office = Office.STAFFING if _staffing(officer) else Office.LEGAL
        publishing.review(
            code,
            officer.sub,
            request.version,
            office,
            agrees=asked.agrees,
            reasons=asked.reasons,
        )
        return _proposal(publishing, code, 201)

    return _once(request, deps, act)


def schedule_item(request: Request, deps: Editors) -> Reply:
    """From its day on it is offered; a machine step carries that out."""
    officer = officer_now(request, deps)
    publishing = deps.publishing
    code = request.path["item_code"]

    def act() -> Reply:
        day = date.fromisoformat(request.asked(ItemPublication).effective_on)
        publishing.schedule(
            code, officer.sub, officer.organisation, request.version, day
        )
        return _proposal(publishing, code, 202)

    return _once(request, deps, act)


def _once(request: Request, deps: Editors, act: Callable[[], Reply]) -> Reply:
    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def _staffing(officer: Officer) -> bool:
    return Role.STAFFING_REVIEWER in officer.roles


def _proposal(publishing: Publishing, code: str, status: int) -> Reply:
    now = publishing.read(code)
    history = publishing.history(now)
    tag = version_tag(now.head.version)
    return Reply(status, _shown(publishing, now, history), {"ETag": tag})


def _shown(
    publishing: Publishing, now: ItemNow, history: tuple[EventRow, ...]
) -> dict[str, Any]:
    return {
        "item_code": now.head.key.id,
        "version": now.head.version,
        "stage": str(now.stage),
        "organisation": now.item.organisation,
        "revision": now.item.revision,
        "digest": now.item.digest,
        "published_revision": now.item.published_revision,
        "effective_on": now.item.effective_on,
        "offices": {str(name): each.at for name, each in now.item.reviews.items()},
        "changes": publishing.changes(now),
        "timeline": [
            {
                "event": row.type,
                "time": row.time,
                "office": row.body.get("office"),
                "agrees": row.body.get("agrees"),
                "reasons": row.body.get("reasons"),
            }
            for row in history
        ],
        "findings": [],
    }


def _checked(found: Checked) -> dict[str, Any]:
    item = found.draft.item
    return {
        "item_code": item.code,
        "revision": item.revision,
        "acceptable": not found.errors,
        "findings": [each.as_json() for each in found.findings],
    }


ENDPOINTS: tuple[tuple[Route, Endpoint[Editors]], ...] = (
    (routes.CHECK_ITEM, check_item),
    (routes.PROPOSE_ITEM, propose_item),
    (routes.READ_PROPOSAL, read_proposal),
    (routes.REVIEW_ITEM, review_item),
    (routes.SCHEDULE_ITEM, schedule_item),
)

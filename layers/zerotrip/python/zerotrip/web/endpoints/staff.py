"""What an officer does: the work list, a case, a recorded decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zerotrip.cases.handed import read_handed
from zerotrip.cases.model import CaseNow
from zerotrip.cases.views import case_view, current_task
from zerotrip.cases.worklist import open_tasks
from zerotrip.catalogue.model import Item
from zerotrip.identity import permissions
from zerotrip.identity.model import Officer
from zerotrip.kernel.errors import Forbidden
from zerotrip.web import answers, views
from zerotrip.web.dependencies import Staff
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.idempotency import Answers
from zerotrip.web.requests import NewDecision
from zerotrip.web.route import Route
from zerotrip.web.routes import staff as routes
from zerotrip.web.serving import Endpoint

DOWNLOAD_SECONDS = 60
_SEEN_BY_STAFF = (
    "case_no", "version", "item_code", "item_name", "stage", "stage_name",
    "received_at", "obligations", "timeline", "licence_id",
)  # fmt: skip


def read_worklist(request: Request, deps: Staff) -> Reply:
    """The open tasks of the officer's office and roles; no personal data."""
    officer = _officer(request, deps)
    found = open_tasks(
        deps.records,
        deps.tenant,
        organisation=officer.organisation,
        department=officer.department,
        roles=frozenset(str(role) for role in officer.roles),
        limit=request.limit,
    )
    tasks: list[answers.WorkAnswer] = [
        {
            "case_no": now.key.id,
            "item_code": now.case.item,
            "item_name": views.text(_item(deps, now).name),
            "stage": str(now.stage),
            "stage_name": views.stage_name(now.stage),
            "received_at": now.case.received_at,
            "task": views.task(data),
        }
        for now, data in found
    ]
    return Reply(200, {"tasks": tasks})


def read_staff_case(request: Request, deps: Staff) -> Reply:
    """A case of the officer's own office with its form and materials."""
    officer = _officer(request, deps)
    now = _of_office(request, deps, officer)
    item = _item(deps, now)
    handed = read_handed(deps.records, deps.keys, now)
    view = case_view(deps.records, now, item)
    task = current_task(deps.records.rows(now.key, "TASK#"))
    body = {
        **{name: view[name] for name in _SEEN_BY_STAFF},
        "form": dict(handed.form),
        "materials": [
            _material(deps, item, code, pin) for code, pin in handed.materials.items()
        ],
        "task": views.task(task.data) if task else None,
    }
    return Reply(200, body, {"ETag": version_tag(now.head.version)})


def decide_case(request: Request, deps: Staff) -> Reply:
    """Records the decision, or names the one that came first."""
    officer = _officer(request, deps)
    now = _of_office(request, deps, officer)
    if _item(deps, now).route.role not in officer.roles:
        raise Forbidden(
            "role_not_permitted",
            "您当前的身份不能使用此功能。",
            "Your role does not permit this.",
        )
    asked = request.asked(NewDecision)

    def act() -> Reply:
        committed = deps.requests.decide(
            now, officer.sub, request.version, asked.decision, asked.reasons
        )
        event = committed.events[0]
        body = views.decision(event, asked.decision)
        return Reply(201, body, {"ETag": version_tag(event.seq)})

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def _officer(request: Request, deps: Staff) -> Officer:
    """The officer as registered now: a suspension or a new role counts at once."""
    session = request.person
    officer = deps.officers.current(deps.tenant, session.sub)
    today = replace(session, roles=officer.roles)
    permissions.require(today, request.route.method, request.route.path)
    return officer


def _of_office(request: Request, deps: Staff, officer: Officer) -> CaseNow:
    return deps.requests.of_organisation(
        request.path["case_no"], officer.organisation, officer.department
    )


def _item(deps: Staff, now: CaseNow) -> Item:
    return deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)


def _material(
    deps: Staff, item: Item, code: str, pin: Mapping[str, Any]
) -> answers.StaffMaterial:
    material = item.material(code)
    return {
        "code": code,
        "name": views.text(material.name) if material else {"zh": code, "en": code},
        "content_type": pin["type"],
        "size_bytes": pin["size_bytes"],
        "sha256": pin["sha256"],
        "download_url": deps.uploads.download_url(
            pin["key"], pin["version_id"], seconds=DOWNLOAD_SECONDS, file_name=code
        ),
    }


ENDPOINTS: tuple[tuple[Route, Endpoint[Staff]], ...] = (
    (routes.READ_WORKLIST, read_worklist),
    (routes.READ_STAFF_CASE, read_staff_case),
    (routes.DECIDE_CASE, decide_case),
)

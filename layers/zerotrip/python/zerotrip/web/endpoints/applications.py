"""An application before it is handed in, and the hand-in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zerotrip.cases.applicant import with_missing
from zerotrip.cases.applications import Receipt
from zerotrip.cases.drafts import OPEN, Draft
from zerotrip.identity.powers import Acting
from zerotrip.web import views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.endpoints.uploads import upload_form
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.idempotency import REPLAYED, Answers
from zerotrip.web.requests import NewApplication, SavedForm, Submission


def answers_of(deps: Applicant) -> Answers:
    """Where answers under an Idempotency-Key are kept."""
    return Answers(deps.tables, deps.tenant, deps.now)


def list_applications(request: Request, deps: Applicant) -> Reply:
    """The person's drafts, last changed first."""
    acting = acting_now(request, deps)
    drafts = deps.applications.drafts.of(deps.tenant, acting, request.limit)
    found = [
        views.application_summary(
            draft, deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
        )
        for draft in drafts
    ]
    return Reply(200, {"applications": found})


def start_application(request: Request, deps: Applicant) -> Reply:
    """A draft that holds only what is proven of its applicant."""
    acting = acting_now(request, deps)

    def act(noted: Mapping[str, Any] | None) -> tuple[Reply, Mapping[str, Any]]:
        # Never the answer itself: its form names the applicant.
        if noted is None:
            item_code = request.asked(NewApplication).item_code
            draft = deps.applications.start(acting, item_code)
        else:
            draft = deps.applications.own(acting, noted["application_id"])
        reply = _application(deps, acting, draft, 201)
        if noted is not None:
            reply = replace(reply, headers={**reply.headers, REPLAYED: "true"})
        return reply, {"application_id": draft.id}

    return answers_of(deps).anew(request, act)


def read_application(request: Request, deps: Applicant) -> Reply:
    """The draft, its form, what came of each upload, and what is remembered."""
    acting = acting_now(request, deps)
    draft = deps.applications.own(acting, request.path["application_id"])
    reply = _application(deps, acting, draft, 200)
    item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
    found = deps.applications.offers_for(draft, item, acting)
    return replace(reply, body={**(reply.body or {}), "offered": views.offered(found)})


def save_application(request: Request, deps: Applicant) -> Reply:
    """Keeps a form that may still be incomplete."""
    acting = acting_now(request, deps)
    form = request.asked(SavedForm).form
    draft = deps.applications.save(
        acting, request.path["application_id"], request.version, form
    )
    return _application(deps, acting, draft, 200)


def add_material(request: Request, deps: Applicant) -> Reply:
    """A form with which exactly one file can be uploaded."""
    acting = acting_now(request, deps)
    draft = deps.applications.own(acting, request.path["application_id"])
    item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)

    return upload_form(
        request,
        answers_of(deps),
        item,
        slots=lambda: deps.applications.slots_of(draft),
        uploads=deps.applications.uploads,
        open_upload=lambda material, announced: deps.applications.open_upload(
            acting, draft.id, material, announced
        ),
    )


def submit_application(request: Request, deps: Applicant) -> Reply:
    """Hands the draft in: the case number, at once; the rest happens by message."""
    acting = acting_now(request, deps)
    answers = answers_of(deps)
    place = answers.look(request)
    if place is not None and place.reply is not None:
        return place.reply
    receipt = deps.applications.hand_in(
        acting,
        request.path["application_id"],
        request.seen,
        companions=lambda made: answers.writes(place, _received(made)),
        promised=request.asked(Submission).promised,
    )
    return _received(receipt)


def _application(deps: Applicant, acting: Acting, draft: Draft, status: int) -> Reply:
    item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
    current = deps.catalogue.current(deps.tenant, draft.item)
    locked = deps.applications.locked(acting, item)
    if draft.state == OPEN:
        draft = replace(draft, form=with_missing(draft.form, locked))
    changed = current.digest != draft.item_digest and draft.case_no is None
    body = views.application(
        draft,
        item,
        deps.applications.slots_of(draft),
        deps.applications.standings_of(draft, item, acting),
        current=current.item if changed else None,
        applicant=views.applicant(acting, item, draft.form, locked),
    )
    headers = {"ETag": version_tag(draft.version)}
    if status == 201:
        headers["Location"] = f"/v1/applications/{draft.id}"
    return Reply(status, body, headers)


def _received(receipt: Receipt) -> Reply:
    location = f"/v1/cases/{receipt.case_no}"
    return Reply(202, views.submission(receipt), {"Location": location})

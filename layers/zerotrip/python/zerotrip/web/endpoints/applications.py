"""An application before it is handed in, and the hand-in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerotrip.cases.drafts import Draft
from zerotrip.materials.model import Slot, SlotState
from zerotrip.materials.uploads import FORM_SECONDS, Announced
from zerotrip.web import views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.idempotency import Answers
from zerotrip.web.requests import NewApplication, NewMaterial, SavedForm


def answers_of(deps: Applicant) -> Answers:
    """Where answers under an Idempotency-Key are kept."""
    return Answers(deps.tables, deps.tenant, deps.now)


def list_applications(request: Request, deps: Applicant) -> Reply:
    """The person's drafts, last changed first."""
    sub = request.person.sub
    drafts = deps.applications.drafts.of(deps.tenant, sub, request.limit)
    found = [
        views.application_summary(
            draft, deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
        )
        for draft in drafts
    ]
    return Reply(200, {"applications": found})


def start_application(request: Request, deps: Applicant) -> Reply:
    """An empty draft."""

    def act() -> Reply:
        person = request.person
        roles = frozenset(str(role) for role in person.roles)
        item_code = request.asked(NewApplication).item_code
        draft = deps.applications.start(person.sub, roles, item_code)
        return _application(deps, draft, 201)

    return answers_of(deps).once(request, act)


def read_application(request: Request, deps: Applicant) -> Reply:
    """The draft, its form and what came of each upload."""
    return _application(deps, _own(request, deps), 200)


def save_application(request: Request, deps: Applicant) -> Reply:
    """Keeps a form that may still be incomplete."""
    form = request.asked(SavedForm).form
    draft = deps.applications.save(
        request.person.sub, request.path["application_id"], request.version, form
    )
    return _application(deps, draft, 200)


def add_material(request: Request, deps: Applicant) -> Reply:
    """A form with which exactly one file can be uploaded."""
    draft = _own(request, deps)
    item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)

    def act(noted: Mapping[str, Any] | None) -> tuple[Reply, Mapping[str, Any]]:
        asked = request.asked(NewMaterial)
        before = same_upload(deps.applications.slots_of(draft), asked.material, noted)
        if before is not None:
            # The same upload under a fresh signature, so that a form which reached
            # the client late still fills the slot.
            slot = before
            form = deps.applications.uploads.upload_form(
                slot.object_key,
                content_type=slot.content_type,
                size_bytes=slot.size_bytes,
                seconds=FORM_SECONDS,
            )
        else:
            slot, form = deps.applications.open_upload(
                request.person.sub, draft.id, asked.material, announced(asked)
            )
        reply = Reply(201, views.upload(slot, item, form))
        return reply, {"upload_id": slot.upload_id}

    return answers_of(deps).anew(request, act)


def submit_application(request: Request, deps: Applicant) -> Reply:
    """Hands the draft in: the case number, at once; the rest happens by message."""
    answers = answers_of(deps)
    place = answers.look(request)
    if place is not None and place.reply is not None:
        return place.reply
    case_no = deps.applications.hand_in(
        request.person.sub,
        request.path["application_id"],
        request.seen,
        companions=lambda number: answers.writes(place, _received(number)),
    )
    return _received(case_no)


def announced(asked: NewMaterial) -> Announced:
    """What the applicant says about the file."""
    return Announced(asked.content_type, asked.size_bytes)


def same_upload(
    slots: tuple[Slot, ...], code: str, noted: Mapping[str, Any] | None
) -> Slot | None:
    """The still open upload that an earlier answer under the same key was about."""
    for slot in slots:
        if noted and slot.code == code and slot.upload_id == noted.get("upload_id"):
            return slot if slot.state is SlotState.OPEN else None
    return None


def _own(request: Request, deps: Applicant) -> Draft:
    return deps.applications.own(request.person.sub, request.path["application_id"])


def _application(deps: Applicant, draft: Draft, status: int) -> Reply:
    item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
    current = deps.catalogue.current(deps.tenant, draft.item)
    body = views.application(
        draft,
        item,
        deps.applications.slots_of(draft),
        item_changed=current.digest != draft.item_digest and draft.case_no is None,
    )
    headers = {"ETag": version_tag(draft.version)}
    if status == 201:
        headers["Location"] = f"/v1/applications/{draft.id}"
    return Reply(status, body, headers)


def _received(case_no: str) -> Reply:
    return Reply(202, views.submission(case_no), {"Location": f"/v1/cases/{case_no}"})

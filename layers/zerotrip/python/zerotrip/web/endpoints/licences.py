"""Licences: one's own, its signed file, and the check that anyone may make."""

from __future__ import annotations

from datetime import date, datetime

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Head, Key, Kind
from zerotrip.kernel.errors import Conflict, NotFound
from zerotrip.kernel.licence_identifier import parse
from zerotrip.web import views
from zerotrip.web.dependencies import Applicant, Public
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.exchange import Reply, Request

REGISTERED = "registered"
DOWNLOAD_SECONDS = 60


def read_licence(request: Request, deps: Applicant) -> Reply:
    """One's own licence: what it is, and whether it holds today."""
    head = _own(request, deps)
    return Reply(200, views.licence(head, state_on(head, deps.now())))


def read_licence_document(request: Request, deps: Applicant) -> Reply:
    """303 to the signed file, by an address that opens for 60 seconds."""
    head = _own(request, deps)
    if head.stage != REGISTERED:
        raise Conflict(
            "licence_not_registered",
            "证照正在制作，请稍后再查看。",
            "The licence is still being made: look again a little later.",
        )
    address = deps.licences_bucket.download_url(
        head.body["object_key"],
        head.body["version_id"],
        seconds=DOWNLOAD_SECONDS,
        file_name=f"{head.key.id}.pdf",
    )
    return Reply(303, None, {"Location": address})


def verify_licence(request: Request, deps: Public) -> Reply:
    """Whether a licence was issued and holds today; nothing about its holder."""
    licence_id = request.path["licence_id"]
    issuer = parse(licence_id).issuer
    if deps.catalogue.issuer_tenant(issuer) != deps.tenant:
        raise licence_unknown()
    head = deps.records.head(Key(deps.tenant, Kind.LICENCE, licence_id))
    if head is None or head.stage != REGISTERED:
        raise licence_unknown()
    return Reply(200, views.verification(head, state_on(head, deps.now())))


def state_on(head: Head, moment: datetime) -> str:
    """`prepared` until its file is registered, then `valid`, and `expired` after."""
    if head.stage != REGISTERED:
        return "prepared"
    until = head.body["valid_until"]
    expired = until is not None and times.legal_day(moment) > date.fromisoformat(until)
    return "expired" if expired else "valid"


def licence_unknown() -> NotFound:
    """No such licence, or not yours."""
    return NotFound("licence_unknown", "没有找到该证照。", "There is no such licence.")


def _own(request: Request, deps: Applicant) -> Head:
    acting = acting_now(request, deps)
    key = Key(deps.tenant, Kind.LICENCE, request.path["licence_id"])
    head = deps.records.head(key)
    if head is None or not acting.reaches(
        head.body["sub"], head.body["item"], head.body["case_no"]
    ):
        raise licence_unknown()
    return head

"""A case in its applicant's hands: look, correct, upload, withdraw, pay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerotrip.cases.applicant import may_act
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import read
from zerotrip.cases.views import case_summary, case_view
from zerotrip.identity.powers import Act
from zerotrip.kernel.aggregate import Kind
from zerotrip.kernel.records import Committed
from zerotrip.materials.model import Holder, HolderKind
from zerotrip.web import views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.endpoints.applications import answers_of
from zerotrip.web.endpoints.uploads import upload_form
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.requests import NewCorrections, NewPayment


def list_cases(request: Request, deps: Applicant) -> Reply:
    """The person's cases, newest first."""
    acting = acting_now(request, deps)
    # The index holds licences too: twice as many keys are sure to hold enough cases.
    keys = [
        key
        for sub in sorted(acting.subs)
        for key in deps.records.of_subject(deps.tenant, sub, 2 * request.limit)
    ]
    numbers = [key for key in keys if key.kind is Kind.CASE]
    cases = [read(head) for head in (deps.records.heads(numbers) if numbers else [])]
    near = [
        now for now in cases if acting.reaches(now.case.sub, now.case.item, now.key.id)
    ]
    near.sort(key=lambda now: (now.case.received_at, now.key.id), reverse=True)
    found = [
        case_summary(
            now, deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)
        )
        for now in near[: request.limit]
    ]
    return Reply(200, {"cases": found})


def read_case(request: Request, deps: Applicant) -> Reply:
    """Stage, open obligations, timeline, and what is asked of the person now."""
    acting = acting_now(request, deps)
    now = deps.requests.own(request.path["case_no"], acting)
    item = deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)
    bill_keys, shipment_keys = views.fact_keys(now)
    bills = deps.records.heads(bill_keys)
    shipments = deps.records.heads(shipment_keys)
    view = case_view(
        deps.records,
        deps.requests.keys,
        now,
        item,
        {bill.key.id: bill.body["payable_until"] for bill in bills},
    )
    handed = None
    # Opening the form costs a call of KMS: only where it is to be changed, by whom
    # may change it.
    corrects = acting.may(Act.APPLY) and may_act(item, acting)
    if now.stage is Stage.CORRECTING and corrects:
        found = read_handed(deps.records, deps.requests.keys, now)
        handed = views.handed_in(found, item)
    body = views.case(view, [*bills, *shipments], handed)
    return Reply(200, body, {"ETag": version_tag(now.head.version)})


def add_case_material(request: Request, deps: Applicant) -> Reply:
    """A form for a material that the case asks for."""
    acting, case_no = acting_now(request, deps), request.path["case_no"]
    now = deps.requests.own(case_no, acting)
    item = deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)

    return upload_form(
        request,
        answers_of(deps),
        item,
        slots=lambda: deps.requests.slots.of(
            Holder(deps.tenant, HolderKind.CASE, case_no)
        ),
        uploads=deps.requests.uploads,
        open_upload=lambda material, announced: deps.requests.open_upload(
            case_no, acting, material, announced
        ),
    )


def correct_case(request: Request, deps: Applicant) -> Reply:
    """Hands the mended form in, or in review what was promised."""
    acting = acting_now(request, deps)
    asked = request.asked(NewCorrections)

    def act() -> Reply:
        return _moved(
            deps.requests.correct(
                request.path["case_no"],
                acting,
                request.version,
                asked.form,
                asked.promised,
            )
        )

    return answers_of(deps).once(request, act)


def withdraw_case(request: Request, deps: Applicant) -> Reply:
    """Takes the case back; bills and parcels that are open are cancelled."""
    acting = acting_now(request, deps)

    def act() -> Reply:
        return _moved(
            deps.requests.withdraw(request.path["case_no"], acting, request.version)
        )

    return answers_of(deps).once(request, act)


def pay_case(request: Request, deps: Applicant) -> Reply:
    """Opens a bill at a channel: what the client's payment call needs."""
    acting = acting_now(request, deps)
    now = deps.requests.own(request.path["case_no"], acting)
    asked = request.asked(NewPayment)

    def act(_: Mapping[str, Any] | None) -> tuple[Reply, Mapping[str, Any]]:
        # Parameters go stale in two hours: asked for anew, under the same number.
        opened = deps.payments.pay(
            now,
            acting,
            request.version,
            asked.bill_id,
            asked.channel,
            # An agent pays with a login of their own, never with the principal's.
            deps.subjects.openid(deps.tenant, acting.logins),
        )
        return Reply(201, opened), {}

    return answers_of(deps).anew(request, act)


def _moved(committed: Committed) -> Reply:
    event = committed.events[0]
    return Reply(200, views.moved(event), {"ETag": version_tag(event.seq)})

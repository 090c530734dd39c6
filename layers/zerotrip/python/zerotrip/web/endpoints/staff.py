"""What an officer does: the work list, a case, a recorded decision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zerotrip.cases.applicant import level_for_machines
from zerotrip.cases.decisions import articles_of
from zerotrip.cases.handed import read_handed
from zerotrip.cases.model import CaseNow, Handed
from zerotrip.cases.requests import LateReason
from zerotrip.cases.views import case_view, current_task, staff_decision
from zerotrip.cases.worklist import open_tasks
from zerotrip.catalogue.model import Item, Text
from zerotrip.catalogue.shared_entries import shared_materials
from zerotrip.identity.agency import Seen
from zerotrip.identity.model import Officer
from zerotrip.identity.recusal import own_case
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Fault, Forbidden, Invalid
from zerotrip.kernel.identifiers import (
    identity_number_fault,
    is_identity_number,
    is_uscc,
)
from zerotrip.kernel.names import normalised_number
from zerotrip.sources.kept import read_document, source_sk
from zerotrip.sources.model import SHARED
from zerotrip.web import answers, staff_views, views
from zerotrip.web.dependencies import Staff
from zerotrip.web.endpoints.officers import officer_now
from zerotrip.web.exchange import Reply, Request, version_tag
from zerotrip.web.idempotency import Answers
from zerotrip.web.requests import (
    Defect,
    NewDecision,
    NewKin,
    NewNotice,
    SeenPerson,
)
from zerotrip.web.route import Route
from zerotrip.web.routes import staff as routes
from zerotrip.web.serving import Endpoint

DOWNLOAD_SECONDS = 60
ENGLISH_NOT_WRITTEN = "The officer wrote this in Chinese only: please see the Chinese."
_SEEN_BY_STAFF = (
    "case_no", "query_code", "version", "item_code", "item_name", "stage",
    "stage_name", "received_at", "obligations", "timeline", "licence_id",
)  # fmt: skip


def read_worklist(request: Request, deps: Staff) -> Reply:
    """The open tasks of the officer's office and roles; no personal data."""
    officer = officer_now(request, deps)
    found = open_tasks(
        deps.records,
        deps.tenant,
        organisation=officer.organisation,
        department=officer.department,
        roles=frozenset(str(role) for role in officer.roles),
        limit=request.limit,
    )
    own = deps.recusal.own(officer.sub, {now.key.id: parties(now) for now, _ in found})
    tasks: list[answers.WorkAnswer] = [
        {
            "case_no": now.key.id,
            "item_code": now.case.item,
            "item_name": views.text(_item(deps, now).name),
            "stage": str(now.stage),
            "stage_name": views.stage_name(now.stage, now.key.id),
            "received_at": now.case.received_at,
            "task": staff_views.task(data, _item(deps, now)),
        }
        for now, data in found
        if now.key.id not in own
    ]
    return Reply(200, {"tasks": tasks})


def read_staff_case(request: Request, deps: Staff) -> Reply:
    """A case of the officer's own office with its form and materials."""
    officer = officer_now(request, deps)
    now = _of_office(request, deps, officer)
    item = _item(deps, now)
    handed = read_handed(deps.records, deps.keys, now)
    view = case_view(deps.records, deps.keys, now, item)
    task = current_task(deps.records.rows(now.key, "TASK#"))
    body = {
        **{name: view[name] for name in _SEEN_BY_STAFF},
        "applicant": views.staff_applicant(
            item, handed.form, handed.by, _officers_name(deps, handed.by.seen_by)
        ),
        "form": dict(handed.form),
        "materials": _materials(deps, now, item, handed),
        "promised": view["promised"],
        "grounds": view["grounds"],
        "decision": staff_decision(deps.records, deps.keys, now, item),
        "articles_offered": [each.as_json() for each in articles_of(item)],
        "task": staff_views.task(task.data, item) if task else None,
    }
    return Reply(200, body, {"ETag": version_tag(now.head.version)})


def return_case(request: Request, deps: Staff) -> Reply:
    """Sends the one notice of what is to be mended; what could be seen then is late."""
    officer = officer_now(request, deps)
    now = _of_office(request, deps, officer)
    _require_role(officer, _item(deps, now))
    asked = request.asked(NewNotice)
    reason = asked.late_reason

    def act() -> Reply:
        committed = deps.requests.return_case(
            now,
            officer.sub,
            request.version,
            [_defect(each) for each in asked.defects],
            LateReason(reason.code, reason.text) if reason else None,
        )
        event = committed.events[0]
        return Reply(201, views.moved(event), {"ETag": version_tag(event.seq)})

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def decide_case(request: Request, deps: Staff) -> Reply:
    """Records the decision, or names the one that came first."""
    officer = officer_now(request, deps)
    now = _of_office(request, deps, officer)
    _require_role(officer, _item(deps, now))
    asked = request.asked(NewDecision)

    def act() -> Reply:
        if asked.decision == "approve":
            _require_proven(deps, now, _item(deps, now))
        committed = deps.requests.decide(
            now,
            officer.sub,
            request.version,
            asked.decision,
            asked.reasons,
            articles=asked.articles,
        )
        event = committed.events[0]
        body = views.decision(event, asked.decision)
        return Reply(201, body, {"ETag": version_tag(event.seq)})

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def _require_role(officer: Officer, item: Item) -> None:
    if item.route.role not in officer.roles:
        raise Forbidden(
            "role_not_permitted",
            "您当前的身份不能使用此功能。",
            "Your role does not permit this.",
        )


def _defect(asked: Defect) -> Fault:
    """What is wrong, and what to do, in one sentence each, as the rules say it."""
    both = (asked.message.en, asked.remedy.en)
    return Fault(
        asked.path,
        asked.code,
        asked.message.zh + asked.remedy.zh,
        ENGLISH_NOT_WRITTEN if None in both else f"{both[0]} {both[1]}",
    )


def see_person(request: Request, deps: Staff) -> Reply:
    """The officer saw somebody and their document: the login is proven by that."""
    officer = officer_now(request, deps)

    def act() -> Reply:
        asked, seen, sub = _shown(request, deps, officer)
        person = deps.window.entered(
            asked.code, lambda: deps.window.vouch(sub, seen, officer.sub)
        )
        level = person.level
        body = {"level": str(level), "level_name": views.level_name(level)}
        return Reply(201, body)

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def record_guardian(request: Request, deps: Staff) -> Reply:
    """The officer saw a guardian and the papers: the guardian acts for the minor."""
    officer = officer_now(request, deps)

    def act() -> Reply:
        asked, seen, sub = _shown(request, deps, officer)
        power = deps.window.entered(
            asked.code,
            lambda: deps.window.guardian(
                sub, seen, officer.sub, corrects=asked.corrects
            ),
        )
        body = {"power_id": power.id, "ends_at": times.to_text(power.ends_at)}
        return Reply(201, body)

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def list_kin(request: Request, deps: Staff) -> Reply:
    """What the officer declared."""
    return _kin(deps, officer_now(request, deps), 200)


def declare_kin(request: Request, deps: Staff) -> Reply:
    """Keeps the officer from the cases of a relative, or of a body of their own."""
    officer = officer_now(request, deps)

    def act() -> Reply:
        return _declared(request, deps, officer)

    return Answers(deps.tables, deps.tenant, deps.now).once(request, act)


def _declared(request: Request, deps: Staff, officer: Officer) -> Reply:
    asked = request.asked(NewKin)
    number = normalised_number(asked.number)
    if not (is_identity_number(number) or is_uscc(number)):
        raise Invalid(
            "identity_number_wrong",
            "证件号码或者统一社会信用代码有误，请核对后重新填写。",
            "This is no identity number and no unified social credit code.",
            faults=(identity_number_fault("/number"),),
        )
    deps.recusal.declare(officer.sub, asked.relation, number)
    return _kin(deps, officer, 201)


def _kin(deps: Staff, officer: Officer, status: int) -> Reply:
    entries = [
        {"relation": each.relation, "declared_at": each.declared_at}
        for each in deps.recusal.declared(officer.sub)
    ]
    return Reply(status, {"kin": entries})


def _shown(
    request: Request, deps: Staff, officer: Officer
) -> tuple[SeenPerson, Seen, str]:
    """What the officer saw, and whose login the code stands for: nobody near."""
    asked = request.asked(SeenPerson)
    seen = Seen.read(asked.name, asked.number, asked.id_type)
    sub = deps.window.shown_by(asked.code)
    # Who vouched for somebody before may well make the next entry.
    deps.recusal.require_others(officer.sub, "", {sub}, vouched=False)
    if deps.recusal.is_near(officer.sub, seen.number):
        raise own_case()
    return asked, seen, sub


def _officers_name(deps: Staff, officer: str | None) -> str | None:
    """The name of the officer who stands for an identity, as the provider has it."""
    if officer is None:
        return None
    return deps.callers.identities.person(deps.tenant, officer).name


def parties(now: CaseNow) -> set[str]:
    """The logins of the applicant, and of whoever acted for the applicant."""
    return {now.case.sub, *now.case.agents}


def _require_proven(deps: Staff, now: CaseNow, item: Item) -> None:
    """Nothing is issued to somebody who is not proven, or not there any more."""
    row = deps.records.row(now.key, now.case.form)
    agent = None if row is None else row.data["applicant"].get("agent")
    standing = deps.callers.standing(now.case.sub, agent)
    enough = standing.level.reaches(level_for_machines(item))
    if enough and standing.ended is None:
        return
    raise Conflict(
        "applicant_unproven",
        "申请人的实名认证不足，或者登记信息显示其已去世、注销，不能作出准予决定；"
        "请先通知申请人完成核验，或者核实登记信息。",
        "The applicant is not proven well enough, or no more there by the register: "
        "nothing can be granted. Have the identity verified first.",
        detail={"level": str(standing.level), "ended": standing.ended},
    )


def _of_office(request: Request, deps: Staff, officer: Officer) -> CaseNow:
    now = deps.requests.of_organisation(
        request.path["case_no"], officer.organisation, officer.department
    )
    deps.recusal.require_others(officer.sub, now.key.id, parties(now))
    return now


def _item(deps: Staff, now: CaseNow) -> Item:
    return deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)


def _materials(
    deps: Staff, now: CaseNow, item: Item, handed: Handed
) -> list[answers.StaffMaterial]:
    shared = {each.code: each.shared for each in item.materials if each.shared}
    wanted = [shared[code] for code in handed.materials if code in shared]
    known = shared_materials(deps.catalogue.tables, deps.tenant, wanted)
    found: list[answers.StaffMaterial] = []
    for code, pin in handed.materials.items():
        provided = known.get(shared.get(code, ""))
        labels = provided.labels if provided else {}
        found.append(_material(deps, now, item, (code, pin), labels))
    return found


def _material(
    deps: Staff,
    now: CaseNow,
    item: Item,
    pinned: tuple[str, Mapping[str, Any]],
    labels: Mapping[str, Text],
) -> answers.StaffMaterial:
    """A file to look at, or what the state has: a licence, a provider's document."""
    code, pin = pinned
    material = item.material(code)
    source = pin.get("source", "upload")
    address = document = None
    if "key" in pin:
        address = deps.uploads.download_url(
            pin["key"], pin["version_id"], seconds=DOWNLOAD_SECONDS, file_name=code
        )
    elif source == SHARED:
        document = _document(deps, now, code)
    return {
        "code": code,
        "name": views.text(material.name) if material else {"zh": code, "en": code},
        "source": source,
        "content_type": pin.get("type"),
        "size_bytes": pin.get("size_bytes"),
        "sha256": pin.get("sha256"),
        "download_url": address,
        "reference": pin.get("ref"),
        "valid_until": pin.get("valid_until"),
        "document": document,
        "fields": staff_views.fields(document or {}, labels),
        "scan": staff_views.scan(pin),
    }


def _document(deps: Staff, now: CaseNow, code: str) -> dict[str, Any] | None:
    row = deps.records.row(now.key, source_sk(code))
    if row is None:
        return None
    data_key = deps.keys.open(now.key.tenant, now.case.key_owner)
    found: dict[str, Any] = json.loads(read_document(data_key, now.key.ref, row))
    return found


ENDPOINTS: tuple[tuple[Route, Endpoint[Staff]], ...] = (
    (routes.READ_WORKLIST, read_worklist),
    (routes.READ_STAFF_CASE, read_staff_case),
    (routes.RETURN_CASE, return_case),
    (routes.DECIDE_CASE, decide_case),
    (routes.SEE_PERSON, see_person),
    (routes.RECORD_GUARDIAN, record_guardian),
    (routes.LIST_KIN, list_kin),
    (routes.DECLARE_KIN, declare_kin),
)

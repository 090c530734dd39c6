"""From what the domain knows to what clients get: one place for each shape. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from zerotrip.cases.drafts import Draft
from zerotrip.cases.handed import PROMISE
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import CaseNow, Handed, HandedBy
from zerotrip.cases.words import stage_words, type_in
from zerotrip.catalogue.model import Item, ItemSummary, Material
from zerotrip.catalogue.model import Text as ItemText
from zerotrip.catalogue.pointers import pointer
from zerotrip.identity.model import Level, Provider
from zerotrip.identity.powers import (
    OFFICE_WORDS,
    Acting,
    Power,
    PowerSource,
    PowerState,
    level_too_low,
    power_ended,
)
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow, Head, Key, Kind
from zerotrip.kernel.amounts import spoken_yuan
from zerotrip.kernel.identifiers import IdentityDocument, identity_document_of
from zerotrip.kernel.objects import UploadForm
from zerotrip.materials.model import Slot
from zerotrip.materials.uploads import FORM_SECONDS
from zerotrip.materials.vault import Entry, Use
from zerotrip.web import answers

if TYPE_CHECKING:
    # A cold start need not know how materials are looked up, or people.
    from zerotrip.cases.applications import Receipt
    from zerotrip.identity.persons import PersonNow
    from zerotrip.sources.model import Standing
    from zerotrip.sources.remembered import Offer


def text(words: ItemText) -> answers.Text:
    """Both languages."""
    return {"zh": words.zh, "en": words.en}


def stage_name(stage: str, case_no: str) -> answers.Text:
    """A stage of that case in words."""
    zh, en = stage_words(Stage(stage), type_in(case_no))
    return {"zh": zh, "en": en}


def application_summary(draft: Draft, item: Item) -> answers.ApplicationSummary:
    """A draft in the list."""
    return {
        "application_id": draft.id,
        "version": draft.version,
        "item_code": draft.item,
        "item_name": text(item.name),
        "state": "frozen" if draft.case_no else "open",
        "created_at": draft.created_at,
        "updated_at": draft.updated_at,
        "expires_at": times.to_text(draft.expires_at),
        "case_no": draft.case_no,
    }


def application(
    draft: Draft,
    item: Item,
    slots: Iterable[Slot],
    standings: Iterable[Standing],
    *,
    current: Item | None,
    applicant: answers.ApplicantAnswer,
) -> answers.ApplicationAnswer:
    """A draft with its form and materials, asked for and looked up."""
    return {
        **application_summary(draft, item),
        "item_changed": current is not None,
        "item_changes": [] if current is None else item_changes(item, current),
        "applicant": applicant,
        "form": dict(draft.form),
        "materials": [slot(each, item) for each in slots],
        "sources": [source(each) for each in standings],
        "offered": {},
    }


LEVEL_WORDS: Mapping[Level, tuple[str, str]] = {
    Level.DECLARED: ("未实名", "not proven"),
    Level.MATCHED: ("已核对姓名和证件号码", "name and number matched"),
    Level.PRESENT: ("已实名认证（本人核验）", "proven in person"),
    Level.STRONG: (
        "已实名认证（数字证书或者窗口核验）",
        "proven by certificate or at a window",
    ),
}


def level_name(level: Level) -> answers.Text:
    """A level in words."""
    zh, en = LEVEL_WORDS[level]
    return {"zh": zh, "en": en}


def applicant(
    acting: Acting, item: Item, form: Mapping[str, Any], locked: Mapping[str, str]
) -> answers.ApplicantAnswer:
    """How well who applies is proven, and what to do where that is too little."""
    enough = acting.level.reaches(item.identity_level)
    told = None if enough else level_too_low(acting.level, item.identity_level)
    return {
        "level": str(acting.level),
        "level_name": level_name(acting.level),
        "required": str(item.identity_level),
        "enough": enough,
        "zh": "" if told is None else told.zh,
        "en": "" if told is None else told.en,
        "by_agent": acting.power is not None and not acting.power.is_own,
        "locked": dict(locked),
        "differs": sorted(
            path
            for path, value in locked.items()
            if pointer(form, path) not in (None, "", value)
        ),
    }


_PROVIDERS: Mapping[Provider, str] = {
    Provider.WECHAT: "wechat_mini_program",
    Provider.OIDC: "oidc",
    Provider.DOCUMENT: "document",
    Provider.USCC: "uscc",
}
"""As a sign-in names them; `document`: what a guardian or an officer began."""


def bindings(
    person: PersonNow,
    login: str,
    name: str | None = None,
    acting_for: answers.ActingFor | None = None,
) -> answers.BindingsAnswer:
    """A person's logins; the first one is the one in use."""
    found = sorted(person.live, key=lambda each: (each.sub != login, each.sub))
    return cast(
        answers.BindingsAnswer,
        {
            "level": str(person.level),
            "level_name": level_name(person.level),
            "name": name,
            "acting_for": acting_for,
            "bindings": [
                {
                    "binding_id": each.sub,
                    "provider": _PROVIDERS[each.via],
                    "level": str(each.level),
                    "current": each.sub == login,
                }
                for each in found
                if each.via is not None
            ],
        },
    )


def _why(because: str) -> answers.Text:
    refusal = power_ended(because)
    return {"zh": refusal.zh, "en": refusal.en}


def power(
    given: Power,
    because: str | None,
    principal: answers.PartyAnswer | None,
    agent: answers.PartyAnswer | None,
) -> answers.PowerAnswer:
    """An authorisation as either side sees it."""
    zh, en = OFFICE_WORDS[given.office]
    offered = given.state is PowerState.OFFERED
    return cast(
        answers.PowerAnswer,
        {
            "power_id": given.id,
            "office": str(given.office),
            "office_name": {"zh": zh, "en": en},
            "acts": sorted(given.acts),
            "item_code": given.scope.item,
            "items": None if given.items is None else list(given.items),
            "case_no": given.scope.case_no,
            "source": str(given.source),
            "state": str(given.state),
            "holds": because is None,
            "because": because,
            "because_words": None if because is None else _why(because),
            "accept_until": times.to_text(given.offer_ends_at) if offered else None,
            "starts_at": times.to_text(given.starts_at),
            "ends_at": times.to_text(given.ends_at),
            "principal": principal,
            "agent": agent,
        },
    )


SOURCE_WORDS: Mapping[PowerSource, tuple[str, str]] = {
    PowerSource.PROVIDER: ("统一身份认证平台", "the identity provider"),
    PowerSource.E_BUSINESS_LICENCE: ("电子营业执照授权", "the e-business licence"),
    PowerSource.CONSENT: ("委托人在本平台授权", "the principal's consent here"),
    PowerSource.GUARDIAN: ("窗口核验的监护关系", "guardianship seen at a window"),
}


DOCUMENT_WORDS: Mapping[str, tuple[str, str]] = {
    IdentityDocument.CITIZEN_CARD: ("居民身份证", "resident identity card"),
    IdentityDocument.RESIDENCE_PERMIT: ("港澳台居民居住证", "residence permit"),
    IdentityDocument.PERMANENT_RESIDENT_CARD: (
        "外国人永久居留身份证",
        "permanent resident card",
    ),
    IdentityDocument.PASSPORT: ("护照", "passport"),
    "uscc": ("统一社会信用代码", "unified social credit code"),
}


def _document(item: Item, number: object) -> answers.Text | None:
    kind: str | None = "uscc"
    if item.audience == "person":
        kind = identity_document_of(number) if isinstance(number, str) else None
    if kind is None:
        return None
    zh, en = DOCUMENT_WORDS[kind]
    return {"zh": zh, "en": en}


def staff_applicant(
    item: Item, form: Mapping[str, Any], by: HandedBy, seen_by_name: str | None
) -> answers.StaffApplicant:
    """Who applied, how that was proven, and who acted for them."""
    acted: answers.ActedFor | None = None
    if by.office is not None and by.source is not None:
        office_zh, office_en = OFFICE_WORDS[by.office]
        source_zh, source_en = SOURCE_WORDS[by.source]
        acted = cast(
            answers.ActedFor,
            {
                "name": by.agent_name,
                "number": by.agent_number,
                "office": str(by.office),
                "office_name": {"zh": office_zh, "en": office_en},
                "source": str(by.source),
                "source_name": {"zh": source_zh, "en": source_en},
            },
        )
    return cast(
        answers.StaffApplicant,
        {
            "kind": by.kind,
            "name": pointer(form, item.applicant.name_path),
            "number": pointer(form, item.applicant.number_path),
            "document": _document(item, pointer(form, item.applicant.number_path)),
            "level": str(by.level),
            "level_name": level_name(by.level),
            "seen_by": by.seen_by,
            "seen_by_name": seen_by_name,
            "acted_for_by": acted,
        },
    )


def source(standing: Standing) -> answers.SourceAnswer:
    """A material that the state may have; never the provider's own reference."""
    from zerotrip.sources.model import WORDS, Resolved, Unresolved

    material, found = standing.material, standing.resolution
    resolved = found if isinstance(found, Resolved) else None
    reason: answers.SourceReason | None = None
    if isinstance(found, Unresolved):
        zh, en = WORDS[found.reason]
        reason = {"code": found.reason.value, "zh": zh, "en": en}
    until = resolved.valid_until if resolved else None
    return cast(
        answers.SourceAnswer,
        {
            "code": material.code,
            "name": text(material.name),
            "source": material.source,
            "state": standing.state,
            "provider": resolved.provider if resolved else None,
            "valid_until": until.isoformat() if until else None,
            "reason": reason,
        },
    )


def offered(found: Mapping[str, Offer]) -> dict[str, answers.OfferAnswer]:
    """Earlier answers by pointer, and from which item they come."""
    return {
        path: {
            "value": each.value,
            "from_item": each.item.code,
            "item_name": text(each.item.name),
            "at": each.at,
        }
        for path, each in found.items()
    }


def item_changes(before: Item, after: Item) -> list[answers.ChangedItem]:
    """What is different in a later revision, in words that a person reads."""
    # Late: a draft whose item has changed is rare.
    from zerotrip.catalogue.diff import diff

    return [
        {"path": each.path, "zh": each.zh, "en": each.en}
        for each in diff(before, after)
    ]


def slot(found: Slot, item: Item) -> answers.SlotAnswer:
    """A material's slot under the material's name; never its key or version."""
    name = _material_name(item, found.code)
    return cast(answers.SlotAnswer, {**found.as_json(), "name": name})


def _material_name(item: Item, code: str) -> answers.Text:
    # A later revision of the item may not know a material any more.
    material = item.material(code)
    return text(material.name) if material else {"zh": code, "en": code}


def upload(found: Slot, item: Item, form: UploadForm) -> answers.UploadAnswer:
    """A slot and the form that fills it."""
    return {
        "slot": slot(found, item),
        "upload": {
            "url": form.url,
            "fields": dict(form.fields),
            "expires_in_seconds": FORM_SECONDS,
        },
    }


def reuse(found: Slot, item: Item, until: date) -> answers.ReuseAnswer:
    """A slot that a stored file fills."""
    return {"slot": slot(found, item), "valid_until": until.isoformat()}


def stored_file(entry: Entry, item_of: Callable[[Use], Item]) -> answers.StoredFile:
    """A file of one's vault; never its key or version."""
    return {
        "sha256": entry.sha256,
        "content_type": entry.content_type,
        "size_bytes": entry.size_bytes,
        "received_at": times.to_text(entry.received_at),
        "scanner": entry.scan.scanner if entry.scan else None,
        "used_as": [
            _stored_use(code, use, item_of(use)) for code, use in entry.uses.items()
        ],
    }


def _stored_use(code: str, use: Use, item: Item) -> answers.StoredUse:
    return {
        "material": code,
        "name": _material_name(item, code),
        "item_code": use.item,
        "item_name": text(item.name),
        "at": use.at,
    }


def submission(receipt: Receipt) -> answers.SubmissionAnswer:
    """The receipt of a hand-in."""
    return {
        "case_no": receipt.case_no,
        "query_code": receipt.query_code,
        "stage": "received",
        "stage_name": stage_name(Stage.RECEIVED, receipt.case_no),
    }


def handed_in(handed: Handed, item: Item) -> answers.HandedIn:
    """What a correction starts from; never a file's key, nor a provider's reference."""
    there = [
        _handed_material(item, code, pin) for code, pin in handed.materials.items()
    ]
    promised = [
        _handed_material(item, code, PROMISE) for code in sorted(handed.awaited)
    ]
    return {"form": dict(handed.form), "materials": there + promised}


def _handed_material(
    item: Item, code: str, pin: Mapping[str, Any]
) -> answers.HandedMaterial:
    return cast(
        answers.HandedMaterial,
        {
            "code": code,
            "name": _material_name(item, code),
            "source": pin.get("source", "upload"),
            "content_type": pin.get("type"),
            "size_bytes": pin.get("size_bytes"),
            "sha256": pin.get("sha256"),
        },
    )


def case(
    view: Mapping[str, Any],
    facts: Iterable[Head],
    handed: answers.HandedIn | None,
) -> answers.CaseAnswer:
    """A `cases.views.case_view` with what its bills and shipments say of themselves."""
    known = {head.key.id: head for head in facts}
    filled = {
        **view,
        "handed_in": handed,
        "bills": [_bill(each, known.get(each["id"])) for each in view["bills"]],
        "shipments": [
            _shipment(each, known.get(each["id"])) for each in view["shipments"]
        ],
    }
    return cast(answers.CaseAnswer, filled)


def fact_keys(now: CaseNow) -> tuple[list[Key], list[Key]]:
    """Keys of the case's bills and of its shipments."""
    tenant = now.key.tenant
    return (
        [Key(tenant, Kind.BILL, each) for each in now.case.bills],
        [Key(tenant, Kind.SHIPMENT, each) for each in now.case.shipments],
    )


def moved(event: EventRow) -> answers.CaseMoved:
    """What a person's command did to a case."""
    stage = str(event.body["stage"])
    return {
        "case_no": event.key.id,
        "version": event.seq,
        "stage": stage,
        "stage_name": stage_name(stage, event.key.id),
        "event": event.type,
        "time": event.time,
    }


def decision(event: EventRow, decided: str) -> answers.DecisionAnswer:
    """A recorded decision."""
    stage = str(event.body["stage"])
    return cast(
        answers.DecisionAnswer,
        {
            "case_no": event.key.id,
            "version": event.seq,
            "decision": decided,
            "stage": stage,
            "stage_name": stage_name(stage, event.key.id),
            "recorded_at": event.time,
        },
    )


def licence(head: Head, state: str) -> answers.LicenceAnswer:
    """One's own licence."""
    body = head.body
    return cast(
        answers.LicenceAnswer,
        {
            **_issued(head, state),
            "case_no": body["case_no"],
            "item_code": body["item"],
            "sha256": body.get("sha256"),
        },
    )


def verification(head: Head, state: str) -> answers.VerificationAnswer:
    """What anyone may know of a licence."""
    return cast(answers.VerificationAnswer, _issued(head, state))


def item_summary(summary: ItemSummary) -> answers.ItemSummaryAnswer:
    """An item in the list."""
    return {
        "item_code": summary.code,
        "revision": summary.revision,
        "name": text(summary.name),
        "audience": summary.audience,
        "organisation": {
            "uscc": summary.organisation,
            "name": text(summary.organisation_name),
        },
        "department": summary.department,
        "department_name": text(summary.department_name),
        "themes": list(summary.themes),
        "promised_working_days": summary.promised_working_days,
        "visits": summary.visits,
    }


_ITEM_FIELDS = {
    "base_code", "revision", "name", "audience", "identity_level", "organisation",
    "department", "department_name", "themes", "channels", "scope", "legal_basis",
    "conditions", "statutory_working_days", "promised_working_days", "visits", "form",
    "sections", "fee", "courier_charge",
}  # fmt: skip


def item(published: Item) -> answers.ItemAnswer:
    """An item for whoever shows its form; rules and layout stay inside."""
    route = published.route
    shown = {
        **published.model_dump(mode="json", include=_ITEM_FIELDS),
        "item_code": published.code,
        "applicant": published.applicant.model_dump(include=_APPLICANT_FIELDS),
        "agents_allowed": published.applicant.agents_allowed,
        "guardians_allowed": published.applicant.guardians_allowed,
        "own_from_age": published.applicant.own_from_age,
        "materials": [_material(each) for each in published.materials],
        "route": {
            "decided_by": route.decided_by,
            "papers_by_courier": route.papers_by_courier,
            "deliver_by_courier": route.deliver_by_courier,
        },
        "licence": {
            "title": text(published.licence.title),
            "valid_months": published.licence.valid_months,
        },
    }
    return cast(answers.ItemAnswer, shown)


_APPLICANT_FIELDS = set(answers.ApplicantPaths.__annotations__)
_MATERIAL_FIELDS = set(answers.MaterialAnswer.__annotations__) - {"conditional"}


def _material(material: Material) -> dict[str, Any]:
    asked = material.model_dump(mode="json", include=_MATERIAL_FIELDS)
    return {**asked, "conditional": material.when is not None}


def _issued(head: Head, state: str) -> dict[str, Any]:
    body = head.body
    return {
        "licence_id": head.key.id,
        "state": state,
        "title": body["title"],
        "issuer": body["issuer"],
        "issued_at": body["issued_at"],
        "valid_until": body["valid_until"],
    }


BILL_WORDS: Mapping[str, tuple[str, str]] = {
    "opened": ("待缴纳", "To be paid"),
    "settled": ("已缴清", "Paid"),
    "cancelled": ("已取消，无需缴纳", "Cancelled, nothing to pay"),
    "lapsed": ("逾期未缴，已失效", "Not paid in time, lapsed"),
    "refund_due": ("已失效或者取消，款项待退还", "Lapsed or cancelled, to be refunded"),
}
_BILL_TO_COME = ("正在生成缴费单", "The bill is being made")
SHIPMENT_WORDS: Mapping[str, tuple[str, str]] = {
    "ordered": ("正在下单", "Being ordered"),
    "dispatched": ("快递已接单", "Taken by the carrier"),
    "picked_up": ("已揽收", "Picked up"),
    "in_transit": ("运输中", "On its way"),
    "exception": ("运输异常，正在核实", "Delayed, being looked into"),
    "out_for_delivery": ("派送中", "Out for delivery"),
    "attempt_failed": ("派送未成功，将再次派送", "Not delivered, will be tried again"),
    "at_locker": ("已到自提点，请及时领取", "At a pick-up point, please collect it"),
    "returning": ("退回途中", "On its way back"),
    "lost": ("包裹丢失，正在核实", "Lost, being looked into"),
    "delivered": ("已签收", "Delivered"),
    "returned": ("已退回寄件人", "Returned to the sender"),
    "cancelled": ("已取消", "Cancelled"),
}
_SHIPMENT_TO_COME = ("正在下单", "Being ordered")
DIRECTION_WORDS: Mapping[str, tuple[str, str]] = {
    "pickup": ("上门揽收纸质材料", "Papers from you to the office"),
    "delivery": ("寄送办理结果", "The result to you"),
}


def _both(words: tuple[str, str]) -> answers.Text:
    return {"zh": words[0], "en": words[1]}


def _bill(wanted: Mapping[str, Any], head: Head | None) -> answers.BillAnswer:
    """A bill as the case asked for it; its stage once it is stored."""
    amount_fen = wanted.get("amount_fen")
    return {
        "bill_id": wanted["id"],
        "name": wanted["name"],
        "stage": head.stage if head else None,
        "stage_name": _both(BILL_WORDS[head.stage] if head else _BILL_TO_COME),
        "kind": wanted.get("kind"),
        "amount_fen": amount_fen,
        "amount_text": None if amount_fen is None else _both(spoken_yuan(amount_fen)),
        "payable_until": head.body.get("payable_until") if head else None,
    }


def _shipment(wanted: Mapping[str, Any], head: Head | None) -> answers.ShipmentAnswer:
    direction = wanted.get("direction")
    return {
        "shipment_id": wanted["id"],
        "stage": head.stage if head else None,
        "stage_name": _both(SHIPMENT_WORDS[head.stage] if head else _SHIPMENT_TO_COME),
        "direction": direction,
        "direction_name": _both(DIRECTION_WORDS[direction]) if direction else None,
        "waybill": head.body.get("waybill") if head else None,
    }

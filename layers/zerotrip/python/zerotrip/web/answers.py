"""What clients get: the shapes of all answers, as types. The OpenAPI is made from them.

Times are RFC 3339 in UTC, days `YYYY-MM-DD`, amounts whole fen.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired

# pydantic reads the types for the OpenAPI, and before 3.12 takes no other TypedDict.
from typing_extensions import TypedDict


class Text(TypedDict):
    """A text in both languages; Chinese is the one that counts."""

    zh: str
    en: str


class FaultAnswer(TypedDict):
    """One thing to mend: JSON pointer, stable code, a sentence per language."""

    path: str
    code: str
    zh: str
    en: str


class SubjectAnswer(TypedDict):
    """Who signed in: a natural or legal person, and how well that is proven."""

    kind: Literal["natural", "legal"]
    level: str


class SessionAnswer(TypedDict):
    """Our own token, and a refresh token that works once."""

    token_type: Literal["Bearer"]
    access_token: str
    expires_in_seconds: int
    refresh_token: str
    subject: SubjectAnswer
    roles: list[str]


class ReusedAnswer(TypedDict):
    """That a file of the vault fills the slot, for what, and agreed to when."""

    sha256: str
    purpose: str
    consent_at: str


class SlotAnswer(TypedDict):
    """One material: what was announced, what came of it, why it was refused.

    `scanner` looked for malware, `none`: nobody did; null: the file did not get there.
    """

    code: str
    name: Text
    state: Literal["open", "absent", "received", "refused"]
    content_type: str
    size_bytes: int
    issued_at: str
    sha256: str | None
    reason: FaultAnswer | None
    scanner: str | None
    reused: ReusedAnswer | None


class ApplicationSummary(TypedDict):
    """A draft in the person's list."""

    application_id: str
    version: int
    item_code: str
    item_name: Text
    state: Literal["open", "frozen"]
    created_at: str
    updated_at: str
    expires_at: str
    case_no: str | None


class ApplicationsAnswer(TypedDict):
    """The person's drafts, last changed first."""

    applications: list[ApplicationSummary]


class SourceReason(TypedDict):
    """Why the state could not give a material, so that it is asked as an upload."""

    code: Literal["provider_unavailable", "not_found", "expired", "identity_unproven"]
    zh: str
    en: str


class SourceAnswer(TypedDict):
    """A material that the state may have.

    `state`: `resolved`, nothing to do · `upload`, hand it in, for this `reason` ·
    `pending`, looked up at hand-in. `provider` gave it; `valid_until` is a legal day.
    """

    code: str
    name: Text
    source: Literal["licence", "shared"]
    state: Literal["resolved", "upload", "pending"]
    provider: str | None
    valid_until: str | None
    reason: SourceReason | None


class OfferAnswer(TypedDict):
    """What the person wrote in an earlier application: item code, name and when."""

    value: Any
    from_item: str
    item_name: Text
    at: str


class ChangedItem(TypedDict):
    """One difference to the revision that is offered."""

    path: str
    zh: str
    en: str


class ApplicationAnswer(ApplicationSummary):
    """A draft. `item_changed`: the item has a newer revision since it was begun.

    `sources`: materials that the state may have, which need no upload while they are
    resolved. `offered`: earlier answers for fields still empty, by JSON pointer into
    the form; filled when a draft is read, empty in the answer to a command.
    """

    item_changed: bool
    item_changes: list[ChangedItem]
    form: dict[str, Any]
    materials: list[SlotAnswer]
    sources: list[SourceAnswer]
    offered: dict[str, OfferAnswer]


class UploadForm(TypedDict):
    """Post these fields, then the file as `file`, to the URL as multipart/form-data."""

    url: str
    fields: dict[str, str]
    expires_in_seconds: int


class UploadAnswer(TypedDict):
    """The material's slot and the form that fills it."""

    slot: SlotAnswer
    upload: UploadForm


class StoredUse(TypedDict):
    """As which material of which item a stored file was handed up, and when."""

    material: str
    name: Text
    item_code: str
    item_name: Text
    at: str


class StoredFile(TypedDict):
    """A file of one's vault. It is as old as `received_at` says, its first coming.

    It may stand for a material that it was used as, where the item says for how many
    months (`reusable_months`).
    """

    sha256: str
    content_type: str
    size_bytes: int
    received_at: str
    scanner: str | None
    used_as: list[StoredUse]


class VaultAnswer(TypedDict):
    """The person's own files, the newest first."""

    files: list[StoredFile]


class ReuseAnswer(TypedDict):
    """The slot that the stored file fills, and the last legal day on which it may."""

    slot: SlotAnswer
    valid_until: str


class SubmissionAnswer(TypedDict):
    """Received: the number under which everything goes on."""

    case_no: str
    stage: Literal["received"]
    stage_name: Text


class CaseSummary(TypedDict):
    """A case in the person's list; `asked_of_me` names what waits for the person."""

    case_no: str
    item_code: str
    item_name: Text
    stage: str
    stage_name: Text
    received_at: str
    asked_of_me: list[str]


class CasesAnswer(TypedDict):
    """The person's cases, newest first."""

    cases: list[CaseSummary]


class PromisedMaterial(TypedDict):
    """A material that is to follow, and the last legal day on which it may."""

    code: str
    name: Text
    last_day: str


class AskedAnswer(TypedDict):
    """What is asked of the person now; `ref` is its bill or shipment."""

    obligation: str
    zh: str
    en: str
    faults: NotRequired[list[FaultAnswer]]
    ref: NotRequired[str]


class TimelineEntry(TypedDict):
    """One event of the case in words."""

    seq: int
    event: str
    time: str
    zh: str
    en: str


class BillAnswer(TypedDict):
    """A bill of the case; what is not stored yet is null."""

    bill_id: str
    stage: str | None
    kind: str | None
    amount_fen: int | None


class ShipmentAnswer(TypedDict):
    """A parcel of the case; `waybill` once the carrier has it."""

    shipment_id: str
    stage: str | None
    direction: str | None
    waybill: str | None


class CaseStanding(TypedDict):
    """Which case, and where it stands."""

    case_no: str
    version: int
    item_code: str
    item_name: Text
    stage: str
    stage_name: Text
    received_at: str
    obligations: list[str]


class CaseAnswer(CaseStanding):
    """A case as its applicant sees it.

    `promised` is still to be handed in; `grounds` say why it ended by law or by a
    promise not kept, and what can be done.
    """

    asked_of_me: list[AskedAnswer]
    promised: list[PromisedMaterial]
    grounds: list[FaultAnswer]
    timeline: list[TimelineEntry]
    bills: list[BillAnswer]
    shipments: list[ShipmentAnswer]
    licence_id: str | None


class CaseMoved(TypedDict):
    """What a command did: the event, and where the case stands by it."""

    case_no: str
    version: int
    stage: str
    stage_name: Text
    event: str
    time: str


class NoticeAbout(TypedDict):
    """What a notice is about."""

    kind: Literal["case", "bill", "shipment", "licence", "application"]
    id: str


class NoticeAnswer(TypedDict):
    """One notice in words. `case_no` is null while there is only an application."""

    id: str
    type: str
    case_no: str | None
    about: NoticeAbout
    title: Text
    text: Text
    occurred_at: str
    sent_at: str
    read: bool
    read_at: str | None


class NoticesAnswer(TypedDict):
    """The inbox, newest first."""

    notices: list[NoticeAnswer]


class IssuerAnswer(TypedDict):
    """The body that issued a licence, by its USCC."""

    uscc: str
    name: Text


class LicenceAnswer(TypedDict):
    """One's own licence. `prepared`: its file is being signed."""

    licence_id: str
    state: Literal["prepared", "valid", "expired"]
    case_no: str
    item_code: str
    title: Text
    issuer: IssuerAnswer
    issued_at: str
    valid_until: str | None
    sha256: str | None


class VerificationAnswer(TypedDict):
    """What anyone may know of a licence: that it was issued, by whom, until when."""

    licence_id: str
    state: Literal["valid", "expired"]
    title: Text
    issuer: IssuerAnswer
    issued_at: str
    valid_until: str | None


class TaskAnswer(TypedDict):
    """What an officer is to do, as which role, since when.

    `checks`: rules and materials of which the rules could not say anything.
    """

    kind: str
    role: str
    opened_at: str
    checks: list[str]


class WorkAnswer(TypedDict):
    """A case that waits for an officer; no personal data."""

    case_no: str
    item_code: str
    item_name: Text
    stage: str
    stage_name: Text
    received_at: str
    task: TaskAnswer


class WorklistAnswer(TypedDict):
    """The office's open tasks, oldest application first."""

    tasks: list[WorkAnswer]


class StaffMaterial(TypedDict):
    """A material as handed in: a file, whose address opens for 60 seconds, or what the
    state has: the licence's or the provider's `reference`, and its `document`."""

    code: str
    name: Text
    source: Literal["upload", "licence", "shared"]
    content_type: str | None
    size_bytes: int | None
    sha256: str | None
    download_url: str | None
    reference: str | None
    valid_until: str | None
    document: dict[str, Any] | None


class StaffCaseAnswer(CaseStanding):
    """A case as its office sees it; `task` is the open one, if there is one."""

    timeline: list[TimelineEntry]
    licence_id: str | None
    form: dict[str, Any]
    materials: list[StaffMaterial]
    promised: list[PromisedMaterial]
    task: TaskAnswer | None


class DecisionAnswer(TypedDict):
    """A recorded decision; it is carried out next."""

    case_no: str
    version: int
    decision: Literal["approve", "refuse"]
    stage: str
    stage_name: Text
    recorded_at: str


class ItemSummaryAnswer(TypedDict):
    """An item in the list."""

    item_code: str
    revision: int
    name: Text
    audience: Literal["person", "company"]
    organisation: IssuerAnswer
    department: str
    department_name: Text
    themes: list[str]
    promised_working_days: int
    visits: int


class ItemsAnswer(TypedDict):
    """What can be applied for, by item code; `next` is the `after` of the next page."""

    items: list[ItemSummaryAnswer]
    total: int
    next: str | None


class LegalBasisAnswer(TypedDict):
    """A law, and its article where known."""

    zh: str
    en: str | None
    article: str | None


class OrganisationAnswer(TypedDict):
    """The body that implements the item, and where to complain."""

    uscc: str
    name: Text
    complaint_telephone: str
    enquiry_telephone: str | None
    address: Text | None
    hours: Text | None


class SectionAnswer(TypedDict):
    """Form fields that are shown together, by JSON pointer."""

    title: Text
    fields: list[str]


class MaterialAnswer(TypedDict):
    """A material that the item needs; only `upload` is asked of the applicant.

    With `conditional` it depends on the form; what `may_follow_working_days` names may
    be promised and come later.
    """

    code: str
    name: Text
    required: bool
    source: Literal["upload", "licence", "shared", "form"]
    conditional: bool
    may_follow_working_days: int | None
    reusable_months: int | None
    originals: int
    copies: int
    types: list[str]
    max_bytes: int
    note: Text | None


class RouteAnswer(TypedDict):
    """Who decides, and what a courier carries."""

    decided_by: Literal["rule", "officer"]
    papers_by_courier: bool
    deliver_by_courier: bool


class FeeAnswer(TypedDict):
    """A statutory fee."""

    code: str
    name: Text
    amount_fen: int
    legal_basis: str


class ChargeAnswer(TypedDict):
    """The courier's price; not a statutory fee."""

    name: Text
    amount_fen: int


class LicenceOffered(TypedDict):
    """The licence that the item ends with; no months: no end."""

    title: Text
    valid_months: int | None


class ItemAnswer(TypedDict):
    """An item with all that is needed to show its form (JSON Schema 2020-12)."""

    item_code: str
    base_code: str
    revision: int
    name: Text
    audience: Literal["person", "company"]
    organisation: OrganisationAnswer
    department: str
    department_name: Text
    themes: list[str]
    channels: list[Literal["window", "computer", "mobile", "courier"]]
    scope: Literal["county", "city", "province", "country"]
    legal_basis: list[LegalBasisAnswer]
    conditions: list[Text]
    statutory_working_days: int
    promised_working_days: int
    visits: int
    form: dict[str, Any]
    sections: list[SectionAnswer]
    materials: list[MaterialAnswer]
    route: RouteAnswer
    fee: FeeAnswer | None
    courier_charge: ChargeAnswer | None
    licence: LicenceOffered


class GuideMaterial(TypedDict):
    """A material as the guide tells it."""

    code: str
    name: Text
    source: Text
    required: bool
    conditional: bool
    may_follow_working_days: int | None
    originals: int
    copies: int
    note: Text | None


class GuideFee(TypedDict):
    """A statutory fee and its legal basis."""

    name: Text
    amount_fen: int
    legal_basis: str


class GuideAnswer(TypedDict):
    """The guide (办事指南): `missing` names elements that the item does not tell."""

    item_code: str
    base_code: str
    revision: int
    name: Text
    audience: Text
    organisation: Text
    department: Text
    scope: Text
    channels: list[Text]
    legal_basis: list[LegalBasisAnswer]
    conditions: list[Text]
    materials: list[GuideMaterial]
    route: list[Text]
    fee: GuideFee | None
    courier_charge: ChargeAnswer | None
    statutory_working_days: int
    promised_working_days: int
    visits: int
    result: LicenceOffered
    complaint_telephone: str
    enquiry_telephone: str | None
    address: Text | None
    hours: Text | None
    missing: list[str]


class FindingAnswer(TypedDict):
    """What the lint says: a stable code, where, a sentence; errors block publishing."""

    code: str
    severity: Literal["error", "warning"]
    path: str
    zh: str
    en: str


class CheckedItem(TypedDict):
    """An editor's files, as the lint sees them."""

    item_code: str
    revision: int
    acceptable: bool
    findings: list[FindingAnswer]


class ProposalEvent(TypedDict):
    """One step of a revision's life; `office` and what it said where one spoke."""

    event: str
    time: str
    office: str | None
    agrees: bool | None
    reasons: str | None


class ItemProposal(TypedDict):
    """A revision on its way; `offices` maps those that agreed to when."""

    item_code: str
    version: int
    stage: Literal["in_review", "returned", "approved", "scheduled", "published"]
    organisation: str
    revision: int
    digest: str
    published_revision: int | None
    effective_on: str | None
    offices: dict[str, str]
    changes: list[ChangedItem]
    timeline: list[ProposalEvent]
    findings: list[FindingAnswer]


class KeysAnswer(TypedDict):
    """JSON Web Key Set (RFC 7517): the keys that check our tokens."""

    keys: list[dict[str, Any]]


class PaymentAnswer(TypedDict):
    """A bill opened at a channel; `parameters` go to the payment call as they are."""

    bill_id: str
    channel: str
    amount_fen: int
    currency: Literal["CNY"]
    parameters: dict[str, str]


class ProblemAnswer(TypedDict):
    """A problem document (RFC 9457), with what the error itself tells besides.

    `status` is missing only where the gateway refuses for a reason without a name.
    """

    type: str
    title: str
    status: NotRequired[int]
    detail: str
    instance: str
    code: str
    zh: str
    en: str
    faults: NotRequired[list[FaultAnswer]]


class PartnerRefusal(TypedDict):
    """A refused callback, in the partner's own scheme; WeChat Pay's `code` is FAIL."""

    code: str
    message: NotRequired[str]

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


class SlotAnswer(TypedDict):
    """One material: what was announced, what came of it, why it was refused."""

    code: str
    name: Text
    state: Literal["open", "absent", "received", "refused"]
    content_type: str
    size_bytes: int
    issued_at: str
    sha256: str | None
    reason: FaultAnswer | None


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


class ApplicationAnswer(ApplicationSummary):
    """A draft. `item_changed`: the item has a newer revision since it was begun."""

    item_changed: bool
    form: dict[str, Any]
    materials: list[SlotAnswer]


class UploadForm(TypedDict):
    """Post these fields, then the file as `file`, to the URL as multipart/form-data."""

    url: str
    fields: dict[str, str]
    expires_in_seconds: int


class UploadAnswer(TypedDict):
    """The material's slot and the form that fills it."""

    slot: SlotAnswer
    upload: UploadForm


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


class AskedAnswer(TypedDict):
    """What is asked of the person now; `ref` is its bill or shipment."""

    obligation: str
    zh: str
    en: str
    faults: NotRequired[list[dict[str, Any]]]
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
    """A case as its applicant sees it."""

    asked_of_me: list[AskedAnswer]
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
    """What an officer is to do, as which role, since when."""

    kind: str
    role: str
    opened_at: str


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
    """A material as handed in; the address opens for 60 seconds."""

    code: str
    name: Text
    content_type: str
    size_bytes: int
    sha256: str
    download_url: str


class StaffCaseAnswer(CaseStanding):
    """A case as its office sees it; `task` is the open one, if there is one."""

    timeline: list[TimelineEntry]
    licence_id: str | None
    form: dict[str, Any]
    materials: list[StaffMaterial]
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


class ItemsAnswer(TypedDict):
    """What can be applied for, by item code."""

    items: list[ItemSummaryAnswer]


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

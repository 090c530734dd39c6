"""A case as its applicant sees it, with bills, parcels and notices."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from zerotrip.web.answers.common import FaultAnswer, Text


class CaseNamed(TypedDict):
    """A case as any list shows it."""

    case_no: str
    item_code: str
    item_name: Text
    stage: str
    stage_name: Text
    received_at: str


class CaseSummary(CaseNamed):
    """A case in the person's list; `asked_of_me` names what waits for the person."""

    asked_of_me: list[str]


class CasesAnswer(TypedDict):
    """The person's cases, newest first."""

    cases: list[CaseSummary]


class PromisedMaterial(TypedDict):
    """A material that is to follow, and the last legal day on which it may."""

    code: str
    name: Text
    last_day: str


class Written(TypedDict):
    """What a person wrote or a law is called; English where there is some."""

    zh: str
    en: str | None


class DecidedBy(TypedDict):
    """The organ that decided."""

    uscc: str
    name: Text


class ReconsiderationAnswer(TypedDict):
    """行政复议: the body, and within how many calendar days of receiving the decision;
    `body` is null where an old revision of the item does not name it."""

    body: Text | None
    days: int
    online_url: str | None


class LitigationAnswer(TypedDict):
    """行政诉讼: within how many months of receiving the decision, or how many days of
    receiving the decision on a reconsideration."""

    court: Text | None
    months: int
    days_after_reconsideration: int


class RemediesAnswer(TypedDict):
    """What can be done against a decision; both sentences say all of it.

    `prior_reconsideration`: reconsideration must be asked for before a suit.
    """

    reconsideration: ReconsiderationAnswer
    litigation: LitigationAnswer
    prior_reconsideration: bool
    zh: str
    en: str


class DecisionTold(TypedDict):
    """What was decided and why. `reasons` is null where they were destroyed with the
    case's key, `remedies` where the application was granted."""

    act: Literal["grant", "refuse", "not_accept"]
    act_name: Text
    by: Literal["officer", "rule"]
    reasons: Written | None
    articles: list[Written]
    decided_at: str
    by_organisation: DecidedBy
    remedies: RemediesAnswer | None


class AskedAnswer(TypedDict):
    """What is asked of the person now; `ref` is its bill or shipment."""

    obligation: str
    zh: str
    en: str
    faults: NotRequired[list[FaultAnswer]]
    ref: NotRequired[str]


class TimelineEntry(TypedDict):
    """One event of the case in words; `on_behalf` names as what somebody acted for the
    applicant."""

    seq: int
    event: str
    time: str
    zh: str
    en: str
    on_behalf: NotRequired[Text]


class BillAnswer(TypedDict):
    """A bill of the case, named from its first moment; `stage` is null until it is
    stored, and so is until when it may be paid."""

    bill_id: str
    name: Text
    stage: str | None
    stage_name: Text
    kind: str | None
    amount_fen: int | None
    amount_text: Text | None
    payable_until: str | None


class ShipmentAnswer(TypedDict):
    """A parcel of the case; `stage` is null until it is stored, `waybill` until the
    carrier has it."""

    shipment_id: str
    stage: str | None
    stage_name: Text
    direction: str | None
    direction_name: Text | None
    waybill: str | None


class CaseStanding(TypedDict):
    """Which case, and where it stands. `query_code` is what people say instead of the
    number; null in the oldest cases."""

    case_no: str
    query_code: str | None
    version: int
    item_code: str
    item_name: Text
    stage: str
    stage_name: Text
    received_at: str
    obligations: list[str]


class HandedInBy(TypedDict):
    """Who acted for the applicant, and as what."""

    name: str | None
    office: str
    office_name: Text


class HandedMaterial(TypedDict):
    """A material as it lies with the office: a file, what the state has, or a promise.

    Only a file has type, size and hash.
    """

    code: str
    name: Text
    source: Literal["upload", "licence", "shared", "promise"]
    content_type: str | None
    size_bytes: int | None
    sha256: str | None


class HandedIn(TypedDict):
    """Form and materials as they stand after the last correction."""

    form: dict[str, Any]
    materials: list[HandedMaterial]


class CaseAnswer(CaseStanding):
    """A case as its applicant sees it.

    `promised` is still to be handed in; `grounds` say why it ended by law or by a
    promise not kept. `decision` is null before there is one. `handed_in_by` is who
    acted for the applicant when the form was handed in, null where nobody did.
    `handed_in` is what a correction starts from: null in every stage but `correcting`,
    and for an agent who may not apply.
    """

    handed_in_by: HandedInBy | None
    handed_in: HandedIn | None
    asked_of_me: list[AskedAnswer]
    promised: list[PromisedMaterial]
    grounds: list[FaultAnswer]
    decision: DecisionTold | None
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
    """One notice in words. `case_no` and its `query_code` are null while there is only
    an application; `by_agent`: somebody acted for the applicant in this case."""

    id: str
    type: str
    case_no: str | None
    query_code: str | None
    about: NoticeAbout
    by_agent: bool
    title: Text
    text: Text
    occurred_at: str
    sent_at: str
    read: bool
    read_at: str | None


class NoticesAnswer(TypedDict):
    """The inbox, newest first."""

    notices: list[NoticeAnswer]


class PaymentAnswer(TypedDict):
    """A bill opened at a channel; `parameters` go to the payment call as they are."""

    bill_id: str
    channel: str
    amount_fen: int
    currency: Literal["CNY"]
    parameters: dict[str, str]

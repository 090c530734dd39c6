"""What can be applied for, and the guide of each item."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.common import Text
from zerotrip.web.answers.licences import IssuerAnswer


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


class ApplicantPaths(TypedDict):
    """Where the form names the applicant: clients fill these in and lock them."""

    name_path: str
    number_path: str
    telephone_path: str | None
    representative_path: str | None


class ItemAnswer(TypedDict):
    """An item with all that is needed to show its form (JSON Schema 2020-12)."""

    item_code: str
    base_code: str
    revision: int
    name: Text
    audience: Literal["person", "company"]
    identity_level: Literal["declared", "matched", "present", "strong"]
    applicant: ApplicantPaths
    agents_allowed: bool
    guardians_allowed: bool
    own_from_age: int
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
    identity: Text
    who_applies: list[Text]
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
    remedies: Text
    complaint_telephone: str
    enquiry_telephone: str | None
    address: Text | None
    hours: Text | None
    missing: list[str]

"""What an officer works with."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.cases import (
    CaseNamed,
    CaseStanding,
    DecisionTold,
    PromisedMaterial,
    TimelineEntry,
    Written,
)
from zerotrip.web.answers.common import FaultAnswer, Text


class CheckTold(TypedDict):
    """What keeps a rule from deciding: the code, and a sentence for the officer."""

    code: str
    zh: str
    en: str


class TaskAnswer(TypedDict):
    """What an officer is to do, as which role, since when.

    `checks`: rules and materials of which the rules could not say anything.
    """

    kind: str
    role: str
    opened_at: str
    checks: list[CheckTold]


class WorkAnswer(CaseNamed):
    """A case that waits for an officer; no personal data."""

    task: TaskAnswer


class WorklistAnswer(TypedDict):
    """The office's open tasks, oldest application first."""

    tasks: list[WorkAnswer]


class Labelled(TypedDict):
    """One field of a provider's document, as an officer reads it."""

    label: Text
    value: str


class ScanAnswer(TypedDict):
    """What the malware scanner said of the file; `scanned_at` is null in old records.

    `scanner` is `none` where no scanner is installed, as on a laptop.
    """

    scanner: str
    version: str | None
    verdict: Literal["clean", "infected", "unavailable"]
    verdict_name: Text
    scanned_at: str | None


class StaffMaterial(TypedDict):
    """A material as handed in: a file, whose address opens for 60 seconds, or what the
    state has: the licence's or the provider's `reference`, its `document`, and
    `fields`, which are the document in words. `scan` is null for what is no file."""

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
    fields: list[Labelled]
    scan: ScanAnswer | None


class ActedFor(TypedDict):
    """Who acted for the applicant, as what, on whose word."""

    name: str | None
    number: str | None
    office: Literal["representative", "manager", "agent", "guardian"]
    office_name: Text
    source: Literal["provider", "e_business_licence", "consent", "guardian"]
    source_name: Text


class StaffApplicant(TypedDict):
    """Who applied, and how well that was proven when the form was handed in.

    `seen_by` is the officer who saw the person at a window, where one did, by id and
    by name.
    """

    kind: Literal["natural", "company", "sole_trader", "branch"]
    name: str | None
    number: str | None
    document: Text | None
    level: str
    level_name: Text
    seen_by: str | None
    seen_by_name: str | None
    acted_for_by: ActedFor | None


class SeenAnswer(TypedDict):
    """How well the person is proven now."""

    level: str
    level_name: Text


class GuardianAnswer(TypedDict):
    """The guardian's authorisation, and until when it holds."""

    power_id: str
    ends_at: str


class KinEntry(TypedDict):
    """A declared relation; whose, only a keyed hash tells."""

    relation: str
    declared_at: str


class KinAnswer(TypedDict):
    """Whose cases the officer is kept from, beside their own."""

    kin: list[KinEntry]


class StaffDecision(DecisionTold):
    """The same with who decided: an officer's login, or the step that acted."""

    actor: str


class StaffCaseAnswer(CaseStanding):
    """A case as its office sees it; `task` is the open one, if there is one.

    `articles_offered` are what a decision may cite: the item's own legal bases.
    """

    applicant: StaffApplicant

    timeline: list[TimelineEntry]
    licence_id: str | None
    form: dict[str, Any]
    materials: list[StaffMaterial]
    promised: list[PromisedMaterial]
    grounds: list[FaultAnswer]
    decision: StaffDecision | None
    articles_offered: list[Written]
    task: TaskAnswer | None


class DecisionAnswer(TypedDict):
    """A recorded decision; it is carried out next."""

    case_no: str
    version: int
    decision: Literal["approve", "refuse"]
    stage: str
    stage_name: Text
    recorded_at: str

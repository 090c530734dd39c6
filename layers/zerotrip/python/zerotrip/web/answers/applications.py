"""Drafts and what became of them."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.common import Text
from zerotrip.web.answers.materials import OfferAnswer, SlotAnswer, SourceAnswer


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


class ChangedItem(TypedDict):
    """One difference to the revision that is offered."""

    path: str
    zh: str
    en: str


class ApplicantAnswer(TypedDict):
    """How well who applies is proven, and what the item needs.

    `enough` false: `zh` and `en` say what to do; the draft is kept. `locked` are fields
    by JSON pointer into the form whose value may not be another; `differs` are those of
    them in which something else was typed before the proof.
    """

    level: str
    level_name: Text
    required: str
    enough: bool
    zh: str
    en: str
    by_agent: bool
    locked: dict[str, str]
    differs: list[str]


class ApplicationAnswer(ApplicationSummary):
    """A draft. `item_changed`: the item has a newer revision since it was begun.

    `sources`: materials that the state may have, which need no upload while they are
    resolved. `offered`: earlier answers for fields still empty, by JSON pointer into
    the form; filled when a draft is read, empty in the answer to a command.
    """

    item_changed: bool
    item_changes: list[ChangedItem]
    applicant: ApplicantAnswer
    form: dict[str, Any]
    materials: list[SlotAnswer]
    sources: list[SourceAnswer]
    offered: dict[str, OfferAnswer]


class SubmissionAnswer(TypedDict):
    """Received: the number under which everything goes on."""

    case_no: str
    stage: Literal["received"]
    stage_name: Text

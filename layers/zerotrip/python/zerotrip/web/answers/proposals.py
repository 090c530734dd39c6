"""What editors and the reviewing offices see of an item."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.applications import ChangedItem


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

"""What an officer works with."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.cases import (
    CaseNamed,
    CaseStanding,
    PromisedMaterial,
    TimelineEntry,
)
from zerotrip.web.answers.common import Text


class TaskAnswer(TypedDict):
    """What an officer is to do, as which role, since when.

    `checks`: rules and materials of which the rules could not say anything.
    """

    kind: str
    role: str
    opened_at: str
    checks: list[str]


class WorkAnswer(CaseNamed):
    """A case that waits for an officer; no personal data."""

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

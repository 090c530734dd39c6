"""What bills and shipments have in common: facts of their own that a case waits for.

Pure. `advance_case` reads `facts` of their heads; everybody else reads their events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from zerotrip.cases.commands import Command
from zerotrip.kernel.aggregate import GENESIS, Change, Event, Head, Key, digest


class Fact(BaseModel):
    """The body of such a head; `facts` maps what became true to the event's seq."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    case_no: str
    sub: str
    organisation: str
    facts: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class FactTransition:
    """One row: the step that writes the event, where from, where to (None: as is)."""

    step: str
    allowed_from: frozenset[str]
    to: str | None


@dataclass(frozen=True, slots=True)
class News:
    """What a change says: the event's type, its step, the stage that it leads to."""

    type: str
    step: str
    stage: str
    said: Mapping[str, Any]
    next_steps: tuple[str, ...] = ()


def fact_change(
    head: Head | None,
    key: Key,
    fact: Fact,
    transition: FactTransition,
    news: News,
    command: Command,
) -> Change:
    """The change that stores `fact` with its one event; no head makes a new one."""
    event = Event(
        type=news.type,
        step=news.step,
        cause=command.cause,
        time=command.now,
        actor=command.actor,
        # Not the event's type: a repeated notice must look the same in any stage.
        request_hash=digest([news.step, command.cause, command.request]),
        next_steps=news.next_steps,
        body={
            "stage": news.stage,
            "case_no": fact.case_no,
            "sub": fact.sub,
            **news.said,
        },
    )
    return Change(
        key=key,
        expected_version=head.version if head else 0,
        allowed_from=transition.allowed_from,
        stage=news.stage,
        organisation=fact.organisation,
        body=fact.model_dump(mode="json", exclude_defaults=True),
        event=event,
        previous_hash=head.last_hash if head else GENESIS,
    )

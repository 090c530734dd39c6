"""What bills and shipments have in common: each is a fact that a case may wait for.

Pure. `advance_case` reads the `facts` of their heads; whoever else cares, their events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from zerotrip.cases.commands import Command
from zerotrip.kernel.aggregate import GENESIS, Change, Event, Head, Key, Row, digest


class Fact(BaseModel):
    """The body of such a head; `facts` maps what became true to the event's seq."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

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


def fact_change(
    head: Head | None,
    key: Key,
    fact: Fact,
    command: Command,
    transition: FactTransition,
    *,
    event_type: str,
    stage: str,
    said: Mapping[str, Any],
    step: str | None = None,
    next_steps: tuple[str, ...] = (),
    due_at: str | None = None,
    rows: tuple[Row, ...] = (),
) -> Change:
    """Stores `fact` in `stage` with its one event; without a head it is a new one.

    `step` is the transition's unless another one writes the event this time; `due_at`
    (UTC text) is when the watchdog is to look at it again.
    """
    step = step or transition.step
    event = Event(
        type=event_type,
        step=step,
        cause=command.cause,
        time=command.now,
        actor=command.actor,
        # Not the event's type: a repeated notice must look the same in any stage.
        request_hash=digest([step, command.cause, command.request]),
        next_steps=next_steps,
        body={
            "stage": str(stage),
            "case_no": fact.case_no,
            "sub": fact.sub,
            **({"on_behalf": dict(command.on_behalf)} if command.on_behalf else {}),
            **said,
        },
    )
    return Change(
        key=key,
        expected_version=head.version if head else 0,
        allowed_from=frozenset(str(name) for name in transition.allowed_from),
        stage=stage,
        organisation=fact.organisation,
        body=fact.model_dump(mode="json", exclude_defaults=True),
        event=event,
        previous_hash=head.last_hash if head else GENESIS,
        due_at=due_at,
        rows=rows,
    )

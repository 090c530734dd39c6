"""How a command becomes a change of a case: obligations, watch, event, head. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zerotrip.cases.lifecycle import (
    FINAL,
    MACHINE_STEPS,
    OUTSIDE_STEPS,
    TRANSITIONS,
    Obligation,
    Stage,
    allowed_from,
)
from zerotrip.cases.model import (
    IN_SUBJECT,
    Case,
    CaseNow,
    Open,
    Watch,
    work_partition,
    work_shard,
)
from zerotrip.catalogue.model import Item
from zerotrip.identity.powers import Office
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Event, EventRow, Row, digest
from zerotrip.kernel.errors import Conflict
from zerotrip.kernel.watch import watch_due

MOST_AGENTS = 8
"""The head keeps the last ones; events name each."""


@dataclass(frozen=True, slots=True)
class Command:
    """Who asks, why, when. `cause` as in data.md; `request` tells copy from conflict.

    For a machine step the cause says it all and `request` stays empty. `on_behalf`
    says for whom an agent acts, and under which power.
    """

    cause: str
    actor: str
    now: datetime
    request: str = ""
    on_behalf: Mapping[str, str] | None = None


@dataclass
class Outcome:
    """What changes beside the stage, gathered before the change is made.

    `promises_due` is when the earliest of the open promises ends (UTC text).
    """

    opens: dict[Obligation, str | None] = field(default_factory=dict)
    closes: tuple[Obligation, ...] = ()
    next_steps: tuple[str, ...] = ()
    body: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    sealed: bytes | None = None
    promises_due: str | None = None


def machine(event: EventRow, now: datetime, step: str) -> Command:
    """The command of a step that an event asked for."""
    return Command(cause=event.ref, actor=f"system:{step}", now=now)


def is_same_request(done: EventRow, step: str, command: Command) -> bool:
    """Whether a stored event is this very command, sent again."""
    return (done.actor, done.request_hash) == (
        command.actor,
        _request_hash(step, command),
    )


def as_body(case: Case) -> dict[str, Any]:
    """The head's JSON: without defaults, and without what its subject says."""
    return case.model_dump(mode="json", exclude_defaults=True, exclude=set(IN_SUBJECT))


def next_due(watch: Mapping[str, Watch]) -> str | None:
    """The least due time, which the sparse index holds."""
    return min((entry.due for entry in watch.values()), default=None)


def task(
    now: CaseNow, command: Command, item: Item, checks: tuple[str, ...] = ()
) -> Row:
    """An officer's task to decide; `checks` names the rules that could not."""
    partition = work_partition(
        now.key.tenant,
        now.case.organisation,
        now.case.department,
        item.route.role,
        work_shard(now.key.id),
    )
    return Row(
        sk=f"TASK#{now.head.version + 1:06}",
        data={
            "kind": "decision",
            "role": item.route.role,
            "opened_at": times.to_text(command.now),
            "state": "open",
            **({"checks": list(checks)} if checks else {}),
        },
        # The oldest application comes first, whenever its task was opened.
        work=(partition, now.case.received_at),
    )


def ended(task: Row, state: str) -> Row:
    """The task, out of the work list: `done` or `dropped`."""
    return Row(task.sk, {**task.data, "state": state})


def change(
    now: CaseNow, command: Command, event_type: str, stage: Stage, outcome: Outcome
) -> Change:
    """The change of the case that leads to `stage` by that event.

    Raises Conflict `obligations_open` where a stage would be left too early.
    """
    transition = TRANSITIONS[event_type]
    seq = now.head.version + 1
    obligations = {
        name: opened
        for name, opened in now.case.obligations.items()
        if name not in outcome.closes
    }
    if obligations and stage != now.stage:
        raise Conflict(
            "obligations_open",
            "本阶段仍有未完成的事项，不能进入下一阶段。",
            "Something in this stage is still open; it cannot be left.",
            detail={"open": sorted(obligations)},
        )
    obligations |= {
        name: Open(ref=ref, since=seq) for name, ref in outcome.opens.items()
    }
    event = Event(
        type=event_type,
        step=transition.step,
        cause=command.cause,
        time=command.now,
        actor=command.actor,
        request_hash=_request_hash(transition.step, command),
        next_steps=outcome.next_steps,
        # The stage it led to: timelines and the oracle read it from the event.
        body={"stage": str(stage), **_said_for(command), **outcome.body},
        sealed=outcome.sealed,
    )
    watch = _watch(now, event, stage, set(obligations), outcome)
    case = now.case.model_copy(
        update={
            **outcome.head,
            "agents": _agents(now, command),
            "obligations": obligations,
            "watch": watch,
        }
    )
    return Change(
        key=now.key,
        expected_version=now.head.version,
        allowed_from=allowed_from(event_type),
        stage=stage,
        organisation=now.case.organisation,
        body=as_body(case),
        event=event,
        previous_hash=now.head.last_hash,
        due_at=next_due(watch),
        subject=now.head.subject,
        rows=outcome.rows,
    )


def _said_for(command: Command) -> dict[str, Any]:
    return {"on_behalf": dict(command.on_behalf)} if command.on_behalf else {}


def _agents(now: CaseNow, command: Command) -> tuple[str, ...]:
    """Whoever acted for the applicant so far; a company's representative is itself."""
    known = now.case.agents
    if command.on_behalf is None or command.actor in known:
        return known
    if command.on_behalf["office"] == Office.REPRESENTATIVE:
        return known
    return (*known, command.actor)[-MOST_AGENTS:]


def _request_hash(step: str, command: Command) -> str:
    return digest([step, command.cause, command.request])


def _watch(
    now: CaseNow,
    event: Event,
    stage: Stage,
    still_open: set[Obligation],
    outcome: Outcome,
) -> dict[str, Watch]:
    """Entries that still await something, and this event's own."""
    answered = event.cause.removeprefix(f"{now.key.ref}#").lstrip("0")
    kept = {
        name: entry
        for name, entry in now.case.watch.items()
        if stage not in FINAL
        and not (entry.until == "answer" and name == answered)
        and (entry.until in ("answer", "tries") or entry.until in still_open)
        and not (entry.until == "answer" and stage != now.stage)
        # Opened anew, it waits for another fact: the former event is answered.
        and entry.until not in outcome.opens
    }
    if outcome.promises_due is not None:
        until = str(Obligation.PROMISES)
        # Nothing is published again at its time: it is a term of law that ends.
        kept[until] = Watch(sk="", due=outcome.promises_due, until=until)
    if not event.next_steps:
        return kept
    waits = [name for name in outcome.opens if name in still_open]
    if MACHINE_STEPS & set(event.next_steps):
        until = "answer"
    elif waits and OUTSIDE_STEPS & set(event.next_steps):
        until = str(waits[0])
    else:
        until = "tries"
    due = times.to_text(watch_due(event.time, 0))
    seq = str(now.head.version + 1)
    return {**kept, seq: Watch(sk=event.sk, due=due, until=until)}

"""What a command does to a case: pure functions from what is to what shall be.

Each answers a `Change` of the case. Ids are minted here, in the event that asks for
the effect, never by the step that carries it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    watch_due,
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
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Event, EventRow, Row, digest
from zerotrip.kernel.errors import Conflict, Fault
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.licence_identifier import licence_identifier


@dataclass(frozen=True, slots=True)
class Command:
    """Who asks, why, when. `cause` as in data.md; `request` tells copy from conflict.

    For a machine step the cause says it all and `request` stays empty.
    """

    cause: str
    actor: str
    now: datetime
    request: str = ""


@dataclass
class _Outcome:
    """What changes beside the stage, gathered before the change is made."""

    opens: dict[Obligation, str | None] = field(default_factory=dict)
    closes: tuple[Obligation, ...] = ()
    next_steps: tuple[str, ...] = ()
    body: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    rows: tuple[Row, ...] = ()
    sealed: bytes | None = None


def submit(now: CaseNow, command: Command) -> Change:
    """Takes a received case up: its checks are next."""
    return _change(
        now, command, "case.submitted", Stage.SUBMITTED,
        _Outcome(next_steps=("pre_review",)),
    )  # fmt: skip


def request_corrections(
    now: CaseNow, command: Command, faults: Iterable[Fault]
) -> Change:
    """One complete notice of everything that is missing or wrong."""
    listed = [fault.as_json() for fault in faults]
    seq = now.head.version + 1
    return _change(
        now, command, "case.corrections_requested", Stage.CORRECTING,
        _Outcome(
            opens={Obligation.CORRECTIONS: None},
            body={"faults": len(listed), "row": f"ASKED#{seq:06}"},
            rows=(Row(f"ASKED#{seq:06}", {"faults": listed}),),
        ),
    )  # fmt: skip


def accept(
    now: CaseNow,
    command: Command,
    item: Item,
    mint: Mint,
    broken: tuple[str, ...] = (),
) -> Change:
    """No fault was found: order the papers, give an officer the task, or go on.

    `broken` names checks that could not be run: then an officer decides, never a rule.
    """
    outcome = _Outcome(body={"broken_checks": list(broken)} if broken else {})
    steps: list[str] = []
    if item.route.papers_by_courier:
        shipment = mint.record_number(now.key.tenant)
        outcome.opens[Obligation.PAPERS] = f"SHIPMENT#{shipment}"
        outcome.body["shipment"] = {"id": shipment, "direction": "pickup"}
        outcome.head["shipments"] = (*now.case.shipments, shipment)
        steps += ["dispatch_courier", "advance_case"]
    if item.route.decided_by == "officer" or broken:
        outcome.opens[Obligation.DECISION] = None
        outcome.rows = (_task(now, command, item),)
    elif not steps:
        steps.append("approve")
    outcome.next_steps = tuple(steps)
    return _change(now, command, "case.accepted", Stage.IN_REVIEW, outcome)


def correct(
    now: CaseNow, command: Command, form_row: Row, rows: tuple[Row, ...] = ()
) -> Change:
    """The applicant's mended form; everything is checked again."""
    return _change(
        now, command, "case.corrected", Stage.SUBMITTED,
        _Outcome(
            closes=(Obligation.CORRECTIONS,),
            next_steps=("pre_review",),
            head={"form": form_row.sk},
            rows=(form_row, *rows),
        ),
    )  # fmt: skip


def receive_papers(now: CaseNow, command: Command) -> Change:
    """The papers lie with the office; a rule decides at once, an officer when ready."""
    by_rule = Obligation.DECISION not in now.case.obligations
    return _change(
        now, command, "case.papers_received", Stage.IN_REVIEW,
        _Outcome(
            closes=(Obligation.PAPERS,),
            next_steps=("approve",) if by_rule else (),
        ),
    )  # fmt: skip


def record_decision(
    now: CaseNow, command: Command, decision: str, sealed_reasons: bytes, task: Row
) -> Change:
    """An officer's `approve` or `refuse`, its reasons sealed; the task ends."""
    if Obligation.PAPERS in now.case.obligations:
        raise Conflict(
            "papers_not_received",
            "申请材料原件尚未送达，暂不能作出决定。",
            "The papers have not arrived yet; no decision can be made.",
        )
    return _change(
        now, command, "case.decision_recorded", Stage.DECIDED,
        _Outcome(
            closes=(Obligation.DECISION,),
            next_steps=("approve",),
            body={"decision": decision},
            rows=(Row(task.sk, {**task.data, "state": "done"}),),
            sealed=sealed_reasons,
        ),
    )  # fmt: skip


def approve(
    now: CaseNow, command: Command, item: Item, mint: Mint, decision: Mapping[str, Any]
) -> Change:
    """Carries an approval out: the fee first where there is one, else signing.

    `decision` is `{by, decision, decided_at}`; the licence bears its time.
    """
    outcome = _Outcome(
        body={"decision": dict(decision)},
        head={"decided_at": decision["decided_at"]},
    )
    if item.fee is None:
        stage = _enter_signing(outcome, item, mint, decision["decided_at"])
    else:
        bill = mint.record_number(now.key.tenant)
        outcome.opens[Obligation.PAYMENT] = f"BILL#{bill}"
        outcome.body["bill"] = {
            "id": bill,
            "kind": "fee",
            "amount_fen": item.fee.amount_fen,
            "blocks": True,
        }
        outcome.head["bills"] = (*now.case.bills, bill)
        outcome.next_steps = ("collect_payment", "advance_case")
        stage = Stage.PAYMENT_DUE
    return _change(now, command, "case.approved", stage, outcome)


def refer(
    now: CaseNow, command: Command, item: Item, failed: tuple[str, ...]
) -> Change:
    """The rule no longer holds at the time of decision: an officer decides."""
    return _change(
        now, command, "case.referred", Stage.IN_REVIEW,
        _Outcome(
            opens={Obligation.DECISION: None},
            body={"failed_checks": list(failed)},
            rows=(_task(now, command, item),),
        ),
    )  # fmt: skip


def refuse(now: CaseNow, command: Command, decision: Mapping[str, Any]) -> Change:
    """Carries a refusal out; the reasons stay with the recorded decision."""
    return _change(
        now, command, "case.refused", Stage.REFUSED,
        _Outcome(body={"decision": dict(decision)}),
    )  # fmt: skip


def take_payment(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The statutory fee is settled: signing begins."""
    outcome = _Outcome(closes=(Obligation.PAYMENT,))
    stage = _enter_signing(outcome, item, mint, str(now.case.decided_at))
    return _change(now, command, "case.fee_paid", stage, outcome)


def issue(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The licence is registered: deliver its paper twin, or the case is complete."""
    if not item.route.deliver_by_courier:
        return _change(
            now, command, "case.completed", Stage.COMPLETED,
            _Outcome(closes=(Obligation.LICENCE,)),
        )  # fmt: skip
    shipment = mint.record_number(now.key.tenant)
    return _change(
        now, command, "case.licence_issued", Stage.DELIVERING,
        _Outcome(
            closes=(Obligation.LICENCE,),
            opens={Obligation.DELIVERY: f"SHIPMENT#{shipment}"},
            next_steps=("dispatch_courier", "advance_case"),
            body={"shipment": {"id": shipment, "direction": "delivery"}},
            head={"shipments": (*now.case.shipments, shipment)},
        ),
    )  # fmt: skip


def complete(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The parcel is there: complete. The courier's charge is billed, blocks nothing."""
    outcome = _Outcome(closes=(Obligation.DELIVERY,))
    if item.courier_charge is not None:
        bill = mint.record_number(now.key.tenant)
        outcome.body["bill"] = {
            "id": bill,
            "kind": "courier_charge",
            "amount_fen": item.courier_charge.amount_fen,
            "blocks": False,
        }
        outcome.head["bills"] = (*now.case.bills, bill)
        outcome.next_steps = ("collect_payment",)
    return _change(now, command, "case.completed", Stage.COMPLETED, outcome)


def withdraw(now: CaseNow, command: Command, tasks: Iterable[Row]) -> Change:
    """The applicant takes the case back; open bills and parcels are cancelled."""
    cancelled = [
        obligation.ref
        for name, obligation in sorted(now.case.obligations.items())
        if name in (Obligation.PAYMENT, Obligation.PAPERS) and obligation.ref
    ]
    steps = {"BILL": "collect_payment", "SHIPMENT": "dispatch_courier"}
    return _change(
        now, command, "case.withdrawn", Stage.WITHDRAWN,
        _Outcome(
            closes=tuple(now.case.obligations),
            next_steps=tuple(steps[ref.split("#")[0]] for ref in cancelled),
            body={"cancel": cancelled} if cancelled else {},
            rows=tuple(
                Row(task.sk, {**task.data, "state": "dropped"})
                for task in tasks
                if task.work is not None
            ),
        ),
    )  # fmt: skip


def is_same_request(done: EventRow, step: str, command: Command) -> bool:
    """Whether a stored event is this very command, sent again."""
    return (done.actor, done.request_hash) == (
        command.actor,
        _request_hash(step, command),
    )


def _request_hash(step: str, command: Command) -> str:
    return digest([step, command.cause, command.request])


def _enter_signing(outcome: _Outcome, item: Item, mint: Mint, decided_at: str) -> Stage:
    licence = licence_identifier(
        item.licence.type_code, item.organisation.uscc, mint.licence_serial()
    )
    outcome.opens[Obligation.LICENCE] = f"LICENCE#{licence}"
    outcome.body["licence"] = {"id": licence, "decided_at": decided_at}
    outcome.head["licence"] = licence
    outcome.next_steps = ("sign_licence", "advance_case")
    return Stage.SIGNING


def _task(now: CaseNow, command: Command, item: Item) -> Row:
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
        },
        # The oldest application comes first, whenever its task was opened.
        work=(partition, now.case.received_at),
    )


def _change(
    now: CaseNow, command: Command, event_type: str, stage: Stage, outcome: _Outcome
) -> Change:
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
        body={"stage": str(stage), **outcome.body},
        sealed=outcome.sealed,
    )
    watch = _watch(now, event, stage, set(obligations), outcome)
    case = now.case.model_copy(
        update={**outcome.head, "obligations": obligations, "watch": watch}
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


def _watch(
    now: CaseNow,
    event: Event,
    stage: Stage,
    still_open: set[Obligation],
    outcome: _Outcome,
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
    }
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


def next_due(watch: Mapping[str, Watch]) -> str | None:
    """The least due time, which the sparse index holds."""
    return min((entry.due for entry in watch.values()), default=None)


def as_body(case: Case) -> dict[str, Any]:
    """The head's JSON: without defaults, and without what its subject says."""
    return case.model_dump(mode="json", exclude_defaults=True, exclude=set(IN_SUBJECT))


def machine(event: EventRow, now: datetime, step: str) -> Command:
    """The command of a step that an event asked for."""
    return Command(cause=event.ref, actor=f"system:{step}", now=now)

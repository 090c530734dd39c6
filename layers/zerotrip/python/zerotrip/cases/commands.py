"""What a command does to a case: pure functions from what is to what shall be.

Each answers a `Change` of the case. Ids are minted here, in the event that asks for
the effect, never by the step that carries it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zerotrip.cases.asking import GROUNDS, Notice, asked_row
from zerotrip.cases.changes import (
    Command,
    Outcome,
    as_body,
    change,
    ended,
    is_same_request,
    machine,
    next_due,
    task,
)
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.cases.model import CaseNow
from zerotrip.cases.promises import Promises
from zerotrip.catalogue.model import Item
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Row
from zerotrip.kernel.errors import Conflict, Fault
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.licence_identifier import licence_identifier

__all__ = [
    "Command", "accept", "approve", "as_body", "complete", "correct", "is_same_request",
    "issue", "keep_promises", "lapse", "machine", "next_due", "not_accept",
    "receive_papers", "record_decision", "refer", "refuse", "renew_bill",
    "request_corrections", "return_case", "submit", "take_payment", "withdraw",
]  # fmt: skip


def submit(now: CaseNow, command: Command) -> Change:
    """Takes a received case up: its checks are next."""
    return change(
        now, command, "case.submitted", Stage.SUBMITTED,
        Outcome(next_steps=("pre_review",)),
    )  # fmt: skip


def request_corrections(now: CaseNow, command: Command, notice: Notice) -> Change:
    """One complete notice of everything that is missing or wrong."""
    row = asked_row(now, notice)
    return change(
        now, command, "case.corrections_requested", Stage.CORRECTING,
        Outcome(
            opens={Obligation.CORRECTIONS: None},
            body={"faults": len(notice.faults), "row": row.sk},
            rows=(row,),
        ),
    )  # fmt: skip


def return_case(
    now: CaseNow,
    command: Command,
    notice: Row,
    *,
    late: Sequence[Mapping[str, str]],
    sealed_reason: bytes | None,
    task: Row,
) -> Change:
    """An officer's one notice; the task ends, and everything is checked again after.

    `late` are the defects that could be seen at an earlier notice, each `{path, code,
    reason}`: supervision reads them. The officer's own words stand sealed beside them.
    """
    _require_papers(now)
    return change(
        now, command, "case.returned", Stage.CORRECTING,
        Outcome(
            closes=(Obligation.DECISION, Obligation.PROMISES),
            opens={Obligation.CORRECTIONS: None},
            body={
                "faults": len(notice.data["faults"]),
                "row": notice.sk,
                **({"late": [dict(each) for each in late]} if late else {}),
            },
            rows=(notice, ended(task, "done")),
            sealed=sealed_reason,
        ),
    )  # fmt: skip


def not_accept(now: CaseNow, command: Command, grounds: Sequence[Fault]) -> Change:
    """The law does not let the application be accepted: it ends, with all grounds."""
    return change(
        now, command, "case.not_accepted", Stage.NOT_ACCEPTED,
        Outcome(
            body={"grounds": len(grounds), "row": GROUNDS},
            rows=(_grounds(grounds),),
        ),
    )  # fmt: skip


def accept(
    now: CaseNow,
    command: Command,
    item: Item,
    mint: Mint,
    *,
    broken: tuple[str, ...] = (),
    promises: Promises | None = None,
) -> Change:
    """Nothing keeps it back: order the papers, give an officer the task, or go on.

    `broken` names checks that could not be run, or whose defect may not be told any
    more: then an officer decides, never a rule. `promises` are materials that follow.
    """
    outcome = Outcome(body={"broken_checks": list(broken)} if broken else {})
    steps: list[str] = []
    # Accepted again after an officer's notice, it has its papers already.
    if item.route.papers_by_courier and not now.case.shipments:
        shipment = mint.record_number(now.key.tenant)
        outcome.opens[Obligation.PAPERS] = f"SHIPMENT#{shipment}"
        outcome.body["shipment"] = {"id": shipment, "direction": "pickup"}
        outcome.head["shipments"] = (*now.case.shipments, shipment)
        steps += ["dispatch_courier", "advance_case"]
    if promises is not None and promises.open:
        outcome.opens[Obligation.PROMISES] = None
        outcome.promises_due = promises.next_due
        outcome.body["promised"] = sorted(promises.open)
        outcome.rows = (promises.row,)
    if item.route.decided_by == "officer" or broken:
        outcome.opens[Obligation.DECISION] = None
        outcome.rows = (*outcome.rows, task(now, command, item, broken))
    elif not steps and Obligation.PROMISES not in outcome.opens:
        steps.append("approve")
    outcome.next_steps = tuple(steps)
    return change(now, command, "case.accepted", Stage.IN_REVIEW, outcome)


def correct(
    now: CaseNow, command: Command, form_row: Row, rows: tuple[Row, ...] = ()
) -> Change:
    """The applicant's mended form; everything is checked again."""
    return change(
        now, command, "case.corrected", Stage.SUBMITTED,
        Outcome(
            closes=(Obligation.CORRECTIONS,),
            next_steps=("pre_review",),
            head={"form": form_row.sk},
            rows=(form_row, *rows),
        ),
    )  # fmt: skip


def keep_promises(
    now: CaseNow, command: Command, form_row: Row, promises: Promises
) -> Change:
    """What was promised has come; the last one lets a rule decide."""
    outcome = Outcome(
        body={"materials": sorted(promises.just_kept), "open": len(promises.open)},
        head={"form": form_row.sk},
        rows=(form_row, promises.row),
    )
    if promises.open:
        outcome.promises_due = promises.next_due
    else:
        outcome.closes = (Obligation.PROMISES,)
        outcome.next_steps = _rule_decides(now, Obligation.PROMISES)
    return change(now, command, "case.promise_kept", Stage.IN_REVIEW, outcome)


def lapse(
    now: CaseNow, command: Command, promises: Promises, tasks: Iterable[Row]
) -> Change:
    """A promised material did not come in time: the case ends, by rule."""
    grounds = promises.lapsed(times.to_text(command.now))
    return _ended(
        now, command, "case.promise_lapsed", Stage.REFUSED,
        tasks=tasks,
        outcome=Outcome(
            body={
                "reason": "promise_lapsed",
                "materials": sorted(each.path.rpartition("/")[2] for each in grounds),
                "row": GROUNDS,
            },
            rows=(_grounds(grounds),),
        ),
    )  # fmt: skip


def receive_papers(now: CaseNow, command: Command) -> Change:
    """The papers lie with the office; a rule decides at once, an officer when ready."""
    return change(
        now, command, "case.papers_received", Stage.IN_REVIEW,
        Outcome(
            closes=(Obligation.PAPERS,),
            next_steps=_rule_decides(now, Obligation.PAPERS),
        ),
    )  # fmt: skip


def record_decision(
    now: CaseNow, command: Command, decision: str, sealed_reasons: bytes, task: Row
) -> Change:
    """An officer's `approve` or `refuse`, its reasons sealed; the task ends."""
    _require_papers(now)
    if decision == "approve" and Obligation.PROMISES in now.case.obligations:
        raise Conflict(
            "promise_open",
            "容缺材料尚未补齐，暂不能作出准予的决定。",
            "A material that the applicant promised has not come: no approval yet.",
        )
    return change(
        now, command, "case.decision_recorded", Stage.DECIDED,
        Outcome(
            closes=(Obligation.DECISION, Obligation.PROMISES),
            next_steps=("approve",),
            body={"decision": decision},
            rows=(ended(task, "done"),),
            sealed=sealed_reasons,
        ),
    )  # fmt: skip


def approve(
    now: CaseNow, command: Command, item: Item, mint: Mint, decision: Mapping[str, Any]
) -> Change:
    """Carries an approval out: the fee first where there is one, else signing.

    `decision` is `{by, decision, decided_at}`; the licence bears its time.
    """
    outcome = Outcome(
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
    return change(now, command, "case.approved", stage, outcome)


def refer(
    now: CaseNow, command: Command, item: Item, failed: tuple[str, ...]
) -> Change:
    """The rule no longer holds at the time of decision: an officer decides."""
    return change(
        now, command, "case.referred", Stage.IN_REVIEW,
        Outcome(
            opens={Obligation.DECISION: None},
            body={"failed_checks": list(failed)},
            rows=(task(now, command, item, failed),),
        ),
    )  # fmt: skip


def refuse(now: CaseNow, command: Command, decision: Mapping[str, Any]) -> Change:
    """Carries a refusal out; the reasons stay with the recorded decision."""
    return change(
        now, command, "case.refused", Stage.REFUSED,
        Outcome(body={"decision": dict(decision)}),
    )  # fmt: skip


def take_payment(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The statutory fee is settled: signing begins."""
    outcome = Outcome(closes=(Obligation.PAYMENT,))
    stage = _enter_signing(outcome, item, mint, str(now.case.decided_at))
    return change(now, command, "case.fee_paid", stage, outcome)


def renew_bill(
    now: CaseNow, command: Command, lapsed: str, bill: Mapping[str, Any], mint: Mint
) -> Change:
    """Asks for another bill of the same kind and sum in place of one that lapsed.

    `bill` is the lapsed one's `{kind, amount_fen, blocks}`, its id `lapsed`. The fee
    keeps the case waiting, a courier's charge does not.
    """
    renewed = mint.record_number(now.key.tenant)
    outcome = Outcome(
        body={"bill": {**bill, "id": renewed, "instead_of": lapsed}},
        # The lapsed one leaves its place: the head holds 1 KB, however often it lapses.
        head={
            "bills": tuple(
                renewed if each == lapsed else each for each in now.case.bills
            )
        },
        next_steps=("collect_payment",),
    )
    if not bill["blocks"]:
        return change(now, command, "case.charge_renewed", Stage.COMPLETED, outcome)
    outcome.opens[Obligation.PAYMENT] = f"BILL#{renewed}"
    outcome.next_steps = ("collect_payment", "advance_case")
    return change(now, command, "case.bill_renewed", Stage.PAYMENT_DUE, outcome)


def issue(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The licence is registered: deliver its paper twin, or the case is complete."""
    if not item.route.deliver_by_courier:
        return change(
            now, command, "case.completed", Stage.COMPLETED,
            Outcome(closes=(Obligation.LICENCE,)),
        )  # fmt: skip
    shipment = mint.record_number(now.key.tenant)
    return change(
        now, command, "case.licence_issued", Stage.DELIVERING,
        Outcome(
            closes=(Obligation.LICENCE,),
            opens={Obligation.DELIVERY: f"SHIPMENT#{shipment}"},
            next_steps=("dispatch_courier", "advance_case"),
            body={"shipment": {"id": shipment, "direction": "delivery"}},
            head={"shipments": (*now.case.shipments, shipment)},
        ),
    )  # fmt: skip


def complete(now: CaseNow, command: Command, item: Item, mint: Mint) -> Change:
    """The parcel is there: complete. The courier's charge is billed, blocks nothing."""
    outcome = Outcome(closes=(Obligation.DELIVERY,))
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
    return change(now, command, "case.completed", Stage.COMPLETED, outcome)


def withdraw(now: CaseNow, command: Command, tasks: Iterable[Row]) -> Change:
    """The applicant takes the case back; open bills and parcels are cancelled."""
    return _ended(
        now, command, "case.withdrawn", Stage.WITHDRAWN, tasks=tasks, outcome=Outcome()
    )


def _ended(
    now: CaseNow,
    command: Command,
    event_type: str,
    stage: Stage,
    *,
    tasks: Iterable[Row],
    outcome: Outcome,
) -> Change:
    """The end before a decision: nothing stays open, what was ordered is cancelled."""
    cancelled = [
        obligation.ref
        for name, obligation in sorted(now.case.obligations.items())
        if name in (Obligation.PAYMENT, Obligation.PAPERS) and obligation.ref
    ]
    steps = {"BILL": "collect_payment", "SHIPMENT": "dispatch_courier"}
    outcome.closes = tuple(now.case.obligations)
    outcome.next_steps = tuple(steps[ref.split("#")[0]] for ref in cancelled)
    if cancelled:
        outcome.body["cancel"] = cancelled
    open_tasks = (each for each in tasks if each.work is not None)
    outcome.rows = (*outcome.rows, *(ended(each, "dropped") for each in open_tasks))
    return change(now, command, event_type, stage, outcome)


def _grounds(grounds: Sequence[Fault]) -> Row:
    return Row(GROUNDS, {"faults": [fault.as_json() for fault in grounds]})


def _require_papers(now: CaseNow) -> None:
    if Obligation.PAPERS in now.case.obligations:
        raise Conflict(
            "papers_not_received",
            "申请材料原件尚未送达，暂不能作出决定。",
            "The papers have not arrived yet; no decision can be made.",
        )


def _rule_decides(now: CaseNow, closed: Obligation) -> tuple[str, ...]:
    """`approve`, where that was the last thing that a rule's decision waited for."""
    return () if set(now.case.obligations) - {closed} else ("approve",)


def _enter_signing(outcome: Outcome, item: Item, mint: Mint, decided_at: str) -> Stage:
    licence = licence_identifier(
        item.licence.type_code, item.organisation.uscc, mint.licence_serial()
    )
    outcome.opens[Obligation.LICENCE] = f"LICENCE#{licence}"
    outcome.body["licence"] = {"id": licence, "decided_at": decided_at}
    outcome.head["licence"] = licence
    outcome.next_steps = ("sign_licence", "advance_case")
    return Stage.SIGNING

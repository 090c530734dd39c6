"""The steps of a case that machines take: submit, pre_review, approve, advance_case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from zerotrip.cases import commands
from zerotrip.cases.commands import Command, machine
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import FULFILLED_BY, Obligation, step_allowed_from
from zerotrip.cases.model import CaseNow, Handed, case_key, read, stored_case
from zerotrip.catalogue.checks import CheckOutcome, failed_checks
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.publication import Catalogue
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, Fault, Retry
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.steps import asked, settle

FACTS = frozenset({Kind.CASE, *(kind for kind, _ in FULFILLED_BY.values())})
"""The kinds of events that ask for `advance_case`."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What the steps of a case need; `keys` is asked only by those that open a form."""

    tenant: str
    records: Records
    catalogue: Catalogue
    keys: Callable[[], KeyRing]
    mint: Mint
    now: Callable[[], datetime]

    def item(self, now: CaseNow) -> Item:
        """The item version that the case is pinned to."""
        return self.catalogue.pinned(self.tenant, now.case.item, now.case.item_digest)

    def handed(self, now: CaseNow) -> Handed:
        """What was handed in, in clear."""
        return read_handed(self.records, self.keys(), now)


def submit(message: CloudEvent, deps: Deps) -> None:
    """Takes a received case up."""
    event = asked(deps.records, message, deps.tenant, "submit")
    command = machine(event, deps.now(), "submit")
    settle(
        deps.records,
        event.key,
        lambda head: commands.submit(_in_stage(head, event, "submit"), command),
    )


def pre_review(message: CloudEvent, deps: Deps) -> None:
    """Runs all checks: one complete notice of what is missing, or the way on."""
    event = asked(deps.records, message, deps.tenant, "pre_review")
    command = machine(event, deps.now(), "pre_review")

    def decide(head: Head | None) -> Change:
        now = _in_stage(head, event, "pre_review")
        item = deps.item(now)
        handed = deps.handed(now)
        outcome = _run_checks(item, handed, command.now)
        faults = (
            *form_faults(item, dict(handed.form), "/form"),
            *missing_materials(item, handed),
            *outcome.failed,
        )
        if faults:
            return commands.request_corrections(now, command, faults)
        return commands.accept(now, command, item, deps.mint, outcome.broken)

    settle(deps.records, event.key, decide)


def approve(message: CloudEvent, deps: Deps) -> None:
    """Carries out what an officer recorded, or what the item's rules decide."""
    event = asked(deps.records, message, deps.tenant, "approve")
    command = machine(event, deps.now(), "approve")

    def decide(head: Head | None) -> Change:
        now = _in_stage(head, event, "approve")
        item = deps.item(now)
        if event.type == "case.decision_recorded":
            decision = {
                "by": "officer",
                "decision": event.body["decision"],
                "decided_at": event.time,
            }
            if event.body["decision"] == "refuse":
                return commands.refuse(now, command, decision)
            return commands.approve(now, command, item, deps.mint, decision)
        # A rule decides on the day of the decision, not on the day of the review.
        outcome = _run_checks(item, deps.handed(now), command.now)
        unsure = (*(fault.code for fault in outcome.failed), *outcome.broken)
        if unsure:
            return commands.refer(now, command, item, unsure)
        decision = {
            "by": "rule",
            "decision": "approve",
            "decided_at": times.to_text(command.now),
        }
        return commands.approve(now, command, item, deps.mint, decision)

    settle(deps.records, event.key, decide)


def advance_case(message: CloudEvent, deps: Deps) -> None:
    """Turns stored facts into commands on the case; the only place that does.

    Runs when a fact arrives and when a case enters a waiting stage: early and late take
    the same path, and the command's cause is always the fact's own event.
    """
    event = asked(deps.records, message, deps.tenant, "advance_case", FACTS)
    key = _case_of(event)
    moved = False
    while True:
        ready = _fulfilled(deps.records, stored_case(deps.records.head(key), key))
        if ready is None:
            break
        obligation, cause = ready
        _close(deps, key, obligation, cause)
        moved = True
    if not moved:
        raise AlreadyDone(
            "nothing_to_advance",
            "目前没有可推进的事项。",
            "No open obligation is fulfilled yet.",
            detail={"case": key.id},
        )


def missing_materials(item: Item, handed: Handed) -> tuple[Fault, ...]:
    """Required materials that were not handed in."""
    return tuple(
        Fault(
            f"/materials/{material.code}",
            "material_missing",
            f"缺少材料：{material.name.zh}，请上传。",
            f"Missing: {material.name.en}. Please upload it.",
        )
        for material in item.materials
        if material.required and material.code not in handed.materials
    )


def _run_checks(item: Item, handed: Handed, now: datetime) -> CheckOutcome:
    return failed_checks(
        item,
        dict(handed.form),
        {code: dict(kept) for code, kept in handed.materials.items()},
        times.legal_day(now).isoformat(),
    )


def _in_stage(head: Head | None, event: EventRow, step: str) -> CaseNow:
    now = stored_case(head, event.key)
    if now.stage not in step_allowed_from(step):
        raise AlreadyDone(
            "stage_left",
            "办件已离开该阶段，本步骤不再执行。",
            "The case has left the stage in which this step acts.",
            detail={"case": now.key.id, "stage": now.stage, "step": step},
        )
    return now


def _case_of(event: EventRow) -> Key:
    if event.key.kind is Kind.CASE:
        return event.key
    return case_key(event.key.tenant, event.body["case_no"])


def _fulfilled(records: Records, now: CaseNow) -> tuple[Obligation, str] | None:
    """An open obligation whose fact is stored, and that fact's event as the cause."""
    for name, opened in sorted(now.case.obligations.items()):
        if name not in FULFILLED_BY or opened.ref is None:
            continue
        _, wanted = FULFILLED_BY[name]
        fact = records.head(Key.from_ref(now.key.tenant, opened.ref))
        if fact is not None and wanted in fact.body.get("facts", {}):
            seq = fact.body["facts"][wanted]
            return name, f"{fact.key.ref}#{seq:06}"
    return None


def _close(deps: Deps, key: Key, obligation: Obligation, cause: str) -> None:
    command = Command(cause=cause, actor="system:advance_case", now=deps.now())

    def decide(head: Head | None) -> Change:
        if head is None:
            raise Retry("case_unread", "办件读取失败。", "The case could not be read.")
        now = read(head)
        if obligation not in now.case.obligations:
            raise AlreadyDone(
                "obligation_closed",
                "该事项已办结。",
                "The obligation was closed before.",
                detail={"case": key.id, "obligation": obligation},
            )
        item = deps.item(now)
        match obligation:
            case Obligation.PAPERS:
                return commands.receive_papers(now, command)
            case Obligation.PAYMENT:
                return commands.take_payment(now, command, item, deps.mint)
            case Obligation.LICENCE:
                return commands.issue(now, command, item, deps.mint)
            case _:
                return commands.complete(now, command, item, deps.mint)

    settle(deps.records, key, decide)

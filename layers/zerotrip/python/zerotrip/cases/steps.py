"""The steps of a case that machines take: submit, pre_review, approve, advance_case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zerotrip.cases import commands
from zerotrip.cases.applicant import DIFFERS, applicant_faults, level_for_machines
from zerotrip.cases.asking import Notice, late_by_rules, told_before
from zerotrip.cases.commands import Command, machine
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import (
    FULFILLED_BY,
    Obligation,
    Stage,
    step_allowed_from,
)
from zerotrip.cases.model import CaseNow, Handed, case_key, read, stored_case
from zerotrip.cases.promises import PROMISED, Promises, promised_now, read_promises
from zerotrip.cases.reviewing import Review, review
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.shared_entries import published_working_days
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, Retry
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.steps import asked, settle
from zerotrip.kernel.working_days import ANNOUNCED, WorkingDays

if TYPE_CHECKING:
    from zerotrip.identity.callers import Standing

FACTS = frozenset({Kind.CASE, *(kind for kind, _ in FULFILLED_BY.values())})
"""The kinds of events that ask for `advance_case`."""


@dataclass(frozen=True, slots=True)
class Deps:
    """What the steps of a case need; `keys` is asked only by those that open a form.

    `standing` tells how applicant and agent stand now; only `approve` asks it.
    """

    tenant: str
    records: Records
    catalogue: Catalogue
    keys: Callable[[], KeyRing]
    mint: Mint
    now: Callable[[], datetime]
    standing: Callable[[str, str | None], Standing]

    def item(self, now: CaseNow) -> Item:
        """The item version that the case is pinned to."""
        return self.catalogue.pinned(self.tenant, now.case.item, now.case.item_digest)

    def handed(self, now: CaseNow) -> Handed:
        """What was handed in, in clear."""
        return read_handed(self.records, self.keys(), now)

    def calendar(self) -> WorkingDays:
        """Legal working days: the years that an operator loaded, or those known."""
        loaded = published_working_days(self.catalogue.tables, self.tenant)
        return WorkingDays.from_json({**ANNOUNCED, **loaded})


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
    """Looks at everything: one complete notice, the end by law, or the way on."""
    event = asked(deps.records, message, deps.tenant, "pre_review")
    command = machine(event, deps.now(), "pre_review")

    def decide(head: Head | None) -> Change:
        now = _in_stage(head, event, "pre_review")
        item = deps.item(now)
        handed = deps.handed(now)
        found = review(item, handed, command.now)
        if found.not_acceptable:
            # Whoever hears that it ends here hears everything that stands against it.
            grounds = (*found.not_acceptable, *found.defects)
            return commands.not_accept(now, command, grounds)
        late = _late(deps, event, now, handed, found)
        tell = [each for each in found.defects if (each.path, each.code) not in late]
        if tell:
            return commands.request_corrections(
                now, command, Notice(tell, found.looked_at)
            )
        return commands.accept(
            now,
            command,
            item,
            deps.mint,
            broken=(*found.broken, *sorted(code for _, code in late)),
            promises=_promises(deps, now, item, found, command.now),
        )

    settle(deps.records, event.key, decide)


def _late(
    deps: Deps, event: EventRow, now: CaseNow, handed: Handed, found: Review
) -> frozenset[tuple[str, str]]:
    """Defects that an earlier notice had to name: they are not told any more."""
    if event.type != "case.corrected" or not found.defects:
        return frozenset()
    earlier = told_before(deps.records, deps.keys(), now)
    return late_by_rules(found.defects, found.subjects, handed, earlier)


def _promises(
    deps: Deps, now: CaseNow, item: Item, found: Review, accepted: datetime
) -> Promises | None:
    if not found.promised:
        return None
    before = read_promises(deps.records.row(now.key, PROMISED))
    return promised_now(item, found.promised, before, accepted, deps.calendar())


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
        handed = deps.handed(now)
        unsure = (
            *_applicant_unsure(deps, now, item, handed),
            *review(item, handed, command.now).unsure,
        )
        if unsure:
            return commands.refer(now, command, item, unsure)
        decision = {
            "by": "rule",
            "decision": "approve",
            "decided_at": times.to_text(command.now),
        }
        return commands.approve(now, command, item, deps.mint, decision)

    settle(deps.records, event.key, decide)


def _applicant_unsure(
    deps: Deps, now: CaseNow, item: Item, handed: Handed
) -> tuple[str, ...]:
    """Codes of what keeps a rule from deciding for this applicant as they stand now.

    The telephone is not compared again: a person may change it any day.
    """
    standing = deps.standing(now.case.sub, handed.by.agent)
    if standing.ended is not None:
        return (f"applicant_{standing.ended}",)
    if not standing.level.reaches(level_for_machines(item)):
        return ("identity_level_too_low",)
    faults = applicant_faults(item, handed.form, standing.proven, telephone=False)
    return (DIFFERS,) if faults or standing.proven is None else ()


def advance_case(message: CloudEvent, deps: Deps) -> None:
    """Turns stored facts into commands on the case; the only place that does.

    Runs when a fact arrives and when a case enters a waiting stage: early and late take
    the same path, and the command's cause is always the fact's own event.
    """
    event = asked(deps.records, message, deps.tenant, "advance_case", FACTS)
    key = _case_of(event)
    moved = False
    while True:
        now = stored_case(deps.records.head(key), key)
        ready = _fulfilled(deps.records, now)
        lapsed = None if ready else _lapsed_bill(deps.records, now, event)
        if ready is not None:
            _close(deps, key, *ready)
        elif lapsed is not None:
            _renew(deps, key, lapsed)
        else:
            break
        moved = True
    if not moved:
        raise AlreadyDone(
            "nothing_to_advance",
            "目前没有可推进的事项。",
            "No open obligation is fulfilled yet.",
            detail={"case": key.id},
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


def _lapsed_bill(records: Records, now: CaseNow, event: EventRow) -> Head | None:
    """A lapsed bill that the case names and still wants: its fee, or after completion
    the charge whose event this is."""
    payment = now.case.obligations.get(Obligation.PAYMENT)
    if payment is not None and payment.ref is not None:
        wanted = Key.from_ref(now.key.tenant, payment.ref)
    elif now.stage is Stage.COMPLETED and event.key.kind is Kind.BILL:
        wanted = event.key
    else:
        return None
    bill = records.head(wanted) if wanted.id in now.case.bills else None
    return bill if bill is not None and "lapsed" in bill.body.get("facts", {}) else None


def _renew(deps: Deps, key: Key, lapsed: Head) -> None:
    cause = f"{lapsed.key.ref}#{lapsed.body['facts']['lapsed']:06}"
    command = Command(cause=cause, actor="system:advance_case", now=deps.now())
    bill = {name: lapsed.body[name] for name in ("kind", "amount_fen", "blocks")}

    def decide(head: Head | None) -> Change:
        now = stored_case(head, key)
        if lapsed.key.id not in now.case.bills or now.stage not in (
            Stage.PAYMENT_DUE,
            Stage.COMPLETED,
        ):
            raise AlreadyDone(
                "bill_renewed",
                "该账单已由新账单代替，或已不再需要。",
                "Another bill stands in its place, or none is wanted any more.",
                detail={"case": key.id, "bill": lapsed.key.id},
            )
        return commands.renew_bill(now, command, lapsed.key.id, bill, deps.mint)

    settle(deps.records, key, decide)


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

"""Stages, transitions and obligations: the one table of what may happen. Pure.

The store compiles `allowed_from` into the DynamoDB condition; the diagram in
`docs/lifecycle.md` is generated from this module, and a test holds both together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zerotrip.kernel.aggregate import Kind


class Stage(StrEnum):
    """Where a case stands by law; every member says what is true in it."""

    RECEIVED = "received"
    """Frozen, numbered, the clock runs; `submit` has not yet taken it up."""
    SUBMITTED = "submitted"
    """Taken up; the checks are being run."""
    CORRECTING = "correcting"
    """One complete notice was given; the applicant is mending."""
    IN_REVIEW = "in_review"
    """Accepted; papers may be on their way, a decision is awaited."""
    DECIDED = "decided"
    """An officer's decision is recorded and not yet carried out."""
    PAYMENT_DUE = "payment_due"
    """Approved; the statutory fee is awaited before signing."""
    SIGNING = "signing"
    """The licence is being signed. Only its registration leaves this stage."""
    DELIVERING = "delivering"
    """The licence holds; its paper twin is on its way."""
    COMPLETED = "completed"
    """Everything was done. A courier's charge may still be open in payments."""
    NOT_ACCEPTED = "not_accepted"
    """The law does not let it be accepted (不予受理): no review took place."""
    REFUSED = "refused"
    """Decided against, with reasons and legal basis; or a promise was not kept."""
    WITHDRAWN = "withdrawn"
    """Taken back by the applicant before signing."""


FINAL = frozenset({Stage.COMPLETED, Stage.NOT_ACCEPTED, Stage.REFUSED, Stage.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Transition:
    """One row: the event, the step that writes it, where from, where to, who moves."""

    event: str
    step: str
    allowed_from: frozenset[Stage]
    to: frozenset[Stage]
    by: str  # applicant, officer, machine


def _row(event: str, step: str, allowed: str, to: str, by: str) -> Transition:
    return Transition(
        event,
        step,
        frozenset(Stage(name) for name in allowed.split()),
        frozenset(Stage(name) for name in to.split()),
        by,
    )


TRANSITIONS: dict[str, Transition] = {
    row.event: row
    for row in (
        _row("case.received", "freeze", "", "received", "applicant"),
        _row("case.submitted", "submit", "received", "submitted", "machine"),
        _row(
            "case.corrections_requested",
            "pre_review",
            "submitted",
            "correcting",
            "machine",
        ),
        _row("case.not_accepted", "pre_review", "submitted", "not_accepted", "machine"),
        _row("case.accepted", "pre_review", "submitted", "in_review", "machine"),
        _row("case.corrected", "correct", "correcting", "submitted", "applicant"),
        _row("case.promise_kept", "correct", "in_review", "in_review", "applicant"),
        _row(
            "case.promise_lapsed",
            "watch_deadlines",
            "in_review",
            "refused",
            "machine",
        ),
        _row(
            "case.papers_received",
            "advance_case",
            "in_review",
            "in_review",
            "machine",
        ),
        _row("case.referred", "approve", "in_review", "in_review", "machine"),
        _row("case.returned", "return", "in_review", "correcting", "officer"),
        _row("case.decision_recorded", "decide", "in_review", "decided", "officer"),
        _row(
            "case.approved",
            "approve",
            "in_review decided",
            "payment_due signing",
            "machine",
        ),
        _row("case.refused", "approve", "in_review decided", "refused", "machine"),
        _row("case.fee_paid", "advance_case", "payment_due", "signing", "machine"),
        _row(
            "case.bill_renewed",
            "advance_case",
            "payment_due",
            "payment_due",
            "machine",
        ),
        _row(
            "case.charge_renewed",
            "advance_case",
            "completed",
            "completed",
            "machine",
        ),
        _row("case.licence_issued", "advance_case", "signing", "delivering", "machine"),
        _row(
            "case.completed",
            "advance_case",
            "signing delivering",
            "completed",
            "machine",
        ),
        _row(
            "case.withdrawn",
            "withdraw",
            "received submitted correcting in_review payment_due",
            "withdrawn",
            "applicant",
        ),
    )
}

MACHINE_STEPS = frozenset({"submit", "pre_review", "approve"})
"""Steps that answer an event with a further event of the case."""

CLOCK_STEPS = frozenset({"watch_deadlines"})
"""Steps that a schedule wakes, when a term of law has ended."""

OUTSIDE_STEPS = frozenset({"collect_payment", "sign_licence", "dispatch_courier"})
"""Steps whose effect lies in another context; its fact comes back to advance_case."""


class Obligation(StrEnum):
    """What keeps a stage from being left."""

    CORRECTIONS = "corrections"
    PAPERS = "papers"
    PROMISES = "promises"
    DECISION = "decision"
    PAYMENT = "payment"
    LICENCE = "licence"
    DELIVERY = "delivery"


FULFILLED_BY: dict[Obligation, tuple[Kind, str]] = {
    Obligation.PAPERS: (Kind.SHIPMENT, "delivered"),
    Obligation.PAYMENT: (Kind.BILL, "settled"),
    Obligation.LICENCE: (Kind.LICENCE, "registered"),
    Obligation.DELIVERY: (Kind.SHIPMENT, "delivered"),
}
"""Which stage of which fact closes an obligation; persons close the others."""

TRIES_WITHOUT_ANSWER = 8
"""An awaited effect that the case never hears of (a charge, a cancellation) is
published this often (about four hours), then left to its DLQ and alarm."""


def allowed_from(event: str) -> frozenset[str]:
    """The stages that the database condition of this event names."""
    return frozenset(str(stage) for stage in TRANSITIONS[event].allowed_from)


def step_allowed_from(step: str) -> frozenset[Stage]:
    """The stages from which any transition of this step may start."""
    return frozenset(
        stage
        for row in TRANSITIONS.values()
        if row.step == step
        for stage in row.allowed_from
    )

"""A bill: what is asked for a case, and what became of the money. Pure.

The bill's id is the number sent to the channel. A bill that may be relied on says so
in `facts`; why the stages are these: docs/decisions/0008-money-and-parcels.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from zerotrip.cases.commands import Command
from zerotrip.cases.facts import Fact, FactTransition, fact_change
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Head, Key, Kind, Row, digest
from zerotrip.payments.refunds import Listed, explained, listed
from zerotrip.payments.terms import TERMS, Terms

CURRENCY = "CNY"
SETTLED_FACT = "settled"
LAPSED_FACT = "lapsed"
MOST_CONTRADICTIONS = 4
"""The head keeps the last ones; the refund list and the events have all."""


class BillStage(StrEnum):
    """Where a bill stands; every member says what is true in it."""

    OPENED = "opened"
    """May be paid; it may lie at a channel already."""
    SETTLED = "settled"
    """The whole sum has arrived and is kept."""
    CANCELLED = "cancelled"
    """Nobody need pay; no money has come."""
    LAPSED = "lapsed"
    """Not paid in time, and closed at the channel; the case opens another one."""
    REFUND_DUE = "refund_due"
    """Paid, and cancelled or lapsed, in either order: the sum must go back."""


def _row(step: str, allowed: str, to: str | None) -> FactTransition:
    stages = frozenset(BillStage(name) for name in allowed.split())
    return FactTransition(step, stages, BillStage(to) if to else None)


BILL_TRANSITIONS: dict[str, FactTransition] = {
    "bill.opened": _row("collect_payment", "", "opened"),
    "bill.prepared": _row("open_payment", "opened", None),
    "bill.settled": _row("settle", "opened", "settled"),
    "bill.cancelled": _row("collect_payment", "opened", "cancelled"),
    "bill.paid_after_cancellation": _row("settle", "cancelled", "refund_due"),
    "bill.cancelled_after_payment": _row("collect_payment", "settled", "refund_due"),
    "bill.paid_again": _row("settle", "settled refund_due", None),
    "bill.lapsed": _row("collect_payment", "opened", "lapsed"),
    "bill.paid_after_lapse": _row("settle", "lapsed", "refund_due"),
    "bill.contradicted": _row("contradict", " ".join(BillStage), None),
}
"""`bill.cancelled` also creates, where the cancellation came before the bill."""

_ON_PAYMENT = {
    BillStage.OPENED: "bill.settled",
    BillStage.CANCELLED: "bill.paid_after_cancellation",
    BillStage.LAPSED: "bill.paid_after_lapse",
    BillStage.SETTLED: "bill.paid_again",
    BillStage.REFUND_DUE: "bill.paid_again",
}


class Bill(Fact):
    """The body of a bill's head; `payers` are fingerprints of who may pay it.

    `opened_at` and `payable_until` are UTC texts. The channel is always told the same
    `payable_until`: another one would be another order under a used number. `asked`
    counts how often the channel was asked since the bill was last opened there;
    `instead_of` is the lapsed bill that this one follows; `settled_by` names the
    payment, and `contradicted` those that do not match the bill.
    """

    kind: Literal["fee", "courier_charge"]
    amount_fen: int
    blocks: bool
    opened_at: str
    payable_until: str
    channel: str | None = None
    payers: tuple[str, ...] = ()
    refund_due_fen: int = 0
    asked: int = 0
    instead_of: str | None = None
    settled_by: str | None = None
    contradicted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BillNow:
    """A bill as read: its head and its body."""

    head: Head
    bill: Bill

    @property
    def key(self) -> Key:
        """The aggregate's key."""
        return self.head.key

    @property
    def stage(self) -> BillStage:
        """Where it stands."""
        return BillStage(self.head.stage)


@dataclass(frozen=True, slots=True)
class Paid:
    """Money that a channel says has arrived; `source` is the channel in causes.

    `to_us` is false where the channel names another merchant than ours.
    """

    source: str
    transaction_id: str
    amount_fen: int
    currency: str
    payer: str = field(repr=False)
    paid_at: datetime
    to_us: bool = True

    @property
    def payment(self) -> str:
        """Names the transaction among all channels."""
        return f"{self.source}:{self.transaction_id}"

    @property
    def cause(self) -> str:
        """The same for each notice and each query of one transaction."""
        return f"{self.payment}:SUCCESS"


def bill_key(tenant: str, bill_id: str) -> Key:
    """The key of a bill."""
    return Key(tenant, Kind.BILL, bill_id)


def read_bill(head: Head) -> BillNow:
    """The bill that a head of kind BILL holds."""
    return BillNow(head, Bill.model_validate(dict(head.body)))


def fingerprint_of_payer(key: Key, payer: str) -> str:
    """Tells payers of one bill apart; an openid is random, so its hash hides it."""
    return digest([key.pk, payer])


def open_bill(key: Key, bill: Bill, command: Command) -> Change:
    """A new bill that may be paid; the applicant is told."""
    said = {"payable_until": bill.payable_until}
    if bill.instead_of is not None:
        said["instead_of"] = bill.instead_of
    return _change(
        None, key, bill, "bill.opened", command,
        extra=said,
        due_at=bill.payable_until,
    )  # fmt: skip


def cancel_unopened(key: Key, bill: Bill, command: Command) -> Change:
    """The cancellation overtook the bill: nobody is asked to pay it."""
    return _change(None, key, bill, "bill.cancelled", command)


def prepare(now: BillNow, channel: str, payer: str, command: Command) -> Change:
    """Notes who may pay through which channel, before the channel is asked.

    From then on the channel is asked what became of it, also if its notice is lost.
    """
    mark = fingerprint_of_payer(now.key, payer)
    others = tuple(known for known in now.bill.payers if known != mark)
    bill = now.bill.model_copy(
        update={"channel": channel, "payers": (*others, mark), "asked": 0}
    )
    return _change(
        now, now.key, bill, "bill.prepared", command,
        extra={"channel": channel},
        due_at=_next_look(bill, TERMS[channel], command.now),
    )  # fmt: skip


def opened_again(now: BillNow, moment: datetime) -> tuple[str, dict[str, Any]]:
    """Due time and body of a head whose order was opened again, without an event."""
    bill = now.bill.model_copy(update={"asked": 0})
    return _next_look(bill, terms_of(bill), moment), _as_body(bill)


def looked_after(now: BillNow, tick: datetime) -> tuple[str, dict[str, Any]]:
    """Due time and body of a head that the watchdog has just sent a message about."""
    bill = now.bill.model_copy(update={"asked": now.bill.asked + 1})
    return _next_look(bill, terms_of(bill), tick), _as_body(bill)


def terms_of(bill: Bill) -> Terms:
    """The terms of the bill's channel; of a bill that lies at none, the usual ones."""
    return TERMS.get(bill.channel or "", Terms())


def is_over(now: BillNow, moment: datetime) -> bool:
    """Whether the time in which it may be paid has ended."""
    return times.from_text(now.bill.payable_until) <= moment


def lapse(now: BillNow, command: Command) -> Change:
    """Ends an unpaid bill; what it was for is then asked for by another bill."""
    facts = {LAPSED_FACT: now.head.version + 1}
    return _change(
        now, now.key, now.bill.model_copy(update={"facts": facts}),
        "bill.lapsed", command, next_steps=("advance_case",),
    )  # fmt: skip


def cancel(now: BillNow, command: Command) -> Change | None:
    """Takes the bill back; what was paid is due back. None when it has ended."""
    if now.stage is BillStage.OPENED:
        return _change(now, now.key, now.bill, "bill.cancelled", command)
    if now.stage is BillStage.SETTLED:
        # The case no longer wants the money, so nobody may rely on it.
        bill = now.bill.model_copy(
            update={
                "facts": {},
                "settled_by": None,
                "refund_due_fen": now.bill.refund_due_fen + now.bill.amount_fen,
            }
        )
        payment = now.bill.settled_by or "settled"
        return _change(
            now, now.key, bill, "bill.cancelled_after_payment", command,
            rows=(_due_back(
                now, "cancelled_after_payment", payment, bill.amount_fen, command.now
            ),),
        )  # fmt: skip
    return None


def mismatch(now: BillNow, paid: Paid) -> str | None:
    """The code of what a payment has wrong: merchant, sum, currency, payer; or None."""
    if not paid.to_us:
        return "payment_merchant_mismatch"
    if paid.amount_fen != now.bill.amount_fen:
        return "payment_amount_mismatch"
    if paid.currency != CURRENCY:
        return "payment_currency_mismatch"
    if fingerprint_of_payer(now.key, paid.payer) not in now.bill.payers:
        return "payment_payer_mismatch"
    return None


def take_money(now: BillNow, paid: Paid, moment: datetime) -> Change:
    """Records money that has arrived, whatever the bill's stage; none is dropped."""
    event_type = _ON_PAYMENT[now.stage]
    rows: tuple[Row, ...] = ()
    if event_type == "bill.settled":
        update: dict[str, Any] = {
            "facts": {SETTLED_FACT: now.head.version + 1},
            "settled_by": paid.payment,
        }
    else:
        update = {"refund_due_fen": now.bill.refund_due_fen + paid.amount_fen}
        why = event_type.removeprefix("bill.")
        rows = (_due_back(now, why, paid.payment, paid.amount_fen, moment),)
    if paid.payment in now.bill.contradicted:
        rows += (explained(*_list_of(now), _unsure(now, paid, "settled", moment)),)
    command = Command(
        cause=paid.cause,
        actor=f"partner:{paid.source}",
        now=moment,
        request=f"{paid.amount_fen} {paid.currency}",
    )
    advances = event_type == "bill.settled" and now.bill.blocks
    return _change(
        now,
        now.key,
        now.bill.model_copy(update=update),
        event_type,
        command,
        extra={
            "transaction_id": paid.transaction_id,
            "paid_at": times.to_text(paid.paid_at),
        },
        next_steps=("advance_case",) if advances else (),
        rows=rows,
    )


def contradict(now: BillNow, paid: Paid, code: str, moment: datetime) -> Change:
    """Keeps what a channel says that does not match the bill, for the finance office.

    It settles nothing. `code` is what `mismatch` answers. What the channel says later
    of the same payment is another fact; the same again is a duplicate.
    """
    said = digest([paid.amount_fen, paid.currency, paid.to_us, paid.payer])[:16]
    others = tuple(each for each in now.bill.contradicted if each != paid.payment)
    known = (*others, paid.payment)[-MOST_CONTRADICTIONS:]
    row = listed(*_list_of(now), _unsure(now, paid, code, moment))
    command = Command(
        cause=f"{paid.payment}:{code}:{said}",
        actor=f"partner:{paid.source}",
        now=moment,
    )
    return _change(
        now, now.key, now.bill.model_copy(update={"contradicted": known}),
        "bill.contradicted", command,
        extra={
            "code": code,
            "said": {"amount_fen": paid.amount_fen, "currency": paid.currency},
            "transaction_id": paid.transaction_id,
            "paid_at": times.to_text(paid.paid_at),
        },
        due_at=now.head.due_at,
        # Either order ends alike: what has settled the bill is no open question.
        rows=() if paid.payment == now.bill.settled_by else (row,),
    )  # fmt: skip


def _list_of(now: BillNow) -> tuple[str, str]:
    return now.key.tenant, now.bill.organisation


def _due_back(
    now: BillNow, why: str, payment: str, amount_fen: int, moment: datetime
) -> Row:
    entry = Listed(
        bill=now.key.id,
        case_no=now.bill.case_no,
        why=why,
        payment=payment,
        amount_fen=amount_fen,
        currency=CURRENCY,
        listed_at=times.to_text(moment),
    )
    return listed(*_list_of(now), entry)


def _unsure(now: BillNow, paid: Paid, why: str, moment: datetime) -> Listed:
    return Listed(
        bill=now.key.id,
        case_no=now.bill.case_no,
        why=why,
        payment=paid.payment,
        amount_fen=paid.amount_fen,
        currency=paid.currency,
        listed_at=times.to_text(moment),
        certain=False,
    )


def _next_look(bill: Bill, terms: Terms, moment: datetime) -> str:
    """When a bill is looked at again: by the channel's schedule, and at its end."""
    look = moment + terms.ask_after(bill.asked)
    until = times.from_text(bill.payable_until)
    return times.to_text(min(look, until) if until > moment else look)


def _as_body(bill: Bill) -> dict[str, Any]:
    return bill.model_dump(mode="json", exclude_defaults=True)


def _change(
    now: BillNow | None,
    key: Key,
    bill: Bill,
    event_type: str,
    command: Command,
    *,
    extra: Mapping[str, Any] | None = None,
    next_steps: tuple[str, ...] = (),
    due_at: str | None = None,
    rows: tuple[Row, ...] = (),
) -> Change:
    transition = BILL_TRANSITIONS[event_type]
    return fact_change(
        now.head if now else None,
        key,
        bill,
        command,
        transition,
        event_type=event_type,
        stage=transition.to or (now.stage if now else BillStage.OPENED),
        said={"kind": bill.kind, "amount_fen": bill.amount_fen, **(extra or {})},
        next_steps=next_steps,
        due_at=due_at,
        rows=rows,
    )

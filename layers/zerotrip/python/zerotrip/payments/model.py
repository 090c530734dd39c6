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
from zerotrip.kernel.aggregate import Change, Head, Key, Kind, digest

CURRENCY = "CNY"
SETTLED_FACT = "settled"


class BillStage(StrEnum):
    """Where a bill stands; every member says what is true in it."""

    OPENED = "opened"
    """May be paid; it may lie at a channel already."""
    SETTLED = "settled"
    """The whole sum has arrived and is kept."""
    CANCELLED = "cancelled"
    """Nobody need pay; no money has come."""
    REFUND_DUE = "refund_due"
    """Paid and cancelled, in either order: the sum must go back."""


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
}
"""`bill.cancelled` also creates, where the cancellation came before the bill."""

_ON_PAYMENT = {
    BillStage.OPENED: "bill.settled",
    BillStage.CANCELLED: "bill.paid_after_cancellation",
    BillStage.SETTLED: "bill.paid_again",
    BillStage.REFUND_DUE: "bill.paid_again",
}


class Bill(Fact):
    """The body of a bill's head; `payers` are fingerprints of who may pay it.

    `opened_at` and `payable_until` are UTC texts. The channel is always told the same
    `payable_until`: another one would be another order under a used number.
    """

    kind: Literal["fee", "courier_charge"]
    amount_fen: int
    blocks: bool
    opened_at: str
    payable_until: str
    channel: str | None = None
    payers: tuple[str, ...] = ()
    refund_due_fen: int = 0


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
    """Money that a channel says has arrived; `source` is the channel in causes."""

    source: str
    transaction_id: str
    amount_fen: int
    currency: str
    payer: str = field(repr=False)
    paid_at: datetime

    @property
    def cause(self) -> str:
        """The same for each notice and each query of one transaction."""
        return f"{self.source}:{self.transaction_id}:SUCCESS"


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
    return _change(None, key, bill, "bill.opened", command)


def cancel_unopened(key: Key, bill: Bill, command: Command) -> Change:
    """The cancellation overtook the bill: nobody is asked to pay it."""
    return _change(None, key, bill, "bill.cancelled", command)


def prepare(now: BillNow, channel: str, payer: str, command: Command) -> Change:
    """Notes who may pay through which channel, before the channel is asked."""
    mark = fingerprint_of_payer(now.key, payer)
    others = tuple(known for known in now.bill.payers if known != mark)
    bill = now.bill.model_copy(update={"channel": channel, "payers": (*others, mark)})
    return _change(
        now, now.key, bill, "bill.prepared", command, extra={"channel": channel}
    )


def cancel(now: BillNow, command: Command) -> Change | None:
    """Takes the bill back; what was paid is due back. None when it has ended."""
    if now.stage is BillStage.OPENED:
        return _change(now, now.key, now.bill, "bill.cancelled", command)
    if now.stage is BillStage.SETTLED:
        # The case no longer wants the money, so nobody may rely on it.
        bill = now.bill.model_copy(
            update={
                "facts": {},
                "refund_due_fen": now.bill.refund_due_fen + now.bill.amount_fen,
            }
        )
        return _change(now, now.key, bill, "bill.cancelled_after_payment", command)
    return None


def mismatch(now: BillNow, paid: Paid) -> str | None:
    """The code of what a payment has wrong, or None: sum, currency, payer."""
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
    if event_type == "bill.settled":
        update: dict[str, Any] = {"facts": {SETTLED_FACT: now.head.version + 1}}
    else:
        update = {"refund_due_fen": now.bill.refund_due_fen + paid.amount_fen}
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
    )


def _change(
    now: BillNow | None,
    key: Key,
    bill: Bill,
    event_type: str,
    command: Command,
    *,
    extra: Mapping[str, Any] | None = None,
    next_steps: tuple[str, ...] = (),
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
    )

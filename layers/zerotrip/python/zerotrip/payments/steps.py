"""What `collect_payment` does with one message, and how arrived money is recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from zerotrip.cases import effects
from zerotrip.cases.commands import Command, machine
from zerotrip.cases.model import stored_case
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, EventRow, Head, Key, Kind
from zerotrip.kernel.errors import AlreadyDone, GiveUp, NotFound
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Records
from zerotrip.kernel.steps import asked, settle
from zerotrip.payments import model
from zerotrip.payments.model import Bill, BillNow, BillStage, Paid
from zerotrip.payments.terms import Terms
from zerotrip.payments.watching import BillDue

if TYPE_CHECKING:  # a bill is stored without a channel, and its keys cost 50 ms
    from zerotrip.payments.channels.wechat_pay import ChannelState, WeChatPay

STEP = "collect_payment"
WECHAT_PAY_SOURCE = "wxpay"
CANNOT_BE_PAID = frozenset({"CLOSED", "REVOKED"})
"""The channel's words for an order that has ended unpaid."""
NOT_AT_WORK = frozenset({"NOTPAY", "PAYERROR", "NOT_OPENED"})
"""Unpaid, and nobody is paying in this moment: it may be closed."""
PAYABLE_CLOCK = "payable:due"
"""The cause of the one lapse of a bill: its clock and that clock's end."""


@dataclass(frozen=True, slots=True)
class PaymentSteps:
    """The ports of these steps; `channels` makes each channel when it is needed.

    `payable_for` is how long the channel may take a bill's money, from its opening.
    """

    tenant: str
    records: Records
    channels: Mapping[str, Callable[[], WeChatPay]]
    now: Callable[[], datetime]
    payable_for: timedelta = Terms().payable_for


def collect_payment(message: CloudEvent | BillDue, deps: PaymentSteps) -> None:
    """Stores the bill that a case's event asks for, and cancels those it takes back;
    asks the channel about a bill that is due.

    Raises AlreadyDone when all of it was done before, Retry when the channel does not
    answer, GiveUp `case_unknown`, `bill_not_asked`, and what `look_at` raises.
    """
    if isinstance(message, BillDue):
        look_at(message, deps)
        return
    event = asked(deps.records, message, deps.tenant, STEP)
    tasks = effects.tasks_of(
        event,
        Kind.BILL,
        lambda wanted: _open(event, wanted, deps),
        lambda key: _cancel(event, key, deps),
    )
    if not tasks:
        raise _not_asked(event.key)
    effects.carry_out(tasks)


def record_payment(records: Records, key: Key, paid: Paid, now: datetime) -> EventRow:
    """Stores what a channel says has arrived for a bill; answers the event.

    Money that does not match the bill is `bill.contradicted`, and settles nothing.
    Raises NotFound `bill_unknown`, AlreadyDone for what was said before.
    """

    def decide(head: Head | None) -> Change:
        if head is None:
            raise bill_unknown()
        bill = model.read_bill(head)
        wrong = model.mismatch(bill, paid)
        if wrong is not None:
            return model.contradict(bill, paid, wrong, now)
        return model.take_money(bill, paid, now)

    return settle(records, key, decide).events[0]


def record_from_channel(
    records: Records, key: Key, channel: WeChatPay, now: datetime
) -> EventRow:
    """Asks the channel, which says that a bill is paid, and records what it answers.

    Raises what `record_payment` and the channel's `query` raise, and GiveUp
    `payment_state_unclear`.
    """
    return _record_state(records, key, channel.query(key.id), now)


def _record_state(
    records: Records, key: Key, state: ChannelState, now: datetime
) -> EventRow:
    if (
        state.state != "SUCCESS"
        or state.transaction_id is None
        or state.amount_fen is None
        or state.payer_openid is None
        or state.success_time is None
    ):
        raise GiveUp(
            "payment_state_unclear",
            "支付渠道对该账单的答复不一致。",
            "The channel calls the bill paid and does not show the payment.",
            detail={"bill": key.id, "state": str(state.state)},
        )
    paid = Paid(
        source=WECHAT_PAY_SOURCE,
        transaction_id=state.transaction_id,
        amount_fen=state.amount_fen,
        currency=state.currency,
        payer=state.payer_openid,
        paid_at=state.success_time,
    )
    return record_payment(records, key, paid, now)


def bill_unknown() -> NotFound:
    """No bill of that number, or none of this case."""
    return NotFound("bill_unknown", "没有找到该账单。", "There is no such bill.")


def look_at(message: BillDue, deps: PaymentSteps) -> None:
    """Asks the channel what became of an open bill, and records it as a notice would.

    Unpaid, the bill lapses when its time is over, closed at the channel first. Raises
    AlreadyDone where there is nothing to do yet or any more, Retry when the channel
    does not answer, GiveUp `bill_not_stored`, `payment_state_unclear`.
    """
    now = _own_bill(message, deps)
    over = model.is_over(now, deps.now())
    if now.bill.channel is None:
        if not over:
            raise _nothing_yet(now, "NOT_OPENED")
    elif not _ended_unpaid(now, deps, over=over):
        return
    command = Command(PAYABLE_CLOCK, f"system:{STEP}", deps.now())

    def decide(head: Head | None) -> Change:
        if head is None:
            raise bill_unknown()
        current = model.read_bill(head)
        if current.stage is not BillStage.OPENED:
            raise _ended_or_stored(current)
        return model.lapse(current, command)

    settle(deps.records, now.key, decide)


def _own_bill(message: BillDue, deps: PaymentSteps) -> BillNow:
    head = None
    if message.bill.tenant == deps.tenant:
        head = deps.records.head(model.bill_key(deps.tenant, message.bill.id))
    if head is None:
        raise GiveUp(
            "bill_not_stored",
            "消息所指的账单不存在，未作处理。",
            "The message points at a bill that is not stored; nothing was done.",
            detail={"tenant": message.bill.tenant, "bill": message.bill.id},
        )
    now = model.read_bill(head)
    if now.stage is not BillStage.OPENED:
        raise _ended_or_stored(now)
    return now


def _ended_unpaid(now: BillNow, deps: PaymentSteps, *, over: bool) -> bool:
    """Whether the bill cannot be paid any more; false when its payment was stored."""
    channel = deps.channels[str(now.bill.channel)]()
    state = channel.query(now.key.id)
    if state.state in CANNOT_BE_PAID:
        return True
    if state.state in NOT_AT_WORK and over:
        try:
            channel.close(now.key.id)
        except AlreadyDone:
            state = channel.query(now.key.id)  # the payer was faster than the clock
        else:
            return True
    if state.state not in ("SUCCESS", "REFUND"):
        raise _nothing_yet(now, state.state)
    try:
        stored = _record_state(deps.records, now.key, state, deps.now())
    except AlreadyDone:
        # Its notice came in this moment, or it was stored as a contradiction before.
        if not over or _stage_of(now.key, deps) is not BillStage.OPENED:
            raise
        return True
    # A payment that contradicts the bill has used the number up: another one follows.
    return over and stored.type == "bill.contradicted"


def _stage_of(key: Key, deps: PaymentSteps) -> BillStage | None:
    head = deps.records.head(key)
    return None if head is None else model.read_bill(head).stage


def _nothing_yet(now: BillNow, state: str) -> AlreadyDone:
    return AlreadyDone(
        "payment_not_made",
        "该账单尚未支付，稍后再查。",
        "The bill is not paid yet; the channel is asked again later.",
        detail={"bill": now.key.id, "state": str(state)},
    )


def _open(event: EventRow, wanted: Mapping[str, Any], deps: PaymentSteps) -> None:
    key = model.bill_key(deps.tenant, wanted["id"])
    command = machine(event, deps.now(), STEP)
    bill = _bill(event, wanted, deps)

    def decide(head: Head | None) -> Change:
        if head is not None:
            raise _ended_or_stored(model.read_bill(head))
        return model.open_bill(key, bill, command)

    settle(deps.records, key, decide)


def _cancel(event: EventRow, key: Key, deps: PaymentSteps) -> None:
    command = machine(event, deps.now(), STEP)
    idle: AlreadyDone | None = None

    def decide(head: Head | None) -> Change:
        if head is None:
            asked_for = effects.asking_event(deps.records, event.key, key)
            if asked_for is None:
                raise _not_asked(key)
            return model.cancel_unopened(key, _bill(*asked_for, deps), command)
        now = model.read_bill(head)
        change = model.cancel(now, command)
        if change is None:
            raise _ended_or_stored(now)
        return change

    try:
        settle(deps.records, key, decide)
    except AlreadyDone as done:
        # Stored before; whether the channel was told is not, so it is told again.
        idle = done
    _close_at_channel(key, deps)
    if idle is not None:
        raise idle


def _close_at_channel(key: Key, deps: PaymentSteps) -> None:
    head = deps.records.head(key)
    if head is None:
        return
    now = model.read_bill(head)
    if now.stage is not BillStage.CANCELLED or now.bill.channel is None:
        return
    channel = deps.channels[now.bill.channel]()
    try:
        channel.close(key.id)
    except AlreadyDone:
        # The payer was faster than the cancellation.
        record_from_channel(deps.records, key, channel, deps.now())


def _bill(asking: EventRow, wanted: Mapping[str, Any], deps: PaymentSteps) -> Bill:
    case = stored_case(deps.records.head(asking.key), asking.key)
    # From the event's own time, so that a redelivery makes the same bill.
    until = times.from_text(asking.time) + deps.payable_for
    return Bill(
        case_no=case.key.id,
        sub=case.case.sub,
        organisation=asking.organisation,
        kind=wanted["kind"],
        amount_fen=wanted["amount_fen"],
        blocks=wanted["blocks"],
        opened_at=asking.time,
        payable_until=times.to_text(until),
        instead_of=wanted.get("instead_of"),
    )


def _not_asked(key: Key) -> GiveUp:
    return GiveUp(
        "bill_not_asked",
        "办件未曾要求该账单。",
        "No event of the case asks for such a bill.",
        detail={"aggregate": key.ref},
    )


def _ended_or_stored(now: BillNow) -> AlreadyDone:
    return AlreadyDone(
        f"bill_{now.stage}",
        "该账单此前已处理。",
        "The bill has been dealt with before.",
        detail={"bill": now.key.id, "stage": str(now.stage)},
    )

"""What an applicant does to a bill: open it at a channel, to be paid in the client."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from zerotrip.cases.commands import Command
from zerotrip.cases.model import CaseNow
from zerotrip.cases.requests import came_first
from zerotrip.catalogue.publication import Catalogue
from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Head
from zerotrip.kernel.errors import (
    AlreadyDone,
    Conflict,
    Fault,
    GiveUp,
    Invalid,
    NotFound,
    PreconditionFailed,
    Retry,
    Unavailable,
)
from zerotrip.kernel.identifiers import RECORD_NUMBER
from zerotrip.kernel.records import Overtaken, Records
from zerotrip.kernel.steps import settle
from zerotrip.payments import model
from zerotrip.payments.model import CURRENCY, BillNow, BillStage
from zerotrip.payments.steps import bill_unknown, record_from_channel

if TYPE_CHECKING:
    from zerotrip.payments.channels.wechat_pay import WeChatPay


@dataclass(frozen=True, slots=True)
class Payments:
    """The applicant's commands on the bills of a case."""

    records: Records
    catalogue: Catalogue
    channels: Mapping[str, Callable[[], WeChatPay]]
    now: Callable[[], datetime]

    def bills(self, case: CaseNow) -> list[BillNow]:
        """The stored bills of a case, in the order in which it asked for them."""
        keys = [model.bill_key(case.key.tenant, bill) for bill in case.case.bills]
        heads = {head.key: head for head in self.records.heads(keys)}
        return [model.read_bill(heads[key]) for key in keys if key in heads]

    def pay(  # noqa: PLR0917  # the route's own order: who, of which version, what, how
        self,
        case: CaseNow,
        acting: Acting,
        seen_version: int,
        bill_id: str | None,
        channel: str,
        payer_openid: str | None,
    ) -> dict[str, Any]:
        """Opens a bill of the applicant's own case at a channel, to be paid now.

        Answers `{bill_id, channel, amount_fen, currency, parameters}`, the last for the
        client's payment call; asking again is a success. Raises Invalid
        `channel_unknown`, NotFound `bill_unknown`, PreconditionFailed, Unavailable
        `channel_unavailable`, Conflict `nothing_to_pay`, `bill_not_ready`,
        `bill_settled`, `bill_expired`, `bill_lapsed`, `payer_unknown`,
        `stage_changed`, `payment_contradicted` or the channel's own `payment_…`.
        """
        opener = self._channel(channel)
        bill = self._payable(case, bill_id)
        if payer_openid is None:
            raise _payer_unknown()
        self._require_seen_stage(case, seen_version)
        command = Command(
            cause=f"v{seen_version}",
            actor=acting.actor,
            now=self.now(),
            on_behalf=acting.on_behalf,
            request=f"{channel} {model.fingerprint_of_payer(bill.key, payer_openid)}",
        )
        # Stored first: a cancellation that comes now knows which channel to tell.
        self._prepare(bill, channel, payer_openid, command)
        parameters = self._open(case, bill, opener, payer_openid)
        self._require_still_open(bill, opener)
        return {
            "bill_id": bill.key.id,
            "channel": channel,
            "amount_fen": bill.bill.amount_fen,
            "currency": CURRENCY,
            "parameters": parameters,
        }

    def _channel(self, name: str) -> WeChatPay:
        if name not in self.channels:
            fault = Fault(
                "/channel",
                "channel_unknown",
                "不支持该支付方式。",
                "This way of paying is not offered.",
            )
            raise Invalid(
                "channel_unknown",
                fault.zh,
                fault.en,
                faults=[fault],
                detail={"channels": sorted(self.channels)},
            )
        return self.channels[name]()

    def _payable(self, case: CaseNow, bill_id: str | None) -> BillNow:
        if bill_id is not None and bill_id not in case.case.bills:
            raise self._earlier(case, bill_id)
        wanted = case.case.bills if bill_id is None else (bill_id,)
        bills = [bill for bill in self.bills(case) if bill.key.id in wanted]
        opened = [bill for bill in bills if bill.stage is BillStage.OPENED]
        if not opened:
            raise _nothing_to_pay(case, wanted, bills)
        # What keeps the case waiting comes first; else the oldest.
        bill = min(opened, key=lambda each: not each.bill.blocks)
        if times.from_text(bill.bill.payable_until) <= self.now():
            raise Conflict(
                "bill_expired",
                "该账单已过支付期限，新账单稍后开立，请刷新后再支付。",
                "The time to pay this bill is over; another one is opened shortly.",
                detail={"bill": bill.key.id, "until": bill.bill.payable_until},
            )
        return bill

    def _earlier(self, case: CaseNow, bill_id: str) -> Conflict | NotFound:
        """Why a bill that the case does not name cannot be paid: it lapsed, or is not
        there."""
        if RECORD_NUMBER.fullmatch(bill_id):
            head = self.records.head(model.bill_key(case.key.tenant, bill_id))
            if head is not None and head.body["case_no"] == case.key.id:
                return not_open(model.read_bill(head))
        return bill_unknown()

    def _require_seen_stage(self, case: CaseNow, seen: int) -> None:
        if seen > case.head.version:
            raise PreconditionFailed(
                "version_unknown",
                "页面版本有误，请刷新后重试。",
                "That version of the case does not exist: load it again.",
            )
        if seen < case.head.version:
            history = self.records.history(case.key)
            stages = {row.seq: row.body["stage"] for row in history}
            if stages.get(seen) != case.stage:
                raise came_first(case, history[-1])

    def _prepare(
        self, bill: BillNow, channel: str, payer: str, command: Command
    ) -> None:
        def decide(head: Head | None) -> Change:
            now = bill if head is None else model.read_bill(head)
            if now.stage is not BillStage.OPENED:
                raise not_open(now)
            return model.prepare(now, channel, payer, command)

        try:
            settle(self.records, bill.key, decide)
        except AlreadyDone:
            # The same request again: the channel answers it again too, and who opens a
            # bill is about to pay it, so the channel is asked soon.
            now = self._again(bill)
            if now.stage is BillStage.OPENED:
                with contextlib.suppress(Overtaken):
                    self.records.touch(now.head, *model.opened_again(now, self.now()))
        except GiveUp as taken:
            raise Conflict(
                "payment_begun_otherwise",
                "该账单已用其他方式发起支付，请刷新后重试。",
                "Payment was begun in another way: load the case again.",
                detail={"bill": bill.key.id},
            ) from taken

    def _open(
        self, case: CaseNow, bill: BillNow, channel: WeChatPay, payer: str
    ) -> dict[str, str]:
        item = self.catalogue.pinned(
            case.key.tenant, case.case.item, case.case.item_digest
        )
        try:
            return channel.open(
                bill.key.id,
                bill.bill.amount_fen,
                item.name.zh,
                payer,
                times.from_text(bill.bill.payable_until),
            )
        except Conflict as refused:
            if refused.code != "payment_already_made":
                raise
            # The channel's notice is late; what it would say is recorded now.
            self._record_late_notice(bill, channel)
            raise not_open(self._again(bill)) from refused
        except (Unavailable, GiveUp) as down:
            raise _unavailable(down.code) from down

    def _record_late_notice(self, bill: BillNow, channel: WeChatPay) -> None:
        try:
            record_from_channel(self.records, bill.key, channel, self.now())
        except AlreadyDone:
            return  # its notice came in this moment
        except (Retry, GiveUp) as down:
            raise _unavailable(down.code) from down

    def _require_still_open(self, bill: BillNow, channel: WeChatPay) -> None:
        """Closes what was opened while the bill was being cancelled.

        A crash before this leaves an order that nobody was given the parameters of.
        """
        now = self._again(bill)
        if now.stage is BillStage.OPENED:
            return
        if now.stage in (BillStage.CANCELLED, BillStage.LAPSED):
            try:
                channel.close(bill.key.id)
            except AlreadyDone:
                self._record_late_notice(bill, channel)
            except (Retry, GiveUp) as down:
                raise _unavailable(down.code) from down
        raise not_open(now)

    def _again(self, bill: BillNow) -> BillNow:
        head = self.records.head(bill.key)
        return bill if head is None else model.read_bill(head)


def not_open(now: BillNow) -> Conflict:
    """Why a bill cannot be paid: its stage says what came first."""
    detail = {"bill": now.key.id, "stage": str(now.stage)}
    if now.stage is BillStage.OPENED:
        return Conflict(
            "payment_contradicted",
            "收到的款项与账单不一致，正在核对，请勿重复支付。",
            "What the channel received does not match the bill and is being looked "
            "into: please do not pay again.",
            detail=detail,
        )
    if model.LAPSED_FACT in now.bill.facts:
        return Conflict(
            "bill_lapsed",
            "该账单逾期未缴，已失效，请刷新后按新账单缴费。",
            "The bill was not paid in time and has lapsed: load the case again and pay "
            "the new one.",
            detail=detail,
        )
    if now.stage is BillStage.SETTLED:
        return Conflict(
            "bill_settled", "该账单已缴清。", "The bill is paid.", detail=detail
        )
    return Conflict(
        "nothing_to_pay",
        "该账单已取消，无需缴费。",
        "The bill was cancelled; there is nothing to pay.",
        detail=detail,
    )


def _nothing_to_pay(
    case: CaseNow, wanted: Sequence[str], bills: Sequence[BillNow]
) -> Conflict:
    if len(bills) < len(wanted):
        return Conflict(
            "bill_not_ready",
            "账单正在生成，请稍后再试。",
            "The bill is being made: please try again shortly.",
            detail={"stage": str(case.stage)},
        )
    if bills:
        return not_open(bills[-1])
    return Conflict(
        "nothing_to_pay",
        "该办件目前没有需要缴纳的费用。",
        "The case has nothing to pay now.",
        detail={"stage": str(case.stage)},
    )


def _payer_unknown() -> Conflict:
    return Conflict(
        "payer_unknown",
        "请使用微信小程序登录后再支付。",
        "Please sign in through the WeChat mini-program, then pay.",
    )


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "channel_unavailable",
        "支付渠道暂时不可用，请稍后再试。",
        "The payment channel does not answer; please try again shortly.",
        detail={"reason": reason},
    )

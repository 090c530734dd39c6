"""What a payment channel's notice does: the money is stored first, then it is news."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.identifiers import RECORD_NUMBER
from zerotrip.kernel.records import Records
from zerotrip.payments.model import Paid, bill_key
from zerotrip.payments.steps import WECHAT_PAY_SOURCE, bill_unknown, record_payment

if TYPE_CHECKING:
    from zerotrip.payments.channels.wechat_pay import WeChatPay


@dataclass(frozen=True, slots=True)
class PaymentCallbacks:
    """The ports of the notice: our tenant, records, the channel that signed, clock."""

    tenant: str
    records: Records
    channel: WeChatPay
    now: Callable[[], datetime]


def payment_notice(
    headers: Mapping[str, str], raw_body: bytes, deps: PaymentCallbacks
) -> EventRow:
    """Stores the payment that a notice tells of, from the notice's raw bytes.

    What contradicts our bill (sum, currency, payer, merchant) is stored as well, as
    `bill.contradicted`: else the channel sends it for a day, and no one looks.
    Raises AlreadyDone for a repeated notice (a success to the channel); Unauthenticated
    or Malformed from the channel's client, NotFound `bill_unknown`: nothing stored.
    """
    notice = deps.channel.read_notice(headers, raw_body)
    # A number that we cannot have minted is foreign, and is never made a key.
    if not RECORD_NUMBER.fullmatch(notice.bill_id):
        raise bill_unknown()
    paid = Paid(
        source=WECHAT_PAY_SOURCE,
        transaction_id=notice.transaction_id,
        amount_fen=notice.amount_fen,
        currency=notice.currency,
        payer=notice.payer_openid,
        paid_at=notice.success_time,
        to_us=notice.to_us,
    )
    key = bill_key(deps.tenant, notice.bill_id)
    return record_payment(deps.records, key, paid, deps.now())

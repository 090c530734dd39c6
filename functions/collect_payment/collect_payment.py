"""Stores a case's bill, or cancels it; asks the channel about bills that are due."""

from pydantic import TypeAdapter

from zerotrip.kernel.messages import CloudEvent
from zerotrip.payments.steps import collect_payment
from zerotrip.payments.watching import BillDue
from zerotrip.runtime.batch import message_handler
from zerotrip.runtime.wiring import payment_steps

handler = message_handler(
    "collect_payment", TypeAdapter(CloudEvent | BillDue), collect_payment, payment_steps
)

"""Stores the bill that a case asks for, or cancels it; the applicant is told."""

from zerotrip.payments.steps import collect_payment
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import payment_steps

handler = step_handler("collect_payment", collect_payment, payment_steps)

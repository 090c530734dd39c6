"""Runs all the item's checks: one complete notice, or the way on."""

from zerotrip.cases.steps import pre_review
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import case_steps

handler = step_handler("pre_review", pre_review, case_steps)

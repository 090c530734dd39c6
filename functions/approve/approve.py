"""Carries out a recorded decision, or decides by rule."""

from zerotrip.cases.steps import approve
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import case_steps

handler = step_handler("approve", approve, case_steps)

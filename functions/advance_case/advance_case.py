"""Turns facts (paid, registered, delivered) into commands on the case."""

from zerotrip.cases.steps import advance_case
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import case_steps

handler = step_handler("advance_case", advance_case, case_steps)

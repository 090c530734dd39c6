"""Takes a received case up; a burst of applications waits in this queue."""

from zerotrip.cases.steps import submit
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import case_steps

handler = step_handler("submit", submit, case_steps)

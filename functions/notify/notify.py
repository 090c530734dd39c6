"""Tells the applicant: one notice in the inbox for each event that concerns them."""

from zerotrip.notices.steps import notify
from zerotrip.runtime.batch import step_handler
from zerotrip.runtime.wiring import notice_steps

handler = step_handler("notify", notify, notice_steps)

"""Tells a person: one notice for each event, or clock, that concerns them."""

from pydantic import TypeAdapter

from zerotrip.cases.expiring import DraftExpiring
from zerotrip.kernel.messages import CloudEvent
from zerotrip.notices.steps import notify
from zerotrip.runtime.batch import message_handler
from zerotrip.runtime.wiring import notice_steps

handler = message_handler(
    "notify", TypeAdapter(CloudEvent | DraftExpiring), notify, notice_steps
)

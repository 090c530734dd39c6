"""Keeps every event in the locked bucket: each batch is one immutable object."""

from pydantic import TypeAdapter

from zerotrip.archive.steps import archive_events
from zerotrip.kernel.messages import CloudEvent
from zerotrip.runtime.batch import together_handler
from zerotrip.runtime.wiring import archive_steps

handler = together_handler(
    "archive_events", TypeAdapter(CloudEvent), archive_events, archive_steps
)

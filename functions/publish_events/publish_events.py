"""Puts each stored event on the bus: the only reader of the records table's stream."""

from typing import Any

from zerotrip.kernel.stream import publish
from zerotrip.runtime.wiring import bus


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answers the first record that the bus did not take, if any."""
    return publish(event["Records"], bus())

"""Reading event rows from the records table's stream, without PynamoDB."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.records import event_row
from zerotrip.kernel.tables import StoredRow


def inserted_event(record: Mapping[str, Any]) -> EventRow | None:
    """The event row that a stream record inserted; None for heads and other rows."""
    image = record["dynamodb"].get("NewImage", {})
    if record["eventName"] != "INSERT" or not image["sk"]["S"].startswith("EVENT#"):
        return None
    sealed = base64.b64decode(image["sealed"]["B"]) if "sealed" in image else None
    return event_row(
        StoredRow(
            pk=image["pk"]["S"],
            sk=image["sk"]["S"],
            data=json.loads(image["data"]["S"]),
            sealed=sealed,
        )
    )


def publish(records: list[Mapping[str, Any]], bus: Any) -> dict[str, Any]:
    """Puts a batch's events on the bus; answers the lowest sequence number that failed.

    Lambda then reads on from there: what was published behind it comes twice, which
    costs nothing, and nothing is left out.
    """
    from zerotrip.kernel.messages import cloud_event

    found = [(record, inserted_event(record)) for record in records]
    events = [(record, row) for record, row in found if row is not None]
    failed = bus.publish([cloud_event(row) for _, row in events])
    if not failed:
        return {"batchItemFailures": []}
    first = events[min(failed)][0]["dynamodb"]["SequenceNumber"]
    return {"batchItemFailures": [{"itemIdentifier": first}]}

"""What object storage says through a queue: which version of which key was written.

Source: Amazon S3 user guide, "Event message structure" (version 2.x); keys in it are
URL-encoded as in a form, a space is `+`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from zerotrip.kernel.errors import AlreadyDone, GiveUp

_OBJECT_CREATED = "ObjectCreated:"
_OTHER_EVENTS = frozenset({"ObjectRemoved:Delete", "ObjectRemoved:DeleteMarkerCreated"})
"""Those that are named in the log; other names are anybody's text."""


@dataclass(frozen=True, slots=True)
class ObjectCreated:
    """One version of one object came to be; `key` is decoded."""

    bucket: str
    key: str
    version_id: str


def records_of(body: str) -> tuple[Mapping[str, Any], ...]:
    """The records of one queue message's body; S3's own test message has none.

    Raises GiveUp `storage_event_malformed`.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:  # the latter: nested too deeply
        raise _malformed() from error
    if isinstance(content, dict) and content.get("Event") == "s3:TestEvent":
        return ()
    records = content.get("Records") if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
        raise _malformed()
    return tuple(records)


def object_created(record: Mapping[str, Any]) -> ObjectCreated:
    """Reads one record. Raises GiveUp `storage_event_malformed`.

    Raises AlreadyDone `storage_event_ignored` for anything but a new version.
    """
    name = record.get("eventName")
    if isinstance(name, str) and not name.startswith(_OBJECT_CREATED):
        raise AlreadyDone(
            "storage_event_ignored",
            "存储事件不是新文件，无需处理。",
            "The storage event is not about a new object.",
            detail={"event_name": name if name in _OTHER_EVENTS else "other"},
        )
    try:
        bucket = record["s3"]["bucket"]["name"]
        stored = record["s3"]["object"]
        texts = (name, bucket, stored["key"], stored["versionId"])
    except (KeyError, TypeError) as error:
        raise _malformed() from error
    if not all(isinstance(text, str) and text for text in texts):
        raise _malformed()
    return ObjectCreated(bucket, unquote_plus(stored["key"]), stored["versionId"])


def created_message(found: ObjectCreated, size_bytes: int) -> dict[str, Any]:
    """The message that storage would have sent, for an object whose event is missing.

    The fields are those that `object_created` reads, and the size.
    """
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": f"{_OBJECT_CREATED}Post",
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": found.bucket},
                    "object": {
                        "key": quote_plus(found.key, safe="/"),
                        "size": size_bytes,
                        "versionId": found.version_id,
                    },
                },
            }
        ]
    }


def _malformed() -> GiveUp:
    return GiveUp(
        "storage_event_malformed",
        "存储事件的格式不正确。",
        "The storage event cannot be read.",
    )

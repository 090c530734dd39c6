"""Forged messages, each made from a genuine one, and the codes that must come of them.

Somebody could send to a queue: what may they get done? Every forgery here claims more
than is stored, or is no message at all.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.messages import cloud_event

STORAGE_STEPS = frozenset({"receive_material", "register_licence"})
UNREADABLE = frozenset({"message_unreadable"})
MALFORMED = frozenset({"storage_event_malformed"})
ABSENT = frozenset({"event_row_absent"})
NOT_ASKED = frozenset({"step_not_asked", "notice_not_needed"})
FOREIGN = frozenset({"tenant_foreign", "upload_key_unknown"})
UNKNOWN_KEY = frozenset({"upload_key_unknown", "licence_key_unknown"})
UNKNOWN_ROW = frozenset({"upload_slot_unknown", "licence_unknown"})
IDLE = frozenset(
    {
        "done", "done_before", "stage_left", "nothing_to_advance", "licence_registered",
        "upload_checked_already", "upload_version_ignored", "draft_moved_on",
        "bill_settled", "bill_opened", "shipment_dispatched", "shipment_delivered",
    }
)  # fmt: skip
"""What comes of a genuine pointer whose work is done, whatever is claimed beside it."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """A body that nobody may act on, and what may be said of it."""

    name: str
    body: str
    codes: frozenset[str]


def of_events(
    genuine: str, others: Mapping[str, EventRow], other_case: str
) -> Iterator[Forgery]:
    """Forged pointers at events.

    `others` are stored events that do not ask for this step, by what they are about.
    """
    yield from _no_messages(genuine, UNREADABLE)
    for name, changes, codes in _CHANGES:
        yield Forgery(name, _changed(genuine, changes), codes)
    elsewhere = {"data.aggregate": f"CASE#{other_case}"}
    yield Forgery(
        "another case's number", _changed(genuine, elsewhere), ABSENT | IDLE | NOT_ASKED
    )
    step = json.loads(genuine)["data"]["next_steps"]
    for name, row in others.items():
        event = json.loads(cloud_event(row).model_dump_json())
        event["data"]["next_steps"] = step
        yield Forgery(f"next steps invented for {name}", json.dumps(event), NOT_ASKED)


_NOBODY = "11441882000000027D4440131803000" + "20261120" + "999999"
_CHANGES: tuple[tuple[str, Mapping[str, Any], frozenset[str]], ...] = (
    ("foreign tenant", {"data.tenant": "441883"}, FOREIGN),
    ("a case nobody has", {"data.aggregate": f"CASE#{_NOBODY}"}, ABSENT | NOT_ASKED),
    ("no such event", {"data.event": "EVENT#approve#v99"}, ABSENT),
    ("wrong seq", {"data.seq": 77}, ABSENT),
    ("seq as text", {"data.seq": "1; drop"}, UNREADABLE),
    ("seq zero", {"data.seq": 0}, UNREADABLE),
    ("claimed actor", {"data.actor": "officer:1"}, UNREADABLE),
    ("claimed actor outside", {"actor": "system:submit"}, UNREADABLE),
    ("claimed content", {"data.body": {"decision": "approve"}}, UNREADABLE),
    ("schema of tomorrow", {"type": "zerotrip.case.submitted.v2"}, UNREADABLE),
    ("other specification", {"specversion": "2.0"}, UNREADABLE),
    ("no type of ours", {"type": "aws.health.event"}, UNREADABLE),
    ("unknown type", {"type": "zerotrip.case.exploded.v1"}, IDLE),
    ("claimed organisation", {"data.organisation": "91999999MA00000079"}, IDLE),
    ("claimed id and time", {"id": "CASE#1#000001", "time": "1999"}, IDLE),
    ("unknown kind", {"data.aggregate": "PERSON#1"}, UNREADABLE),
    ("two aggregates", {"data.aggregate": "CASE#1#2"}, UNREADABLE),
    ("a head for an event", {"data.event": "HEAD"}, UNREADABLE),
    ("a name for a key", {"data.aggregate": "CASE#张示例"}, UNREADABLE),
    ("a key too long", {"data.event": "EVENT#" + "示" * 500}, UNREADABLE),
    ("oversized", {"data.aggregate": "CASE#" + "9" * 300_000}, UNREADABLE),
    ("source elsewhere", {"source": "evil/441882"}, UNREADABLE),
)


def of_storage(genuine: str, other_key: str) -> Iterator[Forgery]:
    """Forged storage events; `other_key` is a key of the same bucket, of another."""
    yield from _no_messages(genuine, MALFORMED)
    at = "Records.0."
    stored = f"{at}s3.object."
    key = json.loads(genuine)["Records"][0]["s3"]["object"]["key"]
    changes: tuple[tuple[str, Mapping[str, Any], frozenset[str]], ...] = (
        ("foreign bucket", {f"{at}s3.bucket.name": "elsewhere"}, UNKNOWN_KEY),
        ("foreign tenant", {f"{stored}key": "441883" + key[6:]}, FOREIGN),
        ("a key nobody opened", {f"{stored}key": _nobodys(key)}, UNKNOWN_ROW),
        ("another's key", {f"{stored}key": other_key}, UNKNOWN_ROW | IDLE),
        ("no key of ours", {f"{stored}key": "441882/张示例.pdf"}, UNKNOWN_KEY),
        ("a path upwards", {f"{stored}key": "441882/../" + key[7:]}, UNKNOWN_KEY),
        ("no such version", {f"{stored}versionId": "v99"}, _OTHER_VERSION),
        ("no version", {f"{stored}versionId": ""}, MALFORMED),
        ("version as a number", {f"{stored}versionId": 1}, MALFORMED),
        ("claimed actor", {f"{at}userIdentity": {"principalId": "officer"}}, IDLE),
        ("removed, not made", {f"{at}eventName": "ObjectRemoved:Delete"}, _IGNORED),
        ("unknown event", {f"{at}eventName": "张示例"}, _IGNORED),
        ("no name", {f"{at}eventName": None}, MALFORMED),
        ("oversized", {f"{stored}key": "441882/" + "9" * 300_000}, UNKNOWN_KEY),
    )
    for name, change, codes in changes:
        yield Forgery(name, _changed(genuine, change), codes)


_IGNORED = frozenset({"storage_event_ignored"})
_OTHER_VERSION = frozenset({"upload_version_ignored", "licence_registered"})


def of_reminders() -> Iterator[Forgery]:
    """Forged reminders of drafts, which `notify` reads besides events."""
    draft = {
        "tenant": "441882",
        "application": "4T8RZ6Q0V2M1K9J7H5G3F1D0C8",
        "expires_at": "2026-12-20T02:00:00.000Z",
    }
    reminder = {"clock": "draft_expiring", "draft": draft}
    for name, forged in (
        ("a draft nobody has", reminder),
        (
            "foreign tenant's draft",
            {**reminder, "draft": {**draft, "tenant": "441883"}},
        ),
        ("claimed reader", {**reminder, "draft": {**draft, "sub": "sub-1"}}),
    ):
        codes = UNREADABLE | FOREIGN | frozenset({"draft_moved_on"})
        yield Forgery(name, json.dumps(forged), codes)


def _no_messages(genuine: str, codes: frozenset[str]) -> Iterator[Forgery]:
    notification = {"Type": "Notification", "Message": genuine, "TopicArn": "arn:x"}
    envelope = {"version": "0", "source": "zerotrip", "detail": json.loads(genuine)}
    for name, body in (
        ("empty", ""),
        ("not JSON", "<xml/>"),
        ("cut", genuine[:-9]),
        ("null", "null"),
        ("a list", f"[{genuine}]"),
        ("a text", json.dumps(genuine)),
        ("deep", "[" * 5000 + "]" * 5000),
        ("SNS-wrapped", json.dumps(notification)),
        ("a whole bus event", json.dumps(envelope)),
        ("records of nothing", json.dumps({"Records": ["x"]})),
    ):
        yield Forgery(name, body, codes)


def _changed(genuine: str, changes: Mapping[str, Any]) -> str:
    """The message with some places, by dotted path, set otherwise."""
    forged: Any = copy.deepcopy(json.loads(genuine))
    for path, value in changes.items():
        place = forged
        *way, last = path.split(".")
        for name in way:
            place = place[int(name) if name.isdigit() else name]
        place[last] = value
    return json.dumps(forged, ensure_ascii=False)


def _nobodys(key: str) -> str:
    """A key of the same shape with another serial in it."""
    swap: Callable[[str], str] = lambda c: "0" if c != "0" else "1"  # noqa: E731
    if key.endswith(".pdf"):
        serial = key.split(".")[-4]
        return key.replace(serial, "".join(map(swap, serial)))
    return key[:-1] + swap(key[-1])

"""From a stored row to the bus: what travels, and what is said when the bus is full."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from zerotrip.kernel.aggregate import Change, Event, EventRow, Key, Kind, place
from zerotrip.kernel.bus import ENTRIES_PER_CALL, EventBridge
from zerotrip.kernel.messages import CloudEvent, Pointer, cloud_event
from zerotrip.kernel.records import stored_event
from zerotrip.kernel.stream import inserted_event, publish

KEY = Key("441882", Kind.CASE, "1")


def a_row(number: int = 1) -> EventRow:
    change = Change(
        key=KEY,
        expected_version=number - 1,
        allowed_from=frozenset(),
        stage="received",
        organisation="11441882000000001N",
        body={},
        event=Event(
            type="case.received",
            step="freeze",
            cause=f"v{number}",
            time=datetime(2026, 11, 21, 8, 0, tzinfo=UTC),
            actor="sub-1",
            request_hash="hash",
            next_steps=("submit",),
            body={"application": "1"},
            sealed=b"\x00\xff",
        ),
    )
    return place(change)[1]


def streamed(row: EventRow, *, name: str = "INSERT", **changes: Any) -> dict[str, Any]:
    """A record of the table's stream, as Lambda hands it over."""
    stored = stored_event(row)
    image = {
        "pk": {"S": stored.pk},
        "sk": {"S": stored.sk},
        "data": {"S": json.dumps(stored.data)},
        "sealed": {"B": base64.b64encode(row.sealed or b"").decode()},
        **changes,
    }
    number = f"{row.seq:021}"
    return {
        "eventName": name,
        "dynamodb": {"NewImage": image, "SequenceNumber": number},
    }


class FullBus:
    """Refuses the events at some positions."""

    def __init__(self, *refused: int) -> None:
        self.refused = frozenset(refused)
        self.seen: list[str] = []

    def publish(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        self.seen = [event.id for event in events]
        return self.refused


def test_a_message_points_at_its_row_and_holds_nothing_else() -> None:
    event = cloud_event(a_row())
    assert event.model_dump(mode="json") == {
        "specversion": "1.0",
        "id": "CASE#1#000001",
        "source": "zerotrip/441882",
        "type": "zerotrip.case.received.v1",
        "subject": "CASE#1",
        "time": "2026-11-21T08:00:00.000Z",
        "datacontenttype": "application/json",
        "data": {
            "tenant": "441882",
            "organisation": "11441882000000001N",
            "aggregate": "CASE#1",
            "event": "EVENT#freeze#v1",
            "seq": 1,
            "next_steps": ["submit"],
        },
    }
    assert event.data.key == KEY
    assert "sub-1" not in event.model_dump_json()


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (CloudEvent, {"person": "张示例"}),
        (CloudEvent, {"specversion": "0.3"}),
        (CloudEvent, {"source": "elsewhere/441882"}),
        (CloudEvent, {"type": "zerotrip.case.received.v2"}),
        (Pointer, {"name": "张示例"}),
        (Pointer, {"tenant": "44188"}),
        (Pointer, {"aggregate": "PERSON#1"}),
        (Pointer, {"aggregate": "CASE#1#2"}),
        (Pointer, {"event": "HEAD"}),
        (Pointer, {"seq": 0}),
    ],
)
def test_messages_are_closed_and_their_parts_have_a_form(
    model: type[CloudEvent] | type[Pointer], change: dict[str, object]
) -> None:
    event = cloud_event(a_row())
    good: Mapping[str, Any] = (
        event if model is CloudEvent else event.data
    ).model_dump()
    assert model.model_validate(good)
    with pytest.raises(ValidationError):
        model.model_validate({**good, **change})


def test_a_row_comes_out_of_the_stream_as_it_went_in() -> None:
    row = a_row()
    assert inserted_event(streamed(row)) == row


@pytest.mark.parametrize(
    "record",
    [
        streamed(a_row(), name="MODIFY"),
        streamed(a_row(), sk={"S": "HEAD"}),
        streamed(a_row(), sk={"S": "TASK#000001"}),
        {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1"}},
    ],
)
def test_only_inserted_events_are_published(record: Mapping[str, Any]) -> None:
    assert inserted_event(record) is None
    bus = FullBus()
    assert publish([record], bus) == {"batchItemFailures": []}
    assert bus.seen == []


def test_a_batch_is_published_in_the_order_of_the_stream() -> None:
    bus = FullBus()
    head = streamed(a_row(1), sk={"S": "HEAD"})
    batch = [streamed(a_row(1)), head, streamed(a_row(2))]
    assert publish(batch, bus) == {"batchItemFailures": []}
    assert bus.seen == ["CASE#1#000001", "CASE#1#000002"]


def test_the_lowest_sequence_number_that_failed_is_answered() -> None:
    # A head stands between: positions on the bus are not those of the batch.
    head = streamed(a_row(9), sk={"S": "HEAD"})
    batch = [streamed(a_row(1)), head, *(streamed(a_row(n)) for n in (2, 3, 4))]
    answer = publish(batch, FullBus(3, 1))
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{2:021}"}]}


class EventsClient:
    """put_events: an answer of 200 in which entries may have failed."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.calls: list[list[dict[str, str]]] = []

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Entries)
        ids = [json.loads(entry["Detail"])["id"] for entry in Entries]
        answers = [
            {"ErrorCode": "ThrottlingException", "ErrorMessage": "later"}
            if identity in self.refused
            else {"EventId": identity}
            for identity in ids
        ]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}


def test_events_go_to_the_bus_in_tens() -> None:
    client = EventsClient()
    events = [cloud_event(a_row(number)) for number in range(1, 24)]
    assert EventBridge(client, "zerotrip-test").publish(events) == frozenset()
    assert [len(call) for call in client.calls] == [ENTRIES_PER_CALL, 10, 3]
    first = client.calls[0][0]
    assert (first["EventBusName"], first["Source"], first["DetailType"]) == (
        "zerotrip-test",
        "zerotrip",
        "zerotrip.case.received.v1",
    )
    assert CloudEvent.model_validate_json(first["Detail"]) == events[0]


def test_entries_that_failed_in_an_answer_of_200_are_named_by_position() -> None:
    client = EventsClient("CASE#1#000003", "CASE#1#000012", "CASE#1#000023")
    events = [cloud_event(a_row(number)) for number in range(1, 24)]
    failed = EventBridge(client, "zerotrip-test").publish(events)
    assert failed == frozenset({2, 11, 22})


def test_nothing_to_publish_asks_nobody() -> None:
    client = EventsClient()
    assert EventBridge(client, "zerotrip-test").publish([]) == frozenset()
    assert client.calls == []

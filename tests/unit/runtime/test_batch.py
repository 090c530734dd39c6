"""What becomes of a message: acknowledged, back to its queue, or to the DLQ."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter

from tests.unit.runtime.conftest import (
    DEAD_LETTERS,
    Function,
    deliver,
    sqs_record,
)
from zerotrip.cases.expiring import DraftExpiring
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.messages import CloudEvent
from zerotrip.runtime.batch import (
    LAST_RECEIVE,
    message_handler,
    queue_handler,
    step_handler,
    storage_handler,
)

EVENT = {
    "id": "CASE#1#000001",
    "source": "zerotrip/441882",
    "type": "zerotrip.case.received.v1",
    "subject": "CASE#1",
    "time": "2026-11-21T08:00:00.000Z",
    "data": {
        "tenant": "441882",
        "organisation": "11441882000000001N",
        "aggregate": "CASE#1",
        "event": "EVENT#freeze#v1",
        "seq": 1,
        "next_steps": ["submit"],
    },
}
DONE = AlreadyDone("done_before", "已完成。", "Done before.")
LATER = Retry("partner_silent", "稍后重试。", "The partner does not answer.")
NEVER = GiveUp("event_row_absent", "未作处理。", "No such event.")


def raising(error: Exception) -> Callable[[str], object]:
    def carry_out(body: str) -> object:
        raise error

    return carry_out


def test_a_step_that_succeeds_acknowledges_its_message(function: Function) -> None:
    seen: list[str] = []
    handler = queue_handler("submit", seen.append)
    assert deliver(handler, sqs_record("one", 1), sqs_record("two", 2)) == []
    assert seen == ["one", "two"]
    assert function.sqs.sent == []
    assert function.codes() == ["step_started", "step_completed"] * 2


def test_what_is_already_done_is_acknowledged_with_its_code(
    function: Function,
) -> None:
    assert deliver(queue_handler("submit", raising(DONE)), sqs_record("one")) == []
    assert function.sqs.sent == []
    assert function.codes() == ["step_started", "done_before"]


def test_a_passing_failure_puts_only_its_own_message_back(function: Function) -> None:
    def carry_out(body: str) -> None:
        if body == "two":
            raise LATER

    batch = [sqs_record(body, n) for n, body in enumerate(("one", "two", "three"), 1)]
    back = deliver(queue_handler("submit", carry_out), *batch)
    assert back == ["00000000-0000-4000-8000-000000000002"]
    assert function.sqs.sent == []


def test_a_batch_that_fails_whole_is_reported_and_not_thrown(
    function: Function,
) -> None:
    handler = queue_handler("submit", raising(LATER))
    assert len(deliver(handler, sqs_record("one", 1), sqs_record("two", 2))) == 2


def test_a_lasting_failure_goes_to_the_dlq_at_once_with_its_reason(
    function: Function,
) -> None:
    assert deliver(queue_handler("submit", raising(NEVER)), sqs_record("one")) == []
    (buried,) = function.sqs.sent
    assert (buried["QueueUrl"], buried["MessageBody"]) == (DEAD_LETTERS, "one")
    assert function.sqs.reasons() == [
        {
            "code": "event_row_absent",
            "reason": "No such event.",
            "step": "submit",
            "original_message_id": "00000000-0000-4000-8000-000000000001",
        }
    ]


def test_a_message_that_was_put_back_keeps_the_id_under_which_it_came(
    function: Function,
) -> None:
    record = sqs_record("one", 2)
    record["messageAttributes"] = {
        "original_message_id": {"stringValue": "the first", "dataType": "String"}
    }
    assert deliver(queue_handler("submit", raising(NEVER)), record) == []
    assert [sent["original_message_id"] for sent in function.sqs.reasons()] == [
        "the first"
    ]


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (LATER, "partner_silent", "The partner does not answer."),
        (KeyError("张示例 13800000000"), "step_failed", "KeyError"),
    ],
)
def test_the_last_receive_buries_with_the_reason(
    function: Function, error: Exception, code: str, reason: str
) -> None:
    handler = queue_handler("submit", raising(error))
    before_last = sqs_record("one", 1, LAST_RECEIVE - 1)
    assert len(deliver(handler, before_last)) == 1
    assert function.sqs.sent == []
    assert deliver(handler, sqs_record("one", 1, LAST_RECEIVE)) == []
    (told,) = function.sqs.reasons()
    assert (told["code"], told["reason"]) == (code, reason)


def test_the_last_receive_is_the_one_after_which_sqs_moves_the_message() -> None:
    from tests.template.application import load

    queue = load("infra/stacks/queue.yaml")["Resources"]["Queue"]["Properties"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == LAST_RECEIVE


def test_a_message_that_cannot_be_buried_goes_back(function: Function) -> None:
    function.sqs.down = True
    assert len(deliver(queue_handler("submit", raising(NEVER)), sqs_record("one"))) == 1


def test_an_unforeseen_error_says_its_kind_and_place_and_not_its_words(
    function: Function,
) -> None:
    def carry_out(body: str) -> None:
        raise ValueError(f"cannot read {body}")

    handler = queue_handler("submit", carry_out)
    assert len(deliver(handler, sqs_record("张示例 13800000000"))) == 1
    failed = function.lines()[-1]
    assert (failed["code"], failed["error"]) == ("step_failed", "ValueError")
    assert any(place.startswith("test_batch.py:") for place in failed["where"])
    assert "张示例" not in function.output.getvalue()
    assert "13800000000" not in function.output.getvalue()
    assert "cannot read" not in function.output.getvalue()


def test_every_line_names_step_and_message(function: Function) -> None:
    deliver(queue_handler("submit", raising(DONE)), sqs_record("one", 7))
    for line in function.lines():
        assert line["step"] == "submit"
        assert line["message_id"].endswith("7")


def test_a_step_gets_the_event_that_the_body_holds(function: Function) -> None:
    seen: list[tuple[CloudEvent, str]] = []
    handler = step_handler("submit", lambda *given: seen.append(given), lambda: "deps")
    assert deliver(handler, sqs_record(json.dumps(EVENT))) == []
    ((event, deps),) = seen
    assert (event.data.event, deps) == ("EVENT#freeze#v1", "deps")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        json.dumps({**EVENT, "person": "张示例"}),
        json.dumps({**EVENT, "type": "zerotrip.case.received.v2"}),
        json.dumps({"draft": {}}),
    ],
)
def test_an_unreadable_message_is_buried_and_not_quoted(
    function: Function, body: str
) -> None:
    handler = step_handler("submit", lambda *_: None, lambda: None)
    assert deliver(handler, sqs_record(body)) == []
    (told,) = function.sqs.reasons()
    assert told["code"] == "message_unreadable"
    assert "张示例" not in function.output.getvalue()


def test_the_shape_of_a_message_decides_what_it_is(function: Function) -> None:
    expiring = {
        "tenant": "441882",
        "application": "0" * 26,
        "expires_at": "2026-12-20T02:00:00.000Z",
    }
    seen: list[object] = []
    handler = message_handler(
        "notify",
        TypeAdapter(CloudEvent | DraftExpiring),
        lambda message, _: seen.append(type(message)),
        lambda: None,
    )
    bodies = [EVENT, {"draft": expiring}, {**EVENT, "draft": expiring}]
    deliver(handler, *(sqs_record(json.dumps(body)) for body in bodies))
    assert seen == [CloudEvent, DraftExpiring]
    assert [told["code"] for told in function.sqs.reasons()] == ["message_unreadable"]


class Storage:
    """A storage step that does what each record's key says."""

    def __init__(self, **outcomes: Exception) -> None:
        self.outcomes = outcomes
        self.seen: list[str] = []

    def __call__(self, record: Mapping[str, Any], deps: None) -> None:
        key = record["s3"]["object"]["key"]
        self.seen.append(key)
        if key in self.outcomes:
            raise self.outcomes[key]


def stored(*keys: str) -> str:
    return json.dumps({"Records": [{"s3": {"object": {"key": key}}} for key in keys]})


def test_every_record_is_carried_out_also_after_one_that_was_done_before(
    function: Function,
) -> None:
    storage = Storage(first=DONE)
    handler = storage_handler("receive_material", storage, lambda: None)
    assert deliver(handler, sqs_record(stored("first", "second"))) == []
    assert storage.seen == ["first", "second"]
    assert function.codes() == ["step_started", "done_before", "step_completed"]
    assert function.sqs.sent == []


@pytest.mark.parametrize(
    ("outcomes", "back", "buried"),
    [
        ({"first": NEVER}, 0, ["event_row_absent"]),
        ({"first": LATER}, 1, []),
        ({"first": NEVER, "second": LATER}, 1, []),
        ({"first": LATER, "second": NEVER}, 1, []),
        ({"first": NEVER, "second": DONE}, 0, ["event_row_absent"]),
    ],
)
def test_the_records_after_a_failed_one_are_carried_out_all_the_same(
    function: Function, outcomes: dict[str, Exception], back: int, buried: list[str]
) -> None:
    storage = Storage(**outcomes)
    handler = storage_handler("receive_material", storage, lambda: None)
    assert len(deliver(handler, sqs_record(stored("first", "second", "third")))) == back
    assert storage.seen == ["first", "second", "third"]
    assert [told["code"] for told in function.sqs.reasons()] == buried


def test_a_test_message_of_storage_is_acknowledged(function: Function) -> None:
    storage = Storage()
    handler = storage_handler("receive_material", storage, lambda: None)
    assert deliver(handler, sqs_record(json.dumps({"Event": "s3:TestEvent"}))) == []
    assert storage.seen == []


def test_a_storage_message_that_cannot_be_read_is_buried(function: Function) -> None:
    handler = storage_handler("receive_material", Storage(), lambda: None)
    assert deliver(handler, sqs_record("not JSON")) == []
    assert [told["code"] for told in function.sqs.reasons()] == [
        "storage_event_malformed"
    ]

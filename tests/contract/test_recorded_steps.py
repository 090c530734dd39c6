"""The recorded messages, given to the functions themselves over empty tables.

Each function reads what AWS really sends, and a message whose row is not stored does
nothing (design rule 5): it is a dead letter with its reason, and no row is written.
"""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from jsonschema import Draft202012Validator

from tests.support.memory import MemoryObjects, MemoryTables
from tests.unit.runtime.conftest import DEAD_LETTERS, FakeSqs
from zerotrip.runtime import aws, wiring
from zerotrip.runtime.schemas import documents

ROOT = Path(__file__).resolve().parents[2]
INVOCATIONS = ROOT / "events" / "invocations"
STEPS = {
    "submit": "event_row_absent",
    "pre_review": "event_row_absent",
    "approve": "event_row_absent",
    "collect_payment": "event_row_absent",
    "sign_licence": "event_row_absent",
    "dispatch_courier": "event_row_absent",
    "advance_case": "event_row_absent",
    "notify": "event_row_absent",
    "archive_events": "event_row_absent",
    "register_licence": "licence_unknown",
}
SETTINGS = {
    "ZEROTRIP_TENANT": "441882",
    "ZEROTRIP_STAGE": "local",
    "PUBLIC_BASE_URL": "https://zerotrip.example",
    "LICENCE_KEY": "licence-key",
    "EVENT_BUS": "zerotrip-local",
    "PAYABLE_DAYS": "15",
    "DEAD_LETTER_QUEUE": DEAD_LETTERS,
}
RECORDED_BUCKET = "zerotrip-local-000000000000-us-east-1-"
COURIER = {
    "url": "https://courier.example.invalid",
    "api_key": "key",
    "webhook_secrets": ["whsec_" + "A" * 32],
    "office": {"name": "示例中心", "telephone": "07630000000", "address": "示例市"},
}
Handler = Callable[[dict[str, Any], object], Any]
Json = dict[str, Any]


@dataclass
class FakeEvents:
    """EventBridge that takes everything, or nothing."""

    taken: list[Json] = field(default_factory=list)
    down: bool = False

    def put_events(self, Entries: list[Json]) -> Json:  # noqa: N803  (AWS's name)
        if self.down:
            failed = [{"ErrorCode": "ThrottlingException"} for _ in Entries]
            return {"FailedEntryCount": len(failed), "Entries": failed}
        self.taken += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in Entries]}


@dataclass
class Outside:
    """What a function sees of AWS."""

    tables: MemoryTables = field(default_factory=MemoryTables)
    sqs: FakeSqs = field(default_factory=FakeSqs)
    events: FakeEvents = field(default_factory=FakeEvents)
    output: io.StringIO = field(default_factory=io.StringIO)


def _forget_adapters() -> None:
    for made in vars(wiring).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


@pytest.fixture
def outside(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Outside]:
    made = Outside()
    # A logger of the same name would keep the stream of the test that was first.
    logger = Logger(service=request.node.nodeid, stream=made.output)
    clients = {"sqs": made.sqs, "events": made.events, "kms": object()}
    for bucket in ("uploads", "licences", "catalogue", "archive"):
        monkeypatch.setenv(f"{bucket.upper()}_BUCKET", RECORDED_BUCKET + bucket)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws, "tables", lambda: made.tables)
    monkeypatch.setattr(aws, "objects", lambda _: MemoryObjects())
    monkeypatch.setattr(aws, "key_ring", lambda: None)
    monkeypatch.setattr(aws, "client", clients.__getitem__)
    monkeypatch.setattr(aws, "secret", lambda _: COURIER)
    monkeypatch.setattr("zerotrip.runtime.batch.logger", lambda: logger)
    monkeypatch.setattr("zerotrip.runtime.watching.logger", lambda: logger)
    monkeypatch.setattr("zerotrip.runtime.night.logger", lambda: logger)
    _forget_adapters()
    yield made
    _forget_adapters()


def _handler(function: str) -> Handler:
    path = ROOT / "functions" / function / f"{function}.py"
    spec = importlib.util.spec_from_file_location(f"recorded_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler


def _recorded(*functions: str) -> list[Path]:
    return [
        path
        for function in functions
        for path in sorted((INVOCATIONS / function).glob("*.json"))
    ]


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def test_every_step_has_a_recorded_message() -> None:
    assert {path.parent.name for path in _recorded(*STEPS)} == set(STEPS)


@pytest.mark.parametrize("path", _recorded(*STEPS), ids=_named)
def test_a_message_without_its_row_does_nothing(path: Path, outside: Outside) -> None:
    event = json.loads(path.read_text("utf-8"))
    answer = _handler(path.parent.name)(event, object())
    assert answer == {"batchItemFailures": []}
    assert [sent["MessageBody"] for sent in outside.sqs.sent] == [
        record["body"] for record in event["Records"]
    ]
    for reason in outside.sqs.reasons():
        assert reason["code"] == STEPS[path.parent.name]
        assert reason["step"] == path.parent.name
    assert outside.tables.rows == {}


@pytest.mark.parametrize("path", _recorded("publish_events"), ids=_named)
def test_what_the_stream_holds_goes_out_as_its_schema_says(
    path: Path, outside: Outside
) -> None:
    event = json.loads(path.read_text("utf-8"))
    assert _handler("publish_events")(event, object()) == {"batchItemFailures": []}
    assert outside.events.taken
    for entry in outside.events.taken:
        schema = documents()[Path("events") / f"{entry['DetailType']}.json"]
        assert Draft202012Validator(schema).is_valid(json.loads(entry["Detail"]))


@pytest.mark.parametrize("path", _recorded("publish_events"), ids=_named)
def test_what_the_bus_refuses_is_read_again_from_the_first(
    path: Path, outside: Outside
) -> None:
    outside.events.down = True
    event = json.loads(path.read_text("utf-8"))
    (failure,) = _handler("publish_events")(event, object())["batchItemFailures"]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in event["Records"]]
    assert failure["itemIdentifier"] in numbers


@pytest.mark.parametrize("path", _recorded("watch_deadlines"), ids=_named)
def test_a_tick_over_nothing_does_nothing(path: Path, outside: Outside) -> None:
    event = json.loads(path.read_text("utf-8"))
    done = _handler("watch_deadlines")(event, object())
    assert set(done.values()) == {0}
    assert outside.events.taken == []
    assert '"code":"watch_tick"' in outside.output.getvalue().replace(" ", "")


@pytest.mark.parametrize("path", _recorded("seal_day"), ids=_named)
def test_a_night_without_events_is_sealed(path: Path, outside: Outside) -> None:
    event = json.loads(path.read_text("utf-8"))
    done = _handler("seal_day")(event, object())
    assert done == {"days": 1, "events": 0, "gaps": 0, "faults": 0}
    assert '"code":"day_sealed"' in outside.output.getvalue().replace(" ", "")

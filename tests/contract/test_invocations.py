"""The recorded invocations: each is what it claims to be, and each is used."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.parser.models import (
    ApiGatewayAuthorizerRequest,
    ApiGatewayAuthorizerToken,
    APIGatewayProxyEventModel,
    DynamoDBStreamModel,
    EventBridgeModel,
    SqsModel,
)
from jsonschema import Draft202012Validator

from tests.template import application
from tests.unit.materials import files
from tests.unit.materials.conftest import CASE, DRAFT, UPLOAD, Desk
from zerotrip.kernel.errors import AlreadyDone
from zerotrip.kernel.objects import StoredObject
from zerotrip.kernel.stream import inserted_event
from zerotrip.materials.model import SlotState
from zerotrip.materials.steps import receive_material
from zerotrip.materials.storage_events import records_of
from zerotrip.runtime.schemas import message_schemas

ROOT = Path(__file__).resolve().parents[2]
INVOCATIONS = ROOT / "events" / "invocations"
FILES = sorted(
    path.relative_to(INVOCATIONS).with_suffix("")
    for path in INVOCATIONS.glob("*/*.json")
)
UNROUTED = {"applicant_api/unknown_address"}
BROKEN = {
    "receive_material/sqs_body_not_json",
    "receive_material/s3_object_created_without_version",
    "receive_material/s3_object_removed",
}
"""Those that show what is refused: their body must not be valid."""

STORAGE = {"receive_material", "register_licence"}
CLOCKED = ("seal_day", "watch_deadlines")
FUNCTIONS = {function.name: function for function in application.functions()}
Json = dict[str, Any]


def _read(name: Path | str) -> Json:
    found: Json = json.loads((INVOCATIONS / f"{name}.json").read_text("utf-8"))
    return found


def _of(*functions: str) -> list[Path]:
    return [name for name in FILES if name.parent.name in functions]


QUEUED = _of(*(name for name, function in FUNCTIONS.items() if function.queue))
ROUTED = _of(*{route.function for route in application.routes()})


def test_every_folder_is_a_function() -> None:
    assert {name.parent.name for name in FILES} <= set(FUNCTIONS)
    others = _of("authorise", "publish_events", *CLOCKED)
    assert sorted([*QUEUED, *ROUTED, *others]) == FILES


@pytest.mark.parametrize("name", ROUTED, ids=str)
def test_a_request_is_one_and_has_a_route(name: Path) -> None:
    event = _read(name)
    APIGatewayProxyEventModel.model_validate(event)
    routes = {
        (route.function, route.method, route.path) for route in application.routes()
    }
    asked = (name.parent.name, event["httpMethod"], event["resource"])
    assert (asked in routes) is (str(name) not in UNROUTED)
    assert event["resource"] == event["requestContext"]["resourcePath"]
    pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(event["resource"]))
    assert re.fullmatch(pattern, event["path"]), event["path"]


@pytest.mark.parametrize("name", _of("authorise"), ids=str)
def test_what_the_authoriser_is_asked_is_of_its_kind(name: Path) -> None:
    event = _read(name)
    kinds = {"TOKEN": ApiGatewayAuthorizerToken, "REQUEST": ApiGatewayAuthorizerRequest}
    asked = kinds[event["type"]].model_validate(event)
    assert asked.methodArn.startswith("arn:")


@pytest.mark.parametrize("name", QUEUED, ids=str)
def test_messages_of_a_queue_are_those_that_its_step_takes(name: Path) -> None:
    event, function = _read(name), name.parent.name
    SqsModel.model_validate(event)
    schema = Draft202012Validator(message_schemas()[_shape_of(function)])
    for record in event["Records"]:
        assert record["eventSourceARN"].endswith(f"-{function}")
        assert hashlib.md5(record["body"].encode()).hexdigest() == record["md5OfBody"]  # noqa: S324
        assert schema.is_valid(_body(record)) is (str(name) not in BROKEN)


def _shape_of(function: str) -> str:
    if function in STORAGE:
        return "storage"
    return "notify" if function == "notify" else "step"


def _body(record: Json) -> Any:
    try:
        return json.loads(record["body"])
    except ValueError:
        return None


@pytest.mark.parametrize("name", _of("publish_events"), ids=str)
def test_a_batch_of_the_stream_holds_rows_that_can_be_read(name: Path) -> None:
    event = _read(name)
    DynamoDBStreamModel.model_validate(event)
    rows = [inserted_event(record) for record in event["Records"]]
    assert any(row is not None for row in rows)


@pytest.mark.parametrize("name", _of(*CLOCKED), ids=str)
def test_a_tick_is_a_scheduled_event(name: Path) -> None:
    tick = EventBridgeModel.model_validate(_read(name))
    assert tick.detail_type == "Scheduled Event"


@pytest.mark.parametrize("name", FILES, ids=str)
def test_an_invocation_is_used(name: Path) -> None:
    users = [path for path in _code() if _uses(path, name)]
    assert users, f"no test and no bench reads events/invocations/{name}.json"


def _code() -> Iterator[Path]:
    for top in ("tests", "bench"):
        yield from (ROOT / top).rglob("*.py")


def _uses(path: Path, name: Path) -> bool:
    """By the file's own name, or because its whole folder is gone through."""
    text = path.read_text("utf-8")
    if re.search(rf"[\"'/]{re.escape(name.name)}(\.json)?[\"']", text):
        return True
    folder = re.search(rf"[\"/]{re.escape(name.parent.name)}\"", text)
    return path != Path(__file__) and ".glob(" in text and folder is not None


# What storage says, as it was recorded, from the message's body to the slot.


def _told(desk: Desk, name: str) -> list[str]:
    """Lets the step take an invocation whole; what came of each record."""
    outcomes = []
    for message in _read(f"receive_material/{name}")["Records"]:
        for record in records_of(message["body"]):
            try:
                outcomes.append(str(receive_material(record, desk.deps).state))
            except AlreadyDone as done:
                outcomes.append(done.code)
    return outcomes


def _uploaded(desk: Desk, name: str) -> str:
    """Puts the file there of which the invocation tells; answers its version."""
    (record, *_) = records_of(
        _read(f"receive_material/{name}")["Records"][0]["body"],
    )
    said = record["s3"]["object"]
    desk.objects.versions.setdefault(said["key"], []).append(
        StoredObject(said["key"], said["versionId"], files.PDF, "application/pdf", {})
    )
    return str(said["versionId"])


def test_a_file_for_a_case_goes_to_the_cases_slot(desk: Desk) -> None:
    desk.open(CASE, upload_id=UPLOAD)
    _uploaded(desk, "s3_object_created_for_case")
    assert _told(desk, "s3_object_created_for_case") == ["received"]
    assert desk.slot(CASE).state is SlotState.RECEIVED


def test_the_same_upload_told_twice_in_one_batch_settles_once(desk: Desk) -> None:
    desk.open()
    _uploaded(desk, "s3_object_created_post_twice")
    told = _told(desk, "s3_object_created_post_twice")
    assert told == ["received", "upload_checked_already"]


def test_a_later_version_of_a_settled_upload_is_ignored(desk: Desk) -> None:
    desk.open()
    first = _uploaded(desk, "s3_object_created_post")
    later = _uploaded(desk, "s3_object_created_later_version")
    assert first != later
    assert _told(desk, "s3_object_created_post") == ["received"]
    assert _told(desk, "s3_object_created_later_version") == ["upload_version_ignored"]
    assert desk.slot(DRAFT).version_id == first


@pytest.fixture
def desk() -> Desk:
    return Desk()

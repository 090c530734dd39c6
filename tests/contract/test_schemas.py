"""The committed schemas: current, closed, and true of everything that is sent."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.town import ROLES, each_twice, fresh_town
from tests.support.world import TENANT, World
from tests.template import application
from zerotrip.cases.expiring import DraftExpiring, ExpiringDraft
from zerotrip.deliveries.clients.courier import ParcelStatus
from zerotrip.kernel.aggregate import EventRow
from zerotrip.kernel.messages import EVENT_SOURCE, CloudEvent, cloud_event
from zerotrip.kernel.records import event_row
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.notices.templates import TEMPLATES
from zerotrip.payments.watching import BillDue, DueBill
from zerotrip.runtime.schemas import (
    COMMAND,
    FOLDER,
    NEXT_STEPS,
    documents,
    event_steps,
    main,
    stale,
    wire_type,
)

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / FOLDER
LAYER = ROOT / "layers/zerotrip/python/zerotrip"
EVENT_NAME = re.compile(
    r"(case|bill|shipment|licence|notice)\.[a-z_]+|item\.(?!yaml)[a-z_]+"
)
NOTIFY_RULE = "detail-type"
Json = dict[str, Any]


def _schema(name: str) -> Draft202012Validator:
    path = SCHEMAS / f"{name}.json"
    return Draft202012Validator(
        json.loads(path.read_text("utf-8")),
        format_checker=Draft202012Validator.FORMAT_CHECKER,
    )


def _event_schema(event: str) -> Draft202012Validator:
    return _schema(f"events/{wire_type(event)}")


def _sent(row: EventRow) -> Json:
    sent: Json = json.loads(cloud_event(row).model_dump_json())
    return sent


def _faults(schema: Draft202012Validator, value: object) -> list[str]:
    return [error.message for error in schema.iter_errors(value)]


def _stored(world: World) -> list[EventRow]:
    return [
        event_row(row)
        for (table, _, sk), row in world.tables.rows.items()
        if table == "records" and sk.startswith("EVENT#")
    ]


@pytest.fixture(scope="module")
def rows() -> list[EventRow]:
    """Every event of the three items' errands, each message delivered twice."""
    found = []
    for folder in sorted(ROLES):
        town = fresh_town(folder)
        town.run(each_twice)
        found += _stored(town.world)
    return found


def test_the_committed_schemas_are_current() -> None:
    assert stale(SCHEMAS) == [], f"please run: {COMMAND}"


def test_check_names_what_is_out_of_date(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = ["--folder", str(tmp_path)]
    assert main(folder) == 0
    assert main([*folder, "--check"]) == 0
    (tmp_path / "messages" / "step.json").write_text("{}")
    (tmp_path / "messages" / "gone.json").write_text("{}")
    assert main([*folder, "--check"]) == 1
    told = capsys.readouterr().err
    assert "messages/step.json" in told
    assert "messages/gone.json" in told
    assert COMMAND in told


@pytest.mark.parametrize("path", sorted(documents()), ids=str)
def test_a_schema_is_sound_and_open_nowhere(path: Path) -> None:
    schema = json.loads((SCHEMAS / path).read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    shapes = list(_shapes(schema))
    assert shapes
    for shape in shapes:
        assert shape.get("additionalProperties") is False, shape


def _shapes(schema: object) -> Iterator[Json]:
    """Every part of a schema that describes an object."""
    if isinstance(schema, list):
        for each in schema:
            yield from _shapes(each)
    if isinstance(schema, dict):
        if schema.get("type") == "object" or "properties" in schema:
            yield schema
        for value in schema.values():
            yield from _shapes(value)


def test_what_the_three_items_send_is_as_its_schema_says(rows: list[EventRow]) -> None:
    step = _schema("messages/step")
    for row in rows:
        sent = _sent(row)
        assert _faults(_event_schema(row.type), sent) == [], row.ref
        assert _faults(step, sent) == [], row.ref
    kinds = {row.type.partition(".")[0] for row in rows}
    assert kinds == {"case", "bill", "shipment", "licence", "notice"}


def test_an_event_with_more_than_references_is_refused(rows: list[EventRow]) -> None:
    sent = _sent(rows[0])
    for further in (
        {**sent, "name": "张示例"},
        {**sent, "data": {**sent["data"], "name": "张示例"}},
    ):
        assert _faults(_event_schema(rows[0].type), further) != []
        assert _faults(_schema("messages/step"), further) != []


def test_one_type_does_not_pass_for_another(rows: list[EventRow]) -> None:
    by_type = {row.type: _sent(row) for row in rows}
    for event in event_steps():
        passing = [
            name
            for name, sent in by_type.items()
            if not _faults(_event_schema(event), {**sent, "type": wire_type(event)})
        ]
        kind = event.partition(".")[0]
        assert all(name.startswith(f"{kind}.") for name in passing), event
    accepted = by_type["case.accepted"]
    assert _faults(_event_schema("case.submitted"), accepted) != []


def test_every_event_that_code_names_has_a_schema_and_the_other_way_round() -> None:
    named = {name for path in LAYER.rglob("*.py") for name in _event_names(path)}
    carried = {f"shipment.{status.lower()}" for status in ParcelStatus}
    assert named | carried == set(event_steps())
    files = {path.stem for path in (SCHEMAS / "events").glob("*.json")}
    assert files == {wire_type(name) for name in named | carried}


def _event_names(path: Path) -> Iterator[str]:
    """Event types among a module's texts; the generator itself does not count."""
    if path.name == "schemas.py":
        return
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and EVENT_NAME.fullmatch(str(node.value)):
            yield str(node.value)


def test_every_rule_matches_what_exists_and_every_step_has_its_rule() -> None:
    asked: list[str] = []
    told: list[str] = []
    for name, rule in application.resources("AWS::Events::Rule").items():
        pattern = rule["Properties"]["EventPattern"]
        if NOTIFY_RULE in pattern:
            assert set(pattern) == {NOTIFY_RULE}, name
            told += pattern[NOTIFY_RULE]
        elif name == "ArchiveEventsRule":
            assert pattern == {"source": [EVENT_SOURCE]}
        else:
            assert pattern == {"detail": {"data": {"next_steps": [_step(pattern)]}}}
            asked.append(_step(pattern))
    assert sorted(asked) == sorted(NEXT_STEPS)
    assert sorted(told) == sorted(wire_type(event) for event in TEMPLATES)
    assert set(told) <= {wire_type(event) for event in event_steps()}
    functions = {function.name for function in application.functions()}
    assert set(NEXT_STEPS) <= functions


def _step(pattern: Json) -> str:
    return str(pattern["detail"]["data"]["next_steps"][0])


def test_a_reminder_is_a_message_of_notify_and_no_event() -> None:
    reminder = DraftExpiring(
        draft=ExpiringDraft(
            tenant=TENANT,
            application="7K3M9QXW2D5T8VBNRH4J6CYFAE",
            expires_at="2026-12-21T02:00:00.000Z",
        )
    ).model_dump()
    assert _faults(_schema("messages/draft_expiring"), reminder) == []
    assert _faults(_schema("messages/notify"), reminder) == []
    assert _faults(_schema("messages/step"), reminder) != []
    late = {"draft": {**reminder["draft"], "expires_at": "soon"}}
    assert _faults(_schema("messages/notify"), late) != []


def test_a_due_bill_is_a_message_of_collect_payment_and_no_event() -> None:
    bill = {"tenant": TENANT, "id": TENANT + "0A1B2C3D4E5F6G7H8J9KMNPQRS"}
    due = BillDue(bill=DueBill(**bill)).model_dump()
    assert _faults(_schema("messages/bill_due"), due) == []
    assert _faults(_schema("messages/collect_payment"), due) == []
    assert _faults(_schema("messages/step"), due) != []
    assert _faults(_schema("messages/notify"), due) != []
    late = {"bill": {**bill, "id": "HEAD"}}
    assert _faults(_schema("messages/collect_payment"), late) != []


def test_notify_takes_events_too(rows: list[EventRow]) -> None:
    assert _faults(_schema("messages/notify"), _sent(rows[0])) == []
    assert CloudEvent.model_validate(_sent(rows[0])) == cloud_event(rows[0])


def test_our_own_storage_message_is_one_that_storage_could_send() -> None:
    ours = created_message(ObjectCreated("uploads", "441882/APP/a/b/c d", "v1"), 7)
    storage = _schema("messages/storage")
    assert _faults(storage, ours) == []
    del ours["Records"][0]["s3"]["object"]["versionId"]
    assert _faults(storage, ours) != []

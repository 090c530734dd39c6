"""What a function asks of AWS, counted: operation and units, never a key."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from zerotrip.runtime import metering
from zerotrip.runtime.metering import meter, units_of

ANSWER = {
    "ConsumedCapacity": [
        {
            "TableName": "records",
            "CapacityUnits": 7.0,
            "GlobalSecondaryIndexes": {
                "due": {"CapacityUnits": 2.0},
                "worklist": {"CapacityUnits": 1.0},
            },
        },
        {"TableName": "drafts", "CapacityUnits": 2.0},
    ]
}


class Session:
    """Remembers the hooks that it is given."""

    def __init__(self) -> None:
        self.hooks: dict[str, Any] = {}

    def register(self, name: str, hook: Any) -> None:
        self.hooks[name] = hook


class Log:
    """Remembers its lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def info(self, _: str, **fields: Any) -> None:
        self.lines.append(fields)


def operation(name: str, *members: str) -> Any:
    return SimpleNamespace(
        name=name,
        input_shape=SimpleNamespace(members=dict.fromkeys(members)),
        service_model=SimpleNamespace(service_name="dynamodb"),
    )


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    made = Log()
    monkeypatch.setattr(metering, "logger", lambda: made)
    return made


def test_a_tables_own_units_are_what_its_indexes_leave() -> None:
    assert units_of(ANSWER) == {
        "records": 4.0,
        "records/due": 2.0,
        "records/worklist": 1.0,
        "drafts": 2.0,
    }
    one = {"ConsumedCapacity": {"TableName": "records", "CapacityUnits": 0.5}}
    assert units_of(one) == {"records": 0.5}
    assert units_of({}) == {}


def test_units_are_asked_for_where_an_operation_can_tell_them() -> None:
    session = Session()
    meter(session)
    asking = session.hooks["provide-client-params.dynamodb"]
    params: dict[str, Any] = {"ReturnConsumedCapacity": "TOTAL"}
    asking(params=params, model=operation("GetItem", "ReturnConsumedCapacity"))
    assert params == {"ReturnConsumedCapacity": "INDEXES"}
    untouched: dict[str, Any] = {}
    asking(params=untouched, model=operation("DescribeTable", "TableName"))
    assert untouched == {}


def test_a_call_is_one_line_without_a_key(log: Log) -> None:
    session = Session()
    meter(session)
    session.hooks["after-call"](
        http_response=SimpleNamespace(status_code=200),
        parsed={**ANSWER, "Attributes": {"pk": {"S": "441882#CASE#1"}}},
        model=operation("TransactWriteItems"),
    )
    (line,) = log.lines
    assert (line["code"], line["operation"]) == ("aws_call", "TransactWriteItems")
    assert (line["read_units"], line["write_units"]) == (0.0, 9.0)
    assert "441882" not in str(line)

"""Which errors of the database are worth another try, and which are not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pynamodb.exceptions import TransactWriteError

from zerotrip.kernel.errors import Retry
from zerotrip.kernel.store import DynamoTables
from zerotrip.kernel.tables import Put, Rejected, StoredRow

READS: list[Callable[[DynamoTables], object]] = [
    lambda tables: tables.get("records", "a", "b"),
    lambda tables: tables.get_many("records", [("a", "b")]),
    lambda tables: tables.query("records", "a"),
    lambda tables: tables.index("records", "due", "a"),
]
ROW = StoredRow("a", "b", {})
PASSING = ["ThrottlingException", "InternalServerError", "RequestLimitExceeded"]
LASTING = ["ValidationException", "AccessDeniedException", "ResourceNotFoundException"]


def refusal(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": ""}, **more}, "Anything")


def failing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> DynamoTables:
    tables = DynamoTables({"records": "zerotrip-test-records"}, region="cn-north-1")

    def dispatch(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        raise error

    monkeypatch.setattr(tables.connection, "dispatch", dispatch)
    return tables


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("code", PASSING)
def test_a_read_that_was_refused_for_now_is_tried_again(
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[DynamoTables], object],
    code: str,
) -> None:
    with pytest.raises(Retry) as later:
        read(failing(refusal(code), monkeypatch))
    assert later.value.code == "database_unavailable"
    assert later.value.detail == {"cause": code}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("code", LASTING)
def test_a_read_that_can_never_work_says_so(
    monkeypatch: pytest.MonkeyPatch,
    read: Callable[[DynamoTables], object],
    code: str,
) -> None:
    with pytest.raises(ClientError, match=code):
        read(failing(refusal(code), monkeypatch))


@pytest.mark.parametrize("read", READS)
def test_a_database_that_does_not_answer_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[DynamoTables], object]
) -> None:
    silent = EndpointConnectionError(endpoint_url="https://dynamodb.example.invalid")
    with pytest.raises(Retry):
        read(failing(silent, monkeypatch))


def test_keys_that_stay_unread_are_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = DynamoTables({"records": "real"}, region="cn-north-1")
    asked: list[object] = []

    def dispatch(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        return {"Responses": {}, "UnprocessedKeys": parameters["RequestItems"]}

    monkeypatch.setattr(tables.connection, "dispatch", dispatch)
    with pytest.raises(Retry) as later:
        tables.get_many("records", [("a", "b")])
    assert later.value.detail == {"cause": "UnprocessedKeys"}
    assert 1 < len(asked) < 10


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        *[(refusal(code), Retry) for code in PASSING],
        *[(refusal(code), TransactWriteError) for code in LASTING],
        (EndpointConnectionError(endpoint_url="https://example.invalid"), Retry),
    ],
)
def test_a_write_is_sorted_by_what_helps(
    monkeypatch: pytest.MonkeyPatch, error: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        failing(error, monkeypatch).transact([Put("records", ROW)])


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("TransactionConflict", Rejected), ("ItemCollectionSizeLimitExceeded", None)],
)
def test_a_transaction_that_lost_a_race_failed_no_condition(
    monkeypatch: pytest.MonkeyPatch, reason: str, expected: type[Exception] | None
) -> None:
    from pynamodb.exceptions import CancellationReason

    tables = failing(refusal("TransactionCanceledException"), monkeypatch)
    reasons = property(lambda _: [CancellationReason(code=reason)])
    monkeypatch.setattr(TransactWriteError, "cancellation_reasons", reasons)
    with pytest.raises(expected or TransactWriteError) as caught:
        tables.transact([Put("records", ROW)])
    if isinstance(caught.value, Rejected):
        assert caught.value.failed == frozenset()

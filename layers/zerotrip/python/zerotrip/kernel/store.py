"""The Tables port on DynamoDB, through PynamoDB. The only PynamoDB of the kernel.

Every table has the same row: hot keys as attributes, the body as one JSON blob.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.attributes import (
    BinaryAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from zerotrip.kernel.errors import Retry
from zerotrip.kernel.tables import (
    Delete,
    Expect,
    Put,
    Rejected,
    StoredRow,
    TokenReused,
    Write,
)

_INDEX_KEYS = {
    "due": ("due_pk", "due_at"),
    "worklist": ("work_pk", "work_due"),
    "subject": ("subject_pk", "received_at"),
}
_KEYS_PER_CALL = 100
_ROUNDS = 5
_NO_USE = {"ValidationException", "AccessDeniedException", "ResourceNotFoundException"}
"""Errors of ours that no retry mends."""
_LOST_A_RACE = {
    "TransactionConflict",
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
}


class _StoredModel(Model):
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = UnicodeAttribute()
    version = NumberAttribute(null=True)
    stage = UnicodeAttribute(null=True)
    sealed = BinaryAttribute(null=True, legacy_encoding=False)
    due_pk = UnicodeAttribute(null=True)
    due_at = UnicodeAttribute(null=True)
    work_pk = UnicodeAttribute(null=True)
    work_due = UnicodeAttribute(null=True)
    subject_pk = UnicodeAttribute(null=True)
    received_at = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


class DynamoTables:
    """Tables by their short names (`records`, `drafts`, …) mapped to real ones."""

    def __init__(
        self,
        names: Mapping[str, str],
        *,
        region: str,
        host: str | None = None,
    ) -> None:
        self._names = dict(names)
        self._connection = Connection(region=region, host=host)
        self._region = region
        self._host = host
        self._models: dict[str, type[_StoredModel]] = {}

    @property
    def connection(self) -> Connection:
        """PynamoDB's connection: its botocore session serves every other client."""
        return self._connection

    def _model(self, table: str) -> type[_StoredModel]:
        """The table's model, made when the table is first written."""
        if table not in self._models:
            meta = {
                "table_name": self._names[table],
                "region": self._region,
                "host": self._host,
            }
            content = {"Meta": type("Meta", (), meta)}
            self._models[table] = type(f"{table.title()}Row", (_StoredModel,), content)
        return self._models[table]

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        """One consistent read."""
        answer = self._ask(
            "GetItem",
            TableName=self._names[table],
            Key=_key(pk, sk),
            ConsistentRead=True,
        )
        return _from_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[StoredRow]:
        """Batch reads of 100; what DynamoDB left over is asked for again."""
        real = self._names[table]
        # A key that stands twice in one call is refused; on two calls it comes twice.
        once = list(dict.fromkeys(keys))
        found: list[StoredRow] = []
        for start in range(0, len(once), _KEYS_PER_CALL):
            part = [_key(pk, sk) for pk, sk in once[start : start + _KEYS_PER_CALL]]
            for _ in range(_ROUNDS):
                answer = self._ask("BatchGetItem", RequestItems={real: {"Keys": part}})
                found += map(_from_item, answer["Responses"].get(real, []))
                part = answer.get("UnprocessedKeys", {}).get(real, {}).get("Keys", [])
                if not part:
                    break
            else:
                raise _passing("UnprocessedKeys")
        return found

    def query(self, table: str, pk: str, prefix: str = "") -> list[StoredRow]:
        """All pages of a partition, consistently."""
        values = {":p": {"S": pk}}
        condition = "pk = :p"
        if prefix:
            values[":s"] = {"S": prefix}
            condition += " AND begins_with(sk, :s)"
        rows: list[StoredRow] = []
        start: dict[str, Any] = {}
        while True:
            answer = self._ask(
                "Query",
                TableName=self._names[table],
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
                **start,
            )
            rows += map(_from_item, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return rows
            start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def index(
        self,
        table: str,
        name: str,
        partition: str,
        *,
        until: str | None = None,
        newest_first: bool = False,
        limit: int = 100,
    ) -> list[tuple[str, str]]:
        """One page of a keys-only index."""
        partition_key, sort_key = _INDEX_KEYS[name]
        values = {":p": {"S": partition}}
        condition = "#p = :p"
        names = {"#p": partition_key}
        if until is not None:
            values[":u"] = {"S": until}
            names["#s"] = sort_key
            condition += " AND #s <= :u"
        answer = self._ask(
            "Query",
            TableName=self._names[table],
            IndexName=name,
            KeyConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
            ScanIndexForward=not newest_first,
            Limit=limit,
        )
        return [(row["pk"]["S"], row["sk"]["S"]) for row in answer["Items"]]

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One read. A table's own connection would be a second client: 93 ms."""
        try:
            answer: dict[str, Any] = self._connection.dispatch(operation, parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NO_USE:
                raise
            raise _passing(code) from error
        except BotoCoreError as error:
            raise _passing(type(error).__name__) from error
        return answer

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        """One TransactWriteItems; old rows come back on failed conditions."""
        transaction = TransactWrite(
            connection=self._connection, client_request_token=token
        )
        # PynamoDB sends deletes before puts: the reasons come back in that order.
        order: list[int] = []
        for position, write in enumerate(writes):
            if isinstance(write, Delete):
                order.append(position)
                model = self._model(write.table)(write.pk, write.sk)
                # PynamoDB's own `delete` does not ask for the row that failed it.
                transaction._delete_items.append(
                    model.get_delete_kwargs_from_instance(
                        condition=_condition(type(model), write.expect),
                        return_values_on_condition_failure="ALL_OLD",
                    )
                )
        for position, write in enumerate(writes):
            if isinstance(write, Put):
                order.append(position)
                model = _to_model(self._model(write.table), write.row)
                transaction.save(
                    model,
                    condition=_condition(type(model), write.expect),
                    return_values="ALL_OLD",
                )
        try:
            transaction._commit()
        except TransactWriteError as error:
            raise _rejection(error, order) from error


def _condition(model: type[_StoredModel], expect: Expect) -> Condition | None:
    parts: list[Condition] = []
    if expect.absent:
        parts.append(model.pk.does_not_exist())
    if expect.version is not None:
        parts.append(model.version == expect.version)
    if expect.stages:
        parts.append(model.stage.is_in(*sorted(expect.stages)))
    return functools.reduce(lambda a, b: a & b, parts) if parts else None


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def _rejection(error: TransactWriteError, order: list[int]) -> Exception:
    if error.cause_response_code == "IdempotentParameterMismatchException":
        return TokenReused("the token stood for other writes")
    if error.cause_response_code != "TransactionCanceledException":
        if error.cause_response_code in _NO_USE:
            return error
        return _passing(error.cause_response_code or type(error.cause).__name__)
    reasons = list(error.cancellation_reasons)
    failed: set[int] = set()
    olds: dict[int, StoredRow | None] = {}
    for position, reason in zip(order, reasons, strict=True):
        if reason is not None and reason.code == "ConditionalCheckFailed":
            failed.add(position)
            olds[position] = _from_item(reason.raw_item) if reason.raw_item else None
    others = {r.code for r in reasons if r is not None} - {"ConditionalCheckFailed"}
    if not failed and others - _LOST_A_RACE:
        return error
    return Rejected(frozenset(failed), olds)


def _passing(cause: str) -> Retry:
    return Retry(
        "database_unavailable",
        "数据库暂时不可用，系统会自动重试。",
        "The database does not answer now; the step is tried again.",
        detail={"cause": cause},
    )


def _to_model(model: type[_StoredModel], row: StoredRow) -> _StoredModel:
    made = model(row.pk, row.sk)
    made.data = json.dumps(dict(row.data), ensure_ascii=False, separators=(",", ":"))
    made.version = row.version
    made.stage = row.stage
    made.sealed = row.sealed
    made.due_pk, made.due_at = row.due or (None, None)
    made.work_pk, made.work_due = row.work or (None, None)
    made.subject_pk, made.received_at = row.subject or (None, None)
    made.expires_at = row.expires_at
    return made


def _from_item(item: Mapping[str, Mapping[str, Any]]) -> StoredRow:
    def text(name: str) -> str | None:
        return item[name]["S"] if name in item else None

    def number(name: str) -> int | None:
        return int(item[name]["N"]) if name in item else None

    def pair(first: str, second: str) -> tuple[str, str] | None:
        left, right = text(first), text(second)
        return (left, right) if left is not None and right is not None else None

    return StoredRow(
        pk=item["pk"]["S"],
        sk=item["sk"]["S"],
        data=json.loads(item["data"]["S"]),
        version=number("version"),
        stage=text("stage"),
        sealed=bytes(item["sealed"]["B"]) if "sealed" in item else None,
        due=pair("due_pk", "due_at"),
        work=pair("work_pk", "work_due"),
        subject=pair("subject_pk", "received_at"),
        expires_at=number("expires_at"),
    )

"""What a function asks of AWS, one log line a call: for measurements only.

Switched on by `ZEROTRIP_METER=1`. A line holds operation and units, never a key and
never content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zerotrip.runtime.logs import logger

_READS = frozenset({"GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"})
_CAPACITY = "ReturnConsumedCapacity"


def meter(session: Any) -> None:
    """Has every client that this botocore session makes from now on log its calls."""
    session.register("provide-client-params.dynamodb", _ask_for_units)
    session.register("after-call", _log_call)


def units_of(answer: Mapping[str, Any]) -> dict[str, float]:
    """Capacity units by `table` and `table/index`, from an answer of DynamoDB."""
    reported = answer.get("ConsumedCapacity", [])
    found: dict[str, float] = {}
    for one in [reported] if isinstance(reported, Mapping) else reported:
        table = str(one["TableName"])
        parts = dict(_parts(table, one))
        parts[table] = float(one.get("CapacityUnits", 0)) - sum(parts.values())
        for name, units in parts.items():
            found[name] = found.get(name, 0.0) + units
    return found


def count_of(operation: str, answer: Mapping[str, Any]) -> int:
    """What a call is charged by where that is not the call: entries put, rows read."""
    if operation == "BatchGetItem":
        return sum(len(rows) for rows in answer.get("Responses", {}).values())
    return len(answer.get("Entries", ())) if operation == "PutEvents" else 1


def _parts(table: str, one: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index, capacity in one.get(kind, {}).items():
            yield f"{table}/{index}", float(capacity["CapacityUnits"])


def _ask_for_units(params: dict[str, Any], model: Any, **_: Any) -> None:
    if _CAPACITY in model.input_shape.members:
        params[_CAPACITY] = "INDEXES"


def _log_call(http_response: Any, parsed: Any, model: Any, **_: Any) -> None:
    units = units_of(parsed)
    total = sum(units.values())
    reads = model.name in _READS
    logger().info(
        "An AWS call.",
        code="aws_call",
        api=model.service_model.service_name,
        operation=model.name,
        status=http_response.status_code,
        read_units=total if reads else 0.0,
        write_units=0.0 if reads else total,
        units=units,
        count=count_of(model.name, parsed),
        algorithm=parsed.get("SigningAlgorithm", ""),
    )

"""The contracts of what travels, as JSON Schema 2020-12: made from code, committed.

`python -m zerotrip.runtime.schemas` writes `events/schemas/`, `--check` says whether it
is current. Each event type is the CloudEvent narrowed to what only that type may say;
each message is what a queue's step accepts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter

from zerotrip.cases.expiring import DraftExpiring
from zerotrip.cases.lifecycle import MACHINE_STEPS, OUTSIDE_STEPS, TRANSITIONS
from zerotrip.cases.words import EVENT_WORDS
from zerotrip.catalogue.revisions import ITEM_TRANSITIONS, PUBLISH_STEP
from zerotrip.deliveries.model import SHIPMENT_TRANSITIONS, TRACK_STEP
from zerotrip.kernel.aggregate import Kind
from zerotrip.kernel.messages import SCHEMA_VERSION, TYPE_PREFIX, CloudEvent
from zerotrip.licences.model import PREPARED, REGISTERED
from zerotrip.notices import model as notices
from zerotrip.payments.model import BILL_TRANSITIONS
from zerotrip.payments.watching import BillDue
from zerotrip.runtime.storage_message import StorageMessage, StorageTest

FOLDER = Path("events/schemas")
COMMAND = "python -m zerotrip.runtime.schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

NEXT_STEPS = tuple(
    sorted({*MACHINE_STEPS, *OUTSIDE_STEPS, "advance_case", PUBLISH_STEP})
)
"""Every step that an event may ask for; the bus has one rule for each."""

_BY_CARRIER = {"shipment.cancelled": TRACK_STEP}
"""Events that a second step writes as well."""

_WORDS = {
    "bill.opened": ("账单已开立", "A bill was opened"),
    "bill.prepared": ("已向支付渠道下单", "The channel is about to be asked"),
    "bill.settled": ("已缴清", "The whole sum has arrived"),
    "bill.cancelled": ("账单已取消", "Nobody need pay"),
    "bill.paid_after_cancellation": ("取消后到账，应退", "Paid too late: due back"),
    "bill.cancelled_after_payment": ("已缴后取消，应退", "Paid, cancelled: due back"),
    "bill.lapsed": ("逾期未缴，已失效", "Not paid in time: another one follows"),
    "bill.paid_after_lapse": ("失效后到账，应退", "Paid after it lapsed: due back"),
    "bill.contradicted": ("款项与账单不符，待核对", "What came is not what was billed"),
    "bill.paid_again": ("重复缴费，应退", "Paid twice: the second sum is due back"),
    "shipment.dispatched": ("快递已接单", "The carrier took the order"),
    "shipment.created": ("快递已建单", "The carrier made the order"),
    "shipment.picked_up": ("已揽收", "Picked up"),
    "shipment.in_transit": ("运输中", "On its way"),
    "shipment.exception": ("运输异常", "Stuck: somebody must look"),
    "shipment.out_for_delivery": ("派送中", "Out for delivery"),
    "shipment.attempt_failed": ("派送未成功", "Nobody was there"),
    "shipment.at_locker": ("已到自提点", "Waits in a locker or at an agent"),
    "shipment.returning": ("退回中", "On its way back"),
    "shipment.lost": ("丢失", "Lost, until the carrier says otherwise"),
    "shipment.delivered": ("已送达", "The receiver has it"),
    "shipment.returned": ("已退回", "The sender has it again"),
    "shipment.cancelled": ("寄递已取消", "Never picked up"),
    "shipment.cancellation_refused": ("已揽收，无法取消", "Too late to cancel"),
    "shipment.scanned": ("重复或较早的轨迹", "A scan that tells nothing new"),
    f"licence.{PREPARED}": ("证照已备", "A licence is about to be signed"),
    f"licence.{REGISTERED}": ("证照已登记", "A signed licence was registered"),
    notices.SENT: ("已告知", "Somebody was told something"),
    "item.review_requested": ("事项版本已送审", "A revision waits for both offices"),
    "item.reviewed": ("审核部门已答复", "An office answered"),
    "item.scheduled": ("已定生效日期", "The day of a revision is set"),
    "item.published": ("事项版本已发布", "A revision is offered from its day on"),
}


def event_steps() -> dict[str, frozenset[str]]:
    """Every event type that is ever written, and the steps that write it."""
    tables = (TRANSITIONS, BILL_TRANSITIONS, SHIPMENT_TRANSITIONS, ITEM_TRANSITIONS)
    steps = {name: {row.step} for table in tables for name, row in table.items()}
    for name, step in _BY_CARRIER.items():
        steps[name].add(step)
    steps[f"licence.{PREPARED}"] = {"sign_licence"}
    steps[f"licence.{REGISTERED}"] = {"register_licence"}
    steps[notices.SENT] = {notices.STEP}
    return {name: frozenset(found) for name, found in sorted(steps.items())}


def wire_type(event: str) -> str:
    """`case.received` as the bus names it: `zerotrip.case.received.v1`."""
    return f"{TYPE_PREFIX}{event}.{SCHEMA_VERSION}"


def event_schema(event: str, steps: frozenset[str]) -> dict[str, Any]:
    """The CloudEvent of one type: its own type, aggregate and writing steps."""
    schema = _closed("event", wire_type(event), TypeAdapter(CloudEvent))
    kind = Kind(event.partition(".")[0].upper())
    aggregate = rf"^{kind}#[^#]{{1,120}}$"
    zh, en = {**EVENT_WORDS, **_WORDS}[event]
    schema["title"] = f"{zh} {en}"
    schema["properties"]["type"] = {"const": wire_type(event)}
    schema["properties"]["subject"] = {"type": "string", "pattern": aggregate}
    schema["properties"]["id"]["pattern"] = rf"^{kind}#[^#]{{1,120}}#[0-9]{{6,}}$"
    schema["properties"]["time"]["format"] = "date-time"
    data = schema["$defs"]["Pointer"]["properties"]
    data["aggregate"] = {"type": "string", "pattern": aggregate}
    data["event"]["pattern"] = rf"^EVENT#({'|'.join(sorted(steps))})#."
    data["next_steps"] |= {"items": {"enum": list(NEXT_STEPS)}, "uniqueItems": True}
    return schema


def message_schemas() -> dict[str, dict[str, Any]]:
    """The shape of each kind of queue message, by its name."""
    return {
        "step": _closed("message", "step", TypeAdapter(CloudEvent)),
        "notify": _closed("message", "notify", TypeAdapter(CloudEvent | DraftExpiring)),
        "collect_payment": _closed(
            "message", "collect_payment", TypeAdapter(CloudEvent | BillDue)
        ),
        "bill_due": _closed("message", "bill_due", TypeAdapter(BillDue)),
        "draft_expiring": _closed(
            "message", "draft_expiring", TypeAdapter(DraftExpiring)
        ),
        # As it is read: what S3 says beyond our own four fields may be missing.
        "storage": _closed(
            "message",
            "storage",
            TypeAdapter(StorageMessage | StorageTest),
            mode="validation",
        ),
    }


def documents() -> dict[Path, dict[str, Any]]:
    """Every schema by its path below `events/schemas/`."""
    found = {
        Path("events") / f"{wire_type(event)}.json": event_schema(event, steps)
        for event, steps in event_steps().items()
    }
    found |= {
        Path("messages") / f"{name}.json": schema
        for name, schema in message_schemas().items()
    }
    return found


def stale(folder: Path) -> list[str]:
    """Names of files that are missing, differ, or describe nothing any more."""
    wanted = {path: rendered(schema) for path, schema in documents().items()}
    there = {path.relative_to(folder) for path in folder.rglob("*.json")}
    differing = {
        path
        for path, text in wanted.items()
        if path not in there or (folder / path).read_text(encoding="utf-8") != text
    }
    return sorted(str(path) for path in differing | (there - set(wanted)))


def write(folder: Path) -> None:
    """Writes every schema and removes those of what is gone."""
    wanted = documents()
    for path in folder.rglob("*.json"):
        if path.relative_to(folder) not in wanted:
            path.unlink()
    for path, schema in wanted.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(rendered(schema), encoding="utf-8")


def rendered(schema: dict[str, Any]) -> str:
    """A schema as it is committed."""
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def _closed(
    kind: str,
    name: str,
    shape: TypeAdapter[Any],
    mode: Literal["validation", "serialization"] = "serialization",
) -> dict[str, Any]:
    schema = shape.json_schema(mode=mode)
    for part in _objects(schema):
        part.pop("default", None)
        part.pop("title", None)
        # What is sent has every field: one with a default is written out too.
        if mode == "serialization" and "properties" in part:
            part["required"] = list(part["properties"])
    return {"$schema": DIALECT, "$id": f"urn:zerotrip:{kind}:{name}", **schema}


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside a schema; names of properties are no schemas."""
    if not isinstance(schema, dict):
        return
    yield schema
    for name, value in schema.items():
        if name in {"properties", "$defs"}:
            for inner in value.values():
                yield from _objects(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from _objects(inner)
        else:
            yield from _objects(value)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 1 when `--check` finds a file that is not current."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="只比较 · compare only")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args(arguments)
    if not chosen.check:
        write(chosen.folder)
        sys.stdout.write(f"已写入 · written: {chosen.folder}\n")
        return 0
    for name in stale(chosen.folder):
        sys.stderr.write(f"{name} 已过期，请运行 · is out of date, run: {COMMAND}\n")
    return 1 if stale(chosen.folder) else 0


if __name__ == "__main__":
    sys.exit(main())

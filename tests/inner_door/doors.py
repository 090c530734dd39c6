"""Every function that reads a queue, over one town in memory, as Lambda runs it."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from infra.local.home import ROOT
from tests.support.memory import MemoryObjects
from tests.support.partners import OFFICE
from tests.support.town import ROLES, Town
from tests.support.world import TENANT, Message
from tests.template.application import functions
from tests.unit.runtime.conftest import DEAD_LETTERS, FakeSqs, sqs_record
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.records import event_row
from zerotrip.kernel.tables import Put
from zerotrip.runtime import aws, wiring

FOOD = "food-business-licence"
Handler = Callable[[Mapping[str, Any], object], Any]
_QUIET_CODES = {"step_started", "step_completed"}
BUCKETS = ("uploads", "licences", "catalogue", "archive")
SETTINGS = {
    "ZEROTRIP_TENANT": TENANT,
    "ZEROTRIP_STAGE": "local",
    "DEAD_LETTER_QUEUE": DEAD_LETTERS,
    "PAYABLE_DAYS": "15",
    **{f"{bucket.upper()}_BUCKET": bucket for bucket in BUCKETS},
}


def consumers() -> list[str]:
    """Every function of the template that reads a queue."""
    return sorted(each.name for each in functions() if each.queue is not None)


@dataclass
class Doors:
    """A town whose messages all go through the real functions."""

    town: Town
    sqs: FakeSqs = field(default_factory=FakeSqs)
    output: io.StringIO = field(default_factory=io.StringIO)
    archive: MemoryObjects = field(default_factory=MemoryObjects)
    handlers: dict[str, Handler] = field(default_factory=dict)
    delivered: dict[str, list[str]] = field(default_factory=dict)
    """Genuine bodies by step, in the order in which they came."""

    @property
    def buckets(self) -> dict[str, Any]:
        """The four buckets by name."""
        world = self.town.world
        return {
            "uploads": world.uploads,
            "licences": world.licences,
            "catalogue": world.catalogue.objects,
            "archive": self.archive,
        }

    def deliver(self, step: str, *bodies: str) -> str:
        """One batch for one function; the code of what came of its last message."""
        letters, told = len(self.sqs.sent), len(self.output.getvalue())
        records = [sqs_record(body, number) for number, body in enumerate(bodies)]
        answer = self.handlers[step]({"Records": records}, object())
        if answer["batchItemFailures"]:
            return "went_back"
        if len(self.sqs.sent) > letters:
            return self.sqs.reasons()[-1]["code"]
        lines = map(json.loads, self.output.getvalue()[told:].splitlines())
        codes = [line["code"] for line in lines if line["code"] not in _QUIET_CODES]
        return str(codes[-1]) if codes else "done"

    def carry_out(self, message: Message) -> str:
        """A genuine message on its way, as its function gets it."""
        if message.event is not None:
            body = message.event.model_dump_json()
        else:
            body = json.dumps({"Records": [message.record]})
        self.delivered.setdefault(message.step, []).append(body)
        return self.deliver(message.step, body)

    def run(self) -> None:
        """The errand to its end; each of its events is archived too."""
        archived = len(self.town.world.tables.transactions)
        self.town.run(lambda town: (self.carry_out(town.world.queue.pop(0)), None)[1])
        for writes in self.town.world.tables.transactions[archived:]:
            for write in writes:
                if isinstance(write, Put) and write.row.sk.startswith("EVENT#"):
                    body = cloud_event(event_row(write.row)).model_dump_json()
                    self.delivered.setdefault("archive_events", []).append(body)
                    self.deliver("archive_events", body)

    def begin_another(self) -> str:
        """A further applicant hands the same item in; the town looks after it next."""
        self.town.case_no = self.town.world.apply(FOOD, "sub-9", ROLES[FOOD])
        self.town.world.relay()
        return self.town.case_no

    def state(self) -> dict[str, Any]:
        """All rows, objects and effects outside; of the archive, what it tells."""
        objects = {
            name: {key: len(held) for key, held in bucket.versions.items()}
            for name, bucket in self.buckets.items()
            if name != "archive"
        }
        lines = {
            line
            for held in self.archive.versions.values()
            for line in held[0].content.splitlines()
        }
        return {
            "rows": dict(self.town.world.tables.rows),
            "objects": objects,
            "archived": lines,
            "paid": len(self.town.channel.orders),
            "parcels": len(self.town.courier.orders),
            "on the way": len(self.town.world.queue),
        }


def forget_adapters() -> None:
    """What wiring made for another town."""
    for made in vars(wiring).values():
        if hasattr(made, "cache_clear"):
            made.cache_clear()


def open_doors(
    town: Town, patch: pytest.MonkeyPatch, name: str, **wired: object
) -> Doors:
    """Loads every function over that town; `name` is the log's own.

    `wired` replaces further parts of `runtime.wiring`.
    """
    doors = Doors(town)
    world = town.world
    # A logger of the same name would keep the stream of the one that was first.
    logger = Logger(service=name, stream=doors.output)
    for setting, value in SETTINGS.items():
        patch.setenv(setting, value)
    patch.setattr(aws, "tables", lambda: world.tables)
    patch.setattr(
        aws, "objects", lambda setting: doors.buckets[setting.split("_")[0].lower()]
    )
    patch.setattr(aws, "key_ring", lambda: world.keys)
    patch.setattr(aws, "client", {"sqs": doors.sqs}.__getitem__)
    patch.setattr("zerotrip.runtime.batch.logger", lambda: logger)
    parts: dict[str, object] = {
        "now": world.clock,
        "mint": lambda: world.mint,
        "catalogue": lambda: world.catalogue,
        "wechat_pay": lambda: town.channel,
        "_courier": lambda: (town.courier, OFFICE),
        "signing": world._signing,
        "registering": world._registering,
    }
    for part, made in (parts | wired).items():
        patch.setattr(wiring, part, made)
    forget_adapters()
    doors.handlers = {step: _handler(step) for step in consumers()}
    return doors


def _handler(function: str) -> Handler:
    path = ROOT / "functions" / function / f"{function}.py"
    spec = importlib.util.spec_from_file_location(f"inner_door_{function}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Handler = module.handler
    return handler

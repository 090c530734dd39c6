"""Items: materials asked before and after reuse, pre-review, the list of items.

CPU of this process (user and system), never wall; ratios of one run, medians of rounds.
"""

from __future__ import annotations

import functools
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic import ConfigDict, create_model

from bench.screen import measured, say, table
from infra.local.home import ROOT, TENANT
from tests.support.memory import MemoryObjects, MemoryTables
from tests.unit.web.town import proxy_event
from zerotrip.catalogue import snapshot
from zerotrip.catalogue.authoring import folders, load, load_example
from zerotrip.catalogue.checks import failed_checks
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.model import Check, Item
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.rules import holds
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical, digest_of_bytes
from zerotrip.kernel.tables import Put, StoredRow
from zerotrip.runtime.logs import logger
from zerotrip.web.dependencies import Public
from zerotrip.web.endpoints import public
from zerotrip.web.serving import Api, chalice_app

CATALOGUE = ROOT / "catalogue"
NOW = datetime(2026, 11, 22, 2, tzinfo=UTC)
FORM_BYTES, RULES = 2048, 30
ROUNDS, BATCH = 25, 40
LECHANG_ITEMS = 1422
"""Items at the one window of Lechang (S3)."""
REQUESTS = 400
READ_UNIT_BYTES = 4096
"""A consistent read of so many bytes is one unit."""


def run() -> None:
    """All three."""
    _materials()
    _pre_review()
    _list()


# materials


def _materials() -> None:
    """What an applicant hands in: if nobody shared, the first time, and again."""
    today, rows = times.legal_day(NOW), []
    for folder in folders(CATALOGUE):
        item, form = load(folder, today).item, load_example(folder, today).form
        needed = [
            each
            for each in item.materials
            if each.required and (each.when is None or holds(each.when, form))
        ]
        first = [each for each in needed if each.source == "upload"]
        again = [each for each in first if each.reusable_months is None]
        counts = {"before": len(needed), "first": len(first), "again": len(again)}
        measured("materials_asked", item=folder.name, **counts)
        rows.append([folder.name, *counts.values()])
    rows.append(
        [
            "合计 all",
            *(sum(column) for column in zip(*(r[1:] for r in rows), strict=True)),
        ]
    )
    table(
        "申请人要交的材料 · materials asked of the applicant",
        ["item", "before", "first time", "again"],
        rows,
    )


# pre-review


def _pre_review() -> None:
    """All rules over a 2 KB form, beside pydantic over the same form."""
    say("预审", f"{RULES} rules over a form of {FORM_BYTES} bytes, {ROUNDS} rounds")
    item, form = _large_item(), _large_form()
    model = create_model(
        "Form",
        __config__=ConfigDict(strict=True, extra="forbid"),
        **{name: (type(value), ...) for name, value in form.items()},  # type: ignore[call-overload]
    )
    today = times.legal_day(NOW).isoformat()

    def reviewed() -> None:
        faults = form_faults(item, form)
        outcome = failed_checks(item, form, {}, today)
        if faults or not outcome.passed:
            raise RuntimeError("the form of the bench has to be right")

    ours, theirs = _beside(reviewed, lambda: model.model_validate(form))
    rate, ratio = 1 / ours, ours / theirs
    measured(
        "pre_review",
        form_bytes=len(canonical(form)),
        rules=RULES,
        cases_a_second_a_core=round(rate),
        ratio_to_pydantic=round(ratio, 1),
        microseconds=round(ours * 1e6),
    )
    table(
        "全量预审 · the whole pre-review",
        ["form", "rules", "cases/s/core", "x pydantic"],
        [[f"{len(canonical(form))} B", RULES, round(rate), ratio]],
    )


def _beside(*works: Callable[[], object]) -> list[float]:
    """CPU seconds of one call of each, medians; they take turns."""
    found: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            begun = time.process_time()
            for _ in range(BATCH):
                work()
            found[place].append((time.process_time() - begun) / BATCH)
    return [statistics.median(each) for each in found]


def _large_form() -> dict[str, Any]:
    form: dict[str, Any] = {f"number_{at:02}": at for at in range(10)}
    form |= {f"ticked_{at:02}": True for at in range(10)}
    form |= {f"day_{at:02}": "2026-11-20" for at in range(5)}
    texts = [f"text_{at:02}" for at in range(15)]
    left = FORM_BYTES - len(canonical(form | dict.fromkeys(texts, "")))
    return form | {name: "x" * (left // len(texts)) for name in texts}


def _large_item() -> Item:
    """A real item with another form, and rules of the kinds that items have."""
    folder = CATALOGUE / "food-business-licence"
    item = load(folder, times.legal_day(NOW)).item
    kinds = {
        "number": {"type": "integer", "minimum": 0, "maximum": 99},
        "ticked": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "text": {"type": "string", "minLength": 1, "maxLength": 200},
    }
    form = _large_form()
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": list(form),
        "properties": {name: kinds[name.partition("_")[0]] for name in form},
    }
    rules = [f"form.number_{at:02} >= 0 && form.ticked_{at:02}" for at in range(10)]
    rules += [f"form.day_{at % 5:02} <= today" for at in range(8)]
    rules += [
        f'form.text_{at:02}.size() > 3 && form.text_{at:02}.matches("^x+$")'
        for at in range(12)
    ]
    words = item.checks[0]
    checks = tuple(
        Check(
            code=f"rule_{at:02}",
            rule=rule,
            path="/form/text_00",
            message=words.message,
            remedy=words.remedy,
        )
        for at, rule in enumerate(rules)
    )
    if len(checks) != RULES:
        raise RuntimeError(f"{len(checks)} rules, not {RULES}")
    return item.model_copy(update={"form": schema, "checks": checks, "materials": ()})


# the list


@dataclass
class MeteredTables(MemoryTables):
    """Counts read units as DynamoDB does for consistent reads."""

    units: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        row = super().get(table, pk, sk)
        size = 0 if row is None else len(canonical(dict(row.data))) + 100
        self.units += max(1, math.ceil(size / READ_UNIT_BYTES))
        return row


@dataclass
class Clock:
    """A clock that the bench moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Window:
    """`public_api` over a snapshot of so many items."""

    clock: Clock = field(default_factory=Clock)
    tables: MeteredTables = field(default_factory=MeteredTables)
    objects: MemoryObjects = field(default_factory=MemoryObjects)

    def __post_init__(self) -> None:
        entries = snapshot.to_bytes(_many_entries())
        name = digest_of_bytes(entries)
        self.objects.put(
            f"snapshots/{name}.json", entries, content_type="application/json"
        )
        listed = StoredRow(
            f"{TENANT}#CATALOGUE",
            "SNAPSHOT",
            {"digest": name, "entries": LECHANG_ITEMS},
            version=1,
        )
        self.tables.transact([Put("catalogue", listed)])
        self.app = self.another_worker()

    def another_worker(self) -> Api:
        """A worker that has read nothing yet."""
        catalogue = Catalogue(self.tables, self.objects, self.clock)
        deps = Public(TENANT, catalogue, None, dict, self.clock)  # type: ignore[arg-type]
        return chalice_app("public_api", public.ENDPOINTS, lambda: deps, logger)

    def ask(self, app: Api, query: Mapping[str, str]) -> tuple[float, int, int]:
        """CPU seconds, read units and status of one request."""
        event = proxy_event("GET", "/v1/items", None, query=query)
        before, begun = self.tables.units, time.process_time()
        answer = app(event, None)
        spent = time.process_time() - begun
        return spent, self.tables.units - before, int(answer["statusCode"])


QUERIES: tuple[dict[str, str], ...] = (
    {},
    {"q": "食品"},
    {"q": "spjyxk"},
    {"audience": "company", "limit": "20"},
    {"q": "licence", "limit": "100"},
)


def _list() -> None:
    """Warm requests of five kinds, and a worker's first one."""
    say("事项列表", f"{LECHANG_ITEMS} items, {REQUESTS} requests")
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"  # a line per request is too many
    window = Window()
    spent, units = [], 0
    for at in range(REQUESTS):
        seconds, read, status = window.ask(window.app, QUERIES[at % len(QUERIES)])
        if status != 200:
            raise RuntimeError(f"GET /v1/items answered {status}")
        spent.append(seconds * 1000)
        units += read
    first, first_units, _ = window.ask(window.another_worker(), {})
    spent.sort()
    values = {
        "items": LECHANG_ITEMS,
        "p50_ms_cpu": round(statistics.median(spent), 2),
        "p95_ms_cpu": round(spent[math.ceil(0.95 * len(spent)) - 1], 2),
        "first_ms_cpu": round(first * 1000, 1),
        "first_read_units": first_units,
        "read_units_each_half_minute": first_units,
        "read_units_of_all_requests": units,
    }
    measured("list_items", **values)
    table(
        "GET /v1/items",
        ["items", "p50 ms", "p95 ms", "first ms", "first units", "units of all"],
        [[*list(values.values())[:5], units]],
    )


@functools.cache
def _many_entries() -> snapshot.Entries:
    """The real items again and again, each copy under a code and a name of its own."""
    today, made = times.legal_day(NOW), []
    items = [load(folder, today).item for folder in folders(CATALOGUE)]
    begun = times.to_text(NOW)
    kept = [snapshot.entry(item, f"digest-{item.code}", begun) for item in items]
    for at in range(LECHANG_ITEMS):
        one = kept[at % len(kept)]
        code = f"{one.code[:-4]}{at:04}"
        name = one.name.model_copy(update={"zh": f"{one.name.zh}{at}"})
        made.append(
            one.model_copy(
                update={"code": code, "name": name, "words": f"{one.words} {code}"}
            )
        )
    return tuple(sorted(made, key=lambda each: each.code))

"""What became of the submissions: queues while it runs, the stored rows afterwards."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.cloud import PREFIX
from infra.local.deploy import Outputs
from infra.local.home import Home
from zerotrip.kernel.times import from_text

QUEUES = ("submit", "pre_review", "notify")
RESULTS = {"case.accepted", "case.corrections_requested"}
"""Events that are the result of a pre-review."""
EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Depth:
    """Messages in the steps' queues at one moment, seen and being worked on."""

    at: float
    waiting: Mapping[str, int]


@dataclass
class QueueWatch:
    """Looks at the queues each second in a thread of its own."""

    home: Home
    outputs: Outputs
    seen: Callable[[Depth], None]
    depths: list[Depth] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sqs = self.home.client("sqs")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> QueueWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def look(self) -> Depth:
        """One look."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        waiting = {}
        for step in QUEUES:
            answer = self._sqs.get_queue_attributes(
                QueueUrl=self.outputs.queue_url(step), AttributeNames=list(names)
            )
            waiting[step] = sum(int(answer["Attributes"][name]) for name in names)
        return Depth(time.time(), waiting)

    def dead_letters(self) -> int:
        """Messages in all dead-letter queues."""
        found = 0
        for url in self._sqs.list_queues(QueueNamePrefix=PREFIX)["QueueUrls"]:
            name = "ApproximateNumberOfMessages"
            answer = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
            letters = "dead-letters" in url or "undelivered" in url
            found += int(answer["Attributes"][name]) if letters else 0
        return found

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            depth = self.look()
            self.depths.append(depth)
            self.seen(depth)


@dataclass(frozen=True, slots=True)
class Fate:
    """What is stored of one case: when its result came, and what is there twice."""

    application: str
    result_at: float | None
    events: Mapping[str, int]
    gap_free: bool
    open_tasks: int

    @property
    def doubled(self) -> bool:
        """Whether any event or task of the pre-review stands twice."""
        return max(self.events.values()) > 1 or self.open_tasks > 1


def fates(home: Home, outputs: Outputs, item_code: str) -> dict[str, Fate]:
    """By case number, for all cases of the item: one scan of the records table."""
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    pages = (
        home.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=outputs["RecordsTable"])
    )
    for page in pages:
        for row in page["Items"]:
            _, kind, number = row["pk"]["S"].split("#", 2)
            if kind == "CASE" and number.startswith(item_code):
                rows[number].append(row)
    return {number: fate_of(each) for number, each in rows.items()}


def fate_of(rows: Iterable[Mapping[str, Any]]) -> Fate:
    """The fate of one case from its stored rows, as DynamoDB gives them."""
    events: list[dict[str, Any]] = []
    application, tasks = "", 0
    for row in rows:
        sort_key, data = row["sk"]["S"], json.loads(row["data"]["S"])
        if sort_key.startswith("EVENT#"):
            events.append(data)
        elif sort_key == "HEAD":
            application = data["application"]
        elif sort_key.startswith("TASK#"):
            tasks += 1
    results = [event["time"] for event in events if event["type"] in RESULTS]
    numbers = sorted(event["seq"] for event in events)
    return Fate(
        application=application,
        result_at=from_text(min(results)).timestamp() if results else None,
        events=Counter(event["type"] for event in events),
        gap_free=numbers == list(range(1, len(numbers) + 1)),
        open_tasks=tasks,
    )

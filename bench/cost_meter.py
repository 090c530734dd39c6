"""What the laptop cloud saw of a case: calls, units, invocations, CPU, logs, bytes.

Two rounds of the same flow: one with the functions as they are deployed, for time and
log lines, and one with `ZEROTRIP_METER`, for calls and units, whose own lines and work
would spoil the first.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cloud import FUNCTIONS, PREFIX
from bench.cost_flow import Flow, Walked
from bench.one_case import metered_lines, switch_meter
from infra.local.home import Home

WARM_UP = 2
CLOCK = "watch_deadlines"
TICKS = 5
CPU_GB = 1.769
"""GB of memory that come with one whole processor (as in the prices file)."""
_REPORT = re.compile(r"^REPORT RequestId: \S+\tDuration: (\d+) ms")
_WORKER = re.compile(r"/ministack-lambda-" + PREFIX + r"(\w+)-\w{8}/_worker\.py")
_GATHERED = re.compile(r'"messages":(\d+)')
_BYTES_OF_NUMBER = 8
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Use:
    """One function's part in a case, means: CPU and laptop seconds, log lines, bytes.

    `init_cpu_seconds` is of one cold start, not of a case.
    """

    memory_mb: int
    invocations: float
    messages: float
    cpu_seconds: float
    laptop_seconds: float
    log_lines: float
    log_bytes: float
    init_cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that one case cost, means over `cases`; the input of the model.

    `lines` are the meter's, each with whether its submission was asked for (`asked`)
    and acknowledged (`accepted`) by then. `tick` is one run of the watchdog, units by
    price. Cases run one at a time, so that batches hold little: the dearest way.
    """

    item: str
    cases: int
    uses: Mapping[str, Use]
    tick: Mapping[str, float]
    lines: list[dict[str, Any]]
    http_calls: Mapping[str, float]
    http_bytes_out: float
    object_bytes: Mapping[str, float]
    rows: float
    row_bytes: float

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Observed:
        """What `asdict` made of one."""
        uses = {name: Use(**use) for name, use in kept["uses"].items()}
        return cls(**{**kept, "uses": uses})

    def as_json(self) -> dict[str, Any]:
        """As it stands in the evidence, without the lines."""
        return {
            name: value for name, value in asdict(self).items() if name != "lines"
        }  # fmt: skip


@dataclass
class Meter:
    """Walks cases and reads what the laptop cloud kept of them."""

    home: Home
    flow: Flow
    tell: Callable[[str, str], None]

    def observe(self, cases: int) -> Observed:
        """Cold case, warm-up, plain round, metered round."""
        self.tell("冷启动的一件", "one case on cold functions")
        self.flow.walk()
        cold = worker_cpu(self.home)
        self.tell("预热", f"warming up with {WARM_UP} cases")
        for _ in range(WARM_UP):
            self.flow.walk()
        plain = self._plain_round(cases, cold)
        self.tell("打开计量", "switching the meter on, warming up again")
        switch_meter(self.home)
        for _ in range(WARM_UP):
            self.flow.walk()
        walks = self._walks(cases, "计量 metered")
        lines = _placed(metered_lines(self.home, walks[0].began_ms), walks)
        return Observed(lines=lines, tick=self._tick(), **plain)

    def _tick(self) -> dict[str, float]:
        """One run of the watchdog while nothing is due: units by price."""
        name, instant = PREFIX + CLOCK, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        payload = json.dumps({"time": instant}).encode()
        client = self.home.client("lambda")
        client.invoke(FunctionName=name, Payload=payload)
        began, before = int(time.time() * 1000), worker_cpu(self.home)
        for _ in range(TICKS):
            client.invoke(FunctionName=name, Payload=payload)
        cpu = _spent(before, worker_cpu(self.home), TICKS).get(CLOCK, 0.0)
        lines = [
            line
            for line in metered_lines(self.home, began)
            if line["function"] == CLOCK
        ]
        return {
            "lambda_request": 1.0,
            "lambda_gb_second": cpu * CPU_GB,
            "dynamodb_read_unit": sum(line["read_units"] for line in lines) / TICKS,
        }

    def _plain_round(
        self, cases: int, cold: Mapping[int, tuple[str, float]]
    ) -> dict[str, Any]:
        rows_before, bytes_before = self._rows()
        objects_before = self._objects()
        cpu_before = worker_cpu(self.home)
        walks = self._walks(cases, "计时 timed")
        cpu = _spent(cpu_before, worker_cpu(self.home), cases)
        rows, row_bytes = self._rows()
        window = (walks[0].began_ms, walks[-1].ended_ms)
        return {
            "item": "vehicle-licence-replacement",
            "cases": cases,
            "uses": self._uses(window, cases, cpu, init_cpu(cold, cpu)),
            "http_calls": _mean_calls(walks),
            "http_bytes_out": sum(walk.http_bytes_out for walk in walks) / cases,
            "object_bytes": {
                bucket: (size - objects_before.get(bucket, 0)) / cases
                for bucket, size in self._objects().items()
                if size != objects_before.get(bucket, 0)
            },
            "rows": (rows - rows_before) / cases,
            "row_bytes": (row_bytes - bytes_before) / cases,
        }

    def _walks(self, cases: int, what: str) -> list[Walked]:
        walks = []
        for number in range(1, cases + 1):
            walks.append(self.flow.walk())
            self.tell(f"第 {number}/{cases} 件", what)
        return walks

    def _uses(
        self,
        window: tuple[int, int],
        cases: int,
        cpu: Mapping[str, float],
        init: Mapping[str, float],
    ) -> dict[str, Use]:
        lambdas = self.home.client("lambda")
        found = {}
        for function in FUNCTIONS:
            config = lambdas.get_function_configuration(FunctionName=PREFIX + function)
            seen = self._log_lines(function, window)
            took = [int(each[1]) for line in seen if (each := _REPORT.match(line))]
            found[function] = Use(
                memory_mb=config["MemorySize"],
                invocations=len(took) / cases,
                messages=messages_of(seen) / cases,
                cpu_seconds=cpu.get(function, 0.0),
                laptop_seconds=sum(took) / 1000 / cases,
                log_lines=len(seen) / cases,
                log_bytes=sum(len(line.encode()) for line in seen) / cases,
                init_cpu_seconds=init.get(function, 0.0),
            )
        return found

    def _log_lines(self, function: str, window: tuple[int, int]) -> list[str]:
        pages = (
            self.home.client("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=f"/aws/lambda/{PREFIX}{function}",
                startTime=window[0],
                endTime=window[1],
            )
        )
        return [event["message"] for page in pages for event in page["events"]]

    def _rows(self) -> tuple[int, int]:
        """Rows of all our tables, and their bytes as DynamoDB counts them."""
        client, rows, size = self.home.client("dynamodb"), 0, 0
        for table in client.list_tables()["TableNames"]:
            for page in client.get_paginator("scan").paginate(TableName=table):
                rows += len(page["Items"])
                size += sum(bytes_of(row) for row in page["Items"])
        return rows, size

    def _objects(self) -> dict[str, int]:
        """Bytes of all versions, by the bucket's short name."""
        client = self.home.client("s3")
        found: dict[str, int] = {}
        for bucket in client.list_buckets()["Buckets"]:
            short = bucket["Name"].rpartition("-")[2]
            pages = client.get_paginator("list_object_versions").paginate(
                Bucket=bucket["Name"]
            )
            sizes = [
                version["Size"]
                for page in pages
                for version in page.get("Versions", [])
            ]
            found[short] = sum(sizes)
        return found


def worker_cpu(home: Home) -> dict[int, tuple[str, float]]:
    """Function and CPU seconds (user, system) of each function worker, by process."""
    scratch, found = str(home.path / "scratch"), {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
            stat = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it ended while we looked
            continue
        named = _WORKER.search(command)
        if named and scratch in command:
            spent = (int(stat[11]) + int(stat[12])) / _TICKS
            found[int(entry.name)] = (named[1], spent)
    return found


def _spent(
    before: Mapping[int, tuple[str, float]],
    after: Mapping[int, tuple[str, float]],
    cases: int,
) -> dict[str, float]:
    """CPU seconds per case and function; a worker that began in between is left out."""
    found: dict[str, float] = {}
    for process, (function, seconds) in after.items():
        if process in before:
            spent = (seconds - before[process][1]) / cases
            found[function] = found.get(function, 0.0) + spent
    return found


def init_cpu(
    cold: Mapping[int, tuple[str, float]], warm: Mapping[str, float]
) -> dict[str, float]:
    """CPU seconds of one cold start: a fresh worker's first case less a warm one."""
    workers: dict[str, list[float]] = {}
    for function, seconds in cold.values():
        workers.setdefault(function, []).append(seconds)
    return {
        function: max(0.0, (sum(each) - warm.get(function, 0.0)) / len(each))
        for function, each in workers.items()
    }


def bytes_of(row: Mapping[str, Any]) -> int:
    """A row's size as DynamoDB counts it: names and values, binary as raw bytes."""
    size = 0
    for name, typed in row.items():
        kind, value = next(iter(typed.items()))
        size += len(name.encode())
        size += _BYTES_OF_NUMBER if kind == "N" else len(_raw(value))
    return size


def _raw(value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def messages_of(lines: list[str]) -> int:
    """Messages that steps began: a line each, or a batch's line with its number."""
    started = [line for line in lines if '"step_started"' in line]
    counts = [_GATHERED.search(line) for line in started]
    return sum(int(count[1]) if count else 1 for count in counts)


def _mean_calls(walks: list[Walked]) -> dict[str, float]:
    kinds = {kind for walk in walks for kind in walk.http_calls}
    return {
        kind: sum(walk.http_calls.get(kind, 0) for walk in walks) / len(walks)
        for kind in sorted(kinds)
    }


def _placed(lines: list[dict[str, Any]], walks: list[Walked]) -> list[dict[str, Any]]:
    """The lines of the walks, each with how far its submission had come."""
    found = []
    for line in lines:
        for walk in walks:
            if walk.began_ms <= line["at"] <= walk.ended_ms:
                found.append(
                    {
                        **line,
                        "asked": line["at"] >= walk.asked_ms,
                        "accepted": line["at"] > walk.acknowledged_ms,
                    }
                )
                break
    return found

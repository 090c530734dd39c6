"""From what one case used to USD: pure arithmetic, every line named and priced."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bench.cost_meter import Observed, Use
from bench.prices import Prices
from bench.usage import RECORDS, Line

CASES = 1000
"""Sums are shown for this many cases."""
GB = 1_000_000_000
DOORS = frozenset(
    {"applicant_api", "staff_api", "public_api", "authorise", "partner_webhooks"}
)
"""Functions behind HTTPS."""
BEFORE_SUBMISSION = frozenset({"receive_material"})
"""A queue step of the draft: before there is a case."""
ARCHIVE = "archive_events"
MESSAGES_A_REQUEST = 10
"""The most that one request to a queue receives or deletes."""
CLOCKED = frozenset({"watch_deadlines", "seal_day"})
"""Run by the clock whether there are cases or not: idle cost."""
_UNITS_OF_A_ROW_READ = 0.5
"""Eventually consistent, up to 4 KB; the emulator reports none for batches."""
_KMS_SYMMETRIC = {"Decrypt", "GenerateDataKey", "Encrypt"}
_S3_PUTS = {"PutObject", "CopyObject", "ListObjectsV2", "PutObjectRetention"}
_S3_GETS = {"GetObject", "HeadObject", "PutObjectTagging"}
_SQS_SENDS = {"SendMessage", "SendMessageBatch"}


Calls = Mapping[tuple[str, str], float]
"""AWS calls per case by (function, service)."""


class Unpriced(RuntimeError):
    """A call that no line of the model prices: name it here before it is forgotten."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill: units per case, and USD per 1,000 cases."""

    name: str
    price: str
    units: float
    usd: float


@dataclass(frozen=True, slots=True)
class Bill:
    """The lines of one sum, the dearest first."""

    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        """USD per 1,000 cases."""
        return sum(item.usd for item in self.items)

    def share(self, *prices: str) -> float:
        """The part that these prices make up, 0 to 1."""
        part = sum(item.usd for item in self.items if item.price in prices)
        return part / self.usd if self.usd else 0.0

    def as_json(self) -> list[dict[str, Any]]:
        """Its lines for the evidence."""
        return [
            {
                "line": item.name,
                "price": item.price,
                "units_per_case": round(item.units, 6),
                "usd_per_1000": round(item.usd, 6),
            }
            for item in self.items
        ]


def bill(units: Mapping[tuple[str, str], float], prices: Prices) -> Bill:
    """Prices units per case, given by (line, price)."""
    items = [
        Item(name, price, amount, prices.of(price, amount) * CASES)
        for (name, price), amount in units.items()
        if amount
    ]
    return Bill(tuple(sorted(items, key=lambda item: -item.usd)))


def without_http(seen: Observed, prices: Prices) -> Bill:
    """From the accepted submission to the final state, behind the HTTPS doors.

    All of every queue step and of the relay; of the doors only the event rows and
    heads that people's and partners' answers become: they are facts of the case. Not
    in it: API requests, the doors' own time and reads, log lines.
    """
    units = _Units()
    steps = {
        name: use
        for name, use in seen.uses.items()
        if name not in DOORS | BEFORE_SUBMISSION | CLOCKED
    }
    lines = [line for line in seen.lines if line["function"] in steps]
    facts = [
        _records_only(line)
        for line in seen.lines
        if line["function"] in DOORS and line["accepted"] and line["write_units"]
    ]
    _add_calls(units, [*lines, *facts], seen.cases)
    _add_functions(units, steps, _calls(lines, seen.cases), prices)
    return bill(units.found, prices)


def with_full_batches(seen: Observed, batch_sizes: Mapping[str, int]) -> Observed:
    """The same work when every batch is full, as in a rush: the cheapest way.

    `batch_sizes` by function. What a function asks for once a batch gets rarer, and
    only that: an object of the archive, and PutEvents, which is charged by the event.
    """
    uses, lines = dict(seen.uses), seen.lines
    for name, size in batch_sizes.items():
        use = seen.uses.get(name)
        if use is None or not use.invocations:
            continue
        work = use.messages or _entries(name, seen)
        uses[name] = replace(use, invocations=work / size)
        if name == ARCHIVE:
            written = sum(_of_archive(line) for line in lines) / seen.cases
            rarer = work / size / written if written else 1.0
            lines = [
                {**line, "weight": rarer} if _of_archive(line) else line
                for line in lines
            ]
    return replace(seen, uses=uses, lines=lines)


def _entries(function: str, seen: Observed) -> float:
    """Events a case put on the bus: what the relay's batches are made of."""
    puts = [line for line in seen.lines if line["operation"] == "PutEvents"]
    mine = [int(line["count"]) for line in puts if line["function"] == function]
    return sum(mine) / seen.cases


def _of_archive(line: Line) -> bool:
    """An object of the archive: one for each batch."""
    return bool(line["function"] == ARCHIVE and line["api"] == "s3")


def queue_steps_only(seen: Observed, prices: Prices) -> Bill:
    """The line without HTTP less what the doors wrote: queue steps and the relay."""
    lines = [line for line in seen.lines if line["function"] not in DOORS]
    return without_http(replace(seen, lines=lines), prices)


def all_in(seen: Observed, prices: Prices) -> Bill:
    """The whole errand, from the first visit on: HTTP, log lines, bytes, a month's
    storage of what it leaves behind."""
    units = _Units()
    uses = {name: use for name, use in seen.uses.items() if name not in CLOCKED}
    lines = [line for line in seen.lines if line["function"] in uses]
    _add_calls(units, lines, seen.cases)
    _add_functions(units, uses, _calls(lines, seen.cases), prices)
    doors = sum(use.invocations for name, use in uses.items() if name in DOORS)
    requests = doors - uses["authorise"].invocations
    units.add("API requests, partners' callbacks too", "rest_api_request", requests)
    for kind, count in seen.http_calls.items():
        if kind.startswith("s3 "):
            price = "s3_get" if kind == "s3 GET" else "s3_put"
            units.add(f"client's own {kind}", price, count)
    overhead = prices.assumed["log_event_overhead_bytes"]
    logged = sum(use.log_bytes + use.log_lines * overhead for use in uses.values())
    units.add("log lines", "logs_gb", logged / GB)
    units.add("answers to clients", "data_out_gb", seen.http_bytes_out / GB)
    objects = sum(seen.object_bytes.values())
    rows = seen.row_bytes + seen.rows * prices.assumed["row_overhead_bytes"]
    units.add("objects, a month", "s3_gb_month", objects / GB)
    units.add("rows, a month", "dynamodb_gb_month", rows / GB)
    units.add("rows' recovery, a month", "dynamodb_recovery_gb_month", rows / GB)
    return bill(units.found, prices)


class _Units:
    """Units per case by (line, price)."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str], float] = defaultdict(float)

    def add(self, line: str, price: str, units: float) -> None:
        self.found[line, price] += units


def _add_calls(units: _Units, lines: Iterable[Line], cases: int) -> None:
    for line in lines:
        weight = line.get("weight", 1.0)
        for name, price, amount in priced(line):
            units.add(name, price, amount * weight / cases)


def priced(line: Line) -> list[tuple[str, str, float]]:
    """(line of the bill, price, units) of one metered call. Raises Unpriced."""
    api, operation = line["api"], line["operation"]
    if api == "dynamodb":
        reads = line["read_units"]
        if operation == "BatchGetItem":
            reads = line["count"] * _UNITS_OF_A_ROW_READ
        return [
            ("write units", "dynamodb_write_unit", line["write_units"]),
            ("read units", "dynamodb_read_unit", reads),
        ]
    if api == "events" and operation == "PutEvents":
        return [("events put on the bus", "eventbridge_event", line["count"])]
    price = _price_of(api, operation, line.get("algorithm", ""))
    return [(f"{api} {operation}", price, 1)]


def _price_of(api: str, operation: str, algorithm: str) -> str:
    if api == "kms" and operation in _KMS_SYMMETRIC:
        return "kms_symmetric"
    if api == "kms" and operation in {"Sign", "GetPublicKey"}:
        return "kms_rsa_2048" if algorithm.startswith("RSA") else "kms_other_asymmetric"
    if api == "s3" and operation in _S3_PUTS | _S3_GETS:
        return "s3_put" if operation in _S3_PUTS else "s3_get"
    if api == "sqs" and operation in _SQS_SENDS:
        return "sqs_request"
    if api == "secretsmanager" and operation == "GetSecretValue":
        return "secret_call"
    raise Unpriced(f"{api}.{operation}")


def _add_functions(
    units: _Units, uses: Mapping[str, Use], calls: Calls, prices: Prices
) -> None:
    for name, use in uses.items():
        waits = sum(
            number * prices.assumed[f"wait_ms_{api}"] / 1000
            for (function, api), number in calls.items()
            if function == name
        )
        units.add("invocations", "lambda_request", use.invocations)
        units.add("GB-seconds", "lambda_gb_second", gb_seconds(use, waits, prices))
        # The sender pays a message; Lambda's poller asks and deletes by tens at most.
        units.add("messages sent", "sqs_request", use.messages)
        tens = use.messages / MESSAGES_A_REQUEST
        batches = max(use.invocations, tens) if use.messages else 0.0
        units.add("batches received and deleted", "sqs_request", 2 * batches)
        # What a function sent itself is priced as its call already.
        by_hand = calls.get((name, "sqs"), 0.0)
        units.add("messages sent", "sqs_request", -by_hand)


def gb_seconds(use: Use, wait_seconds: float, prices: Prices) -> float:
    """GB-seconds per case.

    Work costs the same at any memory below one whole processor, since less memory is
    less processor for longer; waiting for AWS costs by memory; and a share of the
    invocations is cold and pays for its initialisation.
    """
    cold = use.invocations * prices.assumed["cold_share"] * use.init_cpu_seconds
    work = (use.cpu_seconds + cold) * prices.assumed["cpu_gb"]
    return work + wait_seconds * use.memory_mb / 1024


def _calls(lines: Iterable[Line], cases: int) -> Calls:
    found: dict[tuple[str, str], float] = defaultdict(float)
    for line in lines:
        found[line["function"], line["api"]] += 1 / cases
    return found


def _records_only(line: Line) -> Line:
    units = {
        name: units
        for name, units in line["units"].items()
        if name.partition("/")[0].endswith(RECORDS)
    }
    return {**line, "units": units, "write_units": sum(units.values())}

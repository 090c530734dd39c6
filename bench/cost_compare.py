"""The same case elsewhere, and how far this design carries: pure arithmetic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from bench.cost_meter import Observed
from bench.cost_model import ARCHIVE, CASES, Bill, without_http
from bench.prices import Prices
from bench.usage import RECORDS, Line

WAITS, RELAY = "advance_case", "publish_events"
"""What a workflow does itself, waiting for facts; and what brings events to the bus."""
CARRYING = ("eventbridge_event", "sqs_request")
"""Prices of what carries messages."""


@dataclass(frozen=True, slots=True)
class States:
    """States of a Standard workflow entered for one step of item 2, and why."""

    step: str
    entered: float
    why: str


def states_of_item_2(notices: float, retried_share: float) -> tuple[States, ...]:
    """The leanest workflow that does what item 2 does; each state entered is billed."""
    listed = (
        States("submit", 1, "Task"),
        States("pre_review", 2, "Task; Choice: faults or not"),
        States(
            "decide", 4, "Parallel; Task that waits for the officer's token; beside it "
            "Wait for the legal clock; Choice: approve or refuse",
        ),
        States("approve", 2, "Task; Choice: is a fee due"),
        States("collect_payment", 1, "Task that waits for the payment's token"),
        States("sign_licence", 1, "Task"),
        States("register_licence", 1, "Task"),
        States("dispatch_courier", 2, "Choice: by courier; Task: await delivery"),
        States("complete", 2, "Task; Succeed"),
        States("notify", notices, "a Task for each notice sent"),
    )  # fmt: skip
    tasks = sum(each.entered for each in listed)
    return (*listed, States("retries", tasks * retried_share, "each retry is billed"))


@dataclass(frozen=True, slots=True)
class Workflow:
    """Step Functions Standard for the same: USD per 1,000 cases."""

    states: tuple[States, ...]
    transitions_usd: float
    also_needed_usd: float

    @property
    def usd(self) -> float:
        """Transitions, and what its tasks still cost."""
        return self.transitions_usd + self.also_needed_usd


def step_functions(seen: Observed, prices: Prices) -> Workflow:
    """Transitions, plus our own line without HTTP less what a workflow does itself.

    Its tasks run the same functions and store the same facts: a workflow's history is
    kept for 90 days and is no audit trail. It needs no queue for a step and nobody who
    waits for facts; relay and bus stay where an archive takes every event.
    """
    states = states_of_item_2(
        seen.uses["notify"].messages, prices.assumed["retried_share"]
    )
    entered = sum(each.entered for each in states)
    dropped = {WAITS} if ARCHIVE in seen.uses else {WAITS, RELAY}
    uses = {
        name: use if name == ARCHIVE else replace(use, messages=0.0)
        for name, use in seen.uses.items()
        if name not in dropped
    }
    # The facts that advance_case stores are stored there as well, by its tasks.
    kept = without_http(replace(seen, uses=uses), prices)
    stored = prices.of("dynamodb_write_unit", _writes_of(WAITS, seen)) * CASES
    transitions = prices.of("step_functions_transition", entered) * CASES
    return Workflow(states, transitions, kept.usd + stored)


def _writes_of(function: str, seen: Observed) -> float:
    lines = [line for line in seen.lines if line["function"] == function]
    return float(sum(line["write_units"] for line in lines) / seen.cases)


@dataclass(frozen=True, slots=True)
class Containers:
    """From how many cases a month always-on containers are the cheaper."""

    usd_a_month: float
    break_even_cases: float
    break_even_cases_with_shared: float


def containers(everything: Bill, idle: Bill, prices: Prices) -> Containers:
    """Break-even against the whole line, and against what containers would replace.

    Containers replace functions, API requests, bus and queues; tables, keys, objects
    and logs cost the same there.
    """
    month = prices.usd["containers_month"]
    replaced = everything.usd * everything.share(
        "lambda_request", "lambda_gb_second", "rest_api_request", *CARRYING
    )
    return Containers(
        month,
        month / everything.usd * CASES,
        max(0.0, month - idle.usd) / replaced * CASES,
    )


@dataclass(frozen=True, slots=True)
class Limit:
    """What one table, index or key takes, in steps a second."""

    name: str
    units_a_step: float
    units_a_second: float
    steps_a_second: float
    sum: str


def ceiling(
    lines: Iterable[Line], steps: int, prices: Prices, shards: Mapping[str, int]
) -> list[Limit]:
    """Limits of the records table and its indexes, the tightest first.

    `steps` are the transactions on records that `lines` hold. Each index of a fresh
    table has partitions of its own. A sharded key takes one partition's units a shard
    at best; at worst all its shards lie on one partition until it splits.
    """
    fresh = prices.assumed["fresh_table_write_units"]
    partition = prices.assumed["partition_write_units"]
    found: list[Limit] = []
    for name, total in sorted(_by_part(lines).items()):
        a_step = total / steps
        found.append(_limit(f"{name}, spread", a_step, fresh))
        if name in shards:
            spread = min(fresh, partition * shards[name])
            found.append(_limit(f"{name}, {shards[name]} shards apart", a_step, spread))
            found.append(_limit(f"{name}, shards on one partition", a_step, partition))
    return sorted(found, key=lambda limit: limit.steps_a_second)


def _limit(name: str, units_a_step: float, units_a_second: float) -> Limit:
    rate = units_a_second / units_a_step
    arithmetic = f"{units_a_second:,.0f} / {units_a_step:.2f} = {rate:,.0f}"
    return Limit(name, units_a_step, units_a_second, rate, arithmetic)


def _by_part(lines: Iterable[Line]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for line in lines:
        if line["write_units"]:
            for name, units in line["units"].items():
                table, _, index = name.partition("/")
                if table.endswith(RECORDS):
                    found[f"records/{index}" if index else "records"] += units
    return dict(found)

"""What the stack costs in a month in which nobody applies: counted in the templates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.cost_model import Bill, Item
from bench.prices import Prices
from infra.local.deploy import TemplateLoader
from infra.local.home import ROOT

NESTED = "AWS::CloudFormation::Stack"
FUNCTION = "AWS::Serverless::Function"
POLLED = {"SQS", "DynamoDB"}
"""Event sources that hand over batches."""
COUNTED = {
    "AWS::CloudWatch::Alarm": "alarms",
    "AWS::KMS::Key": "keys",
    "AWS::SecretsManager::Secret": "secrets",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the cloud, traffic or none; the conditions are those of a cloud.

    `batch_sizes` by function, the most it takes at once; `ticks_a_month` by function,
    what its schedules invoke.
    """

    polled_queues: int
    batch_sizes: Mapping[str, int]
    alarms: int
    keys: int
    secrets: int
    ticks_a_month: Mapping[str, float]


def standing(hours_a_month: float, template: Path = ROOT / "template.yaml") -> Standing:
    """Counts a template and the stacks that it nests."""
    counts: Counter[str] = Counter()
    ticks: dict[str, float] = {}
    sizes: dict[str, int] = {}
    queues = 0
    for resource in _resources(template).values():
        if resource["Type"] == NESTED:
            inner = template.parent / resource["Properties"]["TemplateURL"]
            counts += Counter(each["Type"] for each in _resources(inner).values())
            continue
        counts[resource["Type"]] += 1
        if resource["Type"] != FUNCTION:
            continue
        properties = resource["Properties"]
        name = str(properties["Handler"]).partition(".")[0]
        for event in properties.get("Events", {}).values():
            if event["Type"] in POLLED:
                sizes[name] = event["Properties"]["BatchSize"]
            queues += event["Type"] == "SQS"
            if event["Type"] in {"Schedule", "ScheduleV2"}:
                times = _times_a_month(_schedule(event), hours_a_month)
                ticks[name] = ticks.get(name, 0.0) + times
    named = {short: counts[kind] for kind, short in COUNTED.items()}
    return Standing(
        polled_queues=queues, batch_sizes=sizes, ticks_a_month=ticks, **named
    )


def idle_bill(
    found: Standing, tick: Mapping[str, float], prices: Prices, *, fixed_address: bool
) -> Bill:
    """USD a month. `tick` is one watch_deadlines run: units by the price's name."""
    assumed, hours = prices.assumed, prices.assumed["hours_a_month"]
    polls = hours * 3600 / assumed["poll_seconds"] * assumed["pollers_a_queue"]
    units: dict[tuple[str, str], float] = {
        ("long polls of empty queues", "sqs_request"): found.polled_queues * polls,
        ("alarms", "alarm_month"): found.alarms,
        ("keys", "kms_key_month"): found.keys,
        ("secrets", "secret_month"): found.secrets,
    }
    minutes = found.ticks_a_month.get("watch_deadlines", 0.0)
    for price, amount in tick.items():
        units["the watchdog's ticks", price] = minutes * amount
    others = sum(found.ticks_a_month.values()) - minutes
    units["other schedules", "lambda_request"] = others
    if fixed_address:
        units["fixed egress address: NAT gateway", "nat_gateway_hour"] = hours
        units["fixed egress address: public IPv4", "public_address_hour"] = hours
    items = [
        Item(name, price, amount, prices.of(price, amount))
        for (name, price), amount in units.items()
        if amount
    ]
    return Bill(tuple(sorted(items, key=lambda item: -item.usd)))


def _resources(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    content = yaml.load(text, Loader=TemplateLoader)  # noqa: S506  (a safe loader)
    found: dict[str, Any] = content["Resources"]
    return found


def _schedule(event: Mapping[str, Any]) -> str:
    properties = event["Properties"]
    return str(properties.get("Schedule") or properties["ScheduleExpression"])


def _times_a_month(schedule: str, hours: float) -> float:
    """`rate(1 minute)` and daily `cron(...)` are all that the template has."""
    kind, _, rest = schedule.partition("(")
    if kind == "rate":
        number, unit = rest.rstrip(")").split()
        minutes = {"minute": 1, "hour": 60, "day": 1440}[unit.rstrip("s")]
        return hours * 60 / (int(number) * minutes)
    minute, hour, *_ = rest.split()
    if not (minute.isdigit() and hour.isdigit()):
        raise ValueError(f"not once a day: {schedule}")
    return hours / 24

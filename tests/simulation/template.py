"""What the deployed template says of each function: its trigger, limits and rule.

Read from `template.yaml` itself, so that the simulated cloud cannot drift from it.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.template import application

MAX_RECEIVES = 5
"""`infra/stacks/queue.yaml`; a template test holds it to the product's constant."""


@dataclass(frozen=True)
class QueueFunction:
    """A step: its queue's settings, its function's, and what the bus sends it."""

    name: str
    timeout_seconds: int
    visibility_seconds: int
    batch_size: int
    window_seconds: int
    pattern: Mapping[str, Any] | None
    grouped: bool
    """Whether the rule gives each message its organisation as message group."""


@functools.cache
def queue_functions() -> dict[str, QueueFunction]:
    """Every function that reads a queue."""
    found = {}
    queues = application.nested("queue.yaml")
    for function in application.functions():
        if function.queue is None:
            continue
        (source,) = function.events("SQS")
        found[function.name] = QueueFunction(
            name=function.name,
            timeout_seconds=_number(function.properties["Timeout"]),
            visibility_seconds=_number(queues[function.queue]["VisibilitySeconds"]),
            batch_size=_number(source.get("BatchSize", 10)),
            window_seconds=_number(source.get("MaximumBatchingWindowInSeconds", 0)),
            pattern=_rule_of(function.queue)[0],
            grouped=_rule_of(function.queue)[1],
        )
    return found


@functools.cache
def timeout_seconds(function: str) -> int:
    """The time-out of any function."""
    for each in application.functions():
        if each.name == function:
            return int(each.properties["Timeout"])
    raise LookupError(function)


def _number(value: Any) -> int:
    """A number, or the default of the parameter that stands for it."""
    if isinstance(value, dict):
        value = application.parameter(value["Ref"])
    return int(value)


def _rule_of(queue: str) -> tuple[Mapping[str, Any] | None, bool]:
    """The pattern of the rule that sends there, and whether it sets the group."""
    for rule in application.resources("AWS::Events::Rule").values():
        for target in rule["Properties"]["Targets"]:
            if target["Arn"] == {"Fn::GetAtt": [queue, "Outputs.Arn"]}:
                group = target.get("SqsParameters", {}).get("MessageGroupId")
                by_organisation = group == "$.detail.data.organisation"
                return rule["Properties"]["EventPattern"], by_organisation
    return None, False


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """EventBridge's matching, as far as our rules use it: exact values, prefixes."""
    for name, wanted in pattern.items():
        value = event.get(name)
        if isinstance(wanted, Mapping):
            if not isinstance(value, Mapping) or not matches(wanted, value):
                return False
        elif not any(_fits(each, value) for each in wanted):
            return False
    return True


def _fits(wanted: Any, value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_fits(wanted, each) for each in value)
    if isinstance(wanted, Mapping):
        if set(wanted) != {"prefix"}:
            raise LookupError(f"a rule uses {sorted(wanted)}: teach it here")
        return isinstance(value, str) and value.startswith(wanted["prefix"])
    return bool(wanted == value)

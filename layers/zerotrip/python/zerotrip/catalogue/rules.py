"""The rules of an item before it is published: readable, bounded, and tried. Pure.

A rule is a check's, or the condition of a material. What cannot be read, could loop too
long, or does not run on the example is refused; at run time it would send every case
to an officer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from zerotrip.catalogue import checks
from zerotrip.catalogue.applicants import facts_of_form
from zerotrip.catalogue.model import Item, Material
from zerotrip.kernel.errors import Fault

if TYPE_CHECKING:
    from zerotrip.catalogue.authoring import Example


def rules_of(item: Item) -> Iterator[tuple[str, str, str]]:
    """Each rule: its pointer, the code of its check or material, its text."""
    for position, check in enumerate(item.checks):
        yield f"/checks/{position}/rule", check.code, check.rule
    for position, material in enumerate(item.materials):
        if material.when is not None:
            yield f"/materials/{position}/when", material.code, material.when


def rule_faults(item: Item) -> Iterator[Fault]:
    """Rules that do not parse, or that are too large or loop too deep to be run."""
    for path, code, rule in rules_of(item):
        problem = checks.rule_problem(rule)
        if problem is not None:
            yield Fault(
                path,
                "rule_unreadable",
                f"规则{code}无法解析。",
                f"The rule {code} does not parse: {problem}",
            )
            continue
        problem = checks.rule_bounds(rule)
        if problem is not None:
            yield Fault(
                path,
                "rule_unbounded",
                f"规则{code}过长或者循环嵌套过深。",
                f"The rule {code} is too long or loops too deep: {problem}",
            )


def broken_rules(item: Item, example: Example, today: date) -> Iterator[Fault]:
    """Rules that do not run on the example: a missing field, a division by zero."""
    outcome = _tried(item, example, today)
    broken = set(outcome.broken)
    for path, code, rule in rules_of(item):
        condition = path.startswith("/materials")
        if (condition and holds(rule, example.form) is None) or (
            not condition and code in broken
        ):
            yield Fault(
                path,
                "rule_broken",
                f"规则{code}在示例上无法运行（字段缺失、类型不符或者除以零）。",
                f"The rule {code} does not run on the example: a field that is not "
                "there, a type that does not fit, or a division by zero.",
            )


def failed_on_example(item: Item, example: Example, today: date) -> tuple[Fault, ...]:
    """What the item's own rules say is wrong with its example."""
    return _tried(item, example, today).failed


def _tried(item: Item, example: Example, today: date) -> checks.CheckOutcome:
    return checks.failed_checks(
        item,
        example.form,
        example.materials,
        today.isoformat(),
        applicant=facts_of_form(item, example.form, today),
    )


def holds(condition: str, form: Mapping[str, Any]) -> bool | None:
    """Whether a material's condition is true of the form; None when it cannot run."""
    try:
        return checks.condition_holds(condition, form)
    except checks.RuleBroken:
        return None


def is_asked(material: Material, form: Mapping[str, Any]) -> bool:
    """Whether an applicant with this form has to hand the material in as a file."""
    if not material.required or material.source != "upload":
        return False
    return material.when is None or holds(material.when, form) is True

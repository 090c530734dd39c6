"""The checks of pre-review: CEL rules over form, materials and the legal day. Pure.

CEL has no loops without end, no side effects and no clock. A rule sees three names,
`form`, `materials` (code to `{type, size_bytes, sha256}`) and `today` (`YYYY-MM-DD`),
and one function beyond the language's own, `add_months(date, months)`.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from zerotrip.catalogue.model import Check, Item
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What pre-review found: defects to tell, and codes of rules that could not run.

    A broken rule is nobody's fault but ours: the case waits for an officer.
    """

    failed: tuple[Fault, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule ran and held."""
        return not self.failed and not self.broken


class RuleBroken(Exception):
    """A rule does not parse, does not run, or answers neither true nor false."""


def failed_checks(
    item: Item,
    form: Mapping[str, Any],
    materials: Mapping[str, Mapping[str, Any]],
    today: str,
) -> CheckOutcome:
    """Runs all the item's checks, in their order, whatever the first ones say."""
    failed: list[Fault] = []
    broken: list[str] = []
    variables = {"form": form, "materials": materials, "today": today}
    for check in item.checks:
        try:
            holds = _holds(check.rule, variables)
        except RuleBroken:
            broken.append(check.code)
            continue
        if not holds:
            failed.append(_fault(check))
    return CheckOutcome(tuple(failed), tuple(broken))


def rule_problem(rule: str) -> str | None:
    """Why the rule does not parse, in the library's words, or None when it does."""
    try:
        _program(rule)
    except RuleBroken as problem:
        return str(problem)
    return None


def add_months(day: str, months: int) -> str:
    """The same day that many months later, or the month's last one.

    Raises ValueError for what is no date; its sentence never repeats the input, since
    the CEL library logs it.
    """
    try:
        return times.add_months(date.fromisoformat(day), int(months)).isoformat()
    except (ValueError, TypeError, OverflowError):
        raise ValueError("add_months needs a date and a number of months") from None


def _fault(check: Check) -> Fault:
    return Fault(
        check.path,
        check.code,
        check.message.zh + check.remedy.zh,
        f"{check.message.en} {check.remedy.en}",
    )


def _holds(rule: str, variables: Mapping[str, Any]) -> bool:
    program = _program(rule)
    context = _cel().Context(dict(variables), {"add_months": add_months})
    try:
        answer = program.execute(context)
    except BaseException as error:
        if not _is_the_rules_fault(error):
            raise
        # The library's words may quote the form: only the kind of error goes on.
        raise RuleBroken(type(error).__name__) from None
    if not isinstance(answer, bool):
        raise RuleBroken("not_boolean")
    return answer


@functools.lru_cache(maxsize=4096)
def _program(rule: str) -> Any:
    # Cached by the rule's own text, which an item's digest covers.
    try:
        return _cel().compile(rule)
    except BaseException as error:
        if not _is_the_rules_fault(error):
            raise
        raise RuleBroken(str(error)) from None


def _is_the_rules_fault(error: BaseException) -> bool:
    # A panic of the Rust library is a BaseException of its own; ours to survive.
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"


_LOADING = threading.Lock()
"""The module may be made once in a process: a second time it panics."""


@functools.cache
def _cel() -> Any:
    """The compiled module of `common-expression-language` alone.

    Its package imports a terminal application besides (typer, rich, prompt_toolkit:
    about 310 of 335 ms), which no function needs.
    """
    name = "cel.cel"
    with _LOADING:
        if name in sys.modules:
            return sys.modules[name]
        package = find_spec("cel")
        if package is None or package.submodule_search_locations is None:
            raise ModuleNotFoundError("common-expression-language is not installed")
        spec = PathFinder.find_spec(name, package.submodule_search_locations)
        if spec is None or spec.loader is None:
            raise ModuleNotFoundError(name)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
        return module

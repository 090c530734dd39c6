"""The checks of pre-review: CEL rules over form, materials and the legal day. Pure.

CEL has no loops without end, no side effects and no clock. A rule sees five names,
`form`, `materials` (code to `{type, size_bytes, sha256}`), `licences` (type code to
`{valid_from, valid_until}`), `applicant` (`applicants.FACTS`) and `today`
(`YYYY-MM-DD`), and one function beyond the language's own, `add_months(date, months)`.

What a rule may cost is bounded twice: `rule_bounds` looks at its text, before it is
published and before it is run; `CPU_SECONDS` is what one run may take.
"""

from __future__ import annotations

import functools
import re
import sys
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

from zerotrip.catalogue.model import Check, Item
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault

CPU_SECONDS = 0.05
"""What one rule may take over one form. A real one takes a ten-thousandth of it."""
LONGEST_RULE = 2000
MOST_MACROS = 8
MOST_LISTS = 2
"""Macros whose answer is a list: in a chain, each may make it many times larger."""
DEEPEST_MACROS = 2
MOST_TURNS = 20_000
"""Of a rule's innermost macro, by the longest list that it is shown: about 6 ms."""
ALL_SECONDS = 1.0
"""What all rules of an item may take over one form: a step has 15 s for its case."""

# Strings and comments hold no macros; a doubled quote is no end of a triple one.
_SILENT = re.compile(
    r"""'{3}.*?'{3}|"{3}.*?"{3}|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|//[^\n]*""",
    re.DOTALL,
)
_MACRO = re.compile(
    r"\.\s*(all|exists|exists_one|existsOne|filter|map|sortBy|transform\w*)\s*\("
)
_ANSWERS_BOOLEAN = frozenset({"all", "exists", "exists_one", "existsOne"})
_RAW = re.compile(r"""(?:^|[^A-Za-z0-9_])(?:[rR][bB]?|[bB][rR])['"]""")


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """What pre-review found: rules that failed, and codes of those that could not run.

    `not_acceptable` names the failed ones that are a ground not to accept; the others
    are defects to mend. A broken rule is nobody's fault but ours: the case waits for
    an officer.
    """

    failed: tuple[Fault, ...] = ()
    broken: tuple[str, ...] = ()
    not_acceptable: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every rule ran and held."""
        return not self.failed and not self.broken


class RuleBroken(Exception):
    """A rule does not parse, does not run, costs too much, or answers no boolean."""


def failed_checks(
    item: Item,
    form: Mapping[str, Any],
    materials: Mapping[str, Mapping[str, Any]],
    today: str,
    *,
    applicant: Mapping[str, Any] | None = None,
    postponed: Collection[str] = (),
) -> CheckOutcome:
    """Runs the item's checks, in their order, whatever the first ones say.

    `applicant` are facts of who applies (`applicants.facts`): a rule that reads one
    that is not known is broken, unless it asks with `has`. `postponed` are materials
    that are to follow: what speaks of one of them waits.
    """
    failed: list[Fault] = []
    broken: list[str] = []
    not_acceptable: list[str] = []
    run = _Run(
        form=form,
        materials=materials,
        licences=licences_among(item, materials),
        applicant=applicant or {},
        today=today,
    )
    waiting = {f"/materials/{code}" for code in postponed}
    for check in item.checks:
        if check.path in waiting:
            continue
        try:
            holds = run.holds(check.rule)
        except RuleBroken:
            broken.append(check.code)
            continue
        if holds:
            continue
        failed.append(_fault(check))
        if check.on_failure == "not_acceptable":
            not_acceptable.append(check.code)
    return CheckOutcome(tuple(failed), tuple(broken), tuple(not_acceptable))


def licences_among(
    item: Item, materials: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, str | None]]:
    """Licences of the register among what was handed in, by their type code.

    Both days are `YYYY-MM-DD`, or None: no beginning was noted, no end.
    """
    return {
        material.licence_type: {
            name: materials[material.code].get(name)
            for name in ("valid_from", "valid_until")
        }
        for material in item.materials
        if material.licence_type is not None
        and materials.get(material.code, {}).get("source") == "licence"
    }


def condition_holds(rule: str, form: Mapping[str, Any]) -> bool:
    """Whether a material's `when` is true of the form. Raises RuleBroken."""
    return _Run(form=form).holds(rule)


def rule_bounds(rule: str) -> str | None:
    """Why the rule may cost too much, or None: its length, and its macros.

    A macro goes through a list; one inside another, again and again.
    """
    if len(rule) > LONGEST_RULE:
        return f"longer than {LONGEST_RULE} characters"
    if _RAW.search(rule):
        return "a raw string or bytes: where it ends cannot be told"
    text = _SILENT.sub("''", rule)
    names = _MACRO.findall(text)
    if len(names) > MOST_MACROS:
        return f"more than {MOST_MACROS} macros"
    if sum(name not in _ANSWERS_BOOLEAN for name in names) > MOST_LISTS:
        return f"more than {MOST_LISTS} macros that make a list"
    if _depth(text) > DEEPEST_MACROS:
        return f"macros more than {DEEPEST_MACROS} deep"
    return None


def rule_problem(rule: str) -> str | None:
    """Why the rule does not parse, in the library's words, or None when it does."""
    try:
        _compiled(rule)
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


class _Run:
    """The rules of one form: what they see, and how much time is left for them."""

    def __init__(self, **variables: Any) -> None:
        self._variables = variables
        self._longest = _longest(variables)
        self._left = ALL_SECONDS
        self._context: Any = None

    def holds(self, rule: str) -> bool:
        """What the rule answers. Raises RuleBroken, in words that quote no form."""
        program, depth = _program(rule)
        if self._longest**depth > MOST_TURNS:
            raise RuleBroken("list_too_long")
        if self._left <= 0:
            raise RuleBroken("no_time_left")
        # The thread's own CPU time: what else the machine does is no fault of the rule.
        began = time.thread_time()
        try:
            if self._context is None:
                # Made once: turning the form into the library's values costs ten times
                # what a rule does, and a rule changes nothing.
                self._context = _cel().Context(
                    dict(self._variables), {"add_months": add_months}
                )
            answer = program.execute(self._context)
        except BaseException as error:
            if not _is_the_rules_fault(error):
                raise
            # The library's words may quote the form: only the kind of error goes on.
            raise RuleBroken(type(error).__name__) from None
        finally:
            took = time.thread_time() - began
            self._left -= took
        if took > CPU_SECONDS:
            raise RuleBroken("too_long")
        if not isinstance(answer, bool):
            raise RuleBroken("not_boolean")
        return answer


def _longest(value: Any) -> int:
    """The number of entries of the longest list or map anywhere in it."""
    if isinstance(value, Mapping):
        return max(len(value), *map(_longest, value.values()), 0)
    if isinstance(value, list | tuple):
        return max(len(value), *map(_longest, value), 0)
    return 0


def _depth(text: str) -> int:
    """How deep macros stand in one another."""
    opens = {match.end() - 1 for match in _MACRO.finditer(text)}
    brackets: list[bool] = []  # each open one: whether it is a macro's
    deepest = 0
    for place, character in enumerate(text):
        if character in "([{":
            brackets.append(place in opens)
            deepest = max(deepest, sum(brackets))
        elif character in ")]}" and brackets:
            brackets.pop()
    return deepest


@functools.lru_cache(maxsize=4096)
def _program(rule: str) -> tuple[Any, int]:
    # Cached by the rule's own text, which an item's digest covers. A published item is
    # not checked again: a rule from before these bounds is refused here.
    problem = rule_bounds(rule)
    if problem is not None:
        raise RuleBroken(problem)
    return _compiled(rule), _depth(_SILENT.sub("''", rule))


def _compiled(rule: str) -> Any:
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

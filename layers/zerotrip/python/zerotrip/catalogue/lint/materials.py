"""Materials and checks: sources that exist, conditions that can be, law when due."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from zerotrip.catalogue.checks import rule_problem
from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import leaves, steps
from zerotrip.catalogue.rule_text import names_of
from zerotrip.catalogue.rules import holds

MOST_FORMS = 4096
"""So many forms are tried before a condition is let be."""
_ABSENT = object()


def source_without_code(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A material comes from register or provider, and no code says which."""
    for position, material in enumerate(item.materials):
        if material.source == "licence" and material.licence_type is None:
            yield Finding(
                f"/materials/{position}",
                "source_without_code",
                f"材料{material.code}来自电子证照，须写明licence_type。",
                f"The material {material.code} is a licence: give its licence_type.",
            )
        if material.source == "shared" and material.shared is None:
            yield Finding(
                f"/materials/{position}",
                "source_without_code",
                f"材料{material.code}来自共享目录，须写明shared代码。",
                f"The material {material.code} is shared: give its code in shared.",
            )


def source_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The code of a source names no licence of the catalogue, no shared material."""
    types = around.licence_types(item)
    for position, material in enumerate(item.materials):
        if material.licence_type is not None and material.licence_type not in types:
            yield Finding(
                f"/materials/{position}/licence_type",
                "source_unknown",
                f"目录中没有证照类型{material.licence_type}。",
                f"No item of the catalogue issues {material.licence_type}.",
            )
        if material.shared is not None and material.shared not in around.shared:
            yield Finding(
                f"/materials/{position}/shared",
                "source_unknown",
                f"证明材料共享目录中没有{material.shared}。",
                f"There is no shared material {material.shared}.",
            )


def source_idle(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A code is given of a source that the material does not come from."""
    for position, material in enumerate(item.materials):
        for name, source in (("licence_type", "licence"), ("shared", "shared")):
            if getattr(material, name) is not None and material.source != source:
                yield Finding(
                    f"/materials/{position}/{name}",
                    "source_idle",
                    f"材料{material.code}的source不是{source}，{name}不起作用。",
                    f"{name} does nothing: the material's source is not {source}.",
                )


def condition_unreadable(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A material's condition does not parse."""
    for position, material in enumerate(item.materials):
        problem = rule_problem(material.when) if material.when else None
        if problem is not None:
            yield Finding(
                f"/materials/{position}/when",
                "condition_unreadable",
                f"材料{material.code}的条件无法解析。",
                f"The condition of {material.code} does not parse: {problem}",
            )


def condition_never_true(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A material's condition is true of no form: the material is never asked for.

    Decided where the condition reads options and yes-or-no fields only.
    """
    for position, material in enumerate(item.materials):
        if material.when is None or rule_problem(material.when) is not None:
            continue
        if _can_be_true(item, material.when) is False:
            yield Finding(
                f"/materials/{position}/when",
                "condition_never_true",
                f"材料{material.code}的条件永远不成立，该材料不会被要求。",
                f"The condition of {material.code} is never true: it is never asked.",
            )


def not_acceptable_without_basis(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A check refuses acceptance, and no law is named for it."""
    for position, check in enumerate(item.checks):
        if check.on_failure == "not_acceptable" and check.legal_basis is None:
            yield Finding(
                f"/checks/{position}",
                "not_acceptable_without_basis",
                f"规则{check.code}导致不予受理，须写明legal_basis。",
                f"The check {check.code} refuses acceptance: name its legal_basis.",
            )


def _can_be_true(item: Item, condition: str) -> bool | None:
    """Whether some form makes it true; None when that cannot be decided here."""
    names = names_of(condition)
    if names.others or names.applicant:
        return None
    known = {path: (schema, always) for path, schema, always in leaves(item.form)}
    choices: list[list[tuple[str, Any]]] = []
    count = 1
    for path in sorted(names.fields):
        if path not in known:
            return None
        options = _options(*known[path])
        if options is None:
            return None
        count *= len(options)
        if count > MOST_FORMS:
            return None
        choices.append([(path, option) for option in options])
    return any(
        holds(condition, _form(answers)) is True
        for answers in itertools.product(*choices)
    )


def _options(schema: Mapping[str, Any], always: bool) -> list[Any] | None:
    """Every answer that the field takes, or None when they are not few."""
    if "const" in schema:
        found = [schema["const"]]
    elif isinstance(schema.get("enum"), list):
        found = list(schema["enum"])
    elif schema.get("type") == "boolean":
        found = [True, False]
    else:
        return None
    return found if always else [*found, _ABSENT]


def _form(answers: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    form: dict[str, Any] = {}
    for path, answer in answers:
        *parents, last = steps(path)
        inside = form
        for token in parents:
            inside = inside.setdefault(token, {})
        if answer is not _ABSENT:
            inside[last] = answer
    return form

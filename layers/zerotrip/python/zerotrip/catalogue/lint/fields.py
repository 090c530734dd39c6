"""Fields of the form: each is used, each is bound as its element says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from zerotrip.catalogue.consistency import applicant_paths
from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import leaves, schema_at
from zerotrip.catalogue.rule_text import names_of
from zerotrip.catalogue.rules import rules_of

LAYOUT_NAMES = frozenset(
    {
        *("licence_id", "title", "issuer", "decided_at", "verification_url", "number"),
        *("dates", "fields", "notes", "accent", "sample", "qr_svg"),
    }
)
"""What a layout is given (`licences.rendering.CertificateData`, and the QR code)."""


def form_field_unused(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A field that nothing shows, checks, prints or reads is not to be collected."""
    used = set(_used(item))
    for path, schema, _ in leaves(item.form):
        if "x-element" not in schema and not _is_used(path, used):
            yield Finding(
                f"/form{_schema_path(item.form, path)}",
                "form_field_unused",
                f"字段{path}没有任何用途，不应收集。",
                f"Nothing uses the field {path}: it must not be collected.",
            )


def element_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:
    """A field is bound to a data element that there is not."""
    for path, code in _bound(item):
        if code not in around.elements:
            yield Finding(
                f"/form{_schema_path(item.form, path)}/x-element",
                "element_unknown",
                f"没有代码为{code}的共享数据元素。",
                f"There is no shared data element {code}.",
            )


def element_differs(item: Item, around: Surroundings) -> Iterator[Finding]:
    """A bound field says otherwise than its element: answers would not fit."""
    for path, code in _bound(item):
        element = around.elements.get(code)
        if element is None:
            continue
        said = schema_at(item.form, path) or {}
        wrong = sorted(
            word for word, value in element.form.items() if said.get(word) != value
        )
        if wrong:
            words = ", ".join(wrong)
            yield Finding(
                f"/form{_schema_path(item.form, path)}",
                "element_differs",
                f"字段{path}的{words}与共享数据元素{code}不一致。",
                f"The field {path} says another {words} than the element {code}.",
            )


def licence_field_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """The licence names a field that the form does not have."""
    for place, path in _licence_paths(item):
        if schema_at(item.form, path) is None:
            yield Finding(
                place,
                "licence_field_unknown",
                f"证照引用了表单中没有的字段{path}。",
                f"The licence names {path}, which the form does not have.",
            )


def licence_field_optional(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """The licence prints a field that may be left empty: signing would stop there."""
    always = {path for path, _, required in leaves(item.form) if required}
    known = {path for path, _, _ in leaves(item.form)}
    for place, path in _licence_paths(item):
        if path in known and path not in always:
            yield Finding(
                place,
                "licence_field_optional",
                f"证照须印的字段{path}在表单中可以不填。",
                f"The licence prints {path}, which the form lets be empty.",
                "warning",
            )


def layout_name_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The layout's text names something that no licence gives it."""
    text = around.layouts.get(item.licence.layout, "")
    named = re.findall(r"\bd\.(?!at\b)([a-z_]+)|\bd\.at\(\"([^\"]+)\"", text)
    for name in sorted({one or other for one, other in named} - LAYOUT_NAMES):
        yield Finding(
            "/licence/layout",
            "layout_name_unknown",
            f"版式{item.licence.layout}引用了没有的内容{name}。",
            f"The layout {item.licence.layout} names {name}, which there is not.",
        )


def _used(item: Item) -> Iterator[str]:
    for section in item.sections:
        yield from section.fields
    for check in item.checks:
        if check.path.startswith("/form/"):
            yield check.path.removeprefix("/form")
    for _, _, rule in rules_of(item):
        yield from names_of(rule).fields
    yield from (path for _, path in _licence_paths(item))
    yield from (path for _, path in applicant_paths(item))
    if item.addressee_path is not None:
        yield item.addressee_path


def _is_used(path: str, used: set[str]) -> bool:
    return any(
        path == each or path.startswith(each + "/") or each.startswith(path + "/")
        for each in used
        if each
    )


def _licence_paths(item: Item) -> Iterator[tuple[str, str]]:
    yield "/licence/holder_path", item.licence.holder_path
    yield "/licence/holder_number_path", item.licence.holder_number_path
    for position, field in enumerate(item.licence.fields):
        if field.path is not None:
            yield f"/licence/fields/{position}/path", field.path


def _bound(item: Item) -> Iterator[tuple[str, str]]:
    for path, schema, _ in leaves(item.form):
        if "x-element" in schema:
            yield path, str(schema["x-element"])


def _schema_path(form: Mapping[str, Any], path: str) -> str:
    """Where the field stands in the schema, if it does so by `properties` alone."""
    place = ""
    schema: Any = form
    for token in path[1:].split("/"):
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        if token not in properties:
            break
        place += f"/properties/{token}"
        schema = properties[token]
    return place

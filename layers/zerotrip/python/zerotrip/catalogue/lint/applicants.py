"""Who applies: proven well enough, named by bound fields, read by rules as it is."""

from __future__ import annotations

from collections.abc import Iterator

from zerotrip.catalogue.applicants import FACTS
from zerotrip.catalogue.consistency import applicant_paths
from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import schema_at, steps
from zerotrip.catalogue.rule_text import names_of
from zerotrip.catalogue.rules import rules_of
from zerotrip.identity.model import Level

ELEMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "person": {
        "/applicant/name_path": ("person.name",),
        "/applicant/number_path": ("person.citizen_number", "person.identity_number"),
        "/applicant/telephone_path": ("person.telephone",),
    },
    "company": {
        "/applicant/name_path": ("company.name",),
        "/applicant/number_path": ("company.uscc",),
        "/applicant/telephone_path": ("company.telephone",),
        "/applicant/representative_path": ("company.legal_representative",),
    },
}
"""By audience: the shared data elements that say who the applicant is."""


def identity_level_too_low_for_rule(
    item: Item,
    around: Surroundings,  # noqa: ARG001
) -> Iterator[Finding]:
    """An item is decided by rule below `present`: identity is a claim at best."""
    if item.route.decided_by == "rule" and _below_present(item):
        yield Finding(
            "/identity_level",
            "identity_level_too_low_for_rule",
            "由系统按规则决定的事项，identity_level不得低于present（实人认证）。",
            "An item that is decided by rule needs the identity_level present.",
        )


def identity_level_too_low_for_sources(
    item: Item,
    around: Surroundings,  # noqa: ARG001
) -> Iterator[Finding]:
    """Registers and providers are asked about an applicant below `present`."""
    if not _below_present(item):
        return
    for position, material in enumerate(item.materials):
        if _is_looked_up(material.source):
            yield Finding(
                f"/materials/{position}/source",
                "identity_level_too_low_for_sources",
                f"材料{material.code}由系统调取，identity_level不得低于present"
                "（实人认证）。",
                f"The material {material.code} is looked up: that needs the "
                "identity_level present.",
            )


def licence_waits_for_presence(
    item: Item,
    around: Surroundings,  # noqa: ARG001
) -> Iterator[Finding]:
    """One may apply below `present`, but no licence is issued before it is reached."""
    looked_up = any(_is_looked_up(each.source) for each in item.materials)
    if _below_present(item) and item.route.decided_by != "rule" and not looked_up:
        yield Finding(
            "/identity_level",
            "licence_waits_for_presence",
            "identity_level低于present：申请人完成实人认证后才签发证照。",
            "Below present: the licence is issued once the applicant has reached it.",
            "warning",
        )


def applicant_field_unbound(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A field that says who applies is not bound to the element that says so.

    What the identity provider answered can only be held against a bound field.
    """
    elements = ELEMENTS[item.audience]
    for place, path in applicant_paths(item):
        schema = schema_at(item.form, path)
        wanted = elements.get(place)
        if schema is None or wanted is None or schema.get("x-element") in wanted:
            continue
        yield Finding(
            place,
            "applicant_field_unbound",
            f"字段{path}应以x-element绑定{'或者'.join(wanted)}。",
            f"Bind the field {path} by x-element to {' or '.join(wanted)}.",
        )


def representative_of_person(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A legal representative is named of applicants who are natural persons."""
    if item.audience == "person" and item.applicant.representative_path is not None:
        yield Finding(
            "/applicant/representative_path",
            "representative_of_person",
            "自然人没有法定代表人，请删去representative_path。",
            "Persons have no legal representative: remove representative_path.",
        )


def applicant_fact_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A rule reads a fact of the applicant that there is not.

    The condition of a material sees the form only, so every fact is unknown to it.
    """
    for place, code, rule in rules_of(item):
        known = frozenset() if place.startswith("/materials") else FACTS
        for path in sorted(names_of(rule).applicant):
            name = steps(path)[0] if path else ""
            if (path and name not in known) or not known:
                told = f"applicant.{name}".rstrip(".")
                yield Finding(
                    place,
                    "applicant_fact_unknown",
                    f"规则{code}引用了{told}；可用：{_listed(known)}。",
                    f"The rule {code} reads {told}; it may read: {_listed(known)}.",
                )


def _below_present(item: Item) -> bool:
    return not item.identity_level.reaches(Level.PRESENT)


def _is_looked_up(source: str) -> bool:
    return source in ("licence", "shared")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(f"applicant.{each}" for each in sorted(names)) or "form"

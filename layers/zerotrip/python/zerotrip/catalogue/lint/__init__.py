"""The lint of an item: `lint(item, surroundings)`. Pure.

One function per rule, each with a code and a sentence in both languages. Errors block
publishing. What a file's shape and an item's own parts must be is told earlier, by
`authoring` and `consistency`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from zerotrip.catalogue.lint import (
    applicants,
    fields,
    materials,
    once,
    places,
    promises,
    remedies,
    telling,
)
from zerotrip.catalogue.lint import steps as route_steps
from zerotrip.catalogue.lint.findings import Finding, Surroundings, errors
from zerotrip.catalogue.model import Item

__all__ = ["RULES", "Finding", "Surroundings", "errors", "lint"]

Rule = Callable[[Item, Surroundings], Iterator[Finding]]

RULES: tuple[Rule, ...] = (
    places.name_differs,
    places.type_differs,
    places.legal_basis_differs,
    places.level_differs,
    once.material_already_held,
    promises.not_online_without_reason,
    promises.online_but_listed,
    promises.visits_differ,
    promises.promise_longer_than_law,
    promises.promise_longer_than_before,
    promises.follows_after_promise,
    promises.fee_without_basis,
    promises.courier_charge_as_fee,
    promises.fee_as_courier_charge,
    route_steps.route_step_without_owner,
    route_steps.route_step_unreached,
    route_steps.route_step_unknown,
    route_steps.route_without_decider,
    fields.form_field_unused,
    fields.element_unknown,
    fields.element_differs,
    fields.licence_field_unknown,
    fields.licence_field_optional,
    fields.layout_name_unknown,
    materials.source_without_code,
    materials.source_unknown,
    materials.source_idle,
    materials.condition_unreadable,
    materials.condition_never_true,
    materials.not_acceptable_without_basis,
    applicants.identity_level_too_low_for_rule,
    applicants.identity_level_too_low_for_sources,
    applicants.licence_waits_for_presence,
    applicants.applicant_field_unbound,
    applicants.representative_of_person,
    applicants.applicant_fact_unknown,
    remedies.remedies_missing,
    remedies.remedies_without_online_channel,
    telling.guide_incomplete,
    telling.guide_lacks_notes,
    telling.code_flagged,
)


def lint(item: Item, surroundings: Surroundings) -> tuple[Finding, ...]:
    """Everything that every rule finds, in the rules' order."""
    return tuple(finding for rule in RULES for finding in rule(item, surroundings))

"""What rules may know of who applies: how well proven, of which kind, how old. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import pointer
from zerotrip.identity.model import Level
from zerotrip.kernel.identifiers import birth_date_of, identity_document_of, is_uscc
from zerotrip.kernel.times import age_on

Kind = Literal["natural", "company", "sole_trader", "branch"]

FACTS = frozenset({"level", "kind", "by_agent", "document", "age"})
"""Names under `applicant` in a rule: never a name or a number, which are the form's."""


def facts(
    number: str, *, level: Level, kind: Kind, by_agent: bool, today: date
) -> dict[str, Any]:
    """What a rule sees as `applicant`, from the number of whoever applies.

    `document` is an `IdentityDocument` or `uscc`, `age` full years on the legal day;
    each is left out where the number does not tell it.
    """
    told: dict[str, Any] = {"level": level.value, "kind": kind, "by_agent": by_agent}
    if kind != "natural":
        return {**told, "document": "uscc"} if is_uscc(number) else told
    document, born = identity_document_of(number), birth_date_of(number)
    if document is not None:
        told["document"] = document.value
    if born is not None:
        told["age"] = age_on(today, born)
    return told


def facts_of_form(item: Item, form: Mapping[str, Any], today: date) -> dict[str, Any]:
    """The same of a form's applicant, taken at the item's own level, without an agent.

    For trying an item's rules on its example: a case takes `facts` of who signed in.
    """
    return facts(
        str(pointer(form, item.applicant.number_path) or ""),
        level=item.identity_level,
        kind="natural" if item.audience == "person" else "company",
        by_agent=False,
        today=today,
    )

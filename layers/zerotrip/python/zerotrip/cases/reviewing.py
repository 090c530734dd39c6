"""Everything that a machine can say of an application, at once. Pure.

The form against its schema, the materials against what the form makes necessary, and
every rule of the item: whatever the first ones say, the others are looked at too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from zerotrip.cases.applicant import rule_facts
from zerotrip.cases.model import Handed
from zerotrip.catalogue.checks import RuleBroken, condition_holds, failed_checks
from zerotrip.catalogue.forms import form_faults
from zerotrip.catalogue.model import Check, Item, Material
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault

MISSING_MATERIAL = "material_missing"


@dataclass(frozen=True, slots=True)
class Review:
    """What was found. `subjects`: which rule or material a defect, by path and code,
    is about; none for one of the form itself, which is always looked at.

    `not_acceptable` are grounds of law not to accept. `broken` names rules and
    materials of which nothing could be said, `promised` materials that may follow,
    `looked_at` all others.
    """

    defects: tuple[Fault, ...]
    not_acceptable: tuple[Fault, ...]
    broken: tuple[str, ...]
    promised: tuple[str, ...]
    looked_at: frozenset[str]
    subjects: Mapping[tuple[str, str], str]

    @property
    def unsure(self) -> tuple[str, ...]:
        """Codes of all that keeps a rule from approving."""
        grounds = (fault.code for fault in (*self.defects, *self.not_acceptable))
        return tuple(dict.fromkeys((*grounds, *self.broken, *self.promised)))


def review(item: Item, handed: Handed, now: datetime) -> Review:
    """Looks at all of it, on the legal day of that instant."""
    materials = _materials(item, handed)
    outcome = failed_checks(
        item,
        dict(handed.form),
        {code: dict(kept) for code, kept in handed.materials.items()},
        times.legal_day(now).isoformat(),
        postponed=materials.promised,
        applicant=rule_facts(item, handed.form, handed.by, times.legal_day(now)),
    )
    checks = {check.code: check for check in item.checks}
    refused = [each for each in outcome.failed if each.code in outcome.not_acceptable]
    mended = [each for each in outcome.failed if each not in refused]
    waiting = {f"/materials/{code}" for code in materials.promised}
    ran = {
        check.code
        for check in item.checks
        if check.code not in outcome.broken and check.path not in waiting
    }
    return Review(
        defects=(
            *form_faults(item, dict(handed.form), "/form"),
            *materials.missing,
            *mended,
        ),
        not_acceptable=tuple(_with_law(each, checks[each.code]) for each in refused),
        broken=(*materials.broken, *outcome.broken),
        promised=materials.promised,
        looked_at=frozenset(ran | materials.looked_at),
        subjects={
            **{(each.path, each.code): each.code for each in outcome.failed},
            **{
                (each.path, each.code): each.path.rpartition("/")[2]
                for each in materials.missing
            },
        },
    )


@dataclass(frozen=True, slots=True)
class _Materials:
    missing: tuple[Fault, ...]
    broken: tuple[str, ...]
    promised: tuple[str, ...]
    looked_at: frozenset[str]


def _materials(item: Item, handed: Handed) -> _Materials:
    missing: list[Fault] = []
    broken: list[str] = []
    promised: list[str] = []
    for material in item.materials:
        try:
            wanted = _is_wanted(material, handed)
        except RuleBroken:
            # Whether it is needed cannot be told: an officer sees, nobody is asked.
            broken.append(material.code)
            continue
        if not wanted:
            continue
        if material.code in handed.promised and material.may_follow_working_days:
            promised.append(material.code)
        else:
            missing.append(_missing(material))
    looked_at = {each.code for each in item.materials} - set(broken)
    return _Materials(
        tuple(missing), tuple(broken), tuple(promised), frozenset(looked_at)
    )


def _is_wanted(material: Material, handed: Handed) -> bool:
    """Whether it is necessary and not there. The form stands for itself."""
    if not material.required or material.source == "form":
        return False
    if material.code in handed.materials:
        return False
    return material.when is None or condition_holds(material.when, handed.form)


def _missing(material: Material) -> Fault:
    return Fault(
        f"/materials/{material.code}",
        MISSING_MATERIAL,
        f"尚未提交“{material.name.zh}”，请补充上传。",
        f"Missing: {material.name.en}. Please upload it.",
    )


def _with_law(fault: Fault, check: Check) -> Fault:
    if check.legal_basis is None:
        return fault
    law = check.legal_basis
    en = law.cited_in_english or law.cited
    return Fault(
        fault.path,
        fault.code,
        f"{fault.zh}法律依据：{law.cited}。",
        f"{fault.en} By law: {en}.",
    )

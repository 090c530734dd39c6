"""Whose application it is: the form's applicant is who is proven, or represented. Pure.

What people type about themselves is never believed. Where an item's `applicant` names
a field, its value is the proven one: filled in, locked, and compared at save, at
hand-in, at each correction and again before a rule decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import date
from typing import Any

from zerotrip.cases.model import HandedBy
from zerotrip.catalogue.applicants import Kind, facts
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import pointer, schema_at, steps
from zerotrip.identity.model import CompanyKind, Level, Proven, SubjectKind
from zerotrip.identity.powers import (
    Act,
    Acting,
    Office,
    age_on,
    guardian_needed,
    level_too_low,
)
from zerotrip.kernel.errors import Fault, Forbidden, Invalid
from zerotrip.kernel.identifiers import is_citizen_number
from zerotrip.kernel.names import normalised_name, normalised_number

DIFFERS = "applicant_differs"


def handed_by(acting: Acting, proven: Proven | None, agent: Proven | None) -> HandedBy:
    """Who acts now, as it is kept with the form."""
    kind: Kind = "natural"
    if proven is not None and proven.kind is SubjectKind.LEGAL:
        kind = (proven.company or CompanyKind.COMPANY).value
    power = acting.power
    return HandedBy(
        level=acting.level,
        kind=kind,
        agent=None if power is None else acting.login,
        office=None if power is None else power.office,
        power=None if power is None else power.id,
        source=None if power is None else power.source,
        seen_by=acting.seen_by,
        agent_name=None if agent is None else agent.name,
        agent_number=None if agent is None else agent.number,
    )


def level_for_machines(item: Item) -> Level:
    """Below this nothing is decided by rule, fetched of the state, or issued."""
    enough = item.identity_level.reaches(Level.PRESENT)
    return item.identity_level if enough else Level.PRESENT


def require_level(item: Item, acting: Acting) -> None:
    """Raises Forbidden `identity_level_too_low` below the level that the item needs."""
    if not acting.level.reaches(item.identity_level):
        raise level_too_low(acting.level, item.identity_level)


def require_may_apply(
    item: Item, acting: Acting, proven: Proven | None, today: date
) -> None:
    """Whether who acts may apply for this item at all, however well proven.

    Raises Forbidden `agents_forbidden`, `power_missing`, `document_not_accepted`,
    `guardian_needed`, `guardian_at_window`.
    """
    require_in_person(item, acting)
    power = acting.power
    if (
        power is not None
        and item.route.deliver_by_courier
        and Act.RECEIVE not in power.acts
    ):
        # Whoever names the address gets the licence.
        raise Forbidden(
            "power_missing",
            "本事项的证照由快递送达，收件地址由申请时填写；您的授权不包括代为领取，"
            "请由委托人办理，或者请委托人另行授权。",
            "The licence comes by courier to the address in the form, and your "
            "authorisation does not include to receive.",
            detail={"act": Act.RECEIVE},
        )
    if proven is None or proven.kind is SubjectKind.LEGAL:
        return
    _require_document(item, proven)
    guarded = power is not None and power.office is Office.GUARDIAN
    age = age_on(proven.number, today)
    too_young = age is not None and age < item.applicant.own_from_age
    if (guarded or too_young) and not item.applicant.guardians_allowed:
        raise _at_window()
    if too_young and not guarded:
        raise guardian_needed(item.applicant.own_from_age)


def require_in_person(item: Item, acting: Acting) -> None:
    """Raises Forbidden `agents_forbidden` for an agent where the item has none."""
    power = acting.power
    if power is not None and power.is_agent:
        require_agents_allowed(item)


def require_agents_allowed(item: Item) -> None:
    """Raises Forbidden `agents_forbidden` where one applies in person only."""
    if not item.applicant.agents_allowed:
        raise Forbidden(
            "agents_forbidden",
            "该事项须由申请人本人（单位由法定代表人、负责人或者经营者）办理，不能由他人代办。",
            "The applicant in person, or a company's representative, applies for this: "
            "no agent may.",
        )


def _at_window() -> Forbidden:
    return Forbidden(
        "guardian_at_window",
        "申请人是未成年人，本事项须由监护人陪同到窗口办理，不能在网上代办；"
        "请带齐双方证件和监护关系证明。",
        "The applicant is too young for this online: a guardian comes along to the "
        "counter, with both documents and proof of guardianship.",
    )


def proven_fields(item: Item, proven: Proven) -> Iterator[tuple[str, str]]:
    """Pointer and value of each field that is known, so that it is filled and locked.

    A company's telephone is nobody's to vouch for, and stays free.
    """
    paths = item.applicant
    known = [
        (paths.name_path, proven.name),
        (paths.number_path, proven.number),
        (paths.telephone_path, proven.telephone),
        (paths.representative_path, proven.representative),
    ]
    for path, value in known:
        if path is not None and value:
            yield path, value


def filled(
    item: Item, form: Mapping[str, Any], proven: Proven | None
) -> dict[str, Any]:
    """The form, with what is proven where nothing stands yet."""
    known = {} if proven is None else dict(proven_fields(item, proven))
    return with_missing(form, known)


def spelled(
    item: Item, form: Mapping[str, Any], proven: Proven | None
) -> dict[str, Any]:
    """The form with each proven value in its proven spelling, which licences show."""
    made = deepcopy(dict(form))
    if proven is not None:
        for path, value in proven_fields(item, proven):
            _put(made, steps(path), value)
    return made


def with_missing(form: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """The form, with known values by pointer where nothing stands yet."""
    made = deepcopy(dict(form))
    for path, value in known.items():
        if pointer(made, path) in (None, ""):
            _put(made, steps(path), value)
    return made


def applicant_faults(
    item: Item,
    form: Mapping[str, Any],
    proven: Proven | None,
    *,
    whole: bool = True,
    telephone: bool = True,
) -> tuple[Fault, ...]:
    """Each field in which the form names somebody else than is proven.

    `whole`: an empty field is a fault too, as in a form that is handed in. Writings of
    one name are one (`kernel.names`).
    """
    if proven is None:
        return ()
    faults = []
    for path, value in proven_fields(item, proven):
        if path == item.applicant.telephone_path and not telephone:
            continue
        said = pointer(form, path)
        if said in (None, "") and not whole:
            continue
        number = path == item.applicant.number_path
        alike = normalised_number if number else normalised_name
        if not isinstance(said, str) or alike(said) != alike(value):
            faults.append(_differs(item, path, proven))
    return tuple(faults)


def require_own(
    item: Item, form: Mapping[str, Any], proven: Proven | None, *, whole: bool = True
) -> None:
    """Raises Invalid `applicant_differs`, naming every field of somebody else's."""
    faults = applicant_faults(item, form, proven, whole=whole)
    if faults:
        raise Invalid(
            "applicant_differs",
            "申请人信息与实名认证信息不一致，请按提示核对；代他人办理的，请先取得委托。",
            "The form names another applicant than is proven: please check each field. "
            "To apply for somebody else, be authorised first.",
            faults=faults,
        )


def _require_document(item: Item, proven: Proven) -> None:
    """Raises Forbidden `document_not_accepted` where the item is for citizens only."""
    schema = schema_at(item.form, item.applicant.number_path) or {}
    if schema.get("format") != "citizen-number" or is_citizen_number(proven.number):
        return
    raise Forbidden(
        "document_not_accepted",
        "本事项由持居民身份证的内地居民办理，您的证件类型不适用；"
        "请查看办事指南，或者向办理单位咨询。",
        "This is for residents of the mainland with an identity card; your document is "
        "of another kind. Please see the guide, or ask the office.",
    )


def rule_facts(
    item: Item, form: Mapping[str, Any], by: HandedBy, today: date
) -> dict[str, Any]:
    """What an item's rules may ask of the applicant of a form that was handed in."""
    number = pointer(form, item.applicant.number_path)
    return facts(
        number if isinstance(number, str) else "",
        level=by.level,
        kind=by.kind,
        by_agent=by.by_agent,
        today=today,
    )


_FIELD_WORDS = {
    "name": (
        "{what}与实名认证信息不一致，请核对；名称已变更的，请先在统一身份认证更新。",
        "This is not the proven name; if it has changed, update it at the identity "
        "provider first.",
    ),
    "number": (
        "{what}与实名认证信息不一致，请核对。",
        "This is not the proven number: please check it.",
    ),
    "telephone": (
        "{what}与实名认证登记的手机号码不一致；已换号的，请先在统一身份认证更新。",
        "This is not the number registered with the proven identity; if it has "
        "changed, update it at the identity provider first.",
    ),
    "representative": (
        "{what}与登记信息不一致，请核对；已变更的，请先办理变更登记。",
        "This is not the representative whom the register names; if it has changed, "
        "have the register changed first.",
    ),
}


def _differs(item: Item, path: str, proven: Proven) -> Fault:
    paths = item.applicant
    legal = proven.kind is SubjectKind.LEGAL
    kind, what = {
        paths.name_path: ("name", "单位名称" if legal else "姓名"),
        paths.number_path: ("number", "统一社会信用代码" if legal else "证件号码"),
        paths.telephone_path: ("telephone", "手机号码"),
        paths.representative_path: ("representative", "法定代表人（负责人、经营者）"),
    }[path]
    zh, en = _FIELD_WORDS[kind]
    return Fault(f"/form{path}", DIFFERS, zh.format(what=what), en)


def _put(document: dict[str, Any], place: tuple[str, ...], value: str) -> None:
    *parents, last = place
    for name in parents:
        inner = document.setdefault(name, {})
        if not isinstance(inner, dict):
            return  # not shaped like the form yet: its own faults say so
        document = inner
    document[last] = value

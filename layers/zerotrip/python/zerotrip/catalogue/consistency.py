"""What an item may not contradict itself in; every fault at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from zerotrip.catalogue.codes import (
    SHARED_WITH_BASE,
    Checked,
    check_base_code,
    check_item_code,
    check_uscc,
)
from zerotrip.catalogue.pointers import leaves, schema_at
from zerotrip.catalogue.route import computed_visits
from zerotrip.kernel.errors import Fault, Invalid

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item

ADDRESSEE_FIELDS = ("name", "telephone", "province", "city", "county", "address")
_NUMBER_FORMATS = {
    "person": ("citizen-number", "identity-number"),
    "company": ("uscc",),
}
_NAMED = {
    "/organisation/uscc": Fault(
        "/organisation/uscc",
        "organisation_uscc_wrong",
        "实施主体的统一社会信用代码有误。",
        "The organisation's unified social credit code is wrong.",
    ),
    "/licence/type_code": Fault(
        "/licence/type_code",
        "licence_type_uscc_wrong",
        "证照类型代码前18位不是有效的统一社会信用代码。",
        "The first 18 characters of the licence type are no valid USCC.",
    ),
}


class Check(Protocol):
    """A check of `codes`: strict raises Invalid, lenient answers what it flags."""

    def __call__(self, code: str, *, strict: bool = True, path: str = "") -> Checked:
        """The code in its parts."""


def contradictions(item: Item) -> tuple[Fault, ...]:
    """Everything in which the item's parts do not fit together."""
    return (
        *_code_faults(item),
        *_duplicate_faults(item),
        *_promise_faults(item),
        *_courier_faults(item),
        *_applicant_faults(item),
        *_holder_faults(item),
        *_pointer_faults(item),
        *_check_faults(item),
    )


def code_checks(value: Mapping[str, Any]) -> list[tuple[str, Check, str]]:
    """The codes of an item's plain value that have a check: pointer, check, code.

    Only those whose length is right: the rest is the shape's own fault to tell.
    """
    licence = value.get("licence")
    body = value.get("organisation")
    named = [
        ("/code", check_item_code, value.get("code"), 31),
        ("/base_code", check_base_code, value.get("base_code"), 12),
        ("/organisation/uscc", check_uscc, _said(body, "uscc"), 18),
        ("/licence/type_code", _check_licence_type, _said(licence, "type_code"), 21),
    ]
    return [
        (path, check, code)
        for path, check, code, length in named
        if isinstance(code, str) and re.fullmatch(rf"[0-9A-Z]{{{length}}}", code)
    ]


def _said(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _check_licence_type(code: str, *, strict: bool = True, path: str = "") -> Checked:
    return check_uscc(code[:18], strict=strict, path=path)


def _code_faults(item: Item) -> Iterator[Fault]:
    value = item.model_dump(
        include={"code", "base_code", "organisation", "licence"}, mode="json"
    )
    for path, check, code in code_checks(value):
        if path in item.flagged_codes:
            continue
        try:
            check(code, path=path)
        except Invalid as error:
            for fault in error.faults:
                # The base code's part of an item code is told at the base code.
                if path != "/code" or not fault.code.startswith("base_code"):
                    yield _NAMED.get(path, fault)
    if item.code[:18] != item.organisation.uscc:
        yield Fault(
            "/code",
            "item_code_other_organisation",
            "实施编码前18位与实施主体的代码不一致。",
            "The item code does not begin with the organisation's USCC.",
        )
    if item.code[19:28] != item.base_code[:SHARED_WITH_BASE]:
        yield Fault(
            "/base_code",
            "item_code_other_base",
            "实施编码第20至28位与基本编码前9位不一致。",
            "Characters 20 to 28 of the item code differ from the base code's first 9.",
        )


def _duplicate_faults(item: Item) -> Iterator[Fault]:
    for kind, codes in (
        ("materials", [material.code for material in item.materials]),
        ("checks", [check.code for check in item.checks]),
    ):
        for position, code in enumerate(codes):
            if code in codes[:position]:
                yield Fault(
                    f"/{kind}/{position}/code",
                    "code_repeated",
                    f"代码{code}重复。",
                    f"The code {code} stands twice.",
                )


def _promise_faults(item: Item) -> Iterator[Fault]:
    if item.promised_working_days > item.statutory_working_days:
        yield Fault(
            "/promised_working_days",
            "promise_longer_than_law",
            "承诺办结时限不得长于法定办结时限。",
            "The promised working days exceed the statutory ones.",
        )
    visits = computed_visits(item)
    if item.visits != visits:
        yield Fault(
            "/visits",
            "visits_differ",
            f"按办理路线计算的到场次数为{visits}，与所填不一致。",
            f"By its route the item takes {visits} visits: that must stand here.",
        )


def _courier_faults(item: Item) -> Iterator[Fault]:
    if item.courier_charge is not None and not item.route.by_courier:
        yield Fault(
            "/courier_charge",
            "charge_without_courier",
            "没有寄递环节，不得列寄递费用。",
            "A courier's charge without a courier.",
        )
    if item.addressee_path is None:
        if item.route.by_courier:
            yield Fault(
                "/addressee_path",
                "addressee_missing",
                "有寄递环节，须指明收寄件人信息在表单中的位置。",
                "A courier is used: addressee_path must name the address.",
            )
        return
    if not item.route.by_courier:
        yield Fault(
            "/addressee_path",
            "addressee_without_courier",
            "没有寄递环节，不得收集收寄件人信息。",
            "An addressee without a courier: it must not be asked for.",
        )
        return
    required = (schema_at(item.form, item.addressee_path) or {}).get("required", ())
    for name in ADDRESSEE_FIELDS:
        place = f"{item.addressee_path}/{name}"
        if name not in required or schema_at(item.form, place) is None:
            yield Fault(
                "/addressee_path",
                "addressee_incomplete",
                f"收寄件人信息缺少必填的{name}。",
                f"The addressee lacks {name}, which must be required.",
            )


def _applicant_faults(item: Item) -> Iterator[Fault]:
    applicant = item.applicant
    number = schema_at(item.form, applicant.number_path)
    formats = _NUMBER_FORMATS[item.audience]
    if number is not None and number.get("format") not in formats:
        yield Fault(
            "/applicant/number_path",
            "applicant_number_format",
            f"申请人证件号码字段的format应为{'或者'.join(formats)}。",
            f"The applicant's number must have the format {' or '.join(formats)}.",
        )
    # Without both there is nothing to hold against who is signed in.
    always = {path for path, _, required in leaves(item.form) if required}
    for name in ("name_path", "number_path"):
        path = getattr(applicant, name)
        if path not in always and schema_at(item.form, path) is not None:
            yield Fault(
                f"/applicant/{name}",
                "applicant_field_optional",
                f"申请人的姓名（名称）和证件号码须为必填字段，{path}不是。",
                f"The applicant's name and number are required fields; {path} is not.",
            )


def _holder_faults(item: Item) -> Iterator[Fault]:
    """A licence is only ever signed in the name of the applicant, who is identified."""
    applicant, licence = item.applicant, item.licence
    for name, said, wanted in (
        ("holder_path", licence.holder_path, applicant.name_path),
        ("holder_number_path", licence.holder_number_path, applicant.number_path),
    ):
        if said != wanted:
            yield Fault(
                f"/licence/{name}",
                "licence_holder_not_applicant",
                f"证照的持有人应为申请人，此处应为{wanted}。",
                f"The licence's holder is the applicant: {wanted} must stand here.",
            )


def applicant_paths(item: Item) -> Iterator[tuple[str, str]]:
    """Where an item says the applicant stands: its own pointer, and the form's."""
    for name in ("name_path", "number_path", "telephone_path", "representative_path"):
        path = getattr(item.applicant, name)
        if path is not None:
            yield f"/applicant/{name}", path


def _pointer_faults(item: Item) -> Iterator[Fault]:
    named = [
        *applicant_paths(item),
        ("/licence/holder_path", item.licence.holder_path),
        ("/licence/holder_number_path", item.licence.holder_number_path),
    ]
    named += [
        (f"/licence/fields/{position}/path", field.path)
        for position, field in enumerate(item.licence.fields)
        if field.path is not None
    ]
    named += [
        (f"/sections/{row}/fields/{column}", path)
        for row, section in enumerate(item.sections)
        for column, path in enumerate(section.fields)
    ]
    for place, path in named:
        if schema_at(item.form, path) is None:
            yield _unknown_field(place, path)


def _check_faults(item: Item) -> Iterator[Fault]:
    for position, check in enumerate(item.checks):
        place = f"/checks/{position}/path"
        kind, _, rest = check.path[1:].partition("/")
        if kind == "materials":
            if item.material(rest) is None:
                yield Fault(
                    place,
                    "material_unknown",
                    f"没有代码为{rest}的材料。",
                    f"There is no material {rest}.",
                )
        elif schema_at(item.form, "/" + rest) is None:
            yield _unknown_field(place, "/" + rest)


def _unknown_field(place: str, path: str) -> Fault:
    return Fault(
        place,
        "form_field_unknown",
        f"表单中没有字段{path}。",
        f"The form has no field {path}.",
    )

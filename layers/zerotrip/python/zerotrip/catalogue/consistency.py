"""What an item may not contradict itself in; every fault at once. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zerotrip.catalogue.pointers import schema_at
from zerotrip.kernel.errors import Fault
from zerotrip.kernel.identifiers import is_uscc

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item

ADDRESSEE_FIELDS = ("name", "telephone", "province", "city", "county", "address")
_BASE_CODE_SHARED = 9  # in an implementation code the last 3 are numbered anew
_TYPE_PARTS = {f"{number:02}" for number in (*range(11), 20)}
_NUMBER_FORMAT = {"person": "citizen-number", "company": "uscc"}


def contradictions(item: Item) -> tuple[Fault, ...]:
    """Everything in which the item's parts do not fit together."""
    return (
        *_code_faults(item),
        *_duplicate_faults(item),
        *_promise_faults(item),
        *_courier_faults(item),
        *_applicant_faults(item),
        *_pointer_faults(item),
        *_check_faults(item),
    )


def _code_faults(item: Item) -> Iterator[Fault]:
    if not is_uscc(item.code[:18]):
        yield Fault(
            "/code",
            "item_code_uscc_wrong",
            "实施编码前18位不是有效的统一社会信用代码。",
            "The first 18 characters of the item code are no valid USCC.",
        )
    if not is_uscc(item.organisation.uscc):
        yield Fault(
            "/organisation/uscc",
            "organisation_uscc_wrong",
            "实施主体的统一社会信用代码有误。",
            "The organisation's unified social credit code is wrong.",
        )
    if item.code[:18] != item.organisation.uscc:
        yield Fault(
            "/code",
            "item_code_other_organisation",
            "实施编码前18位与实施主体的代码不一致。",
            "The item code does not begin with the organisation's USCC.",
        )
    if item.code[18] not in "1234567":
        yield Fault(
            "/code",
            "item_code_level_wrong",
            "实施编码第19位（行使层级）应为1至7。",
            "Character 19 of the item code, the level, must be 1 to 7.",
        )
    if item.code[19 : 19 + _BASE_CODE_SHARED] != item.base_code[:_BASE_CODE_SHARED]:
        yield Fault(
            "/base_code",
            "item_code_other_base",
            "实施编码第20至28位与基本编码前9位不一致。",
            "Characters 20 to 28 of the item code differ from the base code's first 9.",
        )
    if not item.base_code[:2].isdecimal() or item.base_code[2:4] not in _TYPE_PARTS:
        yield Fault(
            "/base_code",
            "base_code_wrong",
            "基本编码应以2位地区码和2位事项类型码开头。",
            "A base code begins with 2 digits of region and 2 of item type.",
        )
    if not is_uscc(item.licence.type_code[:18]):
        yield Fault(
            "/licence/type_code",
            "licence_type_uscc_wrong",
            "证照类型代码前18位不是有效的统一社会信用代码。",
            "The first 18 characters of the licence type are no valid USCC.",
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
    if item.visits != 0:
        yield Fault(
            "/visits",
            "visits_not_zero",
            "该办理路线无须到场，到场次数应为0。",
            "This route asks for no visit: visits must be 0.",
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
    schema = schema_at(item.form, item.applicant_number_path)
    wanted = _NUMBER_FORMAT[item.audience]
    if schema is not None and schema.get("format") != wanted:
        yield Fault(
            "/applicant_number_path",
            "applicant_number_format",
            f"申请人证件号码字段的format应为{wanted}。",
            f"The applicant's number must have the format {wanted}.",
        )


def _pointer_faults(item: Item) -> Iterator[Fault]:
    named = [
        ("/applicant_number_path", item.applicant_number_path),
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

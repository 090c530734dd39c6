"""Items that ask the state, made for these tests; nobody offers them."""

from __future__ import annotations

from typing import Any

from zerotrip.catalogue.model import Item, Material

USCC = "11441882007000001K"
PERMIT = "11440000000000000A001"
"""A licence type that the items here ask for."""
ITEM_CODE = USCC + "3" + "441199801000"


def material(code: str, **said: Any) -> Material:
    return Material(
        code=code, name={"zh": f"材料{code}", "en": f"Material {code}"}, **said
    )


HOUSEHOLD = material("household", source="shared", shared="household_registration")
INSURANCE = material("insurance", source="shared", shared="social_insurance_record")
PERMITTED = material("permit", source="licence", licence_type=PERMIT)
STATEMENT = material("statement", source="form")
PHOTOGRAPH = material("photograph")


def text(zh: str) -> dict[str, str]:
    return {"zh": zh, "en": zh}


def field(element: str | None = None, **said: Any) -> dict[str, Any]:
    bound = {"x-element": element} if element else {}
    return {"type": "string", "minLength": 1, "maxLength": 40, **bound, **said}


FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": field("person.name"),
        "telephone": field("person.telephone", format="telephone"),
        "number": field(),
        "address": field("address.whole"),
        "married": {"type": "boolean"},
        "note": field(),
    },
    "required": ["name"],
}


def item_asking(*materials: Material, **changed: Any) -> Item:
    """A sound enough item with these materials; authoring is tested elsewhere."""
    said: dict[str, Any] = {
        "code": ITEM_CODE,
        "base_code": "441199801000",
        "revision": 1,
        "name": text("示例事项"),
        "audience": "person",
        "organisation": {
            "uscc": USCC,
            "name": text("示例局"),
            "complaint_telephone": "12345",
        },
        "department": "example-office",
        "department_name": text("示例科"),
        "legal_basis": [text("示例条例")],
        "statutory_working_days": 20,
        "promised_working_days": 1,
        "visits": 0,
        "form": FORM,
        "materials": [each.model_dump() for each in materials],
        "route": {"decided_by": "rule", "role": "officer"},
        "applicant": {
            "name_path": "/name",
            "number_path": "/number",
            "telephone_path": "/telephone",
        },
        "licence": {
            "type_code": PERMIT,
            "title": text("示例许可证"),
            "layout": "certificate",
            "holder_path": "/name",
            "holder_number_path": "/number",
            "fields": [],
            "valid_months": 12,
        },
        **changed,
    }
    return Item.model_validate(said, context={"published": True})

"""What an item is: everything that a new service needs, as data. Pure.

Field names follow GB/T 39046-2020 in English; codes follow GB/T 39554.1-2020, whose
text was read second-hand (`docs/decisions/0004-items-as-data.md`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from zerotrip.kernel.errors import Fault

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]+)+$", max_length=200)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
MediaType = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]{0,62}$")
]

_ONE_SOURCE = Fault(
    "",
    "licence_field_source",
    "证照字段须有path或value之一。",
    "A licence field has either a path or a value.",
)
LARGEST_MATERIAL_BYTES = 20 * 1024 * 1024


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        str_strip_whitespace=True,
        # Built at first use: most steps read one kind of these parts, or none.
        defer_build=True,
    )


class Text(_Part):
    """One text in both languages; Chinese is the one that counts."""

    zh: Words
    en: Words


class Material(_Part):
    """A file that the applicant hands in; `types` are the media types accepted."""

    code: Code
    name: Text
    required: bool = True
    types: Annotated[tuple[MediaType, ...], Field(min_length=1)]
    max_bytes: Annotated[int, Field(gt=0, le=LARGEST_MATERIAL_BYTES)]
    note: Text | None = None


class Check(_Part):
    """A rule of pre-review: a CEL expression that is true when all is well.

    It sees `form`, `materials` (code to `{type, size_bytes, sha256}`) and `today`
    (`YYYY-MM-DD`, the legal day). `path` is what the applicant must mend: `/form/…` or
    `/materials/<code>`.
    """

    code: Code
    rule: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    path: Annotated[
        str, StringConstraints(pattern=r"^/(form(/[^/]+)+|materials/[a-z0-9_]+)$")
    ]
    message: Text
    remedy: Text


class Fee(_Part):
    """A statutory fee, due before signing."""

    code: Code
    name: Text
    amount_fen: Annotated[int, Field(gt=0)]
    legal_basis: Words


class Charge(_Part):
    """What the courier asks: a contract price, not a statutory fee."""

    name: Text
    amount_fen: Annotated[int, Field(gt=0)]


class Route(_Part):
    """Who decides, and which way paper travels by courier."""

    decided_by: Literal["rule", "officer"]
    role: Literal["officer", "approver"]
    papers_by_courier: bool = False
    deliver_by_courier: bool = False

    @property
    def by_courier(self) -> bool:
        """Whether anything travels at all."""
        return self.papers_by_courier or self.deliver_by_courier


class LicenceField(_Part):
    """One line of the licence: either a value of the form, or a fixed text."""

    label: Text
    path: Pointer | None = None
    value: Text | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.path is None) == (self.value is None):
            raise PydanticCustomError(
                "licence_field_source",
                "证照字段须有path或value之一。 A field has a path or a value.",
                {"faults": [_ONE_SOURCE.as_json()]},
            )
        return self


class Licence(_Part):
    """The licence that the item ends with.

    `type_code` is the USCC of the body that defines the type and 3 characters (GB/T
    36904). `layout` is the layout's name while it is authored; publishing replaces it
    by the content hash of the layout's bytes. `valid_months` None: no end.
    """

    type_code: Annotated[
        str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}[0-9A-Z]{3}$")
    ]
    title: Text
    layout: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    holder_path: Pointer
    holder_number_path: Pointer
    fields: Annotated[tuple[LicenceField, ...], Field(max_length=24)]
    valid_months: Annotated[int, Field(gt=0, le=1200)] | None = None


class LegalBasis(_Part):
    """A law, and its article where that was read in the source."""

    zh: Words
    en: Words | None = None
    article: Words | None = None


class Organisation(_Part):
    """The body that implements the item, and where a citizen complains."""

    uscc: Uscc
    name: Text
    complaint_telephone: Annotated[
        str, StringConstraints(pattern=r"^[0-9][0-9-]{2,19}$")
    ]


class Section(_Part):
    """A layout hint: form fields that are shown together, in this order."""

    title: Text
    fields: Annotated[tuple[Pointer, ...], Field(min_length=1)]


class Item(_Part):
    """An implementation (实施清单) that citizens can apply for; one revision of it.

    `form` is JSON Schema 2020-12. Raises pydantic's ValidationError; the error of type
    `item_inconsistent` carries every contradiction in `ctx["faults"]`. With the context
    `{"published": True}` contradictions are not looked for again.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}$")]
    base_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{12}$")]
    revision: Annotated[int, Field(ge=1, le=999_999)]
    name: Text
    audience: Literal["person", "company"]
    organisation: Organisation
    department: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    department_name: Text
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    statutory_working_days: Annotated[int, Field(ge=1, le=365)]
    promised_working_days: Annotated[int, Field(ge=0, le=365)]
    visits: Annotated[int, Field(ge=0)]
    form: dict[str, Any]
    sections: tuple[Section, ...] = ()
    materials: tuple[Material, ...] = ()
    checks: tuple[Check, ...] = ()
    route: Route
    fee: Fee | None = None
    courier_charge: Charge | None = None
    addressee_path: Pointer | None = None
    applicant_number_path: Pointer
    licence: Licence

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("published"):
            return self
        # Late: `consistency` describes items, so it imports this module.
        from zerotrip.catalogue.consistency import contradictions

        faults = contradictions(self)
        if faults:
            raise PydanticCustomError(
                "item_inconsistent",
                "事项内容前后不一致。 The item contradicts itself: {codes}",
                {
                    "codes": ", ".join(fault.code for fault in faults),
                    "faults": [fault.as_json() for fault in faults],
                },
            )
        return self

    def material(self, code: str) -> Material | None:
        """The material of that code, or None."""
        return next((each for each in self.materials if each.code == code), None)


class ItemSummary(_Part):
    """What a list of items shows, and the digest of the revision that is current."""

    code: str
    revision: int
    digest: str
    name: Text
    audience: Literal["person", "company"]
    organisation: str
    organisation_name: Text
    department: str
    department_name: Text

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

from zerotrip.identity.model import Level
from zerotrip.kernel.errors import Fault

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/[^/]+)+$", max_length=200)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500)]
LicenceType = Annotated[
    str, StringConstraints(pattern=r"^[0-9A-HJ-NP-RTUWXY]{18}[0-9A-Z]{3}$")
]
MediaType = Annotated[
    str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9][a-z0-9.+-]{0,62}$")
]

_ONE_SOURCE = Fault(
    "",
    "licence_field_source",
    "证照字段须有path或value之一。",
    "A licence field has either a path or a value.",
)
Telephone = Annotated[str, StringConstraints(pattern=r"^[0-9][0-9-]{2,19}$")]
WebAddress = Annotated[
    str, StringConstraints(pattern=r"^https://[^\s]+$", max_length=200)
]
LARGEST_MATERIAL_BYTES = 20 * 1024 * 1024
SCANS = ("application/pdf", "image/jpeg", "image/png")
"""What people photograph or scan a paper as."""


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


class LegalBasis(_Part):
    """A law, and its article where that was read in the source."""

    zh: Words
    en: Words | None = None
    article: Words | None = None

    @property
    def cited(self) -> str:
        """`《…法》第三十二条`."""
        return f"{self.zh}{self.article or ''}"

    @property
    def cited_in_english(self) -> str | None:
        """The same in English, where the law has a name there."""
        return None if self.en is None else f"{self.en} {self.article or ''}".rstrip()


class Material(_Part):
    """What has to be there, and where it comes from.

    `source`: `upload` is a file of the applicant's; `licence` is looked up in the
    register (`licence_type`, the holder's own); `shared` is fetched from a provider
    (`shared`, a code of the shared-materials catalogue); `form` is the form itself,
    signed for by handing it in. `types` and `max_bytes` bound the upload, which is also
    the way out where register or provider cannot help.

    `when` is a CEL condition over `form`: without it the material is not asked for.
    One with `may_follow_working_days` is no key material: it may be promised and come
    later (容缺受理). `reusable_months`: how long a file of the applicant's own vault
    may stand for it; None: it is asked for each time.
    """

    code: Code
    name: Text
    required: bool = True
    source: Literal["upload", "licence", "shared", "form"] = "upload"
    licence_type: LicenceType | None = None
    shared: Code | None = None
    when: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = None
    may_follow_working_days: Annotated[int, Field(gt=0, le=365)] | None = None
    reusable_months: Annotated[int, Field(gt=0, le=1200)] | None = None
    originals: Annotated[int, Field(ge=0, le=99)] = 0
    copies: Annotated[int, Field(ge=0, le=99)] = 0
    types: Annotated[tuple[MediaType, ...], Field(min_length=1)] = SCANS
    max_bytes: Annotated[int, Field(gt=0, le=LARGEST_MATERIAL_BYTES)] = 10 * 1024 * 1024
    note: Text | None = None


class Check(_Part):
    """A rule of pre-review: a CEL expression that is true when all is well.

    It sees `form`, `materials` (code to `{type, size_bytes, sha256}`), `licences` (type
    code to `{valid_from, valid_until}` of the applicant's own), `applicant`
    (`applicants.FACTS`) and `today` (`YYYY-MM-DD`, the legal day). `path` is what the
    applicant must mend: `/form/…` or `/materials/<code>`. A rule that fails is a defect
    to mend, or with `on_failure: not_acceptable` a ground not to accept, for which
    `legal_basis` must speak.
    """

    code: Code
    rule: Annotated[str, StringConstraints(min_length=1, max_length=2000)]
    path: Annotated[
        str, StringConstraints(pattern=r"^/(form(/[^/]+)+|materials/[a-z0-9_]+)$")
    ]
    message: Text
    remedy: Text
    on_failure: Literal["correct", "not_acceptable"] = "correct"
    legal_basis: LegalBasis | None = None


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


class RouteStep(_Part):
    """A step of the route as the guide tells it: whose it is, and what follows.

    `visits`: how often the applicant must come for it. An officer's or approver's step
    is of the item's department unless `department` names another.
    """

    code: Code
    name: Text
    owner: Literal["applicant", "system", "officer", "approver", "courier"] | None = (
        None
    )
    department: Text | None = None
    next: tuple[Code, ...] = ()
    visits: Annotated[int, Field(ge=0, le=9)] = 0


class Route(_Part):
    """Who decides, and which way paper travels by courier.

    `steps` are for the guide, the first one being where it begins; without them
    `route.steps_of` makes the usual ones from the item.
    """

    decided_by: Literal["rule", "officer"]
    role: Literal["officer", "approver"]
    papers_by_courier: bool = False
    deliver_by_courier: bool = False
    steps: Annotated[tuple[RouteStep, ...], Field(max_length=20)] = ()

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

    type_code: LicenceType
    title: Text
    layout: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    holder_path: Pointer
    holder_number_path: Pointer
    fields: Annotated[tuple[LicenceField, ...], Field(max_length=24)]
    valid_months: Annotated[int, Field(gt=0, le=1200)] | None = None


class Deviation(_Part):
    """Where an implementation differs from its base entry, and why it may."""

    path: Pointer
    reason: Text


class NotOnline(_Part):
    """The item stands on the negative list: why it cannot be fully online, by law."""

    reason: Text
    legal_basis: LegalBasis


class Organisation(_Part):
    """The body that implements the item, and where a citizen complains."""

    uscc: Uscc
    name: Text
    complaint_telephone: Telephone
    enquiry_telephone: Telephone | None = None
    address: Text | None = None
    hours: Text | None = None


class BaseItem(_Part):
    """An entry of the base catalogue (目录清单): what is the same in every place.

    `requirements` are fields of an implementation that inherits them; where it differs,
    it says why (`Deviation`). `extends` names the base code of a main item whose
    requirements a sub-item begins with.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{12}$")]
    name: Text
    type: Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    levels: Annotated[
        tuple[Literal["1", "2", "3", "4", "5", "6", "7"], ...], Field(min_length=1)
    ]
    extends: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{12}$")] | None = None
    requirements: dict[str, Any] = {}


class DataElement(_Part):
    """A shared data element: what several forms ask, once (`x-element` in a form).

    `form` is what a field bound to it must say of type, format and bounds.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[a-z]+(\.[a-z][a-z0-9_]*)+$")]
    name: Text
    form: dict[str, Any]


class SharedMaterial(_Part):
    """What a provider is asked for, so that no applicant is (证明材料共享目录).

    `ended`: what the document's `status` says of somebody who is no more, and which end
    that is; nobody applies in that name any longer.
    `name_field`: where the document has its subject's name, which is the proven one.
    `labels`: what the document's fields are called, also those inside a field.
    """

    code: Code
    name: Text
    aliases: tuple[Words, ...] = ()
    provider: Code
    valid_days: Annotated[int, Field(gt=0, le=3660)]
    ended: dict[Words, Literal["deceased", "deregistered"]] = {}
    name_field: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = (
        None
    )
    labels: dict[Code, Text] = {}


class Applicant(_Part):
    """Whose case it is: where the form names the applicant, and who may act.

    `representative_path`: a company's legal representative, head or operator, where the
    form shows one. Natural applicants younger than `own_from_age` apply through a
    guardian; so do all below 14, whose data is processed with a guardian's consent
    only (PIPL art 31).
    """

    name_path: Pointer
    number_path: Pointer
    telephone_path: Pointer | None = None
    representative_path: Pointer | None = None
    own_from_age: Annotated[int, Field(ge=14, le=18)] = 18
    agents_allowed: bool = True
    guardians_allowed: bool = True


class Remedies(_Part):
    """Where a decision is contested: the bodies; the periods are the law's
    (`catalogue.remedies`).

    `reconsideration_url`: an online channel for it, which a decision that is served
    online must name (行政复议法 22); null where there is none. `prior_reconsideration`:
    the law wants reconsideration before a suit (行政复议法 23).
    """

    reconsideration_body: Text
    reconsideration_url: WebAddress | None
    court: Text
    prior_reconsideration: bool = False


class Section(_Part):
    """A layout hint: form fields that are shown together, in this order."""

    title: Text
    fields: Annotated[tuple[Pointer, ...], Field(min_length=1)]


class Item(_Part):
    """An implementation (实施清单) that citizens can apply for; one revision of it.

    `form` is JSON Schema 2020-12; a field with `x-element` is bound to a shared data
    element. `identity_level`: how well the applicant's identity must be proven before
    the form is handed in. `base_digest` is the content of the base entry (目录清单)
    that it was made from, `flagged_codes` where a legacy code stands that fails its
    check. `remedies` is None in revisions of before they were asked for.

    Raises pydantic's ValidationError; the error of type `item_inconsistent` carries
    every contradiction in `ctx["faults"]`. With the context `{"published": True}`
    contradictions are not looked for again.
    """

    code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}$")]
    base_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{12}$")]
    revision: Annotated[int, Field(ge=1, le=999_999)]
    name: Text
    audience: Literal["person", "company"]
    identity_level: Level = Level.PRESENT
    organisation: Organisation
    department: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    department_name: Text
    themes: tuple[Code, ...] = ()
    channels: Annotated[
        tuple[Literal["window", "computer", "mobile", "courier"], ...],
        Field(min_length=1),
    ] = ("mobile",)
    scope: Literal["county", "city", "province", "country"] = "county"
    legal_basis: Annotated[tuple[LegalBasis, ...], Field(min_length=1)]
    conditions: tuple[Text, ...] = ()
    statutory_working_days: Annotated[int, Field(ge=1, le=365)]
    promised_working_days: Annotated[int, Field(ge=0, le=365)]
    visits: Annotated[int, Field(ge=0)]
    not_online: NotOnline | None = None
    base_digest: str | None = None
    deviations: tuple[Deviation, ...] = ()
    flagged_codes: tuple[Pointer, ...] = ()
    form: dict[str, Any]
    sections: tuple[Section, ...] = ()
    materials: tuple[Material, ...] = ()
    checks: tuple[Check, ...] = ()
    route: Route
    fee: Fee | None = None
    courier_charge: Charge | None = None
    addressee_path: Pointer | None = None
    applicant: Applicant
    remedies: Remedies | None = None
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

    @property
    def type(self) -> str:
        """The item's type, two digits of GB/T 39046: it stands in the base code."""
        return self.base_code[2:4]

    @property
    def level(self) -> str:
        """The level at which it is exercised, one digit: it stands in the code."""
        return self.code[18]

    def material(self, code: str) -> Material | None:
        """The material of that code, or None."""
        return next((each for each in self.materials if each.code == code), None)


class ItemSummary(_Part):
    """What a list of items shows of a revision, from `effective_at` (UTC) on.

    `words` is all that it is found by, lower case, pinyin too.
    """

    code: str
    base_code: str
    revision: int
    digest: str
    effective_at: str
    name: Text
    audience: Literal["person", "company"]
    organisation: str
    organisation_name: Text
    department: str
    department_name: Text
    themes: tuple[str, ...]
    promised_working_days: int
    visits: int
    licence_type: str
    licence_title: Text
    words: str

"""What clients send: the wire models. Nothing beyond the named fields is taken."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    StringConstraints,
)

from zerotrip.kernel import times

LONGEST_REASONS = 2000
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_LATIN = re.compile(r"[A-Za-z]")
_FEWEST_LETTERS = 3

Code = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Uri = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Form = Annotated[dict[str, Any], Field(description="申请表内容 · The form's content")]


def _day(text: str) -> str:
    """The day as it came. Raises ValueError for one that no calendar has."""
    return date.fromisoformat(text).isoformat()


MaterialCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Promised = Annotated[list[MaterialCode], Field(max_length=12)]


class _Asked(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, defer_build=True
    )


class WeChatLogin(_Asked):
    """A login code of the mini-program (`wx.login`)."""

    provider: Literal["wechat_mini_program"]
    code: Code


class OidcLogin(_Asked):
    """An authorization code of the identity provider, with its PKCE verifier."""

    provider: Literal["oidc"]
    code: Code
    code_verifier: Code
    nonce: Code
    redirect_uri: Uri


class Login(
    RootModel[Annotated[WeChatLogin | OidcLogin, Field(discriminator="provider")]]
):
    """How a person signs in."""


PowerAct = Literal["apply", "pay", "receive", "all"]
PersonName = Annotated[str, StringConstraints(min_length=1, max_length=100)]
DocumentNumber = Annotated[str, StringConstraints(min_length=5, max_length=40)]
DocumentType = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{2,8}$")]


def _instant(text: str) -> str:
    """The instant as it came. Raises ValueError where it has no offset."""
    return times.to_text(times.from_text(text))


Instant = Annotated[
    str,
    StringConstraints(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,15}(Z|[+-][0-9]{2}:[0-9]{2})$"
    ),
    AfterValidator(_instant),
]


class NewPower(_Asked):
    """Who may act, in what, from when until when (30 days unless an end is named).

    The agent is named by name and identity number; `item_code` or `case_no` narrow the
    power to one item or one case.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    agent_name: PersonName
    agent_number: DocumentNumber
    acts: Annotated[list[PowerAct], Field(min_length=1, max_length=4)]
    item_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}$")] | None = (
        None
    )
    case_no: (
        Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}[0-9]{14}$")] | None
    ) = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None


class SeenPerson(_Asked):
    """Whom an officer saw at a window: the code that the person showed, and what the
    document says; for a guardian, the guardian's code and the child's document.

    `id_type` is GA/T 2000.156's code, told by the number unless named. `corrects`: an
    officer's earlier entry of a child's name was wrong.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    code: Annotated[str, StringConstraints(pattern=r"^[2-9A-HJ-NP-Z]{8}$")]
    name: PersonName
    id_type: DocumentType | None = None
    number: DocumentNumber
    corrects: bool = False


class NewKin(_Asked):
    """A relative, or a body of one's own, whose cases an officer must not handle.

    `number` is an identity number or a USCC; only its keyed hash is kept.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    relation: Literal[
        "spouse", "direct_line", "collateral", "in_law", "own_business", "other"
    ]
    number: DocumentNumber


class Refresh(_Asked):
    """A refresh token: works once; for 10 seconds again, with the same result."""

    refresh_token: Code


class NewApplication(_Asked):
    """The item that is applied for, by its 31-character implementation code."""

    item_code: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{31}$")]


class SavedForm(_Asked):
    """A form; while it is a draft it may be incomplete."""

    form: Form


class Submission(_Asked):
    """Materials that are to follow (容缺受理), by code; mostly none, and no body."""

    promised: Promised = []


class NewCorrections(_Asked):
    """The mended form, or none where it stays as it is; materials that are to follow.

    In review, what was promised is handed in this way too, without a form.
    """

    form: Form | None = None
    promised: Promised = []


class NewMaterial(_Asked):
    """A file that will be uploaded: which material, its media type, its exact size."""

    material: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    content_type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    size_bytes: int


class NewReuse(_Asked):
    """A file of one's vault for a material: for which purpose, and that one agrees.

    `purpose` is the sentence that the person was shown; it holds no personal data.
    """

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    purpose: Annotated[str, StringConstraints(min_length=2, max_length=200)]
    consent: bool


class Nothing(_Asked):
    """No fields: `{}` or no body at all."""


class NewPayment(_Asked):
    """The channel, and the bill where the case has several."""

    channel: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    bill_id: (
        Annotated[str, StringConstraints(pattern=r"^[0-9]{6}[0-9A-HJKMNP-TV-Z]{26}$")]
        | None
    ) = None


class ItemFiles(_Asked):
    """An item's folder and what it refers to, by name: `kiosk/item.yaml`, `_base/…`."""

    files: Annotated[
        dict[
            Annotated[
                str,
                StringConstraints(
                    pattern=r"^[A-Za-z0-9_][A-Za-z0-9_-]{0,63}(/[A-Za-z0-9_-]{1,64})?"
                    r"\.(yaml|typ)$"
                ),
            ],
            Annotated[str, StringConstraints(max_length=262_144)],
        ],
        Field(min_length=1, max_length=24),
    ]


class ItemReview(_Asked):
    """An office's answer to a revision, and its reasons."""

    model_config = ConfigDict(str_strip_whitespace=True)

    agrees: bool
    reasons: Annotated[str, StringConstraints(max_length=LONGEST_REASONS)] = ""


class ItemPublication(_Asked):
    """The legal day from which a revision is offered."""

    effective_on: Annotated[
        str,
        StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
        AfterValidator(_day),
    ]


def _english(text: str) -> str:
    """The text as it came. Raises ValueError for Chinese, and for an `x`."""
    if _CHINESE.search(text) or len(_LATIN.findall(text)) < _FEWEST_LETTERS:
        raise ValueError("not English")
    return text


class BothLanguages(_Asked):
    """An officer's own words, in Chinese; English where the officer writes it."""

    model_config = ConfigDict(str_strip_whitespace=True)

    zh: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    en: (
        Annotated[
            str,
            StringConstraints(min_length=1, max_length=500),
            AfterValidator(_english),
        ]
        | None
    ) = None


class Defect(_Asked):
    """One thing to mend: where (`/form/…`, `/materials/<code>`), what, and how."""

    path: Annotated[
        str,
        StringConstraints(
            pattern=r"^/(form(/[^/]+)+|materials/[a-z0-9_]+)$", max_length=200
        ),
    ]
    code: MaterialCode = "officer_found"
    message: BothLanguages
    remedy: BothLanguages


class LateReason(_Asked):
    """Why a defect was not told when it could first be seen; supervision reads it."""

    model_config = ConfigDict(str_strip_whitespace=True)

    code: Literal["law_changed", "fact_emerged", "overlooked", "public_safety"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASONS)]


class NewNotice(_Asked):
    """An officer's one notice: everything that the applicant has to mend."""

    defects: Annotated[list[Defect], Field(min_length=1, max_length=20)]
    late_reason: LateReason | None = None


class NewDecision(_Asked):
    """An officer's decision and its reasons, which the applicant will read.

    `articles` are those that it applies, from `articles_offered` of the case or in the
    officer's own words; a refusal cites at least one.
    """

    model_config = ConfigDict(str_strip_whitespace=True)

    decision: Literal["approve", "refuse"]
    reasons: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASONS)]
    articles: Annotated[
        list[Annotated[str, StringConstraints(min_length=4, max_length=300)]],
        Field(max_length=10),
    ] = []

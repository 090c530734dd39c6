"""Who signed in, and with what they go on."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.common import Text


class SubjectAnswer(TypedDict):
    """Who signed in: a natural or legal person, and how well that is proven."""

    kind: Literal["natural", "legal"]
    level: Literal["declared", "matched", "present", "strong"]


class SessionAnswer(TypedDict):
    """Our own token, and a refresh token that works once."""

    token_type: Literal["Bearer"]
    access_token: str
    expires_in_seconds: int
    refresh_token: str
    subject: SubjectAnswer
    roles: list[str]


class BindingAnswer(TypedDict):
    """A login of the person; `current` is the one in use."""

    binding_id: str
    provider: Literal["wechat_mini_program", "oidc", "document", "uscc"]
    level: str
    current: bool


class ActingFor(TypedDict):
    """For whom one acts in this session, and as what."""

    kind: Literal["natural", "legal"]
    name: str
    office: str
    office_name: Text
    power_id: str


class BindingsAnswer(TypedDict):
    """Who is signed in, by all logins, and how well they are proven together.

    `name` is the person's own, null while nobody vouches for it; `acting_for` is null
    where one acts for oneself.
    """

    level: str
    level_name: Text
    name: str | None
    acting_for: ActingFor | None
    bindings: list[BindingAnswer]


class WindowCodeAnswer(TypedDict):
    """A code to be shown to an officer at a window, and until when it is good."""

    code: str
    expires_at: str


class PartyAnswer(TypedDict):
    """A principal or an agent, by name."""

    kind: Literal["natural", "legal"]
    name: str


class PowerAnswer(TypedDict):
    """An authorisation. `holds`: it may be used now; else `because` is a code.

    `items`, `item_code` and `case_no` narrow it; null is everything. `agent` is null
    until somebody has accepted it, which they may until `accept_until`.
    """

    power_id: str
    office: Literal["representative", "manager", "agent", "guardian"]
    office_name: Text
    acts: list[Literal["apply", "pay", "receive"]]
    item_code: str | None
    items: list[str] | None
    case_no: str | None
    source: Literal["provider", "e_business_licence", "consent", "guardian"]
    state: Literal["offered", "accepted", "revoked"]
    holds: bool
    because: str | None
    because_words: Text | None
    accept_until: str | None
    starts_at: str
    ends_at: str
    principal: PartyAnswer | None
    agent: PartyAnswer | None


class PowersAnswer(TypedDict):
    """What one gave, and what one was given or is offered."""

    given: list[PowerAnswer]
    held: list[PowerAnswer]

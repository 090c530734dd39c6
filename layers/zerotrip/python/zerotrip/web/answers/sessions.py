"""Who signed in, and with what they go on."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict


class SubjectAnswer(TypedDict):
    """Who signed in: a natural or legal person, and how well that is proven."""

    kind: Literal["natural", "legal"]
    level: str


class SessionAnswer(TypedDict):
    """Our own token, and a refresh token that works once."""

    token_type: Literal["Bearer"]
    access_token: str
    expires_in_seconds: int
    refresh_token: str
    subject: SubjectAnswer
    roles: list[str]

"""Licences, and what anybody may verify."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.common import Text


class IssuerAnswer(TypedDict):
    """The body that issued a licence, by its USCC."""

    uscc: str
    name: Text


class LicenceAnswer(TypedDict):
    """One's own licence. `prepared`: its file is being signed."""

    licence_id: str
    state: Literal["prepared", "valid", "expired"]
    case_no: str
    item_code: str
    title: Text
    issuer: IssuerAnswer
    issued_at: str
    valid_until: str | None
    sha256: str | None


class VerificationAnswer(TypedDict):
    """What anyone may know of a licence: that it was issued, by whom, until when."""

    licence_id: str
    state: Literal["valid", "expired"]
    title: Text
    issuer: IssuerAnswer
    issued_at: str
    valid_until: str | None

"""What every door answers with: texts, faults, problems, keys."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict


class Text(TypedDict):
    """A text in both languages; Chinese is the one that counts."""

    zh: str
    en: str


class FaultAnswer(TypedDict):
    """One thing to mend: JSON pointer, stable code, a sentence per language."""

    path: str
    code: str
    zh: str
    en: str


class KeysAnswer(TypedDict):
    """JSON Web Key Set (RFC 7517): the keys that check our tokens."""

    keys: list[dict[str, Any]]


class ProblemAnswer(TypedDict):
    """A problem document (RFC 9457), with what the error itself tells besides.

    `status` is missing only where the gateway refuses for a reason without a name.
    """

    type: str
    title: str
    status: NotRequired[int]
    detail: str
    instance: str
    code: str
    zh: str
    en: str
    faults: NotRequired[list[FaultAnswer]]


class PartnerRefusal(TypedDict):
    """A refused callback, in the partner's own scheme; WeChat Pay's `code` is FAIL."""

    code: str
    message: NotRequired[str]

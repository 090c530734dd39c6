"""Errors, named for what the caller should do next.

ZeroTripError
├── Refused              the person can act on it: an HTTP problem document
│   ├── Invalid          422, every fault of the request at once
│   ├── Malformed        400, the request could not be read at all
│   ├── Unauthenticated  401
│   ├── Forbidden        403, the role may not do this
│   ├── NotFound         404, not there or not yours: the same answer
│   ├── Conflict         409, names the winner
│   ├── PreconditionFailed    412, If-Match names an older version
│   ├── PreconditionRequired  428, If-Match is missing
│   └── Unavailable      503, a partner does not answer; try again later
├── Retry                a step: put the message back, it may work next time
├── GiveUp               a step: no retry can help, to the dead-letter queue
│   └── Erased           its data key was destroyed; over HTTP 410
└── AlreadyDone          a step: nothing to do, acknowledge with the code

Every error carries a stable `code` (lower_snake, also the tail of the problem's
`type`) and a sentence in Chinese and in English. No sentence, code or detail ever
holds personal data: errors are logged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a request: JSON pointer, stable code, a sentence per language."""

    path: str
    code: str
    zh: str
    en: str

    def as_json(self) -> dict[str, str]:
        """The wire form used in problem documents and notices."""
        return {"path": self.path, "code": self.code, "zh": self.zh, "en": self.en}


class ZeroTripError(Exception):
    """Base of all: a stable code, a sentence in Chinese, the same in English."""

    def __init__(
        self,
        code: str,
        zh: str,
        en: str,
        *,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en
        self.detail: dict[str, Any] = dict(detail or {})


class Refused(ZeroTripError):
    """The request cannot be carried out as it is; `status` is the HTTP status."""

    status: ClassVar[int] = 400


class Malformed(Refused):
    """The request could not be read (not JSON, not UTF-8, no body)."""

    status = 400


class Unauthenticated(Refused):
    """No session, or one that does not hold."""

    status = 401


class Forbidden(Refused):
    """The session holds, but its role may not do this."""

    status = 403


class NotFound(Refused):
    """Not there, or not yours: nobody learns which."""

    status = 404


class Conflict(Refused):
    """Something else came first; `detail["winner"]` says what, where it may be told."""

    status = 409


class PreconditionFailed(Refused):
    """`If-Match` names a version that is no longer the current one."""

    status = 412


class Invalid(Refused):
    """The request was read and is wrong; `faults` lists everything that is."""

    status = 422

    def __init__(
        self,
        code: str,
        zh: str,
        en: str,
        *,
        faults: Sequence[Fault] = (),
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(code, zh, en, detail=detail)
        self.faults = tuple(faults)


class PreconditionRequired(Refused):
    """The request must say with `If-Match` which version the person saw."""

    status = 428


class Unavailable(Refused):
    """A partner that this request needs does not answer now."""

    status = 503


class Retry(ZeroTripError):
    """A passing failure of a step: the message goes back to its queue."""


class GiveUp(ZeroTripError):
    """A lasting failure of a step: the message goes to the DLQ with this code."""


class Erased(GiveUp):
    """The content was erased by destroying its key: lasting, and nobody's mistake."""

    status: ClassVar[int] = 410


class AlreadyDone(ZeroTripError):
    """The effect exists, or its time has passed: the message is acknowledged."""

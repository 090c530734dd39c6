"""A request as endpoints see it, and the reply that they give. No framework here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from zerotrip.identity.model import Session, SessionRefused
from zerotrip.kernel.errors import (
    Fault,
    Invalid,
    Malformed,
    PreconditionRequired,
)
from zerotrip.web.route import Route

JSON = "application/json"
MOST_PER_PAGE = 100
USUAL_PER_PAGE = 50

# Few digits, because int() refuses thousands of them with an error of its own.
_LIMIT = re.compile(r"[1-9][0-9]{0,2}")
_VERSION_TAG = re.compile(r'"v([1-9][0-9]{0,8})"')

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked. Header names are lower case; `seen` is what If-Match named."""

    route: Route
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    session: Session | None = None
    body: BaseModel | None = field(default=None, repr=False)
    seen: int | None = None

    @property
    def person(self) -> Session:
        """Who calls. Raises SessionRefused where nobody is signed in."""
        if self.session is None:
            raise SessionRefused("session_missing")
        return self.session

    @property
    def version(self) -> int:
        """The version that the person saw, where the route requires If-Match."""
        if self.seen is None:
            raise if_match_missing()
        return self.seen

    @property
    def limit(self) -> int:
        """`?limit=`, 1 to 100. Raises Invalid `request_invalid`."""
        text = self.query.get("limit", str(USUAL_PER_PAGE))
        if _LIMIT.fullmatch(text) and int(text) <= MOST_PER_PAGE:
            return int(text)
        raise Invalid(
            "request_invalid",
            "请求内容有误，请按提示逐项修改。",
            "The request has faults: mend them all, then send it again.",
            faults=(
                Fault(
                    "?limit",
                    "limit_wrong",
                    f"每页条数须为1至{MOST_PER_PAGE}的整数。",
                    f"limit is a whole number from 1 to {MOST_PER_PAGE}.",
                ),
            ),
        )

    def asked(self, model: type[Model]) -> Model:
        """The body, which the frame has read as the route's own model."""
        if not isinstance(self.body, model):
            raise TypeError(f"{self.route.name} does not read a {model.__name__}")
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered; a body of None is no body. `text` is a page instead of JSON."""

    status: int
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON
    text: str | None = field(default=None, repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is sent."""
        return self.body is None and self.text is None

    def content(self) -> str:
        """The body as it goes over the wire."""
        if self.text is not None:
            return self.text
        if self.body is None:
            return ""
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":"))


def version_tag(version: int) -> str:
    """The ETag of a version: `"v7"`."""
    return f'"v{version}"'


def seen_version(header: str | None, *, required: bool) -> int | None:
    """The version that If-Match names.

    Raises PreconditionRequired `if_match_missing`, Malformed `if_match_malformed`.
    """
    if header is None or not header.strip():
        if required:
            raise if_match_missing()
        return None
    found = _VERSION_TAG.fullmatch(header.strip())
    if found is None:
        raise Malformed(
            "if_match_malformed",
            "页面版本有误，请刷新后重试。",
            "If-Match takes the ETag of your last read, unchanged.",
        )
    return int(found[1])


def if_match_missing() -> PreconditionRequired:
    """The request does not say which version the person saw."""
    return PreconditionRequired(
        "if_match_missing",
        "请刷新页面，查看最新内容后再提交。",
        "Read it first, then say with If-Match which version you saw.",
    )

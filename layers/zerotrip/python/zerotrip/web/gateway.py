"""What API Gateway refuses by itself, before any function of ours runs. Pure.

The same stands as `GatewayResponses` of both REST APIs in the template, which a test
compares with this table. There a general refusal cannot name its own status, so its
document leaves `status` out, as RFC 9457 allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from zerotrip.web.problems import TITLES
from zerotrip.web.route import Words


class Where(StrEnum):
    """At which routes a refusal can happen."""

    EVERY_ROUTE = "every route"
    SIGNED_IN = "routes that ask for a session"
    WITH_BODY = "routes that take a body"
    NO_ROUTE = "addresses that are no route"


@dataclass(frozen=True, slots=True)
class GatewayRefusal:
    """One of API Gateway's response types, and what we have it say.

    `statuses` are those that API Gateway gives it; several where it is a general one.
    """

    kind: str
    statuses: tuple[int, ...]
    where: Where
    code: str
    zh: str
    en: str
    own_title: Words | None = None

    @property
    def title(self) -> Words:
        """The title of its status, or one that fits all of its statuses."""
        return self.own_title or TITLES[self.statuses[0]]

    @property
    def general(self) -> bool:
        """Whether it stands for all that has no response of its own."""
        return self.kind.startswith("DEFAULT_")


REFUSALS = (
    GatewayRefusal(
        "DEFAULT_4XX",
        (400, 403),
        Where.EVERY_ROUTE,
        "request_refused",
        "请求有误，请检查后重试。",
        "Something about the request is wrong; check it and try again.",
        Words("请求无法受理", "The request was refused"),
    ),
    GatewayRefusal(
        "DEFAULT_5XX",
        (500, 502, 504),
        Where.EVERY_ROUTE,
        "unavailable",
        "服务暂时不可用，请稍后再试。",
        "The service does not answer now; try again later.",
        TITLES[503],
    ),
    GatewayRefusal(
        "MISSING_AUTHENTICATION_TOKEN",
        (404,),
        Where.NO_ROUTE,
        "not_found",
        "没有这个地址。",
        "There is nothing at this address.",
    ),
    GatewayRefusal(
        "UNAUTHORIZED",
        (401,),
        Where.SIGNED_IN,
        "unauthenticated",
        "请登录后再试。",
        "Sign in and try again.",
    ),
    GatewayRefusal(
        "ACCESS_DENIED",
        (403,),
        Where.SIGNED_IN,
        "forbidden",
        "您的身份不能进行此操作。",
        "Your role may not do this.",
    ),
    GatewayRefusal(
        "THROTTLED",
        (429,),
        Where.EVERY_ROUTE,
        "too_many_requests",
        "请求过于频繁，请稍后再试。",
        "Too many requests; try again in a moment.",
    ),
    GatewayRefusal(
        "REQUEST_TOO_LARGE",
        (413,),
        Where.WITH_BODY,
        "request_too_large",
        "提交的内容过大，请减小后重试。",
        "What was sent is too large; make it smaller.",
    ),
    GatewayRefusal(
        "UNSUPPORTED_MEDIA_TYPE",
        (415,),
        Where.WITH_BODY,
        "unsupported_media_type",
        "提交的内容类型有误，请刷新页面后重试。",
        "Send the body as JSON.",
    ),
)

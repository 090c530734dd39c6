"""Problem documents (RFC 9457): the one form of every answer that is not a success.

`type` is `urn:zerotrip:problem:{code}`: stable, and it promises no web page. Members
beyond RFC 9457: `code`, `zh`, `en`, `faults`, and what the error itself tells
(`winner`, `stage`, `materials`, …).
"""

from __future__ import annotations

from typing import Any

from zerotrip.kernel.errors import Erased, Invalid, Refused, Retry, ZeroTripError
from zerotrip.web.exchange import Reply
from zerotrip.web.route import Words

PROBLEM_JSON = "application/problem+json"
TYPE_PREFIX = "urn:zerotrip:problem:"

TITLES: dict[int, Words] = {
    400: Words("请求无法读取", "The request cannot be read"),
    401: Words("请先登录", "Not signed in"),
    403: Words("无权办理", "Not allowed"),
    404: Words("未找到", "Not found"),
    405: Words("不支持的操作", "Method not allowed"),
    409: Words("与现状冲突", "Conflict with what is stored"),
    410: Words("已不存在", "Gone"),
    412: Words("内容已变化", "It has changed since"),
    413: Words("内容过大", "Too large"),
    415: Words("类型不受支持", "Unsupported media type"),
    422: Words("内容有误", "The request has faults"),
    428: Words("缺少版本", "If-Match is required"),
    429: Words("请求过于频繁", "Too many requests"),
    500: Words("系统内部错误", "Internal error"),
    502: Words("服务暂时不可用", "Temporarily unavailable"),
    503: Words("服务暂时不可用", "Temporarily unavailable"),
    504: Words("服务暂时不可用", "Temporarily unavailable"),
}
RETRY_AFTER_SECONDS = 2


class InternalError(ZeroTripError):
    """Something nobody foresaw; what it was stands in the log."""

    def __init__(self) -> None:
        super().__init__(
            "internal_error",
            "系统内部错误，请稍后再试；如持续出现，请提供请求编号。",
            "Something went wrong inside: try again later, or name the request id.",
        )


class AddressUnknown(Refused):
    """No route has this path, or an id in it cannot be one."""

    status = 404

    def __init__(self) -> None:
        super().__init__(
            "not_found", "没有这个地址。", "There is nothing at this address."
        )


class MethodRefused(Refused):
    """The path exists, with other methods."""

    status = 405

    def __init__(self) -> None:
        super().__init__(
            "method_not_allowed",
            "该地址不支持此操作。",
            "This address does not take this method.",
        )


class PartnerUnknown(Refused):
    """Nobody of that name calls us back."""

    status = 404

    def __init__(self) -> None:
        super().__init__(
            "partner_unknown", "没有这个合作方。", "There is no such partner."
        )


def status_of(error: ZeroTripError) -> int:
    """The HTTP status: a refusal's own, 503 for what may work later, else 500."""
    if isinstance(error, Refused | Erased):
        return error.status
    return 503 if isinstance(error, Retry) else 500


def problem(error: ZeroTripError, request_id: str) -> Reply:
    """The reply that tells of an error."""
    status = status_of(error)
    title = TITLES[status]
    # What a refusal tells is meant for the person; what a failure tells, for the log.
    told = error.detail if isinstance(error, Refused) else {}
    body: dict[str, Any] = {
        **told,
        "type": TYPE_PREFIX + error.code,
        "title": f"{title.zh} · {title.en}",
        "status": status,
        "detail": f"{error.zh} {error.en}",
        "instance": f"urn:zerotrip:request:{request_id}",
        "code": error.code,
        "zh": error.zh,
        "en": error.en,
    }
    if isinstance(error, Invalid):
        body["faults"] = [fault.as_json() for fault in error.faults]
    headers = {}
    if status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Reply(status, body, headers, content_type=PROBLEM_JSON)

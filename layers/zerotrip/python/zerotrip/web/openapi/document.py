"""The document itself: paths from routes, components from shapes and error codes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from zerotrip.identity.permissions import ANYONE, roles_for
from zerotrip.web.openapi.examples import EXAMPLES
from zerotrip.web.openapi.links import links_of
from zerotrip.web.openapi.refusals import problem_examples, refusals
from zerotrip.web.openapi.schemas import schemas
from zerotrip.web.route import PARAMETERS, Route, Words
from zerotrip.web.routes import applicant, catalogue, partners, public, staff

Json = dict[str, Any]

TAGS: tuple[tuple[str, Words, Any], ...] = (
    ("applicant", Words("申请人：个人与企业", "Citizens and companies"), applicant),
    ("staff", Words("工作人员", "Officers"), staff),
    ("catalogue", Words("事项编制与审核", "Editors and reviewers"), catalogue),
    ("public", Words("公开查询", "Anyone"), public),
    ("partners", Words("合作方回调", "Partners' callbacks"), partners),
)

_SUCCESS = {
    200: "成功 · Done",
    201: "已创建 · Created",
    202: "已收件 · Received",
    204: "完成，无内容 · Done, no body",
    303: "请转到Location所示地址 · See the address in Location",
}


def routes() -> Iterable[tuple[str, Route]]:
    """Every route of version 1 with its tag."""
    for tag, _, module in TAGS:
        for value in vars(module).values():
            if isinstance(value, Route):
                yield tag, value


def document() -> Json:
    """The whole OpenAPI 3.1 document."""
    paths: dict[str, Json] = defaultdict(dict)
    for tag, route in routes():
        paths[route.path][route.method.lower()] = _operation(tag, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "零跑腿 · ZeroTrip",
            "version": "1.0.0",
            "summary": "数据跑腿，群众不跑 · The data runs the errand",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "部署地址 · where it is deployed"}],
        "tags": [
            {"name": name, "description": _both(words)} for name, words, _ in TAGS
        ],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": {
                "session": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "POST /v1/sessions 所得的令牌 · our own ES256 token",
                }
            },
            "parameters": _PARAMETERS,
            "headers": _HEADERS,
            "schemas": schemas(name for _, route in routes() for name in _names(route)),
            "examples": problem_examples(route for _, route in routes()),
        },
    }


def _operation(tag: str, route: Route) -> Json:
    roles = roles_for(route.method, route.path) or ANYONE
    operation: Json = {
        "tags": [tag],
        "operationId": operation_id(route),
        "summary": _both(route.summary),
        "security": [{"session": []}] if roles else [],
    }
    if roles:
        operation["x-roles"] = sorted(str(role) for role in roles)
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.raw:
        operation["requestBody"] = _raw_body()
    elif route.body is not None:
        operation["requestBody"] = {
            "required": not route.body_optional,
            "content": {
                "application/json": {
                    "schema": _ref("schemas", route.body.__name__),
                    **_examples_of(route.body.__name__),
                }
            },
        }
    operation["responses"] = {**_successes(route), **refusals(route)}
    return operation


def operation_id(route: Route) -> str:
    """The route's name in the module that describes it: `start_application`."""
    for _, _, module in TAGS:
        for name, value in vars(module).items():
            if value is route:
                return str(name).lower()
    raise LookupError(route.name)


def _names(route: Route) -> Iterable[str]:
    if route.body is not None:
        yield route.body.__name__
    yield from (name for name in route.answers.values() if name is not None)


def _parameters(route: Route) -> list[Json]:
    names = [*route.parameters, *route.query]
    if route.if_match is not None:
        names.append(
            "If-Match-required" if route.if_match == "required" else "If-Match"
        )
    if route.keyed:
        names.append("Idempotency-Key")
    if route.tagged and route.method == "GET":
        names.append("If-None-Match")
    return [_ref("parameters", name) for name in names]


def _successes(route: Route) -> Json:
    found: Json = {}
    for status, name in route.answers.items():
        answer: Json = {"description": _SUCCESS[status]}
        headers = {}
        if route.tagged:
            headers["ETag"] = _ref("headers", "ETag")
        if status in (201, 202, 303) and _has_location(route):
            headers["Location"] = _ref("headers", "Location")
        if headers:
            answer["headers"] = headers
        if name is not None:
            answer["content"] = {
                "application/json": {
                    "schema": _ref("schemas", name),
                    **_examples_of(name),
                }
            }
        if route.page:
            answer["content"] = {
                "text/html": {
                    "schema": {"type": "string"},
                    "examples": {
                        "page": {"value": '<!doctype html><html lang="zh-CN"></html>'}
                    },
                }
            }
        links = links_of(operation_id(route), status)
        if links:
            answer["links"] = links
        found[str(status)] = answer
    if route.tagged and route.method == "GET":
        found["304"] = {
            "description": "内容未变 · Not modified",
            "headers": {"ETag": _ref("headers", "ETag")},
        }
    return found


def _has_location(route: Route) -> bool:
    return route.path.endswith(("/applications", "/submission", "/document"))


def _examples_of(name: str) -> Json:
    return {"examples": EXAMPLES[name]}


def _raw_body() -> Json:
    return {
        "required": True,
        "description": (
            "原始字节，按合作方自己的方式签名 · raw bytes, signed the partner's own way"
        ),
        "content": {"application/json": {"schema": {}, **_examples_of("Callback")}},
    }


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _both(words: Words) -> str:
    return f"{words.zh} · {words.en}"


def _header(name: str, words: Words, example: str, *, required: bool = False) -> Json:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": _both(words),
        "schema": {"type": "string"},
        "example": example,
    }


_IF_MATCH = Words(
    "上次查询所得的ETag：据以操作的版本", "The ETag of your last read: what you saw"
)
_PARAMETERS: Json = {
    **{
        name: {
            "name": name,
            "in": "path",
            "required": True,
            "description": _both(parameter.words),
            "schema": {"type": "string", "pattern": f"^{parameter.pattern}$"},
            "example": parameter.example,
        }
        for name, parameter in PARAMETERS.items()
    },
    **{
        name: {
            "name": name,
            "in": "query",
            "required": False,
            "description": _both(words),
            "schema": schema,
            "example": example,
        }
        for name, words, schema, example in (
            (
                "q",
                Words(
                    "查找的文字，可用拼音或首字母", "Words to look for; pinyin will do"
                ),
                {"type": "string", "maxLength": 100},
                "食品",
            ),
            (
                "audience",
                Words("服务对象", "For whom"),
                {"type": "string", "enum": ["person", "company"]},
                "company",
            ),
            (
                "department",
                Words("部门", "The department"),
                {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,31}$"},
                "food-licensing",
            ),
            (
                "theme",
                Words("主题", "The theme"),
                {"type": "string", "pattern": "^[a-z][a-z0-9_]{0,39}$"},
                "open_a_restaurant",
            ),
            (
                "after",
                Words(
                    "从该事项之后开始（下一页）", "Go on behind this item: next page"
                ),
                {"type": "string", "pattern": "^[0-9A-Z]{31}$"},
                PARAMETERS["item_code"].example,
            ),
        )
    },
    "limit": {
        "name": "limit",
        "in": "query",
        "required": False,
        "description": "最多返回几条 · how many at most",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 50},
        "example": 20,
    },
    "If-Match": _header("If-Match", _IF_MATCH, '"v7"'),
    "If-Match-required": _header("If-Match", _IF_MATCH, '"v7"', required=True),
    "If-None-Match": _header(
        "If-None-Match",
        Words("内容未变则答304", "Answers 304 where nothing has changed"),
        '"v7"',
    ),
    "Idempotency-Key": _header(
        "Idempotency-Key",
        Words(
            "重试同一请求时保持不变，24小时内得到同样的答复",
            "Kept on a retry: the same answer again, for 24 hours",
        ),
        "0f3c1b52-6f0e-4c0e-9a55-8d3a1c1f7e21",
    ),
}
_HEADERS: Json = {
    "ETag": {
        "description": "版本，用于If-Match · the version, for If-Match",
        "schema": {"type": "string"},
        "example": '"v7"',
    },
    "Location": {
        "description": "所在地址 · where it is",
        "schema": {"type": "string", "format": "uri-reference"},
        "example": "/v1/cases/11441882007000001K400012400000120261121483920",
    },
}
_DESCRIPTION = """\
时间为UTC的RFC 3339文本，金额以分为单位，文字以中文为准并附英文。
凡非成功的答复均为问题文档（RFC 9457）：`code`固定不变，`zh`与`en`可直接展示，
`faults`列出全部问题。网关在到达应用之前拒绝的请求同样如此。

Times are RFC 3339 in UTC, amounts are whole fen, texts are Chinese with English beside.
Everything but a success is a problem document (RFC 9457): `code` is stable, `zh` and
`en` may be shown as they are, `faults` lists everything that is wrong. What the gateway
refuses before it reaches the application is one too.
"""

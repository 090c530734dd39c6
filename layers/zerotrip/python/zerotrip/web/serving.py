"""A Chalice application from routes and endpoints. Chalice owns routes, nothing else.

Every answer passes here: the session is checked against the permission table, body
and headers are read, errors become problem documents, one line is logged.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from chalice.app import Chalice, Response
from chalice.app import Request as ChaliceRequest

from zerotrip.identity import permissions
from zerotrip.identity.model import Session, SessionRefused
from zerotrip.kernel.errors import ZeroTripError
from zerotrip.web.bodies import read_body
from zerotrip.web.exchange import Reply, Request, seen_version
from zerotrip.web.problems import (
    AddressUnknown,
    InternalError,
    MethodRefused,
    problem,
    status_of,
)
from zerotrip.web.route import PARAMETERS, Route


class Timed(Protocol):
    """What the frame itself asks of an application's dependencies."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The clock, in UTC."""


Deps = TypeVar("Deps", bound=Timed)
Endpoint = Callable[[Request, Deps], Reply]
Endpoints = Iterable[tuple[Route, Endpoint[Deps]]]

NO_STORE = "no-store"


class Api(Chalice):
    """Chalice, whose own 404 and 405 are problem documents too."""

    def __call__(self, event: Any, context: Any) -> dict[str, Any]:
        """One REST API proxy event."""
        asked = event.get("requestContext", {})
        request_id = str(asked.get("requestId", ""))
        methods = self.routes.get(asked.get("resourcePath"))
        if methods is None:
            return _response(problem(AddressUnknown(), request_id)).to_dict()
        if asked.get("httpMethod") not in methods:
            response = _response(problem(MethodRefused(), request_id))
            response.headers["Allow"] = ", ".join(sorted(methods))
            return response.to_dict()
        answered: dict[str, Any] = super().__call__(event, context)
        return answered


def chalice_app(
    name: str,
    endpoints: Endpoints[Deps],
    deps: Callable[[], Deps],
    log: Callable[[], Any],
) -> Api:
    """The application of one audience; `deps` and `log` are asked at first need."""
    app = Api(name, configure_logs=False)
    for route, endpoint in endpoints:
        # An empty list: the frame reads content types, so that 415 is ours too.
        register = app.route(route.path, methods=[route.method], content_types=[])
        register(_view(app, route, endpoint, deps, log))
    return app


def _view(
    app: Api,
    route: Route,
    endpoint: Endpoint[Deps],
    deps: Callable[[], Deps],
    log: Callable[[], Any],
) -> Callable[..., Response]:
    def view(**path: str) -> Response:
        asked = app.current_request
        if asked is None:
            raise RuntimeError("Chalice called a view outside a request")
        request_id = str(asked.context.get("requestId", ""))
        logged = {"method": route.method, "route": route.path, "request": request_id}
        # Only where it can be one: anybody's words may stand in an address.
        if PARAMETERS["case_no"].fits(path.get("case_no", "")):
            logged["case_no"] = path["case_no"]
        try:
            session = _session(asked.context, lambda: deps().now())
            request = _read(route, asked, path, session)
            reply = _unless_known(request, endpoint(request, deps()))
        except ZeroTripError as error:
            reply = problem(error, request_id)
            _tell(log(), error, {**logged, "status": reply.status})
        except Exception as error:  # noqa: BLE001 - whatever it was, the caller is told
            reply = problem(InternalError(), request_id)
            log().error("Nobody foresaw this.", **_unforeseen(error), **logged)
        else:
            log().info(
                "COMPLETED", code="request_answered", status=reply.status, **logged
            )
        return _response(reply)

    view.__name__ = route.name
    return view


def _read(
    route: Route,
    asked: ChaliceRequest,
    path: Mapping[str, str],
    session: Session | None,
) -> Request:
    """What was asked, in the order in which a refusal tells least to a stranger."""
    permissions.require(session, route.method, route.path)
    if not all(PARAMETERS[name].fits(value) for name, value in path.items()):
        raise AddressUnknown
    headers = dict(asked.headers)  # Chalice keeps their names in lower case
    seen = None
    if route.if_match is not None:
        required = route.if_match == "required"
        seen = seen_version(headers.get("if-match"), required=required)
    body = None
    if route.body is not None:
        raw = asked.raw_body
        body = read_body(
            route.body,
            raw.encode() if isinstance(raw, str) else raw,
            headers.get("content-type"),
            optional=route.body_optional,
        )
    return Request(
        route=route,
        path=path,
        query=dict(asked.query_params or {}),
        headers=headers,
        session=session,
        body=body,
        seen=seen,
    )


def _session(context: Mapping[str, Any], now: Callable[[], datetime]) -> Session | None:
    """Who calls. Raises SessionRefused when the token's time is over."""
    said = context.get("authorizer")
    if not said:
        return None
    session = Session.from_context(said)
    # API Gateway keeps a policy for up to a minute, also past its token's end.
    if now() >= session.expires_at:
        raise SessionRefused("token_expired")
    return session


def _unless_known(request: Request, reply: Reply) -> Reply:
    """304 where the client holds just this version."""
    tag = reply.headers.get("ETag")
    held = request.headers.get("if-none-match", "")
    if request.route.method != "GET" or tag is None or reply.status != 200:
        return reply
    known = [each.strip().removeprefix("W/") for each in held.split(",")]
    if tag in known or held.strip() == "*":
        return Reply(304, None, reply.headers)
    return reply


def _response(reply: Reply) -> Response:
    headers: dict[str, str | list[str]] = {"Cache-Control": NO_STORE, **reply.headers}
    if not reply.empty:
        headers["Content-Type"] = reply.content_type
    return Response(body=reply.content(), headers=headers, status_code=reply.status)


def _tell(log: Any, error: ZeroTripError, logged: Mapping[str, Any]) -> None:
    said = {"code": error.code, "detail": error.detail, **logged}
    if isinstance(error, SessionRefused):
        said["reason"] = error.reason
    if status_of(error) >= 500:
        log.error(error.en, **said)
    else:
        log.info(error.en, **said)


def _unforeseen(error: Exception) -> dict[str, Any]:
    """Its kind and where it arose; never its message, which may quote a form."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]
    return {"code": "internal_error", "error": type(error).__name__, "where": where}

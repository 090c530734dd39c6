"""A small HTTP server for sandboxes: routes, JSON, and faults on demand.

Nothing of a request is ever logged: sandboxes see names and addresses too.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request, body as raw bytes; `target` is the path with its query, as sent."""

    method: str
    target: str
    headers: Message
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))

    def json(self) -> dict[str, Any]:
        """The body as an object. Raises Answered (400) when it is not one."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Answered(
                Response.of({"code": "not_json"}, status=HTTPStatus.BAD_REQUEST)
            )
        return value


@dataclass(frozen=True)
class Response:
    """What is answered; `broken` closes the connection without a word instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False

    @classmethod
    def of(
        cls,
        value: Any,
        status: int = 200,
        content_type: str = "application/json; charset=utf-8",
    ) -> Response:
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, body, {"Content-Type": content_type})


class Answered(Exception):
    """Raised anywhere below a route to answer at once."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


@dataclass
class Fault:
    """How the next `times` calls whose path matches go wrong.

    kind: `error` (status, code), `hang` (seconds, then no answer), `lost_answer` (the
    call takes effect, its answer does not arrive), or one of the sandbox's own.
    """

    kind: str
    path: str = ".*"
    times: int = 1
    status: int = 500
    code: str = "SYSTEM_ERROR"
    seconds: float = 0.0


Handler = Callable[..., Response]


class Sandbox:
    """One partner: routes are added by the subclass, `/_control/…` is common."""

    name = "partner"
    own_faults: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._faults: list[Fault] = []
        self._stopped = threading.Event()
        self._server: _Server | None = None
        self.route("GET", "/_control/health", lambda _: Response.of({"ok": True}))
        self.route("POST", "/_control/faults", self._add_fault)
        self.route("DELETE", "/_control/faults", self._clear_faults)

    def route(self, method: str, pattern: str, handler: Handler) -> None:
        """Named groups of the pattern become keyword arguments."""
        self._routes.append((method, re.compile(pattern), handler))

    # life

    def start(self, port: int) -> int:
        """Listen on this port if it is free, else on any; the port is returned."""
        try:
            self._server = _Server(("127.0.0.1", port), self)
        except OSError:
            self._server = _Server(("127.0.0.1", 0), self)
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"{self.name}-sandbox",
            daemon=True,
        ).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._stopped.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        if self._server is None:
            raise RuntimeError(f"the {self.name} sandbox does not run")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def snapshot(self) -> dict[str, Any]:
        """What must survive a restart, as JSON."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take up what `snapshot` gave."""

    # one request

    def answer(self, request: Request) -> Response:
        """The whole way of a request: fault, route, handler, finish."""
        fault = self._next_fault(request.path)
        if fault is not None and fault.kind == "error":
            body = {"code": fault.code, "message": "asked for by the sandbox"}
            return self.finish(Response.of(body, fault.status), fault)
        if fault is not None and fault.kind == "hang":
            self._stopped.wait(fault.seconds)
            return Response(broken=True)
        try:
            response = self._dispatch(request)
        except Answered as answered:
            response = answered.response
        if fault is not None and fault.kind == "lost_answer":
            return Response(broken=True)
        if request.path.startswith("/_control/"):
            return response
        return self.finish(response, fault)

    def finish(self, response: Response, fault: Fault | None) -> Response:
        """The last touch on an answer; the payment channel signs here."""
        del fault
        return response

    def _dispatch(self, request: Request) -> Response:
        path_known = False
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                return handler(request, **match.groupdict())
            path_known = path_known or match is not None
        missing = HTTPStatus.METHOD_NOT_ALLOWED if path_known else HTTPStatus.NOT_FOUND
        return Response.of({"code": "no_such_route"}, missing)

    # faults

    def _next_fault(self, path: str) -> Fault | None:
        if path.startswith("/_control/"):
            return None
        with self.lock:
            for fault in self._faults:
                if fault.times > 0 and re.fullmatch(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def _add_fault(self, request: Request) -> Response:
        try:
            fault = Fault(**request.json())
        except TypeError as wrong:
            return Response.of({"code": "fault_unknown", "message": str(wrong)}, 400)
        if fault.kind not in {"error", "hang", "lost_answer"} | self.own_faults:
            return Response.of({"code": "fault_unknown"}, 400)
        with self.lock:
            self._faults.append(fault)
        return Response.of({"ok": True}, HTTPStatus.CREATED)

    def _clear_faults(self, _: Request) -> Response:
        with self.lock:
            self._faults.clear()
        return Response.of({"ok": True})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # A partner keeps its port over a restart, and takes no one else's.
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        # Kept-alive connections would otherwise be answered after the stop.
        for connection in list(self._open):
            self.shutdown_request(connection)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one write
    timeout = 60
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request(
            self.command, self.path, self.headers, self.rfile.read(length)
        )
        response = self.server.sandbox.answer(request)
        if response.broken:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if response.status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 (the library's names)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a request line may hold a login code."""


def unix_seconds() -> int:
    """Now, as partners count it."""
    return int(time.time())

"""A plain base URL for the REST APIs: a reverse proxy on a port that stays.

The emulator serves an API below `/restapis/{id}/{stage}/_user_request_`, and the id is
known only after deployment. The door has its address before, so that it can be a
parameter of the deployment. It passes bytes and headers on untouched.
"""

from __future__ import annotations

import http.client
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local.home import Home, read_json

PARTNERS_PREFIX = "/partners-api"
# Headers of one connection, not of the message (RFC 9110, 7.6.1).
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding"}
TIMEOUT_SECONDS = 60


class Door(ThreadingHTTPServer):
    """Listens on the home's door port; reads its routes anew when they change."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, home: Home) -> None:
        self.home = home
        super().__init__(("127.0.0.1", home.ports().door), _Passage)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller who did not wait for the answer is no fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def target(self, path: str) -> str | None:
        """The emulator's path for a path of ours, or None before the deployment."""
        routes = read_json(self.home.routes_file)
        name = "api"
        if path.startswith(PARTNERS_PREFIX + "/"):
            name, path = "partners", path.removeprefix(PARTNERS_PREFIX)
        return routes[name] + path if name in routes else None


class _Passage(BaseHTTPRequestHandler):
    """Carries one request to the emulator and its answer back."""

    protocol_version = "HTTP/1.1"
    server: Door

    def _carry(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = self.server.target(self.path)
        if target is None:
            self._answer(503, [("Retry-After", "1")], b"nothing is deployed yet\n")
            return
        onward = http.client.HTTPConnection(
            "127.0.0.1", self.server.home.ports().emulator, timeout=TIMEOUT_SECONDS
        )
        try:
            onward.putrequest(
                self.command, target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    onward.putheader(name, value)
            onward.endheaders(body)
            answer = onward.getresponse()
            headers, payload = answer.getheaders(), answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException) as error:
            self._answer(
                502, [], f"the laptop cloud does not answer: {error}\n".encode()
            )
            return
        finally:
            onward.close()
        self._answer(status, headers, payload)

    def _answer(
        self, status: int, headers: list[tuple[str, str]], payload: bytes
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    do_GET = do_HEAD = do_OPTIONS = _carry  # noqa: N815  (the names are the library's)
    do_POST = do_PUT = do_PATCH = do_DELETE = _carry  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent: paths hold case numbers, and the functions log already."""

"""A server that breaks its word in one way: what the campaign must notice."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fuzz.campaign import document


class Lie(StrEnum):
    """In which way an answer is not what the document says."""

    CRASH = "500 for everything"
    TEAPOT = "a status that no route names"
    HTML = "a page where JSON is promised"
    SHAPELESS = "an empty object where a shape is promised"
    OPEN_DOOR = "the same success for everybody and everything"
    EVERY_METHOD = "a success for methods that a path does not have"


TOKEN = "Bearer held-by-the-right-person"


@contextlib.contextmanager
def liar(lie: Lie) -> Iterator[str]:
    """Its base URL while it runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Told", (_Liar,), {"lie": lie}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class _Liar(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lie: Lie

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, media_type, body = self._said()
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("ETag", '"v1"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _said(self) -> tuple[int, str, str]:
        if self.lie is Lie.CRASH:
            return 500, "application/problem+json", json.dumps(_problem(500))
        if self.lie is Lie.TEAPOT:
            return 418, "application/problem+json", json.dumps(_problem(418))
        if self.lie is Lie.HTML:
            return 200, "text/html", "<p>welcome</p>"
        if self.lie is Lie.SHAPELESS:
            return 200, "application/json", "{}"
        if self.lie is Lie.EVERY_METHOD and self.headers.get("Authorization") != TOKEN:
            return 401, "application/problem+json", json.dumps(_problem(401))
        return 200, "application/json", json.dumps(_promised(self.path))

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _answer  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:
        """Stays silent."""


def _problem(status: int) -> dict[str, Any]:
    found: dict[str, Any] = document()["components"]["examples"]["session_refused"]
    return {**found["value"], "status": status}


def _promised(path: str) -> dict[str, Any]:
    """The document's own example of a success at that address."""
    for template, methods in document()["paths"].items():
        if template.count("/") == path.partition("?")[0].count("/"):
            start = template.partition("{")[0]
            if path.startswith(start):
                said = next(iter(methods.values()))["responses"]["200"]
                examples = said["content"]["application/json"]["examples"]
                value: dict[str, Any] = next(iter(examples.values()))["value"]
                return value
    return {}

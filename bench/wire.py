"""Recorded HTTP: a proxy that keeps what AWS and partners answered, and its replay.

A call is known by method, path and `X-Amz-Target`; bodies hold times and random bytes,
so they are not compared. Calls of one kind are answered in the order of the recording.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SERVER = "{{server}}"
"""In a recording: base URL of the proxy that took it, of the replay that gives it."""
_DROPPED = {"connection", "content-length", "date", "server", "transfer-encoding"}
_LABEL = re.compile(r"\bapp/([0-9a-f]{20})\b")
_TO = re.compile(r"^/_to/(\d+)/([0-9a-f]{20})(/.*)$")


@dataclass(frozen=True, slots=True)
class Call:
    """One request's kind and its answer; `body` is base64, texts hold `SERVER`."""

    kind: str
    status: int
    headers: Mapping[str, str]
    body: str


def kind_of(method: str, path: str, headers: Mapping[str, str]) -> str:
    """What tells one call from another."""
    target = headers.get("X-Amz-Target", "")
    return f"{method} {urlsplit(path).path} {target}".strip()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def body(self) -> bytes:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> bytes:
        found = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            found += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            continue
        return found

    def reply(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command != "HEAD" or "Content-Length" not in headers:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def do_GET(self) -> None:
        self.answer()

    do_POST = do_PUT = do_HEAD = do_DELETE = do_GET  # noqa: N815

    def answer(self) -> None:
        raise NotImplementedError


@dataclass
class Proxy:
    """Passes calls on to the laptop cloud at `port`, and keeps them by label.

    Base URLs of partners in answers are rewritten, so that those calls come here too.
    """

    port: int
    partner_ports: frozenset[int]
    worked: Callable[[Mapping[str, Any], Any, set[str]], bool]
    """Event, answer and kinds of calls: whether the invocation is to be kept."""
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    recorded: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    told: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> Proxy:
        handler = type("Passing", (_PassingHandler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Base URL that a recorded function is given for AWS."""
        return self._server.url

    def hear(self, invocation: dict[str, Any]) -> None:
        """Keeps the first invocation of each function that did its whole work."""
        function, calls = invocation["function"], self.calls[invocation["label"]]
        if "error" in invocation:
            why = f"{invocation['error']}: {invocation['message']}"
            self.failures.append(f"{function} {why}")
            return
        kinds = {call.kind for call in calls}
        if self.worked(invocation["event"], invocation["answer"], kinds):
            with self.told:
                self.recorded.setdefault(function, {**invocation, "calls": calls})
                self.told.notify_all()


class _PassingHandler(_Handler):
    proxy: Proxy

    def answer(self) -> None:
        content = self.body()
        if self.path == "/_recorded":
            self.reply(200, {}, json.dumps(list(self.proxy.recorded)).encode())
            return
        if self.path == "/_invocation":
            self.proxy.hear(json.loads(content))
            self.reply(200, {}, b"")
            return
        port, path, label = self.proxy.port, self.path, ""
        if found := _TO.match(self.path):
            port, label, path = int(found[1]), found[2], found[3]
        elif named := _LABEL.search(self.headers.get("User-Agent", "")):
            label = named[1]
        status, headers, answer = self._pass_on(port, path, content)
        answer = self._led_here(answer, label)
        self.reply(status, headers, answer)
        text = answer.replace(self.proxy.url.encode(), SERVER.encode())
        kind = kind_of(self.command, self.path, self.headers)  # type: ignore[arg-type]
        kept = Call(kind, status, headers, base64.b64encode(text).decode())
        self.proxy.calls[label].append(kept)

    def _pass_on(
        self, port: int, path: str, content: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        passed = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in {"expect", "transfer-encoding", "connection"}
        }
        passed["Content-Length"] = str(len(content))
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(self.command, path, content, passed)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        kept = {
            name: value
            for name, value in answer.getheaders()
            if name.lower() not in _DROPPED or self.command == "HEAD"
        }
        return answer.status, kept, body

    def _led_here(self, answer: bytes, label: str) -> bytes:
        for port in self.proxy.partner_ports:
            there = f"http://127.0.0.1:{port}".encode()
            here = f"{self.proxy.url}/_to/{port}/{label}".encode()
            answer = answer.replace(there, here)
        return answer


@dataclass
class Replay:
    """Answers calls out of a recording; `strange` lists those that are not in it."""

    calls: list[Call]
    strange: list[str] = field(default_factory=list)

    def __enter__(self) -> Replay:
        handler = type("Replaying", (_ReplayingHandler,), {"replay": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._made = [self._made_ready(call) for call in self.calls]
        self.rewind()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Base URL that the measured function is given for AWS."""
        return self._server.url

    def rewind(self) -> None:
        """Begins again at the first call."""
        self.strange.clear()
        self._left = list(self._made)

    @property
    def unasked(self) -> list[str]:
        """Recorded calls that were not made."""
        return [call.kind for call, _ in self._left]

    def take(self, kind: str) -> tuple[Call, bytes] | None:
        """The next answer to a call of this kind."""
        for position, (call, _) in enumerate(self._left):
            if call.kind == kind:
                return self._left.pop(position)
        self.strange.append(kind)
        return None

    def _made_ready(self, call: Call) -> tuple[Call, bytes]:
        body = base64.b64decode(call.body).replace(SERVER.encode(), self.url.encode())
        return call, body


class _ReplayingHandler(_Handler):
    replay: Replay

    def answer(self) -> None:
        self.body()
        kind = kind_of(self.command, self.path, self.headers)  # type: ignore[arg-type]
        found = self.replay.take(kind)
        if found is None:
            self.reply(400, {}, b"{}")
            return
        call, body = found
        self.reply(call.status, call.headers, body)

"""Sandboxes for the whole session, and a receiver that stands in for the product."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import urllib3

from infra.local.partners import Sandboxes

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Receiver:
    """Keeps each callback's headers and raw body; answers what `answer` says."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[dict[str, str], bytes], Answer] = lambda _, __: (204, {}, b"")

    def wait_for(self, count: int, seconds: float = 5.0) -> None:
        wait_until(lambda: len(self.got) >= count, seconds)


def wait_until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Look again until it holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def partners() -> Iterator[Sandboxes]:
    with Sandboxes(pace_seconds=0.03, compress=300, timeout_seconds=2) as running:
        yield running


@pytest.fixture(autouse=True)
def _well_behaved(partners: Sandboxes) -> Iterator[None]:
    yield
    for name in partners.url:
        partners.control(name, "faults", method="DELETE")
    for name in ("payments", "courier"):
        # What a test left behind must not reach the next one's receiver.
        partners.control(name, "notices", method="DELETE")
        partners.control(name, "delivery", {})


@pytest.fixture(scope="session")
def http() -> urllib3.PoolManager:
    return urllib3.PoolManager()


@pytest.fixture
def now() -> Callable[[], datetime]:
    return lambda: datetime.now(UTC)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            # Lower case, as the laptop cloud hands them over.
            headers = {name.lower(): value for name, value in self.headers.items()}
            kept.got.append((headers, body))
            status, extra, content = kept.answer(headers, body)
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept.url = f"http://127.0.0.1:{server.server_address[1]}/callbacks"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield kept
    server.shutdown()
    server.server_close()

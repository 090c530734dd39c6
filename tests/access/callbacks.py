"""Partners' callbacks that must do nothing: forged, altered, stale, replayed, strayed.

A replay inside the five minutes is answered as the first was, because partners repeat
what they think was lost; it changes nothing. Every other row is refused, alike for a
number that exists and for one that does not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Thread
from typing import Any

from tests.access.matrix import Cell
from tests.access.scene import Answer, Row, Scene

ROUTE = "POST /v1/partners/{partner}/callbacks"
SPOILT = ("forged", "unsigned", "altered", "old", "future", "not_json")
"""Varieties that both sandboxes can send; each is refused."""
NUMBERED = {"wechat_pay": "out_trade_no", "courier": "order_id"}
SANDBOX = {"wechat_pay": "payments", "courier": "courier"}
NOBODYS = "441882" + "0" * 26
"""A well-formed number of ours that no bill and no parcel has."""

Control = Callable[[str, str, Any], Any]


@dataclass(frozen=True)
class Wire:
    """One callback as it goes over the network."""

    headers: Mapping[str, str]
    body: bytes


class Tap:
    """Where a sandbox's callback is caught on its way, so that it can be misused."""

    def __init__(self) -> None:
        caught: SimpleQueue[Wire] = SimpleQueue()

        class Catch(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                caught.put(Wire(dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Stays silent."""

        self._caught = caught
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Catch)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def next(self) -> Wire:
        """What was caught first."""
        return self._caught.get(timeout=30)

    def close(self) -> None:
        """Catches nothing any more."""
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Misuse:
    """Sends what was caught; `control` asks a sandbox to send something."""

    scene: Scene
    control: Control
    tap: Tap

    def caught(self, partner: str, number: str, variety: str) -> Wire:
        """A callback of that variety about that number."""
        wish = {NUMBERED[partner]: number, "variety": variety, "url": self.tap.url}
        if partner == "courier":
            wish["status"] = "PICKED_UP"
        self.control(SANDBOX[partner], "notices", wish)
        return self.tap.next()

    def send(self, partner: str, wire: Wire, path: str = "") -> Answer:
        """To the product's own address of that partner."""
        kept = {
            name: value
            for name, value in wire.headers.items()
            if name.lower() not in {"host", "content-length", "accept-encoding"}
        }
        at = path or f"/v1/partners/{partner}/callbacks"
        return self.scene.door.ask("POST", at, kept, wire.body)

    def refused(self, partner: str, number: str) -> Iterator[Cell]:
        """Each variety about the victim's number and about nobody's."""
        for variety in SPOILT:
            before = self.scene.rows()
            real = self.send(partner, self.caught(partner, number, variety))
            absent = self.send(partner, self.caught(partner, NOBODYS, variety))
            faults = _refusal_faults(real, absent)
            faults += _changed(before, self.scene.rows(), number)
            yield Cell(
                f"{ROUTE} {partner}",
                variety,
                real.status,
                real.code,
                "callback",
                faults,
            )
        genuine = self.caught(partner, number, "genuine")
        other = next(name for name in SANDBOX if name != partner)
        before = self.scene.rows()
        answer = self.send(other, genuine)
        faults = _refusal_faults(answer, answer)
        faults += _changed(before, self.scene.rows(), number)
        yield Cell(
            f"{ROUTE} {partner}",
            "sent_to_other_partner",
            answer.status,
            answer.code,
            "callback",
            faults,
        )

    def replayed(self, partner: str, number: str) -> Cell:
        """A genuine callback, and its bytes again three times."""
        genuine = self.caught(partner, number, "genuine")
        before = self.scene.rows()
        first = self.send(partner, genuine)
        once = self.scene.rows()
        again = [self.send(partner, genuine) for _ in range(3)]
        after = self.scene.rows()
        faults = []
        if first.status >= 300:
            faults.append(f"the genuine one was refused: {first.status} {first.code}")
        if not _changed(before, once, number):
            faults.append("the genuine one changed nothing")
        if {each.print() for each in again} != {first.print()}:
            faults.append(f"told apart: {[each.status for each in again]}")
        faults += _changed(once, after, number)
        return Cell(
            f"{ROUTE} {partner}",
            "replayed",
            again[-1].status,
            again[-1].code,
            "callback",
            tuple(faults),
        )


def _refusal_faults(real: Answer, absent: Answer) -> tuple[str, ...]:
    faults = []
    if real.status < 400 or absent.status < 400:
        faults.append(f"let in: {real.status}, absent {absent.status}")
    elif real.status not in (400, 401):
        faults.append(f"{real.status} {real.code}, not 400 or 401")
    if real.print() != absent.print():
        faults.append(f"told apart: {real.body!r} from {absent.body!r}")
    return tuple(faults)


def _changed(
    before: Mapping[Row, str], after: Mapping[Row, str], number: str
) -> tuple[str, ...]:
    """Rows of the bill or parcel itself; what follows from it comes by message."""
    return tuple(
        f"let in: {row[2]} changed"
        for row in sorted(before.keys() | after.keys())
        if row[1].endswith(f"#{number}") and before.get(row) != after.get(row)
    )


def tokens_do_nothing(scene: Scene) -> list[Cell]:
    """A session, however true, is no signature: to partners' routes it is nothing."""
    cells = []
    for partner in SANDBOX:
        path, body = f"/v1/partners/{partner}/callbacks", json.dumps({}).encode()
        bare = scene.door.ask("POST", path, {}, body)
        for name in scene.people:
            headers = {"Authorization": scene.bearer(name)}
            held = scene.door.ask("POST", path, headers, body)
            faults = _refusal_faults(held, bare)
            cells.append(
                Cell(
                    f"{ROUTE} {partner}",
                    name,
                    held.status,
                    held.code,
                    "callback",
                    faults,
                )
            )
    return cells

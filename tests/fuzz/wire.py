"""One raw request to the laptop cloud, byte for byte, and its answer judged."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.unit.web.contract import answer_faults

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, media type and JSON of an answer; `body` is None where there is none."""

    status: int
    content_type: str
    body: Any


def ask(
    base_url: str,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Sends it as it is: no header is added but Host and Content-Length."""
    place = urlsplit(base_url)
    connection = http.client.HTTPConnection(
        str(place.hostname), place.port, timeout=SECONDS
    )
    sent = dict(headers or {})
    try:
        connection.putrequest(
            method,
            place.path + path,
            skip_host="Host" in sent,
            skip_accept_encoding=True,
        )
        for name, value in sent.items():
            connection.putheader(name, value.encode("utf-8"))
        connection.putheader("Content-Length", str(len(body or b"")))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read()
        media_type = answer.headers.get("Content-Type", "")
        return Answer(answer.status, media_type, _read(content))
    finally:
        connection.close()


def _read(content: bytes) -> Any:
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode("utf-8", "replace")[:200]


def faults_of(answer: Answer, method: str, route: str) -> list[str]:
    """What the document does not allow in this answer; a 5xx is always a fault."""
    if answer.status >= 500:
        return [f"{answer.status}: {answer.body}"]
    media_type = answer.content_type if answer.body is not None else ""
    return answer_faults(method, route, answer.status, media_type, answer.body)

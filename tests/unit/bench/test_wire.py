"""Recorded HTTP: the same kinds of calls are answered in the order of the recording."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request

import pytest

from bench.wire import SERVER, Call, Proxy, Replay


def call(kind: str, body: str, status: int = 200) -> Call:
    return Call(
        kind, status, {"X-Kept": "yes"}, base64.b64encode(body.encode()).decode()
    )


def ask(url: str, target: str = "") -> str:
    headers = {"X-Amz-Target": target} if target else {}
    request = urllib.request.Request(url, data=b"{}", headers=headers)
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.headers["X-Kept"] == "yes"
        return str(answer.read().decode())


def test_calls_of_one_kind_come_in_order_and_again_after_a_rewind() -> None:
    calls = [
        call("POST / Get", "one"),
        call("POST / Put", "p"),
        call("POST / Get", "2"),
    ]
    with Replay(calls) as replay:
        assert [ask(replay.url, "Get"), ask(replay.url, "Get")] == ["one", "2"]
        assert (replay.unasked, replay.strange) == (["POST / Put"], [])
        replay.rewind()
        assert ask(replay.url, "Get") == "one"


def test_a_call_that_was_not_recorded_is_told() -> None:
    with Replay([]) as replay:
        with pytest.raises(urllib.error.HTTPError):
            ask(replay.url, "Delete")
        assert replay.strange == ["POST / Delete"]


def test_a_recording_leads_back_to_whoever_replays_it() -> None:
    with Replay([call("POST /", json.dumps({"base": SERVER}))]) as replay:
        assert json.loads(ask(replay.url)) == {"base": replay.url}


def test_the_proxy_keeps_what_one_labelled_function_asked() -> None:
    label = "0123456789abcdef0123"
    with Replay([call("POST /", f"{SERVER}/orders")]) as behind:
        port = int(behind.url.rpartition(":")[2])
        with Proxy(port, frozenset({port}), lambda *_: True) as proxy:
            request = urllib.request.Request(
                proxy.url, data=b"{}", headers={"User-Agent": f"Botocore app/{label}"}
            )
            with urllib.request.urlopen(request, timeout=5) as answer:
                led = answer.read().decode()
            told = {"label": label, "function": "submit", "event": {}, "answer": None}
            proxy.hear(told)
            kept = proxy.recorded["submit"]["calls"]
            # A partner's address leads to the proxy, which knows who will ask there.
            assert led == f"{proxy.url}/_to/{port}/{label}/orders"
    assert [(each.kind, each.status) for each in kept] == [("POST /", 200)]
    body = base64.b64decode(kept[0].body).decode()
    assert body == f"{SERVER}/_to/{port}/{label}/orders"

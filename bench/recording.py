"""Records one cold invocation of every function, from real cases on a laptop cloud.

The cloud is one of its own that is removed afterwards: its functions run behind
`recorder.py`. What was recorded stays under `.local/bench/`, since a recording holds
keys and secrets of that cloud; the events alone are kept in `events/invocations/`.
"""

from __future__ import annotations

import io
import json
import math
import time
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cloud import FUNCTIONS, PREFIX, fresh_cloud
from bench.screen import say
from bench.wire import SERVER, Call, Proxy
from infra.local.demo import STORIES, Errand, Screen, errand_of
from infra.local.home import ROOT, Home, read_json, write_json
from infra.local.mini_program import Partners, Refused, TooSlow
from infra.local.offering import offer
from zerotrip.kernel.times import legal_day

RECORDED = ROOT / ".local" / "bench" / "recorded"
INVOCATIONS = ROOT / "events" / "invocations"
OFFERED = ROOT / "bench" / "catalogue" / "school-enrolment"
"""No seed publishes it."""
TICK_SECONDS = 90
"""The schedule comes each minute."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One function's first invocation: its settings, its event, what it was told."""

    function: str
    handler: str
    environment: dict[str, str]
    event: dict[str, Any]
    answer: Any
    calls: list[Call]


def load(function: str) -> Recording | None:
    """The recording of a function, if there is one."""
    found = read_json(RECORDED / f"{function}.json")
    if not found:
        return None
    calls = [Call(**call) for call in found.pop("calls")]
    return Recording(**found, calls=calls)


def age_seconds() -> float:
    """How long ago the recording was taken; endless if there is none."""
    times = [path.stat().st_mtime for path in RECORDED.glob("*.json")]
    return time.time() - min(times) if times else math.inf


def record() -> None:
    """Runs one case of each item, offers a new one, keeps one invocation of each
    function."""
    with fresh_cloud() as home:
        ports = read_json(home.path / "partners" / "ports.json").values()
        with Proxy(home.ports().emulator, frozenset(ports), worked) as proxy:
            settings = {name: _put_recorder(home, name, proxy) for name in FUNCTIONS}
            partners = Partners.of(home)
            for story in STORIES:
                say(f"录制 {story.folder}", "recording")
                _run(errand_of(story, home, Screen(quiet=True), partners), proxy)
            say(f"录制 {OFFERED.name}", "recording")
            offer(home, OFFERED, legal_day(datetime.now(UTC)))
            _await_tick(proxy)
            for function in FUNCTIONS:
                _keep(function, settings[function], proxy)


def _run(errand: Errand, proxy: Proxy) -> None:
    try:
        errand.run()
    except (Refused, TooSlow):
        for failure in proxy.failures:
            say("函数出错", failure)
        raise


def _put_recorder(home: Home, function: str, proxy: Proxy) -> tuple[str, Any]:
    """Has the function run behind the recorder; its own handler and settings."""
    functions, name = home.client("lambda"), PREFIX + function
    config = functions.get_function_configuration(FunctionName=name)
    handler, variables = config["Handler"], config["Environment"]["Variables"]
    # Queue addresses are URLs of the cloud: those calls must come to the proxy too.
    led_here = {
        key: value.replace(home.endpoint, proxy.url) for key, value in variables.items()
    }
    functions.update_function_code(FunctionName=name, ZipFile=_zipped(function))
    functions.update_function_configuration(
        FunctionName=name,
        Handler="recorder.handler",
        Timeout=60,
        Environment={
            "Variables": {
                **led_here,
                "BENCH_PROXY": proxy.url,
                "BENCH_HANDLER": handler,
                "BENCH_FUNCTION": function,
            }
        },
    )
    replayed = {key: text.replace(proxy.url, SERVER) for key, text in led_here.items()}
    return handler, replayed


def _zipped(function: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path in sorted((ROOT / "functions" / function).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                inside = path.relative_to(ROOT / "functions" / function)
                archive.writestr(str(inside), path.read_bytes())
        for name in ("recorder.py", "invoke_once.py"):
            archive.write(Path(__file__).with_name(name), name)
    return made.getvalue()


def _await_tick(proxy: Proxy) -> None:
    say("等待一次定时检查", "waiting for the watchdog's tick")
    deadline = time.monotonic() + TICK_SECONDS
    with proxy.told:
        while "watch_deadlines" not in proxy.recorded:
            left = deadline - time.monotonic()
            if left < 0:
                return
            proxy.told.wait(left)


def _keep(function: str, settings: tuple[str, dict[str, str]], proxy: Proxy) -> None:
    chosen = proxy.recorded.get(function)
    if chosen is None:
        say(f"未录到 {function}", "was not invoked, so it is not measured")
        return
    handler, environment = settings
    recording = Recording(
        function=function,
        handler=handler,
        environment=environment,
        event=chosen["event"],
        answer=chosen["answer"],
        calls=chosen["calls"],
    )
    write_json(RECORDED / f"{function}.json", asdict(recording))
    _keep_event(function, chosen["event"])


def _keep_event(function: str, event: Mapping[str, Any]) -> None:
    """Only of functions that have no event yet: what people named is not replaced."""
    folder = INVOCATIONS / function
    if folder.exists():
        return
    folder.mkdir(parents=True)
    text = json.dumps(event, ensure_ascii=False, indent=2)
    (folder / f"{name_of(event)}.json").write_text(text + "\n", encoding="utf-8")


def name_of(event: Mapping[str, Any]) -> str:
    """Source and variant of an event: `case_received`, `s3_object_created_put`."""
    records = event.get("Records")
    if not records:
        return "scheduled"
    if "dynamodb" in records[0]:
        return "records_stream"
    body = json.loads(records[0]["body"])
    if "Records" in body:
        kind = body["Records"][0]["eventName"].replace(":", "_")
        spaced = "".join(f"_{c.lower()}" if c.isupper() else c for c in kind)
        return "s3" + spaced.replace("__", "_")
    return "_".join(body["type"].split(".")[1:3])


def worked(event: Mapping[str, Any], answer: Any, kinds: set[str]) -> bool:
    """Whether an invocation is one that a cold start should be judged by.

    Of the HTTPS functions: a submission, a decision, a verification, a payment notice,
    an item's day.
    """
    stored = any(kind.endswith("TransactWriteItems") for kind in kinds)
    if "resource" in event and "httpMethod" in event:
        if event["resource"].endswith("/callbacks"):
            return stored and "wechat_pay" in event["path"]
        wanted = (
            "/submission",
            "/decisions",
            "/verifications/{licence_id}",
            "/publication",
        )
        done = int(answer.get("statusCode", 500)) < 300
        return done and str(event["resource"]).endswith(wanted)
    records = event.get("Records", [])
    if records and "dynamodb" in records[0]:
        return any(kind.endswith("PutEvents") for kind in kinds)
    if records:
        # The archive's facts are objects.
        stored = stored or any(kind.startswith("PUT ") for kind in kinds)
        return stored and not answer["batchItemFailures"]
    return True

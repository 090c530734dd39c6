"""Stands in front of a function's handler while its first invocations are recorded.

Goes into the function's own zip on the bench's laptop cloud, beside `invoke_once.py`.
Until the proxy has what it wants, each invocation runs in a fresh interpreter, so that
a recording holds every call that a cold start makes; the proxy tells invocations apart
by the application id of the user agent.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
import uuid
from pathlib import Path
from typing import Any

PROXY = os.environ["BENCH_PROXY"]
HANDLER = os.environ["BENCH_HANDLER"]
FUNCTION = os.environ["BENCH_FUNCTION"]


def handler(event: Any, context: object) -> Any:
    """The real handler's answer; event and answer are told to the proxy."""
    if not _wanted(event):
        return _real()(event, context)
    label = uuid.uuid4().hex[:20]
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": PROXY,
        "AWS_SDK_UA_APP_ID": label,
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    with tempfile.TemporaryDirectory() as folder:
        answered = Path(folder) / "answer.json"
        once = Path(__file__).with_name("invoke_once.py")
        subprocess.run(  # noqa: S603
            [sys.executable, "-s", "-P", str(once), str(answered)],
            input=json.dumps({"handler": HANDLER, "event": event}),
            text=True,
            env=environment,
            stdout=sys.stderr,
            check=True,
        )
        result = json.loads(answered.read_text(encoding="utf-8"))
    _tell(
        {
            "label": label,
            "function": FUNCTION,
            "event": event,
            **result,
        }
    )
    if "error" in result:
        raise RuntimeError(result["error"] + ": " + result["message"])
    return result["answer"]


@functools.cache
def _real() -> Any:
    module, _, name = HANDLER.rpartition(".")
    return getattr(importlib.import_module(module), name)


def _wanted(event: Any) -> bool:
    with urllib.request.urlopen(f"{PROXY}/_recorded", timeout=10) as answer:  # noqa: S310
        recorded = json.load(answer)
    # A client looks at its case several times a second; that is not what is recorded.
    looks = FUNCTION == "applicant_api" and event["httpMethod"] == "GET"
    return FUNCTION not in recorded and not looks


def _tell(invocation: dict[str, Any]) -> None:
    request = urllib.request.Request(  # noqa: S310
        f"{PROXY}/_invocation", data=json.dumps(invocation).encode()
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()

"""One cold start in a fresh interpreter: import, first invocation, and their CPU.

Stands alone, since it runs on the built layers with nothing of the bench importable.
Reads its job as JSON on stdin: `{"handler": "submit.handler", "event": {…}}`, or
`{"client": "dynamodb"}` for the bare boto3 client that everything is compared to, or
`{"nothing": true}` for the interpreter alone.
Writes to the file that it is given: `{"import_ms", "invoke_ms", "answer"|"error"}`,
milliseconds of user and system time of this process.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
from typing import Any


class Context:
    """What Lambda hands over beside the event, as far as a handler may look at it."""

    function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "bench")
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = f"arn:aws:lambda:us-east-1:000000000000:{function_name}"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the time-out."""
        return 15_000


def cpu_ms() -> float:
    """User and system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1000


def bare_client(service: str) -> dict[str, Any]:
    """The yardstick: import boto3, make one client."""
    began = cpu_ms()
    boto3 = importlib.import_module("boto3")
    imported = cpu_ms()
    boto3.client(service)
    return {"import_ms": imported - began, "invoke_ms": cpu_ms() - imported}


def invocation(handler: str, event: Any) -> dict[str, Any]:
    """Import of a handler, and its answer to the event."""
    module, _, name = handler.rpartition(".")
    began = cpu_ms()
    called = getattr(importlib.import_module(module), name)
    imported = cpu_ms()
    try:
        outcome = {"answer": called(event, Context())}
    except Exception as error:  # noqa: BLE001  # Lambda answers its name as well
        outcome = {"error": type(error).__name__, "message": str(error)}
    return {
        "import_ms": imported - began,
        "invoke_ms": cpu_ms() - imported,
        **outcome,
    }


def main() -> None:
    """Does the job and writes what it cost."""
    job = json.load(sys.stdin)
    if "nothing" in job:
        result = {}
    elif "client" in job:
        result = bare_client(job["client"])
    else:
        result = invocation(job["handler"], job["event"])
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(result, file)
    # Lambda freezes a process after its answer; taking it down is no part of the start.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

"""The function workers of a laptop cloud, and the watchdog's tick by hand."""

from __future__ import annotations

import json
import os
import signal
from datetime import datetime
from pathlib import Path

from tests.support.laptop_cloud import LaptopCloud

HTTPS = ("applicant_api", "staff_api", "public_api", "partner_webhooks", "authorise")


def workers_of(cloud: LaptopCloud, *, steps_only: bool = False) -> list[int]:
    """Process ids of the function workers of this cloud."""
    scratch = str(cloud.home.path / "scratch")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if scratch not in command or "_worker" not in command:
            continue
        if not (steps_only and any(name in command for name in HTTPS)):
            found.append(int(entry.name))
    return found


def kill_step_workers(cloud: LaptopCloud) -> int:
    """`kill -9` of all steps' workers; how many there were.

    Those of HTTPS stay: whoever is cut off there gets a 502 and asks again.
    """
    workers = workers_of(cloud, steps_only=True)
    for worker in workers:
        kill(worker)
    return len(workers)


def kill(worker: int) -> bool:
    """`kill -9` of one; False if it had ended before."""
    try:
        os.kill(worker, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def tick(cloud: LaptopCloud, instant: datetime) -> dict[str, int]:
    """One run of watch_deadlines as if it were that instant; its counts."""
    client = cloud.client("lambda")
    functions = client.list_functions()["Functions"]
    name = next(
        each["FunctionName"]
        for each in functions
        if each["Handler"].startswith("watch_deadlines")
    )
    answer = client.invoke(
        FunctionName=name,
        Payload=json.dumps({"time": f"{instant:%Y-%m-%dT%H:%M:%SZ}"}).encode(),
    )
    content = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise RuntimeError(f"watch_deadlines failed: {content}")
    return dict(content)

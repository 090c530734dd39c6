"""The laptop cloud's emulator alone, without functions: a database in a few seconds."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.cloud import PASSED_ON
from infra.local.home import CREDENTIALS, REGION, ROOT, Home
from tests.template.application import resources

MINISTACK = ROOT / ".local" / "emulator" / "bin" / "ministack"
START_SECONDS = 60
STOP_SECONDS = 30


@contextlib.contextmanager
def running_emulator(scratch: Path) -> Iterator[Home]:
    """An emulator of its own on a free port; its state goes with `scratch`."""
    home = Home(scratch)
    environment = {
        **{name: os.environ[name] for name in PASSED_ON if name in os.environ},
        **CREDENTIALS,
        "GATEWAY_PORT": str(home.ports().emulator),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "STATE_DIR": str(scratch / "state"),
        "TMPDIR": str(scratch),
        "LOG_LEVEL": "WARNING",
        "SFTP_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with (scratch / "emulator.log").open("ab") as log:
        process = subprocess.Popen(
            [str(MINISTACK)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _await_health(f"{home.endpoint}/_ministack/health", process)
            yield home
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def create_tables(client: Any) -> dict[str, str]:
    """The six tables with the template's own keys; answers names by short name."""
    names = {}
    for logical_id, table in resources(
        "AWS::DynamoDB::Table", "infra/stacks/tables.yaml"
    ).items():
        short = logical_id.lower()
        names[short] = f"zerotrip-contract-{short}"
        wanted = table["Properties"]
        further = {
            name: wanted[name]
            for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            if name in wanted
        }
        client.create_table(
            TableName=names[short], BillingMode="PAY_PER_REQUEST", **further
        )
    return names


def _await_health(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"no answer from {url}") from None
            time.sleep(0.05)

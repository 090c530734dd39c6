"""Where a laptop cloud keeps its state, and what it remembers between calls."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEFAULT_HOME = ROOT / ".local" / "cloud"
REGION = "us-east-1"  # the emulator's ARNs always say `aws`, so not a China region
TENANT = "441882"  # the template's default
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "laptop",
}


@dataclass(frozen=True, slots=True)
class Ports:
    """TCP ports of one home; they stay, because queue URLs hold the emulator's."""

    emulator: int
    door: int


@dataclass(frozen=True, slots=True)
class Home:
    """One directory per laptop cloud: state, logs, ports, and what was deployed."""

    path: Path

    @property
    def ports_file(self) -> Path:
        return self.path / "ports.json"

    @property
    def routes_file(self) -> Path:
        """Which REST API a prefix of the door leads to; written after deployment."""
        return self.path / "routes.json"

    @property
    def deployed_file(self) -> Path:
        return self.path / "deployed.json"

    @property
    def partners_file(self) -> Path:
        """What an operator would configure for the partners; the sandboxes write it."""
        return self.path / "partners" / "partners.json"

    @property
    def lock_file(self) -> Path:
        """Held by the running cloud; its content is that process's id."""
        return self.path / "running.lock"

    def ports(self) -> Ports:
        """The home's ports, chosen among the free ones at the first call."""
        found = read_json(self.ports_file)
        if found:
            return Ports(**found)
        chosen = Ports(*free_ports(2))
        write_json(self.ports_file, asdict(chosen))
        return chosen

    @property
    def endpoint(self) -> str:
        """Base URL for AWS clients."""
        return f"http://127.0.0.1:{self.ports().emulator}"

    @property
    def api_url(self) -> str:
        """Base URL of the API: what stands before `/v1`."""
        return f"http://127.0.0.1:{self.ports().door}"

    @property
    def partners_url(self) -> str:
        """Base URL of the partners' REST API: what stands before `/v1`."""
        return f"{self.api_url}/partners-api"

    def environment(self) -> dict[str, str]:
        """What a process needs so that its AWS clients speak to this cloud only."""
        return {
            **os.environ,
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of `service` that speaks to this cloud."""
        import boto3  # 130 ms that `make down` need not pay

        sdk: Any = boto3  # its stubs want the name of the service as a literal
        return sdk.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports of 127.0.0.1 that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for each in held:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; an empty one if there is no such file."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Writes `value` so that a reader sees the old file or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(
        json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
    )
    draft.replace(path)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for, then holds, the file lock `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_at_once(path: Path) -> Iterator[bool]:
    """Holds the file lock `path` if nobody else does; yields whether it holds it."""
    with path.open("a+") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True

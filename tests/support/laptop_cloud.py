"""The laptop cloud that a run of the tests starts, shares and stops."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from infra.local.cloud import Cloud
from infra.local.deploy import Outputs, deploy
from infra.local.home import ROOT, Home, locked, locked_at_once, read_json

HOMES = ROOT / ".local" / "test-clouds"


@dataclass(frozen=True)
class LaptopCloud:
    """A running, deployed and seeded cloud, and the ways into it."""

    home: Home
    outputs: Outputs

    @property
    def endpoint(self) -> str:
        """Base URL for AWS clients."""
        return self.home.endpoint

    @property
    def api_url(self) -> str:
        """What stands before `/v1` for applicants, staff and the public."""
        return self.home.api_url

    @property
    def partners_url(self) -> str:
        """What stands before `/v1` for partners' callbacks."""
        return self.home.partners_url

    @cached_property
    def partners(self) -> dict[str, Any]:
        """What an operator would configure for each partner."""
        return read_json(self.home.partners_file)

    def client(self, service: str) -> Any:
        """A boto3 client of `service`."""
        return self.home.client(service)


@contextlib.contextmanager
def shared_laptop_cloud(run: str) -> Iterator[LaptopCloud]:
    """The cloud of one run: the first who asks starts it, and stops it as the last.

    It also ends when the process that started it does, even if that is killed.
    """
    home = Home(HOMES / (f"{run}-{os.getpid()}" if run == "alone" else run[:12]))
    lock, started = home.path.with_suffix(".lock"), None
    with locked(lock):
        if not Cloud(home).running():
            _forget_earlier_runs()
            started = Cloud(home).start(until_stdin_closes=True)
        _Users(home).enter()
        try:
            outputs = deploy(home, lambda *_: None)
        except BaseException:
            if started is not None:
                Cloud(home).stop()
            raise
    try:
        yield LaptopCloud(home, outputs)
    finally:
        _Users(home).leave()
        if started is not None:
            while _Users(home).others():
                time.sleep(0.2)
            Cloud(home).stop()
            started.wait()


@dataclass(frozen=True)
class _Users:
    """The test processes that use a cloud: one file each, so that none can be lost."""

    home: Home

    @property
    def _folder(self) -> Path:
        return self.home.path / "users"

    def enter(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / str(os.getpid())).touch()

    def leave(self) -> None:
        (self._folder / str(os.getpid())).unlink(missing_ok=True)

    def others(self) -> list[int]:
        """Process ids of the users that are alive."""
        return [int(each.name) for each in self._folder.iterdir() if _alive(each.name)]


def _alive(process_id: str) -> bool:
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    return True


def _forget_earlier_runs() -> None:
    """An earlier run's logs and tables stay until now, for whoever looks into it."""
    HOMES.mkdir(parents=True, exist_ok=True)
    for folder in HOMES.iterdir():
        if folder.is_dir() and not Cloud(Home(folder)).running():
            # Another run may be starting in it: that one holds the lock beside it.
            with locked_at_once(folder.with_suffix(".lock")) as ours:
                if ours:
                    shutil.rmtree(folder, ignore_errors=True)
                    folder.with_suffix(".lock").unlink(missing_ok=True)

"""A laptop cloud of the bench's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.screen import say
from infra.local.cloud import Cloud
from infra.local.deploy import deploy
from infra.local.home import ROOT, Home

HOME = ROOT / ".local" / "bench-cloud"
FUNCTIONS = tuple(sorted(path.name for path in (ROOT / "functions").iterdir()))
PREFIX = "zerotrip-local-"
"""What the template puts before a function's name at the stage `local`."""


@contextmanager
def fresh_cloud(path: Path = HOME) -> Iterator[Home]:
    """Starts empty, since the emulator slows down with what it holds.

    Leaves nothing, unless something failed: then its logs are still there.
    """
    home = Home(path)
    Cloud(home).stop()
    shutil.rmtree(home.path, ignore_errors=True)
    say("启动本机云", "starting a laptop cloud for the bench")
    started = Cloud(home).start(until_stdin_closes=True)
    try:
        deploy(home, say)
        yield home
    finally:
        Cloud(home).stop()
        if started is not None:
            started.wait()
    shutil.rmtree(home.path, ignore_errors=True)

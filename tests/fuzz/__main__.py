"""`make fuzz`: the whole campaign on a laptop cloud of its own, with its evidence."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from infra.local.home import Home
from tests.fuzz.campaign import Tally, as_json
from tests.fuzz.side_by_side import campaign
from tests.support.laptop_cloud import shared_laptop_cloud
from tests.verify import evidence
from zerotrip.web.openapi.document import routes


@contextlib.contextmanager
def _home(chosen: Path | None) -> Iterator[Home]:
    if chosen is not None:
        yield Home(chosen.resolve())
        return
    with shared_laptop_cloud("fuzz") as cloud:
        yield cloud.home


def main() -> int:
    """Exit code 1 for a finding, a route never tried, or too few requests."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="a laptop cloud that runs already")
    asked = parser.parse_args()
    console = Console(stderr=True)
    console.print("  启动本机云 · starting the laptop cloud")
    with _home(asked.home) as home:
        began = time.monotonic()
        by_role = campaign(home, asked.requests, asked.seed, console)
        seconds = time.monotonic() - began
    whole = Tally()
    for tally in by_role.values():
        whole.add(tally)
    evidence.write(
        "fuzz",
        seed=asked.seed,
        seconds=round(seconds),
        requests_per_second=round(whole.requests / seconds, 1),
        by_caller={role: tally.requests for role, tally in by_role.items()},
        operations=len(whole.operations),
        **as_json(whole),
    )
    for finding in whole.findings.values():
        console.print(f"✗ {finding}", markup=False)
    console.print(
        f"  {whole.requests} 个请求，{len(whole.findings)} 个问题 · "
        f"{whole.requests} requests, {len(whole.findings)} findings, {seconds:.0f} s"
    )
    missed = {route.name for _, route in routes()} - set(whole.operations)
    if missed:
        console.print(f"✗ 未试过的接口 · routes never tried: {sorted(missed)}")
    return 1 if whole.findings or missed or whole.requests < asked.requests else 0


if __name__ == "__main__":
    sys.exit(main())

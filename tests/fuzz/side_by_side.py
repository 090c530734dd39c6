"""All callers at once, a process each; a bar shows how far they are."""

from __future__ import annotations

import contextlib
import multiprocessing
import queue
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from infra.local.home import Home
from tests.fuzz.campaign import Tally, run_caller
from tests.fuzz.people import CALLERS, Caller, Values, belongings, hand_in

SHARES = {  # of all requests, in percent; applicants have most of the routes
    "nobody": 14,
    "citizen": 30,
    "company": 24,
    "officer": 7,
    "approver": 8,
    "auditor": 6,
    "editor": 5,
    "staffing_reviewer": 3,
    "legal_reviewer": 3,
}
PROCESSES = 4  # what two cores answer best: see `requests_per_second` in the evidence
EXAMPLES = 12
OPEN_CASES = 4
"""Of each kind, so that there is something to withdraw, pay and decide."""


@dataclass(frozen=True, slots=True)
class _Share:
    """One caller's part, as it is handed to a process of its own."""

    path: Path
    caller: Caller
    values: Values
    requests: int
    seed: int

    def run(self, sent: queue.Queue[int]) -> Tally:
        return run_caller(
            Home(self.path),
            self.caller,
            self.values,
            requests=self.requests,
            seed=self.seed,
            examples=EXAMPLES,
            sent=sent.put,
        )


def campaign(
    home: Home, requests: int, seed: int, console: Console
) -> dict[str, Tally]:
    """All callers side by side; what each of them met."""
    console.print("  准备真实的申请与办件 · real drafts, cases and licences first")
    hand_in(home, completed=True, more=OPEN_CASES)
    values = belongings(home) | {
        "channel": ["wechat_pay"],
        "material": ["loss_declaration", "floor_plan", "safety_rules"],
        "content_type": ["application/pdf", "image/png"],
    }
    spawn = multiprocessing.get_context("spawn")
    with (
        spawn.Manager() as manager,
        ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool,
    ):
        sent = manager.Queue()
        shares = {
            caller.role: pool.submit(
                _Share(
                    home.path,
                    caller,
                    values,
                    requests * SHARES[caller.role] // 100,
                    seed,
                ).run,
                sent,
            )
            for caller in sorted(CALLERS, key=lambda each: -SHARES[each.role])
        }
        _show(console, requests, list(shares.values()), sent)
        return {role: share.result() for role, share in shares.items()}


def _show(
    console: Console, requests: int, shares: list[Future[Tally]], sent: Any
) -> None:
    """A bar on a terminal; in a log a line per thousand."""
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn())
    done = 0
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("  模糊测试请求 · fuzzed requests", total=requests)
        while not all(share.done() for share in shares):
            with contextlib.suppress(queue.Empty):
                more = sent.get(timeout=0.5)
                progress.advance(bar, more)
                if not console.is_terminal and done // 1000 < (done + more) // 1000:
                    console.print(f"  {done + more} / {requests}")
                done += more

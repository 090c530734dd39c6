"""Scenario 9: the relay is killed a hundred times, and stands still for 25 hours."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from infra.local.republish import republish
from tests.simulation.adapters import SimulatedBus
from tests.simulation.base import REPLACEMENT, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.oracle import Stored, Verdict, judge
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation

CASES = 330
"""Of about thirty events each: ten thousand transitions."""
KILLS_PER_CALL = 0.012
STILL_CASES = 40
STILL_HOURS = 25.0


def run(seed: int, size: Size) -> Outcome:
    """First the kills, then the standstill with another set of cases."""
    outcome = _killed(seed, size)
    still = _standstill(seed, size)
    verdict = outcome.verdict
    for name in ("lost", "doubled", "broken", "let_in"):
        found = getattr(still.verdict, name)
        getattr(verdict, name).extend(f"standstill: {fault}" for fault in found)
    verdict.acknowledged += still.verdict.acknowledged
    verdict.completed += still.verdict.completed
    outcome.digest += still.digest
    outcome.notes["standstill"] = still.notes
    return outcome


def _killed(seed: int, size: Size) -> Outcome:
    cases = size.of(CASES, least=10)
    start = base(REPLACEMENT, cases)
    kill = KILLS_PER_CALL * (1 if size is Size.FULL else 3)
    faults = Faults(
        rates={Fault.CRASH_BEFORE: kill, Fault.CRASH_AFTER: kill},
        where=lambda actor, call: actor == "publish_events",
    )
    with Simulation(seed, faults, start, real_licences=size.real_licences) as run:
        people = People(run)
        people.hand_in_all(start.drafts, over_seconds=cases)
        run.run_until_quiet(hours=12, done=people.all_final)
        verdict = judge(run, people)
        events = _all_out(run, verdict)
    killed = run.cloud.functions.killed["publish_events"]
    return outcome_of(
        SCENARIO.name,
        size,
        run,
        verdict,
        events=events,
        relay_killed=killed,
        published_again=sum(run.cloud.published.values()) - events,
    )


def _standstill(seed: int, size: Size) -> Outcome:
    """The stream forgets after 24 h: the watchdog goes on, `republish` ends it."""
    start = base(REPLACEMENT, size.of(STILL_CASES, least=2))
    with Simulation(seed, Faults(), start, real_licences=0) as run:
        run.cloud.stream.reading = False
        # A bill takes its time while only the watchdog moves things: people look again.
        people = People(run, asked_again=100)
        people.hand_in_all(start.drafts)
        run.run(hours=STILL_HOURS)
        verdict = Verdict()
        by_watchdog = people.all_final()
        if not by_watchdog:
            verdict.lost.append("the watchdog alone did not end every case")
        run.cloud.stream.reading = True
        run.cloud.stream.pump()
        run.run_until_quiet(hours=1)
        forgotten = run.cloud.stream.forgotten
        run.scheduler.spawn("operator", lambda: _republish(run), _raise)
        run.run_until_quiet(hours=1)
        judged = judge(run, people)
        judged.lost += verdict.lost
        _all_out(run, judged)
    if not forgotten:
        judged.broken.append("the stream forgot nothing: the scenario is too short")
    return outcome_of(
        SCENARIO.name, size, run, judged, forgotten=forgotten, by_watchdog=by_watchdog
    )


def _all_out(run: Simulation, verdict: Verdict) -> int:
    """Every stored event was on the bus at least once; answers how many there are."""
    stored = {
        row.ref for history in Stored.of(run).histories.values() for row in history
    }
    missing = stored - set(run.cloud.published)
    if missing:
        verdict.lost.append(f"{len(missing)} events never reached the bus")
    unexpected = set(run.cloud.published) - stored
    if unexpected:
        verdict.let_in.append(f"{len(unexpected)} events on the bus that nobody stored")
    return len(stored)


def _republish(run: Simulation) -> None:
    done = republish(
        _Scanned(run),
        "records",
        SimulatedBus(run.outside, run.cloud.deliver),
        run.started,
        run.scheduler.now + timedelta(seconds=1),
    )
    if done.published != done.found:
        raise RuntimeError("the bus did not take everything")


class _Scanned:
    """The operator's own client: the one scan that `make republish` asks for."""

    def __init__(self, run: Simulation) -> None:
        self._run = run

    def get_paginator(self, operation: str) -> _Scanned:
        if operation != "scan":
            raise LookupError(operation)
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield {
            "Items": [
                {
                    "pk": {"S": row.pk},
                    "sk": {"S": row.sk},
                    "data": {"S": json.dumps(dict(row.data), ensure_ascii=False)},
                    **(
                        {"sealed": {"B": base64.b64encode(row.sealed).decode()}}
                        if row.sealed
                        else {}
                    ),
                }
                for (table, _, sk), row in self._run.store.rows.items()
                if table == "records" and sk.startswith("EVENT#")
            ]
        }


def _raise(_: Any, __: Any, error: BaseException | None) -> None:
    if error is not None:
        raise error


SCENARIO = Scenario(
    9,
    "relay-killed",
    "事件转发被杀一百次，并停摆25小时",
    "The relay is killed a hundred times, and stands still for 25 hours",
    run,
)

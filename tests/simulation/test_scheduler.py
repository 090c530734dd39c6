"""Virtual time, turns and death: what every run rests on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.simulation.adapters import Outside, Trace
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import START, Actor, Killed, Scheduler


def _ended(into: list[object]):
    def ended(_: Actor, result: object, error: BaseException | None) -> None:
        into.append(result if error is None else error)

    return ended


def test_actors_take_turns_by_virtual_time() -> None:
    scheduler, said = Scheduler(seed=1), []

    def work(name: str, seconds: float) -> str:
        for turn in range(3):
            said.append((name, turn))
            scheduler.sleep(seconds)
        return name

    ends: list[object] = []
    scheduler.spawn("fast", lambda: work("fast", 1.0), _ended(ends))
    scheduler.spawn("slow", lambda: work("slow", 10.0), _ended(ends))
    scheduler.run()
    assert [name for name, _ in said].count("fast") == 3
    assert said.index(("fast", 2)) < said.index(("slow", 1))
    assert ends == ["fast", "slow"]
    assert scheduler.now == START + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("fault", "effects", "ends"),
    [
        (None, 1, "done"),
        (Fault.CRASH_BEFORE, 0, Killed),
        (Fault.CRASH_AFTER, 1, Killed),
        (Fault.HANG_BEFORE, 0, Killed),
        (Fault.HANG_AFTER, 1, Killed),
        (Fault.LOST_ANSWER, 1, ConnectionError),
        (Fault.REFUSED, 0, ConnectionError),
    ],
)
def test_each_fault_has_its_effect_and_its_end(
    fault: Fault | None, effects: int, ends: object
) -> None:
    scheduler = Scheduler(seed=1)
    faults = Faults(points={("f", 1): fault} if fault else {})
    outside = Outside(scheduler, faults)
    happened: list[int] = []
    came: list[object] = []

    def work() -> str:
        outside("tables.get", lambda: happened.append(1), ConnectionError)
        return "done"

    scheduler.spawn("f", work, _ended(came), timeout_seconds=10)
    scheduler.run()
    assert len(happened) == effects
    (end,) = came
    assert end == ends or isinstance(end, ends)  # type: ignore[arg-type]
    assert sum(faults.injected.values()) == (1 if fault else 0)


def test_the_dead_do_nothing_more() -> None:
    scheduler = Scheduler(seed=1)
    outside = Outside(scheduler, Faults(points={("f", 1): Fault.CRASH_AFTER}))
    happened: list[str] = []

    def work() -> None:
        try:
            outside("one", lambda: happened.append("one"), ConnectionError)
        finally:
            # A process that is gone runs no `finally`; here it may run, to no effect.
            outside("two", lambda: happened.append("two"), ConnectionError)

    scheduler.spawn("f", work, _ended([]), timeout_seconds=10)
    scheduler.run()
    assert happened == ["one"]


def test_a_time_out_ends_whoever_sleeps_too_long() -> None:
    scheduler, came = Scheduler(seed=1), []
    scheduler.spawn("f", lambda: scheduler.sleep(60), _ended(came), timeout_seconds=10)
    scheduler.run(START + timedelta(seconds=11))
    assert isinstance(came[0], Killed)


def test_one_seed_is_one_run_and_another_is_another() -> None:
    def digest(seed: int) -> str:
        scheduler = Scheduler(seed)
        outside = Outside(scheduler, Faults(rates={Fault.REFUSED: 0.3}), Trace())

        def work() -> None:
            for _ in range(20):
                try:
                    outside("tables.get", lambda: None, ConnectionError)
                except ConnectionError:
                    continue

        for name in ("a", "b", "c"):
            scheduler.spawn(name, work, _ended([]), timeout_seconds=60)
        scheduler.run()
        return outside.trace.digest

    assert digest(1) == digest(1)
    assert digest(1) != digest(2)

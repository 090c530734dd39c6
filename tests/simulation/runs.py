"""Many runs on all cores: a run is one process's, whole and by itself."""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.simulation.scenario import Outcome, Size
from tests.simulation.scenarios import all_scenarios

Job = tuple[str, int, str]
"""Scenario, seed, size."""


def play(job: Job) -> Outcome:
    """One run."""
    name, seed, size = job
    return all_scenarios()[name].play(seed, Size(size))


def outcomes(jobs: Sequence[Job], processes: int) -> Iterator[Outcome]:
    """All runs, as they end; an error in one of them is raised."""
    if processes == 1 or len(jobs) == 1:
        yield from map(play, jobs)
        return
    # Fresh interpreters: what one process patched must not reach another's run.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=_begin) as pool:
        waiting = [pool.submit(play, job) for job in jobs]
        for done in as_completed(waiting):
            yield done.result()


def _begin() -> None:
    # A run makes little rubbish with cycles and keeps much: looking for it at each 700
    # new objects takes a twentieth of the time.
    gc.set_threshold(50_000, 20, 50)

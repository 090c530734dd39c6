"""Audit tamper (scenario 19): 10,000 links, six kinds, a hundred times each."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.archive.tampering import CASE, KINDS, long_chain, try_once
from tests.verify import evidence
from zerotrip.archive.comparing import Kind
from zerotrip.kernel.aggregate import chain_faults

pytestmark = pytest.mark.verify

LINKS = 10_000
TIMES = 100
SEED = 20261120


def test_every_tampering_is_found_and_named() -> None:
    town = long_chain(LINKS)
    results: dict[str, dict[str, Any]] = {}
    for kind, (_, name, shows) in KINDS.items():
        outcomes = [
            try_once(town, kind, random.Random(f"{SEED} {kind} {number}"))
            for number in range(TIMES)
        ]
        results[kind] = {
            "tampered": len(outcomes),
            "detected": sum(each.detected for each in outcomes),
            "name": str(name),
            "named": sum(each.named for each in outcomes),
            "place_named": sum(each.placed for each in outcomes),
            "seen_by_the_chain_alone": sum(each.seen_inside for each in outcomes),
            "expected_by_the_chain_alone": TIMES if shows else 0,
        }
    history = town.kept.records.history(CASE)
    assert len(history) == LINKS
    detected = sum(each["detected"] for each in results.values())
    evidence.write(
        "tamper",
        seed=SEED,
        links=LINKS,
        faults_injected=TIMES * len(KINDS),
        detected=detected,
        missed=TIMES * len(KINDS) - detected,
        kinds=results,
        seconds_to_verify={
            "links": LINKS,
            "chain": measured(lambda: chain_faults(history)),
            "chain_read_from_rows_and_compared_with_archive": measured(
                town.read_and_checked
            ),
            "archive_read_and_its_seals_checked": measured(town.kept.checked),
        },
    )
    for kind, found in results.items():
        assert found["detected"] == found["named"] == TIMES, kind
        assert found["place_named"] == TIMES, kind
        alone = found["seen_by_the_chain_alone"]
        assert alone == found["expected_by_the_chain_alone"], kind
    assert {found["name"] for found in results.values()} == {
        Kind.CHANGED,
        Kind.DELETED,
        Kind.INSERTED,
        Kind.SWAPPED,
        Kind.TRUNCATED,
        Kind.REWRITTEN,
    }


def measured(check: Callable[[], object], runs: int = 5) -> dict[str, float]:
    """Seconds on the clock and on the processor; the median of some runs."""
    clock, processor = [], []
    for _ in range(runs):
        began, worked = time.perf_counter(), time.process_time()
        check()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - worked)
    return {
        "clock_median": round(statistics.median(clock), 3),
        "processor_median": round(statistics.median(processor), 3),
    }

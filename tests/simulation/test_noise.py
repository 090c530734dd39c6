"""Without message groups the noisy organisation does hold the others up."""

from __future__ import annotations

from tests.simulation.scenario import Size
from tests.simulation.scenarios.s13_noisy_organisation import run
from tests.simulation.template import queue_functions


def test_without_fair_queues_the_scenario_fails() -> None:
    unfair = run(seed=1, size=Size.SLICE, fair=False)
    assert any("p95 of the quiet office" in fault for fault in unfair.verdict.broken)


def test_every_rule_gives_its_messages_their_organisation_as_group() -> None:
    ruled = [spec for spec in queue_functions().values() if spec.pattern is not None]
    assert len(ruled) > 5
    assert [spec.name for spec in ruled if not spec.grouped] == []

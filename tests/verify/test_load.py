"""A very small enrolment weekend; `make load` plays the large one."""

from __future__ import annotations

import pytest

from bench.load import played
from tests.support.laptop_cloud import LaptopCloud

SCALE = 800.0


@pytest.mark.verify
def test_a_small_weekend_loses_and_doubles_nothing(clean_cloud: LaptopCloud) -> None:
    cloud = clean_cloud
    found = played(cloud.home, cloud.outputs, SCALE, probed=10)
    assert [phase.name for phase in found.phases] == [
        "first rush", "hours between", "second rush",
    ]  # fmt: skip
    assert sum(each.acknowledged for each in found.phases) == found.planned.submitted
    assert found.kept.completed == found.kept.acknowledged
    assert (found.kept.lost, found.kept.doubled, found.kept.broken) == ((), (), ())
    assert (found.kept.unexpected, found.dead_letters) == (0, 0)

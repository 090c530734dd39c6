"""The whole matrix on the laptop cloud, and its evidence. Minutes: `make verify`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.access import one_process, report
from tests.access.laptop_run import LaptopRun
from tests.access.matrix import whole
from tests.access.mutations import MUTATIONS, red
from tests.access.scene import BY_A_SECRET, Scene
from tests.support.laptop_cloud import LaptopCloud
from tests.verify import evidence

pytestmark = pytest.mark.verify


def test_every_operation_with_every_caller_lets_nobody_in(
    cloud: LaptopCloud, laptop: Scene
) -> None:
    run = LaptopRun(cloud, laptop)
    run.try_matrix(whole(run.operations))
    run.try_sessions()
    answers = run.try_rightful()
    run.try_callbacks()
    refused = {name for name, each in answers.items() if each.status >= 400}
    found = report.found(run.outcome, run.changed)
    evidence.write(
        "access-matrix",
        **found,
        rightful_requests_that_succeeded=len(answers) - len(refused),
        mutations=len(MUTATIONS),
        mutations_caught=sum(_caught()),
    )
    cells = [cell for part in run.outcome.values() for cell in part]
    assert report.wrong(cells) == []
    assert run.changed == []
    assert refused == set(BY_A_SECRET)


def _caught() -> Iterator[bool]:
    """Which checks, taken out of the product in one process, are missed there."""
    town = one_process.scene()
    for mutation in MUTATIONS:
        with one_process.put_back(town):
            yield bool(red(town, mutation))

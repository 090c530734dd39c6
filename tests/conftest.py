"""Fixtures that every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.laptop_cloud import LaptopCloud, shared_laptop_cloud


@pytest.fixture(scope="session")
def cloud(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[LaptopCloud]:
    """A laptop cloud of this run: fresh, deployed, seeded; it stops by itself.

    Under pytest-xdist all workers share one.
    """
    worker = getattr(request.config, "workerinput", {"testrunuid": "alone"})
    with shared_laptop_cloud(str(worker["testrunuid"])) as running:
        yield running

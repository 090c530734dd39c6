"""Fixtures that every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.laptop_cloud import LaptopCloud, shared_laptop_cloud
from tests.support.scheduling import OneWorkerForTheCloud, on_the_cloud


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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest, and one after the other, begins first."""
    items.sort(key=lambda item: not on_the_cloud(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """For `--dist loadfile`: one worker has the laptop cloud."""
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False
    return OneWorkerForTheCloud(config, log)

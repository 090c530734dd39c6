"""Fixtures that every kind of test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.laptop_cloud import LaptopCloud, shared_laptop_cloud


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process per file; all that share the laptop cloud in one, one after another.

    Some of them kill its workers or destroy a key: nobody else may be using it then.
    """
    for item in items:
        shares_cloud = "cloud" in getattr(item, "fixturenames", ())
        group = "laptop cloud" if shares_cloud else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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

"""Everything below this folder needs the laptop cloud: fixture `cloud`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.home import locked
from tests.support.laptop_cloud import HOMES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each end-to-end test, so that `-m "not cloud"` is the quick half."""
    for item in items:
        if "end_to_end" in item.path.parts:
            item.add_marker(pytest.mark.cloud)


@pytest.fixture(scope="module", autouse=True)
def one_file_at_a_time() -> Iterator[None]:
    """Some kill the cloud's workers or destroy a key: nobody else uses it then."""
    with locked(HOMES / "in-use.lock"):
        yield

"""Everything below this folder needs the laptop cloud: fixture `cloud`."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks each end-to-end test, so that `-m "not cloud"` is the quick half."""
    for item in items:
        if "end_to_end" in item.path.parts:
            item.add_marker(pytest.mark.cloud)

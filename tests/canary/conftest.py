"""What needs the laptop cloud here takes its turn, one file after another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.home import locked
from tests.support.laptop_cloud import HOMES, LaptopCloud


@pytest.fixture(scope="module")
def our_cloud(cloud: LaptopCloud) -> Iterator[LaptopCloud]:
    """The laptop cloud while nobody else uses it."""
    with locked(HOMES / "in-use.lock"):
        yield cloud

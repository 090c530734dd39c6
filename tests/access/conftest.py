"""The laptop cloud's tests of access: one scene, and nobody else on the cloud."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.local.home import locked
from tests.access.laptop import scene
from tests.access.scene import Scene
from tests.support.laptop_cloud import HOMES, LaptopCloud


@pytest.fixture(scope="module")
def laptop(cloud: LaptopCloud) -> Iterator[Scene]:
    """Victims and strangers on the laptop cloud.

    Held alone: others kill workers, and rows are compared before and after.
    """
    with locked(HOMES / "in-use.lock"), scene(cloud) as made:
        yield made

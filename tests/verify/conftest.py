"""Fixtures of the longer proofs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator

import pytest

from tests.support.laptop_cloud import LaptopCloud, shared_laptop_cloud

_USES = itertools.count()


@pytest.fixture
def clean_cloud() -> Iterator[LaptopCloud]:
    """A cloud of its own, where everything that lies about is the test's.

    Others leave dead letters and marked persons in the shared one, on purpose.
    """
    # A cloud that is started again in its folder goes on where it was stopped.
    with shared_laptop_cloud(f"{next(_USES)}-{os.getpid()}") as cloud:
        yield cloud

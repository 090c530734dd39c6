"""People and their belongings on the laptop cloud of this run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from infra.local.home import locked
from infra.local.mini_program import Client
from tests.fuzz.people import CALLERS, Caller, Values, belongings, hand_in
from tests.support.laptop_cloud import HOMES, LaptopCloud


@dataclass(frozen=True)
class Laptop:
    """The cloud, who is signed in, and what there is to name."""

    cloud: LaptopCloud
    clients: dict[str, Client]
    values: Values

    def caller(self, role: str) -> Caller:
        """The caller of that role."""
        return next(each for each in CALLERS if each.role == role)


@pytest.fixture(scope="module")
def laptop(cloud: LaptopCloud) -> Iterator[Laptop]:
    """Alone on it: others kill workers or destroy keys while they use it."""
    with locked(HOMES / "in-use.lock"):
        hand_in(cloud.home, completed=False)
        clients = {caller.role: caller.sign_in(cloud.home) for caller in CALLERS}
        yield Laptop(cloud, clients, belongings(cloud.home))

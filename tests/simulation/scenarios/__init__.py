"""One module per scenario of the reliability plan; each names one `SCENARIO`."""

from __future__ import annotations

import functools
import importlib
import pkgutil

from tests.simulation.scenario import Scenario


@functools.cache
def all_scenarios() -> dict[str, Scenario]:
    """Every scenario by name, in the order of their numbers."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        loaded = importlib.import_module(f"{__name__}.{module.name}")
        found.append(loaded.SCENARIO)
    return {each.name: each for each in sorted(found, key=lambda each: each.number)}

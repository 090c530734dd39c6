"""The three real items, as drafts, as plain values, and with their examples."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY, Shop
from zerotrip.catalogue import authoring
from zerotrip.catalogue.authoring import Draft, Example, load, load_example


@pytest.fixture(scope="session")
def drafts() -> dict[str, Draft]:
    return {name: load(CATALOGUE / name, TODAY) for name in FOLDERS}


@pytest.fixture
def example() -> Callable[[str], Example]:
    return lambda name: load_example(CATALOGUE / name, TODAY)


@pytest.fixture(scope="session")
def authored() -> dict[str, dict[str, Any]]:
    """The items' YAML with what they inherit, as plain values."""
    return {name: authoring.authored(CATALOGUE / name) for name in FOLDERS}


@pytest.fixture
def mark(authored: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The vehicle inspection mark, to be changed by a test."""
    return copy.deepcopy(authored["vehicle-inspection-mark"])


@pytest.fixture
def shop() -> Shop:
    return Shop()

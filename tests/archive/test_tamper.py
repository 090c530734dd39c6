"""Audit tamper, a slice: 2,000 links, six kinds. `make verify` takes 10,000 links."""

from __future__ import annotations

import random

import pytest

from tests.archive.tampering import KINDS, Town, long_chain, try_once

LINKS = 2_000
SEED = 19


@pytest.fixture(scope="module")
def town() -> Town:
    return long_chain(LINKS)


def test_an_untouched_chain_says_nothing(town: Town) -> None:
    items = [*town.events, town.head]
    assert len(town.events) == LINKS
    assert town.found(items) == []
    assert town.read_and_checked() == []
    assert not town.seen_inside(items)


@pytest.mark.parametrize("kind", KINDS)
def test_tampering_is_found_and_called_by_its_name(town: Town, kind: str) -> None:
    outcome = try_once(town, kind, random.Random(f"{SEED} {kind}"))
    assert outcome.detected
    assert outcome.named
    assert outcome.placed
    assert outcome.seen_inside is KINDS[kind][2]


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_short_chain_every_seed_is_found(kind: str) -> None:
    town = long_chain(30, days=3)
    for seed in range(25):
        outcome = try_once(town, kind, random.Random(f"{seed} {kind}"))
        assert outcome.detected, seed
        assert outcome.named, seed
        assert outcome.placed, seed
        assert outcome.seen_inside is KINDS[kind][2], seed

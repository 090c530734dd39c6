"""What a power must allow: each applicant's route asks for an act, or says why not."""

from __future__ import annotations

import re

from tests.access import matrix
from tests.access.acting import ROLES
from tests.access.operations import operations
from zerotrip.identity import permissions


def _pattern(name: str) -> tuple[str, str]:
    method, _, path = name.partition(" ")
    return method, re.sub(r"\{[^{}/]*\}", "{}", path)


ASKS_NO_ACT = {
    _pattern(name): why
    for name, why in (
        *((name, why) for name, (_, why) in matrix.NOT_FOR_AGENTS.items()),
        *matrix.ANY_POWER.items(),
    )
}


def test_each_route_of_applicants_asks_for_an_act_or_says_why_none_is_needed() -> None:
    applicants = {
        route
        for route, roles in permissions.PERMISSIONS.items()
        if roles & permissions.APPLICANTS
    }
    assert set(permissions.ACTS) | set(ASKS_NO_ACT) == applicants
    assert not set(permissions.ACTS) & set(ASKS_NO_ACT), "said twice"
    assert all(ASKS_NO_ACT.values())


def test_the_matrix_tries_each_of_them() -> None:
    named = {_pattern(each.name) for each in operations() if each.roles & set(ROLES)}
    assert named == set(permissions.ACTS) | set(ASKS_NO_ACT)

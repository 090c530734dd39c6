"""One person is never proven as two, and never left without a way in; not by a race."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.identity.world import TENANT, World
from zerotrip.identity.model import Level, Login, Person, Provider, SubjectKind
from zerotrip.kernel.errors import Conflict, Forbidden

ZHANG = Person(name="张示例", id_type="111", id_no="999999199001010016")
NOBODY = Person()
LI = replace(ZHANG, name="李示例", id_no="999999198503150022")


def enter(world: World, identity: str, person: Person, level: Level) -> str:
    """Signs in at the identity provider; answers the login's `sub`."""
    login = Login(Provider.OIDC, identity)
    return world.subjects.enter(
        TENANT, login, SubjectKind.NATURAL, person, level=level
    ).sub


def test_two_logins_that_take_each_other_away_at_once_leave_one(world: World) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", ZHANG, Level.PRESENT)
    world.subjects.join(TENANT, one, other)
    world.tables.rival = lambda: world.subjects.remove(TENANT, other, one)
    with pytest.raises(Conflict) as refused:
        world.subjects.remove(TENANT, one, other)
    assert refused.value.code == "last_login"
    (left,) = world.subjects.persons.of(TENANT, one).live
    assert left.sub == other


def test_who_declares_another_number_is_not_bound(world: World) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", LI, Level.DECLARED)
    with pytest.raises(Conflict) as refused:
        world.subjects.join(TENANT, one, other)
    assert refused.value.code == "login_bound_elsewhere"


def test_a_bound_login_that_declared_no_number_is_refused_when_it_proves_it(
    world: World,
) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", NOBODY, Level.DECLARED)
    world.subjects.join(TENANT, one, other)
    with pytest.raises(Forbidden) as refused:
        enter(world, "other", LI, Level.PRESENT)
    assert refused.value.code == "identity_conflict"
    assert enter(world, "other", ZHANG, Level.PRESENT) == other


def test_what_a_bound_login_only_declares_keeps_nobody_from_proving_themselves(
    world: World,
) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", NOBODY, Level.DECLARED)
    world.subjects.join(TENANT, one, other)
    enter(world, "other", LI, Level.DECLARED)
    enter(world, "one", ZHANG, Level.DECLARED)
    assert enter(world, "one", ZHANG, Level.STRONG) == one


def test_a_login_that_is_proven_while_it_is_bound_is_not_bound(world: World) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", NOBODY, Level.DECLARED)
    world.tables.rival = lambda: enter(world, "other", LI, Level.PRESENT)
    with pytest.raises(Conflict) as refused:
        world.subjects.join(TENANT, one, other)
    assert refused.value.code == "login_bound_elsewhere"
    assert world.subjects.persons.of(TENANT, one).subs == {one}


def test_two_logins_of_one_person_are_not_proven_as_two_at_once(world: World) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", NOBODY, Level.DECLARED)
    world.subjects.join(TENANT, one, other)
    enter(world, "one", ZHANG, Level.DECLARED)
    world.tables.rival = lambda: enter(world, "other", LI, Level.PRESENT)
    with pytest.raises(Forbidden) as refused:
        enter(world, "one", ZHANG, Level.PRESENT)
    assert refused.value.code == "identity_conflict"


def test_an_officer_does_not_vouch_for_a_second_number_at_the_same_moment(
    world: World,
) -> None:
    one = enter(world, "one", ZHANG, Level.PRESENT)
    other = enter(world, "other", NOBODY, Level.DECLARED)
    world.subjects.join(TENANT, one, other)
    enter(world, "one", ZHANG, Level.DECLARED)
    world.tables.rival = lambda: enter(world, "one", ZHANG, Level.PRESENT)
    with pytest.raises(Conflict) as refused:
        world.subjects.vouch(TENANT, other, LI, "officer", str(LI.id_no))
    assert refused.value.code == "proven_as_another"

"""Bindings that meet, break off or come again; what a register says by a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.identity.world import HASH_KEY, TENANT, World, person
from zerotrip.identity.model import Level, Session
from zerotrip.identity.registers import note, proven_by
from zerotrip.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from zerotrip.kernel.identifiers import is_citizen_number

LI = {"name": "李示例", "id_no": "999999199202020026"}


@pytest.fixture
def world() -> World:
    return World()


def proven(world: World, sub: str = "idp-zhang", **changed: str) -> Session:
    return world.login(person(sub, **changed)).session


def subs_of(world: World, sub: str) -> frozenset[str]:
    return world.subjects.persons.of(TENANT, sub).subs


def test_of_two_people_who_bind_one_login_at_the_same_moment_one_gets_it(
    world: World,
) -> None:
    zhang, li = proven(world), proven(world, "idp-li", **LI)
    refused: list[str] = []

    def li_is_faster() -> None:
        world.sessions.bind_wechat(li, "openid-1")

    world.tables.rival = li_is_faster
    with pytest.raises(Conflict) as conflict:
        world.sessions.bind_wechat(zhang, "openid-1")
    refused.append(conflict.value.code)
    assert refused == ["login_bound_elsewhere"]
    shared = world.sessions.login_wechat("openid-1").session.sub
    assert subs_of(world, shared) == {li.sub, shared}
    assert subs_of(world, zhang.sub) == {zhang.sub}


def test_two_who_bind_each_other_at_the_same_moment_are_one_set(world: World) -> None:
    zhang = proven(world)
    wechat = world.sessions.login_wechat("openid-1").session
    world.idp.people["again"] = person()

    def the_other_way() -> None:
        world.sessions.bind_oidc(wechat, "again", "v", "n", "https://r")

    world.tables.rival = the_other_way
    world.sessions.bind_wechat(zhang, "openid-1")
    assert subs_of(world, zhang.sub) == {zhang.sub, wechat.sub}
    assert subs_of(world, wechat.sub) == {zhang.sub, wechat.sub}


def test_a_set_stands_alike_in_the_row_of_each_of_its_logins(world: World) -> None:
    zhang = proven(world)
    for number in range(4):
        world.sessions.bind_wechat(zhang, f"openid-{number}")
    every = world.subjects.persons.of(TENANT, zhang.sub).every
    assert {tuple(each.subs) for each in every} == {
        tuple(sorted(each.sub for each in every))
    }


def test_a_binding_that_breaks_off_after_the_second_proof_leaves_nothing_bound(
    world: World,
) -> None:
    wechat = world.sessions.login_wechat("openid-1").session
    zhang = proven(world)

    def breaks() -> None:
        raise Unavailable("database_unavailable", "数据库暂时不可用。", "Down.")

    world.idp.people["code"] = person()
    world.tables.rival = breaks
    with pytest.raises(Unavailable):
        world.sessions.bind_oidc(wechat, "code", "v", "n", "https://r")
    assert subs_of(world, wechat.sub) == {wechat.sub}
    world.sessions.bind_oidc(wechat, "code", "v", "n", "https://r")
    assert subs_of(world, wechat.sub) == {wechat.sub, zhang.sub}


def test_an_account_that_is_another_citizens_by_now_opens_nothing_that_was_theirs(
    world: World,
) -> None:
    zhang = proven(world)
    second = proven(world, "idp-second")
    world.subjects.join(TENANT, zhang.sub, second.sub)
    li = proven(world, "idp-second", **LI)
    assert subs_of(world, li.sub) == {li.sub}
    left = world.subjects.persons.of(TENANT, zhang.sub)
    assert [each.sub for each in left.live] == [zhang.sub]


def test_a_level_that_falls_takes_the_bound_login_with_it(world: World) -> None:
    zhang = proven(world)
    world.sessions.bind_wechat(zhang, "openid-1")
    world.login(replace(person(), level=Level.DECLARED))
    assert world.sessions.login_wechat("openid-1").session.level == Level.DECLARED


def test_a_register_finds_every_login_that_its_number_proves(world: World) -> None:
    zhang, second = proven(world), proven(world, "idp-second")
    number = person().id_no
    assert is_citizen_number(number)
    found = proven_by(world.tables, HASH_KEY, TENANT, number)
    assert set(found) == {zhang.sub, second.sub}
    for sub in found:
        note(world.tables, TENANT, sub, ended="deceased")
    with pytest.raises(Forbidden) as refused:
        proven(world)
    assert refused.value.code == "subject_deceased"
    note(world.tables, TENANT, zhang.sub, ended=None)
    assert proven(world).sub == zhang.sub


def test_of_a_login_that_nobody_knows_nothing_is_noted(world: World) -> None:
    with pytest.raises(NotFound):
        note(world.tables, TENANT, "0" * 26, ended="deceased")

"""A person is one subject, and what is personal is sealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.identity.world import COMPANY, HASH_KEY, TENANT, World, person
from zerotrip.identity.model import Login, Person, Provider, SubjectKind
from zerotrip.identity.store import login_key
from zerotrip.kernel.errors import GiveUp, NotFound, Unavailable
from zerotrip.kernel.tables import Rejected, Write

NATURAL = SubjectKind.NATURAL
ZHANG = Login(Provider.OIDC, "idp-zhang")
KNOWN = Person(name="张示例", id_no="11010519491231002X")


def test_two_first_logins_at_once_make_one_subject(world: World) -> None:
    made = []
    world.tables.rival = lambda: made.append(
        world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3")
    )
    subject = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3")
    assert made == [subject]
    kept = [sk for table, _, sk in world.tables.rows if table == "identity"]
    assert sorted(kept) == ["SUB", "SUBJECT"]
    assert world.subjects.person(TENANT, subject.sub) == KNOWN


def test_two_first_logins_at_once_through_the_whole_session(world: World) -> None:
    made = []
    world.tables.rival = lambda: made.append(world.login(person()).session.sub)
    assert [world.login(person()).session.sub] == made


def test_a_login_that_brings_nothing_new_writes_nothing(world: World) -> None:
    world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3")
    before = len(world.tables.transactions)
    world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3")
    assert len(world.tables.transactions) == before


def test_a_new_name_and_level_are_kept_and_the_rest_stays(world: World) -> None:
    known = replace(KNOWN, openid="openid-1")
    subject = world.subjects.enter(TENANT, ZHANG, NATURAL, known, "L2")
    newer = Person(name="张新示例")
    again = world.subjects.enter(TENANT, ZHANG, NATURAL, newer, "L4")
    assert again == replace(subject, level="L4")
    assert world.subjects.get(TENANT, subject.sub).level == "L4"
    assert world.subjects.person(TENANT, subject.sub) == replace(known, name="张新示例")


def test_a_change_during_a_change_is_not_lost(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L2").sub
    wechat = Login(Provider.WECHAT, "openid-1")
    world.tables.rival = lambda: world.subjects.bind(
        TENANT, sub, wechat, Person(openid="openid-1"), "L2"
    )
    world.subjects.enter(TENANT, ZHANG, NATURAL, Person(name="张新示例"), "L3")
    held = world.subjects.person(TENANT, sub)
    assert (held.openid, held.name) == ("openid-1", "张新示例")


def test_nothing_personal_stands_in_clear(world: World) -> None:
    world.login(person(kind="legal", corp_name="示例食品有限公司", corp_uscc=COMPANY))
    world.sessions.login_wechat("openid-1")
    stored = repr(world.tables.rows)
    for secret in ("张示例", "11010519491231002X", "openid-1", COMPANY, "idp-zhang"):
        assert secret not in stored
        assert repr(secret.encode())[2:-1] not in stored


def test_the_sealed_person_opens_under_its_own_subject_only(world: World) -> None:
    one = world.sessions.login_wechat("openid-1").session.sub
    two = world.sessions.login_wechat("openid-2").session.sub
    row = world.tables.rows["identity", f"{TENANT}#SUB#{one}", "SUBJECT"]
    moved = f"{TENANT}#SUB#{two}"
    world.tables.rows["identity", moved, "SUBJECT"] = replace(row, pk=moved)
    with pytest.raises(GiveUp) as refused:
        world.subjects.openid(TENANT, two)
    assert refused.value.code == "sealed_content_broken"


def test_who_never_came_through_wechat_has_no_openid(world: World) -> None:
    assert world.subjects.openid(TENANT, world.login(person()).session.sub) is None


def test_an_officer_who_never_came_has_no_person_yet(world: World) -> None:
    sub = world.register("idp-wang")
    assert world.subjects.person(TENANT, sub) == Person()
    world.login(person("idp-wang"))
    assert world.subjects.person(TENANT, sub).name == "张示例"


def test_an_unknown_subject_is_not_found(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        world.subjects.get(TENANT, "nobody")
    assert refused.value.code == "subject_unknown"


def test_a_login_is_found_again_by_provider_tenant_and_secret(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3").sub
    assert world.subjects.find(TENANT, ZHANG) == sub
    assert world.subjects.find("999998", ZHANG) is None
    assert world.subjects.find(TENANT, Login(Provider.WECHAT, "idp-zhang")) is None
    assert login_key(TENANT, HASH_KEY, ZHANG) != login_key(TENANT, b"other", ZHANG)


def test_a_race_that_never_ends_asks_the_person_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def always(_writes: list[Write], _token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(world.tables, "transact", always)
    with pytest.raises(Unavailable) as refused:
        world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, "L3")
    assert refused.value.code == "login_busy"

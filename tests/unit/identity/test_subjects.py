"""A person is one subject, and what is personal is sealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.identity.world import COMPANY, HASH_KEY, TENANT, World, person
from zerotrip.identity.model import Level, Login, Person, Provider, SubjectKind
from zerotrip.identity.registers import proven_by
from zerotrip.identity.rows import login_key
from zerotrip.kernel.errors import Conflict, Forbidden, GiveUp, NotFound, Unavailable
from zerotrip.kernel.tables import Rejected, Write

NATURAL = SubjectKind.NATURAL
DECLARED, MATCHED, PRESENT, STRONG = Level
ZHANG = Login(Provider.OIDC, "idp-zhang")
KNOWN = Person(name="张示例", id_no="11010519491231002X")


def test_two_first_logins_at_once_make_one_subject(world: World) -> None:
    made = []
    world.tables.rival = lambda: made.append(
        world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT)
    )
    subject = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT)
    assert made == [subject]
    kept = [sk for table, _, sk in world.tables.rows if table == "identity"]
    # The login, the subject, and the number's pointer to it.
    assert sorted(kept) == sorted(["SUB", "SUBJECT", subject.sub])
    assert world.subjects.person(TENANT, subject.sub) == KNOWN


def test_two_first_logins_at_once_through_the_whole_session(world: World) -> None:
    made = []
    world.tables.rival = lambda: made.append(world.login(person()).session.sub)
    assert [world.login(person()).session.sub] == made


def test_a_login_that_brings_nothing_new_writes_nothing(world: World) -> None:
    world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT)
    before = len(world.tables.transactions)
    world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT)
    assert len(world.tables.transactions) == before


def test_a_new_name_and_level_are_kept_and_the_rest_stays(world: World) -> None:
    known = replace(KNOWN, openid="openid-1")
    subject = world.subjects.enter(TENANT, ZHANG, NATURAL, known, level=MATCHED)
    newer = Person(name="张新示例")
    again = world.subjects.enter(TENANT, ZHANG, NATURAL, newer, level=STRONG)
    assert again == replace(subject, level=STRONG, named=again.named)
    assert again.named not in (None, subject.named)
    assert world.subjects.get(TENANT, subject.sub).level is STRONG
    assert world.subjects.person(TENANT, subject.sub) == replace(known, name="张新示例")


def test_a_change_during_a_change_is_not_lost(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=MATCHED).sub
    told = Person(name="张新示例", telephone="13800000001")
    world.tables.rival = lambda: world.subjects.note(TENANT, sub, ended="deceased")
    world.subjects.enter(TENANT, ZHANG, NATURAL, told, level=PRESENT)
    held = world.subjects.get(TENANT, sub)
    assert (held.ended, held.level) == ("deceased", PRESENT)
    assert world.subjects.person(TENANT, sub).name == "张新示例"


def test_a_provider_takes_back_nothing_that_an_officer_saw(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=MATCHED).sub
    seen = world.subjects.vouch(TENANT, sub, KNOWN, "officer-1", str(KNOWN.id_no))
    assert (seen.level, seen.asked.seen_by) == (STRONG, "officer-1")
    moved = replace(KNOWN, telephone="13800000001")
    world.subjects.enter(TENANT, ZHANG, NATURAL, moved, level=MATCHED)
    held = world.subjects.get(TENANT, sub)
    assert (held.level, held.seen_by) == (STRONG, "officer-1")


def test_what_an_officer_saw_goes_with_the_number_that_was_seen(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=MATCHED).sub
    world.subjects.vouch(TENANT, sub, KNOWN, "officer-1", str(KNOWN.id_no))
    other = replace(KNOWN, name="李示例", id_no="999999198503150022")
    new = world.subjects.enter(TENANT, ZHANG, NATURAL, other, level=MATCHED)
    assert (new.sub == sub, new.level, new.seen_by) == (False, MATCHED, None)


def test_a_new_passport_is_the_same_persons_and_is_shown_again(world: World) -> None:
    held = replace(KNOWN, id_type="414", id_no="E12345678")
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, held, level=MATCHED).sub
    world.subjects.vouch(TENANT, sub, held, "officer-1", "E12345678")
    renewed = replace(held, id_no="E87654321")
    world.subjects.enter(TENANT, ZHANG, NATURAL, renewed, level=MATCHED)
    now = world.subjects.get(TENANT, sub)
    assert (now.level, now.seen_by) == (MATCHED, None)


def test_a_register_finds_the_logins_that_a_number_proves_now(world: World) -> None:
    number, other = str(KNOWN.id_no), "999999198503150022"
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT).sub
    assert proven_by(world.tables, HASH_KEY, TENANT, number) == [sub]
    moved = replace(KNOWN, name="李示例", id_no=other)
    new = world.subjects.enter(TENANT, ZHANG, NATURAL, moved, level=PRESENT).sub
    assert proven_by(world.tables, HASH_KEY, TENANT, number) == [sub]
    assert proven_by(world.tables, HASH_KEY, TENANT, other) == [new]


def test_what_a_register_said_holds_for_every_login_of_that_number(
    world: World,
) -> None:
    one = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT).sub
    second = Login(Provider.OIDC, "idp-second")
    other = world.subjects.enter(TENANT, second, NATURAL, KNOWN, level=PRESENT).sub
    world.subjects.note(TENANT, one, ended="deceased")
    assert world.subjects.get(TENANT, other).ended == "deceased"
    wechat = Login(Provider.WECHAT, "openid-9")
    new = world.subjects.enter(TENANT, wechat, NATURAL, Person(openid="openid-9")).sub
    with pytest.raises(Forbidden) as refused:
        world.subjects.vouch(TENANT, new, KNOWN, "officer-1", str(KNOWN.id_no))
    assert refused.value.code == "subject_deceased"


def test_the_only_login_that_proves_somebody_stays(world: World) -> None:
    one = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT).sub
    wechat = Login(Provider.WECHAT, "openid-9")
    other = world.subjects.enter(TENANT, wechat, NATURAL, Person(openid="openid-9")).sub
    world.subjects.join(TENANT, one, other)
    with pytest.raises(Conflict) as refused:
        world.subjects.remove(TENANT, other, one)
    assert refused.value.code == "only_proof"
    world.subjects.remove(TENANT, one, other)


def test_nobody_is_vouched_for_as_another_than_a_login_they_once_had(
    world: World,
) -> None:
    one = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT).sub
    second = Login(Provider.OIDC, "idp-second")
    other = world.subjects.enter(TENANT, second, NATURAL, KNOWN, level=PRESENT).sub
    world.subjects.join(TENANT, one, other)
    world.subjects.remove(TENANT, other, one)
    li = Person(name="李示例", id_no="999999198503150022")
    with pytest.raises(Conflict) as refused:
        world.subjects.vouch(TENANT, other, li, "officer-1", str(li.id_no))
    assert refused.value.code == "proven_as_another"


def test_nobody_is_vouched_for_as_another_than_a_provider_says(world: World) -> None:
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=MATCHED).sub
    other = Person(name="李示例", id_no="999999198503150022")
    with pytest.raises(Conflict) as refused:
        world.subjects.vouch(TENANT, sub, other, "officer-1", str(other.id_no))
    assert refused.value.code == "proven_as_another"
    assert world.subjects.get(TENANT, sub).level is MATCHED


def test_an_openid_that_was_given_to_somebody_else_leads_to_somebody_new(
    world: World,
) -> None:
    wechat = Login(Provider.WECHAT, "openid-1")
    enter = world.subjects.enter
    first = enter(TENANT, wechat, NATURAL, Person(openid="openid-1", unionid="u-1"))
    same = enter(TENANT, wechat, NATURAL, Person(openid="openid-1", unionid="u-1"))
    other = enter(TENANT, wechat, NATURAL, Person(openid="openid-1", unionid="u-2"))
    assert same.sub == first.sub != other.sub
    assert world.subjects.get(TENANT, first.sub).former
    assert world.subjects.find(TENANT, wechat) == other.sub
    assert world.subjects.openid(TENANT, [first.sub]) is None


def _logins(world: World, *levels: Level) -> list[str]:
    """One login of 张示例 per level; those below `matched` bring no number."""
    return [
        world.subjects.enter(
            TENANT,
            Login(Provider.OIDC, f"idp-{place}"),
            NATURAL,
            KNOWN if level.reaches(MATCHED) else Person(),
            level=level,
        ).sub
        for place, level in enumerate(levels)
    ]


def test_joined_logins_are_one_person_as_well_proven_as_the_best(
    world: World,
) -> None:
    one, two, three = _logins(world, DECLARED, PRESENT, MATCHED)
    world.subjects.join(TENANT, one, two)
    person = world.subjects.join(TENANT, three, one)
    assert person.subs == {one, two, three}
    for sub in (one, two, three):
        assert world.subjects.persons.of(TENANT, sub).level is PRESENT
    assert world.subjects.join(TENANT, one, two).subs == person.subs
    many = world.subjects.persons.many(TENANT, [one, two, "nobody"])
    assert {sub: each.subs for sub, each in many.items()} == {
        one: person.subs,
        two: person.subs,
    }


def test_a_person_has_eight_logins_at_the_most(world: World) -> None:
    first, *others = _logins(world, *[PRESENT] * 9)
    for other in others[:7]:
        world.subjects.join(TENANT, first, other)
    with pytest.raises(Conflict) as refused:
        world.subjects.join(TENANT, first, others[7])
    assert refused.value.code == "too_many_logins"
    assert len(world.subjects.persons.of(TENANT, first).subs) == 8


def test_two_bindings_at_once_leave_one_set(world: World) -> None:
    one, two, three = _logins(world, PRESENT, PRESENT, PRESENT)
    world.tables.rival = lambda: world.subjects.join(TENANT, two, three)
    world.subjects.join(TENANT, one, two)
    for sub in (one, two, three):
        assert world.subjects.persons.of(TENANT, sub).subs == {one, two, three}


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
        world.subjects.openid(TENANT, [two])
    assert refused.value.code == "sealed_content_broken"


def test_who_never_came_through_wechat_has_no_openid(world: World) -> None:
    assert world.subjects.openid(TENANT, [world.login(person()).session.sub]) is None


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
    sub = world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT).sub
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
        world.subjects.enter(TENANT, ZHANG, NATURAL, KNOWN, level=PRESENT)
    assert refused.value.code == "login_busy"

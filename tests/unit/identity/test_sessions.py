"""Signing in, refreshing, signing out."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.identity.world import (
    COMPANY,
    NOON,
    OFFICE,
    REALM,
    TENANT,
    World,
    company,
    person,
)
from zerotrip.identity.agency import Window
from zerotrip.identity.clients.oidc import Claims
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    Role,
    SessionRefused,
    SubjectKind,
)
from zerotrip.identity.persons import PersonNow
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import EVERY_ACT, USUAL_TERM, Office, revoked, why_ended
from zerotrip.identity.sessions import Grant
from zerotrip.identity.staff import suspend_officer
from zerotrip.identity.tokens import verify
from zerotrip.kernel.errors import Conflict, Forbidden, NotFound, Unauthenticated


def refused_because(world: World, refresh_token: str) -> str:
    with pytest.raises(SessionRefused) as refused:
        world.sessions.refresh(refresh_token)
    return refused.value.reason


def bind(world: World, grant: Grant, claims: Claims) -> PersonNow:
    """Binds a login at the provider to whoever signed in."""
    world.idp.people["code"] = claims
    return world.sessions.bind_oidc(grant.session, "code", "v", "n", "https://r")


LI = {"name": "李示例", "id_no": "999999198503150022"}


def agent() -> dict[str, str]:
    return {"kind": "legal", "corp_name": "示例食品有限公司", "corp_uscc": COMPANY}


def test_a_wechat_code_makes_a_citizens_session(world: World) -> None:
    grant = world.sessions.login_wechat("openid-1")
    session = verify(grant.access_token, world.public_keys, REALM, NOON)
    assert session == grant.session
    assert session.roles == {Role.CITIZEN}
    assert (session.level, session.actor, session.organisation) == (
        "declared",
        None,
        "",
    )
    assert world.subjects.openid(TENANT, [session.sub]) == "openid-1"


def test_the_wire_answer_holds_tokens_kind_and_roles(world: World) -> None:
    grant = world.login(person())
    assert grant.as_json() == {
        "token_type": "Bearer",
        "access_token": grant.access_token,
        "expires_in_seconds": 900,
        "refresh_token": grant.refresh_token,
        "subject": {"kind": "natural", "level": "present"},
        "roles": ["citizen"],
    }


def test_a_session_shown_in_a_log_shows_no_token(world: World) -> None:
    grant = world.login(person())
    assert grant.access_token not in repr(grant)
    assert grant.refresh_token not in repr(grant)
    assert "张示例" not in repr(person())


def test_the_identity_provider_gets_what_belongs_to_the_code(world: World) -> None:
    world.login(person())
    assert world.idp.asked == [("code", "verifier", "nonce", "https://r")]


def test_the_same_person_gets_the_same_sub_again(world: World) -> None:
    first, again = world.login(person()), world.login(person())
    assert first.session.sub == again.session.sub
    assert first.session.session_id != again.session.session_id


def test_wechat_and_oidc_are_two_subjects_until_they_are_bound(world: World) -> None:
    by_wechat = world.sessions.login_wechat("openid-1")
    assert world.login(person()).session.sub != by_wechat.session.sub


def test_a_company_acts_through_its_agent(world: World) -> None:
    agents_own = world.login(person())
    grant = world.login(person(**agent()))
    assert grant.kind is SubjectKind.LEGAL
    assert grant.session.roles == {Role.COMPANY}
    assert grant.session.actor == agents_own.session.sub
    assert grant.session.sub != agents_own.session.sub
    held = world.subjects.person(TENANT, grant.session.sub)
    assert (held.corp_uscc, held.name) == (COMPANY, None)


def test_two_agents_of_one_company_share_its_cases(world: World) -> None:
    one = world.login(person("idp-zhang", **agent()))
    two = world.login(person("idp-li", **agent()))
    assert one.session.sub == two.session.sub
    assert one.session.actor != two.session.actor


@pytest.mark.parametrize("uscc", [None, "", "91999999MA0000001M"])
def test_a_company_without_a_right_code_is_not_let_in(
    world: World, uscc: str | None
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        world.login(person(**(agent() | {"corp_uscc": uscc})))
    assert refused.value.code == "company_code_wrong"
    assert world.tables.rows == {}


def test_a_kind_that_nobody_knows_is_not_let_in(world: World) -> None:
    with pytest.raises(Unauthenticated) as refused:
        world.login(person(kind="robot"))
    assert refused.value.code == "subject_kind_unknown"


def test_a_code_that_wechat_refuses_leaves_nothing_behind(world: World) -> None:
    world.wechat.refused = True
    with pytest.raises(Unauthenticated):
        world.sessions.login_wechat("openid-1")
    assert world.tables.rows == {}


def test_a_registered_officer_gets_roles_and_place(world: World) -> None:
    sub = world.register("idp-wang", Role.OFFICER, Role.APPROVER)
    session = world.login(person("idp-wang")).session
    assert session.sub == sub
    assert session.roles == {Role.OFFICER, Role.APPROVER}
    assert (session.organisation, session.department) == (OFFICE, "counter")


def test_an_officer_who_comes_through_wechat_is_a_citizen(world: World) -> None:
    grant = world.sessions.login_wechat("openid-1")
    bind(world, grant, person("idp-wang"))
    world.register("idp-wang")
    assert world.sessions.login_wechat("openid-1").session.roles == {Role.CITIZEN}
    assert world.login(person("idp-wang")).session.roles == {Role.OFFICER}


def test_a_suspended_officer_neither_signs_in_nor_refreshes(world: World) -> None:
    sub = world.register("idp-wang")
    grant = world.login(person("idp-wang"))
    suspend_officer(world.tables, TENANT, sub, NOON)
    for attempt in (
        lambda: world.login(person("idp-wang")),
        lambda: world.sessions.refresh(grant.refresh_token),
    ):
        with pytest.raises(Forbidden) as refused:
            attempt()
        assert refused.value.code == "officer_suspended"


def test_a_refresh_gives_new_tokens_for_the_same_session(world: World) -> None:
    first = world.login(person())
    world.clock.passes(800)
    second = world.sessions.refresh(first.refresh_token)
    assert second.session.session_id == first.session.session_id
    assert second.session.sub == first.session.sub
    assert second.refresh_token != first.refresh_token
    later = NOON + timedelta(seconds=1600)
    session = verify(second.access_token, world.public_keys, REALM, later)
    assert session.expires_at == NOON + timedelta(seconds=1700)


def test_a_company_keeps_its_agent_over_a_refresh(world: World) -> None:
    first = world.login(person(**agent()))
    second = world.sessions.refresh(first.refresh_token)
    assert second.session.actor == first.session.actor
    assert second.session.roles == {Role.COMPANY}


def test_refresh_tokens_are_kept_as_hashes_only(world: World) -> None:
    grant = world.login(person())
    second = world.sessions.refresh(grant.refresh_token)
    stored = repr(world.tables.rows)
    assert grant.refresh_token not in stored
    assert second.refresh_token not in stored


def live_refresh_tokens(world: World) -> int:
    kept = [row for row in world.tables.rows.values() if row.sk == "TOKEN"]
    return sum(row.stage == "live" for row in kept)


def test_a_lost_answer_is_given_again(world: World) -> None:
    first = world.login(person())
    lost = world.sessions.refresh(first.refresh_token)
    world.clock.passes(5)
    written = repr(world.tables.rows)
    again = world.sessions.refresh(first.refresh_token)
    assert again.refresh_token == lost.refresh_token
    assert again.access_token != lost.access_token
    assert again.session.expires_at == lost.session.expires_at + timedelta(seconds=5)
    assert repr(world.tables.rows) == written
    assert world.sessions.refresh(again.refresh_token).session.sub == first.session.sub


def test_an_answer_may_be_lost_more_than_once(world: World) -> None:
    first = world.login(person())
    given = {world.sessions.refresh(first.refresh_token).refresh_token for _ in "1234"}
    assert len(given) == 1
    assert live_refresh_tokens(world) == 1


@pytest.mark.parametrize(
    ("seconds", "holds"), [(9.999, True), (10, False), (11, False)]
)
def test_the_same_successor_is_given_for_ten_seconds(
    world: World, seconds: float, *, holds: bool
) -> None:
    first = world.login(person())
    second = world.sessions.refresh(first.refresh_token)
    world.clock.passes(seconds)
    if holds:
        again = world.sessions.refresh(first.refresh_token)
        assert again.refresh_token == second.refresh_token
    else:
        assert refused_because(world, first.refresh_token) == "refresh_token_reused"
        assert refused_because(world, second.refresh_token) == "session_ended"


def test_the_ten_seconds_begin_with_the_first_use(world: World) -> None:
    first = world.login(person())
    world.sessions.refresh(first.refresh_token)
    world.clock.passes(9)
    world.sessions.refresh(first.refresh_token)
    world.clock.passes(1)
    assert refused_because(world, first.refresh_token) == "refresh_token_reused"


def test_a_token_whose_successor_was_used_ends_the_whole_session(
    world: World,
) -> None:
    first = world.login(person())
    second = world.sessions.refresh(first.refresh_token)
    third = world.sessions.refresh(second.refresh_token)
    assert refused_because(world, first.refresh_token) == "refresh_token_reused"
    assert refused_because(world, third.refresh_token) == "session_ended"
    assert refused_because(world, second.refresh_token) == "session_ended"


def test_a_token_that_was_used_before_times_were_kept_is_not_given_again(
    world: World,
) -> None:
    first = world.login(person())
    world.sessions.refresh(first.refresh_token)
    for row in world.tables.rows.values():
        row.data.pop("used_at", None)
    assert refused_because(world, first.refresh_token) == "refresh_token_reused"


def test_nobody_without_the_secret_can_work_out_the_next_token(world: World) -> None:
    first = world.login(person())
    second = world.sessions.refresh(first.refresh_token)
    stranger = World()  # the same made-up randomness, another secret
    subjects = replace(stranger.subjects, hash_key=b"another secret of keyed hashes")
    stranger.sessions = replace(stranger.sessions, subjects=subjects)
    copied = stranger.login(person())
    guessed = stranger.sessions.refresh(copied.refresh_token)
    assert copied.refresh_token == first.refresh_token
    assert guessed.refresh_token != second.refresh_token


def test_another_session_of_the_same_person_goes_on(world: World) -> None:
    first, other = world.login(person()), world.login(person())
    world.sessions.refresh(first.refresh_token)
    world.clock.passes(10)
    assert refused_because(world, first.refresh_token) == "refresh_token_reused"
    assert world.sessions.refresh(other.refresh_token).session.sub == other.session.sub


def test_two_tabs_that_refresh_at_once_get_the_same_token(world: World) -> None:
    first = world.login(person())
    tabs: list[Grant] = []
    world.tables.rival = lambda: tabs.append(
        world.sessions.refresh(first.refresh_token)
    )
    tabs.append(world.sessions.refresh(first.refresh_token))
    assert len({tab.refresh_token for tab in tabs}) == 1
    assert len({tab.access_token for tab in tabs}) == 2
    assert live_refresh_tokens(world) == 1
    assert world.sessions.refresh(tabs[0].refresh_token).kind is SubjectKind.NATURAL


def test_a_tab_that_is_two_refreshes_behind_ends_the_session(world: World) -> None:
    first = world.login(person())
    ahead: list[Grant] = []

    def refreshes_twice() -> None:
        second = world.sessions.refresh(first.refresh_token)
        ahead.append(world.sessions.refresh(second.refresh_token))

    world.tables.rival = refreshes_twice
    assert refused_because(world, first.refresh_token) == "refresh_token_reused"
    assert refused_because(world, ahead[0].refresh_token) == "session_ended"


def test_a_lost_answer_is_not_given_again_after_signing_out(world: World) -> None:
    first = world.login(person())
    lost = world.sessions.refresh(first.refresh_token)
    world.sessions.end(lost.session)
    assert refused_because(world, first.refresh_token) == "session_ended"


def test_a_lost_answer_is_not_given_again_when_the_session_is_over(
    world: World,
) -> None:
    first = world.login(person())
    world.clock.passes(30 * 24 * 3600 - 2)
    world.sessions.refresh(first.refresh_token)
    world.clock.passes(2)
    assert refused_because(world, first.refresh_token) == "session_expired"


def test_an_officer_gets_a_lost_answer_again_unless_suspended(world: World) -> None:
    sub = world.register("idp-wang", Role.APPROVER)
    first = world.login(person("idp-wang"))
    lost = world.sessions.refresh(first.refresh_token)
    again = world.sessions.refresh(first.refresh_token)
    assert again.refresh_token == lost.refresh_token
    assert again.session.roles == {Role.APPROVER}
    suspend_officer(world.tables, TENANT, sub, NOON)
    with pytest.raises(Forbidden) as refused:
        world.sessions.refresh(first.refresh_token)
    assert refused.value.code == "officer_suspended"


def test_who_became_staff_gets_no_lost_answer_again(world: World) -> None:
    first = world.login(person("idp-wang"))
    world.sessions.refresh(first.refresh_token)
    world.register("idp-wang")
    assert refused_because(world, first.refresh_token) == "session_role_changed"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 1.0, 9.0, 10.0]),
            st.integers(min_value=0, max_value=5),
            st.booleans(),
        ),
        max_size=12,
    )
)
def test_a_session_never_has_two_live_refresh_tokens(
    steps: list[tuple[float, int, bool]],
) -> None:
    """Tokens are tried in any order and at any pace, alone or two at once."""
    world = World()
    tokens = [world.login(person()).refresh_token]

    def refresh(token: str) -> None:
        with contextlib.suppress(SessionRefused):
            following = world.sessions.refresh(token).refresh_token
            if following not in tokens:
                tokens.append(following)

    for seconds, place, twice in steps:
        world.clock.passes(seconds)
        token = tokens[-1 - place % len(tokens)]
        if twice:
            world.tables.rival = functools.partial(refresh, token)
        refresh(token)
        world.tables.rival = None
        assert live_refresh_tokens(world) == 1


def test_signing_out_during_a_refresh_wins(world: World) -> None:
    first = world.login(person())
    world.tables.rival = lambda: world.sessions.end(first.session)
    assert refused_because(world, first.refresh_token) == "session_ended"


def test_a_refresh_during_a_sign_out_does_not_survive_it(world: World) -> None:
    first = world.login(person())
    won: list[Grant] = []
    world.tables.rival = lambda: won.append(world.sessions.refresh(first.refresh_token))
    world.sessions.end(first.session)
    assert refused_because(world, won[0].refresh_token) == "session_ended"


def test_after_signing_out_nothing_refreshes_and_again_is_no_error(
    world: World,
) -> None:
    grant = world.login(person())
    world.sessions.end(grant.session)
    world.sessions.end(grant.session)
    assert refused_because(world, grant.refresh_token) == "session_ended"


@pytest.mark.parametrize("token", ["", "made up", "ü", "x" * 5000])
def test_an_unknown_refresh_token_is_refused(world: World, token: str) -> None:
    assert refused_because(world, token) == "refresh_token_unknown"


def test_a_session_ends_by_itself_however_often_it_is_refreshed(world: World) -> None:
    grant = world.login(person())
    for _ in range(3):
        world.clock.passes(10 * 24 * 3600 - 1)
        grant = world.sessions.refresh(grant.refresh_token)
    world.clock.passes(3)
    assert refused_because(world, grant.refresh_token) == "session_expired"


def test_staff_sign_in_anew_after_twelve_hours(world: World) -> None:
    world.register("idp-wang")
    grant = world.login(person("idp-wang"))
    world.clock.passes(12 * 3600)
    assert refused_because(world, grant.refresh_token) == "session_expired"


def test_a_citizens_session_does_not_turn_into_staff(world: World) -> None:
    grant = world.login(person("idp-wang"))
    world.register("idp-wang")
    assert refused_because(world, grant.refresh_token) == "session_role_changed"


def test_a_key_that_fails_costs_nobody_the_refresh_token(world: World) -> None:
    grant = world.login(person())
    working = world.key.sign_digest

    def broken(digest: bytes) -> bytes:
        raise TimeoutError

    world.key.sign_digest = broken  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        world.sessions.refresh(grant.refresh_token)
    world.key.sign_digest = working  # type: ignore[method-assign]
    assert world.sessions.refresh(grant.refresh_token).session.sub == grant.session.sub


def test_binding_lets_a_wechat_citizen_be_proven_and_moves_nothing(
    world: World,
) -> None:
    grant = world.sessions.login_wechat("openid-1")
    found = bind(world, grant, person())
    own = world.login(person()).session.sub
    assert own != grant.session.sub
    assert found.subs == {own, grant.session.sub}
    assert world.sessions.refresh(grant.refresh_token).session.level == "present"
    again = world.sessions.login_wechat("openid-1").session
    assert (again.sub, again.level) == (grant.session.sub, "present")
    assert world.subjects.openid(TENANT, [own, again.sub]) == "openid-1"


def test_who_signed_in_at_the_provider_binds_wechat(world: World) -> None:
    grant = world.login(person())
    found = world.sessions.bind_wechat(grant.session, "openid-1")
    assert found.subs == {
        grant.session.sub,
        world.sessions.login_wechat("openid-1").session.sub,
    }
    assert world.sessions.login_wechat("openid-1").session.level == "present"


def test_binding_twice_is_no_error(world: World) -> None:
    grant = world.sessions.login_wechat("openid-1")
    assert bind(world, grant, person()).subs == bind(world, grant, person()).subs


def test_two_people_are_never_bound_together(world: World) -> None:
    bind(world, world.sessions.login_wechat("openid-1"), person())
    li = world.login(person("idp-li", **LI))
    with pytest.raises(Conflict) as refused:
        world.sessions.bind_wechat(li.session, "openid-1")
    assert refused.value.code == "login_bound_elsewhere"
    assert world.sessions.bindings(li.session).subs == {li.session.sub}


def test_without_any_proof_nobody_is_bound(world: World) -> None:
    grant = world.sessions.login_wechat("openid-1")
    with pytest.raises(Forbidden) as refused:
        bind(world, grant, person(level=Level.DECLARED))
    assert refused.value.code == "identity_level_too_low"


def test_a_login_that_turns_out_to_be_anothers_opens_nothing(world: World) -> None:
    bind(world, world.sessions.login_wechat("openid-1"), person())
    # At the provider both are one person's; it then says another number of one.
    found = bind(world, world.login(person()), person("idp-second"))
    assert len(found.subs) == 3
    li = world.login(person("idp-second", **LI))
    assert li.session.sub not in found.subs
    assert world.sessions.bindings(li.session).subs == {li.session.sub}


def test_an_agents_session_binds_nothing_and_nobody_is_bound_to_a_company(
    world: World,
) -> None:
    company = world.login(person(**agent()))
    citizen = world.sessions.login_wechat("openid-1")
    for attempt in (
        lambda: bind(world, company, person("idp-li")),
        lambda: world.sessions.bind_wechat(company.session, "openid-1"),
        lambda: world.sessions.unbind(company.session, company.session.sub),
        lambda: bind(world, citizen, person("idp-li", **agent())),
    ):
        with pytest.raises(Forbidden) as refused:
            attempt()
        assert refused.value.code == "bind_only_persons"


def test_binding_asks_for_a_sign_in_of_the_last_ten_minutes(world: World) -> None:
    grant = world.login(person())
    world.clock.passes(600)
    assert world.sessions.bind_wechat(grant.session, "openid-1")
    world.clock.passes(1)
    fresh = world.sessions.refresh(grant.refresh_token)  # proves nothing anew
    for attempt in (
        lambda: world.sessions.bind_wechat(fresh.session, "openid-2"),
        lambda: bind(world, fresh, person("idp-second")),
        lambda: world.sessions.unbind(fresh.session, fresh.session.sub),
    ):
        with pytest.raises(Forbidden) as refused:
            attempt()
        assert refused.value.code == "proof_not_fresh"


def test_a_login_that_was_taken_away_leads_to_somebody_new(world: World) -> None:
    wechat = world.sessions.login_wechat("openid-1")
    bind(world, wechat, person())
    own = world.login(person())
    world.sessions.unbind(own.session, wechat.session.sub)
    assert refused_because(world, wechat.refresh_token) == "login_removed"
    with pytest.raises(SessionRefused):
        world.sessions.bindings(wechat.session)
    anew = world.sessions.login_wechat("openid-1").session
    assert anew.sub != wechat.session.sub
    assert anew.level == "declared"
    # What was begun by it stays the person's.
    person_now = world.sessions.bindings(own.session)
    assert wechat.session.sub in person_now.subs
    assert [each.sub for each in person_now.live] == [own.session.sub]


def test_the_last_login_and_an_officers_stay(world: World) -> None:
    own = world.login(person())
    with pytest.raises(Conflict) as last:
        world.sessions.unbind(own.session, own.session.sub)
    assert last.value.code == "last_login"
    with pytest.raises(NotFound) as unknown:
        world.sessions.unbind(own.session, "somebody else's")
    assert unknown.value.code == "binding_unknown"
    officer = world.register("idp-wang")
    staff = world.login(person("idp-wang"))
    world.sessions.bind_wechat(staff.session, "openid-1")
    with pytest.raises(Conflict) as stays:
        world.sessions.unbind(staff.session, officer)
    assert stays.value.code == "officer_login_stays"


def test_the_logins_of_an_officer_say_where_they_come_from(world: World) -> None:
    world.register("idp-wang")
    staff = world.login(person("idp-wang"))
    found = world.sessions.bind_wechat(staff.session, "openid-1")
    assert {each.via for each in found.live} == {Provider.OIDC, Provider.WECHAT}


def test_the_providers_word_is_a_power_that_a_sign_in_renews(world: World) -> None:
    first = world.login(person(**agent())).session
    world.clock.passes(20 * 24 * 3600)
    second = world.login(person(**agent())).session
    assert second.power == first.power
    held = Powers(world.tables, TENANT).get(str(first.power))
    assert (held.principal, held.agent) == (first.sub, first.actor)
    assert (held.acts, held.office) == (EVERY_ACT, Office.AGENT)
    assert held.ends_at == world.clock() + USUAL_TERM


def test_a_power_that_was_revoked_is_not_renewed_by_a_sign_in(world: World) -> None:
    grant = world.login(person(**agent()))
    Powers(world.tables, TENANT).change(
        str(grant.session.power), lambda held: revoked(held, "somebody", NOON)
    )
    with pytest.raises(Forbidden) as refused:
        world.login(person(**agent()))
    assert refused.value.code == "power_revoked"


def test_a_new_representative_ends_what_the_former_one_gave(world: World) -> None:
    before = company(representative_no="999999197001010014")
    after = company(representative_no=LI["id_no"])
    legal = {"kind": "legal"}
    grant = world.login(person(company=before, **legal))
    power = Powers(world.tables, TENANT).get(str(grant.session.power))
    world.login(person("idp-li", company=after, **legal, **LI))
    subject = world.subjects.get(TENANT, grant.session.sub)
    assert why_ended(power, subject, NOON) == "representative_changed"


def test_nobody_acts_for_a_company_that_was_deregistered(world: World) -> None:
    gone = company(status="deregistered")
    with pytest.raises(Forbidden) as refused:
        world.login(person(kind="legal", company=gone))
    assert refused.value.code == "subject_deregistered"


def test_who_comes_of_age_finds_what_a_guardian_began(world: World) -> None:
    number = "999999201201010019"
    child = world.subjects.enter(
        TENANT,
        Login(Provider.DOCUMENT, number),
        SubjectKind.NATURAL,
        Person(name="张小示例", id_no=number),
        level=Level.STRONG,
    )
    own = world.login(person("idp-child", name="张小示例", id_no=number)).session
    assert world.sessions.bindings(own).subs == {own.sub, child.sub}


def test_a_code_for_the_window_is_good_for_fifteen_minutes(world: World) -> None:
    grant = world.login(person())
    code, until = world.sessions.window_code(grant.session)
    assert until == NOON + timedelta(minutes=15)
    window = Window(world.subjects, Powers(world.tables, TENANT), TENANT)
    assert window.shown_by(code) == grant.session.sub
    world.clock.passes(900)
    for wrong in (code, "22222222"):
        with pytest.raises(NotFound) as refused:
            window.shown_by(wrong)
        assert refused.value.code == "window_code_unknown"

"""Organisations, officers, suspensions, and the commands for them."""

from __future__ import annotations

import argparse
import io

import pytest

from tests.unit.identity.world import (
    COMPANY,
    HASH_KEY,
    NOON,
    OFFICE,
    TENANT,
    World,
    company,
    person,
)
from zerotrip.identity.commands import Desk, main
from zerotrip.identity.model import Officer, Organisation, Role
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import why_ended
from zerotrip.identity.recusal import Recusal
from zerotrip.identity.staff import (
    officers_of,
    organisations,
    register_officer,
    register_organisation,
    reinstate_officer,
    suspend_officer,
)
from zerotrip.kernel.errors import Conflict, Forbidden, Invalid, NotFound

OTHER_OFFICE = "11999999000000000Q"
SETTINGS = {
    "ZEROTRIP_TENANT": TENANT,
    "IDENTITY_TABLE": "identity",
    "IDENTITY_HASH_SECRET": "identity-hash",
    "AWS_REGION": "cn-north-1",
}


def run(world: World, *argv: str) -> tuple[int, str]:
    def connect(arguments: argparse.Namespace) -> Desk:
        return Desk(
            arguments.tenant, world.tables, lambda: HASH_KEY, world.mint, world.clock
        )

    out = io.StringIO()
    return main(argv, SETTINGS, out, connect), out.getvalue()


def test_an_officer_is_known_before_the_first_login(world: World) -> None:
    sub = world.register("idp-wang", Role.APPROVER)
    assert world.officers.current(TENANT, sub) == Officer(
        sub, OFFICE, "counter", frozenset({Role.APPROVER})
    )
    assert world.login(person("idp-wang")).session.sub == sub


def test_who_was_a_citizen_first_keeps_the_sub(world: World) -> None:
    sub = world.login(person("idp-wang")).session.sub
    assert world.register("idp-wang") == sub


def test_registering_again_changes_place_and_roles(world: World) -> None:
    sub = world.register("idp-wang", Role.OFFICER)
    register_organisation(
        world.tables, TENANT, Organisation(OTHER_OFFICE, "示例局", "Example Bureau")
    )
    again = register_officer(
        world.tables,
        HASH_KEY,
        TENANT,
        "idp-wang",
        organisation=OTHER_OFFICE,
        department="market",
        roles=frozenset({Role.AUDITOR}),
        mint=world.mint,
    )
    assert again == sub
    moved = Officer(sub, OTHER_OFFICE, "market", frozenset({Role.AUDITOR}))
    assert list(officers_of(world.tables, TENANT, OTHER_OFFICE)) == [moved]
    assert list(officers_of(world.tables, TENANT, OFFICE)) == []


def test_registering_again_does_not_lift_a_suspension(world: World) -> None:
    sub = world.register("idp-wang")
    suspend_officer(world.tables, TENANT, sub, NOON)
    world.register("idp-wang")
    with pytest.raises(Forbidden):
        world.officers.current(TENANT, sub)


def test_suspension_and_return(world: World) -> None:
    sub = world.register("idp-wang")
    suspended = suspend_officer(world.tables, TENANT, sub, NOON)
    world.clock.passes(60)
    again = suspend_officer(world.tables, TENANT, sub, world.clock())
    assert again.suspended_at == suspended.suspended_at == "2026-11-20T04:00:00.000Z"
    with pytest.raises(Forbidden) as refused:
        world.officers.current(TENANT, sub)
    assert refused.value.code == "officer_suspended"
    reinstate_officer(world.tables, TENANT, sub)
    assert world.officers.current(TENANT, sub).suspended_at is None


def test_a_suspension_during_a_change_of_roles_is_not_lost(world: World) -> None:
    sub = world.register("idp-wang", Role.OFFICER)
    world.tables.rival = lambda: world.register("idp-wang", Role.APPROVER)
    officer = suspend_officer(world.tables, TENANT, sub, NOON)
    assert officer.roles == {Role.APPROVER}
    assert world.officers.find(TENANT, sub) == officer


def test_of_two_registrations_at_once_one_is_told(world: World) -> None:
    world.register("idp-other")
    world.tables.rival = lambda: suspend_officer(
        world.tables, TENANT, world.register("idp-wang"), NOON
    )
    with pytest.raises(Conflict) as refused:
        register_officer(
            world.tables,
            HASH_KEY,
            TENANT,
            "idp-wang",
            organisation=OFFICE,
            department="counter",
            roles=frozenset({Role.OFFICER}),
            mint=world.mint,
        )
    assert refused.value.code == "registration_collided"


def test_all_faults_of_a_registration_are_named_at_once(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        register_officer(
            world.tables,
            HASH_KEY,
            TENANT,
            "idp-wang",
            organisation=OFFICE,
            department="Front Desk",
            roles=frozenset({Role.AUDITOR, Role.CITIZEN}),
            mint=world.mint,
        )
    assert [fault.code for fault in refused.value.faults] == [
        "department_wrong",
        "staff_roles_wrong",
        "auditor_not_alone",
        "organisation_unknown",
    ]
    assert world.tables.rows == {}


def test_an_organisation_needs_a_right_code(world: World) -> None:
    wrong = Organisation(OFFICE[:-1] + "A", "示例局", "Example")
    with pytest.raises(Invalid) as refused:
        register_organisation(world.tables, TENANT, wrong)
    assert [fault.code for fault in refused.value.faults] == ["uscc_wrong"]
    assert organisations(world.tables, TENANT) == []


def test_who_is_no_officer_is_told_so(world: World) -> None:
    sub = world.login(person()).session.sub
    with pytest.raises(Forbidden) as refused:
        world.officers.current(TENANT, sub)
    assert refused.value.code == "officer_unknown"
    with pytest.raises(NotFound):
        suspend_officer(world.tables, TENANT, sub, NOON)


def test_the_commands_register_suspend_and_list(world: World) -> None:
    names = ("--name-zh", "示例局", "--name-en", "Example Bureau")
    assert run(world, "add-organisation", "--uscc", OFFICE, *names)[0] == 0
    place = ("--organisation", OFFICE, "--department", "counter")
    roles = ("--role", "officer", "--role", "approver")
    who = ("--oidc-subject", "idp-wang")
    code, said = run(world, "add-officer", *who, *place, *roles)
    sub = said.split()[-1]
    assert code == 0
    assert run(world, "suspend", *who)[0] == 0
    listed = run(world, "list")[1]
    assert f"{OFFICE} 示例局 Example Bureau" in listed
    assert f"{sub} counter approver, officer 已停用 suspended since" in listed
    assert run(world, "reinstate", "--sub", sub)[0] == 0
    assert f"{sub} counter approver, officer 在岗 active" in run(world, "list")[1]


def test_a_command_that_fails_says_why_in_chinese_first(world: World) -> None:
    code, said = run(world, "suspend", "--oidc-subject", "idp-nobody")
    assert code == 1
    assert said.startswith("✗ 没有登记过这名工作人员。 No such officer")
    names = ("--name-zh", "示例局", "--name-en", "Example")
    code, said = run(world, "add-organisation", "--uscc", "WRONG", *names)
    assert code == 1
    assert "/uscc: 统一社会信用代码有误" in said


def test_an_empty_office_lists_nobody(world: World) -> None:
    assert run(world, "list") == (
        0,
        "尚未登记机构 no organisation is registered yet\n",
    )


def test_a_registers_word_is_recorded_by_number_and_taken_back(world: World) -> None:
    zhang = world.login(person()).session
    number = person().id_no
    said = ("end-subject", "--number", number, "--reason", "deceased")
    assert run(world, *said) == (0, f"✓ 已记录 noted: {zhang.sub}\n")
    with pytest.raises(Forbidden) as refused:
        world.login(person())
    assert refused.value.code == "subject_deceased"
    assert run(world, "reopen-subject", "--number", number)[0] == 0
    assert world.login(person()).session.sub == zhang.sub


def test_a_new_representative_is_recorded_and_ends_what_was_given(
    world: World,
) -> None:
    boss = company(representative="李示例", representative_no="999999199202020026")
    world.login(person(kind="legal", company=boss))
    changed = (
        "change-representative",
        "--number",
        COMPANY,
        "--representative-number",
        "999999197001010017",
    )
    assert run(world, *changed)[0] == 0
    (power,) = Powers(world.tables, TENANT).held_by(
        frozenset({world.login(person()).session.sub})
    )
    subject = world.subjects.get(TENANT, power.principal)
    assert why_ended(power, subject, world.clock()) == "representative_changed"


def test_of_a_number_that_proves_nobody_a_command_says_so(world: World) -> None:
    number = str(person().id_no)
    code, said = run(world, "end-subject", "--number", number, "--reason", "deceased")
    assert code == 0
    assert "目前没有对应的登录方式" in said
    with pytest.raises(Forbidden) as refused:
        world.login(person())
    assert refused.value.code == "subject_deceased"


def test_a_command_takes_no_number_with_a_typing_error(world: World) -> None:
    code, said = run(
        world, "end-subject", "--number", "999999199001010010", "--reason", "deceased"
    )
    assert code == 1
    assert "--number" in said


def test_only_the_organ_lifts_a_declared_relation(world: World) -> None:
    sub = world.register("idp-wang")
    recusal = Recusal(
        world.tables, TENANT, world.subjects.persons, world.clock, HASH_KEY
    )
    recusal.declare(sub, "spouse", "999999199202020026")
    lifted = run(
        world,
        "lift-kin",
        "--number",
        "999999199202020026",
        "--oidc-subject",
        "idp-wang",
    )
    assert lifted == (0, "✓ 已解除回避关系 relation lifted\n")
    assert recusal.declared(sub) == []

"""The whole matrix against the real authoriser and applications, in memory."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.access import acting, matrix, rows
from tests.access.forging import FORGERIES
from tests.access.mutations import MUTATIONS, Mutation, cell_of, red
from tests.access.one_process import TownDoor, TownScene, put_back, scene
from tests.access.operations import Operation, document, operations
from tests.access.report import wrong
from tests.access.scene import BY_A_SECRET, Answer, Scene, Uncovered, ask_of
from tests.support.world import TENANT
from zerotrip.identity.staff import suspend_officer

OPERATIONS = [each for each in operations() if "/partners/" not in each.path]
"""Partners have a REST API of their own; see the tests of callbacks."""


@pytest.fixture(scope="module")
def town() -> Scene:
    """Victims and strangers; made once, since a second is what it takes."""
    return scene()


@pytest.fixture
def world(town: Scene) -> Iterator[Scene]:
    """The same before each test."""
    with put_back(town):
        yield town


def test_nobody_gets_in_and_nobody_learns_what_exists(world: Scene) -> None:
    before = world.rows()
    cells = matrix.run(world, matrix.whole(OPERATIONS))
    ids = [matrix.anothers_bill(world), matrix.anothers_officer_login(world)]
    assert wrong([*cells, *ids]) == []
    strangers = [world.people[name].sub for name in matrix.STRANGERS]
    assert rows.changes(before, world.rows(), world.owned, strangers) == []
    columns = {cell.column for cell in cells}
    assert columns == set(matrix.columns())
    assert {cell.row for cell in cells} == {each.name for each in OPERATIONS}
    # No policy is kept here: a suspended officer has no session at all.
    suspended = [each for each in cells if each.column == matrix.SUSPENDED]
    assert {each.status for each in suspended if each.kind != "public"} == {403}


def test_who_is_the_applicant_or_acts_for_them_gets_what_they_get(
    world: Scene,
) -> None:
    cells = matrix.run_in(world, matrix.whole(OPERATIONS), put_back)
    assert wrong(cells) == []
    counted = Counter(cell.column for cell in cells)
    assert set(counted) == {
        acting.OTHER_LOGIN,
        acting.AGENT_NOW,
        acting.LACKING,
        acting.APPLIED,
    }
    applicants = [each for each in OPERATIONS if each.roles & set(acting.ROLES)]
    assert counted[acting.OTHER_LOGIN] == len(applicants)


def test_no_path_takes_a_method_that_the_document_does_not_give_it(
    world: Scene,
) -> None:
    cells = matrix.other_methods(world, OPERATIONS)
    assert wrong(cells) == []
    assert len(cells) > 5 * len({each.path for each in OPERATIONS})


def test_the_same_requests_succeed_for_those_who_may(world: Scene) -> None:
    answers = matrix.rightful(world, OPERATIONS)
    refused = {name: a.code for name, a in answers.items() if a.status >= 400}
    assert set(refused) == set(BY_A_SECRET) & set(answers)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_a_door_left_open_is_found(mutation: Mutation, world: Scene) -> None:
    assert cell_of(world, mutation) == []
    assert red(world, mutation) != []


def test_each_column_of_somebody_near_is_seen_to_fail() -> None:
    assert {each.column for each in MUTATIONS} >= set(acting.COLUMNS)


def test_an_applicant_never_works_for_the_state_and_staff_never_apply() -> None:
    """Apart from the permission table: who may call is told by the path as well."""
    for each in OPERATIONS:
        staff = each.path.startswith(("/v1/staff/", "/v1/worklist", "/v1/catalogue/"))
        if each.path.startswith("/v1/sessions") or each.public:
            continue  # whoever works for the state signs in and out too
        applicants = each.roles & {"citizen", "company"}
        assert bool(applicants) is not staff, each.name
        assert bool(each.roles - applicants) is staff, each.name


def test_a_token_is_over_when_it_is_over_whatever_the_gateway_keeps(
    world: Scene,
) -> None:
    """API Gateway keeps a policy for a minute; the handler reads the token's end."""
    door = world.door
    assert isinstance(door, TownDoor)
    token = world.mint.token(world.people["citizen"], lifetime_seconds=30)
    headers = {"Authorization": f"Bearer {token}"}
    assert door.ask("GET", "/v1/cases", headers).status == 200
    door.town.world.clock.at += timedelta(seconds=30)
    over = door.ask("GET", "/v1/cases", headers)
    assert (over.status, over.code) == (401, "session_refused")
    assert ("session", f"Bearer {token}") in door.kept, "the policy was not kept"


def test_a_session_that_was_signed_out_proves_nothing_fresh(world: Scene) -> None:
    """Its access token lives on for minutes: not long enough to change the locks."""
    bearer = {"Authorization": world.bearer("citizen")}
    assert world.door.ask("DELETE", "/v1/sessions", bearer).status == 204
    path = f"/v1/sessions/bindings/{world.things['binding']}"
    refused = world.door.ask("DELETE", path, bearer)
    assert (refused.status, refused.code) == (403, "proof_not_fresh")


AGENT_OF = "agent of citizen"


def _begin(world: Scene, bearer: str, key: str = "an-agents-own") -> Answer:
    headers = {"Authorization": bearer, "Idempotency-Key": key}
    body = json.dumps({"item_code": world.things["item"]}).encode()
    return world.door.ask("POST", "/v1/applications", headers, body)


def test_a_power_that_is_revoked_opens_nothing_from_the_next_request_on(
    world: Scene,
) -> None:
    """Not by a kept policy, not by an answer that was kept under a key."""
    agent, owner = world.bearer(AGENT_OF), world.bearer("citizen")
    path = f"/v1/cases/{world.things['case_in_review']}"
    assert world.door.ask("GET", path, {"Authorization": agent}).status == 200
    assert _begin(world, agent).status == 201
    revoke = f"/v1/powers/{world.people[AGENT_OF].power}"
    assert world.door.ask("DELETE", revoke, {"Authorization": owner}).status == 204
    refused = world.door.ask("GET", path, {"Authorization": agent})
    assert (refused.status, refused.code) == (403, "power_revoked")
    assert _begin(world, agent).code == "power_revoked"


def test_what_was_answered_under_one_power_is_not_answered_under_another(
    world: Scene,
) -> None:
    """The same agent of the same principal, with a power that is for less."""
    assert _begin(world, world.bearer(AGENT_OF)).status == 201
    refused = _begin(world, world.bearer(f"{acting.OF_OTHER_ITEM} of citizen"))
    assert (refused.status, refused.code) == (403, "power_missing")


def test_a_login_that_is_removed_opens_nothing_from_the_next_request_on(
    world: Scene,
) -> None:
    """Not even the one that applied; what it began stays the person's."""
    applied = {"Authorization": world.bearer("citizen")}
    proven = {"Authorization": world.bearer("other_login of citizen")}
    path = f"/v1/cases/{world.things['case_in_review']}"
    assert world.door.ask("GET", path, applied).status == 200
    removed = f"{matrix.BINDINGS}/{world.people['citizen'].sub}"
    assert world.door.ask("DELETE", removed, proven).status == 204
    refused = world.door.ask("GET", path, applied)
    assert (refused.status, refused.code) == (401, "session_refused")
    assert world.door.ask("GET", path, proven).status == 200


def test_a_suspended_officer_has_but_their_own_logins_while_a_policy_is_kept(
    world: Scene,
) -> None:
    """API Gateway keeps a policy for a minute; no office is in what it lets through."""
    door = world.door
    assert isinstance(door, TownDoor)
    officer = {"Authorization": world.bearer("officer")}
    anothers = f"{matrix.BINDINGS}/{world.things['binding']}"
    assert door.ask("GET", matrix.BINDINGS, officer).status == 200
    suspended, clock = world.people["officer"].sub, door.town.world.clock
    suspend_officer(door.town.world.tables, TENANT, suspended, clock())
    assert door.ask("GET", "/v1/worklist", officer).status == 403
    assert door.ask("GET", "/v1/cases", officer).status == 403
    assert door.ask("GET", matrix.BINDINGS, officer).status == 200
    refused = door.ask("DELETE", anothers, officer)
    assert (refused.status, refused.code) == (404, "binding_unknown")
    clock.at += timedelta(seconds=60)
    assert door.ask("GET", matrix.BINDINGS, officer).status == 403
    assert door.ask("DELETE", anothers, officer).status == 403


def test_what_was_bound_for_a_scene_is_parted_after_it(world: Scene) -> None:
    """The laptop cloud outlives its scene: a person is to have no further logins."""
    assert isinstance(world.door, TownDoor)
    registry = TownScene(world.door.town).registry
    citizen, of = world.people["citizen"].sub, registry.subjects.persons.of
    other = world.people["other_login of citizen"].sub
    assert len(of(TENANT, citizen).subs) == 7
    registry.parts(citizen, frozenset({citizen, other}))
    assert of(TENANT, citizen).subs == of(TENANT, other).subs == {citizen, other}
    officer = world.people[acting.APPLIED].sub
    assert of(TENANT, officer).subs == {officer}


def _described(path: str, parameter: str) -> list[Operation]:
    """The document with one more operation."""
    read = document()
    said = read["paths"]["/v1/cases"]["get"]
    named = {"name": parameter, "in": "path", "required": True}
    read["paths"][path] = {"get": {**said, "parameters": [named]}}
    return operations(read)


def test_a_new_operation_is_covered_at_once(world: Scene) -> None:
    known = _described("/v1/cases/{case_no}/history", "case_no")
    (new,) = [each for each in known if each.path.endswith("/history")]
    cells = matrix.run(world, matrix.whole([new]))
    assert {cell.column for cell in cells} >= set(FORGERIES)
    assert wrong(cells), "an address that nobody serves must not pass for a refusal"


def test_a_new_kind_of_thing_says_what_to_add(world: Scene) -> None:
    known = _described("/v1/appeals/{appeal_id}", "appeal_id")
    (new,) = [each for each in known if "appeal" in each.path]
    with pytest.raises(Uncovered, match=r"no victim has a 'appeal_id'.*THINGS"):
        ask_of(world, new)

"""The way of a case, step by step, without a cloud."""

from __future__ import annotations

from dataclasses import replace

import pytest

from infra.local.files import a_file
from tests.support.memory import MemoryKeys
from tests.support.persons import acting, named_in
from tests.support.world import CATALOGUE, TENANT, World
from zerotrip.cases.applications import Receipt
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.watching import watch_cases
from zerotrip.catalogue.authoring import load_example
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import Conflict, Invalid, NotFound, Retry
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.times import legal_day

FOOD = "food-business-licence"

ARTICLE = "《中华人民共和国食品安全法》第三十五条"


@pytest.fixture
def world() -> World:
    return World()


def _decided(world: World, case_no: str, decision: str = "approve") -> None:
    now = world.case(case_no)
    version = now.head.version
    world.requests.decide(
        now, "officer-1", version, decision, "材料齐全", articles=[ARTICLE]
    )
    world.run()


def test_a_company_gets_its_licence_after_an_officer_decided(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    assert world.case(case_no).stage is Stage.IN_REVIEW
    _decided(world, case_no)
    assert world.case(case_no).stage is Stage.COMPLETED
    assert [row.type for row in world.history(case_no)] == [
        "case.received",
        "case.submitted",
        "case.accepted",
        "case.decision_recorded",
        "case.approved",
        "case.completed",
    ]
    assert chain_faults(world.history(case_no)) == []
    assert len(world.heads("LICENCE")) == 1
    assert world.dead == []


def test_each_message_delivered_twice_leaves_one_licence(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.relay()
    decided = False
    while world.queue:
        message = world.queue.pop(0)
        world.carry_out(message)
        world.carry_out(message)
        world.relay()
        now = world.case(case_no)
        if not world.queue and now.stage is Stage.IN_REVIEW and not decided:
            decided = True
            world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
            world.relay()
    assert world.case(case_no).stage is Stage.COMPLETED
    assert len(world.heads("LICENCE")) == 1
    assert len(world.licences.versions) == 1
    seqs = [row.seq for row in world.history(case_no)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_a_refusal_ends_the_case_and_signs_nothing(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    _decided(world, case_no, "refuse")
    assert world.case(case_no).stage is Stage.REFUSED
    assert world.heads("LICENCE") == []


def test_the_second_decision_is_told_who_was_first(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    now = world.case(case_no)
    world.requests.decide(now, "officer-1", now.head.version, "approve", "齐全")
    with pytest.raises(Conflict) as conflict:
        world.requests.decide(
            now, "officer-2", now.head.version, "refuse", "不符", articles=[ARTICLE]
        )
    assert conflict.value.detail["winner"]["decision"] == "approve"
    again = world.requests.decide(now, "officer-1", now.head.version, "approve", "齐全")
    assert again.duplicate


def test_handing_in_twice_answers_the_same_number(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    application = world.case(case_no).case.application
    again = world.applications.hand_in(acting("sub-1"), application, None)
    assert again == Receipt(case_no, world.case(case_no).case.code)
    assert len(world.heads("CASE")) == 1


def test_a_form_that_breaks_its_schema_is_told_every_fault(world: World) -> None:
    with pytest.raises(Invalid) as invalid:
        world.apply(FOOD, "sub-1", "company", company={}, premises={})
    assert len(invalid.value.faults) > 3
    assert world.heads("CASE") == []


def test_one_notice_names_everything_and_corrections_go_on(world: World) -> None:
    case_no = world.apply(
        FOOD,
        "sub-1",
        "company",
        premises={
            "address": "示例市示例路8号一层",
            "area_square_metres": 86.5,
            "dedicated_room": False,
            "metres_to_pollution": 1,
        },
    )
    world.run()
    now = world.case(case_no)
    assert now.stage is Stage.CORRECTING
    notice = world.records.row(now.key, "ASKED#000003")
    assert notice is not None
    assert len(notice.data["faults"]) >= 2
    example = world.apply(FOOD, "sub-2", "company")
    form = world.requests.own(example, acting("sub-2"))
    from zerotrip.cases.handed import read_handed

    mended = read_handed(world.records, world.keys, form).form
    world.requests.correct(case_no, acting("sub-1"), now.head.version, mended)
    world.run()
    assert world.case(case_no).stage is Stage.IN_REVIEW


def test_withdrawal_is_refused_while_the_licence_is_being_signed(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    now = world.case(case_no)
    world.requests.decide(now, "officer-1", now.head.version, "approve", "齐全")
    world.relay()
    world.steps["sign_licence"] = lambda event: None  # the signer is slow today
    world.run()
    now = world.case(case_no)
    assert now.stage is Stage.SIGNING
    with pytest.raises(Conflict):
        world.requests.withdraw(case_no, acting("sub-1"), now.head.version)
    assert world.case(case_no).head.version == now.head.version


def test_withdrawal_before_the_decision_closes_the_task(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    now = world.case(case_no)
    world.requests.withdraw(case_no, acting("sub-1"), now.head.version)
    world.run()
    assert world.case(case_no).stage is Stage.WITHDRAWN
    tasks = world.records.rows(now.key, "TASK#")
    assert [task.work for task in tasks] == [None]


def test_a_request_asks_once_for_the_drafts_key_and_the_applicants(
    world: World,
) -> None:
    service, code = world.keys.service, world.publish(FOOD)
    assert isinstance(service, MemoryKeys)
    example = load_example(CATALOGUE / FOOD, legal_day(world.clock()))
    item = world.catalogue.current(TENANT, code).item
    who = world.enrol("sub-1", named_in(item, example.form))
    draft = world.applications.start(who, code)
    before = service.unwrapped
    draft = world.applications.save(who, draft.id, draft.version, example.form)
    assert service.unwrapped == before + 2  # the draft's, and the applicant's
    for material, facts in example.materials.items():
        content = a_file(facts["type"], facts["size_bytes"])
        world.upload(who, draft.id, material, content, facts["type"])
    before = service.unwrapped
    world.applications.hand_in(who, draft.id, draft.version)
    assert service.unwrapped == before + 2
    assert "DataKey" not in repr(world.applications.own(who, draft.id))


def test_another_persons_case_is_not_there(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    with pytest.raises(NotFound):
        world.requests.own(case_no, acting("sub-2"))
    with pytest.raises(NotFound):
        world.requests.own("9" * 45, acting("sub-2"))


def watched(world: World, bus: _Bus) -> int:
    """How many events the watchdog has published again."""
    now = world.clock()
    due = world.records.due("441882", times.to_text(now))
    return watch_cases(world.records, bus, due, now).published


def test_a_lost_message_is_published_again_when_it_is_due(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.relay()
    world.queue.clear()  # everything that was on its way is lost
    bus = _Bus(world)
    world.clock.forward(minutes=1)
    assert watched(world, bus) == 0
    world.clock.forward(minutes=2)
    assert watched(world, bus) == 1
    world.run()
    assert world.case(case_no).stage is Stage.IN_REVIEW


def test_a_forged_message_does_nothing(world: World) -> None:
    case_no = world.apply(FOOD, "sub-1", "company")
    world.run()
    before = world.case(case_no).head
    row = world.history(case_no)[0]
    from zerotrip.kernel.messages import cloud_event

    true = cloud_event(row)
    forged = [
        true.model_copy(
            update={"data": true.data.model_copy(update={"event": "EVENT#x#y"})}
        ),
        true.model_copy(update={"data": true.data.model_copy(update={"seq": 9})}),
        true.model_copy(
            update={"data": true.data.model_copy(update={"tenant": "999999"})}
        ),
        true,  # it exists, and never asked for a signature
    ]
    from tests.support.world import Message

    codes = [world.carry_out(Message("sign_licence", event)) for event in forged]
    assert codes == [
        "event_row_absent",
        "event_row_absent",
        "tenant_foreign",
        "step_not_asked",
    ]
    assert world.case(case_no).head == before


class _Bus:
    def __init__(self, world: World) -> None:
        self._world = world

    def publish(self, events: list[CloudEvent]) -> frozenset[int]:
        for event in events:
            row = self._world.records.event(event.data.key, event.data.event)
            assert row is not None
            self._world.send(row)
        return frozenset()


def test_a_number_that_another_case_has_is_drawn_again(world: World) -> None:
    first = world.apply("vehicle-inspection-mark", "sub-1", "citizen")
    drawn = iter([first[-6:], first[-6:], "000042"])
    code, day = first[:31], first[31:39]

    class Rigged:
        """Draws the taken number twice."""

        def case_number(self, *_: object) -> str:
            return code + day + next(drawn)

        def __getattr__(self, name: str) -> object:
            return getattr(world.mint, name)

    world.applications = replace(world.applications, mint=Rigged())  # type: ignore[arg-type]
    second = world.apply("vehicle-inspection-mark", "sub-2", "citizen")
    assert second.endswith("000042")
    assert len(world.heads("CASE")) == 2


def test_no_free_number_is_said_and_leaves_the_draft(world: World) -> None:
    first = world.apply("vehicle-inspection-mark", "sub-1", "citizen")

    class Stuck:
        """Always draws the taken number."""

        def case_number(self, *_: object) -> str:
            return first

        def __getattr__(self, name: str) -> object:
            return getattr(world.mint, name)

    world.applications = replace(world.applications, mint=Stuck())  # type: ignore[arg-type]
    with pytest.raises(Retry) as raised:
        world.apply("vehicle-inspection-mark", "sub-2", "citizen")
    assert raised.value.code == "case_numbers_busy"
    assert len(world.heads("CASE")) == 1

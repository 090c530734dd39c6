"""Forged messages at every queue: they do nothing, are coded, and work goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.inner_door.doors import FOOD, Doors, consumers, forget_adapters, open_doors
from tests.inner_door.forgeries import (
    STORAGE_STEPS,
    Forgery,
    of_events,
    of_reminders,
    of_storage,
)
from tests.support.town import Town
from tests.support.world import CATALOGUE, TENANT
from zerotrip.cases.lifecycle import Stage
from zerotrip.catalogue.packages import files_of
from zerotrip.catalogue.publishing import Publishing
from zerotrip.catalogue.revisions import Office
from zerotrip.kernel.aggregate import EventRow, Key, Kind, chain_faults
from zerotrip.kernel.errors import GiveUp
from zerotrip.kernel.times import legal_day
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.notices.templates import TEMPLATES

EVENT_STEPS = frozenset(
    {
        "submit", "pre_review", "approve", "collect_payment", "sign_licence",
        "dispatch_courier", "advance_case", "notify", "archive_events", "publish_item",
    }
)  # fmt: skip
FOLDERS = ("vehicle-licence-replacement", FOOD)


@pytest.fixture(scope="module")
def doors() -> Iterator[Doors]:
    """A town in which one errand of each kind has ended, through every function."""
    with pytest.MonkeyPatch.context() as patch:
        made = open_doors(Town(FOLDERS[0]), patch, __name__)
        made.run()
        made.begin_another()
        made.run()
        _one_with_papers(made)
        _an_item(made)
        yield made
    forget_adapters()


def _one_with_papers(doors: Doors) -> None:
    """The item that a rule decides on, so that every step has had its message."""
    world = doors.town.world
    doors.town.case_no = world.apply("vehicle-inspection-mark", "sub-2", "citizen")
    world.relay()
    doors.run()


def _an_item(doors: Doors) -> None:
    """A revision that two offices agreed to, so that it is published."""
    world = doors.town.world
    hall = Publishing(TENANT, world.records, world.catalogue, world.clock)
    files = files_of(CATALOGUE / "public-place-hygiene-licence")
    owner = hall.check(files).draft.item.organisation.uscc
    committed, _ = hall.propose("editor", owner, files, 0)
    code = committed.events[0].key.id
    for seen, office in enumerate(Office, start=1):
        hall.review(code, f"office-{seen}", seen, office, agrees=True, reasons="")
    hall.schedule(code, "editor", owner, 3, legal_day(world.clock()))
    doors.run()


def test_every_function_with_a_queue_is_covered(doors: Doors) -> None:
    assert set(consumers()) == EVENT_STEPS | STORAGE_STEPS, "cover the new function"
    assert set(doors.delivered) | {"receive_material"} == set(consumers())
    stages = [doors.town.world.case(key.id).stage for key in _cases(doors)]
    assert stages == [Stage.COMPLETED] * 3
    assert doors.sqs.sent == []


@pytest.mark.parametrize("step", sorted(EVENT_STEPS))
def test_a_forged_event_does_nothing_and_is_coded(doors: Doors, step: str) -> None:
    genuine = doors.delivered[step][0]
    others = _not_asking_for(doors, step)
    own = json.loads(genuine)["data"]["aggregate"]
    other_case = next(k.id for k in _cases(doors) if k.ref != own)
    forged = [*of_events(genuine, others, other_case)]
    if step == "notify":
        forged += of_reminders()
    assert _faults(doors, step, forged) == []


@pytest.mark.parametrize("step", sorted(STORAGE_STEPS))
def test_a_forged_storage_event_does_nothing_and_is_coded(
    doors: Doors, step: str
) -> None:
    first, second = _stored(doors, step)
    key = json.loads(second)["Records"][0]["s3"]["object"]["key"]
    assert _faults(doors, step, list(of_storage(first, key))) == []


def test_a_genuine_message_again_does_nothing(doors: Doors) -> None:
    for step, bodies in doors.delivered.items():
        before = doors.state()
        for body in bodies:
            assert doors.deliver(step, body) not in ("went_back", "step_failed")
        assert doors.state() == before, step


def test_forged_messages_in_a_batch_harm_no_other(doors: Doors) -> None:
    doors.begin_another()
    (message,) = [m for m in doors.town.world.queue if m.step == "submit"]
    assert message.event is not None
    genuine = message.event.model_dump_json()
    forged = [each.body for each in of_events(genuine, {}, "1" * 45)][:9]
    letters = len(doors.sqs.sent)
    doors.deliver("submit", *forged[:5], genuine, *forged[5:])
    assert doors.town.world.case(doors.town.case_no).stage is Stage.SUBMITTED
    assert [each["MessageBody"] for each in doors.sqs.sent[letters:]] == forged
    # And the whole errand goes on to its end, beside all that was forged.
    doors.run()
    world = doors.town.world
    assert world.case(doors.town.case_no).stage is Stage.COMPLETED
    assert chain_faults(world.history(doors.town.case_no)) == []


def test_a_step_that_trusts_the_message_is_caught(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grid itself: with the row's own word left out, it finds something."""

    def trusting(records: Any, message: Any, tenant: str, step: str, *_: Any) -> Any:
        row = records.event(message.data.key, message.data.event)
        if row is None:
            raise GiveUp("event_row_absent", "", "")
        return row

    monkeypatch.setattr("zerotrip.cases.steps.asked", trusting)
    monkeypatch.setattr("zerotrip.deliveries.steps.asked", trusting)
    before = dict(doors.town.world.tables.rows)
    found = {}
    for step in ("submit", "dispatch_courier"):
        genuine = doors.delivered[step][0]
        forged = [*of_events(genuine, _not_asking_for(doors, step), "1" * 45)]
        found[step] = {name for name, *_ in _faults(doors, step, forged)}
        doors.town.world.tables.rows = dict(before)
    assert "foreign tenant" in found["submit"]
    assert "wrong seq" in found["submit"]
    assert any("next steps invented" in name for name in found["dispatch_courier"])


def _faults(doors: Doors, step: str, forged: list[Forgery]) -> list[tuple[Any, ...]]:
    """Forgeries that did something, or came to something else than they must."""
    faults: list[tuple[Any, ...]] = []
    for each in forged:
        before = doors.state()
        code = doors.deliver(step, each.body)
        after = doors.state()
        if code not in each.codes:
            faults.append((each.name, "came to", code))
        changed = [part for part in before if before[part] != after[part]]
        if changed:
            faults.append((each.name, "changed", changed))
    return faults


def _not_asking_for(doors: Doors, step: str) -> dict[str, EventRow]:
    """One stored event of each kind that does not ask for this step, if there is one.

    The archive takes every event, so there is none for it: a repeated line is no news.
    """
    if step == "archive_events":
        return {}
    world, found = doors.town.world, {}
    for kind in Kind:
        for key in world.heads(str(kind)):
            for row in world.records.history(key):
                told = row.type in TEMPLATES
                if not (told if step == "notify" else step in row.next_steps):
                    found[str(kind)] = row
    assert {"CASE", "LICENCE", "NOTICE"} <= set(found)
    return found


def _stored(doors: Doors, step: str) -> list[str]:
    """Genuine storage messages of two different objects."""
    bucket = "uploads" if step == "receive_material" else "licences"
    keys = list(doors.buckets[bucket].versions)[:2]
    return [
        json.dumps(created_message(ObjectCreated(bucket, key, "v1"), 9)) for key in keys
    ]


def _cases(doors: Doors) -> list[Key]:
    return [key for key in doors.town.world.heads("CASE") if key.tenant == TENANT]

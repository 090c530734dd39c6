"""One tick of the watchdog over everything that it watches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from tests.support.persons import FIRM
from tests.support.world import TENANT, World
from tests.unit.payments.fakes import fresh_till
from zerotrip.cases.drafts import Drafts
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.sealing import KeyRing
from zerotrip.materials.steps import MaterialSteps
from zerotrip.materials.uploads import Announced
from zerotrip.runtime import aws, watching, wiring
from zerotrip.runtime.settings import SettingMissing

FOOD = "food-business-licence"


class TakingBus:
    """Takes every event and remembers it."""

    def __init__(self) -> None:
        self.published: list[str] = []

    def publish(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        self.published += [event.data.event for event in events]
        return frozenset()


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    """What the tick sends, by queue; its ports are those of the world."""
    messages: list[tuple[str, Mapping[str, Any]]] = []

    def send(queue: str, body: str, attributes: dict[str, str]) -> None:
        messages.append((queue, json.loads(body)))

    monkeypatch.setenv("ZEROTRIP_TENANT", TENANT)
    monkeypatch.setattr(aws, "send", send)
    monkeypatch.setattr(aws, "tables", lambda: world.tables)
    wiring.drafts_to_watch.cache_clear()
    monkeypatch.setattr(wiring, "records", lambda: world.records)
    monkeypatch.setattr(wiring, "bus", TakingBus)
    monkeypatch.setattr(
        wiring,
        "material_steps",
        lambda: MaterialSteps(world.slots, world.uploads, TENANT, "uploads"),
    )
    yield messages
    wiring.drafts_to_watch.cache_clear()


def tick(world: World) -> dict[str, int]:
    return watching.tick(world.clock().isoformat())


def test_an_idle_tick_does_nothing(
    world: World, sent: list[tuple[str, Mapping[str, Any]]]
) -> None:
    assert set(tick(world).values()) == {0}
    assert sent == []


def test_a_tick_sees_the_overdue_case_the_lost_upload_and_the_old_draft(
    world: World, sent: list[tuple[str, Mapping[str, Any]]]
) -> None:
    code = world.publish(FOOD)
    old = world.applications.start(world.enrol("sub-1", FIRM), code)
    world.clock.forward(days=27)
    who = world.enrol("sub-2", FIRM)
    draft = world.applications.start(who, code)
    item = world.catalogue.pinned(TENANT, draft.item, draft.item_digest)
    slot, _ = world.applications.open_upload(
        who, draft.id, item.materials[0].code, Announced("application/pdf", 9)
    )
    world.uploads.put(slot.object_key, b"%PDF-1.4\n", content_type="application/pdf")
    world.apply(FOOD, "sub-3", "company")  # its message to submit is lost
    world.clock.forward(minutes=20)
    assert tick(world) == {
        "cases": 1,
        "published": 1,
        "given_up": 0,
        "lapsed": 0,
        "items": 0,
        "bills": 0,
        "uploads": 1,
        "drafts": 1,
    }
    assert [queue for queue, _ in sent] == ["RECEIVE_MATERIAL_QUEUE", "NOTIFY_QUEUE"]
    assert sent[1][1]["draft"]["application"] == old.id
    assert set(tick(world).values()) == {0}


def test_a_tick_has_the_channel_asked_about_a_bill(
    sent: list[tuple[str, Mapping[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    till = fresh_till()
    till.approve()
    till.pay()
    monkeypatch.setattr(aws, "tables", lambda: till.tables)
    monkeypatch.setattr(wiring, "records", lambda: till.world.records)
    till.world.clock.forward(minutes=5)
    assert tick(till.world)["bills"] == 1
    bill = {"tenant": TENANT, "id": till.key.id}
    assert sent == [("COLLECT_PAYMENT_QUEUE", {"bill": bill})]
    assert tick(till.world)["bills"] == 0


def test_the_watchdog_can_open_no_draft(
    world: World, sent: list[tuple[str, Mapping[str, Any]]]
) -> None:
    who = world.enrol("sub-1", FIRM)
    draft = world.applications.start(who, world.publish(FOOD))
    watched = wiring.drafts_to_watch()
    assert isinstance(watched, Drafts)
    assert isinstance(watched.keys, KeyRing)
    with pytest.raises(SettingMissing, match="DATA_KEY"):
        watched.own(TENANT, draft.id, who)
    with pytest.raises(SettingMissing, match="DATA_KEY"):
        watched.keys.create(TENANT, "APP#1")

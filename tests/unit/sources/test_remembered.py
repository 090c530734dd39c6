"""Earlier answers are offered again: one's own, the latest, where a field is empty."""

from __future__ import annotations

from typing import Any

from tests.support.persons import acting
from tests.unit.sources.items import FORM, ITEM_CODE, field, item_asking
from tests.unit.sources.world import World
from zerotrip.kernel.tables import Delete
from zerotrip.sources.remembered import bound_fields, empty_fields

OTHER_CODE = ITEM_CODE[:-3] + "002"
OTHER_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "holder": {
            "type": "object",
            "properties": {
                "address": field("address.whole"),
                "phone": field("person.telephone", format="telephone"),
            },
        },
        "reason": field(),
    },
}


def hand_in(world: World, sub: str = "sub-1", code: str | None = None, **form: Any):
    draft = world.fill(world.begin(sub, code), **form)
    world.applications.hand_in(world.who(sub), draft.id, None)
    world.days_later(1)
    return draft


def offered(world: World, sub: str = "sub-1", code: str | None = None, **form: Any):
    draft = world.fill(world.begin(sub, code), **form)
    item = world.shelf.current("441882", draft.item).item
    found = world.applications.offers_for(draft, item, world.who(sub))
    return {path: each.value for path, each in found.items()}


def with_other_item() -> World:
    world = World(item_asking())
    world.shelf.offer(item_asking(code=OTHER_CODE, form=OTHER_FORM))
    return world


def test_an_answer_of_one_item_is_offered_in_another():
    world = with_other_item()
    hand_in(world, address="示例路2号", telephone="13800000001", note="私事")
    assert offered(world, code=OTHER_CODE) == {
        "/holder/address": "示例路2号",
        "/holder/phone": "13800000001",
    }


def test_the_offer_says_where_it_comes_from():
    world = World(item_asking())
    hand_in(world, address="示例路2号")
    draft = world.begin()
    offer = world.applications.offers_for(draft, world.item, world.who())["/address"]
    assert (offer.item.code, offer.at) == (ITEM_CODE, "2026-11-20T02:00:00.000Z")
    assert "示例路2号" not in repr(offer)


def test_the_latest_answer_wins_and_older_ones_fill_the_gaps():
    world = World(item_asking())
    hand_in(world, address="示例路1号", telephone="13800000001")
    hand_in(world, address="示例路2号")
    assert offered(world) == {"/address": "示例路2号", "/telephone": "13800000001"}


def test_what_is_filled_in_is_not_offered():
    world = World(item_asking())
    hand_in(world, address="示例路2号", telephone="13800000001")
    assert offered(world, address="示例路3号") == {"/telephone": "13800000001"}
    assert offered(world, address="") == {
        "/address": "示例路2号",
        "/telephone": "13800000001",
    }


def test_nobody_is_offered_what_another_wrote():
    world = World(item_asking())
    hand_in(world, sub="sub-2", address="示例路3号")
    assert offered(world) == {}


def test_a_draft_that_was_not_handed_in_is_no_answer():
    world = World(item_asking())
    world.fill(world.begin(), address="示例路2号")
    assert offered(world) == {}


def test_an_answer_for_another_kind_of_applicant_is_left_out():
    world = with_other_item()
    hand_in(world, address="示例路2号")
    company = item_asking(code=OTHER_CODE, form=OTHER_FORM, audience="company")
    world.shelf.offer(company)
    who = acting("sub-1", "company")
    draft = world.applications.start(who, OTHER_CODE)
    assert world.applications.offers_for(draft, company, who) == {}


def test_an_answer_that_the_field_does_not_take_is_not_offered():
    world = World(item_asking())
    narrow = {**FORM["properties"], "address": field("address.whole", maxLength=4)}
    world.shelf.offer(item_asking(code=OTHER_CODE, form={**FORM, "properties": narrow}))
    hand_in(world, address="示例路2号")
    assert offered(world, code=OTHER_CODE) == {}
    hand_in(world, address="示例路")
    assert offered(world, code=OTHER_CODE) == {"/address": "示例路"}


def test_three_earlier_applications_are_opened_at_most():
    world = World(item_asking())
    hand_in(world, address="示例路2号", telephone="13800000001")
    for _ in range(3):
        hand_in(world, address="示例路2号")
    assert offered(world) == {"/address": "示例路2号"}
    draft = world.begin()
    world.tables.calls.clear()
    world.applications.offers_for(draft, world.item, world.who())
    assert world.tables.calls.count("get keys KEY") == 3


def test_what_was_erased_is_not_offered_again():
    world = World(item_asking())
    old = hand_in(world, address="示例路1号")
    newer = hand_in(world, address="示例路2号")
    world.tables.transact([Delete("keys", newer.pk, "KEY")])
    assert offered(world) == {"/address": "示例路1号"}
    world.tables.transact([Delete("keys", old.pk, "KEY")])
    assert offered(world) == {}


def test_a_form_without_shared_elements_costs_no_call():
    plain = {**FORM, "properties": {"address": field()}}
    world = World(item_asking(form=plain))
    hand_in(world, address="示例路2号")
    draft = world.begin()
    world.tables.calls.clear()
    assert world.applications.offers_for(draft, world.item, world.who()) == {}
    assert world.tables.calls == []


def test_fields_of_conditions_and_shared_parts_are_found():
    item = item_asking(
        form={
            "type": "object",
            "$defs": {"person": OTHER_FORM["properties"]["holder"]},
            "properties": {
                "owner": {"$ref": "#/$defs/person"},
                "agent": {"type": "boolean"},
                "children": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"name": field("person.name")},
                    },
                },
            },
            "if": {"properties": {"agent": {"const": True}}, "required": ["agent"]},
            "then": {"properties": {"agent_name": field("person.name")}},
        }
    )
    assert dict(bound_fields(item)) == {
        "/owner/address": "address.whole",
        "/owner/phone": "person.telephone",
        "/agent_name": "person.name",
    }
    assert empty_fields(item, {"owner": {"address": "示例路2号"}}) == {
        "/owner/phone": "person.telephone",
        "/agent_name": "person.name",
    }

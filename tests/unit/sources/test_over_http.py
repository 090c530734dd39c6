"""What a client sees: sources with their reasons, and remembered answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.sources.items import HOUSEHOLD, PERMITTED, PHOTOGRAPH, item_asking
from tests.unit.sources.world import Authorities, OneShelf, World
from tests.unit.web.town import Answered, SwiftWorld, Town
from zerotrip.catalogue.model import Item
from zerotrip.identity.model import Session
from zerotrip.sources.model import WORDS, Reason

ONE = "/v1/applications/{application_id}"


def town_with(item: Item) -> tuple[Town, Authorities]:
    """A town whose catalogue is one item and whose providers are told what to do."""
    made = World(item)
    # One database for all of it; the shared materials stand there already.
    town = Town(SwiftWorld(tables=made.tables))
    shelf: OneShelf = made.shelf
    town.world.catalogue = shelf  # type: ignore[assignment]
    town.world.applications = replace(made.applications, applicants=town.world.callers)
    return town, made.authorities


def begin(town: Town, who: Session, item: Item) -> Answered:
    return town.call("POST", "/v1/applications", who=who, body={"item_code": item.code})


def save(town: Town, who: Session, begun: Answered, **form: object) -> Answered:
    return town.call(
        "PUT",
        ONE,
        who=who,
        body={"form": form},
        headers={"If-Match": begun.headers["ETag"]},
        application_id=begun.body["application_id"],
    )


def read(town: Town, who: Session, begun: Answered) -> Answered:
    identity = begun.body["application_id"]
    return town.call("GET", ONE, who=who, application_id=identity)


def announce(town: Town, who: Session, begun: Answered, code: str) -> Answered:
    return town.call(
        "POST",
        ONE + "/materials",
        who=who,
        body={"material": code, "content_type": "image/jpeg", "size_bytes": 1000},
        application_id=begun.body["application_id"],
    )


def submit(town: Town, who: Session, begun: Answered) -> Answered:
    identity = begun.body["application_id"]
    return town.call("POST", ONE + "/submission", who=who, application_id=identity)


@pytest.fixture
def item() -> Item:
    return item_asking(HOUSEHOLD, PERMITTED, PHOTOGRAPH)


def test_a_draft_tells_what_the_state_has_and_what_it_has_not(item: Item) -> None:
    town, _ = town_with(item)
    zhang = town.session("sub-1")
    begun = begin(town, zhang, item)
    assert begun.status == 201
    zh, en = WORDS[Reason.NOT_FOUND]
    assert begun.body["sources"] == [
        {
            "code": "household",
            "name": {"zh": "材料household", "en": "Material household"},
            "source": "shared",
            "state": "resolved",
            "provider": "population",
            "valid_until": "2026-12-20",
            "reason": None,
        },
        {
            "code": "permit",
            "name": {"zh": "材料permit", "en": "Material permit"},
            "source": "licence",
            "state": "upload",
            "provider": None,
            "valid_until": None,
            "reason": {"code": "not_found", "zh": zh, "en": en},
        },
    ]
    assert begun.body["offered"] == {}
    assert begun.body["materials"] == []


def test_an_upload_form_for_what_the_state_has_is_refused(item: Item) -> None:
    town, _ = town_with(item)
    zhang = town.session("sub-1")
    begun = begin(town, zhang, item)
    refused = announce(town, zhang, begun, "household")
    assert (refused.status, refused.body["code"]) == (409, "material_not_asked")
    assert refused.body["source"] == "shared"
    assert announce(town, zhang, begun, "permit").status == 201
    assert announce(town, zhang, begun, "photograph").status == 201


def test_a_hand_in_says_what_to_upload_in_both_languages(item: Item) -> None:
    town, authorities = town_with(item)
    authorities.go_down()
    zhang = town.session("sub-1")
    begun = save(town, zhang, begin(town, zhang, item), name="张示例")
    refused = submit(town, zhang, begun)
    assert (refused.status, refused.body["code"]) == (409, "material_source_changed")
    told = {each["code"]: each for each in refused.body["materials"]}
    assert set(told) == {"household", "permit"}
    zh, en = WORDS[Reason.PROVIDER_UNAVAILABLE]
    assert told["household"]["reason"] == "provider_unavailable"
    assert (told["household"]["zh"], told["household"]["en"]) == (zh, en)


def test_a_file_that_is_being_looked_at_is_waited_for(item: Item) -> None:
    town, authorities = town_with(item)
    authorities.go_down()
    zhang = town.session("sub-1")
    begun = save(town, zhang, begin(town, zhang, item), name="张示例")
    wanting = submit(town, zhang, begun).body["materials"]
    for each in wanting:
        assert announce(town, zhang, begun, each["code"]).status == 201
    refused = submit(town, zhang, begun)
    assert (refused.status, refused.body["code"]) == (409, "material_unchecked")


def test_answers_are_offered_when_a_draft_is_read() -> None:
    item = item_asking()
    town, _ = town_with(item)
    zhang = town.session("sub-1")
    first = save(
        town,
        zhang,
        begin(town, zhang, item),
        address="示例路1号",
        telephone="13800000001",
    )
    assert submit(town, zhang, first).status == 202
    second = begin(town, zhang, item)
    assert second.body["offered"] == {}
    offered = read(town, zhang, second).body["offered"]
    assert offered["/address"] == {
        "value": "示例路1号",
        "from_item": item.code,
        "item_name": {"zh": "示例事项", "en": "示例事项"},
        "at": "2026-11-20T02:00:00.000Z",
    }
    assert set(offered) == {"/address", "/telephone"}
    wang = town.session("sub-2")
    assert read(town, wang, begin(town, wang, item)).body["offered"] == {}

"""A person's vault over HTTPS: listed, offered again, and only by consent."""

from __future__ import annotations

from datetime import timedelta

import pytest

from infra.local.files import a_file
from tests.support.world import CATALOGUE, TENANT
from tests.unit.web.town import VEHICLE, Answered, Town
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.identity.model import Session
from zerotrip.kernel.times import legal_day
from zerotrip.materials.model import SlotState

MATERIAL = "loss_declaration"
REUSE = "/v1/applications/{application_id}/materials/{material}/reuse"
PURPOSE = "用于再次申请补领行驶证"


@pytest.fixture
def zhang(town: Town) -> Session:
    return town.session("sub-zhang")


@pytest.fixture
def item(town: Town) -> str:
    """The vehicle item, whose declaration may be used again for six months."""
    draft = load(CATALOGUE / VEHICLE, legal_day(town.world.clock()))
    materials = tuple(
        each.model_copy(update={"reusable_months": 6})
        if each.code == MATERIAL
        else each
        for each in draft.item.materials
    )
    changed = draft.item.model_copy(update={"materials": materials})
    town.world.catalogue.publish(TENANT, changed, draft.layout, "operator:test")
    return changed.code


def begin(town: Town, who: Session, item: str) -> str:
    begun = town.call("POST", "/v1/applications", who=who, body={"item_code": item})
    return str(begun.body["application_id"])


def stored(town: Town, who: Session, item: str) -> str:
    """A file in the person's vault; answers its hash."""
    content = a_file("application/pdf", 4096)
    identity = begin(town, who, item)
    state = town.world.upload(
        town.acting(who), identity, MATERIAL, content, "application/pdf"
    )
    assert state is SlotState.RECEIVED
    listed = town.call("GET", "/v1/vault", who=who)
    return str(listed.body["files"][0]["sha256"])


def reuse(
    town: Town, who: Session, identity: str, sha256: str, **changed: object
) -> Answered:
    body = {"sha256": sha256, "purpose": PURPOSE, "consent": True}
    material = str(changed.pop("material", MATERIAL))
    headers = {"Idempotency-Key": str(changed.pop("key", "reuse-1"))}
    return town.call(
        "POST",
        REUSE,
        who=who,
        body={**body, **changed},
        headers=headers,
        application_id=identity,
        material=material,
    )


def test_an_empty_vault_lists_nothing(town: Town, zhang: Session) -> None:
    assert town.call("GET", "/v1/vault", who=zhang).body == {"files": []}


def test_a_file_that_was_handed_up_is_listed_without_its_place(
    town: Town, zhang: Session, item: str
) -> None:
    sha256 = stored(town, zhang, item)
    (listed,) = town.call("GET", "/v1/vault", who=zhang).body["files"]
    assert listed["sha256"] == sha256
    assert listed["scanner"] == "none"
    (use,) = listed["used_as"]
    assert (use["material"], use["item_code"]) == (MATERIAL, item)
    assert {"key", "version_id", "holder"} & listed.keys() == set()


def test_nobody_sees_anothers_vault(town: Town, zhang: Session, item: str) -> None:
    stored(town, zhang, item)
    other = town.session("sub-li")
    assert town.call("GET", "/v1/vault", who=other).body == {"files": []}


def test_a_stored_file_stands_again_and_can_be_handed_in(
    town: Town, zhang: Session, item: str
) -> None:
    sha256 = stored(town, zhang, item)
    identity = begin(town, zhang, item)
    filled = reuse(town, zhang, identity, sha256)
    assert filled.status == 201
    assert filled.body["slot"]["state"] == "received"
    assert filled.body["slot"]["reused"]["purpose"] == PURPOSE
    day = legal_day(town.world.clock())
    form = load_example(CATALOGUE / VEHICLE, day).form
    who = town.acting(zhang)
    draft = town.world.applications.save(who, identity, 1, form)
    number = town.world.applications.hand_in(who, identity, draft.version).case_no
    row = town.world.records.row(town.world.case(number).key, "FORM")
    assert row is not None
    pinned = row.data["materials"][MATERIAL]
    assert pinned["sha256"] == sha256
    kept = town.world.uploads.get(pinned["key"], pinned["version_id"])
    assert kept is not None
    assert kept.content == a_file("application/pdf", 4096)


def test_the_same_request_again_is_one_consent(
    town: Town, zhang: Session, item: str
) -> None:
    sha256 = stored(town, zhang, item)
    identity = begin(town, zhang, item)
    first = reuse(town, zhang, identity, sha256)
    again = reuse(town, zhang, identity, sha256)
    assert (again.status, again.body) == (first.status, first.body)
    (record,) = town.world.tables.query(
        "drafts", f"{TENANT}#SUBJECT#{zhang.sub}", "REUSE#"
    )
    (given,) = record.data["consents"]
    assert given["purpose"] == PURPOSE


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"consent": False}, (422, "consent_missing")),
        ({"purpose": "电话13800000000"}, (422, "purpose_personal")),
        ({"purpose": "x"}, (422, "request_invalid")),
        ({"consent": "yes"}, (422, "request_invalid")),
        ({"material": "no_such"}, (404, "material_unknown")),
        ({"sha256": "0" * 64}, (404, "vault_entry_unknown")),
        ({"sha256": "0"}, (422, "request_invalid")),
    ],
)
def test_a_reuse_that_cannot_be_is_refused_and_changes_nothing(
    town: Town,
    zhang: Session,
    item: str,
    changed: dict[str, object],
    expected: tuple[int, str],
) -> None:
    sha256 = stored(town, zhang, item)
    identity = begin(town, zhang, item)
    answered = reuse(town, zhang, identity, **{"sha256": sha256, **changed})  # type: ignore[arg-type]
    assert (answered.status, answered.code) == expected
    draft = town.world.applications.own(town.acting(zhang), identity)
    assert town.world.applications.slots_of(draft) == ()


def test_a_file_that_is_too_old_is_refused(
    town: Town, zhang: Session, item: str
) -> None:
    sha256 = stored(town, zhang, item)
    town.world.clock.at += timedelta(days=190)
    later = town.session(zhang.sub)
    answered = reuse(town, later, begin(town, later, item), sha256)
    assert (answered.status, answered.code) == (409, "vault_material_too_old")


def test_anothers_file_is_not_there(town: Town, zhang: Session, item: str) -> None:
    sha256 = stored(town, zhang, item)
    other = town.session("sub-li")
    answered = reuse(town, other, begin(town, other, item), sha256)
    assert (answered.status, answered.code) == (404, "vault_entry_unknown")


def test_anothers_draft_is_not_there(town: Town, zhang: Session, item: str) -> None:
    identity = begin(town, zhang, item)
    other = town.session("sub-li")
    sha256 = stored(town, other, item)
    answered = reuse(town, other, identity, sha256)
    assert (answered.status, answered.code) == (404, "application_unknown")


def test_an_item_that_asks_anew_each_time_offers_nothing(
    town: Town, zhang: Session, item: str
) -> None:
    sha256 = stored(town, zhang, item)
    draft = load(CATALOGUE / VEHICLE, legal_day(town.world.clock()))
    later = draft.item.model_copy(update={"revision": draft.item.revision + 1})
    town.world.catalogue.publish(TENANT, later, draft.layout, "operator:test")
    town.world.clock.at += timedelta(seconds=31)  # a pointer is remembered for 30
    answered = reuse(town, zhang, begin(town, zhang, item), sha256)
    assert (answered.status, answered.code) == (409, "vault_reuse_not_offered")

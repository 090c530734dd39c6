"""A promise over HTTP: made with the hand-in, shown, kept without a form."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.files import a_file
from tests.support.world import CATALOGUE
from tests.unit.web.town import FOOD, TENANT, Answered, Town
from zerotrip.catalogue.authoring import load_example
from zerotrip.identity.model import Role, Session
from zerotrip.kernel.times import legal_day
from zerotrip.materials.steps import MaterialSteps, receive_material
from zerotrip.materials.storage_events import ObjectCreated, created_message

APPLICATION = "/v1/applications/{application_id}"
CASE = "/v1/cases/{case_no}"


@pytest.fixture
def firm(town: Town) -> Session:
    return town.session("sub-firm", Role.COMPANY)


def _submit(
    town: Town, firm: Session, body: dict[str, Any] | None, **headers: str
) -> Answered:
    """Hands in the food licence without its safety rules."""
    world = town.world
    example = load_example(CATALOGUE / FOOD, legal_day(world.clock()))
    begun = town.call(
        "POST", "/v1/applications", who=firm, body={"item_code": world.publish(FOOD)}
    )
    identity = begun.body["application_id"]
    who = town.acting(firm)
    world.applications.save(who, identity, 1, example.form)
    content = a_file("image/png", 20480)
    world.upload(who, identity, "floor_plan", content, "image/png")
    return town.call(
        "POST",
        f"{APPLICATION}/submission",
        who=firm,
        body=body,
        headers=headers,
        application_id=identity,
    )


def _read(town: Town, firm: Session, case_no: str) -> Answered:
    return town.call("GET", CASE, who=firm, case_no=case_no)


def _promised(town: Town, firm: Session) -> str:
    sent = _submit(town, firm, {"promised": ["safety_rules"]})
    assert sent.status == 202
    town.world.run()
    return str(sent.body["case_no"])


def test_a_promise_is_shown_with_its_last_day(town: Town, firm: Session) -> None:
    read = _read(town, firm, _promised(town, firm))
    assert read.body["stage"] == "in_review"
    assert [(each["code"], each["last_day"]) for each in read.body["promised"]] == [
        ("safety_rules", "2026-11-27")
    ]
    assert read.body["grounds"] == []
    assert [each["obligation"] for each in read.body["asked_of_me"]] == ["promises"]


def test_without_a_promise_it_is_missing(town: Town, firm: Session) -> None:
    sent = _submit(town, firm, None)
    town.world.run()
    read = _read(town, firm, sent.body["case_no"])
    (asked,) = read.body["asked_of_me"]
    assert [each["path"] for each in asked["faults"]] == ["/materials/safety_rules"]


@pytest.mark.parametrize(
    ("promised", "path", "code"),
    [
        (["floor_plan"], "/promised/0", "material_must_be_there"),
        (["safety_rules", "Nothing!"], "/promised/1", "field_wrong_pattern"),
        ("safety_rules", "/promised", "field_wrong_type"),
        (["safety_rules"] * 13, "/promised", "field_wrong"),
    ],
)
def test_a_promise_that_is_none_is_told(
    town: Town, firm: Session, promised: object, path: str, code: str
) -> None:
    sent = _submit(town, firm, {"promised": promised})
    assert sent.status == 422
    assert sent.fault_codes == {path: code}


def test_a_promise_is_kept_without_a_form(town: Town, firm: Session) -> None:
    case_no = _promised(town, firm)
    world = town.world
    content = a_file("application/pdf", 8192)
    opened = town.call(
        "POST",
        f"{CASE}/materials",
        who=firm,
        body={
            "material": "safety_rules",
            "content_type": "application/pdf",
            "size_bytes": len(content),
        },
        case_no=case_no,
    )
    key = opened.body["upload"]["fields"]["key"]
    version = world.uploads.put(key, content, content_type="application/pdf")
    created = ObjectCreated("uploads", key, version)
    deps = MaterialSteps(world.slots, world.uploads, TENANT, "uploads")
    receive_material(created_message(created, len(content))["Records"][0], deps)
    kept = town.call(
        "POST",
        f"{CASE}/corrections",
        who=firm,
        headers={"If-Match": _read(town, firm, case_no).headers["ETag"]},
        case_no=case_no,
    )
    assert (kept.status, kept.body["event"]) == (200, "case.promise_kept")
    read = _read(town, firm, case_no)
    assert (read.body["promised"], read.body["asked_of_me"]) == ([], [])

"""The catalogue's shared files, the leaves of a form, and the steps of a route."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.support.memory import MemoryTables
from tests.unit.catalogue.world import CATALOGUE, FOLDERS
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import leaves
from zerotrip.catalogue.route import computed_visits, is_online, reached, steps_of
from zerotrip.catalogue.shared_entries import (
    publish_working_days,
    published_working_days,
)
from zerotrip.catalogue.shared_files import (
    read_elements,
    read_shared_materials,
    read_working_days,
)
from zerotrip.kernel.errors import Invalid
from zerotrip.kernel.working_days import WorkingDays


def test_the_real_files_have_what_the_forms_share():
    elements = read_elements(CATALOGUE)
    assert {
        *("person.name", "person.citizen_number", "person.telephone"),
        *("company.name", "company.uscc", "company.legal_representative"),
        *("company.address", "address.province", "address.city", "address.county"),
        "address.street",
    } <= set(elements)
    shared = read_shared_materials(CATALOGUE)
    assert {
        "household_registration": "population",
        "no_criminal_record": "population",
        "marriage_certificate": "civil_affairs",
        "social_insurance_record": "social_insurance",
    }.items() <= {code: each.provider for code, each in shared.items()}.items()


def test_working_days_are_read_loaded_and_told_when_wrong(tmp_path):
    text = '"2027": {off: ["01-01/01-03"], worked: ["01-04"]}\n'
    (tmp_path / "_working_days.yaml").write_text(text)
    years = read_working_days(tmp_path)
    tables = MemoryTables()
    publish_working_days(tables, "441882", years)
    days = WorkingDays.from_json(published_working_days(tables, "441882"))
    assert days.after(date(2026, 12, 31), 1) == date(2027, 1, 4)
    for wrong in ('"2027": {off: ["02-30"], worked: []}', '"2027": {off: []}', "a: 1"):
        (tmp_path / "_working_days.yaml").write_text(wrong)
        with pytest.raises(Invalid) as told:
            read_working_days(tmp_path)
        assert {each.code for each in told.value.faults} == {"working_days_wrong"}


def test_a_catalogue_without_them_has_none(tmp_path):
    assert read_working_days(tmp_path) == {}
    assert read_elements(tmp_path) == {}
    assert read_shared_materials(tmp_path) == {}


def refused(read, catalogue: Path, name: str, text: str) -> list[tuple[str, str]]:
    (catalogue / name).write_text(text)
    with pytest.raises(Invalid) as caught:
        read(catalogue)
    place = f"{catalogue.name}/"
    return [(each.path.removeprefix(place), each.code) for each in caught.value.faults]


def test_a_shared_file_that_is_wrong_is_refused_at_its_line(tmp_path):
    element = "  - {code: a.b, name: {zh: 甲, en: A}, form: {type: FORM}}\n"
    text = "elements:\n" + element.replace("FORM", "string") * 2
    text += element.replace("a.b", "a.c").replace("FORM", "strong")
    assert refused(read_elements, tmp_path, "_elements.yaml", text) == [
        ("_elements.yaml:3 /elements/1/code", "code_repeated"),
        ("_elements.yaml:4 /elements/2/form", "schema_invalid"),
    ]

    material = (
        "  - {code: a, name: {zh: 甲, en: A}, provider: population, valid_days: 1}\n"
    )
    assert refused(
        read_shared_materials,
        tmp_path,
        "_shared_materials.yaml",
        "materials:\n" + material * 2 + "colour: red\n",
    ) == [("_shared_materials.yaml:4 /colour", "extra_forbidden")]
    assert refused(
        read_shared_materials,
        tmp_path,
        "_shared_materials.yaml",
        "materials:\n" + material * 2,
    ) == [("_shared_materials.yaml:3 /materials/1/code", "code_repeated")]


FORM = {
    "type": "object",
    "required": ["a", "p"],
    "$defs": {
        "place": {"type": "object", "properties": {"street": {"type": "string"}}}
    },
    "properties": {
        "a": {"type": "string"},
        "b": {"type": "array", "items": {"type": "object", "properties": {"c": {}}}},
        "p": {"$ref": "#/$defs/place", "required": ["street"]},
    },
    "then": {"properties": {"late": {"type": "boolean"}}},
}


def test_the_leaves_of_a_form_and_which_are_always_there():
    assert [(path, always) for path, _, always in leaves(FORM)] == [
        ("/a", True),
        ("/b", False),
        ("/p/street", True),
        ("/late", False),
    ]


def test_a_form_that_refers_to_itself_ends():
    itself = {"properties": {"a": {"$ref": "#/properties/a"}}}
    form = {"properties": {"a": itself}}

    found = [path for path, _, _ in leaves(form)]
    assert found
    assert all(path.startswith("/a/a/a") for path in found)


def changed(drafts, **said) -> Item:
    mark = drafts[FOLDERS[0]].item.model_dump()
    return Item.model_validate({**mark, **said}, context={"published": True})


def test_the_usual_steps_come_from_the_item(drafts):
    mark = drafts[FOLDERS[0]].item
    assert [step.code for step in steps_of(mark)] == [
        *("apply", "papers", "pre_review", "decide", "sign", "deliver")
    ]
    replacement = drafts[FOLDERS[1]].item
    owners = {step.code: step.owner for step in steps_of(replacement)}
    assert owners["decide"] == "officer"
    assert owners["pay"] == "applicant"
    for item in (mark, replacement):
        steps = steps_of(item)
        assert reached(steps) == {step.code for step in steps}


def test_visits_are_what_the_reached_steps_cost(drafts):
    name = {"zh": "甲", "en": "A"}
    steps = [
        {"code": "apply", "name": name, "next": ["look"]},
        {"code": "look", "name": name, "visits": 2, "next": ["apply"]},
        {"code": "never", "name": name, "visits": 5},
    ]
    route = {**drafts[FOLDERS[0]].item.route.model_dump(), "steps": steps}

    item = changed(drafts, route=route)

    assert computed_visits(item) == 2
    assert not is_online(item)


def test_without_a_remote_channel_one_comes_once(drafts):
    assert computed_visits(changed(drafts, channels=["window"])) == 1
    assert computed_visits(changed(drafts, channels=["window", "courier"])) == 0
    assert is_online(changed(drafts, channels=["mobile"]))
    assert not is_online(changed(drafts, channels=["courier"]))

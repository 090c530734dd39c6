"""A folder that an officer wrote: everything that is wrong with it, and where."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY, faults_of, spoil
from zerotrip.catalogue import authoring
from zerotrip.catalogue.schemas import schema_faults
from zerotrip.catalogue.yaml_files import YamlFaults, read_yaml

MARK = FOLDERS[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the vehicle inspection mark that a test may spoil."""
    (tmp_path / "_layouts").mkdir()
    (tmp_path / "_layouts" / "certificate.typ").write_bytes(b"= layout")
    shutil.copytree(CATALOGUE / "_base", tmp_path / "_base")
    copied = tmp_path / MARK
    shutil.copytree(CATALOGUE / MARK, copied)
    return copied


def test_a_folder_becomes_an_item_and_its_layout(folder):
    draft = authoring.load(folder, TODAY)

    assert draft.item.code == "11441882000000019J4440109801000"
    assert draft.item.licence.layout == "certificate"
    assert draft.layout == b"= layout"


def test_the_catalogue_has_the_three_items():
    assert set(FOLDERS) <= {path.name for path in authoring.folders(CATALOGUE)}


def test_a_contradiction_is_told_with_its_line(folder):
    line = spoil(folder, "visits: 0", "visits: 3")

    assert faults_of(folder) == [(f"{MARK}/item.yaml:{line} /visits", "visits_differ")]


def test_shapes_are_told_all_at_once(folder):
    unknown = spoil(folder, "visits: 0", "colour: red\nvisits: 0") - 1
    number = spoil(folder, "amount_fen: 2000", "amount_fen: twenty")
    spoil(folder, "department: vehicle-office\n", "")

    found = faults_of(folder)

    assert found == [
        (f"{MARK}/item.yaml:3 /department", "missing"),
        (f"{MARK}/item.yaml:{number - 1} /courier_charge/amount_fen", "int_parsing"),
        (f"{MARK}/item.yaml:{unknown} /colour", "extra_forbidden"),
    ]


def test_a_licence_field_needs_one_source(folder):
    spoil(folder, "      path: /vehicle/vin\n", "")

    ((path, code),) = faults_of(folder)

    assert code == "licence_field_source"
    assert path.endswith("/licence/fields/3")


def test_a_number_for_a_text_is_explained(folder):
    spoil(folder, "'114400000000000194001'", "114400000000000194001")

    ((path, code),) = faults_of(folder)

    assert (path.split()[1], code) == ("/licence/type_code", "string_type")


def test_a_rule_that_does_not_parse_is_refused(folder):
    line = spoil(folder, "rule: form.vehicle.seats < 10", "rule: form.vehicle.seats <")

    assert faults_of(folder) == [
        (f"{MARK}/item.yaml:{line} /checks/4/rule", "rule_unreadable")
    ]


def test_a_layout_that_is_not_there_is_refused(folder):
    line = spoil(folder, "layout: certificate", "layout: diploma")

    assert faults_of(folder) == [
        (f"{MARK}/item.yaml:{line} /licence/layout", "layout_unknown")
    ]


def test_an_example_that_its_form_refuses(folder):
    line = spoil(folder, "seats: 5", "seats: five", "example.yaml")

    assert faults_of(folder) == [
        (f"{MARK}/example.yaml:{line} /form/vehicle/seats", "field_wrong_type")
    ]


def test_an_example_that_a_check_fails(folder):
    line = spoil(folder, "tax_paid: true", "tax_paid: false", "example.yaml")

    assert faults_of(folder) == [
        (
            f"{MARK}/example.yaml:{line} /form/declarations/tax_paid",
            "vehicle_tax_unpaid",
        )
    ]


def test_a_rule_that_does_not_run_on_the_example(folder):
    line = spoil(folder, "form.vehicle.seats < 10", "form.vehicle.wheels < 10")

    assert faults_of(folder) == [
        (f"{MARK}/item.yaml:{line} /checks/4/rule", "rule_broken")
    ]


def test_an_examples_materials_fit_the_item(folder):
    material = (
        "materials:\n"
        "  - code: photo\n"
        "    name: {zh: 照片, en: Photograph}\n"
        "    types: [image/png]\n"
        "    max_bytes: 1000\n"
        "  - code: report\n"
        "    name: {zh: 报告, en: Report}\n"
        "    types: [application/pdf]\n"
        "    max_bytes: 1000\n"
    )
    reason = "  - path: /materials\n    reason: {zh: 试点, en: A trial}\n"
    spoil(folder, "materials: []\n", material + "deviations:\n" + reason)
    with (folder / "example.yaml").open("a") as example:
        example.write("materials:\n")
        example.write("  photo: {type: image/gif, size_bytes: 10}\n")
        example.write("  letter: {type: image/png, size_bytes: 10}\n")
        example.write("notes: none\n")

    assert [(path.split()[1], code) for path, code in faults_of(folder)] == [
        ("/notes", "extra_forbidden"),
        ("/materials/photo/type", "material_type_refused"),
        ("/materials/report", "missing"),
        ("/materials/letter", "material_unknown"),
    ]


def test_an_example_has_a_form(folder):
    (folder / "example.yaml").write_text("materials: {}\n")

    assert faults_of(folder) == [(f"{MARK}/example.yaml:1 /form", "missing")]


def test_missing_and_unreadable_files(folder):
    (folder / "example.yaml").unlink()
    assert faults_of(folder) == [(f"{MARK}/example.yaml:1", "file_missing")]

    (folder / "item.yaml").write_bytes("名称".encode("gb18030"))
    assert faults_of(folder) == [(f"{MARK}/item.yaml:1", "not_utf8")]

    (folder / "item.yaml").write_text("- a\n")
    assert faults_of(folder) == [(f"{MARK}/item.yaml:1", "not_a_mapping")]


def test_an_example_does_not_grow_old():
    early = authoring.load_example(CATALOGUE / MARK, date(2026, 11, 21))
    late = authoring.load_example(CATALOGUE / MARK, date(2040, 1, 31))

    assert early.form["insurance"]["valid_until"] == "2027-06-09"
    assert late.form["insurance"]["valid_until"] == "2040-08-18"
    for folder in FOLDERS:
        assert authoring.load(CATALOGUE / folder, date(2040, 1, 31)).item


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("a: 1\nb: [1\nc: 2\n", 3, "yaml_unreadable"),
        ("a: 1\nb: 2\na: 3\n", 3, "key_repeated"),
        ("a: 1\n2: b\n", 2, "key_not_text"),
        ("a:\n  - {true: 1}\n", 2, "key_not_text"),
        ("a: &x 1\nb: *x\n", 2, "yaml_alias"),
        ("a: !!python/object:os.system 1\n", 1, "yaml_unreadable"),
        ("a: \x01\n", 1, "yaml_unreadable"),
        ("a: " + "x" * 262_144, 1, "file_too_large"),
    ],
)
def test_yaml_that_is_not_plain_is_refused(text, line, code):
    with pytest.raises(YamlFaults) as refused:
        read_yaml(text)

    assert [(at, fault.code) for at, fault in refused.value.faults] == [(line, code)]


def test_yaml_reads_no_surprises():
    found = read_yaml("day: 2026-11-21\nno: yes\nright: true\nn: 3\nnil: null\n")

    assert found.value == {
        "day": "2026-11-21",
        "no": "yes",
        "right": True,
        "n": 3,
        "nil": None,
    }
    assert found.line("/right") == 3
    assert found.line("/n/deeper/still") == 4
    assert found.line("/unknown") == 1


TITLED = {"title": "甲", "x-en": "A"}


@pytest.mark.parametrize(
    ("field", "path", "code"),
    [
        ({"type": "strong"}, "/properties/a/type", "schema_invalid"),
        ({"type": "string", "maxLength": 3}, "/properties/a", "field_untitled"),
        ({**TITLED, "type": "string"}, "/properties/a", "field_unbounded"),
        (
            {**TITLED, "type": "array", "items": {"type": "boolean"}},
            "/properties/a",
            "field_unbounded",
        ),
        (
            {**TITLED, "type": "array", "maxItems": 2, "items": {"type": "string"}},
            "/properties/a/items",
            "field_unbounded",
        ),
        ({**TITLED, "type": "object"}, "/properties/a", "form_open"),
        (
            {**TITLED, "type": "string", "format": "e-mail"},
            "/properties/a/format",
            "format_unknown",
        ),
        (
            {
                **TITLED,
                "type": "string",
                "enum": ["b"],
                "x-options": {"b": {"zh": "乙"}},
            },
            "/properties/a/enum",
            "option_unnamed",
        ),
    ],
)
def test_a_form_is_valid_closed_bounded_and_told(field, path, code):
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"a": field},
    }

    found = [(fault.path, fault.code) for fault in schema_faults(schema, "/form")]

    assert ("/form" + path, code) in found


def test_a_form_is_an_object_and_its_definitions_are_looked_at():
    assert [fault.code for fault in schema_faults({"type": "array"}, "")] == [
        "form_not_object"
    ]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "$defs": {"place": {"type": "string"}},
    }
    assert [fault.path for fault in schema_faults(schema, "")] == ["/$defs/place"]


@pytest.mark.parametrize(
    ("place", "wrong", "near"),
    [
        ("/properties/place", "minLenght", "minLength"),
        ("/properties/place/x-options", None, None),
        ("/if/properties/place", "patern", "pattern"),
        ("/then", "requried", "required"),
        ("/$defs/one", "x-elemnt", "x-element"),
        ("/allOf/0", "maxium", "maximum"),
    ],
)
def test_a_misspelt_keyword_is_told_with_the_nearest_known_one(place, wrong, near):
    field = {"type": "string", "title": "地点", "x-en": "Place", "maxLength": 9}
    schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"place": {**field, "x-options": {"minLenght": {}}}},
        "$defs": {"one": {**field}},
        "if": {"properties": {"place": {"const": "a"}}},
        "then": {"required": ["place"]},
        "allOf": [{"minProperties": 1}],
    }
    if wrong is None:
        assert schema_faults(schema, "/form") == ()
        return
    at = schema
    for step in place.split("/")[1:]:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[wrong] = 1

    (fault,) = schema_faults(schema, "/form")
    assert (fault.path, fault.code) == (
        f"/form{place}/{wrong}",
        "schema_keyword_unknown",
    )
    assert fault.zh == f"不认识的关键字{wrong}，是否应为{near}？"

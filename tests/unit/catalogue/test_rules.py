"""Bad rules and bad schemas in a folder on disk: refused with file, line, sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY, faults_of, spoil
from zerotrip.catalogue import authoring
from zerotrip.catalogue.rule_text import names_of
from zerotrip.catalogue.rules import holds

MARK = FOLDERS[0]
SEATS = "rule: form.vehicle.seats < 10"
REASON = (
    "deviations:\n  - path: /materials\n    reason: {zh: 试点, en: A trial}\n"
    "materials:\n"
    "  - code: lease\n"
    "    name: {zh: 租赁合同, en: Lease}\n"
    "    note: {zh: 看得清, en: Legible}\n"
    "    when: "
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("_base", "_layouts", MARK):
        shutil.copytree(CATALOGUE / name, tmp_path / name)
    return tmp_path / MARK


DEEP = "[1].all(a, [1].all(b, [1].all(c, a + b + c > 0)))"


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("form.vehicle.seats <", "rule_unreadable"),
        ("while (true)", "rule_unreadable"),
        (DEEP, "rule_unbounded"),
        ("form.vehicle.seats / (form.vehicle.seats - 5) > 0", "rule_broken"),
        ("form.vehicle.seats % 0 == 0", "rule_broken"),
        ("form.vehicle.wheels == 4", "rule_broken"),
        ("form.vehicle.seats", "rule_broken"),
        ("form.vehicle.plate_number < 3", "rule_broken"),
        ("unknown_function(1)", "rule_broken"),
    ],
)
def test_a_bad_rule_is_refused_at_its_line(folder, rule, code):
    line = spoil(folder, SEATS, f"rule: '{rule}'")

    assert faults_of(folder) == [(f"{MARK}/item.yaml:{line} /checks/4/rule", code)]


def test_a_rule_of_over_2000_characters_is_refused(folder):
    clause = "form.vehicle.seats < 10"
    line = spoil(folder, SEATS, "rule: " + " && ".join([clause] * 90))

    assert faults_of(folder) == [
        (f"{MARK}/item.yaml:{line} /checks/4/rule", "string_too_long")
    ]


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ("form.vehicle.use ==", "rule_unreadable"),
        (DEEP, "rule_unbounded"),
        ("1 / 0 == 1", "rule_broken"),
        ("form.vehicle.wheels == 4", "rule_broken"),
        # A condition sees the form alone.
        ('today > "2026-01-01"', "rule_broken"),
    ],
)
def test_a_bad_condition_of_a_material_is_refused_at_its_line(folder, condition, code):
    line = spoil(folder, "materials: []\n", f"{REASON}'{condition}'\n") + 7

    assert faults_of(folder) == [(f"{MARK}/item.yaml:{line} /materials/0/when", code)]


@pytest.mark.parametrize(
    ("condition", "missing"),
    [
        ('form.vehicle.use == "non_operating"', True),
        ('form.vehicle.use == "operating"', False),
    ],
)
def test_an_example_has_what_its_conditions_ask_for(folder, condition, missing):
    spoil(folder, "materials: []\n", f"{REASON}'{condition}'\n")

    if missing:
        assert faults_of(folder) == [
            (f"{MARK}/example.yaml:2 /materials/lease", "missing")
        ]
    else:
        assert authoring.load(folder, TODAY).item.material("lease") is not None


@pytest.mark.parametrize(
    ("old", "new", "path", "code"),
    [
        (
            "          minimum: 1\n",
            "          minimum: one\n",
            "/form/properties/vehicle/properties/seats/minimum",
            "schema_invalid",
        ),
        (
            "          type: integer\n",
            "          type: number of seats\n",
            "/form/properties/vehicle/properties/seats/type",
            "schema_invalid",
        ),
    ],
)
def test_a_schema_that_is_itself_invalid_is_refused(folder, old, new, path, code):
    line = spoil(folder, old, new)

    assert faults_of(folder) == [(f"{MARK}/item.yaml:{line} {path}", code)]


@pytest.mark.parametrize(
    ("old", "path"),
    [
        ("revision: 1\n", "/colour"),
        ("  complaint_telephone: '12345'\n", "/organisation/colour"),
        ("  decided_by: rule\n", "/route/colour"),
    ],
)
def test_an_unknown_key_is_refused_at_its_line(folder, old, path):
    indent = " " * (len(old) - len(old.lstrip()))
    line = spoil(folder, old, f"{old}{indent}colour: red\n") + 1

    assert faults_of(folder) == [(f"{MARK}/item.yaml:{line} {path}", "extra_forbidden")]


def test_a_condition_holds_does_not_hold_or_cannot_run():
    form = {"a": True}

    assert holds("form.a", form) is True
    assert holds("!form.a", form) is False
    assert holds("form.b", form) is None
    assert holds("1 / 0 == 1", form) is None


@pytest.mark.parametrize(
    ("rule", "fields", "others"),
    [
        ("form.a.b < 3 && today > form.c", {"/a/b", "/c"}, {"today"}),
        ('has(form.a) || form.plate.matches("^form.x$")', {"/a", "/plate"}, set()),
        ('form["a"]["b"] == 1', {"/a/b"}, set()),
        ("form.items.exists(x, x.size > 1)", {"/items"}, {"x"}),
        ('materials.paper.size_bytes > 1 && "a" in form', {""}, {"materials"}),
        ("size(form.a) in [1, 2] // form.b", {"/a"}, set()),
        ("add_months(form.day, 3) >= today", {"/day"}, {"today"}),
        ('other.form.a == "it\\"s form.b"', set(), {"other"}),
    ],
)
def test_the_names_that_a_rule_reads(rule, fields, others):
    names = names_of(rule)

    assert (names.fields, names.others) == (fields, others)


@pytest.mark.parametrize(
    ("rule", "read"),
    [
        ("applicant.age >= 18 && form.a", {"/age"}),
        ('!has(applicant.age) || applicant["level"] == "strong"', {"/age", "/level"}),
        ('"age" in applicant', {""}),
        ('applicant.document.startsWith("u")', {"/document"}),
        ("form.applicant.name == today", set()),
    ],
)
def test_what_a_rule_reads_of_the_applicant(rule, read):
    assert names_of(rule).applicant == read


@pytest.mark.parametrize(
    "rule",
    [
        'applicant.level == "present" && applicant.age >= 18',
        'applicant.document == "citizen_card" && !applicant.by_agent',
        "!has(applicant.age) || applicant.age > 3",
    ],
)
def test_the_applicant_of_the_example_is_known_to_rules(folder, rule):
    spoil(folder, SEATS, f"rule: '{rule}'")

    assert authoring.load(folder, TODAY).item.checks[4].rule == rule


def test_a_rule_about_what_is_not_known_of_an_applicant_is_refused_at_its_line(folder):
    line = spoil(folder, SEATS, "rule: applicant.shoe_size > 3")

    assert faults_of(folder) == [
        (f"{MARK}/item.yaml:{line} /checks/4/rule", "rule_broken")
    ]

"""Two levels: what an implementation inherits, where it differs, and why it may."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.catalogue.world import CATALOGUE, FOLDERS, TODAY, faults_of, spoil
from zerotrip.catalogue import authoring
from zerotrip.catalogue.bases import chain, read_base
from zerotrip.kernel.errors import Invalid

FOOD = FOLDERS[2]
BASE = "440131803000"
Mend = Callable[[str, str], int]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    for name in ("_base", "_layouts", FOOD):
        shutil.copytree(CATALOGUE / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def item(catalogue: Path) -> Mend:
    return lambda old, new: spoil(catalogue / FOOD, old, new)


@pytest.fixture
def base(catalogue: Path) -> Mend:
    return lambda old, new: spoil(catalogue / "_base", old, new, f"{BASE}.yaml")


def load(catalogue: Path, *, lenient: bool = False) -> authoring.Draft:
    return authoring.load(catalogue / FOOD, TODAY, lenient=lenient)


def test_what_the_item_leaves_out_comes_from_its_base_entry(catalogue):
    draft = load(catalogue)

    assert draft.item.name.zh == "食品经营许可证 新办"
    assert draft.item.statutory_working_days == 10
    assert draft.item.material("floor_plan") is not None
    # Checks of the base entry first, the place's own after them.
    codes = [check.code for check in draft.item.checks]
    assert codes[-1] == "too_near_pollution"
    assert "school_canteen_cold_food" in codes
    assert draft.base.code == BASE


def test_a_place_is_known_in_both_files(catalogue):
    source = load(catalogue).source
    item = (catalogue / FOOD / "item.yaml").read_text().splitlines()
    base = (catalogue / "_base" / f"{BASE}.yaml").read_text().splitlines()

    days = source.place("/statutory_working_days")
    assert days.file == f"_base/{BASE}.yaml"
    assert base[days.line - 1].strip() == "statutory_working_days: 10"
    own = source.place("/checks/6/rule")
    assert own.file == f"{FOOD}/item.yaml"
    assert item[own.line - 1].strip() == "rule: form.premises.metres_to_pollution >= 25"


def test_the_items_digest_of_its_base_follows_the_bases_content(catalogue, base):
    before = load(catalogue).item.base_digest

    base("statutory_working_days: 10", "statutory_working_days: 9")

    assert before == read_base(CATALOGUE, BASE).digest
    assert load(catalogue).item.base_digest not in (None, before)


def test_a_difference_without_a_reason_is_a_fault_where_it_stands(catalogue, item):
    item(
        "promised_working_days: 5\n",
        "promised_working_days: 5\nstatutory_working_days: 8\n",
    )

    ((path, code),) = faults_of(catalogue / FOOD)

    assert code == "deviation_unexplained"
    assert path.startswith(f"{FOOD}/item.yaml:")
    assert path.endswith(" /statutory_working_days")


def test_a_difference_with_a_reason_is_none(catalogue, item):
    item(
        "promised_working_days: 5\n",
        "promised_working_days: 5\nstatutory_working_days: 8\n",
    )
    item(
        "deviations:\n",
        "deviations:\n  - path: /statutory_working_days\n"
        "    reason: {zh: 地方性法规另有规定, en: By a local regulation}\n",
    )

    assert load(catalogue).item.statutory_working_days == 8


def test_a_reason_for_no_difference_is_a_fault(catalogue, item):
    item(
        "- path: /checks/too_near_pollution",
        "- path: /checks/health_certificate_expired",
    )

    assert [code for _, code in faults_of(catalogue / FOOD)] == [
        "deviation_unexplained",
        "deviation_without_difference",
    ]


def test_entries_are_laid_over_each_other_by_code(catalogue, item):
    item(
        "checks:\n",
        "materials:\n"
        "  - code: floor_plan\n    max_bytes: 5242880\n"
        "  - {code: water_report, removed: true}\n"
        "  - code: lease\n    name: {zh: 租赁合同, en: Lease}\n"
        "checks:\n",
    )
    item(
        "deviations:\n",
        "deviations:\n"
        + "".join(
            f"  - path: /materials/{path}\n    reason: {{zh: 试点, en: A trial}}\n"
            for path in ("floor_plan/max_bytes", "water_report", "lease")
        ),
    )
    # The new one is a required upload, and the example has to have it.
    spoil(
        catalogue / FOOD,
        "materials:\n",
        "materials:\n  lease: {type: application/pdf, size_bytes: 900}\n",
        "example.yaml",
    )

    materials = load(catalogue).item.materials

    assert [each.code for each in materials] == ["floor_plan", "safety_rules", "lease"]
    assert materials[0].max_bytes == 5242880
    assert materials[0].name.zh == "经营场所平面布局图"


@pytest.mark.parametrize(
    ("materials", "paths"),
    [
        ("  - {code: floor_plan, max_bytes: 1000}\n", ["/materials/0/max_bytes"]),
        # A value that the base leaves to the model's default is a value.
        ("  - {code: floor_plan, required: false}\n", ["/materials/0/required"]),
        ("  - {code: floor_plan, required: true}\n", []),
        ("  - {code: water_report, removed: true}\n", ["/materials"]),
    ],
)
def test_each_difference_is_told_where_it_stands(catalogue, item, materials, paths):
    item("checks:\n", f"materials:\n{materials}checks:\n")

    if not paths:
        assert load(catalogue).item.material("floor_plan").required
        return
    found = faults_of(catalogue / FOOD)
    assert [code for _, code in found] == ["deviation_unexplained"] * len(paths)
    assert [path.split()[1] for path, _ in found] == paths


def test_null_takes_what_is_inherited_away(catalogue, base, item):
    base("requirements:\n", "requirements:\n  scope: city\n  courier_charge: null\n")
    base(
        "requirements:\n",
        "requirements:\n  fee: {code: cost, name: {zh: 工本费, en: Cost}, "
        "amount_fen: 100, legal_basis: 《示例办法》}\n",
    )

    # The item says `fee: null`: that is a difference, and one with a reason may be.
    text = (catalogue / FOOD / "item.yaml").read_text()
    line = text[: text.index("fee: null")].count("\n") + 1
    assert faults_of(catalogue / FOOD) == [
        (f"{FOOD}/item.yaml:{line} /fee", "deviation_unexplained")
    ]
    item(
        "deviations:\n",
        "deviations:\n  - path: /fee\n    reason: {zh: 本地免收, en: Free here}\n",
    )
    assert load(catalogue).item.fee is None


def test_a_form_asks_for_no_more_than_the_base_without_a_reason(catalogue, item):
    item(
        "checks:\n",
        "form:\n  properties:\n    colour:\n      type: string\n      title: 颜色\n"
        "      x-en: Colour\n      maxLength: 9\nchecks:\n",
    )

    ((path, code),) = faults_of(catalogue / FOOD)

    assert code == "deviation_unexplained"
    assert path.endswith("/form/properties/colour")


def test_an_unknown_base_is_told_at_its_line(catalogue, item):
    item("base_code: '440131803000'", "base_code: '440131804000'")

    assert faults_of(catalogue / FOOD) == [
        (f"{FOOD}/item.yaml:4 /base_code", "base_unknown")
    ]


@pytest.mark.parametrize("code", ["../440131803000", "_base", ""])
def test_a_base_code_never_names_another_file(catalogue, item, code):
    item("base_code: '440131803000'", f"base_code: '{code}'")

    assert [code for _, code in faults_of(catalogue / FOOD)] == ["base_unknown"]


def entry(catalogue: Path, code: str, extends: str | None, requirements: str) -> None:
    """A small base entry beside the real ones."""
    (catalogue / "_base" / f"{code}.yaml").write_text(
        f"code: '{code}'\nname: {{zh: 示例, en: Example}}\ntype: '{code[2:4]}'\n"
        "legal_basis: [{zh: 《示例法》}]\nlevels: ['4']\n"
        + (f"extends: '{extends}'\n" if extends else "")
        + f"requirements: {requirements}\n"
    )


def test_a_sub_item_begins_with_its_main_items_requirements(catalogue, base):
    entry(catalogue, "44013180300Y", None, "{statutory_working_days: 7, scope: city}")
    entry(
        catalogue,
        "440131803001",
        "44013180300Y",
        "{statutory_working_days: 6, route: {role: officer}}",
    )

    found = read_base(catalogue, "440131803001")

    assert found.requirements.value == {
        "statutory_working_days": 6,
        "scope": "city",
        "route": {"role": "officer"},
    }
    assert found.requirements.place("/scope").file == "_base/44013180300Y.yaml"
    assert chain(catalogue, "440131803001") == ("440131803001", "44013180300Y")


def base_faults(catalogue: Path, code: str) -> list[tuple[str, str]]:
    with pytest.raises(Invalid) as refused:
        read_base(catalogue, code)
    return [(fault.path, fault.code) for fault in refused.value.faults]


def test_a_circle_of_base_entries_is_refused_with_file_and_line(catalogue):
    entry(catalogue, "440131803001", "440131803002", "{}")
    entry(catalogue, "440131803002", "440131803003", "{}")
    entry(catalogue, "440131803003", "440131803001", "{}")

    assert base_faults(catalogue, "440131803001") == [
        ("_base/440131803003.yaml:6 /extends", "base_cycle")
    ]


def test_a_main_item_that_is_not_there_is_refused(catalogue):
    entry(catalogue, "440131803001", "440131803009", "{}")

    assert base_faults(catalogue, "440131803001") == [
        ("_base/440131803001.yaml:6 /extends", "base_unknown")
    ]


def test_a_base_entry_requires_only_what_an_item_inherits(catalogue):
    entry(catalogue, "440131803001", None, "{colour: red, revision: 2, scope: city}")

    assert base_faults(catalogue, "440131803001") == [
        ("_base/440131803001.yaml:6 /requirements/colour", "requirement_unknown"),
        ("_base/440131803001.yaml:6 /requirements/revision", "requirement_unknown"),
    ]


def test_a_base_entrys_file_and_type_are_its_codes(catalogue):
    entry(catalogue, "440131803001", None, "{}")
    path = catalogue / "_base" / "440131803001.yaml"
    path.rename(catalogue / "_base" / "440131803009.yaml")
    spoil(catalogue / "_base", "type: '01'", "type: '20'", "440131803009.yaml")

    assert base_faults(catalogue, "440131803009") == [
        ("_base/440131803009.yaml:1 /code", "base_file_name"),
        ("_base/440131803009.yaml:3 /type", "base_type_differs"),
    ]


def test_a_fault_of_the_base_entry_is_told_at_its_own_line(catalogue, base):
    base("statutory_working_days: 10", "statutory_working_days: ten")

    (found,) = faults_of(catalogue / FOOD)

    assert found[0].startswith(f"_base/{BASE}.yaml:")
    assert found[0].endswith(" /statutory_working_days")
    assert found[1] == "int_parsing"


def test_what_the_system_fills_in_is_not_written(catalogue, item):
    item("revision: 1\n", "revision: 1\nflagged_codes: [/code]\nbase_digest: x\n")

    assert faults_of(catalogue / FOOD) == [
        (f"{FOOD}/item.yaml:7 /base_digest", "key_computed"),
        (f"{FOOD}/item.yaml:6 /flagged_codes", "key_computed"),
    ]


def test_a_legacy_code_is_refused_strictly_and_flagged_leniently(catalogue, item):
    # A code of the shape of real ones that fail their check character.
    item("code: 11441882000000027D44", "code: '11441882000000027044")
    item("40131803000\nbase_code", "40131803000'\nbase_code")
    item("uscc: 11441882000000027D", "uscc: '114418820000000270'")

    assert [code for _, code in faults_of(catalogue / FOOD)] == [
        "item_code_uscc_wrong",
        "organisation_uscc_wrong",
    ]
    assert load(catalogue, lenient=True).item.flagged_codes == (
        "/code",
        "/organisation/uscc",
    )


def test_lenient_flags_nothing_where_nothing_is_wrong(catalogue):
    assert load(catalogue, lenient=True).item == load(catalogue).item

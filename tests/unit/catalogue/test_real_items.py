"""The five items from the plans' services: whole, lawful, and each check alone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from io import BytesIO

import pytest

from tests.unit.catalogue.real_items import (
    DRAINAGE,
    FILES_ASKED,
    PROOF,
    REAL_ITEMS,
    SPOILT,
    Spoilt,
    catalogue,
    changed,
    item_of,
)
from tests.unit.catalogue.world import CATALOGUE, TODAY
from zerotrip.cases.model import HandedBy
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.checks import failed_checks
from zerotrip.catalogue.forms import form_faults, shown
from zerotrip.catalogue.lint import errors
from zerotrip.catalogue.rules import is_asked
from zerotrip.catalogue.whole import placed_findings
from zerotrip.kernel.identifiers import is_citizen_number, is_uscc
from zerotrip.kernel.licence_identifier import licence_identifier
from zerotrip.licences.model import certificate_data
from zerotrip.licences.rendering import Renderer

HAN = re.compile(r"[一-鿿]")
LATIN = re.compile(r"[A-Za-z]")
RENDERER = Renderer()


def every_text(value):
    """Each `{zh, en}` of a plain value."""
    if isinstance(value, dict):
        if {"zh", "en"} <= value.keys():
            yield value
        for each in value.values():
            yield from every_text(each)
    elif isinstance(value, list):
        for each in value:
            yield from every_text(each)


def test_the_catalogue_has_eight_items_that_nothing_is_wrong_with():
    whole = catalogue()
    found = [
        (name, placed.finding.code, placed.finding.path)
        for name, draft in whole.drafts.items()
        for placed in placed_findings(draft, whole.surroundings)
        if errors([placed.finding])
    ]

    assert (whole.faults, found) == ((), [])
    assert set(REAL_ITEMS) <= set(whole.drafts)
    assert len(whole.drafts) >= 8


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_an_item_does_not_grow_old(folder):
    for today in (TODAY, date(2028, 2, 29), date(2040, 1, 31)):
        item = load(CATALOGUE / folder, today).item
        example = load_example(CATALOGUE / folder, today)
        outcome = failed_checks(item, example.form, example.materials, str(today))
        assert outcome.passed


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda each: f"{each.item}-{each.check}")
def test_each_check_alone_refuses(spoilt: Spoilt):
    item = item_of(spoilt.item)
    example = changed(spoilt.item, spoilt.changes)

    outcome = failed_checks(item, example.form, example.materials, TODAY.isoformat())

    # A form that its schema takes: else pre-review would never come to the check.
    assert form_faults(item, example.form) == ()
    assert [fault.code for fault in outcome.failed] == [spoilt.check]
    assert outcome.broken == ()


def test_no_check_is_without_an_example_that_it_refuses():
    tried = {(each.item, each.check) for each in SPOILT}
    there = {
        (folder, check.code)
        for folder in REAL_ITEMS
        for check in item_of(folder).checks
    }

    assert tried == there
    assert all(6 <= len(item_of(folder).checks) <= 12 for folder in REAL_ITEMS)


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_what_is_not_acceptable_names_law_and_article(folder):
    grounds = [
        check
        for check in item_of(folder).checks
        if check.on_failure == "not_acceptable"
    ]

    assert grounds
    for check in grounds:
        basis = check.legal_basis
        assert basis is not None
        assert basis.zh.startswith("《")
        assert basis.en
        assert basis.article
        assert basis.article.startswith("第")


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_every_text_is_chinese_and_english(folder):
    item = item_of(folder).model_dump(mode="json", exclude_none=True)

    texts = list(every_text(item))

    assert len(texts) > 40
    for text in texts:
        # A telephone number reads the same in both.
        if not re.fullmatch(r"[0-9-]+", text["zh"]):
            assert HAN.search(text["zh"]), text
            assert LATIN.search(text["en"]), text
            assert not HAN.search(text["en"]), text


@pytest.mark.parametrize(("folder", "changes", "asked"), FILES_ASKED)
def test_files_are_asked_for_by_what_the_form_says(folder, changes, asked):
    item = item_of(folder)
    example = changed(folder, changes)

    assert form_faults(item, example.form) == ()
    assert [
        material.code for material in item.materials if is_asked(material, example.form)
    ] == asked.split()


def test_every_condition_of_a_material_is_tried_both_ways():
    asked = {
        (folder, code) for folder, _, codes in FILES_ASKED for code in codes.split()
    }
    left_out = {
        (folder, material.code)
        for folder, _, codes in FILES_ASKED
        for material in item_of(folder).materials
        if material.code not in codes.split()
    }
    conditional = {
        (folder, material.code)
        for folder in REAL_ITEMS
        for material in item_of(folder).materials
        if material.when is not None and material.source == "upload"
    }

    assert len(conditional) >= 8
    assert conditional <= asked
    assert conditional <= left_out


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_no_file_is_asked_for_that_the_state_has(folder):
    whole = catalogue()
    held = {draft.item.licence.title.zh for draft in whole.drafts.values()}
    for shared in whole.surroundings.shared.values():
        held |= {shared.name.zh, *shared.aliases}

    uploads = [
        material.name.zh
        for material in item_of(folder).materials
        if material.source == "upload"
    ]

    assert len(held) > 15
    assert [(name, each) for name in uploads for each in held if each in name] == []


def test_materials_come_from_every_source_and_some_may_follow_or_be_used_again():
    materials = [each for folder in REAL_ITEMS for each in item_of(folder).materials]
    licences = {draft.item.licence.type_code for draft in catalogue().drafts.values()}

    assert {each.source for each in materials} == {
        "upload",
        "licence",
        "shared",
        "form",
    }
    for folder in REAL_ITEMS:
        if folder == PROOF:
            continue
        own = item_of(folder).materials
        # By the transport rules a carrier hands everything in at once.
        follows = any(each.may_follow_working_days for each in own)
        assert follows is (folder != "road-freight-licence")
        assert any(each.reusable_months for each in own)
    for each in materials:
        assert each.licence_type is None or each.licence_type in licences
        # What may follow says what becomes of the case when it does not.
        if each.may_follow_working_days is not None:
            assert f"{each.may_follow_working_days}个工作日内补交" in each.note.zh


def test_bodies_are_synthetic_and_each_number_is_one_bodys():
    items = [draft.item for draft in catalogue().drafts.values()]
    named = {(item.organisation.uscc, item.organisation.name.zh) for item in items}

    assert all(is_uscc(uscc) and name.startswith("示例市") for uscc, name in named)
    assert len({uscc for uscc, _ in named}) == len({name for _, name in named})
    assert len(named) == len({uscc for uscc, _ in named}) == 6
    assert len({item.code for item in items}) == len(items)
    assert len({item.base_code for item in items}) == len(items)
    assert len({item.licence.type_code for item in items}) == len(items)


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_people_in_examples_are_nobody(folder):
    item = item_of(folder)
    form = load_example(CATALOGUE / folder, TODAY).form
    holder = shown(item, form, item.licence.holder_path)
    number = shown(item, form, item.applicant.number_path)

    assert holder is not None
    assert "示例" in holder.zh
    assert number is not None
    if item.audience == "person":
        assert is_citizen_number(number.zh)
        assert number.zh.startswith("999999")
    else:
        assert is_uscc(number.zh)
        assert number.zh[8:].startswith("MA0000")


def test_only_the_travel_permit_costs_anything_and_names_why():
    fees = {
        folder: item_of(folder).fee
        for folder in REAL_ITEMS
        if item_of(folder).fee is not None
    }

    assert {folder: fee.amount_fen for folder, fee in fees.items()} == {
        "travel-permit-renewal": 6000
    }
    assert "发改价格〔2019〕914号" in fees["travel-permit-renewal"].legal_basis


def test_the_proof_is_a_query_answered_by_rule_for_a_short_time():
    item = item_of(PROOF)

    assert (item.route.decided_by, item.promised_working_days) == ("rule", 0)
    assert [material.source for material in item.materials] == ["shared"]
    assert item.licence.valid_months == 1
    assert item.route.by_courier is False
    assert item.fee is None


def test_an_uploaded_record_proves_nothing():
    uploaded = {"type": "application/pdf", "size_bytes": 4096}
    example = changed(PROOF, {"/materials/social_insurance_record": uploaded})

    outcome = failed_checks(
        item_of(PROOF), example.form, example.materials, TODAY.isoformat()
    )

    assert [fault.code for fault in outcome.failed] == ["record_not_from_the_fund"]


def test_a_city_may_be_stricter_and_says_why():
    item = item_of(DRAINAGE)
    (stated,) = item.deviations
    cod = next(check for check in item.checks if check.code == "cod_too_high")

    assert stated.path == "/checks/cod_too_high"
    assert "300" in cod.rule
    assert "300" in cod.message.zh
    # What the city leaves out it inherits.
    assert cod.path == "/form/quality/cod"
    assert cod.remedy.zh


@pytest.mark.parametrize("folder", REAL_ITEMS)
def test_the_licence_of_the_example_is_one_page(folder):
    from pypdf import PdfReader

    draft = catalogue().drafts[folder]
    item, licence = draft.item, draft.item.licence
    identifier = licence_identifier(
        licence.type_code, item.organisation.uscc, "ABCDEFGHIJ0123456789"
    )
    data = certificate_data(
        item,
        load_example(CATALOGUE / folder, TODAY).form,
        identifier,
        datetime(2026, 11, 21, 8, tzinfo=UTC),
        f"https://zerotrip.example/v1/verifications/{identifier}",
        sample=True,
        by=HandedBy(),
    )

    pdf = PdfReader(BytesIO(RENDERER.render(draft.layout, data)))

    assert len(pdf.pages) == 1
    assert pdf.metadata["/Keywords"] == identifier
    text = pdf.pages[0].extract_text()
    assert data["fields"][0]["value"] in text
    assert item.organisation.name.zh in text

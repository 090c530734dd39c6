"""What rules may know of who applies."""

from __future__ import annotations

from datetime import date

import pytest

from tests.unit.catalogue.world import FOLDERS, TODAY
from zerotrip.catalogue.applicants import FACTS, facts, facts_of_form
from zerotrip.identity.model import Level

MARK, _, FOOD = FOLDERS
INVENTED = "999999199001010016"  # born on 1 January 1990
DAY = date(2026, 11, 21)


def of(number: str, kind="natural", day: date = DAY):
    return facts(number, level=Level.PRESENT, kind=kind, by_agent=True, today=day)


def test_of_a_person_a_rule_knows_level_document_and_age_and_who_acts():
    assert of(INVENTED) == {
        "level": "present",
        "kind": "natural",
        "by_agent": True,
        "document": "citizen_card",
        "age": 36,
    }
    assert set(of(INVENTED)) == FACTS


@pytest.mark.parametrize(
    ("number", "document", "age"),
    [
        ("810000199001010019", "residence_permit", 36),
        ("911840199001010018", "permanent_resident_card", 36),
        ("E12345678", "passport", None),
        ("not a number", None, None),
    ],
)
def test_what_a_number_does_not_tell_is_left_out(number, document, age):
    known = of(number)

    assert (known.get("document"), known.get("age")) == (document, age)
    assert None not in known.values()


@pytest.mark.parametrize(
    ("day", "age"), [(date(2007, 12, 31), 17), (date(2008, 1, 1), 18)]
)
def test_one_is_a_year_older_on_ones_birthday(day, age):
    assert of(INVENTED, day=day)["age"] == age


@pytest.mark.parametrize("kind", ["company", "sole_trader", "branch"])
def test_of_a_company_a_rule_knows_its_kind_and_no_age(kind):
    known = of("91441882MA0000018A", kind)

    assert known["kind"] == kind
    assert "age" not in known


def test_a_credit_code_that_does_not_check_is_no_document():
    assert "document" not in of("91441882MA0000018B", "company")


def test_a_company_shows_its_credit_code(drafts, example):
    form = example(FOOD).form

    known = facts_of_form(drafts[FOOD].item, form, TODAY)

    assert known == {
        "level": "present",
        "kind": "company",
        "by_agent": False,
        "document": "uscc",
    }


def test_an_example_is_tried_at_the_level_that_its_item_asks_for(drafts, example):
    item = drafts[MARK].item.model_copy(update={"identity_level": Level.STRONG})

    known = facts_of_form(item, example(MARK).form, TODAY)

    assert (known["level"], known["kind"]) == ("strong", "natural")


def test_a_form_without_its_number_tells_less_and_breaks_nothing(drafts):
    known = facts_of_form(drafts[MARK].item, {}, TODAY)

    assert set(known) == {"level", "kind", "by_agent"}

"""Clients are told which fields of a form they fill in from the session, and lock."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from zerotrip.catalogue.authoring import load
from zerotrip.web import views

CATALOGUE = Path(__file__).parents[3] / "catalogue"


def test_an_item_tells_where_its_applicant_stands_and_what_proof_it_needs() -> None:
    item = load(CATALOGUE / "travel-permit-renewal", date(2026, 11, 21)).item

    shown = views.item(item)

    assert shown["identity_level"] == "present"
    assert shown["agents_allowed"] is False
    assert shown["applicant"] == {
        "name_path": "/applicant/name",
        "number_path": "/applicant/citizen_number",
        "telephone_path": "/applicant/telephone",
        "representative_path": None,
    }

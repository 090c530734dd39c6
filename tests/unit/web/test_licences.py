"""Licences: one's own, the file, and the check that anyone may make."""

from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from tests.unit.web.town import FOOD, Answered, Town
from zerotrip.identity.model import Role
from zerotrip.kernel.licence_identifier import licence_identifier, parse

ONE = "/v1/licences/{licence_id}"
VERIFY = "/v1/verifications/{licence_id}"
OWNER = "sub-firm"


def _approved(town: Town, *, run: bool = True) -> str:
    """A decided case's licence, registered unless told to stop before."""
    case_no = town.world.apply(FOOD, OWNER, "company")
    town.world.run()
    now = town.world.case(case_no)
    town.world.requests.decide(now, "officer-1", now.head.version, "approve", "齐")
    town.world.relay()
    if run:
        town.world.run()
    else:
        while not town.world.heads("LICENCE"):
            town.world.carry_out(town.world.queue.pop(0))
            town.world.relay()
    return town.world.heads("LICENCE")[0].id


def _get(town: Town, route: str, sub: str | None, licence_id: str) -> Answered:
    who = town.session(sub, Role.COMPANY) if sub else None
    return town.call("GET", route, who=who, licence_id=licence_id)


def test_ones_own_licence_is_shown_and_its_file_is_an_address_for_a_minute(
    town: Town,
) -> None:
    licence_id = _approved(town)
    read = _get(town, ONE, OWNER, licence_id)
    assert (read.status, read.body["state"]) == (200, "valid")
    document = _get(town, f"{ONE}/document", OWNER, licence_id)
    assert (document.status, document.body) == (303, None)
    address, _, query = document.headers["Location"].partition("?")
    asked = parse_qs(query)
    assert address.endswith(f"{licence_id}.pdf")
    assert (asked["seconds"], asked["version"]) == (["60"], ["v1"])


def test_a_licence_is_no_case_in_the_list_of_cases(town: Town) -> None:
    _approved(town)
    listed = town.call("GET", "/v1/cases", who=town.session(OWNER, Role.COMPANY))
    assert [each["stage"] for each in listed.body["cases"]] == ["completed"]


@pytest.mark.parametrize("route", [ONE, f"{ONE}/document"])
def test_anothers_licence_is_not_found(town: Town, route: str) -> None:
    answered = _get(town, route, "sub-other", _approved(town))
    assert (answered.status, answered.code) == (404, "licence_unknown")


def test_a_licence_that_is_being_made_has_no_file_and_is_not_verified(
    town: Town,
) -> None:
    licence_id = _approved(town, run=False)
    assert _get(town, ONE, OWNER, licence_id).body["state"] == "prepared"
    document = _get(town, f"{ONE}/document", OWNER, licence_id)
    assert (document.status, document.code) == (409, "licence_not_registered")
    assert _get(town, VERIFY, None, licence_id).status == 404


def test_anyone_may_verify_and_learns_nothing_of_the_holder(town: Town) -> None:
    verified = _get(town, VERIFY, None, _approved(town))
    assert (verified.status, verified.body["state"]) == (200, "valid")
    assert set(verified.body) == {
        "licence_id",
        "state",
        "title",
        "issuer",
        "issued_at",
        "valid_until",
    }


def test_a_licence_expires_after_its_last_legal_day(town: Town) -> None:
    licence_id = _approved(town)
    until = _get(town, VERIFY, None, licence_id).body["valid_until"]
    clock = town.world.clock
    clock.at = clock.at.replace(
        year=int(until[:4]), month=int(until[5:7]), day=int(until[8:]), hour=15
    )
    assert _get(town, VERIFY, None, licence_id).body["state"] == "valid"
    clock.forward(hours=2)  # 01:00 of the next day in Shanghai
    assert _get(town, VERIFY, None, licence_id).body["state"] == "expired"


def test_an_identifier_is_checked_before_it_is_looked_up(town: Town) -> None:
    licence_id = _approved(town)
    parts = parse(licence_id)
    never = licence_identifier(parts.type_code, parts.issuer, "0" * 20)
    foreign = licence_identifier(parts.type_code, "12999999MB0000000T", "0" * 20)
    slip = licence_id[:-1] + ("0" if licence_id[-1] != "0" else "1")
    told = [
        (answered.status, answered.code)
        for text in (never, foreign, slip, "1.2.156.3005.2." + "9" * 20)
        for answered in (_get(town, VERIFY, None, text),)
    ]
    assert told == [
        (404, "licence_unknown"),
        (404, "issuer_unknown"),
        (422, "licence_id_check_wrong"),
        (422, "licence_id_malformed"),
    ]

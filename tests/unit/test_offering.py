"""`make offer` leaves everybody where they work, and says who decides."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra.local.offering import NobodyFree, place
from infra.local.partners.people import PEOPLE
from infra.local.seed import TENANT
from tests.support.memory import MemoryTables
from tests.support.world import World
from zerotrip.catalogue.authoring import load
from zerotrip.catalogue.model import Item
from zerotrip.identity.model import Officer, Organisation, Role
from zerotrip.identity.officers import Officers
from zerotrip.identity.staff import (
    find_officer,
    register_officer,
    register_organisation,
)
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.times import legal_day

CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue"
SECRET = b"0" * 32
ELSEWHERE = Organisation("11441882000000090Y", "示例市其他机关", "Elsewhere")


@pytest.fixture
def tables() -> MemoryTables:
    return MemoryTables()


def item(folder: str = "food-business-licence") -> Item:
    return load(CATALOGUE / folder, legal_day(World().clock())).item


def works(tables: MemoryTables, person: str) -> Officer:
    sub = find_officer(tables, SECRET, TENANT, PEOPLE[person].sub)
    return Officers(tables).current(TENANT, sub)


def employ(
    tables: MemoryTables, person: str, uscc: str, department: str, role: Role
) -> None:
    register_organisation(tables, TENANT, Organisation(uscc, "示例机关", "Office"))
    register_officer(
        tables,
        SECRET,
        TENANT,
        PEOPLE[person].sub,
        organisation=uscc,
        department=department,
        roles=frozenset({role}),
        mint=Mint(os.urandom),
    )


def test_who_works_there_already_edits_and_decides(tables: MemoryTables) -> None:
    food = item()
    uscc, room = food.organisation.uscc, food.department
    employ(tables, "zhou", uscc, room, Role.APPROVER)
    employ(tables, "feng", uscc, room, Role.EDITOR)
    assert place(tables, SECRET, food) == ("feng", "zhou")


def test_an_office_without_people_is_given_spare_ones(tables: MemoryTables) -> None:
    food = item()
    assert place(tables, SECRET, food) == ("xie", "yu")
    assert works(tables, "yu").department == food.department
    assert place(tables, SECRET, food) == ("xie", "yu")


def test_nobody_is_moved_from_where_they_work(tables: MemoryTables) -> None:
    for person, role in (("feng", Role.EDITOR), ("wei", Role.OFFICER)):
        employ(tables, person, ELSEWHERE.uscc, "elsewhere", role)
    before = {person: works(tables, person) for person in ("feng", "wei")}
    place(tables, SECRET, item())
    place(tables, SECRET, item("sewage-drainage-permit"))
    assert {person: works(tables, person) for person in before} == before


def test_without_a_spare_person_it_says_so(tables: MemoryTables) -> None:
    for person in ("xie", "zou"):
        employ(tables, person, ELSEWHERE.uscc, "elsewhere", Role.EDITOR)
    with pytest.raises(NobodyFree):
        place(tables, SECRET, item())

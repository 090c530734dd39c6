"""The short code beside a case number: one for each case, one case for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.persons import HASH_KEY, acting, named_in
from tests.support.world import CATALOGUE, TENANT, World
from tests.unit.cases.office import FIRM, METRES, Office, rule
from zerotrip.cases.applications import Applications, Receipt
from zerotrip.cases.query_codes import (
    QueryPointer,
    read_pointer,
    telephone_hash,
)
from zerotrip.catalogue.authoring import load_example
from zerotrip.catalogue.model import Item
from zerotrip.kernel.errors import Conflict, Retry
from zerotrip.kernel.identifiers import QUERY_CODE
from zerotrip.kernel.tables import Rejected, StoredRow, Write
from zerotrip.kernel.times import legal_day

FOOD = "food-business-licence"
MARK = "vehicle-inspection-mark"
FAR = rule("far_enough", "form.premises.metres_to_pollution > 100", METRES)


class Drawn:
    """Draws these query codes in turn, then the mint's own; all else is the mint's."""

    def __init__(self, world: World, codes: Iterator[str]) -> None:
        self.mint, self.codes = world.mint, codes

    def readable(self) -> str:
        return next(self.codes, None) or self.mint.readable()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.mint, name)


def drawing(world: World, *codes: str) -> None:
    mint: Any = Drawn(world, iter(codes))
    world.applications = replace(world.applications, mint=mint)


def pointers(world: World) -> dict[str, StoredRow]:
    """Every pointer row, by its code."""
    return {
        pk.rpartition("#")[2]: row
        for (table, pk, _), row in world.tables.rows.items()
        if table == "records" and "#QUERY#" in pk
    }


def ready(world: World, sub: str = "sub-1") -> str:
    """A draft of the inspection mark with all that it needs; answers its id."""
    code = world.publish(MARK)
    item = world.catalogue.current(TENANT, code).item
    form = load_example(CATALOGUE / MARK, legal_day(world.clock())).form
    who = world.enrol(sub, named_in(item, form))
    draft = world.applications.start(who, code)
    return world.applications.save(who, draft.id, draft.version, form).id


def test_a_hand_in_mints_a_code_that_points_at_the_case() -> None:
    world = World()
    case_no = world.apply(FOOD, "sub-1", "company")
    code = world.case(case_no).case.code
    assert code is not None
    assert QUERY_CODE.fullmatch(code)
    pointer = read_pointer(world.tables, TENANT, code)
    assert pointer is not None
    assert (pointer.case_no, pointer.version) == (case_no, 1)
    assert list(pointers(world)) == [code]


def test_the_code_is_minted_and_stored_with_the_case_or_not_at_all() -> None:
    world = World()
    case_no = world.apply(FOOD, "sub-1", "company")
    (freeze,) = [
        {write.row.pk for write in writes}
        for writes in world.tables.transactions
        if any(write.row.sk == "HEAD" for write in writes)
    ]
    code = world.case(case_no).case.code
    assert f"{TENANT}#QUERY#{code}" in freeze
    assert f"{TENANT}#CASE#{case_no}" in freeze


def test_a_code_that_another_case_has_is_drawn_again() -> None:
    world = World()
    drawing(world, "AAAAAAAA", "AAAAAAAA", "AAAAAAAA", "BBBBBBBB")
    first = world.apply(MARK, "sub-1", "citizen")
    second = world.apply(MARK, "sub-2", "citizen")
    assert world.case(first).case.code == "AAAAAAAA"
    assert world.case(second).case.code == "BBBBBBBB"
    found = {code: row.data["case_no"] for code, row in pointers(world).items()}
    assert found == {"AAAAAAAA": first, "BBBBBBBB": second}


def test_where_no_code_is_free_the_draft_stays_open() -> None:
    world = World()
    drawing(world, *["AAAAAAAA"] * 20)
    world.apply(MARK, "sub-1", "citizen")
    with pytest.raises(Retry) as refused:
        world.apply(MARK, "sub-2", "citizen")
    assert refused.value.code == "case_numbers_busy"
    assert len(pointers(world)) == len(world.heads("CASE")) == 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from("ABC"), max_size=24), st.integers(1, 4))
def test_whatever_is_drawn_each_case_has_one_code_and_each_code_one_case(
    drawn: list[str], people: int
) -> None:
    world = World()
    drawing(world, *(letter * 8 for letter in drawn))
    answered = []
    for number in range(people):
        application = ready(world, f"sub-{number}")
        try:
            receipt = world.applications.hand_in(
                acting(f"sub-{number}"), application, None
            )
        except Retry:
            continue
        answered.append(receipt)
    found = {code: row.data["case_no"] for code, row in pointers(world).items()}
    assert found == {each.query_code: each.case_no for each in answered}
    assert len(found) == len(world.heads("CASE"))


def test_a_hand_in_whose_answer_was_lost_answers_the_same_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    application = ready(world)
    transact = world.tables.transact

    def lost(writes: list[Write], token: str | None = None) -> None:
        transact(writes, token)
        raise Rejected(frozenset(), {})  # it went through, and we are not told

    monkeypatch.setattr(world.tables, "transact", lost)
    first = world.applications.hand_in(acting("sub-1"), application, None)
    monkeypatch.undo()
    again = world.applications.hand_in(acting("sub-1"), application, None)
    (code,) = pointers(world)
    assert first == again == Receipt(first.case_no, code)


def test_two_hand_ins_at_once_are_told_one_number_and_one_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    application = ready(world)
    other: list[Receipt] = []
    hand_in = Applications._hand_in

    def overtaken(self: Applications, *args: Any) -> Receipt:
        if not other:
            other.append(Receipt("", None))  # the second device's own turn
            other[0] = world.applications.hand_in(acting("sub-1"), application, None)
        return hand_in(self, *args)

    monkeypatch.setattr(Applications, "_hand_in", overtaken)
    first = world.applications.hand_in(acting("sub-1"), application, None)
    assert [first] == other
    assert list(pointers(world)) == [first.query_code]
    assert len(world.heads("CASE")) == 1


# the telephone


def corrected(office: Office, telephone: str | None = None) -> tuple[str, str]:
    """A case of another telephone, sent back and corrected; its number and code."""
    item = office.offer([FAR])
    case_no = office.hand_in(item)
    form = office.form(metres_to_pollution=500)
    if telephone is not None:
        form["company"]["telephone"] = telephone
    office.correct(case_no, form)
    return case_no, str(office.case(case_no).case.code)


def kept(office: Office, code: str) -> QueryPointer:
    pointer = read_pointer(office.tables, TENANT, code)
    assert pointer is not None
    return pointer


def hashed(code: str, item: Item, telephone: str) -> str | None:
    return telephone_hash(HASH_KEY, code, item, {"company": {"telephone": telephone}})


def test_the_pointer_knows_the_telephones_last_four_and_no_more() -> None:
    office = Office()
    item = office.offer()
    code = str(office.case(office.hand_in(item)).case.code)
    telephone = office.form()["company"]["telephone"]
    row = pointers(office)[code]
    assert row.data["telephone"] == hashed(code, item, f"1380000{telephone[-4:]}")
    assert row.data["telephone"] != hashed(code, item, "13800009999")
    assert row.data["telephone"] != hashed("OTHERXXX", item, telephone)
    assert telephone[-4:] not in str({**row.data, "case_no": ""})


def test_a_correction_of_the_telephone_rewrites_the_pointer_with_it() -> None:
    office = Office()
    case_no, code = corrected(office, "13912345678")
    item = office.catalogue.pinned(
        TENANT, office.case(case_no).case.item, office.case(case_no).case.item_digest
    )
    pointer = kept(office, code)
    assert pointer.telephone == hashed(code, item, "13912345678")
    assert (pointer.case_no, pointer.version) == (case_no, 2)
    (together,) = [
        {write.row.sk for write in writes}
        for writes in office.tables.transactions
        if any("#QUERY#" in write.row.pk for write in writes)
        and any(write.row.sk.startswith("EVENT#correct") for write in writes)
    ]
    assert {"CASE", "HEAD"} <= together


def test_a_correction_of_anything_else_leaves_the_pointer() -> None:
    office = Office()
    _, code = corrected(office)
    assert kept(office, code).version == 1


def test_a_correction_that_is_refused_leaves_the_pointer() -> None:
    office = Office()
    case_no, code = corrected(office)
    form = office.form(metres_to_pollution=500)
    form["company"]["telephone"] = "13912345678"
    with pytest.raises(Conflict):
        office.requests.correct(case_no, FIRM, office.case(case_no).head.version, form)
    assert kept(office, code).version == 1


def test_where_no_telephone_is_asked_the_pointer_holds_none() -> None:
    office = Office()
    asked = Office().offer()
    paths = asked.applicant.model_copy(update={"telephone_path": None})
    item = office.offer(applicant=paths)
    code = str(office.case(office.hand_in(item)).case.code)
    assert pointers(office)[code].data["telephone"] is None
    assert hashed(code, asked, "123") is None  # nothing of four characters


def test_a_case_of_before_has_no_code_and_is_corrected_all_the_same() -> None:
    office = Office()
    case_no = office.hand_in(office.offer([FAR]))
    code = str(office.case(case_no).case.code)
    place = ("records", office.case(case_no).key.pk, "HEAD")
    head = office.tables.rows[place]
    data = {name: said for name, said in head.data.items() if name != "code"}
    office.tables.rows[place] = replace(head, data=data)
    form = office.form(metres_to_pollution=500)
    form["company"]["telephone"] = "13912345678"
    office.correct(case_no, form)
    assert office.case(case_no).case.code is None
    assert kept(office, code).version == 1

"""Slots in their tables: one row each, written under conditions only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.support.memory import MemoryTables
from tests.unit.materials import files
from tests.unit.materials.conftest import CASE, DRAFT, ISSUED_AT, TENANT, Desk
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict
from zerotrip.kernel.tables import Rejected, Write
from zerotrip.materials.model import Holder, SlotState
from zerotrip.materials.steps import receive_material
from zerotrip.materials.store import SlotMoved

SECOND = "ZYXWVTSRQPNMKJHGFEDCBA9876"


@pytest.mark.parametrize("holder", [DRAFT, CASE])
def test_a_slot_is_read_back_as_it_was_written(desk: Desk, holder: Holder) -> None:
    opened = desk.open(holder)
    assert desk.slots.of(holder) == (opened,)
    assert desk.slot(holder) == opened
    assert opened.revision == 1


def test_an_absent_slot_is_none(desk: Desk) -> None:
    assert desk.slots.get(DRAFT, "loss_declaration") is None
    assert desk.slots.of(DRAFT) == ()


@pytest.mark.parametrize("content", [None, files.PDF, files.PNG])
def test_a_slot_is_issued_anew_whatever_it_holds(
    desk: Desk, content: bytes | None
) -> None:
    first = desk.open()
    if content is not None:
        receive_material(desk.upload(first, content), desk.deps)
    second = desk.open(upload_id=SECOND)
    assert (second.state, second.upload_id) == (SlotState.OPEN, SECOND)
    assert (second.version_id, second.reason) == (None, None)
    assert second.replaced == (first.upload_id,)


def test_only_the_last_replaced_uploads_are_remembered(desk: Desk) -> None:
    names = [f"{number:026}" for number in range(7)]
    for name in names:
        desk.open(upload_id=name)
    assert desk.slot().replaced == tuple(reversed(names[2:6]))


def test_a_write_on_an_older_reading_is_refused(desk: Desk) -> None:
    stale = desk.open()
    desk.open(upload_id=SECOND)
    with pytest.raises(SlotMoved):
        desk.slots.replace(stale.received("v1", "0" * 64))
    assert desk.slot().upload_id == SECOND


def test_two_first_uploads_at_once_leave_the_later_in_the_slot(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = desk.tables.transact

    def overtaken(writes: list[Write], token: str | None = None) -> None:
        monkeypatch.setattr(desk.tables, "transact", honest)
        desk.open(upload_id=SECOND)
        honest(writes, token)

    monkeypatch.setattr(desk.tables, "transact", overtaken)
    opened = desk.open()
    assert desk.slot() == opened
    assert opened.replaced == (SECOND,)


def test_a_slot_that_never_stands_still_is_a_conflict(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(writes: list[Write], token: str | None = None) -> None:
        raise Rejected(frozenset({0}), {})

    monkeypatch.setattr(desk.tables, "transact", refused)
    with pytest.raises(Conflict) as caught:
        desk.open()
    assert caught.value.code == "upload_slot_busy"


@pytest.mark.parametrize("holder", [DRAFT, CASE])
def test_an_open_slot_is_due_after_fifteen_minutes(desk: Desk, holder: Holder) -> None:
    slot = desk.open(holder)
    due = times.to_text(ISSUED_AT + timedelta(minutes=15))
    before = times.to_text(ISSUED_AT + timedelta(minutes=14, seconds=59))
    assert desk.slots.due(holder.table, TENANT, due) == (slot,)
    assert desk.slots.due(holder.table, TENANT, before) == ()


def test_a_settled_slot_leaves_the_due_index(desk: Desk) -> None:
    receive_material(desk.upload(desk.open()), desk.deps)
    assert desk.slots.due("drafts", TENANT, "2099-01-01T00:00:00.000Z") == ()


class Forgetful(MemoryTables):
    """Answers the first writing of a slot as DynamoDB does when it comes twice and its
    token is forgotten: the condition fails on the very row that was just written."""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        super().transact(writes, token)
        if len(self.transactions) == 1:
            super().transact(writes, token)


def test_a_slot_that_was_written_unheard_is_not_replaced_by_itself() -> None:
    """Otherwise its own upload counts as replaced, and no file could ever fill it."""
    desk = Desk(tables=Forgetful())
    opened = desk.open()
    assert (desk.slot(), desk.slot().replaced) == (opened, ())
    receive_material(desk.upload(opened), desk.deps)
    assert desk.slot().state is SlotState.RECEIVED

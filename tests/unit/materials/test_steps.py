"""receive_material: right, wrong, twice, late, out of order, foreign."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest

from tests.unit.materials import files
from tests.unit.materials.conftest import CASE, DRAFT, TENANT, Desk, records
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Retry
from zerotrip.kernel.tables import Rejected, Write
from zerotrip.materials.model import Holder, SlotState
from zerotrip.materials.steps import (
    look_for_upload,
    looked_for,
    receive_material,
)
from zerotrip.materials.storage_events import records_of

SECOND = "ZYXWVTSRQPNMKJHGFEDCBA9876"
EVER = "2099-01-01T00:00:00.000Z"


@pytest.mark.parametrize("holder", [DRAFT, CASE])
def test_a_right_file_is_attached_to_its_open_slot(desk: Desk, holder: Holder) -> None:
    settled = receive_material(desk.upload(desk.open(holder)), desk.deps)
    assert desk.slot(holder) == settled
    assert settled.state is SlotState.RECEIVED
    assert settled.version_id == "v1"
    assert settled.sha256 == hashlib.sha256(files.PDF).hexdigest()
    assert settled.true_type == "application/pdf"
    assert settled.reason is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (files.PNG, "material_size_wrong"),
        (files.PNG.ljust(len(files.PDF), b"\0"), "material_type_wrong"),
        (files.PROGRAM.ljust(len(files.PDF), b"\0"), "material_type_wrong"),
        (b"", "material_empty"),
        (files.PDF.replace(b"%%EOF", b"%%EOX"), "material_corrupt"),
    ],
)
def test_a_wrong_file_is_refused_with_a_reason(
    desk: Desk, content: bytes, code: str
) -> None:
    settled = receive_material(desk.upload(desk.open(), content), desk.deps)
    assert desk.slot() == settled
    assert settled.state is SlotState.REFUSED
    assert settled.reason is not None
    assert settled.reason.code == code
    assert settled.version_id == "v1"


@pytest.mark.parametrize("content", [files.PDF, files.PNG])
def test_an_event_delivered_twice_settles_once(desk: Desk, content: bytes) -> None:
    said = desk.upload(desk.open(), content)
    receive_material(said, desk.deps)
    settled = desk.rows()
    with pytest.raises(AlreadyDone) as caught:
        receive_material(said, desk.deps)
    assert caught.value.code == "upload_checked_already"
    assert desk.rows() == settled


@pytest.mark.parametrize("content", [files.PDF, files.PNG])
def test_a_later_version_does_not_move_the_pinned_one(
    desk: Desk, content: bytes
) -> None:
    slot = desk.open()
    receive_material(desk.upload(slot, content), desk.deps)
    settled = desk.rows()
    with pytest.raises(AlreadyDone) as caught:
        receive_material(desk.upload(slot), desk.deps)
    assert caught.value.code == "upload_version_ignored"
    assert desk.rows() == settled


def test_out_of_order_the_version_that_is_checked_first_stays(desk: Desk) -> None:
    slot = desk.open()
    earlier = desk.upload(slot)
    later = desk.upload(slot)
    receive_material(later, desk.deps)
    with pytest.raises(AlreadyDone) as caught:
        receive_material(earlier, desk.deps)
    assert caught.value.code == "upload_version_ignored"
    assert desk.slot().version_id == "v2"


def test_exactly_the_version_of_the_event_is_checked(desk: Desk) -> None:
    slot = desk.open()
    wrong = desk.upload(slot, files.PNG)
    desk.upload(slot)
    settled = receive_material(wrong, desk.deps)
    assert (settled.state, settled.version_id) == (SlotState.REFUSED, "v1")


def test_a_late_event_of_a_replaced_upload_changes_nothing(desk: Desk) -> None:
    late = desk.upload(desk.open())
    fresh = desk.open(upload_id=SECOND)
    with pytest.raises(AlreadyDone) as caught:
        receive_material(late, desk.deps)
    assert caught.value.code == "upload_replaced"
    assert desk.slot() == fresh
    receive_material(desk.upload(fresh), desk.deps)
    assert desk.slot().state is SlotState.RECEIVED


def test_after_a_refusal_a_fresh_upload_is_received(desk: Desk) -> None:
    receive_material(desk.upload(desk.open(), files.PNG), desk.deps)
    settled = receive_material(desk.upload(desk.open(upload_id=SECOND)), desk.deps)
    assert (settled.state, settled.reason) == (SlotState.RECEIVED, None)


@pytest.mark.parametrize(
    "name",
    [
        "s3_object_created_foreign_tenant",
        "s3_object_created_foreign_bucket",
        "s3_object_created_key_foreign_text",
    ],
)
def test_a_foreign_key_or_bucket_changes_nothing(desk: Desk, name: str) -> None:
    desk.open()
    before = desk.rows()
    with pytest.raises(GiveUp) as caught:
        receive_material(records(name)[0], desk.deps)
    assert caught.value.code == "upload_key_unknown"
    assert "扫描" not in str(caught.value.detail)
    assert desk.rows() == before


@pytest.mark.parametrize("open_another", [False, True])
def test_an_upload_that_no_slot_awaits_changes_nothing(
    desk: Desk, open_another: bool
) -> None:
    if open_another:
        desk.open(upload_id=SECOND)
    before = desk.rows()
    with pytest.raises(GiveUp) as caught:
        receive_material(records("s3_object_created_post")[0], desk.deps)
    assert caught.value.code == "upload_slot_unknown"
    assert desk.rows() == before


def test_a_version_that_is_not_there_leaves_the_slot_open(desk: Desk) -> None:
    slot = desk.open()
    with pytest.raises(GiveUp) as caught:
        receive_material(desk.said(slot, "v9"), desk.deps)
    assert caught.value.code == "upload_object_absent"
    assert desk.slot() == slot


def test_two_workers_on_two_versions_settle_the_slot_once(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot = desk.open()
    first, second = desk.upload(slot), desk.upload(slot)
    honest = desk.tables.transact

    def overtaken(writes: list[Write], token: str | None = None) -> None:
        monkeypatch.setattr(desk.tables, "transact", honest)
        receive_material(second, desk.deps)
        honest(writes, token)

    monkeypatch.setattr(desk.tables, "transact", overtaken)
    with pytest.raises(AlreadyDone) as caught:
        receive_material(first, desk.deps)
    assert caught.value.code == "upload_version_ignored"
    assert desk.slot().version_id == "v2"


def test_a_slot_that_never_stands_still_is_tried_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = desk.upload(desk.open())

    def cancelled(writes: list[Write], token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(desk.tables, "transact", cancelled)
    with pytest.raises(Retry) as caught:
        receive_material(said, desk.deps)
    assert caught.value.code == "upload_slot_contended"


def test_an_object_whose_event_never_came_is_found_and_received(desk: Desk) -> None:
    desk.upload(desk.open())
    (due,) = desk.slots.due("drafts", TENANT, EVER)
    message = look_for_upload(due, desk.deps)
    assert message is not None
    looked_for(due, desk.deps, found=True)
    (record,) = records_of(json.dumps(message))
    assert receive_material(record, desk.deps).state is SlotState.RECEIVED


def test_a_found_object_is_looked_for_again_later(desk: Desk) -> None:
    slot = desk.open()
    desk.upload(slot)
    looked_for(slot, desk.deps, found=True)
    later = desk.slot().look_at
    assert later == slot.issued_at + timedelta(minutes=45)


def test_an_upload_that_never_came_is_absent_and_looked_for_once_more(
    desk: Desk,
) -> None:
    slot = desk.open()
    assert look_for_upload(slot, desk.deps) is None
    looked_for(slot, desk.deps, found=False)
    (due,) = desk.slots.due("drafts", TENANT, EVER)
    assert due.state is SlotState.ABSENT
    assert due.look_at == slot.issued_at + timedelta(minutes=45)
    looked_for(due, desk.deps, found=False)
    assert desk.slots.due("drafts", TENANT, EVER) == ()
    assert desk.slot().state is SlotState.ABSENT


def test_a_file_that_ended_after_the_first_look_is_found_and_received(
    desk: Desk,
) -> None:
    slot = desk.open()
    looked_for(slot, desk.deps, found=False)
    desk.upload(slot)
    (due,) = desk.slots.due("drafts", TENANT, EVER)
    message = look_for_upload(due, desk.deps)
    assert message is not None
    looked_for(due, desk.deps, found=True)
    assert desk.slot().state is SlotState.OPEN
    (record,) = records_of(json.dumps(message))
    assert receive_material(record, desk.deps).state is SlotState.RECEIVED


def test_an_event_that_comes_after_the_last_look_is_taken(desk: Desk) -> None:
    slot = desk.open()
    looked_for(slot, desk.deps, found=False)
    looked_for(desk.slot(), desk.deps, found=False)
    assert receive_material(desk.upload(slot), desk.deps).state is SlotState.RECEIVED


def test_a_settled_slot_is_not_looked_for(desk: Desk) -> None:
    settled = receive_material(desk.upload(desk.open()), desk.deps)
    assert look_for_upload(settled, desk.deps) is None


def test_a_look_that_was_overtaken_does_not_open_the_slot_again(desk: Desk) -> None:
    slot = desk.open()
    receive_material(desk.upload(slot), desk.deps)
    with pytest.raises(AlreadyDone) as caught:
        looked_for(slot, desk.deps, found=True)
    assert caught.value.code == "upload_moved_on"
    assert desk.slot().state is SlotState.RECEIVED

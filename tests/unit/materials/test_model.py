"""A slot, its keys, and what it shows and hides."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.materials.conftest import CASE, DRAFT, ISSUED_AT, UPLOAD, Desk
from zerotrip.kernel.errors import Conflict, Fault
from zerotrip.materials.model import (
    MOST_LOOKS,
    Holder,
    UploadAddress,
    object_key,
    parse_object_key,
    pins,
)


@pytest.mark.parametrize("holder", [DRAFT, CASE])
def test_an_object_key_is_read_back_as_it_was_made(holder: Holder) -> None:
    key = object_key(holder, "loss_declaration", UPLOAD)
    assert parse_object_key(key) == UploadAddress(holder, "loss_declaration", UPLOAD)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "441882",
        f"441882/BILL/X1/loss_declaration/{UPLOAD}",
        f"44188/APP/X1/loss_declaration/{UPLOAD}",
        f"441882/APP/X1/loss_declaration/{UPLOAD}/more",
        f"441882/APP/X1/loss_declaration/{UPLOAD}\n",
        f"441882/APP/X1/Loss/{UPLOAD}",
        f"441882/APP/X#1/loss_declaration/{UPLOAD}",
        f"441882/APP/../loss_declaration/{UPLOAD}",
        "441882/APP/X1/loss_declaration/short",
    ],
)
def test_a_key_of_another_shape_is_nobodys(key: str) -> None:
    assert parse_object_key(key) is None


def test_a_draft_and_a_case_keep_their_slots_in_their_own_tables() -> None:
    assert (DRAFT.table, DRAFT.pk) == ("drafts", f"441882#APP#{DRAFT.id}")
    assert (CASE.table, CASE.pk) == ("records", f"441882#CASE#{CASE.id}")
    assert Holder.from_pk(CASE.pk) == CASE


def test_an_open_slot_is_looked_for_ever_later_and_not_for_ever(desk: Desk) -> None:
    slot = desk.open()
    minutes = []
    while slot.look_at is not None:
        minutes.append((slot.look_at - ISSUED_AT) // timedelta(minutes=1))
        slot = slot.looked_for(found=True)
    assert minutes == [15, 45, 105, 225, 465]
    assert len(minutes) == MOST_LOOKS


def test_a_settled_slot_is_not_looked_for(desk: Desk) -> None:
    slot = desk.open()
    reason = Fault("/materials/loss_declaration", "material_empty", "空", "empty")
    assert slot.received("v1", "0" * 64).look_at is None
    assert slot.refused("v1", "0" * 64, None, reason).look_at is None
    assert slot.looked_for(found=False).looked_for(found=False).look_at is None


def test_an_absent_upload_holds_no_hand_in_up(desk: Desk) -> None:
    slot = desk.open()
    with pytest.raises(Conflict) as waiting:
        pins([slot])
    assert waiting.value.code == "material_unchecked"
    assert pins([slot.looked_for(found=False)]) == {}


def test_what_is_frozen_names_the_exact_version(desk: Desk) -> None:
    slot = desk.open().received("v1", "ab" * 32)
    assert slot.pin() == {
        "key": slot.object_key,
        "version_id": "v1",
        "sha256": "ab" * 32,
        "type": "application/pdf",
        "size_bytes": slot.size_bytes,
        "scan": None,
    }


def test_what_the_applicant_sees_says_the_reason_and_no_key(desk: Desk) -> None:
    reason = Fault("/materials/loss_declaration", "material_empty", "空", "empty")
    seen = desk.open().refused("v1", "ab" * 32, None, reason).as_json()
    assert seen["state"] == "refused"
    assert seen["reason"] == reason.as_json()
    assert UPLOAD not in str(seen)
    assert "v1" not in seen.values()

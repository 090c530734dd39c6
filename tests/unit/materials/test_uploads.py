"""The form that an applicant gets is for exactly one file."""

from __future__ import annotations

import os

import pytest

from tests.unit.materials.conftest import DRAFT, ISSUED_AT, Desk
from zerotrip.catalogue.model import Material, Text
from zerotrip.kernel.errors import Invalid
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import UploadForm
from zerotrip.materials.model import Slot, parse_object_key
from zerotrip.materials.uploads import FORM_SECONDS, Announced, issue_upload

MATERIAL = Material(
    code="loss_declaration",
    name=Text(zh="遗失声明", en="Declaration of loss"),
    types=("application/pdf", "image/jpeg"),
    max_bytes=1024 * 1024,
)


def issued(desk: Desk, announced: Announced) -> tuple[Slot, UploadForm]:
    return issue_upload(
        desk.slots,
        desk.objects,
        Mint(os.urandom),
        now=ISSUED_AT,
        holder=DRAFT,
        material=MATERIAL,
        announced=announced,
        expires_at=1_797_840_000,
    )


def test_the_form_has_the_slots_key_type_size_and_ten_minutes(desk: Desk) -> None:
    slot, form = issued(desk, Announced("image/jpeg", 1024 * 1024))
    assert dict(form.fields) == {
        "key": slot.object_key,
        "Content-Type": "image/jpeg",
        "size": "1048576",
        "seconds": str(FORM_SECONDS),
    }
    assert parse_object_key(slot.object_key) is not None


def test_the_slot_stands_stored_when_the_form_leaves(desk: Desk) -> None:
    slot, _ = issued(desk, Announced("application/pdf", 1))
    assert desk.slot() == slot
    assert desk.rows()["drafts", DRAFT.pk, slot.sk].expires_at == 1_797_840_000


def test_each_form_has_a_key_of_its_own(desk: Desk) -> None:
    announced = Announced("application/pdf", 100)
    first, _ = issued(desk, announced)
    second, _ = issued(desk, announced)
    assert first.object_key != second.object_key
    assert desk.slot() == second


@pytest.mark.parametrize(
    ("announced", "expected"),
    [
        (Announced("image/png", 100), [("/content_type", "material_type_wrong")]),
        (Announced("text/html", 100), [("/content_type", "material_type_wrong")]),
        (
            Announced("application/pdf", 1024 * 1024 + 1),
            [("/size_bytes", "material_size_wrong")],
        ),
        (Announced("application/pdf", 0), [("/size_bytes", "material_empty")]),
        (
            Announced("image/png", -1),
            [
                ("/content_type", "material_type_wrong"),
                ("/size_bytes", "material_empty"),
            ],
        ),
    ],
)
def test_every_fault_of_an_announcement_is_told_and_nothing_is_opened(
    desk: Desk, announced: Announced, expected: list[tuple[str, str]]
) -> None:
    with pytest.raises(Invalid) as caught:
        issued(desk, announced)
    assert caught.value.code == "material_not_acceptable"
    assert [(fault.path, fault.code) for fault in caught.value.faults] == expected
    assert desk.rows() == {}


def test_the_limit_is_said_in_words(desk: Desk) -> None:
    with pytest.raises(Invalid) as caught:
        issued(desk, Announced("application/pdf", 5_000_000))
    assert "最大为1.0 MB" in caught.value.faults[0].zh

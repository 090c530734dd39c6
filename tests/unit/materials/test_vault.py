"""What a person handed up is kept once, and stands again only as the person agrees."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.persons import acting
from tests.unit.materials import files
from tests.unit.materials.conftest import (
    CASE,
    DRAFT,
    ISSUED_AT,
    SCANNED_AT,
    TENANT,
    Desk,
)
from zerotrip.catalogue.model import Material, Text
from zerotrip.identity.powers import (
    EVERY_ACT,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
)
from zerotrip.kernel import times
from zerotrip.kernel.errors import AlreadyDone, Conflict, Invalid, NotFound
from zerotrip.kernel.tables import Put, StoredRow, Write
from zerotrip.materials.model import Holder, Slot, SlotState, pins
from zerotrip.materials.scanning import Outcome, Verdict
from zerotrip.materials.steps import receive_material
from zerotrip.materials.vault import (
    MOST_CONSENTS,
    MOST_USES,
    Consent,
    Entry,
    Use,
    reused_slot,
)
from zerotrip.materials.vault import consent as agree
from zerotrip.materials.vault_store import KEPT_FOR, Vaults

SUB = "SYNTHETIC0PERSON0000000001"
OTHER = "SYNTHETIC0PERSON0000000002"
WHO, STRANGER = acting(SUB), acting(OTHER)
BOTH = replace(WHO, subs=frozenset({SUB, OTHER}))
SECOND = replace(DRAFT, id="8K3M9QXW2D5T8VBNRH4J6CYFAE")
SHA256 = hashlib.sha256(files.PDF).hexdigest()
ITEM, DIGEST = "11441882007000001K4000124000001", "0" * 64
NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
AGREED = Consent("用于申请补领行驶证", NOW)
UPLOAD_2 = "ZYXWVTSRQPNMKJHGFEDCBA9876"


def drafted(desk: Desk, holder: Holder = DRAFT, sub: str = SUB) -> None:
    """A draft's row, as far as anything here reads it."""
    row = StoredRow(
        holder.pk,
        "DRAFT",
        {"sub": sub, "item": ITEM, "item_digest": DIGEST},
    )
    desk.tables.transact([Put("drafts", row)])


def received(desk: Desk, holder: Holder = DRAFT, sub: str = SUB) -> Slot:
    drafted(desk, holder, sub)
    return receive_material(desk.upload(desk.open(holder)), desk.deps)


def vaults(desk: Desk) -> Vaults:
    return Vaults(desk.tables, TENANT)


def material(**changes: object) -> Material:
    asked = {
        "code": "loss_declaration",
        "name": Text(zh="遗失声明", en="Declaration of loss"),
        "reusable_months": 6,
    }
    return Material.model_validate({**asked, **changes})


def entry(**changes: object) -> Entry:
    made = Entry(
        tenant=TENANT,
        sub=SUB,
        sha256=SHA256,
        holder=DRAFT,
        key="441882/APP/X/loss_declaration/Y",
        version_id="v1",
        content_type="application/pdf",
        size_bytes=len(files.PDF),
        received_at=NOW - timedelta(days=30),
        scan=Verdict("clamav", "ClamAV 1.4.3", Outcome.CLEAN),
        uses={"loss_declaration": Use(ITEM, DIGEST, "2026-11-01T02:00:00.000Z")},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def reuse(found: Entry, asked: Material, agreed: Consent = AGREED) -> Slot:
    slot, _ = reused_slot(
        found, asked, holder=SECOND, upload_id=UPLOAD_2, agreed=agreed, expires_at=1
    )
    return slot


def test_a_received_file_enters_its_owners_vault(desk: Desk) -> None:
    slot = received(desk)
    (kept,) = vaults(desk).of(WHO, 10)
    assert kept == Entry(
        tenant=TENANT,
        sub=SUB,
        sha256=SHA256,
        holder=DRAFT,
        key=slot.object_key,
        version_id="v1",
        content_type="application/pdf",
        size_bytes=len(files.PDF),
        received_at=ISSUED_AT,
        scan=Verdict("none", None, Outcome.CLEAN, at=times.to_text(SCANNED_AT)),
        uses={"loss_declaration": Use(ITEM, DIGEST, "2026-11-21T07:58:00.000Z")},
        revision=1,
    )


def test_slot_and_vault_are_written_together(desk: Desk) -> None:
    received(desk)
    (last,) = desk.tables.transactions[-1:]
    assert [each.row.sk for each in last if isinstance(each, Put)] == [
        "SLOT#loss_declaration",
        f"VAULT#{SHA256}",
    ]


def test_a_refused_file_does_not_enter(desk: Desk) -> None:
    drafted(desk)
    receive_material(desk.upload(desk.open(), files.PNG), desk.deps)
    assert vaults(desk).of(WHO, 10) == []


def test_a_file_for_a_case_does_not_enter(desk: Desk) -> None:
    drafted(desk, CASE)
    settled = receive_material(desk.upload(desk.open(CASE)), desk.deps)
    assert settled.state is SlotState.RECEIVED
    assert vaults(desk).of(WHO, 10) == []


def test_a_file_whose_draft_is_gone_is_received_all_the_same(desk: Desk) -> None:
    settled = receive_material(desk.upload(desk.open()), desk.deps)
    assert settled.state is SlotState.RECEIVED


def test_the_same_bytes_are_one_entry_as_old_as_their_first_coming(desk: Desk) -> None:
    first = received(desk)
    drafted(desk, SECOND)
    again = desk.open(SECOND, issued_at=ISSUED_AT + timedelta(days=400))
    receive_material(desk.upload(again), desk.deps)
    (kept,) = vaults(desk).of(WHO, 10)
    assert (kept.key, kept.received_at) == (first.object_key, ISSUED_AT)
    assert kept.revision == 1


def test_the_same_bytes_as_another_material_are_one_entry_with_two_uses(
    desk: Desk,
) -> None:
    received(desk)
    other = replace(desk.slot(), code="letter", revision=0)
    (further,) = vaults(desk).entering(other)
    desk.tables.transact([further])
    (kept,) = vaults(desk).of(WHO, 10)
    assert sorted(kept.uses) == ["letter", "loss_declaration"]
    assert kept.revision == 2
    assert vaults(desk).entering(other) == ()


def test_an_entry_does_not_grow_without_end() -> None:
    use = Use(ITEM, DIGEST, "")
    full = entry(uses={f"material_{number}": use for number in range(MOST_USES)})
    assert full.used_as("one_more", use) is None


def test_the_same_bytes_of_two_people_are_two_entries(desk: Desk) -> None:
    received(desk)
    received(desk, SECOND, OTHER)
    (one,), (two,) = vaults(desk).of(WHO, 10), vaults(desk).of(STRANGER, 10)
    assert (one.holder, two.holder) == (DRAFT, SECOND)


def test_what_came_by_two_logins_of_one_person_is_one_file_as_old_as_the_first(
    desk: Desk,
) -> None:
    drafted(desk)
    late = desk.open(DRAFT, issued_at=ISSUED_AT + timedelta(days=400))
    receive_material(desk.upload(late), desk.deps)
    received(desk, SECOND, OTHER)
    (kept,) = vaults(desk).of(BOTH, 10)
    assert (kept.sub, kept.received_at) == (OTHER, ISSUED_AT)
    assert vaults(desk).own(BOTH, SHA256) == kept


@pytest.mark.parametrize(
    "scope", [Scope(item=ITEM), Scope(case_no="1"), Scope()], ids=repr
)
def test_an_agent_sees_the_principals_files_only_under_a_power_for_everything(
    desk: Desk, scope: Scope
) -> None:
    received(desk)
    power = Power(
        id="P", principal=SUB, agent=OTHER, office=Office.AGENT, acts=EVERY_ACT,
        scope=scope, source=PowerSource.CONSENT, starts_at=NOW, ends_at=NOW,
        state=PowerState.ACCEPTED,
    )  # fmt: skip
    agent = replace(WHO, login=OTHER, power=power)
    assert len(vaults(desk).of(agent, 10)) == (1 if scope.everything else 0)
    if not scope.everything:
        with pytest.raises(NotFound):
            vaults(desk).own(agent, SHA256)


def test_two_files_of_one_content_at_once_make_one_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second finds that its entry was written since it looked, and looks again."""
    drafted(desk)
    drafted(desk, SECOND)
    said, other = desk.upload(desk.open()), desk.upload(desk.open(SECOND))
    honest = desk.tables.transact

    def overtaken(writes: Sequence[Write], token: str | None = None) -> None:
        monkeypatch.setattr(desk.tables, "transact", honest)
        receive_material(other, desk.deps)
        honest(writes, token)

    monkeypatch.setattr(desk.tables, "transact", overtaken)
    assert receive_material(said, desk.deps).state is SlotState.RECEIVED
    (kept,) = vaults(desk).of(WHO, 10)
    assert kept.holder == SECOND
    assert desk.slot(SECOND).state is SlotState.RECEIVED


def test_an_event_delivered_twice_enters_once(desk: Desk) -> None:
    drafted(desk)
    said = desk.upload(desk.open())
    receive_material(said, desk.deps)
    rows = desk.rows()
    with pytest.raises(AlreadyDone):
        receive_material(said, desk.deps)
    assert desk.rows() == rows


def test_the_newest_files_come_first_and_no_more_than_asked(desk: Desk) -> None:
    drafted(desk)
    for number, name in enumerate(("a", "b", "c")):
        at = ISSUED_AT + timedelta(days=number)
        slot = replace(desk.open(), issued_at=at, code=name)
        found = slot.received("v1", name * 64)
        desk.tables.transact(vaults(desk).entering(found))
    assert [each.sha256[0] for each in vaults(desk).of(WHO, 2)] == ["c", "b"]


def test_anothers_file_is_as_absent_as_none(desk: Desk) -> None:
    received(desk)
    answers = []
    for who, sha256 in ((STRANGER, SHA256), (WHO, "0" * 64)):
        with pytest.raises(NotFound) as caught:
            vaults(desk).own(who, sha256)
        answers.append((caught.value.code, caught.value.zh, caught.value.detail))
    assert answers[0] == answers[1]
    assert vaults(desk).own(WHO, SHA256).sha256 == SHA256


def test_an_entry_is_forgotten_after_years(desk: Desk) -> None:
    received(desk)
    row = desk.rows()[("drafts", f"{TENANT}#SUBJECT#{SUB}", f"VAULT#{SHA256}")]
    assert row.expires_at == int((ISSUED_AT + KEPT_FOR).timestamp())


def test_a_stored_file_fills_a_slot_and_the_slot_says_so() -> None:
    slot = reuse(entry(), material())
    assert (slot.state, slot.holder) == (SlotState.RECEIVED, SECOND)
    assert slot.as_json()["reused"] == {
        "sha256": SHA256,
        "purpose": AGREED.purpose,
        "consent_at": "2026-12-01T02:00:00.000Z",
    }
    assert pins([slot]) == {
        "loss_declaration": {
            "key": entry().key,
            "version_id": "v1",
            "sha256": SHA256,
            "type": "application/pdf",
            "size_bytes": len(files.PDF),
            "scan": slot.scan.as_data() if slot.scan else None,
        }
    }
    assert slot.scan == entry().scan


def test_a_reused_slot_is_read_back_as_it_was_written(desk: Desk) -> None:
    desk.slots.open(reuse(entry(), material()))
    assert desk.slot(SECOND) == reuse(entry(), material())


def test_the_legal_day_ends_at_midnight_in_shanghai() -> None:
    found = entry(received_at=datetime(2026, 5, 31, 17, 0, tzinfo=UTC))
    last = datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
    assert reuse(found, material(), Consent("用途", last)).sha256 == SHA256
    with pytest.raises(Conflict) as caught:
        reuse(found, material(), Consent("用途", last + timedelta(seconds=1)))
    assert caught.value.code == "vault_material_too_old"
    assert caught.value.detail == {"valid_until": "2026-12-01"}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"reusable_months": None}, "vault_reuse_not_offered"),
        ({"code": "letter"}, "vault_material_other"),
        ({"types": ("image/png",)}, "material_not_acceptable"),
        ({"max_bytes": 10}, "material_not_acceptable"),
    ],
)
def test_a_file_that_the_item_would_not_take_is_refused(
    asked: dict[str, object], code: str
) -> None:
    with pytest.raises((Conflict, Invalid)) as caught:
        reuse(entry(), material(**asked))
    assert caught.value.code == code


def test_without_consent_nothing_is_reused() -> None:
    with pytest.raises(Invalid) as caught:
        agree("用途", False, NOW)
    assert caught.value.code == "consent_missing"
    assert [fault.path for fault in caught.value.faults] == ["/consent"]
    assert agree("用途", True, NOW) == Consent("用途", NOW)


@pytest.mark.parametrize("purpose", ["办理 13800000000", "证件99999919900101"])
def test_a_purpose_holds_no_number_of_a_person(purpose: str) -> None:
    with pytest.raises(Invalid) as caught:
        agree(purpose, True, NOW)
    assert caught.value.code == "purpose_personal"
    assert purpose not in caught.value.zh + caught.value.en


def test_each_consent_is_recorded_with_purpose_and_validity(desk: Desk) -> None:
    slot, until = reused_slot(
        entry(),
        material(),
        holder=SECOND,
        upload_id=UPLOAD_2,
        agreed=AGREED,
        expires_at=None,
    )
    for _ in range(MOST_CONSENTS + 2):
        desk.tables.transact(vaults(desk).reusing(SUB, slot, AGREED, until))
    sk = f"REUSE#{SHA256}#{SECOND.id}#loss_declaration"
    row = desk.rows()[("drafts", f"{TENANT}#SUBJECT#{SUB}", sk)]
    assert row.version == MOST_CONSENTS + 2
    assert len(row.data["consents"]) == MOST_CONSENTS
    assert row.data["consents"][-1] == {
        "consent_at": "2026-12-01T02:00:00.000Z",
        "purpose": AGREED.purpose,
        "valid_until": "2027-05-01",
        "upload_id": UPLOAD_2,
    }


def test_the_vault_lists_files_and_not_consents(desk: Desk) -> None:
    slot = received(desk)
    desk.tables.transact(vaults(desk).reusing(SUB, slot, AGREED, NOW.date()))
    assert len(vaults(desk).of(WHO, 10)) == 1


def test_a_slot_that_knows_no_scan_is_still_read(desk: Desk) -> None:
    """As rows that were written before there were scanners."""
    desk.open()
    key = ("drafts", DRAFT.pk, "SLOT#loss_declaration")
    row = desk.tables.rows[key]
    old = {name: row.data[name] for name in row.data.keys() - {"scan", "reused"}}
    desk.tables.rows[key] = replace(row, data=old)
    assert (desk.slot().scan, desk.slot().reused) == (None, None)

"""What the state has is not asked for; what it cannot give becomes an upload."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import zerotrip
from tests.support.persons import acting
from tests.unit.sources.items import (
    HOUSEHOLD,
    INSURANCE,
    PERMIT,
    PERMITTED,
    PHOTOGRAPH,
    STATEMENT,
    item_asking,
    material,
)
from tests.unit.sources.world import TENANT, World
from zerotrip.cases.applications import Applications
from zerotrip.cases.drafts import Draft, Drafts
from zerotrip.cases.handed import read_handed
from zerotrip.cases.model import Handed, case_key, read
from zerotrip.identity.model import Level
from zerotrip.kernel.errors import Conflict, Erased, Forbidden, GiveUp
from zerotrip.kernel.tables import Delete
from zerotrip.licences import model as licences
from zerotrip.materials.model import SlotState
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced
from zerotrip.sources import kept, register
from zerotrip.sources.model import WORDS, Reason
from zerotrip.sources.providers import Given, Query

PHOTO = Announced("image/jpeg", 1000)


def upload(world: World, draft: Draft, code: str) -> None:
    """A file that came and was checked."""
    slot, _ = world.applications.open_upload(world.who(), draft.id, code, PHOTO)
    world.applications.slots.replace(slot.received("v1", "cd" * 32))


def hand_in(world: World, draft: Draft) -> Handed:
    number = world.applications.hand_in(world.who(), draft.id, None)
    head = world.records.head(case_key(TENANT, number))
    assert head is not None
    return read_handed(world.records, world.keys, read(head))


def refused(world: World, draft: Draft) -> Conflict:
    with pytest.raises(Conflict) as found:
        world.applications.hand_in(world.who(), draft.id, None)
    # Nothing is lost: the draft is as it was.
    assert world.applications.own(world.who(), draft.id).state == "open"
    return found.value


def not_asked(world: World, draft: Draft, code: str) -> bool:
    try:
        world.applications.open_upload(world.who(), draft.id, code, PHOTO)
    except Conflict as conflict:
        return conflict.code == "material_not_asked"
    return False


# resolved


def test_what_a_provider_has_is_no_upload_and_goes_with_the_case():
    world = World(item_asking(HOUSEHOLD))
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {"household": "resolved"}
    assert not_asked(world, draft, "household")
    handed = hand_in(world, draft)
    pin = handed.materials["household"]
    assert len(pin.pop("sha256")) == 64
    assert pin == {
        "source": "shared",
        "provider": "population",
        "shared": "household_registration",
        "ref": "population-1",
        "fetched_at": "2026-11-20T02:00:00.000Z",
        "valid_until": "2026-12-20",
    }
    assert len(world.authorities.asked) == 1


def test_the_case_keeps_the_providers_document_sealed_and_opens_it():
    world = World(item_asking(HOUSEHOLD))
    draft = world.fill(world.begin(), name="张示例")
    number = world.applications.hand_in(world.who(), draft.id, None)
    key = case_key(TENANT, number)
    row = world.records.row(key, "SOURCE#household")
    assert row is not None
    data_key = world.keys.open(TENANT, f"APP#{draft.id}")
    document = json.loads(kept.read_document(data_key, key.ref, row))
    assert document == {"name": "张示例", "kind": "家庭户"}
    other = case_key(TENANT, "1" * 45)
    with pytest.raises(GiveUp):
        kept.read_document(data_key, other.ref, row)


def test_nothing_of_a_person_lies_in_clear():
    world = World(item_asking(HOUSEHOLD, PERMITTED))
    world.issue()
    draft = world.fill(world.begin(), name="张示例")
    hand_in(world, draft)
    clear = json.dumps(
        [dict(row.data) for row in world.tables.rows.values()], ensure_ascii=False
    )
    for personal in ("张示例", "家庭户", "999999199001010016"):
        assert personal not in clear
    assert "population-1" in clear  # the look itself finds something


def test_a_valid_licence_of_the_holder_is_no_upload():
    world = World(item_asking(PERMITTED))
    licence_id = world.issue()
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {"permit": "resolved"}
    assert not_asked(world, draft, "permit")
    assert hand_in(world, draft).materials["permit"] == {
        "source": "licence",
        "ref": licence_id,
        "licence_type": PERMIT,
        "sha256": "ab" * 32,
        "valid_from": "2026-11-20",
        "valid_until": "2027-11-19",
    }


def test_of_several_licences_the_one_that_holds_longest_stands():
    world = World(item_asking(PERMITTED))
    world.issue(serial="A" * 20)
    world.days_later(30)
    later = world.issue(serial="B" * 20)
    draft = world.fill(world.begin(), name="张示例")
    assert hand_in(world, draft).materials["permit"]["ref"] == later


@pytest.mark.parametrize(
    ("issued", "days", "reason"),
    [
        ({}, 0, None),
        ({}, 364, None),
        ({}, 365, "expired"),
        ({"sub": "sub-2"}, 0, "not_found"),
        ({"kind": PERMIT[:-1] + "9"}, 0, "not_found"),
        ({"stage": licences.PREPARED}, 0, "not_found"),
    ],
)
def test_only_ones_own_valid_licence_of_that_type_counts(
    issued: dict[str, str], days: int, reason: str | None
):
    world = World(item_asking(PERMITTED))
    world.issue(**issued)
    world.days_later(days)
    draft = world.begin()
    expected = f"upload {reason}" if reason else "resolved"
    assert world.standing(draft) == {"permit": expected}


def test_the_register_reads_the_stage_that_the_licence_step_writes():
    assert register.REGISTERED == licences.REGISTERED


def test_the_form_stands_for_itself():
    world = World(item_asking(STATEMENT, PHOTOGRAPH))
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {}
    assert not_asked(world, draft, "statement")
    assert not not_asked(world, draft, "photograph")


def test_an_item_that_asks_nothing_of_the_state_costs_no_call():
    world = World(item_asking(PHOTOGRAPH))
    without = Applications(
        **{
            name: getattr(world.applications, name)
            for name in Applications.__dataclass_fields__
            if name != "sources"
        }
    )
    counts = []
    for applications in (world.applications, without):
        world.applications = applications
        draft = world.fill(world.begin(), name="张示例")
        world.tables.calls.clear()
        applications.hand_in(world.who(), draft.id, None)
        applications.standings_of(draft, world.item, world.who())
        counts.append(list(world.tables.calls))
    assert counts[0] == counts[1]
    assert not any("SOURCE" in call for call in counts[0])
    assert world.authorities.asked == []


def test_a_cold_start_does_not_import_what_looks_materials_up():
    said = (
        "import sys; import zerotrip.web.views, zerotrip.cases.applications; "
        "print([each for each in sys.modules if each.startswith('zerotrip.sources')])"
    )
    layer = str(Path(zerotrip.__path__[0]).parent)
    done = subprocess.run(
        [sys.executable, "-c", said],
        env={"PYTHONPATH": layer},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


# not resolved


def test_a_provider_that_is_down_turns_into_a_slot_with_its_reason():
    world = World(item_asking(HOUSEHOLD))
    world.authorities.go_down()
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {"household": "upload provider_unavailable"}
    upload(world, draft, "household")
    pin = hand_in(world, draft).materials["household"]
    assert pin["version_id"] == "v1"
    assert "source" not in pin
    assert [each.code for each in world.told] == ["provider_unavailable"]


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (lambda world: world.authorities.records.clear(), Reason.NOT_FOUND),
        (lambda world: setattr(world, "about", None), Reason.IDENTITY_UNPROVEN),
        (
            lambda world: world.authorities.valid_until.update(
                household_registration=world.at.date().replace(year=2020)
            ),
            Reason.EXPIRED,
        ),
        (
            lambda world: world.authorities.failing.update(
                household_registration=GiveUp("partner_config_invalid", "误", "wrong")
            ),
            Reason.PROVIDER_UNAVAILABLE,
        ),
        (
            lambda world: world.tables.transact(
                [Delete("catalogue", f"{TENANT}#SHARED", "household_registration")]
            ),
            Reason.PROVIDER_UNAVAILABLE,
        ),
    ],
)
def test_every_reason_is_told_and_the_material_can_be_uploaded(
    arrange: Any, reason: Reason
):
    world = World(item_asking(HOUSEHOLD))
    arrange(world)
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {"household": f"upload {reason}"}
    (told,) = refused(world, draft).detail["materials"]
    assert told["code"] == "household"
    assert told["reason"] == reason
    assert (told["zh"], told["en"]) == WORDS[reason]
    upload(world, draft, "household")
    assert "version_id" in hand_in(world, draft).materials["household"]


def test_nobody_is_asked_about_a_person_whose_identity_is_not_proven():
    world = World(item_asking(HOUSEHOLD), about=None)
    world.begin()
    assert world.authorities.asked == []


@pytest.mark.parametrize(
    ("level", "needed", "asked"),
    [
        (Level.MATCHED, Level.MATCHED, False),  # a machine asks for no less than this
        (Level.PRESENT, Level.MATCHED, True),
        (Level.PRESENT, Level.STRONG, False),
        (Level.STRONG, Level.STRONG, True),
    ],
)
def test_the_state_is_asked_only_about_who_is_proven_well_enough(
    level: Level, needed: Level, asked: bool
):
    item = item_asking(HOUSEHOLD, PERMITTED, identity_level=needed)
    world = World(item, level=level)
    world.issue()
    expected = "resolved" if asked else "upload identity_unproven"
    assert world.standing(world.begin()) == {
        "household": expected,
        "permit": expected,
    }
    assert bool(world.authorities.asked) is asked


def test_a_licence_that_another_login_of_the_same_person_got_is_found():
    world = World(item_asking(PERMITTED))
    licence_id = world.issue(sub="sub-2")
    both = replace(world.who(), subs=frozenset({"sub-1", "sub-2"}))
    draft = world.applications.start(both, world.item.code)
    number = world.applications.hand_in(both, draft.id, None)
    head = world.records.head(case_key(TENANT, number))
    handed = read_handed(world.records, world.keys, read(head))
    assert handed.materials["permit"]["ref"] == licence_id


def test_one_provider_that_is_down_takes_no_other_with_it():
    world = World(item_asking(HOUSEHOLD, INSURANCE, PERMITTED))
    world.issue()
    world.authorities.go_down()
    assert world.standing(world.begin()) == {
        "household": "upload provider_unavailable",
        "insurance": "resolved",
        "permit": "resolved",
    }


def test_two_providers_are_asked_at_the_same_time():
    world = World(item_asking(HOUSEHOLD, INSURANCE))
    fetch, both = world.authorities.fetch, threading.Barrier(2)

    def together(query: Query) -> Given | None:
        both.wait(timeout=10)  # broken, and the test with it, if one waits alone
        return fetch(query)

    world.authorities.fetch = together  # type: ignore[method-assign]
    assert world.standing(world.begin()) == {
        "household": "resolved",
        "insurance": "resolved",
    }


# at the hand-in


def test_a_later_look_resolves_what_the_first_one_could_not():
    world = World(item_asking(HOUSEHOLD))
    world.authorities.go_down()
    draft = world.fill(world.begin(), name="张示例")
    world.authorities.failing.clear()
    assert hand_in(world, draft).materials["household"]["source"] == "shared"


def test_an_open_upload_holds_nothing_up_once_the_state_has_it():
    world = World(item_asking(HOUSEHOLD))
    world.authorities.go_down()
    draft = world.fill(world.begin(), name="张示例")
    slot, _ = world.applications.open_upload(world.who(), draft.id, "household", PHOTO)
    assert slot.state is SlotState.OPEN
    world.authorities.failing.clear()
    assert hand_in(world, draft).materials["household"]["source"] == "shared"


def test_a_provider_that_is_down_at_the_hand_in_loses_nothing_while_its_answer_holds():
    world = World(item_asking(HOUSEHOLD))
    draft = world.fill(world.begin(), name="张示例")
    world.authorities.go_down()
    world.days_later(29)
    assert hand_in(world, draft).materials["household"]["ref"] == "population-1"
    assert len(world.authorities.asked) == 1


def test_an_answer_that_is_too_old_is_asked_for_again():
    world = World(item_asking(INSURANCE))
    draft = world.fill(world.begin(), name="张示例")
    world.days_later(8)
    assert world.standing(draft) == {"insurance": "pending"}
    pin = hand_in(world, draft).materials["insurance"]
    assert pin["ref"] == "social_insurance-2"
    assert pin["valid_until"] == "2026-12-05"


def test_a_source_that_has_gone_says_what_to_upload():
    world = World(item_asking(INSURANCE))
    draft = world.fill(world.begin(), name="张示例")
    world.days_later(8)
    world.authorities.go_down("social_insurance_record")
    conflict = refused(world, draft)
    assert conflict.code == "material_source_changed"
    assert [each["code"] for each in conflict.detail["materials"]] == ["insurance"]
    draft = world.applications.own(world.who(), draft.id)
    assert world.standing(draft) == {"insurance": "upload provider_unavailable"}
    upload(world, draft, "insurance")
    assert "version_id" in hand_in(world, draft).materials["insurance"]


def test_a_licence_that_ended_since_is_not_pinned():
    world = World(item_asking(PERMITTED))
    world.issue()
    world.days_later(350)
    draft = world.fill(world.begin(), name="张示例")
    assert world.standing(draft) == {"permit": "resolved"}
    world.days_later(20)
    (told,) = refused(world, draft).detail["materials"]
    assert told["reason"] == "expired"


def test_a_licence_that_was_taken_back_since_is_not_pinned():
    world = World(item_asking(PERMITTED))
    licence_id = world.issue()
    draft = world.fill(world.begin(), name="张示例")
    key = licences.licence_key(TENANT, licence_id)
    row = world.tables.get("records", key.pk, "HEAD")
    world.tables.rows[("records", key.pk, "HEAD")] = row.__class__(
        **{
            **{name: getattr(row, name) for name in row.__slots__},
            "stage": "revoked",
        }
    )
    (told,) = refused(world, draft).detail["materials"]
    assert told["reason"] == "not_found"


def test_what_is_not_required_holds_nothing_up():
    optional = material(
        "household", source="shared", shared="household_registration", required=False
    )
    world = World(item_asking(optional))
    world.authorities.go_down()
    draft = world.fill(world.begin(), name="张示例")
    assert hand_in(world, draft).materials == {}


def test_what_was_promised_holds_nothing_up():
    world = World(item_asking(HOUSEHOLD))
    world.authorities.go_down()
    draft = world.begin()
    sources = world.applications._sources
    found = sources.for_hand_in(
        _looked_up(draft), world.item, uploaded=(), coming=("household",)
    )
    assert found == {}


def test_an_item_that_asks_another_thing_since_is_looked_up_anew():
    world = World(item_asking(HOUSEHOLD))
    draft = world.fill(world.begin(), name="张示例")
    other = material("household", source="shared", shared="social_insurance_record")
    world.shelf.offer(item_asking(other, revision=2))
    pin = hand_in(world, draft).materials["household"]
    assert pin["shared"] == "social_insurance_record"


def test_two_devices_that_look_at_once_leave_one_answer():
    world = World(item_asking(HOUSEHOLD))
    draft = world.begin()
    sources = world.applications._sources
    before = world.tables.get("drafts", draft.pk, "SOURCE#household")
    sources.begin(_looked_up(draft), world.item)  # as if no row had been there
    assert world.tables.get("drafts", draft.pk, "SOURCE#household") == before


# conditions


MARRIED = material(
    "household",
    source="shared",
    shared="household_registration",
    when="has(form.married) && form.married",
)


def test_what_depends_on_the_form_is_not_fetched_before_the_form_says_so():
    world = World(item_asking(MARRIED))
    draft = world.begin()
    assert world.standing(draft) == {"household": "pending"}
    assert not_asked(world, draft, "household")
    single = world.fill(draft, name="张示例", married=False)
    assert hand_in(world, single).materials == {}
    assert world.authorities.asked == []
    married = world.fill(world.begin(), name="张示例", married=True)
    assert hand_in(world, married).materials["household"]["source"] == "shared"


def test_a_condition_that_cannot_be_evaluated_asks_nobody():
    broken = material(
        "household",
        source="shared",
        shared="household_registration",
        when="form.nowhere.at.all",
    )
    world = World(item_asking(broken))
    draft = world.fill(world.begin(), name="张示例")
    assert hand_in(world, draft).materials == {}
    assert world.authorities.asked == []


def test_asking_for_the_form_of_a_conditional_material_looks_it_up_first():
    world = World(item_asking(MARRIED))
    draft = world.fill(world.begin(), name="张示例", married=True)
    assert not_asked(world, draft, "household")
    assert len(world.authorities.asked) == 1
    world.authorities.records.clear()
    second = world.fill(world.begin(), name="张示例", married=True)
    assert not not_asked(world, second, "household")


def test_erased_is_erased():
    world = World(item_asking(HOUSEHOLD))
    draft = world.fill(world.begin(), name="张示例")
    world.tables.transact([Delete("keys", draft.pk, "KEY")])
    with pytest.raises(Erased):
        world.applications.own(world.who(), draft.id)


def test_without_providers_a_shared_material_is_an_upload():
    world = World(item_asking(HOUSEHOLD, PERMITTED))
    world.issue()
    alone = Applications(
        tenant=TENANT,
        drafts=Drafts(world.tables, world.keys),
        records=world.records,
        catalogue=world.shelf,  # type: ignore[arg-type]
        keys=world.keys,
        slots=Slots(world.tables),
        uploads=world.applications.uploads,
        mint=world.mint,
        now=lambda: world.at,
        applicants=world,
    )
    world.applications = alone
    assert world.standing(world.begin()) == {
        "household": "upload identity_unproven",
        "permit": "resolved",
    }


def _looked_up(draft: Draft) -> Any:
    from zerotrip.cases import applications

    return applications._looked_up_for(draft, acting(draft.sub))


@pytest.mark.parametrize(
    ("status", "reason"), [("死亡", "deceased"), ("注销", "deregistered")]
)
def test_who_is_no_more_by_a_register_applies_no_longer(status: str, reason: str):
    world = World(item_asking(HOUSEHOLD))
    world.authorities.records["household_registration"] = {"status": status}
    with pytest.raises(Forbidden) as found:
        world.begin()
    assert found.value.code == f"subject_{reason}"
    assert world.noted == [("sub-1", reason)]


def test_another_status_of_a_document_ends_nobody():
    world = World(item_asking(HOUSEHOLD))
    world.authorities.records["household_registration"] = {"status": "存续"}
    assert world.standing(world.begin()) == {"household": "resolved"}
    assert world.noted == []


@pytest.mark.parametrize("level", [Level.DECLARED, Level.MATCHED])
def test_below_present_neither_register_nor_provider_is_asked(level: Level):
    world = World(item_asking(HOUSEHOLD, PERMITTED), level=level)
    draft = world.begin()
    assert world.authorities.asked == []
    reasons = {
        each.material.code: each.resolution.reason
        for each in world.applications.standings_of(draft, world.item, world.who())
    }
    assert set(reasons.values()) == {Reason.IDENTITY_UNPROVEN}

"""A revision's life: its owner proposes, two offices answer, its day comes."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support.memory import MemoryKeys
from tests.support.persons import ZHANG, enrol
from tests.unit.catalogue.world import CATALOGUE, FOLDERS, Shop
from zerotrip.catalogue.packages import files_of
from zerotrip.catalogue.publishing import Publishing
from zerotrip.catalogue.revisions import (
    ITEM_TRANSITIONS,
    ItemStage,
    Office,
    item_key,
)
from zerotrip.catalogue.shared_entries import publish_shared_materials
from zerotrip.catalogue.shared_files import read_shared_materials
from zerotrip.catalogue.steps import PublishDeps, publish_item
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import AlreadyDone, Conflict, Forbidden, Invalid, NotFound
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing

TENANT = "441882"
FOOD = FOLDERS[2]
OWNER = "11441882000000027D"
TODAY, DECEMBER = date(2026, 11, 21), date(2026, 12, 1)


class Hall:
    """Editors and reviewers over memory; `pages` are the printed guides."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.records = Records(self.shop.tables)
        self.pages: dict[str, str] = {}
        self.publishing = Publishing(
            TENANT, self.records, self.shop.catalogue, lambda: self.shop.moment
        )
        self.deps = PublishDeps(
            tenant=TENANT,
            records=self.records,
            catalogue=self.shop.catalogue,
            keep_page=lambda item, digest: self.pages.update({item.code: digest}),
            now=lambda: self.shop.moment,
        )
        self.files = files_of(CATALOGUE / FOOD)

    def change(self, old: str, new: str) -> None:
        name = f"{FOOD}/item.yaml"
        assert old in self.files[name]
        self.files[name] = self.files[name].replace(old, new)

    def propose(self, seen: int = 0, actor: str = "editor") -> str:
        committed, _ = self.publishing.propose(actor, OWNER, self.files, seen)
        return committed.events[0].key.id

    def review(self, code: str, office: Office, actor: str, **answer: object) -> None:
        said = {"agrees": True, "reasons": "", **answer}
        seen = self.publishing.read(code).head.version
        self.publishing.review(code, actor, seen, office, **said)  # type: ignore[arg-type]

    def approved(self, seen: int = 0) -> str:
        code = self.propose(seen)
        self.review(code, Office.STAFFING, "staffing")
        self.review(code, Office.LEGAL, "legal")
        return code

    def scheduled(self, day: date = TODAY, seen: int = 0):
        code = self.approved(seen)
        version = self.publishing.read(code).head.version
        committed = self.publishing.schedule(code, "editor", OWNER, version, day)
        return cloud_event(committed.events[0])

    def stage(self, code: str) -> ItemStage:
        return self.publishing.read(code).stage


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_two_offices_agree_and_citizens_can_apply(hall):
    event = hall.scheduled()
    code = event.data.key.id
    with pytest.raises(NotFound):
        hall.shop.catalogue.current(TENANT, code)
    publish_item(event, hall.deps)
    assert hall.stage(code) is ItemStage.PUBLISHED
    offered = hall.shop.catalogue.current(TENANT, code)
    assert offered.digest == hall.publishing.read(code).item.digest
    assert hall.pages == {code: offered.digest}
    assert [each.code for each in hall.shop.catalogue.listed(TENANT)] == [code]
    history = hall.records.history(item_key(TENANT, code))
    assert [row.type for row in history] == [
        "item.review_requested",
        "item.reviewed",
        "item.reviewed",
        "item.scheduled",
        "item.published",
    ]
    assert chain_faults(history) == []


def test_what_was_not_there_is_there_as_soon_as_it_is_published(hall):
    event = hall.scheduled()
    other = hall.shop.another_process()
    with pytest.raises(NotFound):
        other.current(TENANT, event.data.key.id)
    assert other.listed(TENANT) == ()
    publish_item(event, hall.deps)
    assert other.current(TENANT, event.data.key.id).item.code == event.data.key.id
    assert len(other.listed(TENANT)) == 1


def test_publishing_twice_is_once(hall):
    event = hall.scheduled()
    publish_item(event, hall.deps)
    with pytest.raises(AlreadyDone):
        publish_item(event, hall.deps)
    key = item_key(TENANT, event.data.key.id)
    assert len(hall.records.history(key)) == 5


def test_a_revision_waits_for_its_day_and_begins_at_midnight_in_china(hall):
    event = hall.scheduled(DECEMBER)
    code = event.data.key.id
    publish_item(event, hall.deps)
    catalogue = hall.shop.another_process()
    with pytest.raises(NotFound):
        catalogue.current(TENANT, code)
    assert catalogue.listed(TENANT) == ()
    hall.shop.moment = hall.shop.moment.replace(
        month=11, day=30, hour=15, minute=59, second=0
    )
    with pytest.raises(NotFound):
        catalogue.current(TENANT, code)
    hall.shop.moment += timedelta(minutes=1)
    assert catalogue.current(TENANT, code).item.code == code
    assert len(catalogue.listed(TENANT)) == 1


def test_what_is_offered_stays_while_the_next_revision_waits(hall):
    first = hall.scheduled()
    code = first.data.key.id
    publish_item(first, hall.deps)
    before = hall.shop.catalogue.current(TENANT, code)
    hall.change("revision: ", "revision: 9")
    seen = hall.publishing.read(code).head.version
    publish_item(hall.scheduled(DECEMBER, seen), hall.deps)
    assert hall.shop.another_process().current(TENANT, code) == before
    # A case in flight keeps its own revision, whatever is offered.
    assert (
        hall.shop.catalogue.pinned(TENANT, code, before.digest).revision
        == before.item.revision
    )


def test_three_people_are_needed(hall):
    code = hall.propose()
    with pytest.raises(Forbidden):
        hall.review(code, Office.STAFFING, "editor")
    hall.review(code, Office.STAFFING, "one-person")
    with pytest.raises(Forbidden) as refused:
        hall.review(code, Office.LEGAL, "one-person")
    assert refused.value.code == "item_reviewed_by_one"
    assert hall.stage(code) is ItemStage.IN_REVIEW


def test_one_office_alone_publishes_nothing(hall):
    code = hall.propose()
    hall.review(code, Office.LEGAL, "legal")
    version = hall.publishing.read(code).head.version
    with pytest.raises(Conflict) as refused:
        hall.publishing.schedule(code, "editor", OWNER, version, TODAY)
    assert refused.value.code == "item_stage_other"


def test_what_an_office_returns_is_proposed_again_and_reviewed_anew(hall):
    code = hall.propose()
    hall.review(code, Office.STAFFING, "staffing")
    hall.review(code, Office.LEGAL, "legal", agrees=False, reasons="依据已废止")
    assert hall.stage(code) is ItemStage.RETURNED
    hall.propose(seen=hall.publishing.read(code).head.version)
    assert hall.publishing.read(code).item.reviews == {}
    hall.review(code, Office.STAFFING, "staffing")
    assert hall.stage(code) is ItemStage.IN_REVIEW


def test_only_the_owner_changes_an_item(hall):
    with pytest.raises(Forbidden) as refused:
        hall.publishing.propose("editor", "11441882000000019J", hall.files, 0)
    assert refused.value.code == "item_owner_other"
    code = hall.approved()
    version = hall.publishing.read(code).head.version
    with pytest.raises(NotFound):
        hall.publishing.schedule(code, "x", "11441882000000019J", version, TODAY)


def test_a_proposal_that_somebody_else_changed_is_not_overwritten(hall):
    code = hall.propose()
    with pytest.raises(Conflict) as refused:
        hall.propose(seen=0, actor="another-editor")
    assert refused.value.code == "item_changed"
    assert hall.publishing.read(code).head.version == 1


def test_a_command_whose_answer_was_lost_is_sent_again_and_was_done(hall):
    code = hall.propose()
    again, _ = hall.publishing.propose("editor", OWNER, hall.files, 0)
    assert again.duplicate
    answer = {"agrees": True, "reasons": "依据充分。"}
    for _ in range(2):
        hall.publishing.review(code, "staffing", 1, Office.STAFFING, **answer)
    with pytest.raises(Conflict) as other:
        hall.publishing.review(
            code, "staffing", 1, Office.STAFFING, agrees=False, reasons=""
        )
    assert other.value.code == "item_changed"
    hall.review(code, Office.LEGAL, "legal")
    for _ in range(2):
        hall.publishing.schedule(code, "editor", OWNER, 3, TODAY)
    with pytest.raises(Conflict):
        hall.publishing.schedule(code, "editor", OWNER, 3, DECEMBER)
    assert hall.publishing.read(code).head.version == 4


def test_the_published_number_is_not_used_again(hall):
    event = hall.scheduled()
    publish_item(event, hall.deps)
    version = hall.publishing.read(event.data.key.id).head.version
    with pytest.raises((Conflict, Invalid)):
        hall.propose(seen=version)


def test_a_day_that_is_over_is_refused(hall):
    code = hall.approved()
    version = hall.publishing.read(code).head.version
    with pytest.raises(Conflict) as refused:
        hall.publishing.schedule(
            code, "editor", OWNER, version, TODAY - timedelta(days=1)
        )
    assert refused.value.code == "effective_day_past"


def test_errors_of_the_lint_block_a_proposal(hall):
    hall.change("promised_working_days: ", "promised_working_days: 9")
    with pytest.raises(Invalid) as refused:
        hall.propose()
    assert any("promise" in fault.code for fault in refused.value.faults)
    assert all(f"{FOOD}/item.yaml:" in fault.path for fault in refused.value.faults)


@pytest.mark.parametrize("sent", [None, "materials: []\n"])
def test_what_is_shared_is_what_is_published_not_what_an_editor_sends(hall, sent):
    shared = read_shared_materials(CATALOGUE)
    name = shared["household_registration"].name.zh
    publish_shared_materials(hall.shop.tables, TENANT, shared.values())
    base = next(each for each in hall.files if each.startswith("_base/"))
    old = "生活饮用水检测报告（使用自备水源的）"
    assert old in hall.files[base]
    hall.files[base] = hall.files[base].replace(old, f"{name}复印件")
    del hall.files["_shared_materials.yaml"]
    if sent is not None:
        hall.files["_shared_materials.yaml"] = sent
    with pytest.raises(Invalid) as refused:
        hall.propose()
    assert "material_already_held" in {each.code for each in refused.value.faults}


def test_a_base_entry_of_ones_own_making_is_refused(hall):
    first = hall.scheduled()
    publish_item(first, hall.deps)
    other = {
        name.replace(FOOD, "food-elsewhere"): text for name, text in hall.files.items()
    }
    item = "food-elsewhere/item.yaml"
    code = first.data.key.id
    other[item] = other[item].replace(code, code[:-1] + "9")
    base = next(each for each in other if each.startswith("_base/"))
    found = hall.publishing.check(other)
    assert "base_entry_differs" not in {each.fault.code for each in found.findings}
    other[base] = other[base].replace(
        "statutory_working_days: 10", "statutory_working_days: 9"
    )
    found = hall.publishing.check(other)
    assert "base_entry_differs" in {each.fault.code for each in found.errors}


def test_two_items_published_at_the_same_moment_are_both_listed(hall, monkeypatch):
    event = hall.scheduled()
    real = hall.shop.catalogue.offer
    other = Shop(tables=hall.shop.tables, objects=hall.shop.objects)

    def overtaken(*asked):
        offer = real(*asked)
        monkeypatch.setattr(type(hall.shop.catalogue), "offer", kept)
        from zerotrip.catalogue.commands import publish_folder

        publish_folder(CATALOGUE / FOLDERS[0], other.catalogue, TENANT, "operator")
        return offer

    kept = type(hall.shop.catalogue).offer
    monkeypatch.setattr(
        type(hall.shop.catalogue), "offer", lambda self, *asked: overtaken(*asked)
    )
    publish_item(event, hall.deps)
    assert len(hall.shop.another_process().listed(TENANT)) == 2


def test_every_stage_is_reached_and_every_other_left():
    reached = {stage for row in ITEM_TRANSITIONS.values() for stage in row.to}
    left = {stage for row in ITEM_TRANSITIONS.values() for stage in row.allowed_from}
    assert reached == set(ItemStage)
    assert left == set(ItemStage)
    assert ITEM_TRANSITIONS["item.published"].step == publish_item.__name__


def test_one_person_does_not_speak_twice_by_another_login(hall):
    keys = KeyRing(hall.shop.tables, MemoryKeys())
    for login in ("editor", "reviewer"):
        enrol(hall.shop.tables, keys, TENANT, login, ZHANG)
    code = hall.propose()
    with pytest.raises(Forbidden) as refused:
        hall.review(code, Office.LEGAL, "reviewer")
    assert refused.value.code == "item_reviewed_by_one"

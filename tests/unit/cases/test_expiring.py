"""Drafts about to expire: their owners are told once, whatever happens between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.persons import FIRM, acting
from tests.support.world import TENANT, World
from zerotrip.cases.drafts import LIFETIME, WARNING, Draft, Drafts
from zerotrip.cases.expiring import DraftExpiring, warn_of_drafts
from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.tables import Rejected, Write
from zerotrip.notices.inbox import Inbox
from zerotrip.notices.steps import NoticeSteps, notify
from zerotrip.notices.words import item_words

WHO = acting("sub-1", "company")
PARTLY = {"premises": {"address": "示例市示例路8号一层"}}


@dataclass
class Desk:
    """An applicant with a draft, the watchdog, and the queue to notify."""

    world: World = field(default_factory=World)
    sent: list[Mapping[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.code = self.world.publish("food-business-licence")
        self.drafts = Drafts(self.world.tables, self.world.keys)

    def draft(self) -> Draft:
        self.world.enrol(WHO.sub, FIRM)
        return self.world.applications.start(WHO, self.code)

    def tick(self) -> int:
        return warn_of_drafts(self.drafts, self.sent.append, TENANT, self.world.clock())

    def wait(self, days: int) -> None:
        self.world.clock.forward(days=days)

    def notify(self, message: Mapping[str, Any]) -> None:
        deps = NoticeSteps(self.world.records, TENANT, self.world.clock)
        notify(DraftExpiring.model_validate(message), deps)

    def inbox(self, who: Acting = WHO) -> list[dict[str, Any]]:
        catalogue = self.world.catalogue
        found = Inbox(
            self.world.records,
            self.world.tables,
            lambda code, digest: item_words(catalogue.pinned(TENANT, code, digest)),
            self.world.clock,
        ).list(TENANT, who)
        return list(found)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_nobody_is_warned_before_it_is_due(desk: Desk) -> None:
    desk.draft()
    desk.world.clock.forward(days=26, hours=23, minutes=59)
    assert desk.tick() == 0
    assert desk.sent == []
    desk.world.clock.forward(minutes=1)
    assert desk.tick() == 1


def test_a_draft_is_warned_of_once_and_leaves_the_index(desk: Desk) -> None:
    draft = desk.draft()
    desk.wait((LIFETIME - WARNING).days)
    assert desk.tick() == 1
    assert desk.tick() == 0
    assert desk.sent == [
        {
            "draft": {
                "tenant": TENANT,
                "application": draft.id,
                "expires_at": times.to_text(draft.expires_at),
            }
        }
    ]


def test_a_warning_leaves_the_draft_and_its_etag_as_they_were(desk: Desk) -> None:
    draft = desk.draft()
    desk.world.applications.save(WHO, draft.id, 1, PARTLY)
    before = desk.world.applications.own(WHO, draft.id)
    desk.wait(27)
    desk.tick()
    after = desk.world.applications.own(WHO, draft.id)
    assert after.warned
    assert not before.warned
    assert (after.version, after.form, after.expires_at) == (
        before.version,
        before.form,
        before.expires_at,
    )


def test_a_save_after_the_warning_starts_the_time_anew(desk: Desk) -> None:
    draft = desk.draft()
    desk.wait(27)
    desk.tick()
    saved = desk.world.applications.save(WHO, draft.id, draft.version, {})
    assert saved.expires_at == desk.world.clock() + LIFETIME
    desk.wait(27)
    assert desk.tick() == 1
    first, second = (message["draft"]["expires_at"] for message in desk.sent)
    assert first < second


def test_a_crash_between_sending_and_marking_is_one_notice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.draft()
    desk.wait(27)

    def crashes(writes: list[Write], token: str | None = None) -> None:
        raise ConnectionError

    monkeypatch.setattr(desk.world.tables, "transact", crashes)
    with pytest.raises(ConnectionError):
        desk.tick()
    monkeypatch.undo()
    assert desk.tick() == 1
    first, second = desk.sent
    assert first == second
    desk.notify(first)
    with pytest.raises(AlreadyDone) as done:
        desk.notify(second)
    assert done.value.code == "done_before"
    assert len(desk.inbox()) == 1


def test_a_save_between_sending_and_marking_stands_and_voids_the_message(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = desk.draft()
    desk.wait(27)
    honest = desk.world.tables.transact

    def overtaken(writes: list[Write], token: str | None = None) -> None:
        monkeypatch.setattr(desk.world.tables, "transact", honest)
        desk.world.applications.save(WHO, draft.id, draft.version, PARTLY)
        honest(writes, token)

    monkeypatch.setattr(desk.world.tables, "transact", overtaken)
    assert desk.tick() == 1
    kept = desk.world.applications.own(WHO, draft.id)
    assert (kept.version, kept.form["premises"]) == (2, PARTLY["premises"])
    assert not kept.warned
    with pytest.raises(AlreadyDone) as moved:
        desk.notify(desk.sent[0])
    assert moved.value.code == "draft_moved_on"
    assert desk.inbox() == []


def test_a_mark_that_another_transaction_crossed_is_made_at_the_next_tick(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.draft()
    desk.wait(27)

    def cancelled(writes: list[Write], token: str | None = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(desk.world.tables, "transact", cancelled)
    assert desk.tick() == 1
    monkeypatch.undo()
    assert desk.tick() == 1
    assert desk.tick() == 0


def test_a_draft_that_has_expired_already_is_only_taken_out_of_the_index(
    desk: Desk,
) -> None:
    desk.draft()
    desk.wait(30)
    assert desk.tick() == 0
    partitions = [f"{TENANT}#DUE#{shard}" for shard in range(4)]
    waiting = [desk.world.tables.index("drafts", "due", each) for each in partitions]
    assert waiting == [[], [], [], []]


def test_an_application_that_was_handed_in_is_not_warned_of(desk: Desk) -> None:
    desk.world.apply("food-business-licence", "sub-1", "company")
    desk.wait(27)
    assert desk.tick() == 0
    assert desk.sent == []


def test_an_index_that_lags_behind_warns_of_nothing_that_was_saved_since(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = desk.draft()
    desk.wait(27)
    desk.world.applications.save(WHO, draft.id, draft.version, {})
    monkeypatch.setattr(
        desk.world.tables, "index", lambda *_, **__: [(draft.pk, "DRAFT")]
    )
    assert desk.tick() == 0
    monkeypatch.undo()
    assert not desk.world.applications.own(WHO, draft.id).warned


def test_another_tenants_drafts_are_left_alone(desk: Desk) -> None:
    desk.draft()
    desk.wait(27)
    sent = warn_of_drafts(desk.drafts, desk.sent.append, "999999", desk.world.clock())
    assert (sent, desk.sent) == (0, [])


def test_the_notice_names_item_and_day_also_when_the_draft_is_gone(
    desk: Desk,
) -> None:
    draft = desk.draft()
    desk.wait(27)
    desk.tick()
    desk.notify(desk.sent[0])
    desk.world.tables.rows.pop(("drafts", draft.pk, "DRAFT"))
    (told,) = desk.inbox()
    assert told["type"] == "draft.expiring"
    assert told["case_no"] is None
    assert told["about"] == {"kind": "application", "id": draft.id}
    assert told["occurred_at"] == times.to_text(draft.expires_at - WARNING)
    name = desk.world.catalogue.current(TENANT, desk.code).item.name
    # The clock began on 20 November at 10:00 in Shanghai.
    assert name.zh in told["text"]["zh"]
    assert "2026年12月20日到期" in told["text"]["zh"]
    assert name.en in told["text"]["en"]
    assert "expires on 2026-12-20" in told["text"]["en"]


def test_two_drafts_of_one_person_are_two_notices(desk: Desk) -> None:
    desk.draft()
    desk.draft()
    desk.wait(27)
    assert desk.tick() == 2
    for message in desk.sent:
        desk.notify(message)
    assert len(desk.inbox()) == 2
    assert desk.inbox(acting("sub-2", "company")) == []


def test_the_row_of_a_notice_is_keyed_by_its_clock(desk: Desk) -> None:
    draft = desk.draft()
    desk.wait(27)
    desk.tick()
    desk.notify(desk.sent[0])
    keys = [sk for _, pk, sk in desk.world.tables.rows if "#NOTICE#" in pk]
    expires_at = times.to_text(draft.expires_at)
    assert f"EVENT#notify#draft_expiry:{draft.id}@{expires_at}" in keys


def test_a_message_about_no_draft_tells_nobody(desk: Desk) -> None:
    draft = desk.draft()
    unknown = {"tenant": TENANT, "application": "0" * 26}
    at = times.to_text(draft.expires_at)
    with pytest.raises(AlreadyDone) as moved:
        desk.notify({"draft": {**unknown, "expires_at": at}})
    assert moved.value.code == "draft_moved_on"


def test_a_message_about_a_frozen_draft_tells_nobody(desk: Desk) -> None:
    case_no = desk.world.apply("food-business-licence", "sub-1", "company")
    application = desk.world.case(case_no).case.application
    frozen = desk.world.applications.own(WHO, application)
    message = {
        "tenant": TENANT,
        "application": application,
        "expires_at": times.to_text(frozen.expires_at),
    }
    with pytest.raises(AlreadyDone) as moved:
        desk.notify({"draft": message})
    assert moved.value.code == "draft_moved_on"


def test_a_message_of_another_tenant_tells_nobody(desk: Desk) -> None:
    draft = desk.draft()
    at = times.to_text(draft.expires_at)
    foreign = {"tenant": "999999", "application": draft.id, "expires_at": at}
    with pytest.raises(GiveUp) as refused:
        desk.notify({"draft": foreign})
    assert refused.value.code == "tenant_foreign"
    assert desk.inbox() == []


@pytest.mark.parametrize(
    "change",
    [
        {"name": "张示例"},
        {"tenant": "44188"},
        {"application": "A#B"},
        {"expires_at": "x"},
    ],
)
def test_the_message_is_closed_and_its_parts_have_a_form(
    change: dict[str, str],
) -> None:
    good = {
        "tenant": TENANT,
        "application": "0" * 26,
        "expires_at": "2026-12-20T02:00:00.000Z",
    }
    assert DraftExpiring.model_validate({"draft": good}).draft.tenant == TENANT
    with pytest.raises(ValidationError):
        DraftExpiring.model_validate({"draft": {**good, **change}})
    with pytest.raises(ValidationError):
        DraftExpiring.model_validate({"draft": good, "more": timedelta(1).days})

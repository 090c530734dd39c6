"""Publishing and reading items: immutable content, pointers that may lag 30 seconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.catalogue.world import FOLDERS, Shop
from zerotrip.catalogue.model import Item, ItemSummary
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical, digest, digest_of_bytes
from zerotrip.kernel.errors import Conflict, GiveUp, NotFound, Retry
from zerotrip.kernel.tables import Rejected

TENANT = "441882"
ACTOR = "officer:example"
MARK, REPLACEMENT, FOOD = FOLDERS


def publish(shop: Shop, draft: Any, **changes: Any) -> Any:
    item = draft.item.model_copy(update=changes)
    return shop.catalogue.publish(TENANT, item, draft.layout, ACTOR)


def test_what_is_published_is_offered(shop, drafts):
    pinned = publish(shop, drafts[MARK])

    assert shop.catalogue.current(TENANT, pinned.item.code) == pinned
    assert shop.catalogue.layout(pinned.item) == drafts[MARK].layout


def test_the_digest_covers_the_item_and_its_layout(shop, drafts):
    pinned = publish(shop, drafts[MARK])

    assert pinned.item.licence.layout == digest_of_bytes(drafts[MARK].layout)
    assert pinned.digest == digest(pinned.item.model_dump(mode="json"))
    stored = shop.objects.get(f"items/{pinned.item.code}/{pinned.digest}.json")
    assert stored.content == canonical(pinned.item.model_dump(mode="json"))
    assert Item.model_validate_json(stored.content) == pinned.item


def test_publishing_twice_changes_nothing(shop, drafts):
    first = publish(shop, drafts[MARK])
    rows, objects = dict(shop.tables.rows), dict(shop.objects.versions)

    second = publish(shop, drafts[MARK])

    assert second == first
    assert shop.tables.rows == rows
    assert shop.objects.versions == objects
    assert all(len(versions) == 1 for versions in objects.values())


def test_a_revision_cannot_get_other_content(shop, drafts):
    first = publish(shop, drafts[MARK])

    with pytest.raises(Conflict) as refused:
        publish(shop, drafts[MARK], promised_working_days=0)

    assert refused.value.code == "item_revision_taken"
    assert refused.value.detail["winner"] == first.digest
    assert shop.another_process().current(TENANT, first.item.code) == first


def test_a_revision_cannot_get_another_layout(shop, drafts):
    publish(shop, drafts[MARK])

    with pytest.raises(Conflict) as refused:
        shop.catalogue.publish(TENANT, drafts[MARK].item, b"another layout", ACTOR)

    assert refused.value.code == "item_revision_taken"


def test_a_pinned_case_keeps_its_revision(shop, drafts):
    first = publish(shop, drafts[MARK])
    assert shop.catalogue.current(TENANT, first.item.code) == first
    second = publish(shop, drafts[MARK], revision=2, promised_working_days=0)

    assert shop.catalogue.current(TENANT, first.item.code) == second
    later = shop.another_process()
    assert later.pinned(TENANT, first.item.code, first.digest) == first.item
    assert later.pinned(TENANT, first.item.code, first.digest).revision == 1


def test_publishing_an_older_revision_again_does_not_bring_it_back(shop, drafts):
    first = publish(shop, drafts[MARK])
    second = publish(shop, drafts[MARK], revision=2)

    assert publish(shop, drafts[MARK]) == first
    assert shop.another_process().current(TENANT, first.item.code) == second


def test_a_new_revision_is_above_the_current_one(shop, drafts):
    publish(shop, drafts[MARK], revision=3)

    with pytest.raises(Conflict) as refused:
        publish(shop, drafts[MARK], revision=2)

    assert refused.value.code == "item_revision_older"
    assert refused.value.detail["winner"] == "3"


def test_who_published_what_and_when_is_kept(shop, drafts):
    pinned = publish(shop, drafts[MARK])

    row = shop.tables.rows[
        ("catalogue", f"{TENANT}#ITEM#{pinned.item.code}", "REVISION#000001")
    ]

    assert row.data == {
        "digest": pinned.digest,
        "published_at": "2026-11-21T08:00:00.000Z",
        "actor": ACTOR,
    }


def test_pointers_lag_at_most_thirty_seconds(shop, drafts):
    first = publish(shop, drafts[MARK])
    reader = shop.another_process()
    assert reader.current(TENANT, first.item.code) == first
    second = publish(shop, drafts[MARK], revision=2)

    shop.pass_seconds(29)
    assert reader.current(TENANT, first.item.code) == first
    shop.pass_seconds(1)
    assert reader.current(TENANT, first.item.code) == second


def test_within_thirty_seconds_nothing_is_read_again(shop, drafts):
    pinned = publish(shop, drafts[MARK])
    reader = shop.another_process()
    reader.current(TENANT, pinned.item.code)
    reader.listed(TENANT)
    shop.tables.reads.clear()
    shop.objects.versions.clear()

    assert reader.current(TENANT, pinned.item.code) == pinned
    assert len(reader.listed(TENANT)) == 1
    assert shop.tables.reads == []


def test_content_is_kept_for_ever(shop, drafts):
    pinned = publish(shop, drafts[MARK])
    reader = shop.another_process()
    item = reader.pinned(TENANT, pinned.item.code, pinned.digest)
    layout = reader.layout(item)
    shop.objects.versions.clear()
    shop.pass_seconds(86_400)

    assert reader.pinned(TENANT, pinned.item.code, pinned.digest) is item
    assert reader.layout(item) is layout


def test_an_unknown_item_is_not_found_and_not_remembered(shop, drafts):
    code = drafts[MARK].item.code
    with pytest.raises(NotFound) as refused:
        shop.catalogue.current(TENANT, code)
    assert refused.value.code == "item_unknown"

    pinned = publish(shop, drafts[MARK])

    assert shop.catalogue.current(TENANT, code) == pinned
    with pytest.raises(NotFound):
        shop.catalogue.current("999999", code)


def test_the_list_is_ordered_and_shows_what_a_list_shows(shop, drafts):
    made = {name: publish(shop, drafts[name]) for name in (FOOD, REPLACEMENT, MARK)}

    listed = shop.catalogue.listed(TENANT)

    assert [summary.digest for summary in listed] == [
        made[name].digest for name in (MARK, REPLACEMENT, FOOD)
    ]
    food = drafts[FOOD].item
    assert listed[2] == ItemSummary(
        code=food.code,
        base_code=food.base_code,
        revision=food.revision,
        digest=made[FOOD].digest,
        effective_at=times.to_text(shop.moment),
        name=food.name,
        audience="company",
        organisation=food.organisation.uscc,
        organisation_name=food.organisation.name,
        department="food-licensing",
        department_name=food.department_name,
        themes=food.themes,
        promised_working_days=food.promised_working_days,
        visits=0,
        licence_type=food.licence.type_code,
        licence_title=food.licence.title,
        words=listed[2].words,
    )
    assert shop.catalogue.listed("999999") == ()


def test_the_issuer_leads_to_its_tenant(shop, drafts):
    publish(shop, drafts[MARK])
    publish(shop, drafts[REPLACEMENT])

    issuer = drafts[MARK].item.organisation.uscc

    assert shop.catalogue.issuer_tenant(issuer) == TENANT
    with pytest.raises(NotFound) as refused:
        shop.catalogue.issuer_tenant("11441882000000027D")
    assert refused.value.code == "issuer_unknown"


def test_an_organisation_belongs_to_one_tenant(shop, drafts):
    publish(shop, drafts[MARK])

    with pytest.raises(Conflict) as refused:
        shop.catalogue.publish(
            "441881", drafts[REPLACEMENT].item, drafts[REPLACEMENT].layout, ACTOR
        )

    assert refused.value.code == "issuer_of_another_tenant"
    assert shop.catalogue.listed("441881") == ()


@pytest.mark.parametrize("kind", ["items", "layouts"])
def test_a_missing_or_changed_object_stops_the_step(shop, drafts, kind):
    pinned = publish(shop, drafts[MARK])
    (key,) = [key for key in shop.objects.versions if key.startswith(kind)]

    def read() -> object:
        reader = shop.another_process()
        if kind == "layouts":
            return reader.layout(pinned.item)
        return reader.pinned(TENANT, pinned.item.code, pinned.digest)

    shop.objects.put(key, b"{}", content_type="application/json")
    with pytest.raises(GiveUp) as damaged:
        read()
    del shop.objects.versions[key]
    with pytest.raises(GiveUp) as missing:
        read()

    assert damaged.value.code == "catalogue_object_damaged"
    assert missing.value.code == "catalogue_object_missing"


@pytest.mark.parametrize(
    ("rival", "code"), [(1, "item_revision_taken"), (2, "item_revision_older")]
)
def test_of_two_publishers_one_wins_and_the_other_learns_it(
    shop, drafts, monkeypatch, rival, code
):
    publish(shop, drafts[REPLACEMENT])  # so that the issuer's row is no referee
    draft = drafts[MARK]
    transact = shop.tables.transact

    def overtaken(writes: Any, token: Any = None) -> None:
        monkeypatch.setattr(shop.tables, "transact", transact)
        publish(shop, draft, revision=rival, promised_working_days=0)
        transact(writes, token)

    monkeypatch.setattr(shop.tables, "transact", overtaken)

    with pytest.raises(Conflict) as refused:
        publish(shop, draft)

    assert refused.value.code == code
    current = shop.another_process().current(TENANT, draft.item.code)
    assert current.item.promised_working_days == 0


def test_a_rule_that_the_software_learnt_later_stops_no_case(shop, drafts):
    pinned = publish(shop, drafts[MARK], visits=3)

    reader = shop.another_process()

    assert reader.pinned(TENANT, pinned.item.code, pinned.digest).visits == 3


def test_endless_competition_is_worth_a_retry(shop, drafts, monkeypatch):
    def rejected(writes: Any, token: Any = None) -> None:
        raise Rejected(frozenset(), {})

    monkeypatch.setattr(shop.tables, "transact", rejected)

    with pytest.raises(Retry) as gone:
        publish(shop, drafts[MARK])

    assert gone.value.code == "catalogue_busy"


def test_a_field_that_the_software_gained_is_no_other_content(shop, drafts):
    pinned = publish(shop, drafts[MARK], sections=())
    code = pinned.item.code
    content = pinned.item.model_dump(mode="json")
    del content["sections"]  # as if the software had learnt of sections later
    earlier = digest(content)
    shop.objects.put_once(
        f"items/{code}/{earlier}.json", canonical(content), content_type="x/y"
    )
    place = ("catalogue", f"{TENANT}#ITEM#{code}", "REVISION#000001")
    row = shop.tables.rows[place]
    shop.tables.rows[place] = replace(row, data={**row.data, "digest": earlier})

    again = publish(shop, drafts[MARK], sections=())

    assert again.digest == earlier != pinned.digest
    assert again.item == pinned.item

"""What `publish_item` does: the revision that two offices approved is offered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from zerotrip.catalogue import revisions
from zerotrip.catalogue.publication import Catalogue, Pinned
from zerotrip.catalogue.publishing import effective_instant
from zerotrip.kernel.aggregate import EventRow, Kind
from zerotrip.kernel.errors import GiveUp, Retry
from zerotrip.kernel.records import CompanionFailed, Overtaken, Records, Taken
from zerotrip.kernel.steps import ATTEMPTS, asked, done_before

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item
    from zerotrip.kernel.messages import CloudEvent


@dataclass(frozen=True, slots=True)
class PublishDeps:
    """The ports of this step; `keep_page` stores the guide that a person prints."""

    tenant: str
    records: Records
    catalogue: Catalogue
    keep_page: Callable[[Item, str], None]
    now: Callable[[], datetime]


def publish_item(message: CloudEvent, deps: PublishDeps) -> None:
    """Event, pointer and snapshot in one transaction; the page before it.

    Raises GiveUp `item_not_scheduled`, and what `Catalogue.offer` raises as Conflict.
    """
    event = asked(
        deps.records,
        message,
        deps.tenant,
        revisions.PUBLISH_STEP,
        frozenset({Kind.ITEM}),
    )
    digest = str(event.body["digest"])
    item = deps.catalogue.pinned(deps.tenant, event.key.id, digest)
    deps.keep_page(item, digest)
    for _ in range(ATTEMPTS):
        if _offered(event, Pinned(item, digest), deps):
            return
    raise Retry(
        "catalogue_busy",
        "事项目录正在被他人更新，系统会自动重试。",
        "Somebody else is publishing; the step is tried again.",
        detail={"item_code": item.code},
    )


def _offered(event: EventRow, pinned: Pinned, deps: PublishDeps) -> bool:
    """One try; False when somebody published something else in between."""
    now = revisions.read_item(deps.records.head(event.key))
    done = deps.records.event(event.key, f"EVENT#{revisions.PUBLISH_STEP}#{event.ref}")
    if done is not None:
        raise done_before(done)
    if now is None or now.item.digest != pinned.digest:
        raise GiveUp(
            "item_not_scheduled",
            "该版本已不在待发布状态，未作处理。",
            "This revision does not wait to be published; nothing was done.",
            detail={"item_code": event.key.id},
        )
    effective = effective_instant(date.fromisoformat(event.body["effective_on"]))
    moment = deps.now()
    offer = deps.catalogue.offer(
        deps.tenant, pinned, event.actor, max(effective, moment)
    )
    change = revisions.published(now, event, moment)
    try:
        deps.records.commit(change, companions=offer.writes)
    except (Overtaken, CompanionFailed):
        return False
    except Taken as taken:
        raise done_before(taken.winner) from taken
    deps.catalogue.forget()
    return True

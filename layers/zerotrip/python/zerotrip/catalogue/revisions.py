"""The life of an item's revision: proposed, reviewed by two offices, published. Pure.

An item is an aggregate like a case: `T#ITEM#{code}`, one table of transitions, one
event per command. What a revision says is an immutable object that its digest names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from zerotrip.catalogue.model import Item
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import (
    GENESIS,
    Change,
    Event,
    EventRow,
    Head,
    Key,
    Kind,
    digest,
)
from zerotrip.kernel.errors import Conflict, Forbidden
from zerotrip.kernel.watch import watch_due

PUBLISH_STEP = "publish_item"


class Office(StrEnum):
    """Who must agree before an item is offered (S1: 机构编制、政府法制)."""

    STAFFING = "staffing"
    """机构编制部门: the body may do this, and these are its duties."""
    LEGAL = "legal"
    """政府法制部门: the law says so."""


class ItemStage(StrEnum):
    """Where the latest proposal stands; what is offered meanwhile stays offered."""

    IN_REVIEW = "in_review"
    """Proposed by its owner's editor; an office has not answered yet."""
    RETURNED = "returned"
    """An office sent it back with a reason."""
    APPROVED = "approved"
    """Both offices agreed, two different people."""
    SCHEDULED = "scheduled"
    """Its day is set; it is being published."""
    PUBLISHED = "published"
    """Citizens can apply for it, from its day on."""


@dataclass(frozen=True, slots=True)
class ItemTransition:
    """One row: the step that writes the event, where from, where to."""

    step: str
    allowed_from: frozenset[ItemStage]
    to: frozenset[ItemStage]


_IN, _BACK, _YES = ItemStage.IN_REVIEW, ItemStage.RETURNED, ItemStage.APPROVED
_SET, _OUT = ItemStage.SCHEDULED, ItemStage.PUBLISHED

ITEM_TRANSITIONS: dict[str, ItemTransition] = {
    "item.review_requested": ItemTransition(
        "propose_item", frozenset({_IN, _BACK, _YES, _OUT}), frozenset({_IN})
    ),
    "item.reviewed": ItemTransition(
        "review_item", frozenset({_IN}), frozenset({_IN, _BACK, _YES})
    ),
    "item.scheduled": ItemTransition(
        "schedule_item", frozenset({_YES}), frozenset({_SET})
    ),
    "item.published": ItemTransition(
        PUBLISH_STEP, frozenset({_SET}), frozenset({_OUT})
    ),
}


class Reviewed(BaseModel):
    """One office's answer, and whose it was."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    by: str
    at: str


class ItemHead(BaseModel):
    """The head's JSON. `revision` and `digest` are the proposal's."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    organisation: str
    revision: int
    digest: str
    proposed_by: str
    reviews: dict[Office, Reviewed] = {}
    effective_on: str | None = None
    published_revision: int | None = None
    tries: int = 0
    """How often the watchdog has published `item.scheduled` again."""


@dataclass(frozen=True, slots=True)
class ItemNow:
    """An item's head, read."""

    head: Head
    item: ItemHead

    @property
    def stage(self) -> ItemStage:
        """Where its proposal stands."""
        return ItemStage(self.head.stage)

    @property
    def scheduled_by(self) -> str:
        """Sort key of the `item.scheduled` that a SCHEDULED head comes from."""
        return f"EVENT#schedule_item#v{self.head.version - 1}"


@dataclass(frozen=True, slots=True)
class ItemCommand:
    """Who asks, having seen which version of the head (0: there was none), and when."""

    actor: str
    seen: int
    now: datetime


def item_key(tenant: str, code: str) -> Key:
    """The aggregate of an item code."""
    return Key(tenant, Kind.ITEM, code)


def read_item(head: Head | None) -> ItemNow | None:
    """The head as this module knows it."""
    if head is None:
        return None
    return ItemNow(head, ItemHead.model_validate(dict(head.body)))


def propose(
    key: Key, now: ItemNow | None, command: ItemCommand, item: Item, content: str
) -> Change:
    """A revision goes to both offices; a proposal that was open is replaced.

    `content` is the digest of the item as it would be published. Raises Conflict
    `item_revision_older` unless its number is above the published one.
    """
    published = now.item.published_revision if now else None
    if published is not None and item.revision <= published:
        raise Conflict(
            "item_revision_older",
            f"版本号应大于已发布的第{published}版。",
            f"The revision must be above {published}, which is published.",
            detail={"published": published},
        )
    head = ItemHead(
        organisation=item.organisation.uscc,
        revision=item.revision,
        digest=content,
        proposed_by=command.actor,
        published_revision=published,
    )
    body = {"revision": item.revision, "digest": content}
    event = _event("item.review_requested", _IN, command, body)
    return _placed(key, now, event, _IN, head)


def review(
    now: ItemNow,
    command: ItemCommand,
    office: Office,
    *,
    agrees: bool,
    reasons: str,
    logins: frozenset[str] = frozenset(),
) -> Change:
    """One office's answer. Raises Forbidden when one person would speak twice.

    `logins` are all `sub`s that are the same person as the actor.
    """
    if (logins | {command.actor}) & spoke_before(now, office):
        raise Forbidden(
            "item_reviewed_by_one",
            "编写、机构编制审核、法制审核须由不同的人员完成。",
            "Who wrote it and the two who review it must be three different people.",
        )
    at = times.to_text(command.now)
    reviews = {**now.item.reviews, office: Reviewed(by=command.actor, at=at)}
    stage = _BACK
    if agrees:
        stage = _YES if set(reviews) == set(Office) else _IN
    head = now.item.model_copy(update={"reviews": reviews if agrees else {}})
    body = {
        "office": str(office),
        "agrees": agrees,
        "reasons": reasons,
        "revision": now.item.revision,
        "digest": now.item.digest,
    }
    event = _event("item.reviewed", stage, command, body)
    return _placed(now.head.key, now, event, stage, head)


def spoke_before(now: ItemNow, office: Office) -> set[str]:
    """Who wrote the proposal, and who answered for another office."""
    others = {each.by for name, each in now.item.reviews.items() if name is not office}
    return {now.item.proposed_by, *others}


def schedule(now: ItemNow, command: ItemCommand, effective_on: date) -> Change:
    """Sets the legal day from which the revision is offered.

    Raises Conflict `effective_day_past` for a day before today.
    """
    if effective_on < times.legal_day(command.now):
        raise Conflict(
            "effective_day_past",
            "生效日期不能早于今天。",
            "An item cannot take effect on a day that is over.",
        )
    day = effective_on.isoformat()
    head = now.item.model_copy(update={"effective_on": day})
    body = {
        "revision": now.item.revision,
        "digest": now.item.digest,
        "effective_on": day,
    }
    event = _event("item.scheduled", _SET, command, body, PUBLISH_STEP)
    change = _placed(now.head.key, now, event, _SET, head)
    return replace(change, due_at=times.to_text(watch_due(command.now, 0)))


def looked_at(now: ItemNow, tick: datetime) -> tuple[str, dict[str, Any]]:
    """When a SCHEDULED item that nobody answers is looked at again; its head's body."""
    tries = now.item.tries + 1
    body = now.item.model_copy(update={"tries": tries})
    return times.to_text(watch_due(tick, tries)), _as_body(body)


def published(now: ItemNow, cause: EventRow, moment: datetime) -> Change:
    """The revision is offered from its day on: the answer to `item.scheduled`."""
    head = now.item.model_copy(
        update={"published_revision": now.item.revision, "tries": 0}
    )
    event = Event(
        type="item.published",
        step=PUBLISH_STEP,
        cause=cause.ref,
        time=moment,
        actor=f"system:{PUBLISH_STEP}",
        request_hash=digest([PUBLISH_STEP, cause.ref]),
        body={
            "stage": str(_OUT),
            "revision": now.item.revision,
            "digest": now.item.digest,
            "effective_on": now.item.effective_on,
        },
    )
    return _placed(now.head.key, now, event, _OUT, head)


def _event(
    event_type: str,
    stage: ItemStage,
    command: ItemCommand,
    body: dict[str, Any],
    *next_steps: str,
) -> Event:
    step = ITEM_TRANSITIONS[event_type].step
    return Event(
        type=event_type,
        step=step,
        cause=f"v{command.seen}",
        time=command.now,
        actor=command.actor,
        request_hash=digest([step, command.seen, body]),
        next_steps=next_steps,
        body={"stage": str(stage), **body},
    )


def _placed(
    key: Key, now: ItemNow | None, event: Event, stage: ItemStage, head: ItemHead
) -> Change:
    allowed = ITEM_TRANSITIONS[event.type].allowed_from if now else frozenset()
    if now is not None and now.stage not in allowed:
        raise Conflict(
            "item_stage_other",
            "该事项版本的状态已变化，本操作未执行，请刷新后查看。",
            "The proposal has moved on; nothing was done. Please load it again.",
            detail={"stage": str(now.stage)},
        )
    return Change(
        key=key,
        expected_version=now.head.version if now else 0,
        allowed_from=frozenset(str(each) for each in allowed),
        stage=str(stage),
        organisation=head.organisation,
        body=_as_body(head),
        event=event,
        previous_hash=now.head.last_hash if now else GENESIS,
    )


def _as_body(head: ItemHead) -> dict[str, Any]:
    return head.model_dump(mode="json", exclude_defaults=True)

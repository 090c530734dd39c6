"""Scenario 7: batches of ten with none to ten poisoned messages, for every queue.

The good messages are those of whole cases: the queue stands still until enough of them
wait, then one batch is made of them and of the poison. Three kinds of poison: one that
nobody can read, one that points at nothing, one that makes the step raise what it never
foresaw. The poison alone must fail; what is hopeless goes to the DLQ at once and with a
code, the rest after five deliveries; a good message is done in its first delivery.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from tests.simulation.base import REPLACEMENT, Base
from tests.simulation.cloud import Queue, QueueMessage
from tests.simulation.faults import Faults
from tests.simulation.many import Played, Sum, play, upload_first
from tests.simulation.offices import Proposed, approved, numbered, set_day
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.simulation import NOTIFIED, Simulation
from tests.simulation.template import MAX_RECEIVES, queue_functions
from tests.support.world import TENANT
from zerotrip.catalogue.revisions import PUBLISH_STEP
from zerotrip.kernel.aggregate import EventRow, Key, Kind
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.tables import StoredRow
from zerotrip.kernel.times import legal_day
from zerotrip.materials.storage_events import ObjectCreated, created_message

BATCH = 10
LATER_SECONDS = 1.0
"""What is not of the batch is visible this much later."""
SHARES = {Size.FULL: 1, Size.TENTH: 20, Size.SLICE: 60}
"""Into how many shares the pairs of queue and number of poisoned messages fall."""
OFFERED = "public-place-hygiene-licence"
"""Whose office has ten further items, for the queue that publishes them."""
BUCKETS = {queue: bucket for bucket, queue in NOTIFIED.items()}


@dataclass(frozen=True)
class Poison:
    """One bad message. `hopeless` ones never work; `row` is what makes others fail."""

    body: str
    hopeless: bool
    row: tuple[str, StoredRow] | None = None


@dataclass
class Batch:
    """The one batch of a run, and what became of it."""

    queue: str
    bad: list[Poison]
    messages: list[QueueMessage] = field(default_factory=list)
    poisoned: dict[str, Poison] = field(default_factory=dict)
    failed: set[str] | None = None
    buried: set[str] = field(default_factory=set)


def run(seed: int, size: Size) -> Outcome:
    """Every queue with every number of poisoned messages at full size, else a share."""
    total = Sum(SCENARIO.name, seed, size)
    pairs = [(name, k) for name in sorted(queue_functions()) for k in range(BATCH + 1)]
    share = SHARES[size]
    queues: Counter[str] = Counter()
    for number, (name, k) in enumerate(pairs):
        if number % share == seed % share:
            batch = Batch(name, list(_poison(name, k)))
            real = total.real_licence() if name.endswith("_licence") else 0
            played = _play(seed * len(pairs) + number, batch, real)
            _judge(played, batch)
            total.add(f"{name} with {k} of {BATCH} poisoned", played)
            total.injected["poisoned message"] += k
            queues[name] += 1
    return total.outcome(batches_by_queue=dict(sorted(queues.items())))


def _play(seed: int, batch: Batch, real_licences: int) -> Played:
    good = BATCH - len(batch.bad)
    uploads, items = (
        batch.queue == name for name in ("receive_material", PUBLISH_STEP)
    )
    return play(
        seed,
        REPLACEMENT,
        Faults(),
        cases=max(good, 1),
        real_licences=real_licences,
        prepare=lambda run, people: _hold(run, people, batch, good),
        hand_in=upload_first if uploads else People.hand_in,
        tidy=lambda run, people: _remove_rows(run, batch),
        extended=_with_items if items else lambda start: start,
    )


def _with_items(start: Base) -> Base:
    """No case comes by `publish_item`: its messages are those of items' days."""
    return approved(start, _items())


@functools.cache
def _items() -> tuple[Proposed, ...]:
    return tuple(numbered(OFFERED, number) for number in range(1, BATCH + 1))


def _remove_rows(run: Simulation, batch: Batch) -> None:
    """The oracle reads every row, and those of the poison are none."""
    for bad in batch.bad:
        if bad.row is not None:
            table, row = bad.row
            del run.store.rows[(table, row.pk, row.sk)]


def _hold(run: Simulation, people: People, batch: Batch, good: int) -> None:
    """The queue stands still until its batch can be made."""
    queue = run.cloud.queues[batch.queue]
    queue.polling = False
    people.patience = (2.0, 10.0)
    if batch.queue == PUBLISH_STEP:
        for item in _items()[:good]:
            set_day(run, item, legal_day(run.scheduler.now))

    def look() -> None:
        if len(queue.messages) < good:
            run.scheduler.later(1.0, look)
            return
        batch.messages = list(queue.messages.values())[:good]
        for bad in batch.bad:
            if bad.row is not None:
                table, row = bad.row
                run.store.rows[(table, row.pk, row.sk)] = row
            message = QueueMessage(queue.ids(), bad.body, visible_at=run.scheduler.now)
            queue.messages[message.id] = message
            queue.sent += 1
            batch.messages.append(message)
            batch.poisoned[message.id] = bad
        _deliver(run, queue, batch)

    run.scheduler.later(1.0, look)


def _deliver(run: Simulation, queue: Queue, batch: Batch) -> None:
    """One invocation with the whole batch; then the queue goes on by itself."""
    chosen = {message.id for message in batch.messages}
    for message in queue.messages.values():
        if message.id not in chosen:
            message.visible_at = run.scheduler.now + timedelta(seconds=LATER_SECONDS)
    queue._invoke(queue.receive(BATCH))

    def after() -> None:
        if run.cloud.functions.running[batch.queue]:
            run.scheduler.later(0.2, after)
            return
        ids = {message.id for message in batch.messages}
        batch.failed = ids & set(queue.messages)
        batch.buried = {
            message.attributes.get("original_message_id", "") for message in queue.dead
        }
        queue.polling = True
        run.scheduler.later(LATER_SECONDS, queue.pump)

    run.scheduler.later(0.2, after)


def _poison(queue: str, count: int) -> Iterator[Poison]:
    """So many bad messages for that queue, the three kinds in turn."""
    kinds: tuple[Callable[[str, int], Poison], ...] = (
        _unreadable,
        _of_nothing,
        _raising,
    )
    for number in range(count):
        yield kinds[number % len(kinds)](queue, number)


def _unreadable(queue: str, number: int) -> Poison:
    bodies = ("这不是一条消息", '["neither", "is", "this"]')
    return Poison(bodies[number % len(bodies)], hopeless=True)


def _of_nothing(queue: str, number: int) -> Poison:
    if queue in BUCKETS:
        return Poison(_stored_at(queue, "absent", number), hopeless=True)
    return Poison(_event(_absent(queue, number), queue), hopeless=True)


def _raising(queue: str, number: int) -> Poison:
    """A row that nobody has written like this: no step foresees it."""
    if queue == "receive_material":
        row = StoredRow(f"{TENANT}#APP#POISON{number}", "SLOT#loss_declaration", {})
        return Poison(
            _stored_at(queue, f"POISON{number}", number), False, ("drafts", row)
        )
    if queue == "register_licence":
        row = StoredRow(f"{TENANT}#LICENCE#POISON{number}", "HEAD", {}, version=1)
        return Poison(
            _stored_at(queue, f"POISON{number}", number), False, ("records", row)
        )
    key = _absent(queue, number)
    row = StoredRow(key.pk, _row(key, queue).sk, {})
    return Poison(_event(key, queue), False, ("records", row))


def _absent(queue: str, number: int) -> Key:
    """What the queue's messages are about, with an id that nobody has."""
    kind = Kind.ITEM if queue == PUBLISH_STEP else Kind.CASE
    return Key(TENANT, kind, f"POISON{number:025}")


def _row(key: Key, queue: str) -> EventRow:
    return EventRow(
        key=key,
        sk=f"EVENT#poison#{key.id}",
        seq=1,
        type="case.received",
        time="2026-11-20T02:00:00.000Z",
        actor="system:poison",
        request_hash="",
        prev_hash="",
        hash="",
        next_steps=(queue,),
        organisation="",
        body={},
    )


def _event(key: Key, queue: str) -> str:
    return cloud_event(_row(key, queue)).model_dump_json()


def _stored_at(queue: str, identity: str, number: int) -> str:
    """A notification of an object that is nobody's, or that is not there."""
    bucket = BUCKETS[queue]
    key = f"{TENANT}/POISON{number}/{identity}.pdf"
    if bucket == "uploads":
        key = f"{TENANT}/APP/{identity.upper()}/loss_declaration/{number:026}"
    return json.dumps(created_message(ObjectCreated(bucket, key, "v1"), 1))


def _judge(played: Played, batch: Batch) -> None:
    """What failed is the poison and nothing else; it ends in the DLQ, once each."""
    verdict, queue = played.verdict, played.run.cloud.queues[batch.queue]
    bad = set(batch.poisoned)
    hopeless = {each for each, poison in batch.poisoned.items() if poison.hopeless}
    if batch.failed is None:
        verdict.broken.append("the batch was never made")
        return
    if batch.failed | (batch.buried & bad) != bad:
        verdict.broken.append(
            f"{len(batch.failed)} failed, {len(batch.buried)} buried of {len(bad)} bad"
        )
    if batch.buried != hopeless:
        verdict.broken.append("not just the hopeless ones were buried at once")
    for message in batch.messages:
        wanted = 1 if message.id not in bad or message.id in hopeless else MAX_RECEIVES
        if message.receives != wanted:
            verdict.doubled.append(f"{message.id} delivered x{message.receives}")
    letters = Counter(
        message.attributes.get("original_message_id", message.id)
        for message in queue.dead
    )
    if letters != Counter(bad):
        verdict.lost.append(f"{sum(letters.values())} dead letters of {len(bad)} bad")
    uncoded = [each.id for each in queue.dead if not each.attributes.get("code")]
    verdict.broken += [f"dead letter {each} has no code" for each in uncoded]
    if verdict.completed != verdict.acknowledged:
        verdict.lost.append(f"{verdict.acknowledged - verdict.completed} not completed")


SCENARIO = Scenario(
    7,
    "batch-with-poison",
    "一批消息中混入毒消息：只有毒消息失败",
    "A batch with poison: the poison fails, nothing else does",
    run,
)

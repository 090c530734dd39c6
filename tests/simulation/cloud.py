"""Queues, stream, bus, storage notifications and the schedule, as AWS documents them.

At least once, in no order; a message that is received too often goes to its DLQ. The
stream is ordered per key and read by one invocation per shard; it forgets after 24 h.
"""

from __future__ import annotations

import base64
import itertools
import json
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.functions import Functions
from tests.simulation.scheduler import Scheduler
from tests.simulation.template import (
    MAX_RECEIVES,
    QueueFunction,
    matches,
    queue_functions,
)
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.tables import Put, Write

STREAM_SHARDS = 4
STREAM_BATCH = 100
STREAM_RETRIES = 20
STREAM_KEEPS = timedelta(hours=24)
READER_TAKES = timedelta(hours=12)
"""`MaximumRecordAgeInSeconds` of the stream's event source."""


@dataclass(eq=False)
class QueueMessage:
    """One message in a queue. `id` is SQS's own and means nothing to the product."""

    id: str
    body: str
    attributes: dict[str, str] = field(default_factory=dict)
    receives: int = 0
    visible_at: datetime | None = None
    group: str = ""


@dataclass(eq=False)
class Queue:
    """A standard queue, its DLQ, and the poller that invokes its function."""

    spec: QueueFunction
    scheduler: Scheduler
    functions: Functions
    faults: Faults
    ids: Callable[[], str]
    messages: dict[str, QueueMessage] = field(default_factory=dict)
    dead: list[QueueMessage] = field(default_factory=list)
    deliveries: int = 0
    sent: int = 0
    oldest_seconds: float = 0.0
    polling: bool = True
    fair: bool = True
    delay: tuple[float, float] = (0.01, 0.5)
    """Seconds from the sending of a message to its arrival: drawn in between."""
    arriving: int = 0

    def send(
        self,
        body: str,
        attributes: Mapping[str, str] | None = None,
        delay: tuple[float, float] | None = None,
        group: str = "",
    ) -> None:
        """A message arrives, perhaps more than once: bus and SQS promise no less."""
        dice = self.scheduler.random
        self.sent += 1
        for _ in range(1 + self.faults.copies(dice, self.scheduler.now)):
            message = QueueMessage(
                self.ids(), body, dict(attributes or {}), group=group
            )
            self.arriving += 1
            self.scheduler.later(
                dice.uniform(*(delay or self.delay)),
                lambda message=message: self._arrive(message),
            )

    def bury(self, body: str, attributes: Mapping[str, str]) -> None:
        """What the function itself puts into the DLQ, with code and reason."""
        self.dead.append(QueueMessage(self.ids(), body, dict(attributes)))

    def put_back(self, message: QueueMessage) -> None:
        """What `make redrive` does: a dead letter is sent again."""
        self.dead.remove(message)
        attributes = {
            name: value
            for name, value in message.attributes.items()
            if name not in ("code", "reason", "step")
        }
        self.send(message.body, attributes)

    def _arrive(self, message: QueueMessage) -> None:
        self.arriving -= 1
        message.visible_at = self.scheduler.now
        self.messages[message.id] = message
        self.scheduler.later(self.spec.window_seconds, self.pump)

    def receive(self, at_most: int) -> list[QueueMessage]:
        """Visible messages, in any order; each is hidden now and counted once more.

        One that was received too often before goes to the DLQ instead.
        """
        now, dice = self.scheduler.now, self.scheduler.random
        ready = [
            message
            for message in self.messages.values()
            if message.visible_at is not None and message.visible_at <= now
        ]
        dice.shuffle(ready)
        if self.fair:
            ready = self._fairly(ready)
        taken = [message for message in ready[:at_most] if not self._worn_out(message)]
        hidden = now + timedelta(seconds=self.spec.visibility_seconds)
        for message in taken:
            message.receives += 1
            message.visible_at = hidden
        if taken:
            self.scheduler.at(hidden, self.pump)
        return taken

    def _fairly(self, ready: list[QueueMessage]) -> list[QueueMessage]:
        """Groups with less in work go first: AWS's fair queues, as documented.

        Amazon SQS developer guide, "Fair queues": a group with more messages in flight
        than others is noisy, and the quiet ones' messages are returned before its own.
        """
        now = self.scheduler.now
        if len({message.group for message in ready}) < 2:
            return ready
        busy = Counter(
            message.group
            for message in self.messages.values()
            if message.visible_at is not None and message.visible_at > now
        )
        turns: Counter[str] = Counter()
        ordered = []
        for message in ready:
            ordered.append((busy[message.group] + turns[message.group], message))
            turns[message.group] += 1
        return [message for _, message in sorted(ordered, key=lambda each: each[0])]

    def delete(self, message: QueueMessage) -> None:
        """DeleteMessage: it is gone, whoever else holds a receipt."""
        self.messages.pop(message.id, None)

    def pump(self) -> None:
        """Invokes the function for what is visible now, in batches of any size."""
        while self.polling and self.functions.free(self.spec.name):
            size = self.scheduler.random.randint(1, self.spec.batch_size)
            before = len(self.messages)
            batch = self.receive(size)
            if batch:
                self._invoke(batch)
            elif len(self.messages) == before:
                return  # nothing was visible, nothing went to the DLQ

    def _worn_out(self, message: QueueMessage) -> bool:
        if message.receives < MAX_RECEIVES:
            return False
        del self.messages[message.id]
        self.dead.append(message)
        return True

    def _invoke(self, batch: list[QueueMessage]) -> None:
        self.deliveries += len(batch)
        event = {"Records": [self._record(message) for message in batch]}

        def ended(result: Any, error: BaseException | None) -> None:
            if error is None:
                failed = {
                    each["itemIdentifier"] for each in result["batchItemFailures"]
                }
                for message in batch:
                    if message.id not in failed:
                        self._acknowledge(message)
            self.pump()

        self.functions.invoke(self.spec.name, event, ended)

    def _acknowledge(self, message: QueueMessage) -> None:
        """The poller's DeleteMessage, which may get lost like any other call."""
        if not self.faults.happens(
            "lost delete",
            self.faults.lost_deletes,
            self.scheduler.random,
            self.scheduler.now,
        ):
            self.delete(message)

    def _record(self, message: QueueMessage) -> dict[str, Any]:
        return {
            "messageId": message.id,
            "receiptHandle": f"{message.id}/{message.receives}",
            "body": message.body,
            "attributes": {
                "ApproximateReceiveCount": str(message.receives),
                "SentTimestamp": "0",
                "SenderId": "simulated",
                "ApproximateFirstReceiveTimestamp": "0",
            },
            "messageAttributes": {
                name: {"stringValue": value, "dataType": "String"}
                for name, value in message.attributes.items()
            },
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:local:000000000000:{self.spec.name}",
            "awsRegion": "local",
        }


@dataclass(eq=False)
class Stream:
    """The records table's stream and its only reader."""

    scheduler: Scheduler
    functions: Functions
    reading: bool = True
    unpublished: list[dict[str, Any]] = field(default_factory=list)
    forgotten: int = 0
    kills: int = 0
    _shards: list[list[tuple[datetime, dict[str, Any]]]] = field(
        default_factory=lambda: [[] for _ in range(STREAM_SHARDS)]
    )
    _busy: set[int] = field(default_factory=set)
    _tries: Counter[str] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def committed(self, writes: Sequence[Write]) -> None:
        """A transaction's new event rows, as the event source's filter lets through."""
        for write in writes:
            row = getattr(write, "row", None)
            if isinstance(write, Put) and row.sk.startswith("EVENT#"):
                shard = zlib.crc32(row.pk.encode()) % STREAM_SHARDS
                self._shards[shard].append((self.scheduler.now, self._record(row)))
                self.scheduler.later(0.05, lambda shard=shard: self.pump(shard))

    @property
    def waiting(self) -> int:
        """Records that no reader has taken yet."""
        return sum(map(len, self._shards))

    def pump(self, shard: int | None = None) -> None:
        """Reads on, one batch per shard at a time."""
        for each in range(STREAM_SHARDS) if shard is None else (shard,):
            if self.reading and each not in self._busy:
                self._read(each)

    def _read(self, shard: int) -> None:
        kept, now = self._shards[shard], self.scheduler.now
        while kept and now - kept[0][0] > STREAM_KEEPS:
            self.forgotten += 1
            kept.pop(0)
        if not kept:
            return
        size = self.scheduler.random.randint(1, STREAM_BATCH)
        first = kept[0][1]["dynamodb"]["SequenceNumber"]
        # Bisected after each failure, down to one record.
        size = max(1, size >> self._tries[first])
        batch = [record for _, record in kept[:size]]
        self._busy.add(shard)

        def ended(result: Any, error: BaseException | None) -> None:
            self._busy.discard(shard)
            failures = [] if error is not None else result["batchItemFailures"]
            if error is None and not failures:
                self._take(shard, len(batch))
                self.pump(shard)
                return
            if failures:
                numbers = [r["dynamodb"]["SequenceNumber"] for r in batch]
                self._take(shard, numbers.index(failures[0]["itemIdentifier"]))
            self._again(shard)

        self.functions.invoke("publish_events", {"Records": batch}, ended)

    def _again(self, shard: int) -> None:
        kept = self._shards[shard]
        if not kept:
            return
        born, record = kept[0]
        first = record["dynamodb"]["SequenceNumber"]
        self._tries[first] += 1
        old = self.scheduler.now - born > READER_TAKES
        if self._tries[first] > STREAM_RETRIES or old:
            self.unpublished.append(record)
            self._take(shard, 1)
        wait = min(0.1 * 2 ** self._tries[first], 60.0)
        self.scheduler.later(wait, lambda: self.pump(shard))

    def _take(self, shard: int, count: int) -> None:
        del self._shards[shard][:count]

    def _record(self, row: Any) -> dict[str, Any]:
        image: dict[str, Any] = {
            "pk": {"S": row.pk},
            "sk": {"S": row.sk},
            "data": {"S": json.dumps(dict(row.data), ensure_ascii=False)},
        }
        if row.sealed is not None:
            image["sealed"] = {"B": base64.b64encode(row.sealed).decode()}
        return {
            "eventName": "INSERT",
            "eventSource": "aws:dynamodb",
            "dynamodb": {
                "Keys": {"pk": {"S": row.pk}, "sk": {"S": row.sk}},
                "NewImage": image,
                "SequenceNumber": f"{next(self._numbers):021}",
                "StreamViewType": "NEW_IMAGE",
            },
        }


@dataclass(eq=False)
class Cloud:
    """Everything between the functions."""

    scheduler: Scheduler
    faults: Faults
    queues: dict[str, Queue] = field(default_factory=dict)
    published: Counter[str] = field(default_factory=Counter)
    unrouted: Counter[str] = field(default_factory=Counter)
    ticking: bool = True
    _routes: dict[tuple[str, tuple[str, ...]], list[Queue]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        numbers = itertools.count(1)
        self.functions = Functions(self.scheduler)
        self.stream = Stream(self.scheduler, self.functions)
        for name, spec in queue_functions().items():
            self.queues[name] = Queue(
                spec,
                self.scheduler,
                self.functions,
                self.faults,
                lambda: f"message-{next(numbers):07}",
            )

    def deliver(self, event: CloudEvent) -> None:
        """The bus: each rule that matches gets the event into its queue."""
        self.published[event.id] += 1
        body = event.model_dump_json()
        for queue in self._targets(event):
            group = event.data.organisation if queue.spec.grouped else ""
            queue.send(body, group=group)

    def _targets(self, event: CloudEvent) -> list[Queue]:
        """The queues whose rule matches; our rules look at type and steps alone."""
        seen = (event.type, event.data.next_steps)
        if seen not in self._routes:
            entry = {
                "source": "zerotrip",
                "detail-type": event.type,
                "detail": event.model_dump(mode="json"),
            }
            self._routes[seen] = [
                queue
                for queue in self.queues.values()
                if queue.spec.pattern is not None and matches(queue.spec.pattern, entry)
            ]
        return self._routes[seen]

    def tick(self, seconds: float = 60.0) -> None:
        """The schedule of `watch_deadlines`: each minute, once."""

        def fire() -> None:
            if not self.ticking:
                return
            moment = self.scheduler.now.replace(microsecond=0)
            event = {
                "source": "aws.scheduler",
                "time": moment.isoformat().replace("+00:00", "Z"),
            }
            self.functions.invoke("watch_deadlines", event, lambda *_: None)
            self.scheduler.later(seconds, fire)

        self.scheduler.later(seconds, fire)

    @property
    def duplicates(self) -> int:
        """Deliveries beyond one for each message that was sent."""
        return sum(queue.deliveries - queue.sent for queue in self.queues.values())

    @property
    def on_the_way(self) -> int:
        """Messages in queues and records in the stream."""
        return self.stream.waiting + sum(
            queue.arriving + len(queue.messages) for queue in self.queues.values()
        )

    def dead_letters(self) -> list[tuple[str, QueueMessage]]:
        """Every dead letter with its step."""
        return [
            (name, message)
            for name, queue in self.queues.items()
            for message in queue.dead
        ]

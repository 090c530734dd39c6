"""The product's ports in memory; every call may go wrong before, during and after.

What a port promises is held by `tests/contract`, against these and the real ones.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import urllib3
from botocore.exceptions import ClientError, ConnectTimeoutError

from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import Actor, Killed, Scheduler
from tests.support.memory import MemoryKeys, MemoryObjects, MemoryTables
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.objects import StoredObject
from zerotrip.kernel.tables import StoredRow, Tables, Write

Answer = TypeVar("Answer")
Failing = Callable[[str], Exception]

CALL_SECONDS = (0.002, 0.02)
"""How long a call takes: the range that the seed draws from."""
SLOW_SECONDS = (1.0, 12.0)
SDK_SERVICES = frozenset({"tables", "objects", "kms", "bus", "sqs"})
SDK_TRIES = 3
"""`runtime.aws.client`: three attempts, with full jitter between them."""
SDK_BACKOFF_SECONDS = 0.05


@dataclass
class Trace:
    """The event log of a run: who did what when, as a digest and, if kept, as lines."""

    keep: bool = False
    lines: list[str] = field(default_factory=list)
    calls: int = 0

    def __post_init__(self) -> None:
        self._written = io.StringIO()

    def add(self, line: str) -> None:
        self.calls += 1
        self._written.write(f"{line}\n")
        if self.keep:
            self.lines.append(line)

    @property
    def digest(self) -> str:
        return hashlib.sha256(self._written.getvalue().encode()).hexdigest()


@dataclass
class Outside:
    """The way out of the process: time passes, and faults happen."""

    scheduler: Scheduler
    faults: Faults
    trace: Trace = field(default_factory=Trace)

    def __call__(
        self, call: str, effect: Callable[[], Answer], failing: Failing
    ) -> Answer:
        """Carries a call out, as far as the faults let it.

        Others run before it takes effect. Nobody sees what a process does between one
        call's effect and the next one, so there is no turn to give after it.
        """
        actor = self.scheduler.actor
        if actor is None:
            return effect()
        if actor.dead:
            raise Killed
        actor.calls += 1
        dice = self.scheduler.random
        fault = self.faults.of(actor, call, dice, self.scheduler.now)
        self._attempt(actor, call, fault)
        if fault is Fault.REFUSED and self.faults.refusals:
            fault = self._tried_again(actor, call)
        match fault:
            case Fault.CRASH_BEFORE:
                actor.die()
            case Fault.HANG_BEFORE:
                self.scheduler.hang()
            case Fault.REFUSED:
                raise failing("ThrottlingException")
            case _:
                pass
        answer = effect()
        match fault:
            case Fault.CRASH_AFTER:
                actor.die()
            case Fault.HANG_AFTER:
                self.scheduler.hang()
            case Fault.LOST_ANSWER:
                raise failing("ReadTimeout")
            case _:
                pass
        return answer

    def _attempt(self, actor: Actor, call: str, fault: Fault | None) -> None:
        self.trace.add(
            f"{self.scheduler.now.isoformat(' ')} {actor.name}#{actor.number} "
            f"{call} {fault or ''}"
        )
        self.scheduler.sleep(self._seconds())

    def _tried_again(self, actor: Actor, call: str) -> Fault | None:
        """What is left of a refusal after the SDK tried again; partners get one try."""
        dice = self.scheduler.random
        if call.partition(".")[0] not in SDK_SERVICES:
            return Fault.REFUSED
        for attempt in range(1, SDK_TRIES):
            self.scheduler.sleep(dice.uniform(0, SDK_BACKOFF_SECONDS * 2**attempt))
            refused = self.faults.throttled(call, dice)
            self._attempt(actor, call, Fault.REFUSED if refused else None)
            if not refused:
                return None
        return Fault.REFUSED

    def _seconds(self) -> float:
        dice = self.scheduler.random
        if self.faults.happens("slow call", self.faults.slow, dice, self.scheduler.now):
            return dice.uniform(*SLOW_SECONDS)
        return dice.uniform(*CALL_SECONDS)


def database_fails(cause: str) -> Exception:
    """What `DynamoTables` makes of it, after the SDK's own three tries."""
    return Retry("database_unavailable", "", "", detail={"cause": cause})


def store_fails(cause: str) -> Exception:
    """What `S3Objects` makes of it."""
    return Retry("object_store_unavailable", "", "", detail={"cause": cause})


def sdk_fails(cause: str) -> Exception:
    """What a botocore client raises."""
    if cause == "ReadTimeout":
        return ConnectTimeoutError(endpoint_url="https://service.example.invalid")
    return ClientError({"Error": {"Code": cause, "Message": ""}}, "Operation")


def network_fails(cause: str) -> Exception:
    """What a partner's connection raises."""
    return urllib3.exceptions.ProtocolError(cause)


@dataclass
class SimulatedTables:
    """The Tables port. `tables` may be any adapter; the contract suite tries both."""

    tables: Tables
    outside: Outside
    committed: Callable[[Sequence[Write]], None] = lambda writes: None

    def get(self, table: str, pk: str, sk: str) -> StoredRow | None:
        return self.outside(
            f"tables.get {table}",
            lambda: self.tables.get(table, pk, sk),
            database_fails,
        )

    def get_many(self, table: str, keys: Sequence[tuple[str, str]]) -> list[StoredRow]:
        return self.outside(
            f"tables.get_many {table}",
            lambda: self.tables.get_many(table, keys),
            database_fails,
        )

    def query(self, table: str, pk: str, prefix: str = "") -> list[StoredRow]:
        return self.outside(
            f"tables.query {table}",
            lambda: self.tables.query(table, pk, prefix),
            database_fails,
        )

    def index(
        self,
        table: str,
        name: str,
        partition: str,
        *,
        until: str | None = None,
        newest_first: bool = False,
        limit: int = 100,
    ) -> list[tuple[str, str]]:
        return self.outside(
            f"tables.index {table}/{name}",
            lambda: self.tables.index(
                table,
                name,
                partition,
                until=until,
                newest_first=newest_first,
                limit=limit,
            ),
            database_fails,
        )

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        def commit() -> None:
            self.tables.transact(writes, token)
            self.committed(writes)

        self.outside("tables.transact", commit, database_fails)


class MemoryStore(MemoryTables):
    """Memory tables that keep no list of transactions: a run makes many."""

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        super().transact(writes, token)
        self.transactions.clear()


@dataclass
class SimulatedObjects(MemoryObjects):
    """The Objects port on one bucket; `created` hears of each new version."""

    bucket: str = ""
    outside: Outside | None = None
    created: Callable[[str, str, str, int], None] = lambda *_: None

    def _through(self, call: str, effect: Callable[[], Answer]) -> Answer:
        if self.outside is None:
            return effect()
        return self.outside(f"objects.{call} {self.bucket}", effect, store_fails)

    def get(self, key: str, version_id: str | None = None) -> StoredObject | None:
        read = super().get
        return self._through("get", lambda: read(key, version_id))

    def newest_version(self, key: str) -> tuple[str, int] | None:
        def read() -> tuple[str, int] | None:
            kept = self.versions.get(key)
            return (kept[-1].version_id, len(kept[-1].content)) if kept else None

        return self._through("newest_version", read)

    def put_once(
        self,
        key: str,
        content: bytes,
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        write = super().put_once

        def effect() -> str:
            return write(key, content, content_type=content_type, metadata=metadata)

        return self._through("put_once", effect)

    def put(self, key: str, content: bytes, *, content_type: str) -> str:
        write = super().put
        return self._through(
            "put", lambda: write(key, content, content_type=content_type)
        )

    def _add(
        self, key: str, content: bytes, content_type: str, metadata: Mapping[str, str]
    ) -> str:
        version_id = super()._add(key, content, content_type, metadata)
        self.created(self.bucket, key, version_id, len(content))
        return version_id


@dataclass
class SimulatedKeys(MemoryKeys):
    """The KeyService port."""

    outside: Outside | None = None

    def generate(self, context: dict[str, str]) -> tuple[bytes, bytes]:
        make = super().generate
        if self.outside is None:
            return make(context)
        return self.outside("kms.generate", lambda: make(context), sdk_fails)

    def unwrap(self, wrapped: bytes, context: dict[str, str]) -> bytes:
        opened = super().unwrap
        if self.outside is None:
            return opened(wrapped, context)
        return self.outside("kms.unwrap", lambda: opened(wrapped, context), sdk_fails)


@dataclass
class SimulatedBus:
    """The Bus port: takes what it takes, names the rest by position."""

    outside: Outside
    deliver: Callable[[CloudEvent], None]

    def publish(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        return self.outside("bus.publish", lambda: self._take(events), sdk_fails)

    def _take(self, events: Sequence[CloudEvent]) -> frozenset[int]:
        scheduler, faults = self.outside.scheduler, self.outside.faults
        refused = set()
        for position, event in enumerate(events):
            if faults.happens(
                "failed entry", faults.partial, scheduler.random, scheduler.now
            ):
                refused.add(position)
            else:
                self.deliver(event)
        return frozenset(refused)


@dataclass
class SimulatedHttp:
    """Connections to partners: `partners` answers in this process."""

    outside: Outside
    partners: Callable[[str, str, bytes, Mapping[str, str]], Any]

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> Any:
        name = url.split("/", 3)[2].partition(".")[0]
        return self.outside(
            f"{name}.{method}",
            lambda: self.partners(method, url, body or b"", headers or {}),
            network_fails,
        )

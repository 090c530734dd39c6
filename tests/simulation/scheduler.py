"""Virtual time, and actors that take turns at every outside call.

One thread: an actor (an invocation, a person) is a greenlet that runs until it sleeps.
What is next is what is due first; equal times are drawn by the seed. So one seed is one
run, to the last interleaving.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

import greenlet

START = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process ended here; nothing in the product may catch this."""


@dataclass(eq=False)
class Actor:
    """One running piece of code; `calls` counts its outside calls."""

    name: str
    number: int
    greenlet: greenlet.greenlet = field(repr=False)
    deadline: datetime | None = None
    calls: int = 0
    dead: bool = False
    parked: object | None = None

    def die(self) -> NoReturn:
        """The process ends here: whatever it still tries has no effect."""
        self.dead = True
        raise Killed


class Scheduler:
    """Everything that happens, in the order of virtual time."""

    def __init__(self, seed: int, start: datetime = START) -> None:
        self.random = random.Random(seed)
        self.now = start
        self.events = 0
        self._heap: list[tuple[datetime, float, int, Callable[[], None]]] = []
        self._tickets = itertools.count()
        self._numbers = itertools.count(1)
        self._hub = greenlet.getcurrent()
        self._actors: dict[greenlet.greenlet, Actor] = {}

    def __call__(self) -> datetime:
        """The clock that the product is given."""
        return self.now

    @property
    def actor(self) -> Actor | None:
        """Who runs at this moment; None while nobody does."""
        return self._actors.get(greenlet.getcurrent())

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Calls the action after so much virtual time."""
        self.at(self.now + timedelta(seconds=seconds), action)

    def at(self, moment: datetime, action: Callable[[], None]) -> None:
        """Calls the action at that moment, or now if it is past."""
        heapq.heappush(
            self._heap,
            (
                max(moment, self.now),
                self.random.random(),
                next(self._tickets),
                action,
            ),
        )

    def spawn(
        self,
        name: str,
        work: Callable[[], Any],
        ended: Callable[[Actor, Any, BaseException | None], None],
        timeout_seconds: float | None = None,
    ) -> Actor:
        """Starts an actor; `ended` gets its result, or the error that ended it."""

        def body() -> None:
            result, error = None, None
            try:
                result = work()
            except (Exception, Killed) as raised:  # noqa: BLE001 - handed to `ended`
                error = raised
            self._actors.pop(actor.greenlet, None)
            actor.dead = True
            ended(actor, result, error)

        actor = Actor(name, next(self._numbers), greenlet.greenlet(body, self._hub))
        self._actors[actor.greenlet] = actor
        if timeout_seconds is not None:
            actor.deadline = self.now + timedelta(seconds=timeout_seconds)
            self.at(actor.deadline, lambda: self.kill(actor))
        self.later(0, lambda: self._resume(actor))
        return actor

    def sleep(self, seconds: float) -> None:
        """The running actor waits; others run."""
        actor = self.actor
        if actor is None:
            raise RuntimeError("only an actor can sleep")
        self.later(seconds, lambda: self._resume(actor))
        self._hub.switch()
        if actor.dead:
            raise Killed

    def park(self, seconds: float) -> None:
        """The running actor waits until it is woken, so many seconds at most."""
        actor = self.actor
        if actor is None:
            raise RuntimeError("only an actor can wait")
        ticket = actor.parked = object()
        self.later(seconds, lambda: self._unpark(actor, ticket))
        self._hub.switch()
        if actor.dead:
            raise Killed

    def wake(self, actor: Actor) -> None:
        """Lets a parked actor go on."""
        ticket = actor.parked
        if ticket is not None:
            self.later(0, lambda: self._unpark(actor, ticket))

    def _unpark(self, actor: Actor, ticket: object) -> None:
        if actor.parked is ticket:
            actor.parked = None
            self._resume(actor)

    def hang(self) -> None:
        """The running actor waits for an answer that never comes."""
        actor = self.actor
        if actor is None or actor.deadline is None:
            raise Killed
        self._hub.switch()
        raise Killed

    def kill(self, actor: Actor) -> None:
        """Ends an actor where it stands; nothing that it does from now on counts."""
        if actor.dead:
            return
        actor.dead = True
        if not actor.greenlet:  # it has not begun
            self._actors.pop(actor.greenlet, None)
        elif actor.greenlet is not greenlet.getcurrent():
            actor.greenlet.throw(Killed)

    def run(
        self, until: datetime | None = None, stop: Callable[[], bool] | None = None
    ) -> None:
        """Until nothing is due, or `until` is reached, or `stop` says so."""
        while self._heap:
            if stop is not None and stop():
                return
            if until is not None and self._heap[0][0] > until:
                self.now = until
                return
            moment, _, _, action = heapq.heappop(self._heap)
            self.now = moment
            self.events += 1
            action()
        if until is not None:
            self.now = max(self.now, until)

    def _resume(self, actor: Actor) -> None:
        if not actor.dead:
            actor.greenlet.switch()

    def close(self) -> None:
        """Ends whoever still runs."""
        for actor in list(self._actors.values()):
            self.kill(actor)
        self._heap.clear()

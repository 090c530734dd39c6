"""What goes wrong, drawn by the seed or written down call by call."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from tests.simulation.scheduler import Actor


class Fault(StrEnum):
    """What may happen to one outside call."""

    CRASH_BEFORE = "crash_before"
    """The process ends before the call leaves."""
    CRASH_AFTER = "crash_after"
    """The call takes effect, then the process ends."""
    HANG_BEFORE = "hang_before"
    """The call never leaves; the function runs into its time-out."""
    HANG_AFTER = "hang_after"
    """The call takes effect, its answer never comes; the function times out."""
    LOST_ANSWER = "lost_answer"
    """The call takes effect; the caller is told that it failed."""
    REFUSED = "refused"
    """The service throttles or fails; the call has no effect."""


@dataclass
class Faults:
    """Rates by kind, narrowed by `where`; points by (actor, call number) once each.

    `refusals` are rates by service, each attempt of the SDK by itself. `duplicates` is
    the probability that a delivered message is delivered again.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    where: Callable[[str, str], bool] = lambda actor, call: True
    refusals: Mapping[str, float] = field(default_factory=dict)
    points: dict[tuple[str, int], Fault] = field(default_factory=dict)
    until: datetime | None = None
    duplicates: float = 0.0
    most_copies: int = 1
    lost_deletes: float = 0.0
    partial: float = 0.0
    slow: float = 0.0
    injected: Counter[str] = field(default_factory=Counter)

    def of(
        self, actor: Actor, call: str, dice: random.Random, now: datetime
    ) -> Fault | None:
        """What happens to this call of this actor; counted when something does."""
        kind = self.points.pop((actor.name, actor.calls), None)
        if kind is None and self.active(now):
            kind = self._drawn(actor, call, dice)
        if kind is not None:
            self.injected[f"{kind} at {call}"] += 1
        return kind

    def _drawn(self, actor: Actor, call: str, dice: random.Random) -> Fault | None:
        if self.throttled(call, dice):
            return Fault.REFUSED
        if not self.where(actor.name, call):
            return None
        for kind, rate in self.rates.items():
            if rate and dice.random() < rate:
                return kind
        return None

    def throttled(self, call: str, dice: random.Random) -> bool:
        """Whether the service refuses one attempt of this call."""
        rate = self.refusals.get(call.partition(".")[0], 0.0)
        return bool(rate) and dice.random() < rate

    def copies(self, dice: random.Random, now: datetime) -> int:
        """How many extra times a message is delivered."""
        if not self.active(now) or not self.duplicates:
            return 0
        if dice.random() >= self.duplicates:
            return 0
        extra = dice.randint(1, self.most_copies)
        self.injected["duplicate delivery"] += extra
        return extra

    def happens(
        self, what: str, rate: float, dice: random.Random, now: datetime
    ) -> bool:
        """Draws one of the further faults (lost delete, partial failure)."""
        if not rate or not self.active(now) or dice.random() >= rate:
            return False
        self.injected[what] += 1
        return True

    def active(self, now: datetime) -> bool:
        """Whether the time of faults is not over."""
        return self.until is None or now < self.until

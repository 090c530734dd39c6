"""The enrolment weekend on paper: who comes when. Pure.

The weekend that the platform is planned for, in one organisation: 38,068 numbers handed
out, 13,450 applications submitted, in a window of 57 hours from a Saturday's 09:00. How
they spread is not in the plans; assumed here: three in ten in the first hour, three in
ten in the last hour before it closes, the rest by the hours at which people are awake.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

NUMBERS, SUBMITTED, HOURS = 38_068, 13_450, 57
OPENS_AT = 9
"""Hour of the day at which the window opens."""
FIRST_HOUR, LAST_HOUR = 0.30, 0.30
RUSH_OVER_CAPACITY = 2.0
RUSH_SECONDS = 60.0
_FADES_HOURS = 36.0
_NIGHT, _DAY = 0.1, 1.0


def shares() -> list[float]:
    """The part of all submissions that each hour of the window takes; sums to 1."""
    between = [
        _awake((OPENS_AT + hour) % 24) * math.exp(-hour / _FADES_HOURS)
        for hour in range(1, HOURS - 1)
    ]
    rest = (1 - FIRST_HOUR - LAST_HOUR) / sum(between)
    return [FIRST_HOUR, *(weight * rest for weight in between), LAST_HOUR]


def _awake(hour_of_day: int) -> float:
    return _DAY if 7 <= hour_of_day < 23 else _NIGHT


@dataclass(frozen=True, slots=True)
class Weekend:
    """What of it is played: drafts, submissions of each rush and between, in seconds.

    `rate` is a rush's submissions a second; the hours between pass at a quarter of it.
    """

    scale: float
    numbers: int
    rush: int
    between: int
    rate: float

    @property
    def rush_seconds(self) -> float:
        """How long each rush lasts."""
        return self.rush / self.rate

    @property
    def between_seconds(self) -> float:
        """In which time the hours between the rushes pass."""
        return self.between / (self.rate / 4)

    @property
    def submitted(self) -> int:
        """Submissions in all."""
        return 2 * self.rush + self.between


def weekend(capacity: float, scale: float | None = None) -> Weekend:
    """The weekend divided by `scale`; its rushes come at twice the capacity.

    `capacity` is in submissions a second that get their result. Without a scale it is
    that at which the first hour passes in 60 seconds.
    """
    rate = RUSH_OVER_CAPACITY * capacity
    played = scale or FIRST_HOUR * SUBMITTED / (rate * RUSH_SECONDS)
    submitted = SUBMITTED / played
    rush = max(1, round(FIRST_HOUR * submitted))
    between = max(0, round(submitted) - 2 * rush)
    numbers = round((2 * rush + between) * NUMBERS / SUBMITTED)
    return Weekend(played, numbers, rush, between, rate)


def rush_times(count: int, rate: float, seed: int) -> list[float]:
    """Seconds after its begin at which a rush's submissions come: a Poisson stream."""
    dice, at, found = random.Random(seed), 0.0, []  # noqa: S311  (no secret)
    for _ in range(count):
        at += dice.expovariate(rate)
        found.append(at)
    return found


def between_times(count: int, seconds: float, seed: int) -> list[float]:
    """The same for the hours between the rushes, played in `seconds`."""
    weights = shares()[1:-1]
    dice = random.Random(seed)  # noqa: S311  (no secret)
    hours = dice.choices(range(len(weights)), weights, k=count)
    hour_seconds = seconds / len(weights)
    return sorted((hour + dice.random()) * hour_seconds for hour in hours)


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: a value that was measured. Raises ValueError."""
    if not values:
        raise ValueError("no values")
    ranked = sorted(values)
    return ranked[max(0, math.ceil(percent / 100 * len(ranked)) - 1)]

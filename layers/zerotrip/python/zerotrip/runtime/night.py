"""One tick of the night: every day that is over is sealed."""

from __future__ import annotations

from zerotrip.archive.steps import seal_days
from zerotrip.kernel import times
from zerotrip.runtime import wiring
from zerotrip.runtime.logs import logger

INCOMPLETE = "seal_incomplete"
"""What the alarm's metric filter counts (`template.yaml`)."""


def seal_tick(time_text: str) -> dict[str, int]:
    """Seals what is due at that instant; counts of what was sealed.

    `time_text` is the schedule's own RFC 3339 time, the only clock. A seal that names
    gaps or faults is logged as `seal_incomplete`, which an alarm looks for.
    """
    done = {"days": 0, "events": 0, "gaps": 0, "faults": 0}
    for each in seal_days(times.from_text(time_text), wiring.seal_steps()):
        said = {
            "day": f"{each.day}",
            "root": each.root,
            "objects": each.objects,
            "aggregates": each.aggregates,
            "events": each.events,
            "gaps": each.gaps,
            "faults": each.faults,
        }
        if each.gaps or each.faults:
            logger().warning("The seal names what is missing.", **said, code=INCOMPLETE)
        else:
            logger().info("A day was sealed.", **said, code="day_sealed")
        done["days"] += 1
        done["events"] += each.events
        done["gaps"] += each.gaps
        done["faults"] += each.faults
    return done

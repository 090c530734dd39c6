"""One tick of the watchdog: cases whose answer is overdue, uploads without an event,
drafts that expire soon."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from zerotrip.cases.expiring import warn_of_drafts
from zerotrip.cases.watching import watch_cases
from zerotrip.kernel import times
from zerotrip.kernel.errors import AlreadyDone
from zerotrip.materials.steps import MaterialSteps, look_for_upload, looked_for
from zerotrip.runtime import aws, wiring
from zerotrip.runtime.logs import logger
from zerotrip.runtime.settings import tenant


def tick(time_text: str) -> dict[str, int]:
    """Everything that is due at that instant; counts of what was done.

    `time_text` is the schedule's own RFC 3339 time, the only clock of the sweep.
    """
    instant = times.from_text(time_text)
    cases = watch_cases(wiring.records(), wiring.bus(), tenant(), instant)
    uploads = _look_for_uploads(wiring.material_steps(), times.to_text(instant))
    drafts = warn_of_drafts(wiring.drafts_to_watch(), _tell, tenant(), instant)
    done = {
        "cases": cases.cases,
        "published": cases.published,
        "given_up": cases.given_up,
        "uploads": uploads,
        "drafts": drafts,
    }
    logger().info("The watchdog looked.", code="watch_tick", **done)
    return done


def _look_for_uploads(deps: MaterialSteps, until: str) -> int:
    found = 0
    for table in ("drafts", "records"):
        for slot in deps.slots.due(table, deps.tenant, until):
            message = look_for_upload(slot, deps)
            if message is not None:
                # Sent before the slot moves on: a crash between only sends it twice.
                aws.send("RECEIVE_MATERIAL_QUEUE", json.dumps(message), {})
                found += 1
            try:
                looked_for(slot, deps, found=message is not None)
            except AlreadyDone as done:
                logger().info(done.en, code=done.code)
    return found


def _tell(message: Mapping[str, Any]) -> None:
    aws.send("NOTIFY_QUEUE", json.dumps(message), {})

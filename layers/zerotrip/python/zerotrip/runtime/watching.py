"""One tick of the watchdog: cases and items whose answer is overdue, bills to be asked
about, uploads without an event, drafts that expire soon."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from zerotrip.cases.expiring import warn_of_drafts
from zerotrip.cases.watching import watch_cases
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.bus import Bus
from zerotrip.kernel.errors import AlreadyDone
from zerotrip.kernel.records import Records
from zerotrip.materials.steps import MaterialSteps, look_for_upload, looked_for
from zerotrip.runtime import aws, wiring
from zerotrip.runtime.logs import logger
from zerotrip.runtime.settings import tenant


def tick(time_text: str) -> dict[str, int]:
    """Everything that is due at that instant; counts of what was done.

    `time_text` is the schedule's own RFC 3339 time, the only clock of the sweep.
    """
    instant = times.from_text(time_text)
    records, bus = wiring.records(), wiring.bus()
    due = records.due(tenant(), times.to_text(instant))
    cases = watch_cases(records, bus, due, instant)
    uploads = _look_for_uploads(wiring.material_steps(), times.to_text(instant))
    drafts = warn_of_drafts(wiring.drafts_to_watch(), _tell, tenant(), instant)
    done = {
        "cases": cases.cases,
        "published": cases.published,
        "given_up": cases.given_up,
        "lapsed": cases.lapsed,
        "items": _watch_items(records, bus, due, instant),
        "bills": _watch_bills(records, due, instant),
        "uploads": uploads,
        "drafts": drafts,
    }
    logger().info("The watchdog looked.", code="watch_tick", **done)
    return done


def _watch_items(
    records: Records, bus: Bus, due: Sequence[Key], instant: datetime
) -> int:
    if not any(key.kind is Kind.ITEM for key in due):
        return 0
    # Once in a blue moon: no tick waits for the catalogue's modules.
    from zerotrip.catalogue.watching import watch_items

    return watch_items(records, bus, due, instant)


def _watch_bills(records: Records, due: Sequence[Key], instant: datetime) -> int:
    if not any(key.kind is Kind.BILL for key in due):
        return 0
    from zerotrip.payments.watching import watch_bills

    def send(message: Mapping[str, Any]) -> None:
        aws.send("COLLECT_PAYMENT_QUEUE", json.dumps(message), {})

    return watch_bills(records, send, due, instant)


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

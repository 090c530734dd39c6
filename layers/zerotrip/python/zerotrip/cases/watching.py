"""The watchdog: what is due is published again, until it is answered.

A promise that was not kept is no lost message: its term ends, and the case with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from zerotrip.cases.commands import Command, as_body, lapse, next_due
from zerotrip.cases.lifecycle import TRIES_WITHOUT_ANSWER, Obligation
from zerotrip.cases.model import CaseNow, Watch, read
from zerotrip.cases.promises import PROMISED, read_promises
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.bus import Bus, publish_again
from zerotrip.kernel.messages import cloud_event
from zerotrip.kernel.records import Overtaken, Records, Taken
from zerotrip.kernel.watch import watch_due


@dataclass(frozen=True, slots=True)
class Watched:
    """What one tick did: cases looked at, events published again, entries given up,
    cases that lapsed."""

    cases: int = 0
    published: int = 0
    given_up: int = 0
    lapsed: int = 0


def watch_cases(
    records: Records, bus: Bus, due: Sequence[Key], tick: datetime
) -> Watched:
    """Publishes due events of cases again and moves their entries on, which writes no
    event; ends cases whose promise was not kept. `due` is what `Records.due` found.

    The tick's own time is the only clock. A crash after publishing repeats the
    publication at the next tick, which costs nothing: effects are exactly once.
    """
    total = Watched()
    for head in records.heads([key for key in due if key.kind is Kind.CASE]):
        done = _watch_case(records, bus, read(head), tick)
        total = Watched(
            total.cases + 1,
            total.published + done.published,
            total.given_up + done.given_up,
            total.lapsed + done.lapsed,
        )
    return total


def _watch_case(records: Records, bus: Bus, now: CaseNow, tick: datetime) -> Watched:
    due = {
        name: entry
        for name, entry in now.case.watch.items()
        if times.from_text(entry.due) <= tick
    }
    if str(Obligation.PROMISES) in due:
        return _lapse(records, now, due[str(Obligation.PROMISES)].due, tick)
    rows = [records.event(now.key, entry.sk) for entry in due.values()]
    events = [cloud_event(row) for row in rows if row is not None]
    publish_again(bus, events)
    moved = {name: _moved_on(entry, tick) for name, entry in due.items()}
    watch = {
        name: entry
        for name, entry in {**now.case.watch, **moved}.items()
        if entry is not None
    }
    case = now.case.model_copy(update={"watch": watch})
    try:
        records.touch(now.head, next_due(watch), as_body(case))
    except Overtaken:
        # An answer came in this moment: its own write has settled the entries.
        return Watched(published=len(events))
    return Watched(
        published=len(events), given_up=sum(entry is None for entry in moved.values())
    )


def _lapse(records: Records, now: CaseNow, due: str, tick: datetime) -> Watched:
    """Ends the case: the cause is the term, so a second tick finds it done."""
    command = Command(f"promise@{due}", "system:watch_deadlines", tick)
    promises = read_promises(records.row(now.key, PROMISED))
    tasks = records.rows(now.key, "TASK#")
    try:
        records.commit(lapse(now, command, promises, tasks))
    except (Overtaken, Taken):
        # Somebody acted in this moment: the next tick looks again.
        return Watched()
    return Watched(lapsed=1)


def _moved_on(entry: Watch, tick: datetime) -> Watch | None:
    tries = entry.tries + 1
    if entry.until == "tries" and tries >= TRIES_WITHOUT_ANSWER:
        return None
    due = times.to_text(watch_due(tick, tries))
    return entry.model_copy(update={"tries": tries, "due": due})

"""What a case's event asks of another context and takes back: bills and shipments.

An event names what it asks for in its body, under the kind's name in lower case, and
what it takes back under `cancel`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from zerotrip.kernel.aggregate import EventRow, Key, Kind
from zerotrip.kernel.errors import AlreadyDone
from zerotrip.kernel.records import Records

Task = Callable[[], object]


def tasks_of(
    event: EventRow,
    kind: Kind,
    ask: Callable[[Mapping[str, Any]], object],
    cancel: Callable[[Key], object],
) -> list[Task]:
    """One task for what the event asks for, one for each thing that it takes back."""
    wanted = event.body.get(kind.lower())
    tasks: list[Task] = [] if wanted is None else [partial(ask, wanted)]
    for ref in event.body.get("cancel", ()):
        key = Key.from_ref(event.key.tenant, ref)
        if key.kind is kind:
            tasks.append(partial(cancel, key))
    return tasks


def carry_out(tasks: Sequence[Task]) -> None:
    """Carries out every task. Raises AlreadyDone when all of them were done before."""
    idle: list[AlreadyDone] = []
    for task in tasks:
        try:
            task()
        except AlreadyDone as done:
            idle.append(done)
    if idle and len(idle) == len(tasks):
        raise idle[0]


def asking_event(
    records: Records, case: Key, effect: Key
) -> tuple[EventRow, Mapping[str, Any]] | None:
    """The event of the case that asked for that bill or shipment, and its words."""
    for row in records.history(case):
        wanted = row.body.get(effect.kind.lower())
        if wanted is not None and wanted["id"] == effect.id:
            return row, wanted
    return None

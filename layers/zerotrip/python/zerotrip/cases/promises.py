"""Accept-with-promise (容缺受理): what may follow, until when, and what came. Pure.

A material that is no key one may be promised at the hand-in. Its term runs in legal
working days from the acceptance, never beyond the time that was promised for the case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from zerotrip.catalogue.model import Item, Material
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Row
from zerotrip.kernel.errors import Fault, Invalid
from zerotrip.kernel.working_days import WorkingDays

PROMISED = "PROMISED"
"""The one row of a case that knows its promises."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One material: its last instant (UTC text), whether it came, and its words.

    The words stand here, so that the clock needs no catalogue to say what lapsed.
    """

    due_at: str
    kept: bool
    name: Mapping[str, str]
    note: Mapping[str, str] | None = None

    def as_data(self) -> dict[str, Any]:
        """As it stands in the row."""
        note = None if self.note is None else dict(self.note)
        name = dict(self.name)
        return {"due_at": self.due_at, "kept": self.kept, "name": name, "note": note}


@dataclass(frozen=True, slots=True)
class Promises:
    """All promises of a case, by material code; `just_kept` came with this command."""

    all: Mapping[str, Promise]
    just_kept: frozenset[str] = frozenset()

    @property
    def open(self) -> dict[str, Promise]:
        """Those that wait for their material."""
        return {code: each for code, each in self.all.items() if not each.kept}

    @property
    def next_due(self) -> str:
        """The earliest end of an open one."""
        return min(each.due_at for each in self.open.values())

    @property
    def row(self) -> Row:
        """The row of the case."""
        return Row(PROMISED, {code: each.as_data() for code, each in self.all.items()})

    def with_kept(self, codes: Collection[str]) -> Promises:
        """The same, after those materials came."""
        kept = {
            code: Promise(each.due_at, True, each.name, each.note)
            if code in codes
            else each
            for code, each in self.all.items()
        }
        return Promises(kept, frozenset(codes) & set(self.open))

    def lapsed(self, now: str) -> tuple[Fault, ...]:
        """What did not come in time, in words, with what the item says of it."""
        return tuple(
            _lapsed(code, each)
            for code, each in self.open.items()
            if each.due_at <= now
        )


def read_promises(row: Row | None) -> Promises:
    """What the row of a case says; without one nothing was promised."""
    data = {} if row is None else row.data
    return Promises({code: Promise(**each) for code, each in data.items()})


def promised_now(
    item: Item,
    codes: Iterable[str],
    before: Promises,
    accepted: datetime,
    calendar: WorkingDays,
) -> Promises:
    """The promises of a case that is accepted with those materials still to come.

    A term that ran before goes on: a second acceptance does not prolong it.
    """
    found = dict(before.all)
    for code in codes:
        material = item.material(code)
        if material is not None and (code not in found or found[code].kept):
            found[code] = Promise(
                due_at=due_at(item, material, accepted, calendar),
                kept=False,
                name=material.name.model_dump(),
                note=None if material.note is None else material.note.model_dump(),
            )
    arrived = set(found) - set(codes)
    return Promises(found).with_kept(arrived)


def due_at(
    item: Item, material: Material, accepted: datetime, calendar: WorkingDays
) -> str:
    """The end of the last legal day, as a UTC text."""
    days = min(material.may_follow_working_days or 0, item.promised_working_days)
    last = calendar.after(times.legal_day(accepted), days)
    midnight = datetime.combine(last + timedelta(days=1), time(), times.SHANGHAI)
    return times.to_text(midnight)


def last_day(due: str) -> str:
    """The last legal day of a term, `YYYY-MM-DD`."""
    ends = times.from_text(due) - timedelta(seconds=1)
    return times.legal_day(ends).isoformat()


def require_promisable(item: Item, promised: Iterable[str]) -> None:
    """Raises Invalid `promise_not_possible` naming every material that must be there.

    What of these the form does not ask for, or lies there already, is no promise.
    """
    faults = [
        Fault(
            f"/promised/{place}",
            "material_must_be_there",
            "该材料不适用容缺受理，请随申请提交。",
            "This material may not follow later: hand it in with the application.",
        )
        for place, code in enumerate(promised)
        if (material := item.material(code)) is None
        or material.may_follow_working_days is None
    ]
    if faults:
        raise Invalid(
            "promise_not_possible",
            "所列材料中有不能承诺后补的，请按提示逐项处理。",
            "Not all of these materials may be promised for later.",
            faults=faults,
        )


def _lapsed(code: str, promise: Promise) -> Fault:
    day = last_day(promise.due_at)
    zh = f"您承诺于{day}前补交“{promise.name['zh']}”，到期未补交。"
    en = f"“{promise.name['en']}” was promised until {day} and did not come."
    if promise.note is not None:
        zh += promise.note["zh"]
        en += f" {promise.note['en']}"
    zh += "材料备齐后可以重新申请。"
    en += " Apply again once you have it."
    return Fault(f"/materials/{code}", "promise_lapsed", zh, en)

"""Scenario 26, of issue 4: items are published while everything goes wrong.

Its number is ours: the reliability plan ends with 25. Editors of eight organisations
send revisions at about the same time, two offices answer, a day is set (sometimes by
two editors at once), and `publish_item` comes one to five times, in any order, crashes,
hangs and loses answers; all contend for one snapshot, minutes before midnight in China.
Meanwhile people look at the list and hand in: what was offered stays offered, nothing
is offered before its day, and each case keeps the revision of its submission. Once the
relay stands still, and the watchdog has to bring the days about. Then every outside
call of the function has a run of its own for each fault.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from tests.simulation.base import FOOD, MARK, REPLACEMENT, Base, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import Played, Sum
from tests.simulation.offers import Offers
from tests.simulation.offices import (
    Offices,
    approved,
    proposed,
    read_once,
    set_day,
    written,
)
from tests.simulation.oracle import judge
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.simulation import Simulation
from zerotrip.catalogue.revisions import ItemStage
from zerotrip.identity.model import Role
from zerotrip.kernel.times import legal_day

BEGIN = datetime(2026, 11, 20, 15, 40, tzinfo=UTC)
"""Twenty minutes before midnight in China."""
ROUND = timedelta(minutes=8)
PUBLISHED = (FOOD, REPLACEMENT, MARK)
"""What is offered before the run; the rest is new."""
NEW = (
    "public-place-hygiene-licence", "road-freight-licence", "sewage-drainage-permit",
    "social-insurance-proof", "travel-permit-renewal",
)  # fmt: skip
FOLDERS = {
    Size.FULL: (*PUBLISHED, *NEW),
    Size.TENTH: (FOOD, REPLACEMENT, *NEW[:3]),
    Size.SLICE: (FOOD, NEW[0]),
}
ROUNDS = {Size.FULL: 4, Size.TENTH: 2, Size.SLICE: 2}
CASES = 300
OFTEN = {
    Fault.CRASH_BEFORE: 0.015,
    Fault.CRASH_AFTER: 0.02,
    Fault.HANG_BEFORE: 0.01,
    Fault.HANG_AFTER: 0.01,
    Fault.LOST_ANSWER: 0.03,
    Fault.REFUSED: 0.03,
}
STEP = "publish_item"
WRITES = ("tables.transact", "objects.put_once")
"""Where `catalogue_api` meets faults: at all of its twenty calls nobody would ever get
an answer."""
MOST_CALLS = 24
TOGETHER = (0.01, 0.03)
"""Seconds that a message takes where two items are to meet."""
SHARES = {Size.FULL: 1, Size.TENTH: 5, Size.SLICE: 16}
"""Of how many points one has a run."""


def run(seed: int, size: Size) -> Outcome:
    """The crowd, then one run for each call of `publish_item` and each fault."""
    total = Sum(SCENARIO.name, seed, size)
    crowd = _Crowd(seed, size)
    with read_once():
        total.add("crowd", crowd.played())
        total.add("relay stands still", _relay_stands_still(seed))
        points, contended = _points(seed, size, total)
    return total.outcome(
        crash_points=points,
        looks=crowd.looks,
        contended=crowd.contended + contended,
        revisions=sum(ROUNDS[size] for _ in FOLDERS[size]),
    )


def _meets_faults(actor: str, call: str) -> bool:
    """Every call of the function, every effect of the editors' application."""
    return actor == STEP or (actor == "catalogue_api" and call.startswith(WRITES))


class _Crowd:
    """Editors, offices, applicants and readers at once."""

    def __init__(self, seed: int, size: Size) -> None:
        self._seed, self._size = seed, size
        self._seen: dict[str, int] = {}
        self._wrong: list[str] = []
        self._open = 0
        self.looks = 0
        self.contended = 0

    def played(self) -> Played:
        """The whole run, judged."""
        start = base(FOOD, self._size.of(CASES, least=6))
        faults = Faults(
            rates=OFTEN, where=_meets_faults,
            refusals={"tables": 0.02}, duplicates=0.8, most_copies=4,
        )  # fmt: skip
        simulation = Simulation(self._seed, faults, start, real_licences=0)
        simulation.scheduler.now = simulation.started = BEGIN
        with simulation as run:
            # The mark of a request that died takes its time.
            self._run, self._people = run, People(run, FOOD, asked_again=40)
            self._offers, self._offices = Offers(run), Offices(self._people)
            self._offices.register(*FOLDERS[self._size])
            for folder in FOLDERS[self._size]:
                self._open += 1
                self._people.start(lambda folder=folder: self._revisions(folder))
            self._people.hand_in_all(start.drafts, 45 * 60)
            self._people.start(self._read)
            run.run_until_quiet(12, self._at_rest)
            faults.until = run.scheduler.now
            _redrive(run)
            run.run_until_quiet(12, self._at_rest)
            verdict = judge(run, self._people)
            self._offers.judge(verdict)
            self.contended = self._offers.contended
            verdict.broken += self._wrong + self._offices.misled
            verdict.lost += self._offices.given_up
            for code, day in self._offices.scheduled:
                now = self._offices.item(code)
                if now is None or now.stage is not ItemStage.PUBLISHED:
                    verdict.lost.append(f"{code}: a day was set ({day}), then nothing")
            if len({k for k in verdict.effects if k.startswith("cases of rev")}) < 2:
                verdict.broken.append("every case was of one revision: nothing tried")
        return Played(run, self._people, verdict)

    def _at_rest(self) -> bool:
        return not self._people.busy and self._people.all_final()

    def _revisions(self, folder: str) -> None:
        """One revision after the other, each through both offices to its day."""
        first = 2 if folder in PUBLISHED else 1
        scheduler = self._run.scheduler
        for number in range(ROUNDS[self._size]):
            # All of a round at about the same time, the third as the day ends.
            wait = (BEGIN + number * ROUND - scheduler.now).total_seconds()
            scheduler.sleep(max(0.0, wait) + scheduler.random.uniform(0, 2))
            self._offices.propose(folder, first + number)
            self._together(
                lambda: self._offices.review(folder, Role.STAFFING_REVIEWER),
                lambda: self._offices.review(folder, Role.LEGAL_REVIEWER),
            )
            days = self._days(number)
            self._together(
                *(lambda day=day: self._offices.schedule(folder, day) for day in days)
            )
            if not self._published(written(folder)[1]):
                break
        self._open -= 1

    def _days(self, number: int) -> list[date]:
        """Today and tomorrow in turn; now and then two editors set both at once."""
        today = legal_day(self._run.scheduler.now)
        both = [today, today + timedelta(days=1)]
        if self._run.scheduler.random.random() < 0.3:
            return both
        return [both[number % 2]]

    def _together(self, *acts: Callable[[], None]) -> None:
        """Several people act at about the same time; waits for all of them."""
        scheduler = self._run.scheduler
        waiting = [len(acts)]

        def one(act: Callable[[], None]) -> None:
            act()
            waiting[0] -= 1

        for act in acts:
            self._people.start(lambda act=act: one(act), scheduler.random.uniform(0, 2))
        while waiting[0]:
            scheduler.sleep(1)

    def _published(self, code: str) -> bool:
        """Waits for it: half an hour, then it lies with the dead letters."""
        for _ in range(360):
            now = self._offices.item(code)
            if now is not None and now.stage is ItemStage.PUBLISHED:
                return True
            self._run.scheduler.sleep(5)
        return False

    # who looks

    def _read(self) -> None:
        """Somebody looks at the list, again and again, while it changes."""
        scheduler = self._run.scheduler
        until = scheduler.now + timedelta(minutes=50)
        while self._open or scheduler.now < until:
            answer = self._people.insist("public_api", "GET", "/v1/items", who=_nobody)
            if answer.came:
                self._compare(answer.body["items"])
            scheduler.sleep(scheduler.random.uniform(5, 40))

    def _compare(self, items: list[dict[str, object]]) -> None:
        self.looks += 1
        shown = {str(each["item_code"]): int(str(each["revision"])) for each in items}
        if len(shown) != len(items):
            self._wrong.append("the list shows an item twice")
        for code, revision in self._seen.items():
            if shown.get(code, 0) < revision:
                self._wrong.append(f"{code}: {revision} was shown, {shown.get(code)}")
        now = self._run.scheduler.now
        for code, revision in shown.items():
            offered = self._offers.offered(code, now)
            if offered is None or offered[0] < revision:
                self._wrong.append(f"{code}: {revision} is shown, {offered} offered")
        self._seen = shown


def _nobody() -> None:
    """The list is anybody's."""
    return


def _redrive(run: Simulation) -> None:
    """What an operator does with dead letters."""
    for queue in run.cloud.queues.values():
        for message in list(queue.dead):
            queue.put_back(message)
            run.faults.injected["dead letter put back"] += 1


# one point at a time


CONTENDING = (proposed(FOOD, 2), proposed(NEW[0], 1))


@functools.cache
def _approved() -> Base:
    return approved(base(FOOD), CONTENDING)


def _relay_stands_still(seed: int) -> Played:
    """No message of the two days goes out: the watchdog alone has them offered."""
    with Simulation(seed, Faults(), _approved(), real_licences=0) as run:
        offers, people = Offers(run), People(run, FOOD)
        offices = Offices(people)
        run.cloud.stream.reading = False
        for item in CONTENDING:
            set_day(run, item, legal_day(run.scheduler.now))
        run.run(hours=1)
        forgotten = [
            item.code
            for item in CONTENDING
            if (now := offices.item(item.code)) is None
            or now.stage is not ItemStage.PUBLISHED
        ]
        run.cloud.stream.reading = True
        run.cloud.stream.pump()
        run.run_until_quiet(2)
        verdict = judge(run, people)
        offers.judge(verdict)
        verdict.lost += [f"{code}: nobody looked for its message" for code in forgotten]
    return Played(run, people, verdict)


def _points(seed: int, size: Size, total: Sum) -> tuple[int, int]:
    """Each call of the function x each fault: two items contend, one meets it."""
    played = contended = 0
    for place, kind in enumerate(Fault):
        for call in range(1, MOST_CALLS):
            if (call + place * 7 + seed) % SHARES[size]:
                continue
            faults = Faults(points={(STEP, call): kind}, duplicates=0.5, most_copies=4)
            one, met = _two_items(seed * 1000 + played, faults)
            if not any(" at " in name for name in one.run.faults.injected):
                break  # an invocation has fewer calls than that
            total.add(f"{kind} at call {call} of {STEP}", one)
            played, contended = played + 1, contended + met
    return played, contended


def _two_items(seed: int, faults: Faults) -> tuple[Played, int]:
    """Both days are set at one moment; how often the two met at the snapshot."""
    with Simulation(seed, faults, _approved(), real_licences=0) as run:
        offers = Offers(run)
        run.cloud.queues[STEP].delay = TOGETHER
        today = legal_day(run.scheduler.now)
        for item, day in zip(
            CONTENDING, (today, today + timedelta(days=1)), strict=True
        ):
            set_day(run, item, day)
        run.run_until_quiet(2)
        people = People(run, FOOD)
        verdict = judge(run, people)
        offers.judge(verdict)
    return Played(run, people, verdict), offers.contended


SCENARIO = Scenario(
    26,
    "publishing-items",
    "事项发布：多个机构同时发布，消息重复、乱序，函数崩溃，办件不受影响",
    "Items are published at once, under faults, while cases are handed in",
    run,
)

"""Scenario 27, of issue 4: a promised material, the clock and an officer (容缺受理).

Its number is ours: the reliability plan ends with 25. Each case is handed in without a
paper that may follow; then it comes in time, from two devices at once, too late or
never, an officer approves too early, refuses, or decides at the very moment at which
the term ends, while the watchdog fires twice each time and functions crash. One of
kept, lapsed and decided wins; nothing is approved while a promise is open.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.files import a_file
from tests.simulation.base import FOOD, Base, ReadyDraft, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import Played, Sum
from tests.simulation.oracle import Stored, Verdict, judge
from tests.simulation.people import Answer, People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.simulation import Simulation
from tests.support.world import TENANT
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.cases.model import case_key
from zerotrip.kernel import times

CASES = 400
PAPER, TYPE = "safety_rules", "application/pdf"
DUE = datetime(2026, 11, 27, 16, tzinfo=UTC)
"""Accepted on Friday the 20th: five working days end with the next Friday, in China."""
TICKS = (-60.0, -60.0, 0.0, 0.0, 0.05, 60.0, 60.0, 120.0, 120.0, 180.0)
"""Seconds from the end of the term to the watchdog's ticks, most of them twice."""
BELL = (-0.9, 0.3)
"""Seconds from the end of the term in which everybody acts at once."""
OFTEN = {
    Fault.CRASH_BEFORE: 0.005,
    Fault.CRASH_AFTER: 0.01,
    Fault.HANG_AFTER: 0.003,
    Fault.LOST_ANSWER: 0.01,
    Fault.REFUSED: 0.01,
}
WHERE = ("watch_deadlines", "applicant_api", "staff_api", "approve", "receive_material")
CASE = "/v1/cases/{case_no}"


def run(seed: int, size: Size) -> Outcome:
    """All ways at once, each for as many cases as another."""
    number = size.of(CASES, least=len(Applicants.WAYS))
    faults = Faults(
        rates=OFTEN, where=lambda actor, _: actor in WHERE, duplicates=0.3,
        most_copies=4,
    )  # fmt: skip
    with Simulation(seed, faults, _without_paper(number), real_licences=0) as run:
        # Four requests in ten fail, and the mark of one that died takes its time.
        people = Applicants(run, FOOD, act=False, asked_again=40)
        people.hand_in_all(run.base.drafts, 60)
        _until_quiet(run, people.all_in_review)
        run.cloud.ticking = False
        run.run(2 / 60)  # the last tick of the schedule
        people.begin()
        for seconds in TICKS:
            run.scheduler.at(
                DUE + timedelta(seconds=seconds), lambda at=seconds: _tick(run, at)
            )
        run.scheduler.at(DUE + timedelta(minutes=4), lambda: _go_on(run))
        _until_quiet(run, lambda: run.scheduler.now > DUE and people.settled())
        verdict = judge(run, people)
        people.judge(verdict)
    total = Sum(SCENARIO.name, seed, size)
    total.add("promises", Played(run, people, verdict))
    return total.outcome(ends=dict(sorted(people.ends.items())))


def _without_paper(number: int) -> Base:
    """Drafts with everything but the paper that may follow."""
    start = base(FOOD, number)
    rows = {
        place: row for place, row in start.rows.items() if place[2] != f"SLOT#{PAPER}"
    }
    return dataclasses.replace(start, rows=rows)


def _until_quiet(run: Simulation, done: Callable[[], bool]) -> None:
    """Ten days at most, looked at every half minute while it lasts, and not after."""
    quiet = [False]

    def look() -> None:
        quiet[0] = not run.busy() and done()
        if not quiet[0]:
            run.scheduler.later(30, look)

    look()
    run.run(240, lambda: quiet[0])


def _tick(run: Simulation, seconds: float) -> None:
    moment = DUE + timedelta(seconds=seconds // 60 * 60)
    event = {"source": "aws.scheduler", "time": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}
    run.cloud.functions.invoke("watch_deadlines", event, lambda *_: None)


def _go_on(run: Simulation) -> None:
    """The ordinary schedule again, without faults: what is left comes to its end."""
    run.faults.until = run.scheduler.now
    run.cloud.ticking = True
    run.cloud.tick()


@dataclasses.dataclass
class Applicants(People):
    """Each promises; what becomes of it is another way for each."""

    ways: dict[str, str] = dataclasses.field(default_factory=dict)
    told: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    """Case and event that somebody was told to have happened."""
    ends: Counter[str] = dataclasses.field(default_factory=Counter)
    sweeping: bool = False

    def hand_in(self, draft: ReadyDraft) -> str | None:
        """Handed in with the promise."""
        return self.submit(draft, {"promised": [PAPER]})

    def all_in_review(self) -> bool:
        """Whether each of them waits for its paper."""
        found = [self.case(case_no) for case_no in self.acknowledged]
        return not self.busy and all(
            now is not None and Obligation.PROMISES in now.case.obligations
            for now in found
        )

    def begin(self) -> None:
        """Gives each case its way."""
        for number, case_no in enumerate(sorted(self.acknowledged)):
            way = self.WAYS[number % len(self.WAYS)]
            self.ways[case_no] = way.__name__.strip("_")
            self.start(lambda way=way, case_no=case_no: way(self, case_no))

    def settled(self) -> bool:
        """Whether all have ended; where only the decision is awaited, it is made."""
        if not self.busy and not self.sweeping:
            self.sweeping = True
            for case_no in self.acknowledged:
                now = self.case(case_no)
                if now is not None and now.stage is Stage.IN_REVIEW:
                    self.start(lambda case_no=case_no: self._decides(case_no))
        return self.all_final()

    # the ways

    def _in_time(self, case_no: str) -> None:
        self._until(self._some_day())
        self._keep(case_no)
        self._decides(case_no)

    def _in_time_and_decided_late(self, case_no: str) -> None:
        self._until(self._some_day())
        self._keep(case_no)
        self._until(200)
        self._decides(case_no)

    def _twice(self, case_no: str) -> None:
        """The same from two devices, at one moment."""
        self._until(self._some_day())
        self._upload(case_no)
        self.start(lambda: self._hand_over(case_no, "second"))
        self._hand_over(case_no, "first")
        self.run.scheduler.sleep(120)
        self._decides(case_no)

    def _approved_too_early(self, case_no: str) -> None:
        self._until(self._some_day())
        answer = self._decides(case_no)
        if answer.code != "promise_open":
            self.refused[f"too early: {answer.status} {answer.code}"] += 1
        self._keep(case_no)
        self._decides(case_no)

    def _refused(self, case_no: str) -> None:
        self._until(self._some_day())
        self._decides(case_no, "refuse")

    def _never(self, case_no: str) -> None:
        """Nobody does anything."""

    def _too_late(self, case_no: str) -> None:
        self._until(200)
        self._upload(case_no)
        self._hand_over(case_no, "late")

    def _kept_at_the_bell(self, case_no: str) -> None:
        self._until(-600)
        self._upload(case_no)
        self._until(self._bell())
        self._hand_over(case_no, "bell")

    def _refused_at_the_bell(self, case_no: str) -> None:
        self._until(self._bell())
        self._decides(case_no, "refuse")

    def _everybody_at_the_bell(self, case_no: str) -> None:
        self._until(-600)
        self._upload(case_no)
        for act in (
            lambda: self._hand_over(case_no, "first"),
            lambda: self._hand_over(case_no, "second"),
            lambda: self._decides(case_no, "refuse"),
        ):
            self.start(
                lambda act=act: (self._until(self._bell()), act())  # type: ignore[func-returns-value]
            )

    WAYS = (
        _in_time, _in_time_and_decided_late, _twice, _approved_too_early, _refused,
        _never, _too_late, _kept_at_the_bell, _refused_at_the_bell,
        _everybody_at_the_bell,
    )  # fmt: skip

    # what they do

    def _some_day(self) -> float:
        return -self.run.scheduler.random.uniform(3600, 6 * 86400)

    def _bell(self) -> float:
        return self.run.scheduler.random.uniform(*BELL)

    def _until(self, seconds: float) -> None:
        """Waits for so many seconds from the end of the term."""
        wait = (DUE - self.run.scheduler.now).total_seconds() + seconds
        self.run.scheduler.sleep(max(wait, 0.0))

    def _keep(self, case_no: str) -> None:
        self._upload(case_no)
        self._hand_over(case_no, "only")

    def _asks(self, case_no: str, what: str, **more: Any) -> Answer:
        sub = self.acknowledged[case_no].sub
        return self.insist(
            "applicant_api",
            "POST",
            f"{CASE}/{what}",
            who=lambda: self.applicant(sub),
            path={"case_no": case_no},
            **more,
        )

    def _upload(self, case_no: str) -> None:
        """The paper, into its slot; waits until it is checked."""
        content = a_file(TYPE, 8192)
        body = {"material": PAPER, "content_type": TYPE, "size_bytes": len(content)}
        answer = self._asks(case_no, "materials", body=body, key=f"up-{case_no}")
        if answer.came:
            key = answer.body["upload"]["fields"]["key"]
            self.run.buckets["uploads"].put(key, content, content_type=TYPE)
            self.run.scheduler.sleep(300)

    def _hand_over(self, case_no: str, device: str) -> None:
        sub = self.acknowledged[case_no].sub
        seen = self.insist(
            "applicant_api",
            "GET",
            CASE,
            who=lambda: self.applicant(sub),
            path={"case_no": case_no},
        )
        answer = self._asks(
            case_no,
            "corrections",
            key=f"keep-{device}-{case_no}",
            seen=seen.headers["ETag"],
            again=("material_unchecked", "promised_material_missing"),
        )
        if answer.came:
            self.told.append((case_no, "case.promise_kept"))

    def _decides(self, case_no: str, decision: str = "approve") -> Answer:
        answer = self.decide(case_no, decision)
        if answer.came:
            self.told.append((case_no, "case.decision_recorded"))
        return answer

    # afterwards

    def judge(self, verdict: Verdict) -> None:
        """One of kept, lapsed and decided; what was told happened; each way its end."""
        stored = Stored.of(self.run)
        for case_no, way in self.ways.items():
            history = stored.histories[case_key(TENANT, case_no)]
            types = [row.type for row in history]
            self._one_of_them(case_no, types, verdict)
            lapsed = [row.time for row in history if row.type == "case.promise_lapsed"]
            if any(times.from_text(at) < DUE for at in lapsed):
                verdict.let_in.append(f"{case_no}: lapsed before its day ended")
            end = str(history[-1].body["stage"])
            won = [WON[name] for name in types if name in WON]
            self.ends[f"{way}: {', '.join(won)}, {end}"] += 1
            wanted = EXPECTED.get(way)
            if wanted is not None and wanted != (end, "case.promise_kept" in types):
                verdict.lost.append(f"{case_no}: {way}, and it ended {end} {types}")
        for case_no, event in self.told:
            history = stored.histories[case_key(TENANT, case_no)]
            if event not in {row.type for row in history}:
                verdict.lost.append(f"{case_no}: somebody was told of {event}")

    def _one_of_them(self, case_no: str, types: list[str], verdict: Verdict) -> None:
        count = Counter(types)
        kept, lapsed = count["case.promise_kept"], count["case.promise_lapsed"]
        decided = count["case.decision_recorded"]
        if kept > 1 or lapsed > 1 or decided > 1 or (lapsed and kept + decided):
            verdict.doubled.append(f"{case_no}: {dict(count)}")
        if not kept + lapsed + decided:
            verdict.lost.append(f"{case_no}: neither kept, lapsed nor decided")
        if count["case.approved"] and not kept:
            verdict.let_in.append(f"{case_no}: approved while a promise was open")


WON = {
    "case.promise_kept": "kept",
    "case.promise_lapsed": "lapsed",
    "case.decision_recorded": "decided",
}
EXPECTED = {
    "in_time": ("completed", True),
    "in_time_and_decided_late": ("completed", True),
    "twice": ("completed", True),
    "approved_too_early": ("completed", True),
    "refused": ("refused", False),
    "never": ("refused", False),
    "too_late": ("refused", False),
}
"""Where the moment leaves no choice: how it ends, and whether the promise was kept."""

SCENARIO = Scenario(
    27,
    "promises",
    "容缺受理：按时、两次、逾期补交，期限届满与审批同时发生",
    "Promised papers come in time, twice, too late; the term ends as officers decide",
    run,
)

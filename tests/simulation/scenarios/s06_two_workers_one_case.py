"""Scenario 6: eight people act at once on one version of a case, 200 times over."""

from __future__ import annotations

from collections import Counter

from tests.simulation.base import FOOD, base
from tests.simulation.faults import Faults
from tests.simulation.oracle import Verdict, judge
from tests.simulation.people import Answer, People
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation
from zerotrip.cases.lifecycle import Stage
from zerotrip.web.exchange import version_tag

ROUNDS = 200
WORKERS = ("withdraw", *("approve", "refuse") * 3, "approve")
"""One withdrawal: the same person's second one is the same command, and a success."""
CONFLICT = 409


def run(seed: int, size: Size) -> Outcome:
    """Approve, refuse and withdraw meet with the same `If-Match`; one of them wins."""
    rounds = size.of(ROUNDS, least=4)
    start = base(FOOD, rounds)
    with Simulation(seed, Faults(), start, real_licences=size.real_licences) as world:
        people = People(world, FOOD, act=False)
        people.hand_in_all(start.drafts, over_seconds=10)
        world.run_until_quiet(hours=1)
        meetings = [_Meeting(people, case_no) for case_no in people.acknowledged]
        for meeting in meetings:
            meeting.begin()
        world.run_until_quiet(
            hours=2, done=lambda: not people.busy and people.all_final()
        )
        verdict = judge(world, people)
        answers = sum((meeting.judged(verdict) for meeting in meetings), Counter())
    return outcome_of(
        SCENARIO.name, size, world, verdict, rounds=rounds, answers=dict(answers)
    )


class _Meeting:
    """One round: everybody saw the same version of one case."""

    def __init__(self, people: People, case_no: str) -> None:
        self._people = people
        self._case_no = case_no
        self._answers: list[tuple[str, Answer]] = []

    def begin(self) -> None:
        """Eight requests leave within a few milliseconds."""
        now = self._people.case(self._case_no)
        if now is None or now.stage is not Stage.IN_REVIEW:
            return
        seen = version_tag(now.head.version)
        for number, act in enumerate(WORKERS):
            self._people.start(
                lambda act=act, number=number: self._act(act, number, seen),
                self._people.run.scheduler.random.uniform(0, 0.05),
            )

    def _act(self, act: str, number: int, seen: str) -> None:
        people, path = self._people, {"case_no": self._case_no}
        key = f"{self._case_no}-{number}"
        if act == "withdraw":
            owner = people.acknowledged[self._case_no].sub
            answer = people.ask(
                "applicant_api",
                "POST",
                "/v1/cases/{case_no}/withdrawal",
                who=people.applicant(owner),
                path=path,
                key=key,
                seen=seen,
            )
        else:
            # Different reasons: the same decision again would be the same command.
            answer = people.ask(
                "staff_api",
                "POST",
                "/v1/staff/cases/{case_no}/decisions",
                who=people.officer(),
                path=path,
                body={
                    "decision": act,
                    "reasons": f"第{number}位经办人的意见。",
                    "articles": ["《中华人民共和国食品安全法》第三十五条"],
                },
                key=key,
                seen=seen,
            )
        self._answers.append((act, answer))

    def judged(self, verdict: Verdict) -> Counter[str]:
        """One winner and clean conflicts, and the case went the winner's way."""
        winners = [act for act, answer in self._answers if answer.came]
        others = [answer for _, answer in self._answers if not answer.came]
        if len(self._answers) != len(WORKERS):
            verdict.lost.append(f"{self._case_no}: {len(self._answers)} answers")
        if len(winners) > 1:
            verdict.doubled.append(f"{self._case_no}: {len(winners)} winners")
        if not winners:
            verdict.lost.append(f"{self._case_no}: nobody won")
        verdict.broken += [
            f"{self._case_no}: a loser was told {answer.status} {answer.code}"
            for answer in others
            if answer.status != CONFLICT
        ]
        now = self._people.case(self._case_no)
        ends = {
            "approve": Stage.COMPLETED,
            "refuse": Stage.REFUSED,
            "withdraw": Stage.WITHDRAWN,
        }
        if winners and (now is None or now.stage is not ends[winners[0]]):
            stage = None if now is None else now.stage
            verdict.lost.append(f"{self._case_no}: {winners[0]} won, yet {stage}")
        return Counter(f"{answer.status}" for _, answer in self._answers)


SCENARIO = Scenario(
    6,
    "two-workers-one-case",
    "八人同时办一件：只有一人成功",
    "Eight people act on one version of a case: one wins",
    run,
)

"""Scenario 17: what was acknowledged is read back, and nothing else (a set test).

Twenty clients hand in five hundred drafts each while functions crash, hang and lose
answers. Whoever gets no answer at all is indeterminate, and is resolved by reading.
"""

from __future__ import annotations

from tests.simulation.base import MARK, ReadyDraft, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.oracle import Stored, Verdict
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation
from zerotrip.kernel.aggregate import Kind, chain_faults

CLIENTS = 20
DRAFTS = 500
RATES = {
    Fault.CRASH_BEFORE: 0.01,
    Fault.CRASH_AFTER: 0.02,
    Fault.HANG_AFTER: 0.01,
    Fault.LOST_ANSWER: 0.02,
    Fault.REFUSED: 0.02,
}
TAPS_TWICE = 0.2
"""Of all hand-ins, so many are sent twice at once, the second without a key."""
GIVES_UP = 0.2
"""Of those who get no answer, so many never ask again."""


def run(seed: int, size: Size) -> Outcome:
    """Only the way in is at work: queues and stream stand still."""
    each = size.of(DRAFTS, least=5)
    start = base(MARK, CLIENTS * each)
    faults = Faults(rates=RATES, where=lambda actor, call: actor == "applicant_api")
    with Simulation(seed, faults, start, real_licences=0) as run:
        run.cloud.stream.reading = False
        run.cloud.ticking = False
        people = People(run, MARK, act=False)
        tries = _Tries(people)
        for client in range(CLIENTS):
            mine = start.drafts[client * each : (client + 1) * each]
            people.start(lambda mine=mine: tries.hand_in(mine))
        run.run_until_quiet(hours=48, done=lambda: not people.busy, messages=False)
        faults.until = run.scheduler.now
        verdict = Verdict(acknowledged=len(people.acknowledged))
        stored = tries.judged(run, verdict)
        people.start(lambda: tries.read_back(verdict))
        run.run_until_quiet(hours=48, done=lambda: not people.busy, messages=False)
    return outcome_of(
        SCENARIO.name,
        size,
        run,
        verdict,
        attempts=sum(people.attempts.values()),
        indeterminate=len(tries.indeterminate),
        indeterminate_stored=len(tries.indeterminate & stored),
        stored=len(stored),
    )


class _Tries:
    """Who was told what."""

    def __init__(self, people: People) -> None:
        self._people = people
        self.indeterminate: set[str] = set()

    def hand_in(self, drafts: tuple[ReadyDraft, ...]) -> None:
        """One client, one draft after the other; some fingers tap twice."""
        dice = self._people.run.scheduler.random
        for draft in drafts:
            if dice.random() < TAPS_TWICE:
                self._people.start(lambda draft=draft: self._asked(draft, ""))
            while not self._asked(draft, f"hand-in-{draft.application}"):
                if dice.random() < GIVES_UP:
                    self.indeterminate.add(draft.application)
                    break

    def _asked(self, draft: ReadyDraft, key: str) -> bool:
        answer = self._people.ask(
            "applicant_api",
            "POST",
            "/v1/applications/{application_id}/submission",
            who=self._people.applicant(draft.sub),
            path={"application_id": draft.application},
            key=key,
        )
        if answer.came:
            self._people.acknowledged[str(answer.body["case_no"])] = draft
        return answer.came

    def judged(self, run: Simulation, verdict: Verdict) -> set[str]:
        """Acknowledged and stored, each draft once, nothing that nobody sent."""
        stored = Stored.of(run)
        cases: dict[str, list[str]] = {}
        for key in stored.of_kind(Kind.CASE):
            application = stored.heads[key].data["application"]
            cases.setdefault(application, []).append(key.id)
            verdict.broken += chain_faults(stored.histories[key])
        told = {draft.application for draft in self._people.acknowledged.values()}
        for case_no, draft in self._people.acknowledged.items():
            if case_no not in cases.get(draft.application, ()):
                verdict.lost.append(f"{case_no}: acknowledged and not there")
        for application, numbers in cases.items():
            if len(numbers) > 1:
                verdict.doubled.append(f"{application}: {len(numbers)} cases")
            if application not in told and application not in self.indeterminate:
                verdict.let_in.append(f"{application}: nobody was told of its case")
        verdict.completed = len(cases)
        verdict.effects["cases"] = len(cases)
        return set(cases)

    def read_back(self, verdict: Verdict) -> None:
        """The final read: every applicant sees the case by its number."""
        for case_no, draft in self._people.acknowledged.items():
            answer = self._people.ask(
                "applicant_api",
                "GET",
                "/v1/cases/{case_no}",
                who=self._people.applicant(draft.sub),
                path={"case_no": case_no},
            )
            if not answer.came or answer.body["case_no"] != case_no:
                verdict.lost.append(f"{case_no}: its applicant cannot read it")


SCENARIO = Scenario(
    17,
    "set-test",
    "二十个客户端，一万次提交：收下的都读得回来",
    "Twenty clients, ten thousand hand-ins: what was acknowledged is read back",
    run,
)

"""Many small runs of one whole case each, and one outcome of them all.

A run of one case takes some fifty milliseconds, so that a point, an order or a fault
can have a run of its own, and what it does is seen against a run without faults.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from infra.local.files import a_file
from tests.simulation.base import (
    FOOD,
    MARK,
    REPLACEMENT,
    Base,
    ReadyDraft,
    base,
)
from tests.simulation.faults import Faults
from tests.simulation.oracle import Stored, Verdict, judge
from tests.simulation.people import People
from tests.simulation.registry import example
from tests.simulation.scenario import Outcome, Size
from tests.simulation.simulation import Simulation
from zerotrip.kernel.aggregate import Kind

ITEMS = (REPLACEMENT, MARK, FOOD)
OVER_SECONDS = 5.0
"""Applicants of a small run hand in within so many seconds."""

Prepare = Callable[[Simulation, People], None]
HandIn = Callable[[People, ReadyDraft], object]
"""What an applicant does with a draft."""
JOURNEY = ("picked_up", "in_transit", "out_for_delivery", "delivered")
STANDS_STILL_SECONDS = 200.0
SCANS = frozenset({*JOURNEY[:-1], "scanned"})


@dataclass(frozen=True)
class Played:
    """A run that is over: what stands stored, who acted, what is wrong."""

    run: Simulation
    people: People
    verdict: Verdict


def play(
    seed: int,
    folder: str = REPLACEMENT,
    faults: Faults | None = None,
    *,
    cases: int = 1,
    hours: float = 12.0,
    look_seconds: float = 1.0,
    real_licences: int = 0,
    trace: bool = False,
    prepare: Prepare = lambda run, people: None,
    hand_in: HandIn = People.hand_in,
    tidy: Prepare = lambda run, people: None,
    extended: Callable[[Base], Base] = lambda start: start,
) -> Played:
    """So many cases from hand-in to the end, under faults of their own.

    `extended` adds to what stands stored, `prepare` acts before anybody does, `tidy`
    before the run is judged.
    """
    start = extended(base(folder, cases))
    with Simulation(
        seed,
        faults if faults is not None else Faults(),
        start,
        real_licences=real_licences,
        trace=trace,
    ) as run:
        people = People(run, folder)
        prepare(run, people)
        for draft in start.drafts:
            people.start(
                lambda draft=draft: hand_in(people, draft),
                run.scheduler.random.uniform(0, OVER_SECONDS),
            )
        run.run_until_quiet(hours, people.all_final, look_seconds)
        tidy(run, people)
        verdict = judge(run, people)
    return Played(run, people, verdict)


def the_longest_way(
    seed: int,
    folder: str,
    faults: Faults,
    prepare: Prepare = lambda run, people: None,
    real_licences: int = 0,
) -> Played:
    """A run of one case that passes through every function of the platform.

    Its materials are uploaded anew first, and `submit` stands still for three minutes.
    """

    def both(run: Simulation, people: People) -> None:
        submit_stands_still(run)
        prepare(run, people)

    return play(
        seed,
        folder,
        faults,
        real_licences=real_licences,
        prepare=both,
        hand_in=upload_first,
    )


def submit_stands_still(run: Simulation) -> None:
    """So that the watchdog has something to publish again."""
    queue = run.cloud.queues["submit"]
    queue.polling = False

    def go_on() -> None:
        queue.polling = True
        queue.pump()

    run.scheduler.later(STANDS_STILL_SECONDS, go_on)


def upload_first(people: People, draft: ReadyDraft) -> None:
    """Every material of the item is uploaded anew, then the draft is handed in."""
    for code, facts in example(people.folder).materials.items():
        content = a_file(facts["type"], facts["size_bytes"])
        answer = people.insist(
            "applicant_api",
            "POST",
            "/v1/applications/{application_id}/materials",
            who=lambda: people.applicant(draft.sub),
            path={"application_id": draft.application},
            body={
                "material": code,
                "content_type": facts["type"],
                "size_bytes": len(content),
            },
            key=f"upload-{code}-{draft.application}",
        )
        if answer.came:
            fields = answer.body["upload"]["fields"]
            people.run.buckets["uploads"].put(
                fields["key"], content, content_type=facts["type"]
            )
    # Until the uploads are checked the answer is 409.
    people.submit(draft, again=("material_unchecked",))


@dataclass
class Sum:
    """Adds runs up. `seed` is the outcome's, whatever seeds its runs had."""

    scenario: str
    seed: int
    size: Size
    verdict: Verdict = field(default_factory=Verdict)
    injected: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    notes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._digest = hashlib.sha256()
        self._really = self.size.real_licences

    def real_licence(self) -> int:
        """1 while the runs of this size may still render and sign one for real."""
        if not self._really:
            return 0
        self._really -= 1
        self.notes["real_licences"] += 1
        return 1

    def add(self, name: str, played: Played) -> None:
        """One run; its faults are named by it."""
        run = played.run
        for each in fields(Verdict):
            value = getattr(played.verdict, each.name)
            if isinstance(value, list):
                getattr(self.verdict, each.name).extend(f"{name}: {x}" for x in value)
            elif isinstance(value, Counter):
                getattr(self.verdict, each.name).update(value)
            else:
                setattr(
                    self.verdict, each.name, getattr(self.verdict, each.name) + value
                )
        self.injected.update(run.faults.injected)
        self.duplicates += run.cloud.duplicates
        self._digest.update(run.outside.trace.digest.encode())
        self.notes["runs"] += 1
        self.notes["outside_calls"] += run.outside.trace.calls
        self.notes["invocations"] += sum(run.cloud.functions.invocations.values())
        self.notes["killed"] += sum(run.cloud.functions.killed.values())

    def outcome(self, **notes: Any) -> Outcome:
        """All of it as one outcome."""
        return Outcome(
            scenario=self.scenario,
            seed=self.seed,
            size=str(self.size),
            verdict=self.verdict,
            injected=self.injected,
            duplicates_on_the_wire=self.duplicates,
            digest=self._digest.hexdigest(),
            notes={**self.notes, **notes},
        )


@functools.cache
def in_order(folder: str) -> Counter[str]:
    """The final state of the item's run without faults; made once per process."""
    return final_state(play(0, folder).run)


def final_state(run: Simulation) -> Counter[str]:
    """Stages, facts, open obligations and events of every aggregate, counted.

    Which of a parcel's scans came late, and is kept without being news, is a matter of
    order; that each was kept is not.
    """
    found: Counter[str] = Counter()
    stored = Stored.of(run)
    for key, head in stored.heads.items():
        if key.kind is Kind.NOTICE:
            continue
        found[f"{key.kind} is {head.stage}"] += 1
        for fact in head.data.get("facts", {}):
            found[f"{key.kind} has {fact}"] += 1
        for obligation in head.data.get("obligations", {}):
            found[f"{key.kind} awaits {obligation}"] += 1
    for key, history in stored.histories.items():
        for row in history:
            if key.kind is Kind.NOTICE:
                told = row.body["template"]
                if told.rpartition(".")[2] not in SCANS:
                    found[f"told of {told}"] += 1
                continue
            name = row.type.rpartition(".")[2]
            found["shipment scan" if name in SCANS else row.type] += 1
    return found


def held_against(expected: Counter[str], played: Played) -> None:
    """Adds to the verdict what the run has less of, or more, than one in order."""
    found = final_state(played.run)
    verdict = played.verdict
    if not verdict.acknowledged:
        verdict.lost.append("the applicant was never told a case number")
    verdict.lost += [
        f"{what}: {found[what]}, in order {count}"
        for what, count in sorted(expected.items())
        if found[what] < count
    ]
    verdict.doubled += [
        f"{what}: {count}, in order {expected[what]}"
        for what, count in sorted(found.items())
        if count > expected[what]
    ]
    verdict.lost += [
        f"dead letter of {step}: {message.attributes.get('code', 'received too often')}"
        for step, message in played.run.cloud.dead_letters()
    ]

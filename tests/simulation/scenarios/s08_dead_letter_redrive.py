"""Scenario 8: five hundred cases stand still at a broken step, then are put back twice.

While a step is broken each of its calls fails: now the database refuses, now the worker
dies. So its messages end in the DLQ, some with a code, some moved there by the queue
itself. `make redrive` (its own loop, on these queues) is tried while the step is still
broken, then twice when the fix is deployed, the first time killed before it deleted
anything. The watchdog is off, since it would bring the cases on by itself.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from infra.local.redrive import redrive
from tests.simulation.base import REPLACEMENT, base
from tests.simulation.cloud import Queue
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import OVER_SECONDS, Played, Sum
from tests.simulation.oracle import judge
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.scheduler import Actor
from tests.simulation.simulation import Simulation

POISONED = 500
STEPS = (
    "sign_licence",
    "collect_payment",
    "approve",
    "advance_case",
    "dispatch_courier",
    "submit",
    "register_licence",
    "pre_review",
    "notify",
    "archive_events",
)
RUNS = {Size.FULL: len(STEPS), Size.TENTH: 2, Size.SLICE: 1}
WAIT_HOURS = 0.5
"""Five deliveries of a message take less."""
PASS_HOURS = 0.05
ASKED_AGAIN = 200
"""Payers come back until the bill is there."""


@dataclass
class Broken(Faults):
    """Every call of one step fails until the fix is deployed."""

    step: str = ""
    fixed: bool = False

    def of(
        self, actor: Actor, call: str, dice: random.Random, now: datetime
    ) -> Fault | None:
        # The way into the DLQ is the runtime's, and no part of the step.
        if self.fixed or actor.name != self.step or call.startswith("sqs."):
            return None
        kind = Fault.REFUSED if dice.random() < 0.5 else Fault.CRASH_BEFORE
        self.injected[f"{kind} at {self.step}"] += 1
        return kind


@dataclass
class QueueClient:
    """What `redrive` asks of SQS, on a simulated queue and its DLQ.

    `deletes` False: the loop dies before its deletions take effect.
    """

    queue: Queue
    deletes: bool = True
    hidden: set[str] = field(default_factory=set)

    def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        """How many messages the DLQ holds."""
        return {
            "Attributes": {"ApproximateNumberOfMessages": str(len(self.queue.dead))}
        }

    def receive_message(self, **asked: Any) -> dict[str, Any]:
        """Messages of the DLQ that nobody holds."""
        waiting = [each for each in self.queue.dead if each.id not in self.hidden]
        taken = waiting[: asked["MaxNumberOfMessages"]]
        self.hidden |= {each.id for each in taken}
        return {
            "Messages": [
                {
                    "MessageId": each.id,
                    "ReceiptHandle": each.id,
                    "Body": each.body,
                    "MessageAttributes": {
                        name: {"DataType": "String", "StringValue": value}
                        for name, value in each.attributes.items()
                    },
                }
                for each in taken
            ]
        }

    def send_message(self, **asked: Any) -> None:
        """Into the step's queue."""
        attributes: Mapping[str, Mapping[str, str]] = asked["MessageAttributes"]
        self.queue.send(
            asked["MessageBody"],
            {name: said["StringValue"] for name, said in attributes.items()},
        )

    def delete_message(self, **asked: Any) -> None:
        """Out of the DLQ."""
        if self.deletes:
            gone = asked["ReceiptHandle"]
            self.queue.dead = [each for each in self.queue.dead if each.id != gone]


def run(seed: int, size: Size) -> Outcome:
    """Ten steps at full size, fifty cases each; a few of them else."""
    total = Sum(SCENARIO.name, seed, size)
    runs = RUNS[size]
    for number in range(runs):
        step = STEPS[(seed * runs + number) % len(STEPS)]
        cases = max(1, size.of(POISONED) // runs)
        _broken_and_mended(seed * len(STEPS) + number, step, cases, total)
    letters, coded = total.notes["dead_letters"], total.notes["dead_letters_with_code"]
    if size is not Size.SLICE and not 0 < coded < letters:
        total.verdict.broken.append("dead letters came in one way only")
    return total.outcome()


def _broken_and_mended(seed: int, step: str, cases: int, total: Sum) -> None:
    start = base(REPLACEMENT, cases)
    faults = Broken(step=step)
    real = total.size.real_licences if step.endswith("_licence") else 0
    with Simulation(seed, faults, start, real_licences=real) as run:
        run.cloud.ticking = False
        people = People(run, REPLACEMENT, asked_again=ASKED_AGAIN)
        people.hand_in_all(start.drafts, OVER_SECONDS)
        queue = run.cloud.queues[step]
        run.run(WAIT_HOURS)
        first = _originals(queue)
        coded = sum("code" in each.attributes for each in queue.dead)
        wrong = _put_back(queue)
        run.run(WAIT_HOURS)
        if set(_originals(queue)) != set(first):
            wrong.append("dead letters have lost their first ids, or are others")
        faults.fixed = True
        wrong += _put_back(queue, deletes=False)
        run.run(PASS_HOURS)
        wrong += _put_back(queue)
        run.run_until_quiet(12, people.all_final)
        verdict = judge(run, people)
    verdict.broken += wrong
    if len(first) < cases:
        verdict.broken.append(f"{len(first)} dead letters of {cases} cases")
    if verdict.dead_lettered or queue.dead:
        verdict.lost.append(f"{len(queue.dead)} still in the DLQ")
    if verdict.completed != cases:
        verdict.lost.append(f"{verdict.completed} of {cases} completed")
    total.notes["dead_letters"] += sum(first.values())
    total.notes["dead_letters_with_code"] += coded
    total.add(f"{step} broken", Played(run, people, verdict))


def _originals(queue: Queue) -> Counter[str]:
    """Under which id each dead letter first came.

    One may lie there twice: buried with a code by a worker that died before its batch
    was over, and moved by the queue afterwards.
    """
    return Counter(
        each.attributes.get("original_message_id", each.id) for each in queue.dead
    )


def _put_back(queue: Queue, *, deletes: bool = True) -> list[str]:
    """One round of `make redrive`; what is wrong with it."""
    found = len(queue.dead)
    done = redrive(QueueClient(queue, deletes), "dead letters", "queue")
    if (done.found, done.moved) != (found, found):
        return [f"put back {done.moved} of {found} dead letters"]
    return []


SCENARIO = Scenario(
    8,
    "dead-letter-redrive",
    "死信放回：修复之后放回两次，各办成一次",
    "Dead letters put back twice after the fix: each done once",
    run,
)

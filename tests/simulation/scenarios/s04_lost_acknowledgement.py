"""Scenario 4: a transaction is committed and its answer is lost.

Every transaction on the way of a case has runs of its own:

- `resent`: the SDK sends it again under the same ClientRequestToken: one effect, and
  the caller hears of success;
- `forgotten`: the same, but the database has forgotten the token, as it does after ten
  minutes. The conditions of the writes themselves must refuse the second one, and the
  product must know its own first effect again;
- `redelivered`: nobody sends it again, the caller hears of a failure; the message, the
  callback or the person comes back.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tests.simulation.faults import Faults
from tests.simulation.many import ITEMS, Sum, final_state, held_against, the_longest_way
from tests.simulation.people import People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.scheduler import Scheduler
from tests.simulation.simulation import Simulation
from tests.support.memory import MemoryTables
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.tables import Tables, Write

SHARES = {Size.FULL: 1, Size.TENTH: 10, Size.SLICE: 70}
"""Into how many shares the pairs of transaction and kind fall."""
TOKEN_LIFE_SECONDS = 600.0


class Kind(StrEnum):
    """What becomes of a transaction whose answer is lost."""

    RESENT = "resent"
    FORGOTTEN = "forgotten"
    REDELIVERED = "redelivered"


@dataclass
class LosesAnAnswer:
    """The Tables port under the product: the answer of one transaction gets lost.

    `at` counts commits from 1; 0 loses none. `names` keeps what each one wrote; what
    was refused has no commit to lose the answer of.
    """

    tables: MemoryTables
    scheduler: Scheduler
    committed: Callable[[Sequence[Write]], None]
    at: int = 0
    kind: Kind = Kind.RESENT
    names: list[str] = field(default_factory=list)
    lost: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tables, name)

    def transact(self, writes: Sequence[Write], token: str | None = None) -> None:
        """Commits as asked; one answer does not arrive."""
        actor = self.scheduler.actor
        loses = len(self.names) + 1 == self.at
        if loses:
            token = token or f"token-{self.at}"
        self.tables.transact(writes, token)
        self.names.append(f"{actor.name if actor else '-'}: {_wrote(writes)}")
        self.committed(writes)
        if not loses or token is None:
            return
        self.lost += 1
        if self.kind is Kind.REDELIVERED:
            raise Retry("database_unavailable", "", "")
        if self.kind is Kind.FORGOTTEN:
            kept, sent_at = self.tables.tokens[token]
            self.tables.tokens[token] = (kept, sent_at - TOKEN_LIFE_SECONDS)
        self.tables.transact(writes, token)


def _wrote(writes: Sequence[Write]) -> str:
    """What a transaction writes, without ids: `HEAD EVENT#submit`."""
    found = []
    for write in writes:
        sk = getattr(write, "row", write).sk
        found.append("#".join(sk.split("#")[:2]) if "EVENT#" in sk else sk[:6])
    return " ".join(dict.fromkeys(found))


def run(seed: int, size: Size) -> Outcome:
    """Every transaction in every way at full size; a share of them else."""
    total = Sum(SCENARIO.name, seed, size)
    ways: Counter[str] = Counter()
    number = 0
    for folder in ITEMS:
        made, reference = _lossy()
        first = the_longest_way(seed, folder, Faults(), made)
        expected = final_state(first.run)
        total.add(f"{folder} without faults", first)
        times: Counter[str] = Counter()
        for at, name in enumerate(reference[0].names, start=1):
            number += 1
            times[name] += 1
            for kind in Kind:
                # By name, since the order of transactions is the seed's.
                place = zlib.crc32(f"{folder} {kind} {name} {times[name]}".encode())
                if place % SHARES[size] != seed % SHARES[size]:
                    continue
                prepare, found = _lossy(at, kind)
                real = total.real_licence() if "_licence" in name else 0
                played = the_longest_way(seed, folder, Faults(), prepare, real)
                (tables,) = found
                played.run.faults.injected[f"answer lost, {kind}"] += tables.lost
                if tables.lost != 1:
                    played.verdict.broken.append("no answer was lost")
                held_against(expected, played)
                total.add(f"{kind}: {name} of {folder}", played)
                ways[str(kind)] += 1
    return total.outcome(transactions=number, runs_by_kind=dict(sorted(ways.items())))


def _lossy(
    at: int = 0, kind: Kind = Kind.RESENT
) -> tuple[Callable[[Simulation, People], None], list[LosesAnAnswer]]:
    """Puts the lossy tables into a run; the list holds them when it has begun."""
    made: list[LosesAnAnswer] = []

    def prepare(run: Simulation, people: People) -> None:
        tables = LosesAnAnswer(run.store, run.scheduler, run.tables.committed, at, kind)
        made.append(tables)
        inner: Tables = tables
        run.tables.tables = inner
        run.tables.committed = lambda writes: None  # told by the lossy tables

    return prepare, made


SCENARIO = Scenario(
    4,
    "lost-acknowledgement",
    "提交已成而回执丢失：同令牌重发、令牌过期后重发、消息重来",
    "A commit's answer is lost: sent again, sent again too late, delivered again",
    run,
)

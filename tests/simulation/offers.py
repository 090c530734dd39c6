"""What must hold of the catalogue after a run, and what was offered when.

Counted from the rows and objects as they were written, at each commit, beside the
events: what two offices approved is offered once, from its day on, and stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tests.simulation.oracle import Stored, Verdict
from tests.simulation.simulation import Simulation
from tests.support.world import TENANT
from zerotrip.catalogue import snapshot
from zerotrip.catalogue.pages import page_key
from zerotrip.catalogue.publishing import effective_instant
from zerotrip.catalogue.revisions import PUBLISH_STEP
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow, Kind
from zerotrip.kernel.tables import Put, Rejected, Write

STALE = timedelta(seconds=45)
"""A pointer is remembered for 30 s, and a request may take 10 s after reading it."""
Revision = tuple[int, str, str]
"""Number, digest and the instant (UTC text) from which it is offered."""


@dataclass
class Offers:
    """Hears every commit; knows what was offered at any instant of the run."""

    run: Simulation
    pointers: dict[str, list[tuple[datetime, tuple[Revision, ...]]]] = field(
        default_factory=dict
    )
    """By item code: what its pointer said, from when on."""
    listed: list[tuple[datetime, snapshot.Entries]] = field(default_factory=list)
    """What the snapshot listed, from when on."""
    contended: int = 0
    """How often somebody else had moved the snapshot on in between."""

    def __post_init__(self) -> None:
        commit = self.run.store.transact

        def counted(writes: Sequence[Write], token: str | None = None) -> None:
            try:
                commit(writes, token)
            except Rejected as rejected:
                rows = [getattr(writes[at], "row", None) for at in rejected.failed]
                self.contended += any(row and row.sk == "SNAPSHOT" for row in rows)
                raise

        self.run.store.transact = counted  # type: ignore[method-assign]
        for (table, _, _), row in list(self.run.store.rows.items()):
            if table == "catalogue":
                self._hear([Put(table, row)])
        self.run.on_commit.append(self._hear)

    def _hear(self, writes: Sequence[Write]) -> None:
        now = self.run.scheduler.now
        for write in writes:
            if not isinstance(write, Put) or write.table != "catalogue":
                continue
            if write.row.pk == f"{TENANT}#ITEMS":
                found = tuple(
                    (each["revision"], each["digest"], each["effective_at"])
                    for each in write.row.data["revisions"]
                )
                self.pointers.setdefault(write.row.sk, []).append((now, found))
            elif write.row.pk == f"{TENANT}#CATALOGUE" and write.row.sk == "SNAPSHOT":
                name = f"snapshots/{write.row.data['digest']}.json"
                kept = self.run.buckets["catalogue"].versions[name][-1].content
                self.listed.append((now, snapshot.from_bytes(kept)))

    def offered(self, code: str, moment: datetime) -> Revision | None:
        """What the pointer offered at that instant."""
        said = [found for at, found in self.pointers.get(code, ()) if at <= moment]
        at = times.to_text(moment)
        open_now = [each for each in (said[-1] if said else ()) if each[2] <= at]
        return max(open_now, key=lambda each: (each[2], each[0]), default=None)

    def instants(self, code: str) -> list[datetime]:
        """When what is offered may have changed."""
        found = set()
        for at, revisions in self.pointers.get(code, ()):
            found.add(at)
            found |= {times.from_text(each[2]) for each in revisions}
        return sorted(found)

    def judge(self, verdict: Verdict) -> None:
        """All of it."""
        stored = Stored.of(self.run)
        for key in stored.of_kind(Kind.ITEM):
            self._published_once(key.id, stored.histories[key], verdict)
        self._pointer_and_snapshot(verdict)
        self._nothing_disappears(verdict)
        self._pinned(stored, verdict)
        for step, message in self.run.cloud.dead_letters():
            code = message.attributes.get("code", "received too often")
            verdict.lost.append(f"dead letter of {step}: {code}")

    def _published_once(
        self, code: str, history: tuple[EventRow, ...], verdict: Verdict
    ) -> None:
        """Each day that was set has its one event, its row, its page and its offer."""
        answers = Counter(
            row.sk.removeprefix(f"EVENT#{PUBLISH_STEP}#")
            for row in history
            if row.type == "item.published"
        )
        verdict.effects["revisions published"] += sum(answers.values())
        for row in history:
            if row.type != "item.scheduled":
                continue
            count = answers.pop(row.ref, 0)
            if count != 1:
                kind = verdict.doubled if count else verdict.lost
                kind.append(f"{row.ref}: published {count} times")
                continue
            self._as_agreed(code, row, verdict)
        verdict.let_in += [f"{code}: published for {ref}" for ref in answers]

    def _as_agreed(self, code: str, row: EventRow, verdict: Verdict) -> None:
        digest, revision = str(row.body["digest"]), int(row.body["revision"])
        begins = effective_instant(date.fromisoformat(row.body["effective_on"]))
        offers = {
            each
            for _, found in self.pointers.get(code, ())
            for each in found
            if each[1] == digest
        }
        if len(offers) != 1:
            verdict.broken.append(f"{row.ref}: offered as {sorted(offers)}")
        for _, _, effective_at in offers:
            if times.from_text(effective_at) < begins:
                verdict.let_in.append(
                    f"{row.ref}: offered from {effective_at}, before its day"
                )
        kept = self.run.store.get(
            "catalogue", f"{TENANT}#ITEM#{code}", f"REVISION#{revision:06}"
        )
        if kept is None or kept.data["digest"] != digest:
            verdict.lost.append(f"{row.ref}: no row of what was published")
        pages = self.run.buckets["catalogue"].versions.get(page_key(code, digest), [])
        if len(pages) != 1:
            verdict.broken.append(f"{row.ref}: {len(pages)} pages")

    def _pointer_and_snapshot(self, verdict: Verdict) -> None:
        """Both say the same of each item, and no item is listed twice."""
        entries = self.listed[-1][1]
        both: dict[str, set[Revision]] = {}
        for each in entries:
            said = both.setdefault(each.code, set())
            revision = (each.revision, each.digest, each.effective_at)
            if revision in said:
                verdict.doubled.append(f"{each.code}: listed twice {revision}")
            said.add(revision)
        for code in sorted({*both, *self.pointers}):
            pointer = set(self.pointers[code][-1][1]) if code in self.pointers else None
            if pointer != both.get(code):
                verdict.broken.append(
                    f"{code}: the pointer says {pointer}, the snapshot {both.get(code)}"
                )
        shown = snapshot.offered(entries, times.to_text(self.run.scheduler.now))
        twice = [c for c, n in Counter(e.code for e in shown).items() if n > 1]
        verdict.doubled += [f"{code}: offered twice in one list" for code in twice]

    def _nothing_disappears(self, verdict: Verdict) -> None:
        """What was offered stays offered; no older one ever comes back."""
        for code in self.pointers:
            before: Revision | None = None
            for moment in self.instants(code):
                now = self.offered(code, moment)
                if before is not None and (now is None or now[0] < before[0]):
                    verdict.lost.append(f"{code}: {before} went, {now} came")
                before = now or before
        known: set[str] = set()
        for at, entries in self.listed:
            shown = {e.code for e in snapshot.offered(entries, times.to_text(at))}
            verdict.lost += [
                f"{code}: no longer listed at {at}" for code in sorted(known - shown)
            ]
            known |= shown

    def _pinned(self, stored: Stored, verdict: Verdict) -> None:
        """A case is of the revision that was offered at its hand-in, for good."""
        for key in stored.of_kind(Kind.CASE):
            head, received = stored.heads[key], stored.histories[key][0]
            code, digest = received.body["item"], received.body["item_digest"]
            at = times.from_text(received.time)
            moments = [at, at - STALE, *self.instants(code)]
            possible = {
                offer[1]: offer[0]
                for moment in moments
                if at - STALE <= moment <= at
                and (offer := self.offered(code, moment)) is not None
            }
            if digest not in possible:
                verdict.broken.append(
                    f"{key.ref}: of {digest[:8]}, while {possible} was offered"
                )
            else:
                verdict.effects[f"cases of revision {possible[digest]}"] += 1
            if head.data["item_digest"] != digest:
                verdict.broken.append(f"{key.ref}: moved to another revision")

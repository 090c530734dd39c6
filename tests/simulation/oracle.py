"""What must hold after every run. Counted from rows, files and the partners' own books.

lost: acknowledged, and neither completed, open nor dead-lettered, or a step that nobody
will take any more. doubled: an effect that happened twice. broken: an illegal move, a
gap, a chain that does not hold. let_in: something that should have been refused.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.people import People
from tests.simulation.simulation import Simulation
from tests.support.world import TENANT
from zerotrip.cases.lifecycle import FINAL, TRANSITIONS, Stage
from zerotrip.cases.model import CaseNow, case_key, read
from zerotrip.kernel.aggregate import EventRow, Key, Kind, chain_faults
from zerotrip.kernel.records import HEAD, event_row
from zerotrip.kernel.records import _head as head_of
from zerotrip.kernel.tables import StoredRow
from zerotrip.notices.templates import TEMPLATES

MAY_REPEAT = {
    "case.corrections_requested", "case.corrected", "case.referred", "case.returned",
    "case.promise_kept", "case.bill_renewed", "case.charge_renewed",
}  # fmt: skip
TOLD_OFTEN = {"shipment.scanned", "bill.contradicted"}
"""What a partner may say again and again, each time another thing."""


@dataclass
class Verdict:
    """Counts of a run, and a sentence for everything that is wrong."""

    acknowledged: int = 0
    completed: int = 0
    open: int = 0
    dead_lettered: int = 0
    effects: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    let_in: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Whether nothing at all is wrong."""
        return not (self.lost or self.doubled or self.broken or self.let_in)

    def faults(self) -> list[str]:
        """Everything that is wrong, a line each."""
        named = (
            ("lost", self.lost),
            ("doubled", self.doubled),
            ("broken", self.broken),
            ("let in", self.let_in),
        )
        return [f"{kind}: {fault}" for kind, found in named for fault in found]


@dataclass
class Stored:
    """The records table, by aggregate."""

    heads: dict[Key, StoredRow] = field(default_factory=dict)
    histories: dict[Key, tuple[EventRow, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, run: Simulation) -> Stored:
        """Reads everything, past all faults."""
        found = cls()
        events: dict[Key, list[EventRow]] = defaultdict(list)
        for (table, pk, sk), row in run.store.rows.items():
            if table != "records":
                continue
            key = Key.from_pk(pk)
            if sk == HEAD:
                found.heads[key] = row
            elif sk.startswith("EVENT#"):
                events[key].append(event_row(row))
        for key, rows in events.items():
            found.histories[key] = tuple(sorted(rows, key=lambda row: row.seq))
        return found

    def of_kind(self, kind: Kind) -> Iterable[Key]:
        """Keys of one kind."""
        return [key for key in self.heads if key.kind is kind]


def judge(run: Simulation, people: People) -> Verdict:
    """The verdict over one run."""
    stored = Stored.of(run)
    verdict = Verdict(acknowledged=len(people.acknowledged))
    dead = _dead_cases(run)
    for case_no in people.acknowledged:
        _acknowledged(run, stored, case_no, dead, verdict)
    _expected_only(stored, people, verdict)
    for key, history in stored.histories.items():
        verdict.broken += chain_faults(history)
        if key not in stored.heads or stored.heads[key].version != len(history):
            verdict.broken.append(f"{key.ref}: head and events disagree")
        elif stored.heads[key].data["hash"] != history[-1].hash:
            verdict.broken.append(f"{key.ref}: the head names another last event")
        _moves(history, verdict)
    _effects(run, stored, verdict)
    _notices(run, stored, verdict)
    _partners(run, stored, verdict)
    if run.cloud.on_the_way:
        verdict.lost.append(f"{run.cloud.on_the_way} messages never came to rest")
    if people.unanswered:
        verdict.lost.append(f"{people.unanswered} people never got an answer")
    return verdict


def _dead_cases(run: Simulation) -> set[str]:
    """References of aggregates with a dead letter, as their messages name them."""
    found = set()
    for _, message in run.cloud.dead_letters():
        try:
            body = json.loads(message.body)
        except ValueError:
            continue
        if isinstance(body, dict) and isinstance(body.get("data"), dict):
            found.add(str(body["data"].get("aggregate")))
        for record in body.get("Records", ()) if isinstance(body, dict) else ():
            found.add(f"CASE#{record['s3']['object']['key'].split('/')[1]}")
    return found


def _acknowledged(
    run: Simulation, stored: Stored, case_no: str, dead: set[str], verdict: Verdict
) -> None:
    head = stored.heads.get(case_key(TENANT, case_no))
    if head is None:
        verdict.lost.append(f"{case_no}: acknowledged and not stored")
        return
    now = read(head_of(head))
    if now.stage in FINAL:
        verdict.completed += 1
        return
    related = {f"CASE#{case_no}", *now.case.bills, *now.case.shipments}
    if now.case.licence:
        related.add(f"LICENCE#{now.case.licence}")
    if related & dead:
        verdict.dead_lettered += 1
        return
    if _somebody_will_act(now):
        verdict.open += 1
        return
    verdict.lost.append(f"{case_no}: stands in {now.stage} and nothing will move it")


def _somebody_will_act(now: CaseNow) -> bool:
    """Whether a person is asked for something, or the watchdog still looks."""
    if now.stage in (Stage.CORRECTING, Stage.PAYMENT_DUE, Stage.IN_REVIEW):
        return True
    return bool(now.case.watch)


def _expected_only(stored: Stored, people: People, verdict: Verdict) -> None:
    """One case per draft, and none that nobody handed in."""
    drafts: Counter[str] = Counter()
    for key in stored.of_kind(Kind.CASE):
        application = stored.heads[key].data["application"]
        drafts[application] += 1
    verdict.doubled += [
        f"draft {application} became {count} cases"
        for application, count in drafts.items()
        if count > 1
    ]
    numbers = Counter(draft.application for draft in people.acknowledged.values())
    verdict.doubled += [
        f"draft {application} was told {count} numbers"
        for application, count in numbers.items()
        if count > 1
    ]


def _moves(history: tuple[EventRow, ...], verdict: Verdict) -> None:
    """Every transition of a case is a row of the lifecycle's table."""
    if history[0].key.kind is not Kind.CASE:
        return
    stage: Stage | None = None
    for row in history:
        move = TRANSITIONS.get(row.type)
        after = Stage(row.body["stage"])
        if move is None:
            verdict.broken.append(f"{row.ref}: {row.type} is no transition")
        elif stage is None and move.allowed_from:
            verdict.broken.append(f"{row.ref}: {row.type} began the case")
        elif stage is not None and stage not in move.allowed_from:
            verdict.broken.append(f"{row.ref}: {row.type} from {stage}")
        elif after not in move.to:
            verdict.broken.append(f"{row.ref}: {row.type} led to {after}")
        stage = after


def _effects(run: Simulation, stored: Stored, verdict: Verdict) -> None:
    """Per business key one effect: counted by type of event within its aggregate."""
    for key, history in stored.histories.items():
        types = Counter(row.type for row in history)
        if key.kind is Kind.NOTICE:
            continue
        if key.kind is Kind.ITEM:  # each of its revisions has all of them
            verdict.effects.update(types)
            continue
        for kind, count in types.items():
            verdict.effects[kind] += count
            # Sent back by an officer, a case is accepted once more.
            most = 1 + (types["case.returned"] if kind == "case.accepted" else 0)
            repeats = kind in MAY_REPEAT or kind in TOLD_OFTEN
            if count > most and not repeats:
                verdict.doubled.append(f"{key.ref}: {kind} x{count}")
    for object_key, versions in run.buckets["licences"].versions.items():
        verdict.effects["licence files"] += 1
        if len(versions) > 1:
            verdict.doubled.append(f"{object_key}: written {len(versions)} times")
    licences = Counter(
        stored.heads[key].data["case_no"] for key in stored.of_kind(Kind.LICENCE)
    )
    verdict.doubled += [
        f"{case_no}: {count} licences"
        for case_no, count in licences.items()
        if count > 1
    ]


def _notices(run: Simulation, stored: Stored, verdict: Verdict) -> None:
    """Whoever is to be told is told once; counted per event, not per message."""
    told: Counter[tuple[str, str, str]] = Counter()
    for key, history in stored.histories.items():
        if key.kind is Kind.NOTICE:
            for row in history:
                body = row.body
                told[(body["template"], body["about"], body["occurred_at"])] += 1
    verdict.effects["notices"] = sum(told.values())
    verdict.doubled += [f"notice {what}: x{n}" for what, n in told.items() if n > 1]
    dead = {
        json.loads(message.body)["id"]
        for step, message in run.cloud.dead_letters()
        if step == "notify" and message.body.startswith("{")
    }
    for key, history in stored.histories.items():
        for row in history:
            about = (row.type, key.ref, row.time)
            if row.type in TEMPLATES and not told[about] and row.ref not in dead:
                verdict.lost.append(f"{row.ref}: nobody was told of {row.type}")


def _partners(run: Simulation, stored: Stored, verdict: Verdict) -> None:
    """What the partners count is what we hold: money that came, parcels that went."""
    paid = run.partners.counted("payments")
    parcels = run.partners.counted("courier")
    verdict.effects["payments at the channel"] = paid["successes"]
    verdict.effects["parcels at the carrier"] = parcels["orders"]
    settled = {key.id for key in stored.of_kind(Kind.BILL) if _settled(stored, key)}
    due_back = {
        key.id
        for key in stored.of_kind(Kind.BILL)
        if stored.heads[key].stage == "refund_due"
    }
    for order in paid["items"]:
        number = order["out_trade_no"]
        if order["state"] == "SUCCESS" and number not in settled | due_back:
            verdict.lost.append(f"bill {number}: paid at the channel, not with us")
        if order["state"] != "SUCCESS" and number in settled | due_back:
            verdict.let_in.append(f"bill {number}: settled without money")
    known = {key.id for key in stored.of_kind(Kind.SHIPMENT)}
    cases: Counter[tuple[str, str]] = Counter()
    for parcel in parcels["items"]:
        if parcel["order_id"] not in known:
            verdict.lost.append(f"parcel {parcel['order_id']}: ordered, not stored")
            continue
        (head,) = [
            row for key, row in stored.heads.items() if key.id == parcel["order_id"]
        ]
        cases[(head.data["case_no"], parcel["direction"])] += 1
    verdict.doubled += [
        f"{case_no}: {count} parcels ({direction})"
        for (case_no, direction), count in cases.items()
        if count > 1
    ]


def _settled(stored: Stored, key: Key) -> bool:
    return "settled" in stored.heads[key].data.get("facts", {})


def summary(verdict: Verdict) -> dict[str, Any]:
    """The verdict as evidence."""
    return {
        "acknowledged": verdict.acknowledged,
        "completed": verdict.completed,
        "open": verdict.open,
        "dead_lettered": verdict.dead_lettered,
        "effects": dict(sorted(verdict.effects.items())),
        "lost": len(verdict.lost),
        "doubled": len(verdict.doubled),
        "broken": len(verdict.broken),
        "let_in": len(verdict.let_in),
        "faults": verdict.faults()[:20],
    }

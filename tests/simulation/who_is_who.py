"""What must hold of persons, logins, powers and sessions, at each commit and after all.

Read from the rows themselves as they are written: who is one person is what stands in
the rows, whatever a request believed.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.simulation import template
from tests.simulation.base import HASH_KEY
from tests.simulation.logins import Tokens, Town
from tests.simulation.oracle import Stored, Verdict
from tests.support.world import TENANT
from zerotrip.cases.handed import read_handed
from zerotrip.cases.model import case_key, read
from zerotrip.catalogue.pointers import pointer
from zerotrip.identity.model import Level
from zerotrip.identity.rows import number_mark
from zerotrip.identity.store import MOST_LOGINS
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow, Key, Kind
from zerotrip.kernel.records import event_row
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Put, StoredRow, Write

SAME_SUCCESSOR_FOR = timedelta(seconds=10)
BY_OFFICERS = frozenset({"case.decision_recorded", "case.returned"})
ACT_OF = {Kind.CASE: "apply", Kind.BILL: "pay"}


@dataclass(frozen=True)
class Received:
    """A hand-in, as it stood at that moment."""

    case_no: str
    sub: str
    numbers: frozenset[str]
    """Keyed hashes of the numbers as which the applicant was proven."""
    level: Level


@dataclass
class WhoIsWho:
    """Hears every commit of a run; says what was wrong."""

    town: Town
    names: Mapping[str, str]
    """By number: whose it is."""
    broken: list[str] = field(default_factory=list)
    let_in: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    received: dict[str, Received] = field(default_factory=dict)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    """By table and key: whose a draft or a case was when it was first written."""
    revoked: dict[str, datetime] = field(default_factory=dict)
    """By power: when its revocation stood stored."""
    families: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """By session: its refresh tokens' rows, in their order."""
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def __post_init__(self) -> None:
        self.run = self.town.run
        self.takes = timedelta(seconds=template.timeout_seconds("applicant_api"))
        self.run.on_commit.append(self._hear)
        self.town.on_refused = self._refused

    # along the run

    def _hear(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if not isinstance(write, Put):
                continue
            row = write.row
            match write.table, row.sk.partition("#")[0]:
                case "identity", "SUBJECT":
                    self._one_person(row)
                case "identity", "POWER" if row.data["state"] == "revoked":
                    power = row.pk.rpartition("#")[2]
                    self.revoked.setdefault(power, self.run.scheduler.now)
                case "answers", "TOKEN":
                    self._one_live_token(row)
                case "drafts", "DRAFT":
                    self._not_moved("drafts", row.pk, str(row.data["sub"]))
                case "records", "HEAD" if "#CASE#" in row.pk:
                    sub = (row.subject or ("", ""))[0]
                    self._not_moved("cases", row.pk, str(sub))
                case "records", "EVENT":
                    self._event(event_row(row), writes)
                case _:
                    pass

    def _not_moved(self, table: str, pk: str, sub: str) -> None:
        first = self.owners.setdefault((table, pk), sub)
        if first != sub:
            self.broken.append(f"{table}: {pk} was moved to another login")

    def _one_person(self, row: StoredRow) -> None:
        """Each member lists the same logins, eight at most, and one proven number."""
        sub = row.pk.rpartition("#")[2]
        members = self.members(sub)
        self.counts["sets"] += len(members) > 1
        if len(members) > MOST_LOGINS:
            self.broken.append(f"{sub}: a person of {len(members)} logins")
        for each in members:
            if self.members(each) != members:
                self.broken.append(f"{sub}: {each} does not list the same logins")
        if len(self.numbers(members)) > 1:
            self.broken.append(f"{sub}: one person of two proven numbers")
        if not self.live(members):
            self.lost.append(f"{sub}: a person without any way in")

    def _one_live_token(self, row: StoredRow) -> None:
        family = self.families[str(row.data["sid"])]
        if row.pk not in family:
            family.append(row.pk)
        kept = (self._row("answers", pk, "TOKEN") for pk in family)
        live = sum(each is not None and each.stage == "live" for each in kept)
        if live > 1:
            self.doubled.append(f"session {row.data['sid']}: {live} live tokens")

    def _refused(self, tokens: Tokens) -> None:
        """A client's newest token was refused: was that right?"""
        if tokens.session.power is None and tokens.sub in self.town.removed:
            return
        hashed = hashlib.sha256(tokens.refresh_token.encode()).hexdigest()
        pk = f"{TENANT}#REFRESH#{hashed}"
        token = self._row("answers", pk, "TOKEN")
        if token is None or self._row("identity", self._pk(tokens), "SUBJECT") is None:
            self.lost.append(f"{tokens.sub}: a refresh token that nobody knows")
            return
        sid = str(token.data["sid"])
        family, used_at = self.families[sid], token.data.get("used_at")
        if used_at is None:
            session = self._row("answers", f"{TENANT}#SESSION#{sid}", "SESSION")
            # Another tab came too late, and was judged: that ends the session of both.
            if session is None or session.stage == "live":
                self.lost.append(f"{tokens.sub}: a live refresh token was refused")
            return
        place = family.index(pk)
        following = [
            self._row("answers", each, "TOKEN") for each in family[place + 1 :]
        ]
        unused = [each for each in following if each and each.stage == "live"]
        in_time = self.run.scheduler.now < times.from_text(used_at) + SAME_SUCCESSOR_FOR
        if in_time and len(following) == 1 and unused:
            self.lost.append(f"{tokens.sub}: a lost answer ended its session")
        self.counts["sessions ended"] += 1

    def _pk(self, tokens: Tokens) -> str:
        return f"{TENANT}#SUB#{tokens.session.actor or tokens.sub}"

    # whose act it was

    def _event(self, row: EventRow, writes: Sequence[Write]) -> None:
        if row.key.kind not in ACT_OF or ":" in row.actor or not self._known(row.actor):
            return
        applicant, agents = self._parties(row.key, writes)
        if row.type in BY_OFFICERS:
            both = self.marks(self.members(row.actor)) | self._kin(row.actor)
            for party in (applicant, *agents):
                if both & self.marks(self.members(party)):
                    self.let_in.append(f"{row.ref}: decided by its own party")
            self.counts["decisions"] += 1
            return
        self._by_applicant(row, applicant)
        if row.type == "case.received":
            people = self.members(applicant)
            self.received[row.key.id] = Received(
                row.key.id, applicant, self.numbers(people), self.best(people)
            )

    def _by_applicant(self, row: EventRow, applicant: str) -> None:
        behalf = row.body.get("on_behalf")
        if behalf is None:
            if row.actor not in self.members(applicant):
                self.let_in.append(f"{row.ref}: by neither applicant nor agent")
            elif self._kind(applicant) == "legal":
                self.broken.append(f"{row.ref}: a company that acts by nobody")
            return
        self.counts["acts of agents"] += 1
        if set(behalf) != {"principal", "power", "office"}:
            self.broken.append(f"{row.ref}: names only {sorted(behalf)}")
            return
        power = self._row("identity", f"{TENANT}#POWER#{behalf['power']}", "POWER")
        if power is None:
            self.let_in.append(f"{row.ref}: under a power that nobody gave")
            return
        for fault in self._power_faults(row, power.data, behalf, applicant):
            self.let_in.append(f"{row.ref}: {fault}")

    def _power_faults(
        self,
        row: EventRow,
        power: Mapping[str, Any],
        behalf: Mapping[str, str],
        applicant: str,
    ) -> Iterable[str]:
        """What the power lacks. A request looks at it once, and then takes its time."""
        now = self.run.scheduler.now
        begun = now - self.takes
        people = self.members(applicant)
        if not {power["principal"], behalf["principal"]} <= people:
            yield "for somebody else than the applicant"
        if power["agent"] not in self.members(row.actor):
            yield "under somebody else's power"
        if power["office"] != behalf["office"]:
            yield "in another office than its power's"
        if ACT_OF[row.key.kind] not in power["acts"]:
            yield "beyond its power's acts"
        accepted = power["accepted_at"]
        if accepted is None or times.from_text(accepted) > now:
            yield "under a power that was not accepted"
        if not times.from_text(power["starts_at"]) <= now:
            yield "before its power began"
        if begun >= times.from_text(power["ends_at"]):
            yield "after its power's end"
        if self.revoked.get(behalf["power"], now) < begun:
            yield "after its power was revoked"

    def _parties(
        self, key: Key, writes: Sequence[Write]
    ) -> tuple[str, tuple[str, ...]]:
        """The applicant of a case or a bill, and whoever acted for them."""
        case = key
        if key.kind is Kind.BILL:
            head = self.run.records.head(key)
            assert head is not None
            case = case_key(TENANT, str(head.body["case_no"]))
        head = self.run.records.head(case)
        assert head is not None
        now = read(head)
        return now.case.sub, now.case.agents

    # at the end

    def judge(self, verdict: Verdict) -> None:
        """Adds what was wrong along the run, and of the hand-ins and payments."""
        self._handed_in()
        self._payers()
        for presented, answered in self.town.successors.items():
            if len(answered) > 1:
                self.doubled.append(f"{presented[:6]}…: {len(answered)} successors")
        for one, other in self.town.bound:
            gone = {one, other} & self.town.removed
            if not gone and other not in self.members(one):
                self.lost.append(f"{one}, {other}: bound, and not one person")
        for name in ("broken", "let_in", "lost", "doubled"):
            getattr(verdict, name).extend(getattr(self, name))
        verdict.effects.update(self.counts)

    def _handed_in(self) -> None:
        """Each form names who was proven, by whoever was proven well enough."""
        keys = KeyRing(self.run.store, self.run.service)
        for case_no, known in self.received.items():
            head = self.run.records.head(case_key(TENANT, case_no))
            assert head is not None
            now = read(head)
            by = read_handed(self.run.records, keys, now)
            item = self.town.item(now.case.item)
            if not by.by.level.reaches(Level.PRESENT):
                self.let_in.append(f"{case_no}: handed in at level {by.by.level}")
            if by.by.agent is None and not known.level.reaches(Level.PRESENT):
                self.let_in.append(f"{case_no}: handed in, proven {known.level}")
            number = str(pointer(by.form, item.applicant.number_path))
            name = pointer(by.form, item.applicant.name_path)
            mark = number_mark(HASH_KEY.encode(), number)
            if known.numbers != {mark} or self.names.get(number) != name:
                self.let_in.append(f"{case_no}: handed in in another's name")

    def _payers(self) -> None:
        """Whoever opened a bill pays it with an account of their own."""
        owners = {
            openid: {each for sub in subs for each in self.members(sub)}
            for openid, subs in self.town.payers.items()
        }
        stored = Stored.of(self.run)
        for order in self.run.partners.payments._orders.values():
            key = Key(TENANT, Kind.BILL, order.number)
            payer = owners.get(str(order.content["payer"]["openid"]), set())
            opened = [
                row.actor
                for row in stored.histories[key]
                if row.type == "bill.prepared"
            ]
            if not payer & set(opened):
                self.broken.append(f"{key.ref}: paid with somebody else's WeChat")
            self.counts["orders"] += 1

    # the rows

    def members(self, sub: str) -> frozenset[str]:
        """All logins of the same person, as this one's row says."""
        row = self._row("identity", f"{TENANT}#SUB#{sub}", "SUBJECT")
        listed = [] if row is None else row.data.get("subs", [])
        return frozenset(listed) or frozenset({sub})

    def live(self, subs: Iterable[str]) -> list[str]:
        """Those by which one may still sign in."""
        return [sub for sub in subs if not self._said(sub).get("former")]

    def numbers(self, subs: Iterable[str]) -> frozenset[str]:
        """Keyed hashes of the numbers as which these are proven."""
        proven = (self._said(sub) for sub in self.live(subs))
        return frozenset(
            str(said["number"])
            for said in proven
            if said.get("number") and Level(said["level"]).reaches(Level.MATCHED)
        )

    def best(self, subs: Iterable[str]) -> Level:
        """The highest level of these, whether they are still there or not."""
        order = list(Level)
        return max((Level(self._said(sub)["level"]) for sub in subs), key=order.index)

    def marks(self, subs: Iterable[str]) -> set[str]:
        """All by which a person is known again."""
        found = set(subs)
        for sub in tuple(found):
            said = self._said(sub)
            found |= {
                said[name] for name in ("number", "representative") if said.get(name)
            }
        return found

    def _kin(self, officer: str) -> set[str]:
        """Keyed hashes of the numbers that an officer declared."""
        pk = f"{TENANT}#OFFICER#{officer}"
        rows = self.run.store.query("identity", pk, "KIN#")
        return {row.sk.removeprefix("KIN#") for row in rows}

    def _known(self, sub: str) -> bool:
        return self._row("identity", f"{TENANT}#SUB#{sub}", "SUBJECT") is not None

    def _kind(self, sub: str) -> str:
        return str(self._said(sub).get("kind"))

    def _said(self, sub: str) -> Mapping[str, Any]:
        row = self._row("identity", f"{TENANT}#SUB#{sub}", "SUBJECT")
        return {} if row is None else row.data

    def _row(self, table: str, pk: str, sk: str) -> StoredRow | None:
        return self.run.store.get(table, pk, sk)

"""Scenario 15: each upload's storage event comes three times, late, in any order.

Some files are written twice under one form, some are replaced by another upload while
their events are on the way, some have no event at all: the watchdog must find those.
Files that are too long, disguised, cut off or booby-trapped must never be accepted.
There is no virus scanner behind this: what is told apart is what `materials.types`
promises to tell apart. Drafts and cases under correction take the same uploads.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from infra.local.files import a_pdf, a_png
from tests.simulation.base import REPLACEMENT, ReadyDraft, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.oracle import Verdict, judge
from tests.simulation.people import Answer, People
from tests.simulation.registry import form_of
from tests.simulation.scenario import Outcome, Scenario, Size, outcome_of
from tests.simulation.simulation import Simulation
from zerotrip.kernel.tables import Put, StoredRow, Write
from zerotrip.materials.storage_events import ObjectCreated

UPLOADS = 200
EVENTS = 3
"""Notifications of each stored version, wherever any are sent."""
LEAST_UPLOADS = 2
"""Of each person; most make three or four."""
LATEST_SECONDS = 2 * 3600.0
MATERIAL, TYPE = "loss_declaration", "application/pdf"
LARGEST_BYTES = 5 * 1024 * 1024
"""The item's own limit for the material."""
FOUND_WITHIN = timedelta(minutes=16, seconds=30)
"""Fifteen minutes, one tick of the watchdog, and its message's own way."""
LONGEST_WAIT = timedelta(hours=6)

GOOD = ("plain", "at_once", "twice", "without_event", "replaced")
BAD = ("oversized", "longer", "disguised", "program", "cut_off", "empty", "script")
MIXED = ("good_then_bad", "bad_then_good", "bad_without_event")


def run(seed: int, size: Size) -> Outcome:
    """People upload, hand in, correct what is asked, until each has its licence."""
    people_count = size.of(UPLOADS, least=12) // LEAST_UPLOADS
    start = base(REPLACEMENT, people_count)
    faults = Faults(
        rates={Fault.CRASH_AFTER: 0.004, Fault.LOST_ANSWER: 0.004},
        where=lambda actor, _: actor == "receive_material",
    )
    with Simulation(seed, faults, start, real_licences=size.real_licences) as played:
        people = People(played, REPLACEMENT)
        storage = Storage(played)
        for number, draft in enumerate(start.drafts):
            plan = _plan(played, number)
            person = Uploader(played, people, storage, draft, *plan)
            wait = played.scheduler.random.uniform(0, 600)
            people.start(person.act, wait)
        played.run_until_quiet(
            12, lambda: not storage.on_the_way and people.all_final()
        )
        verdict = judge(played, people)
        storage.judge(verdict)
    return outcome_of(SCENARIO.name, size, played, verdict, **storage.notes())


def _plan(played: Simulation, number: int) -> tuple[list[str], list[str]]:
    """What one person uploads to the draft, and later to the case if it asks."""
    dice = played.scheduler.random
    every = (*GOOD, *BAD, *MIXED)
    kind = every[(played.seed * 7 + number) % len(every)]
    if number % 2:
        return [kind, dice.choice(GOOD)], [dice.choice(every)]
    return [BAD[(played.seed + number // 2) % len(BAD)]], [kind, dice.choice(GOOD)]


@functools.cache
def _longest() -> bytes:
    return a_pdf(LARGEST_BYTES + 1)


def contents(kind: str, mark: str) -> tuple[int, list[tuple[bytes, bool]]]:
    """The announced size, and each version that is stored: its bytes, is it good."""
    size_bytes = 2048 + len(mark)
    good = _marked(a_pdf(size_bytes), mark)
    bad = {
        "longer": good + b"\n",
        "disguised": a_png(size_bytes),
        "program": b"MZ" + good[2:],
        "cut_off": good[: -len(b"%%EOF\n")] + b"------",
        "empty": b"",
        "script": good.replace(b"-" * 12, b"/JavaScript ", 1),
    }
    if kind == "oversized":
        return LARGEST_BYTES, [(_longest(), False)]
    if kind in bad:
        return size_bytes, [(bad[kind], False)]
    other = _marked(a_pdf(size_bytes), mark[::-1])
    versions = {
        "twice": [(good, True), (other, True)],
        "good_then_bad": [(good, True), (bad["disguised"], False)],
        "bad_then_good": [(bad["program"], False), (good, True)],
        "bad_without_event": [(bad["script"], False)],
    }
    return size_bytes, versions.get(kind, [(good, True)])


def _marked(pdf: bytes, mark: str) -> bytes:
    """Files of one length that no two uploads share."""
    return pdf.replace(b"-" * len(mark), mark.encode(), 1)


@dataclass
class Upload:
    """What is known of one upload from outside: its form, its files, its slot."""

    key: str
    kind: str
    issued_at: datetime
    good: set[str] = field(default_factory=set)
    """Hashes of the files that deserve to be accepted."""
    settled: list[tuple[datetime, str, str | None]] = field(default_factory=list)
    """Each write that settled it: when, its state, its hash."""
    replaced: bool = False
    found_at: datetime | None = None
    """When the watchdog had it looked at, or its check was faster."""

    @property
    def silent(self) -> bool:
        """Whether no event of it ever comes."""
        return self.kind in {"without_event", "bad_without_event"}


@dataclass
class Storage:
    """The uploads bucket and its notifications, mishandled."""

    run: Simulation
    uploads: dict[str, Upload] = field(default_factory=dict)
    on_the_way: int = 0
    unchecked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.run.storage_events = self._created
        # Copies meet in the same moment, in different batches.
        self.run.cloud.queues["receive_material"].delay = (0.0, 0.03)
        self.run.on_commit.append(self._see)

    def fill(self, key: str, kind: str, mark: str) -> None:
        """The person's file goes up, once or twice under one form."""
        upload = Upload(key, kind, self.run.scheduler.now)
        self.uploads[key] = upload
        _, versions = contents(kind, mark)
        for place, (content, good) in enumerate(versions):
            if place:
                self.run.scheduler.sleep(self.run.scheduler.random.uniform(0, 20))
            if good:
                upload.good.add(hashlib.sha256(content).hexdigest())
            self.run.buckets["uploads"].put(key, content, content_type=TYPE)

    def _created(self, created: ObjectCreated, size_bytes: int) -> None:
        if created.bucket != "uploads":
            self.run.notify_of(created, size_bytes)
            return
        upload = self.uploads[created.key]
        injected = self.run.faults.injected
        if upload.silent:
            injected["storage event lost"] += 1
            return
        injected["storage event repeated"] += EVENTS - 1
        for _ in range(EVENTS):
            self.on_the_way += 1
            self.run.scheduler.later(
                self._delay(upload.kind), lambda: self._notify(created, size_bytes)
            )

    def _notify(self, created: ObjectCreated, size_bytes: int) -> None:
        self.on_the_way -= 1
        self.run.notify_of(created, size_bytes)

    def _delay(self, kind: str) -> float:
        dice = self.run.scheduler.random
        if kind == "at_once":
            return 0.0
        longest = dice.choice((1.0, 30.0, 1200.0, LATEST_SECONDS))
        if longest > 1000:
            self.run.faults.injected["storage event late"] += 1
        return dice.uniform(0, longest)

    def _see(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if not isinstance(write, Put):
                continue
            row = write.row
            if row.sk.startswith("SLOT#"):
                self._slot_written(row)
            elif row.sk.startswith("FORM") and "#CASE#" in row.pk:
                self._handed_in(writes, row.pk)

    def _slot_written(self, row: StoredRow) -> None:
        code = row.sk.removeprefix("SLOT#")
        folder = f"{row.pk.replace('#', '/')}/{code}"
        for upload_id in row.data["replaced"]:
            if f"{folder}/{upload_id}" in self.uploads:
                self.uploads[f"{folder}/{upload_id}"].replaced = True
        upload = self.uploads.get(f"{folder}/{row.data['upload_id']}")
        if upload is None:
            return
        when = self.run.scheduler.now
        if row.stage != "open":
            upload.settled.append((when, str(row.stage), row.data["sha256"]))
        if row.stage != "open" or row.data["looks"]:
            upload.found_at = upload.found_at or when

    def _handed_in(self, writes: Sequence[Write], case: str) -> None:
        """What is handed in has been checked: no slot of it is open."""
        holders = [("records", case)]
        holders += [
            ("drafts", write.row.pk)
            for write in writes
            if isinstance(write, Put) and write.table == "drafts"
        ]
        for table, pk in holders:
            for slot in self.run.store.query(table, pk, "SLOT#"):
                if slot.stage == "open":
                    self.unchecked.append(f"{pk}: handed in with an unchecked file")

    # afterwards

    def judge(self, verdict: Verdict) -> None:
        """One record of each upload, of a file that deserves it, and in time."""
        for upload in self.uploads.values():
            self._one_record(upload, verdict)
        verdict.let_in += self.unchecked
        verdict.lost += [
            f"an upload's event is dead-lettered: {message.attributes['code']}"
            for message in self.run.cloud.queues["receive_material"].dead
            if "code" in message.attributes
        ]
        for table, pk, sk in list(self.run.store.rows):
            if table == "records" and sk.startswith("FORM"):
                self._pinned(pk, self.run.store.rows[table, pk, sk].data, verdict)

    def _one_record(self, upload: Upload, verdict: Verdict) -> None:
        name = f"upload {upload.key} ({upload.kind})"
        verdict.effects["uploads settled"] += len(upload.settled)
        if len(upload.settled) > 1:
            verdict.doubled.append(f"{name}: settled {len(upload.settled)} times")
        if not upload.settled and not upload.replaced:
            verdict.lost.append(f"{name}: nobody ever looked at it")
        for _, state, sha256 in upload.settled:
            if state == "received" and sha256 not in upload.good:
                verdict.let_in.append(f"{name}: accepted")
        if upload.silent and upload.found_at is not None:
            waited = upload.found_at - upload.issued_at
            if waited > FOUND_WITHIN:
                verdict.lost.append(f"{name}: found only after {waited}")

    def _pinned(self, pk: str, data: Any, verdict: Verdict) -> None:
        for code, pin in data["materials"].items():
            upload = self.uploads.get(pin["key"])
            stored = self.run.buckets["uploads"].get(pin["key"], pin["version_id"])
            if stored is None:
                verdict.lost.append(f"{pk}: {code} names a version that is not there")
                continue
            found = hashlib.sha256(stored.content).hexdigest()
            if found != pin["sha256"]:
                verdict.broken.append(f"{pk}: {code} is another file than was checked")
            if upload is not None and found not in upload.good:
                verdict.let_in.append(f"{pk}: {code} holds a {upload.kind} file")

    def notes(self) -> dict[str, Any]:
        """Figures of the evidence."""
        states = Counter(
            state for upload in self.uploads.values() for _, state, _ in upload.settled
        )
        waited = [
            (upload.found_at - upload.issued_at).total_seconds() / 60
            for upload in self.uploads.values()
            if upload.silent and upload.found_at is not None
        ]
        return {
            "uploads": len(self.uploads),
            "accepted": states["received"],
            "refused": states["refused"],
            "replaced": sum(upload.replaced for upload in self.uploads.values()),
            "without_event": len(waited),
            "longest_minutes_without_event": round(max(waited, default=0.0), 1),
        }


@dataclass
class Uploader:
    """An applicant who fills the slot again and again, and at last gets it right."""

    run: Simulation
    people: People
    storage: Storage
    draft: ReadyDraft
    to_draft: list[str]
    to_case: list[str]
    uploads: int = 0

    @property
    def gives_up_at(self) -> datetime:
        """Nobody waits longer than that for a file's check."""
        return self.run.started + LONGEST_WAIT

    def act(self) -> None:
        """Uploads to the draft, hands in, mends while the case asks for it."""
        route = "/v1/applications/{application_id}"
        path = {"application_id": self.draft.application}
        for kind in self.to_draft:
            self._upload(f"{route}/materials", path, kind)
            if kind != self.to_draft[-1]:
                self._until_checked(route, path)
        case_no = self.people.hand_in(self.draft)  # at once: it is refused, or right
        while case_no is None and self.run.scheduler.now < self.gives_up_at:
            self._until_checked(route, path)
            case_no = self.people.hand_in(self.draft)
        if case_no is not None:
            self._mend(case_no)

    def _mend(self, case_no: str) -> None:
        path = {"case_no": case_no}
        kinds = iter(self.to_case)
        while (seen := self._reviewed(path)).body["stage"] == "correcting":
            self._upload("/v1/cases/{case_no}/materials", path, next(kinds, "plain"))
            while not self._correct(path, seen).came:
                if self.run.scheduler.now > self.gives_up_at:
                    return
                self.run.scheduler.sleep(self.run.scheduler.random.uniform(5, 40))

    def _upload(self, route: str, path: dict[str, str], kind: str) -> None:
        """Opens the slot anew, and fills it; a replaced one is opened once more."""
        self.uploads += 1
        mark = f"{self.draft.application}-{self.uploads:03}"
        opened = self._ask(
            "POST",
            route,
            path,
            body={
                "material": MATERIAL,
                "content_type": TYPE,
                "size_bytes": contents(kind, mark)[0],
            },
            key=f"upload-{mark}",
        )
        if not opened.came:
            return
        self.storage.fill(opened.body["upload"]["fields"]["key"], kind, mark)
        if kind == "replaced":
            self._upload(route, path, "plain")

    def _until_checked(self, route: str, path: dict[str, str]) -> None:
        while self.run.scheduler.now < self.gives_up_at:
            seen = self._ask("GET", route, path)
            if all(each["state"] != "open" for each in seen.body["materials"]):
                return
            self.run.scheduler.sleep(self.run.scheduler.random.uniform(5, 40))

    def _reviewed(self, path: dict[str, str]) -> Answer:
        """The case once its checks were run."""
        while True:
            seen = self._ask("GET", "/v1/cases/{case_no}", path)
            if seen.body["stage"] not in {"received", "submitted"}:
                return seen
            self.run.scheduler.sleep(self.run.scheduler.random.uniform(2, 10))

    def _correct(self, path: dict[str, str], seen: Answer) -> Answer:
        return self._ask(
            "POST",
            "/v1/cases/{case_no}/corrections",
            path,
            body={"form": form_of(REPLACEMENT, self.draft.number)},
            key=f"correct-{path['case_no']}-{self.uploads}",
            seen=seen.headers["ETag"],
        )

    def _ask(
        self, method: str, route: str, path: dict[str, str], **more: Any
    ) -> Answer:
        return self.people.insist(
            "applicant_api",
            method,
            route,
            who=lambda: self.people.applicant(self.draft.sub),
            path=path,
            **more,
        )


SCENARIO = Scenario(
    15,
    "storage-events",
    "存储事件重复、迟到、乱序或指向被覆盖的版本",
    "Storage events doubled, late, out of order, or of an overwritten version",
    run,
)

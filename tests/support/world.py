"""The product's real steps in one process, over in-memory ports.

Events go round as they do in the cloud: what a transaction inserted is published, and
each of its next steps is carried out. The order is a list that a test may shuffle.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.local.files import a_file
from tests.support.memory import MemoryKeys, MemoryObjects, MemoryTables
from tests.support.persons import HASH_KEY, ZHANG, acting, as_named, enrol, named_in
from zerotrip.cases import steps as case_steps
from zerotrip.cases.applications import Applications
from zerotrip.cases.drafts import Drafts
from zerotrip.cases.model import CaseNow, case_key, read
from zerotrip.cases.requests import Requests
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.catalogue.commands import publish_folder
from zerotrip.catalogue.publication import Catalogue
from zerotrip.identity.callers import Callers
from zerotrip.identity.model import Person, Role
from zerotrip.identity.persons import Identities, Persons
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import Acting
from zerotrip.kernel.aggregate import EventRow, Key
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.messages import CloudEvent, cloud_event
from zerotrip.kernel.records import Records, event_row
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Put
from zerotrip.kernel.times import legal_day
from zerotrip.licences.steps import (
    RegisterDeps,
    SigningDeps,
    register_licence,
    sign_licence,
)
from zerotrip.materials.model import Holder, HolderKind, SlotState
from zerotrip.materials.steps import MaterialSteps, receive_material
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced
from zerotrip.notices.steps import NoticeSteps, notify
from zerotrip.notices.templates import TEMPLATES

TENANT = "441882"
CATALOGUE = Path(__file__).resolve().parents[2] / "catalogue"


@dataclass
class Clock:
    """A clock that only the test moves."""

    at: datetime = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **kwargs: float) -> None:
        self.at += timedelta(**kwargs)


@dataclass
class Message:
    """One message on its way to a step."""

    step: str
    event: CloudEvent | None
    record: Mapping[str, Any] | None = None


@dataclass
class World:
    """Everything that a case meets, without a cloud."""

    seed: int = 1
    clock: Clock = field(default_factory=Clock)
    tables: MemoryTables = field(default_factory=MemoryTables)
    queue: list[Message] = field(default_factory=list)
    dead: list[tuple[Message, str]] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    steps: dict[str, Callable[[CloudEvent], object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.mint = Mint(random.Random(self.seed).randbytes)
        self.records = Records(self.tables)
        self.keys = KeyRing(self.tables, MemoryKeys())
        self.uploads = MemoryObjects()
        self.licences = MemoryObjects()
        self.catalogue = Catalogue(self.tables, MemoryObjects(), self.clock)
        self.slots = Slots(self.tables)
        self._seen = 0
        shared: dict[str, Any] = {
            "tenant": TENANT,
            "records": self.records,
            "catalogue": self.catalogue,
            "mint": self.mint,
            "now": self.clock,
        }
        self.callers = Callers(
            TENANT,
            Persons(self.tables),
            Powers(self.tables, TENANT),
            Identities(self.tables, self.keys),
            self.clock,
        )
        deps = case_steps.Deps(
            keys=lambda: self.keys, standing=self.callers.standing, **shared
        )
        self.applications = Applications(
            drafts=Drafts(self.tables, self.keys),
            keys=self.keys,
            slots=self.slots,
            uploads=self.uploads,
            applicants=self.callers,
            hash_key=HASH_KEY,
            **shared,
        )
        self.requests = Requests(
            keys=self.keys,
            slots=self.slots,
            uploads=self.uploads,
            applicants=self.callers,
            hash_key=HASH_KEY,
            **shared,
        )
        self.steps = {
            "submit": lambda event: case_steps.submit(event, deps),
            "pre_review": lambda event: case_steps.pre_review(event, deps),
            "approve": lambda event: case_steps.approve(event, deps),
            "advance_case": lambda event: case_steps.advance_case(event, deps),
            "sign_licence": lambda event: sign_licence(event, self._signing()),
            "notify": lambda event: notify(
                event, NoticeSteps(self.records, TENANT, self.clock)
            ),
            **self.steps,
        }

    def publish(self, folder: str) -> str:
        """Publishes an item of `catalogue/` and answers its code."""
        path = CATALOGUE / folder
        publish_folder(path, self.catalogue, TENANT, "operator:test")
        return load(path, legal_day(self.clock())).item.code

    def enrol(self, sub: str, person: Person = ZHANG, **said: Any) -> Acting:
        """Makes a login known, proven as that person unless said otherwise."""
        enrol(self.tables, self.keys, TENANT, sub, person, **said)
        role = Role.COMPANY if person.corp_uscc else Role.CITIZEN
        return acting(sub, role)

    def apply(self, folder: str, sub: str, role: str, **changes: Any) -> str:
        """Hands the item's example form in; answers the case number.

        Who is not known yet is proven as the example names its applicant.
        """
        code = self.publish(folder)
        example = load_example(CATALOGUE / folder, legal_day(self.clock()))
        item = self.catalogue.current(TENANT, code).item
        self.enrol(sub, named_in(item, example.form))
        who = acting(sub, role)
        draft = self.applications.start(who, code)
        locked = self.applications.locked(who, item)
        form = as_named(item, {**example.form, **changes}, locked)
        draft = self.applications.save(who, draft.id, draft.version, form)
        for material, facts in example.materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            self.upload(who, draft.id, material, content, facts["type"])
        return self.applications.hand_in(who, draft.id, draft.version).case_no

    def upload(
        self,
        who: Acting,
        application: str,
        material: str,
        content: bytes,
        kind: str,
    ) -> SlotState:
        """Uploads a file into a draft's slot and lets it be checked."""
        slot, _ = self.applications.open_upload(
            who, application, material, Announced(kind, len(content))
        )
        version = self.uploads.put(slot.object_key, content, content_type=kind)
        created = ObjectCreated("uploads", slot.object_key, version)
        deps = MaterialSteps(
            self.slots, self.uploads, TENANT, "uploads", now=self.clock
        )
        receive_material(created_message(created, len(content))["Records"][0], deps)
        kept = self.slots.get(
            Holder(TENANT, HolderKind.APPLICATION, application), material
        )
        assert kept is not None
        return kept.state

    def relay(self) -> None:
        """Publishes what was stored since, in the order of the stream."""
        for writes in self.tables.transactions[self._seen :]:
            for write in writes:
                if isinstance(write, Put) and write.row.sk.startswith("EVENT#"):
                    self.send(event_row(write.row))
        self._seen = len(self.tables.transactions)

    def send(self, row: EventRow) -> None:
        """Puts an event on the bus: one message per rule that matches."""
        event = cloud_event(row)
        self.queue += [Message(step, event) for step in row.next_steps]
        if row.type in TEMPLATES:
            self.queue.append(Message("notify", event))

    def take(self, step: str) -> list[Message]:
        """Takes the waiting messages of a step out of the queue."""
        found = [each for each in self.queue if each.step == step]
        self.queue = [each for each in self.queue if each not in found]
        return found

    def carry_out(self, message: Message) -> str:
        """One delivery of one message; answers what came of it."""
        try:
            if message.record is not None:
                register_licence(message.record, self._registering())
            elif message.event is not None:
                self.steps[message.step](message.event)
        except AlreadyDone as done:
            outcome = done.code
        except GiveUp as error:
            self.dead.append((message, error.code))
            outcome = error.code
        else:
            outcome = "done"
        self.log.append((message.step, outcome))
        return outcome

    def run(self) -> None:
        """Until nothing is on its way any more."""
        self.relay()
        while self.queue:
            self.carry_out(self.queue.pop(0))
            self.relay()

    def case(self, case_no: str) -> CaseNow:
        """The case as it stands."""
        head = self.records.head(case_key(TENANT, case_no))
        assert head is not None
        return read(head)

    def history(self, case_no: str) -> tuple[EventRow, ...]:
        """The case's events."""
        return self.records.history(case_key(TENANT, case_no))

    def heads(self, kind: str) -> list[Key]:
        """All aggregates of a kind."""
        return [
            Key.from_pk(pk)
            for table, pk, sk in sorted(self.tables.rows)
            if table == "records" and sk == "HEAD" and f"#{kind}#" in pk
        ]

    def _signing(self) -> SigningDeps:
        return SigningDeps(
            tenant=TENANT,
            records=self.records,
            catalogue=self.catalogue,
            keys=self.keys,
            licences=_Announcing(self.licences, self),
            licences_bucket="licences",
            raw_signer=_NoSigner(),
            chain=lambda: b"chain",
            render=lambda layout, data: repr(sorted(data)).encode(),
            sign=lambda pdf, *_: b"signed " + hashlib.sha256(pdf).digest(),
            announce=self._announced,
            verification_url=lambda licence: f"https://example.invalid/{licence}",
            sample=True,
            now=self.clock,
        )

    def _registering(self) -> RegisterDeps:
        return RegisterDeps(
            tenant=TENANT,
            records=self.records,
            licences=self.licences,
            licences_bucket="licences",
            check=lambda pdf, licence: None,
            now=self.clock,
        )

    def _announced(self, message: Mapping[str, Any]) -> None:
        self.queue.append(Message("register_licence", None, message["Records"][0]))


class _NoSigner:
    def sign_digest(self, digest: bytes) -> bytes:
        raise AssertionError("the fake `sign` needs no key")


@dataclass
class _Announcing(MemoryObjects):
    """A bucket that tells its queue of each new object, as S3 does."""

    def __init__(self, inner: MemoryObjects, world: World) -> None:
        super().__init__(inner.versions)
        self._world = world

    def put_once(self, key: str, content: bytes, **said: Any) -> str:
        version = super().put_once(key, content, **said)
        created = ObjectCreated("licences", key, version)
        self._world._announced(created_message(created, len(content)))
        return version

"""Where every run begins: items published, officers registered, drafts ready.

Made once per process through the product's own code, then copied for each run.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infra.local.files import a_file
from tests.simulation import registry
from tests.simulation.registry import example, form_of
from tests.simulation.scheduler import START
from tests.support.memory import MemoryKeys, MemoryObjects, MemoryTables
from tests.support.world import TENANT
from zerotrip.cases.applications import Applications
from zerotrip.cases.drafts import Drafts
from zerotrip.catalogue.publication import Catalogue
from zerotrip.identity.callers import Callers
from zerotrip.identity.model import (
    CompanyKind,
    Level,
    Login,
    Organisation,
    Person,
    Provider,
    Role,
    Session,
    Subject,
    SubjectKind,
)
from zerotrip.identity.persons import Identities, Persons
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import (
    EVERY_ACT,
    USUAL_TERM,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
)
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.identity.store import Subjects
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import StoredObject
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import StoredRow
from zerotrip.licences.certificates import issue_test_chain
from zerotrip.materials.steps import MaterialSteps, receive_material
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced

HASH_KEY = "a synthetic secret for keyed hashes"
MARK = "vehicle-inspection-mark"
REPLACEMENT = "vehicle-licence-replacement"
FOOD = "food-business-licence"
AUDIENCE = {MARK: Role.CITIZEN, REPLACEMENT: Role.CITIZEN, FOOD: Role.COMPANY}
READY_BEFORE = timedelta(minutes=30)
"""Drafts were made this long before the run starts: their slots are checked."""


@dataclass(frozen=True)
class ReadyDraft:
    """A draft that only has to be handed in; `number` is its applicant's."""

    application: str
    sub: str
    version: int
    number: int = 0


@dataclass(frozen=True)
class Base:
    """What stands stored before a run."""

    rows: Mapping[tuple[str, str, str], StoredRow]
    buckets: Mapping[str, Mapping[str, tuple[StoredObject, ...]]]
    keys: Mapping[bytes, tuple[bytes, dict[str, str]]]
    codes: Mapping[str, str]
    drafts: tuple[ReadyDraft, ...]
    officers: Mapping[str, tuple[str, str, str]]
    """By item folder: sub, USCC and department of an officer who decides it."""
    acts_for: Mapping[str, tuple[str, str]]
    """By a company's sub: its representative's, and the power to act for it."""


@functools.cache
def signing_key() -> rsa.RSAPrivateKey:
    """The licence key of all runs of this process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@functools.cache
def _test_chain(at: datetime) -> tuple[bytes, bytes]:
    """Made once: an RSA key takes longer than everything else in a base."""
    public = signing_key().public_key()
    return issue_test_chain(
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "示例市电子证照签发",
        now=at,
    )


class _Maker:
    """Builds a base by the product's own code, without faults."""

    def __init__(self) -> None:
        self.tables = MemoryTables()
        self.service = MemoryKeys()
        self.uploads, self.content = MemoryObjects(), MemoryObjects()
        self.mint = Mint(random.Random(20261120).randbytes)
        self.ring = KeyRing(self.tables, self.service)
        self.at = START - READY_BEFORE
        self.catalogue = Catalogue(self.tables, self.content, lambda: self.at)
        self.codes: dict[str, str] = {}
        self.officers: dict[str, tuple[str, str, str]] = {}
        self.acts_for: dict[str, tuple[str, str]] = {}
        self.powers = Powers(self.tables, TENANT)
        self.subjects = Subjects(
            self.tables, self.ring, self.mint, lambda: self.at, HASH_KEY.encode()
        )
        self.callers = Callers(
            TENANT,
            Persons(self.tables),
            self.powers,
            Identities(self.tables, self.ring),
            lambda: self.at,
        )

    def publish(self) -> None:
        for folder in AUDIENCE:
            draft = registry.item(folder)
            self.catalogue.publish(TENANT, draft.item, draft.layout, "operator:base")
            self.codes[folder] = draft.item.code
            office = draft.item.organisation
            register_organisation(
                self.tables,
                TENANT,
                Organisation(office.uscc, office.name.zh, office.name.en),
            )
            role = Role(draft.item.route.role)
            sub = register_officer(
                self.tables,
                HASH_KEY.encode(),
                TENANT,
                f"officer-{folder}",
                organisation=office.uscc,
                department=draft.item.department,
                roles=frozenset({role}),
                mint=self.mint,
            )
            self.officers[folder] = (sub, office.uscc, draft.item.department)
        chain, root = _test_chain(self.at)
        pem = "application/x-pem-file"
        self.content.put("trust/roots.pem", root, content_type=pem)
        self.content.put("trust/licence-signer.pem", chain, content_type=pem)

    def applicant(self, folder: str, number: int) -> Session:
        """Who applies for the item: a citizen, or a company by its representative."""
        person = self.citizen(number)
        session = Session(
            sub=person.sub,
            roles=frozenset({AUDIENCE[folder]}),
            session_id="SESSION",
            level=Level.PRESENT,
            expires_at=START,
        )
        if AUDIENCE[folder] is Role.CITIZEN:
            return session
        sub, power = self.company(number, person)
        return replace(session, sub=sub, actor=person.sub, power=power)

    def citizen(self, number: int) -> Subject:
        """Somebody who is proven and pays by WeChat: two logins of one person."""
        known = self._enter(
            Provider.OIDC,
            f"citizen-{number}",
            registry.citizen(number),
            level=Level.PRESENT,
        )
        openid = registry.openid(number)
        paying = self._enter(Provider.WECHAT, openid, Person(openid=openid))
        return self.subjects.join(TENANT, known.sub, paying.sub).asked

    def company(self, number: int, person: Subject) -> tuple[str, str]:
        """A company's sub and the power of its representative, by the provider."""
        firm = registry.company(number)
        known = self._enter(
            Provider.USCC,
            str(firm.corp_uscc),
            firm,
            level=Level.PRESENT,
            facts={"company": CompanyKind.COMPANY, "representative": person.number},
        )
        power = self.powers.add(
            Power(
                id=self.mint.opaque(),
                principal=known.sub,
                agent=person.sub,
                office=Office.REPRESENTATIVE,
                acts=EVERY_ACT,
                scope=Scope(),
                source=PowerSource.PROVIDER,
                starts_at=self.at,
                ends_at=START + USUAL_TERM,
                state=PowerState.ACCEPTED,
                representative=person.number,
                accepted_at=self.at,
            )
        )
        self.acts_for[known.sub] = (person.sub, power.id)
        return known.sub, power.id

    def _enter(
        self, provider: Provider, identity: str, person: Person, **said: Any
    ) -> Subject:
        legal = provider is Provider.USCC
        kind = SubjectKind.LEGAL if legal else SubjectKind.NATURAL
        return self.subjects.enter(
            TENANT, Login(provider, identity), kind, person, **said
        )

    def draft(self, folder: str, number: int) -> ReadyDraft:
        """A draft of that applicant, with everything that the item asks for."""
        acting = self.callers.acting(self.applicant(folder, number))
        slots = Slots(self.tables)
        applications = Applications(
            tenant=TENANT,
            drafts=Drafts(self.tables, self.ring),
            records=Records(self.tables),
            catalogue=self.catalogue,
            keys=self.ring,
            slots=slots,
            uploads=self.uploads,
            mint=self.mint,
            now=lambda: self.at,
            applicants=self.callers,
            hash_key=HASH_KEY.encode(),
        )
        draft = applications.start(acting, self.codes[folder])
        draft = applications.save(
            acting, draft.id, draft.version, form_of(folder, number)
        )
        steps = MaterialSteps(
            slots, self.uploads, TENANT, "uploads", now=lambda: self.at
        )
        for material, facts in example(folder).materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            slot, _ = applications.open_upload(
                acting, draft.id, material, Announced(facts["type"], len(content))
            )
            version = self.uploads.put(
                slot.object_key, content, content_type=facts["type"]
            )
            created = ObjectCreated("uploads", slot.object_key, version)
            (record,) = created_message(created, len(content))["Records"]
            receive_material(record, steps)
        return ReadyDraft(draft.id, draft.sub, draft.version, number)


def base(folder: str = REPLACEMENT, drafts: int = 0) -> Base:
    """A base with so many drafts of one item ready to be handed in."""
    return base_of(((folder, drafts),))


@functools.lru_cache(maxsize=64)
def base_of(wanted: tuple[tuple[str, int], ...]) -> Base:
    """A base with so many drafts of each item, in that order, each another person's."""
    maker = _Maker()
    maker.publish()
    folders = [folder for folder, count in wanted for _ in range(count)]
    ready = tuple(maker.draft(folder, number) for number, folder in enumerate(folders))
    return Base(
        rows=dict(maker.tables.rows),
        buckets={
            "catalogue": {k: tuple(v) for k, v in maker.content.versions.items()},
            "uploads": {k: tuple(v) for k, v in maker.uploads.versions.items()},
        },
        keys=dict(maker.service.kept),
        codes=dict(maker.codes),
        drafts=ready,
        officers=dict(maker.officers),
        acts_for=dict(maker.acts_for),
    )

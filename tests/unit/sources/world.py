"""One applicant, one item, a register and providers that do as they are told."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.memory import MemoryKeys, MemoryObjects, MemoryTables
from tests.support.persons import HASH_KEY, acting
from tests.unit.sources.items import PERMIT, USCC
from zerotrip.cases.applications import Applications
from zerotrip.cases.drafts import Draft, Drafts
from zerotrip.catalogue.model import Item, SharedMaterial, Text
from zerotrip.catalogue.publication import Pinned
from zerotrip.catalogue.shared_entries import publish_shared_materials
from zerotrip.identity.model import Level, Proven, SubjectKind
from zerotrip.identity.powers import Acting
from zerotrip.kernel.aggregate import Change, Event, canonical
from zerotrip.kernel.errors import ZeroTripError
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.licence_identifier import licence_identifier
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.licences.model import REGISTERED, licence_head, licence_key
from zerotrip.materials.store import Slots
from zerotrip.sources.providers import Given, Query, provider_unavailable
from zerotrip.sources.resolving import Sources

TENANT = "441882"
ZHANG = Proven(SubjectKind.NATURAL, "111", "999999199001010016", "张示例")


class CountingTables(MemoryTables):
    """Remembers what was asked, to see what an item without sources costs."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def get(self, table: str, pk: str, sk: str) -> Any:
        self.calls.append(f"get {table} {sk}")
        return super().get(table, pk, sk)

    def get_many(self, table: str, keys: Any) -> Any:
        self.calls.append(f"get_many {table}")
        return super().get_many(table, keys)

    def query(self, table: str, pk: str, prefix: str = "") -> Any:
        self.calls.append(f"query {table} {prefix}")
        return super().query(table, pk, prefix)

    def index(self, table: str, name: str, partition: str, **more: Any) -> Any:
        self.calls.append(f"index {table}/{name}")
        return super().index(table, name, partition, **more)


@dataclass
class OneShelf:
    """A catalogue of items by code; revisions are told apart by their number."""

    items: dict[str, Item] = field(default_factory=dict)
    old: dict[tuple[str, str], Item] = field(default_factory=dict)

    def offer(self, item: Item) -> None:
        self.items[item.code] = item
        self.old[(item.code, f"r{item.revision}")] = item

    def current(self, tenant: str, code: str) -> Pinned:
        item = self.items[code]
        return Pinned(item, f"r{item.revision}")

    def pinned(self, tenant: str, code: str, digest: str) -> Item:
        return self.old[(code, digest)]


@dataclass
class Authorities:
    """Providers that answer from a table, or fail in the way that they are told."""

    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    failing: dict[str, ZeroTripError] = field(default_factory=dict)
    valid_until: dict[str, Any] = field(default_factory=dict)
    asked: list[Query] = field(default_factory=list)

    def fetch(self, query: Query) -> Given | None:
        self.asked.append(query)
        code = query.material.code
        if code in self.failing:
            raise self.failing[code]
        record = self.records.get(code)
        if record is None:
            return None
        document = canonical(dict(record))
        return Given(
            document,
            hashlib.sha256(document).hexdigest(),
            f"{query.material.provider}-{len(self.asked)}",
            self.valid_until.get(code),
        )

    def go_down(self, code: str = "household_registration") -> None:
        self.failing[code] = provider_unavailable("population", "http_503")


@dataclass
class World:
    """Everything that an application meets before there is a case.

    Whoever signs in is proven as `about`, at that level.
    """

    item: Item
    at: datetime = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    about: Proven | None = ZHANG
    level: Level = Level.PRESENT

    def __post_init__(self) -> None:
        self.tables = CountingTables()
        self.records = Records(self.tables)
        self.keys = KeyRing(self.tables, MemoryKeys())
        self.shelf = OneShelf()
        self.shelf.offer(self.item)
        self.authorities = Authorities(
            {
                "household_registration": {"name": "张示例", "kind": "家庭户"},
                "social_insurance_record": {"insured_months": 96},
            }
        )
        self.told: list[ZeroTripError] = []
        self.noted: list[tuple[str, str]] = []
        self._random = 0
        self.mint = Mint(self._random_bytes)
        publish_shared_materials(
            self.tables,
            TENANT,
            [
                _shared("household_registration", "population", 30),
                _shared("social_insurance_record", "social_insurance", 7),
            ],
        )
        sources = Sources(
            tables=self.tables,
            records=self.records,
            keys=self.keys,
            now=lambda: self.at,
            providers=self.authorities,
            identify=lambda _: self.about,
            tell=self.told.append,
            note=lambda sub, reason: self.noted.append((sub, reason)),
        )
        self.applications = Applications(
            tenant=TENANT,
            drafts=Drafts(self.tables, self.keys),
            records=self.records,
            catalogue=self.shelf,  # type: ignore[arg-type]
            keys=self.keys,
            slots=Slots(self.tables),
            uploads=MemoryObjects(),
            mint=self.mint,
            now=lambda: self.at,
            applicants=self,
            hash_key=HASH_KEY,
            sources=lambda: sources,
        )

    def _random_bytes(self, count: int) -> bytes:
        self._random += 1
        return hashlib.shake_256(str(self._random).encode()).digest(count)

    def days_later(self, days: int) -> None:
        self.at += timedelta(days=days)

    def who(self, sub: str = "sub-1") -> Acting:
        """Somebody who acts for themselves."""
        return replace(acting(sub), level=self.level)

    def applicant(self, acting: Acting) -> Proven | None:
        return self.about

    def agent(self, acting: Acting) -> Proven | None:
        return None

    def begin(self, sub: str = "sub-1", code: str | None = None) -> Draft:
        return self.applications.start(self.who(sub), code or self.item.code)

    def fill(self, draft: Draft, **form: Any) -> Draft:
        return self.applications.save(
            self.who(draft.sub), draft.id, draft.version, form
        )

    def standing(self, draft: Draft) -> dict[str, str]:
        """Each material's state, with its reason where it is an upload."""
        found = {}
        item = self.shelf.pinned(TENANT, draft.item, draft.item_digest)
        for each in self.applications.standings_of(draft, item, self.who(draft.sub)):
            reason = getattr(each.resolution, "reason", "")
            found[each.material.code] = f"{each.state} {reason}".strip()
        return found

    def issue(
        self,
        sub: str = "sub-1",
        kind: str = PERMIT,
        stage: str = REGISTERED,
        serial: str = "A" * 20,
    ) -> str:
        """A licence of that type in the register, issued now; answers its id."""
        licence_id = licence_identifier(kind, USCC, serial)
        body = licence_head(self.item, "case", sub, licence_id, self.at)
        event = Event(f"licence.{stage}", "sign", "cause", self.at, "system", "hash")
        self.records.commit(
            Change(
                key=licence_key(TENANT, licence_id),
                expected_version=0,
                allowed_from=frozenset(),
                stage=stage,
                organisation=USCC,
                body={**body, "sha256": "ab" * 32},
                event=event,
                subject=(sub, body["issued_at"]),
            )
        )
        return licence_id


def _shared(code: str, provider: str, days: int) -> SharedMaterial:
    name = Text(zh=code, en=code)
    return SharedMaterial(
        code=code,
        name=name,
        provider=provider,
        valid_days=days,
        ended={"死亡": "deceased", "注销": "deregistered"},
    )

"""Editors and the two reviewing offices: they call the real `catalogue_api`, and again.

Whoever is told that the item has moved on looks again, and stops when what they wanted
stands there: perhaps it was they themselves, and only the answer was lost.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from unittest import mock

from tests.simulation.base import HASH_KEY, Base
from tests.simulation.faults import Faults
from tests.simulation.people import Answer, People
from tests.simulation.simulation import Simulation
from tests.support.world import CATALOGUE, TENANT
from zerotrip.catalogue import files as item_files
from zerotrip.catalogue.files import read_mapping
from zerotrip.catalogue.packages import files_of
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.publishing import Publishing
from zerotrip.catalogue.revisions import ItemNow, Office, item_key, read_item
from zerotrip.catalogue.yaml_files import YamlFile, read_yaml
from zerotrip.identity.model import Organisation, Role, Session
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.records import Records

ITEMS = "/v1/catalogue/items"
ITEM = "/v1/catalogue/items/{item_code}"
REVIEW_BODY = "11441882000000090Y"
LOOKS = 12
"""How often somebody looks at an item before they give up for good."""
Done = Callable[[Mapping[str, Any]], bool]


@functools.cache
def written(folder: str) -> tuple[dict[str, str], str, str]:
    """An item's files as its editor has them, its code, and its owner's USCC."""
    item = read_mapping(CATALOGUE / folder / "item.yaml").value
    uscc = str(item["organisation"]["uscc"])
    return files_of(CATALOGUE / folder), str(item["code"]), uscc


def revised(folder: str, revision: int) -> dict[str, str]:
    """The same files with another revision's number."""
    files, _, _ = written(folder)
    name = f"{folder}/item.yaml"
    text = files[name].replace("\nrevision: 1\n", f"\nrevision: {revision}\n")
    return {**files, name: text}


@dataclass(frozen=True)
class Proposed:
    """An item as its editor sends it: files by name, code, the owner's USCC."""

    files: Mapping[str, str]
    code: str
    uscc: str


def proposed(folder: str, revision: int) -> Proposed:
    """That revision of the item."""
    _, code, uscc = written(folder)
    return Proposed(revised(folder, revision), code, uscc)


def numbered(folder: str, number: int) -> Proposed:
    """A new item of the same office: the last three digits of a code are its own."""
    files, code, uscc = written(folder)
    other = f"{code[:-3]}{number:03}"
    named = {name: text.replace(code, other) for name, text in files.items()}
    return Proposed(named, other, uscc)


def publishing(run: Simulation) -> Publishing:
    """The product's own rules of publishing, without a way in."""
    catalogue = Catalogue(run.tables, run.buckets["catalogue"], run.scheduler)
    return Publishing(TENANT, Records(run.tables), catalogue, run.scheduler)


def approved(start: Base, items: Iterable[Proposed]) -> Base:
    """The base, with items that both offices have approved; their days are not set."""
    with Simulation(1, Faults(), start, real_licences=0) as run, read_once():
        product = publishing(run)
        for item in items:
            product.propose("editor", item.uscc, item.files, 0)
            for seen, office in enumerate(Office, start=1):
                product.review(
                    item.code, f"{office}-1", seen, office, agrees=True, reasons=""
                )
        return dataclasses.replace(
            start,
            rows=dict(run.store.rows),
            buckets={
                **start.buckets,
                "catalogue": {
                    key: tuple(kept)
                    for key, kept in run.buckets["catalogue"].versions.items()
                },
            },
        )


def set_day(run: Simulation, item: Proposed, day: date) -> None:
    """The editor sets the day of what both offices approved."""
    product = publishing(run)
    seen = product.read(item.code).head.version
    product.schedule(item.code, "editor", item.uscc, seen, day)


@contextlib.contextmanager
def read_once() -> Iterator[None]:
    """The same text is parsed once: nine tenths of a proposal are the YAML parser."""
    with mock.patch.object(item_files, "read_yaml", _again):
        yield


def _again(text: str) -> YamlFile:
    return copy.deepcopy(_parsed(text))


_parsed = functools.lru_cache(maxsize=256)(read_yaml)


@dataclass
class Offices:
    """Everybody who turns an editor's file into a service."""

    people: People
    scheduled: list[tuple[str, str]] = field(default_factory=list)
    """Item code and day that an editor was told to be set."""
    given_up: list[str] = field(default_factory=list)
    misled: list[str] = field(default_factory=list)
    """Who was told that somebody else had done what they had done themselves."""
    _subs: dict[tuple[Role, str], str] = field(default_factory=dict)

    @property
    def run(self) -> Simulation:
        """The run in which they act."""
        return self.people.run

    def register(self, *folders: str) -> None:
        """The owners' editors, and one person of each reviewing office."""
        mint = Mint(random.Random(20261121).randbytes)
        places = {(Role.EDITOR, written(folder)[2]) for folder in folders}
        places |= {
            (Role.STAFFING_REVIEWER, REVIEW_BODY),
            (Role.LEGAL_REVIEWER, REVIEW_BODY),
        }
        for role, uscc in sorted(places):
            organisation = Organisation(uscc, "示例单位", "Example Body")
            register_organisation(self.run.store, TENANT, organisation)
            self._subs[role, uscc] = register_officer(
                self.run.store,
                HASH_KEY.encode(),
                TENANT,
                f"{role}-{uscc}",
                organisation=uscc,
                department="catalogue",
                roles=frozenset({role}),
                mint=mint,
            )

    def session(self, role: Role, uscc: str) -> Session:
        """That person's session."""
        sub = self._subs[role, uscc]
        return self.people._session(
            sub, role, organisation=uscc, department="catalogue"
        )

    # what they do

    def propose(self, folder: str, revision: int) -> None:
        """The editor sends a revision to both offices."""
        files, (_, code, uscc) = revised(folder, revision), written(folder)
        self._until(
            code,
            lambda: self.session(Role.EDITOR, uscc),
            ("POST", ITEMS, {"files": files}),
            lambda shown: shown["revision"] >= revision,
        )

    def review(self, folder: str, role: Role) -> None:
        """One office agrees."""
        code = written(folder)[1]
        office = "staffing" if role is Role.STAFFING_REVIEWER else "legal"
        self._until(
            code,
            lambda: self.session(role, REVIEW_BODY),
            ("POST", f"{ITEM}/reviews", {"agrees": True, "reasons": "依据充分。"}),
            lambda shown: office in shown["offices"],
        )

    def schedule(self, folder: str, day: date) -> None:
        """The editor sets the day; of two who do, one is told that it is set."""
        _, code, uscc = written(folder)
        came = self._until(
            code,
            lambda: self.session(Role.EDITOR, uscc),
            ("POST", f"{ITEM}/publication", {"effective_on": day.isoformat()}),
            lambda shown: shown["stage"] in ("scheduled", "published"),
        )
        if came:
            self.scheduled.append((code, day.isoformat()))

    def _until(
        self,
        code: str,
        who: Callable[[], Session],
        wish: tuple[str, str, Mapping[str, Any]],
        done: Done,
    ) -> bool:
        """Looks and asks until it is so; whether an own request was acknowledged."""
        method, route, body = wish
        answer = Answer(0)
        for look in range(LOOKS):
            shown = self._look(code, who)
            if shown.came and done(shown.body):
                if route.endswith("/reviews") and answer.code == "item_changed":
                    # Nobody else answers for this office.
                    self.misled.append(f"{code}: told that others did what was done")
                return False
            if shown.came or route == ITEMS:
                answer = self.people.insist(
                    "catalogue_api",
                    method,
                    route,
                    who=who,
                    path={"item_code": code} if "{" in route else {},
                    body=dict(body),
                    key=f"{route}-{code}-{who().sub}-{self.run.scheduler.now:%d%H%M%S%f}",
                    seen=shown.headers.get("ETag", "") if shown.came else "",
                )
                if answer.came:
                    return True
            self.run.scheduler.sleep(self.run.scheduler.random.uniform(0, 2 + look))
        self.given_up.append(f"{code}: {method} {route}")
        return False

    def _look(self, code: str, who: Callable[[], Session]) -> Answer:
        return self.people.insist(
            "catalogue_api", "GET", ITEM, who=who, path={"item_code": code}
        )

    # looking

    def item(self, code: str) -> ItemNow | None:
        """The item's aggregate as it stands stored."""
        return read_item(self.run.records.head(item_key(TENANT, code)))

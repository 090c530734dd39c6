"""A world with one item of its own making: its rules, materials and who decides."""

from __future__ import annotations

import copy
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.files import a_file
from tests.support.persons import acting, named_in
from tests.support.world import CATALOGUE, TENANT, World
from zerotrip.cases.asking import faults_of
from zerotrip.cases.model import CaseNow
from zerotrip.cases.requests import LateReason
from zerotrip.cases.watching import Watched, watch_cases
from zerotrip.catalogue.authoring import Draft, Example, load, load_example
from zerotrip.catalogue.model import Check, Item, LegalBasis, Material, Text
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Row
from zerotrip.kernel.errors import Fault
from zerotrip.kernel.messages import CloudEvent
from zerotrip.kernel.records import Committed
from zerotrip.kernel.times import legal_day
from zerotrip.materials.steps import MaterialSteps, receive_material
from zerotrip.materials.storage_events import ObjectCreated, created_message
from zerotrip.materials.uploads import Announced

FOOD = "food-business-licence"
SUB, OFFICER = "sub-firm", "officer-1"
FIRM = acting(SUB, "company")
ROOM = "/form/premises/dedicated_room"
METRES = "/form/premises/metres_to_pollution"
WORDS = Text(zh="示例。", en="Example.")
LAW = LegalBasis(
    zh="《中华人民共和国行政许可法》", en="Licensing Law", article="第三十二条"
)
UNEVEN = (
    "(100 / (form.premises.metres_to_pollution - 60) >= 0)"
    " == form.premises.dedicated_room"
)
"""Divides by zero at 60 metres; elsewhere it is false without a dedicated room."""


@functools.cache
def _read(today: str) -> tuple[Draft, Example]:
    day = legal_day(World().clock())
    assert day.isoformat() == today
    return load(CATALOGUE / FOOD, day), load_example(CATALOGUE / FOOD, day)


def rule(code: str, text: str, path: str = ROOM, **more: Any) -> Check:
    """A check; with `on_failure="not_acceptable"` it names the law."""
    if more.get("on_failure") == "not_acceptable":
        more.setdefault("legal_basis", LAW)
    message = Text(zh=f"{code}不符。", en=f"{code} fails.")
    remedy = Text(zh=f"请改正{code}。", en=f"Mend {code}.")
    return Check(
        code=code, rule=text, path=path, message=message, remedy=remedy, **more
    )


def material(code: str, **more: Any) -> Material:
    """A material with a name of its own."""
    return Material(code=code, name=Text(zh=f"材料{code}", en=f"Paper {code}"), **more)


@dataclass
class Bus:
    """Takes every event and keeps it."""

    taken: list[CloudEvent]

    def publish(self, events: Iterable[CloudEvent]) -> frozenset[int]:
        self.taken += events
        return frozenset()


@dataclass
class Office(World):
    """Hands in, reviews and decides cases of the item that it offers."""

    published: list[CloudEvent] = field(default_factory=list)

    def offer(
        self,
        checks: Iterable[Check] = (),
        materials: Iterable[Material] = (),
        **changes: Any,
    ) -> Item:
        """Publishes the food licence with these rules and papers alone."""
        draft, _ = _read(legal_day(World().clock()).isoformat())
        route = draft.item.route.model_copy(update=changes.pop("route", {}))
        item = draft.item.model_copy(
            update={
                "checks": tuple(checks),
                "materials": tuple(materials),
                "route": route,
                **changes,
            }
        )
        made = self.catalogue.publish(TENANT, item, draft.layout, "operator:test")
        return made.item

    def form(self, **premises: Any) -> dict[str, Any]:
        """The example's form, with other words about the premises."""
        _, example = _read(legal_day(World().clock()).isoformat())
        form = copy.deepcopy(dict(example.form))
        form["premises"] |= premises
        return form

    def hand_in(
        self,
        item: Item,
        form: dict[str, Any] | None = None,
        papers: Sequence[str] = (),
        promised: Sequence[str] = (),
    ) -> str:
        """A case with its checks carried out; answers its number.

        The firm is proven as the example names it.
        """
        self.enrol(SUB, named_in(item, self.form()))
        draft = self.applications.start(FIRM, item.code)
        draft = self.applications.save(
            FIRM, draft.id, draft.version, form or self.form()
        )
        for code in papers:
            self.upload(FIRM, draft.id, code, a_file("image/png", 20480), "image/png")
        receipt = self.applications.hand_in(
            FIRM, draft.id, draft.version, promised=promised
        )
        self.run()
        return receipt.case_no

    def add(self, case_no: str, code: str, size: int = 20480) -> None:
        """Uploads a material into a slot of the case."""
        content = a_file("image/png", size)
        slot, _ = self.requests.open_upload(
            case_no, FIRM, code, Announced("image/png", len(content))
        )
        version = self.uploads.put(slot.object_key, content, content_type="image/png")
        created = ObjectCreated("uploads", slot.object_key, version)
        deps = MaterialSteps(self.slots, self.uploads, TENANT, "uploads")
        receive_material(created_message(created, len(content))["Records"][0], deps)

    def correct(
        self,
        case_no: str,
        form: dict[str, Any] | None = None,
        promised: Sequence[str] = (),
    ) -> Committed:
        """The applicant hands in what is there now."""
        seen = self.case(case_no).head.version
        done = self.requests.correct(case_no, FIRM, seen, form, promised)
        self.run()
        return done

    def send_back(
        self,
        case_no: str,
        *paths: str,
        reason: str | None = None,
        text: str = "现场核查",
    ) -> Committed:
        """An officer's notice of defects at those places."""
        now = self.case(case_no)
        defects = [
            Fault(path, "officer_found", "看不清。", "Illegible.") for path in paths
        ]
        late = LateReason(reason, text) if reason else None
        done = self.requests.return_case(now, OFFICER, now.head.version, defects, late)
        self.run()
        return done

    def decide(self, case_no: str, decision: str = "approve") -> None:
        """The officer's decision, carried out."""
        now = self.case(case_no)
        version = now.head.version
        self.requests.decide(
            now, OFFICER, version, decision, "材料齐全", articles=[LAW.cited]
        )
        self.run()

    def tick(self) -> Watched:
        """The watchdog looks."""
        now = self.clock()
        due = self.records.due(TENANT, times.to_text(now))
        watched = watch_cases(self.records, Bus(self.published), due, now)
        self.run()
        return watched

    def told(self, case_no: str) -> list[str]:
        """What the newest notice names, as `path code`, in its order."""
        now = self.case(case_no)
        rows = self.records.rows(now.key, "ASKED#")
        newest: Row = max(rows, key=lambda row: row.sk)
        return [f"{each['path']} {each['code']}" for each in self.words(now, newest)]

    def words(self, now: CaseNow, row: Row) -> list[dict[str, str]]:
        """A notice in words."""
        return faults_of(now, row, self.keys)

    def types(self, case_no: str) -> list[str]:
        """The case's events, without their prefix."""
        return [row.type.removeprefix("case.") for row in self.history(case_no)]

    def notices(self) -> list[str]:
        """What applicants were told of, in order."""
        return [
            row.body["template"]
            for key in self.heads("NOTICE")
            for row in self.records.history(key)
        ]

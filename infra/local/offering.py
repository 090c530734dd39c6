"""`make offer FOLDER=catalogue/…`: a folder becomes a service of the laptop cloud.

Over HTTPS only, as three sandbox people: the owner's editor sends it, the staffing and
the legal office answer, the editor sets its day. `--until` stops after one of these.
Nobody is moved: an office that has no editor, or nobody to decide, is given a spare.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from infra.local.commands import deployed
from infra.local.deploy import Outputs
from infra.local.home import DEFAULT_HOME, TENANT, Home
from infra.local.mini_program import Client, Partners, Refused
from infra.local.partners.people import PEOPLE, STAFF
from infra.local.seed import REVIEWERS, tables_of
from zerotrip.catalogue.authoring import load
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.packages import files_of
from zerotrip.identity.model import Officer, Organisation, Role
from zerotrip.identity.officers import Officers
from zerotrip.identity.staff import (
    find_officer,
    register_officer,
    register_organisation,
)
from zerotrip.kernel.errors import Invalid, NotFound
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.tables import Tables
from zerotrip.kernel.times import legal_day

SPARE_EDITORS, SPARE_DECIDERS = ("xie", "zou"), ("yu", "bai")
"""Sandbox people who work nowhere until an item needs them."""
STAGES = ("check", "submit", "approve", "publish")
PUBLISHED_SECONDS = 60.0


def offer(home: Home, folder: Path, on: date, until: str = "publish") -> int:
    """Takes the folder as far as asked; 1 with sentences where it is refused."""
    try:
        item = load(folder, legal_day(datetime.now(UTC))).item
        files = files_of(folder)
    except Invalid as refused:
        _tell_faults([fault.as_json() for fault in refused.faults])
        return 1
    try:
        editor, decider = register(home, deployed(home), item)
    except NobodyFree as none:
        print(f"  ✗ {none.zh}\n    {none.en}")
        return 1
    errand = Errand(home, item, files, _signed_in(home, editor))
    try:
        done = errand.run(on, until)
    except Refused as refused:
        print(f"  ✗ {refused.problem.get('zh')}\n    {refused.problem.get('en')}")
        _tell_faults(refused.problem.get("faults", []))
        return 1
    person, office = PEOPLE[decider], item.department_name
    _say(
        f"由{office.zh}的{person.name}（{decider}）审批",
        f"{decider} of {office.en} decides",
    )
    return done


class NobodyFree(Exception):
    """No sandbox person works there in that role, and no spare one is left."""

    zh = (
        "该部门没有相应的工作人员，备用的沙盒人员也已用完：请用 make reset 清除后重试。"
    )
    en = "Nobody works there in that role and no spare person is left: make reset."


def register(home: Home, outputs: Outputs, item: Item) -> tuple[str, str]:
    """Who edits for the item's office and who decides, by key: an operator's errand.

    Whoever works there already stays and is taken. Raises NobodyFree.
    """
    tables = tables_of(home, outputs)
    secret = home.client("secretsmanager").get_secret_value(
        SecretId=outputs["IdentityHashSecret"]
    )["SecretString"]
    return place(tables, secret.encode(), item)


def place(tables: Tables, secret: bytes, item: Item) -> tuple[str, str]:
    """The same, over any tables."""
    office = item.organisation
    known = Organisation(office.uscc, office.name.zh, office.name.en)
    register_organisation(tables, TENANT, known)
    places = _places(tables, secret)
    role = Role(item.route.role)
    editor = _editor(places, item) or _spare(places, SPARE_EDITORS)
    decider = _decider(places, item) or _spare(places, SPARE_DECIDERS)
    for person, wanted in ((editor, Role.EDITOR), (decider, role)):
        if person not in places:
            register_officer(
                tables,
                secret,
                TENANT,
                PEOPLE[person].sub,
                organisation=office.uscc,
                department=item.department,
                roles=frozenset({wanted}),
                mint=Mint(os.urandom),
            )
    return editor, decider


def _places(tables: Tables, secret: bytes) -> dict[str, Officer]:
    """Where each sandbox officer works, by the person's key; none where nowhere."""
    officers, found = Officers(tables), {}
    for key, person in PEOPLE.items():
        if person.group != STAFF:
            continue
        try:
            sub = find_officer(tables, secret, TENANT, person.sub)
        except NotFound:
            continue
        officer = officers.find(TENANT, sub)
        if officer is not None:
            found[key] = officer
    return found


def _editor(places: Mapping[str, Officer], item: Item) -> str | None:
    return next(
        (
            key
            for key, officer in places.items()
            if officer.organisation == item.organisation.uscc
            and Role.EDITOR in officer.roles
            and officer.suspended_at is None
        ),
        None,
    )


def _decider(places: Mapping[str, Officer], item: Item) -> str | None:
    where = (item.organisation.uscc, item.department)
    return next(
        (
            key
            for key, officer in places.items()
            if (officer.organisation, officer.department) == where
            and Role(item.route.role) in officer.roles
            and officer.suspended_at is None
        ),
        None,
    )


def _spare(places: Mapping[str, Officer], spares: Sequence[str]) -> str:
    for key in spares:
        if key not in places:
            return key
    raise NobodyFree


@dataclass
class Errand:
    """One revision on its way through the offices; `tag` is the version last seen."""

    home: Home
    item: Item
    files: dict[str, str]
    editor: Client
    state: dict[str, Any] = field(default_factory=dict)
    tag: str = ""

    @property
    def path(self) -> str:
        """The item's address."""
        return f"/v1/catalogue/items/{self.item.code}"

    def run(self, on: date, until: str) -> int:
        """Each part in its turn; what was done before is not done again."""
        if not self._check():
            return 1
        parts: dict[str, Callable[[], None]] = {
            "submit": self._submit,
            "approve": self._approve,
            "publish": lambda: self._publish(on),
        }
        for name in STAGES[1 : STAGES.index(until) + 1]:
            parts[name]()
        return self._wait() if until == "publish" else 0

    def _check(self) -> bool:
        asked = {"files": self.files}
        found, _ = self.editor.call("POST", "/v1/catalogue/checks", asked)
        _tell_faults(found["findings"])
        if found["acceptable"]:
            name = f"{self.item.code} r{self.item.revision} {self.item.name.zh}"
            _say("检查通过", name)
        return bool(found["acceptable"])

    def _submit(self) -> None:
        self._look()
        sent = self.state.get("revision") == self.item.revision
        if sent and self.state["stage"] != "returned":
            return
        self._ask(self.editor, "POST", "/v1/catalogue/items", {"files": self.files})
        _say("已送审", "sent to both offices")
        for change in self.state["changes"]:
            print(f"      {change['zh']}\n      {change['en']}")

    def _approve(self) -> None:
        for person, (office, _) in REVIEWERS.items():
            if self.state["stage"] == "in_review":
                reviewer = _signed_in(self.home, person)
                answer = {"agrees": True, "reasons": "依据充分，职责清楚。"}
                self._ask(reviewer, "POST", f"{self.path}/reviews", answer)
                _say(f"{office.name_zh}同意", f"{office.name_en} agrees")

    def _publish(self, on: date) -> None:
        if self.state["stage"] == "approved":
            day = {"effective_on": on.isoformat()}
            self._ask(self.editor, "POST", f"{self.path}/publication", day)
            _say("已定生效日期", on.isoformat())

    def _wait(self) -> int:
        deadline = time.monotonic() + PUBLISHED_SECONDS
        while self.state["published_revision"] != self.item.revision:
            if time.monotonic() > deadline:
                print("  ✗ 发布步骤仍未完成，请查看日志：make logs STEP=publish_item")
                print("    publish_item has not answered: make logs STEP=publish_item")
                return 1
            time.sleep(0.3)
            self._look()
        _say("已发布", f"published: {self.item.code} r{self.item.revision}")
        print(f"      {self.home.api_url}/v1/items/{self.item.code}/guide/page")
        return 0

    def _look(self) -> None:
        try:
            self._ask(self.editor, "GET", self.path)
        except Refused as refused:
            if refused.status != 404:
                raise

    def _ask(self, client: Client, method: str, path: str, body: Any = None) -> None:
        seen = {"If-Match": self.tag} if self.tag and body is not None else {}
        found, headers = client.call(method, path, body, seen)
        self.state, self.tag = dict(found), headers["ETag"]


def _signed_in(home: Home, person: str) -> Client:
    return Client(home.api_url, Partners.of(home)).sign_in_by_oidc(person)


def _tell_faults(faults: list[dict[str, Any]]) -> None:
    for fault in faults:
        warning = fault.get("severity") == "warning"
        mark = "!" if warning else "✗"
        print(f"  {mark} {fault['path']}: {fault['code']}")
        print(f"      {fault['zh']}\n      {fault['en']}")


def _say(zh: str, en: str) -> None:
    print(f"  {zh} · {en}", flush=True)


def main() -> int:
    """Reads the arguments; exit code 1 when something was refused."""
    parser = argparse.ArgumentParser(prog="make offer")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--on", type=date.fromisoformat, help="YYYY-MM-DD; today")
    parser.add_argument("--until", choices=STAGES, default="publish")
    parser.add_argument("--home", type=Path, default=DEFAULT_HOME)
    asked = parser.parse_args()
    home = Home(asked.home.resolve())
    today = legal_day(datetime.now(UTC))
    return offer(home, asked.folder.resolve(), asked.on or today, asked.until)


if __name__ == "__main__":
    sys.exit(main())

"""`make offer FOLDER=catalogue/…`: a folder becomes a service of the laptop cloud.

Over HTTPS only, as three sandbox people: the owner's editor sends it, the staffing and
the legal office answer, the editor sets its day. `--until` stops after one of these.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from infra.local.commands import deployed
from infra.local.deploy import Outputs
from infra.local.home import DEFAULT_HOME, TENANT, Home
from infra.local.mini_program import Client, Partners, Refused
from infra.local.partners.people import PEOPLE
from infra.local.seed import REVIEWERS, tables_of
from zerotrip.catalogue.authoring import load
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.packages import files_of
from zerotrip.identity.model import Organisation, Role
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.kernel.errors import Invalid
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.times import legal_day

EDITOR, DECIDER = "feng", "wei"
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
    register(home, deployed(home), item)
    errand = Errand(home, item, files, _signed_in(home, EDITOR))
    try:
        return errand.run(on, until)
    except Refused as refused:
        print(f"  ✗ {refused.problem.get('zh')}\n    {refused.problem.get('en')}")
        _tell_faults(refused.problem.get("faults", []))
        return 1


def register(home: Home, outputs: Outputs, item: Item) -> None:
    """The item's office, with an editor and who decides: an operator's errand."""
    tables = tables_of(home, outputs)
    secret = home.client("secretsmanager").get_secret_value(
        SecretId=outputs["IdentityHashSecret"]
    )["SecretString"]
    office = item.organisation
    known = Organisation(office.uscc, office.name.zh, office.name.en)
    register_organisation(tables, TENANT, known)
    for person, role in ((EDITOR, Role.EDITOR), (DECIDER, Role(item.route.role))):
        register_officer(
            tables,
            secret.encode(),
            TENANT,
            PEOPLE[person].sub,
            organisation=office.uscc,
            department=item.department,
            roles=frozenset({role}),
            mint=Mint(os.urandom),
        )


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

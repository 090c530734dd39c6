"""`make demo`: one case of each of three items, through HTTPS and events only.

Prints a line per step as it happens, leaves the signed PDFs under `.local/cloud/demo/`,
and ends with one line of JSON. Exits non-zero when anything failed.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.cloud import Cloud, CloudFailed
from infra.local.deploy import DeployFailed, Outputs, deploy
from infra.local.files import a_file
from infra.local.home import DEFAULT_HOME, ROOT, Home
from infra.local.mini_program import Client, Partners, Refused, TooSlow
from infra.local.partners.people import PEOPLE
from zerotrip.cases.lifecycle import FINAL, Stage
from zerotrip.cases.words import Act, act_words
from zerotrip.catalogue.authoring import Example, load, load_example
from zerotrip.catalogue.model import Item
from zerotrip.kernel.times import from_text, legal_day, spoken

FINAL_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Story:
    """One applicant's errand: which item, who applies, who decides."""

    number: str
    folder: str
    applicant: str
    by_wechat: bool
    officer: str | None = None


STORIES = (
    Story("①", "vehicle-inspection-mark", "zhang", by_wechat=True),
    Story("②", "vehicle-licence-replacement", "li", by_wechat=True, officer="zhao"),
    Story("③", "food-business-licence", "wang", by_wechat=False, officer="zhou"),
)


@dataclass
class Screen:
    """Lines as they happen, one at a time, each with the seconds since the start."""

    quiet: bool = False
    began: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, who: str, zh: str, en: str) -> None:
        if self.quiet:
            return
        with self.lock:
            passed = time.monotonic() - self.began
            print(f"  {passed:5.1f}s {who} {zh} · {en}", flush=True)


@dataclass
class Errand:
    """One story on its way."""

    story: Story
    home: Home
    screen: Screen
    partners: Partners
    item: Item
    example: Example
    told: set[int] = field(default_factory=set)
    case_no: str = ""
    submitted_at: float = 0.0

    def run(self) -> dict[str, Any]:
        """From sign-in to the signed PDF; the case's line of the last JSON."""
        client = self._client()
        self._apply(client)
        found = client.wait(
            self.case_no, self._wants_somebody, FINAL_SECONDS, self._tell
        )
        if found["stage"] == "in_review":
            self._decide()
            found = client.wait(
                self.case_no, self._wants_somebody, FINAL_SECONDS, self._tell
            )
        if found["stage"] == "payment_due":
            self._pay(client)
        client.wait(self.case_no, _ended, FINAL_SECONDS, self._tell)
        seconds = round(time.monotonic() - self.submitted_at, 1)
        return self._finish(client, seconds)

    def _client(self) -> Client:
        client = Client(self.home.api_url, self.partners)
        if self.story.by_wechat:
            client.sign_in_by_wechat(self.story.applicant)
            name = PEOPLE[self.story.applicant].name
            self._say(f"微信登录，{name}已实名认证", "WeChat, proven in person")
        else:
            client.sign_in_by_oidc(self.story.applicant)
            agent = PEOPLE[self.story.applicant]
            self._say(
                f"{agent.corp_name}由经办人{agent.name}登录",
                "a company signed in by its agent",
            )
        return client

    def _apply(self, client: Client) -> None:
        item, example = self.item, self.example
        application = client.draft(item.code, example.form)
        self._say(f"填写申请：{item.name.zh}", f"draft: {item.name.en}")
        for material, facts in example.materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            client.upload(
                f"applications/{application}", material, facts["type"], content
            )
            self._say(f"上传材料 {material}", "uploaded")
        self.case_no = client.submit(application)
        self.submitted_at = time.monotonic()
        self._say(f"提交成功 办件编号 {self.case_no}", "submitted")

    def _decide(self) -> None:
        officer = Client(self.home.api_url, self.partners)
        officer.sign_in_by_oidc(str(self.story.officer))
        tasks, _ = officer.call("GET", "/v1/worklist")
        waiting = [task["case_no"] for task in tasks["tasks"]]
        if self.case_no not in waiting:
            raise TooSlow(f"{self.case_no} is not on the work list")
        act, _ = act_words(Act.GRANT, self.item.type)
        officer.decide(self.case_no, "approve", f"材料齐全，符合法定条件，{act}。")
        self._say("工作人员作出决定：准予", "an officer approved")

    def _pay(self, client: Client) -> None:
        client.wait(self.case_no, _has_open_bill, FINAL_SECONDS)
        paid = client.pay(self.case_no)
        self._say(f"缴费 {paid['amount_fen'] / 100:.2f}元", "paid at WeChat Pay")

    def _finish(self, client: Client, seconds: float) -> dict[str, Any]:
        # The courier's charge is billed after completion, and blocks nothing.
        found = client.wait(self.case_no, _bills_are_stored, FINAL_SECONDS)
        licence_id = str(found["licence_id"])
        path = self.home.path / "demo" / f"{self.case_no}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.licence_file(licence_id))
        verified, _ = Client(self.home.api_url, self.partners).call(
            "GET", f"/v1/verifications/{licence_id}"
        )
        if found["stage"] != "completed" or verified["state"] != "valid":
            raise TooSlow(f"{self.case_no} ended as {found['stage']}")
        self._say(f"办结 用时{seconds}秒 {path.name}", "completed, licence verified")
        return {
            "case_no": self.case_no,
            "item": self.story.folder,
            "state": found["stage"],
            "seconds": seconds,
            "licence_id": licence_id,
            "licence_pdf": str(path),
            "timeline": found["timeline"],
            "bills": found["bills"],
            "shipments": found["shipments"],
        }

    def _wants_somebody(self, found: dict[str, Any]) -> bool:
        waits = found["stage"] == "in_review" and "decision" in found["obligations"]
        return (
            (waits and "papers" not in found["obligations"])
            or found["stage"] == "payment_due"
            or _ended(found)
        )

    def _tell(self, found: dict[str, Any]) -> None:
        for entry in found["timeline"]:
            if entry["seq"] not in self.told:
                self.told.add(entry["seq"])
                self._say(entry["zh"], entry["en"])

    def _say(self, zh: str, en: str) -> None:
        self.screen.say(self.story.number, zh, en)


def errand_of(story: Story, home: Home, screen: Screen, partners: Partners) -> Errand:
    """The story with its item's example; read before any thread starts."""
    today = legal_day(datetime.now(UTC))
    folder = ROOT / "catalogue" / story.folder
    item, example = load(folder, today).item, load_example(folder, today)
    return Errand(story, home, screen, partners, item, example)


def _ended(found: dict[str, Any]) -> bool:
    return Stage(found["stage"]) in FINAL


def _has_open_bill(found: dict[str, Any]) -> bool:
    return any(bill["stage"] == "opened" for bill in found["bills"])


def _bills_are_stored(found: dict[str, Any]) -> bool:
    return all(bill["stage"] for bill in found["bills"])


def _keep_roots(home: Home, outputs: Outputs) -> None:
    """Leaves the TEST root beside the licences, for whoever judges them."""
    stored = home.client("s3").get_object(
        Bucket=outputs["CatalogueBucket"], Key="trust/roots.pem"
    )
    path = home.path / "demo" / "roots.pem"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored["Body"].read())


def print_timelines(cases: list[dict[str, Any]], say: Callable[[str], None]) -> None:
    """What happened to each case, in Shanghai time."""
    for case in cases:
        say(f"\n  {case['item']}  {case['case_no']}")
        for entry in case["timeline"]:
            at = from_text(entry["time"])
            say(f"    {spoken(at)}:{at:%S}  {entry['zh']} · {entry['en']}")
        for bill in case["bills"]:
            what = f"{bill['name']['zh']}{bill['amount_text']['zh']}"
            say(f"    账单 bill {what}: {bill['stage_name']['zh']}")
        for parcel in case["shipments"]:
            what = parcel["direction_name"]["zh"]
            say(f"    快递 parcel {what}: {parcel['stage_name']['zh']}")


def main() -> int:
    """Starts, deploys, runs the three errands side by side, reports."""
    home = Home(DEFAULT_HOME)
    screen = Screen()
    result: dict[str, Any] = {"ok": False, "cases": [], "api_url": home.api_url}
    try:
        screen.say("  ", "启动本机云与合作方沙箱", "starting the laptop cloud")
        Cloud(home).start()
        outputs = deploy(home, lambda zh, en: screen.say("  ", zh, en))
        partners = Partners.of(home)
        _keep_roots(home, outputs)
        screen.say("  ", "三个事项各办一件", "one case of each of three items")
        errands = [errand_of(story, home, screen, partners) for story in STORIES]
        with ThreadPoolExecutor(len(errands)) as pool:
            cases = list(pool.map(Errand.run, errands))
        print_timelines(cases, print)
        shown = ("case_no", "item", "state", "seconds", "licence_id", "licence_pdf")
        result["cases"] = [{name: case[name] for name in shown} for case in cases]
        result["ok"] = True
        print(f"\n  接口仍在运行 · the API stays up: {home.api_url}")
        print("  make down 停止 · stops it; make logs 查看日志 · shows the logs")
    except (CloudFailed, DeployFailed, Refused, TooSlow) as failure:
        print(f"\n✗ {failure}", file=sys.stderr)
        print("  make logs 查看日志 · shows what the functions logged", file=sys.stderr)
        result["error"] = str(failure)
    print(json.dumps(result, ensure_ascii=False))
    return 0 if result["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

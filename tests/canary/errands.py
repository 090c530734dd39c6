"""Marked persons' errands on the laptop cloud: real HTTP, files, money and parcels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from infra.local.files import a_file
from infra.local.home import ROOT
from infra.local.mini_program import Client, Partners
from tests.canary.marks import Marks, marked
from tests.support.laptop_cloud import LaptopCloud
from zerotrip.catalogue.authoring import Example, load, load_example
from zerotrip.catalogue.model import Item
from zerotrip.kernel.times import legal_day

MARK, REPLACEMENT, FOOD = (
    "vehicle-inspection-mark",
    "vehicle-licence-replacement",
    "food-business-licence",
)
OFFICERS = {REPLACEMENT: "zhao", FOOD: "zhou"}
PATIENCE_SECONDS = 90


@dataclass
class Errand:
    """One marked person's application, from the sign-in on."""

    cloud: LaptopCloud
    partners: Partners
    folder: str
    marks: Marks
    client: Client = field(init=False)
    application: str = ""
    case_no: str = ""

    def sign_in(self) -> None:
        """A citizen comes through WeChat under a marked openid; a company by its agent.

        All of them are proven: by OIDC the identity provider says who they are.
        """
        self.client = Client(self.cloud.api_url, self.partners)
        if self.folder == FOOD:
            self.client.sign_in_by_oidc(self.marks.at_provider(company=True))
        else:
            sign_in(self.client, self.marks)

    def form(self) -> dict[str, Any]:
        """The item's example form with the marked person in it."""
        return marked(example_of(self.folder).form, self.marks)

    def hand_in(self) -> str:
        """Draft, files and submission; answers the case number."""
        self.application = self.client.draft(item_of(self.folder).code, self.form())
        for material, facts in example_of(self.folder).materials.items():
            self.client.upload(
                f"applications/{self.application}",
                material,
                facts["type"],
                marked_file(facts["type"], self.marks),
            )
        self.case_no = self.client.submit(self.application, PATIENCE_SECONDS)
        return self.case_no

    def stage(self) -> str:
        """Where the case stands."""
        return str(self.client.case(self.case_no)[0]["stage"])

    def finish(self) -> dict[str, Any]:
        """Decision, payment, parcels: whatever the item asks for, to the end."""
        found = self._wait()
        if found["stage"] == "in_review":
            officer = Client(self.cloud.api_url, self.partners)
            officer.sign_in_by_oidc(OFFICERS[self.folder])
            reasons = f"准予{self.marks.name}（{self.marks.telephone}）的申请。"
            officer.decide(self.case_no, "approve", reasons)
            found = self._wait()
        if found["stage"] == "payment_due":
            self.client.wait(self.case_no, _bill_is_open, PATIENCE_SECONDS)
            self.client.pay(self.case_no)
        return self.client.wait(self.case_no, _completed, PATIENCE_SECONDS)

    def _wait(self) -> dict[str, Any]:
        return self.client.wait(self.case_no, _wants_somebody, PATIENCE_SECONDS)


def sign_in(client: Client, marks: Marks) -> Client:
    """Signs a marked citizen in by WeChat, whom the identity provider then proves."""
    code = client.partners.control("identity", "wechat_code", {"openid": marks.openid})
    login = {"provider": "wechat_mini_program", "code": code["code"]}
    grant, _ = client.call("POST", "/v1/sessions", login)
    client.token = grant["access_token"]
    known, _ = client.call("GET", "/v1/sessions/bindings")
    if len(known["bindings"]) == 1:
        proof = client.oidc_login(marks.at_provider())
        client.call("POST", "/v1/sessions/bindings", proof)
    return client


@cache
def item_of(folder: str) -> Item:
    """The item of a catalogue folder."""
    return load(ROOT / "catalogue" / folder, legal_day(datetime.now(UTC))).item


@cache
def example_of(folder: str) -> Example:
    """Its example form and files."""
    return load_example(ROOT / "catalogue" / folder, legal_day(datetime.now(UTC)))


def marked_file(media_type: str, marks: Marks) -> bytes:
    """A whole file in which the person stands, as in what people upload."""
    words = " ".join(marks.values().values()).encode()
    filling = a_file(media_type, 4096)
    if media_type != "application/pdf":
        return filling
    return filling.replace(b"-" * len(words), words, 1)


def _wants_somebody(found: Mapping[str, Any]) -> bool:
    obligations = found["obligations"]
    waits = "decision" in obligations and "papers" not in obligations
    ended = found["stage"] in ("completed", "refused", "withdrawn")
    return ended or waits or found["stage"] == "payment_due"


def _completed(found: Mapping[str, Any]) -> bool:
    return bool(found["stage"] == "completed")


def _bill_is_open(found: Mapping[str, Any]) -> bool:
    return any(bill["stage"] == "opened" for bill in found["bills"])

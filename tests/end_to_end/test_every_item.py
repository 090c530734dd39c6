"""Every item of the catalogue, and one that this repository has never seen.

The ninth is written by following `docs/write-an-item.md`, offered by `make offer`'s own
code through HTTPS, and applied for: no deploy, no line of code.
"""

from __future__ import annotations

import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from infra.local.demo import STORIES
from infra.local.files import a_file
from infra.local.home import ROOT
from infra.local.mini_program import Client, Partners, Refused
from infra.local.offering import SPARE_DECIDERS, offer
from infra.local.seed import OFFICERS
from tests.judges.signatures import Verdict, openssl_verdict
from tests.support.laptop_cloud import LaptopCloud
from tests.unit.catalogue.test_write_an_item import FOLDER, files_of_the_page
from zerotrip.cases.lifecycle import FINAL, Stage
from zerotrip.catalogue.authoring import folders, load, load_example
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.publication import POINTER_LIFE
from zerotrip.kernel.times import legal_day

TODAY = legal_day(datetime.now(UTC))
CATALOGUE = ROOT / "catalogue"
NEW = [
    path.name
    for path in folders(CATALOGUE)
    if path.name not in {story.folder for story in STORIES}
]
"""Those that `test_three_items` does not apply for."""
APPLICANT = {"person": "zhang", "company": "wang"}
FROM_THE_STATE = {
    "road-freight-licence": {"business_licence"},
    "social-insurance-proof": {"social_insurance_record"},
}
"""Materials that nobody had to hand in, by item: the least that must be so."""
SECONDS = 90.0


@dataclass
class Story:
    """One item applied for, to its licence."""

    cloud: LaptopCloud
    folder: Path
    decider: str

    def __post_init__(self) -> None:
        self.item: Item = load(self.folder, TODAY).item
        self.resolved: set[str] = set()
        self.uploaded: set[str] = set()

    def run(self) -> tuple[Story, dict[str, Any], bytes]:
        """The completed case, and its licence's file."""
        client = self._applicant()
        case_no = self._apply(client)
        found = client.wait(case_no, _rests, SECONDS)
        if found["stage"] == "in_review":
            self._client(self.decider).decide(case_no, "approve", "材料齐全，准予。")
            found = client.wait(case_no, _rests_after_decision, SECONDS)
        if found["stage"] == "payment_due":
            client.wait(case_no, _billed, SECONDS)
            client.pay(case_no)
        found = client.wait(case_no, _ended, SECONDS)
        assert found["stage"] == "completed", (self.folder.name, found["timeline"])
        return self, found, client.licence_file(str(found["licence_id"]))

    def _applicant(self) -> Client:
        """Who pays at WeChat signs in there, and is proven by another login."""
        person = APPLICANT[self.item.audience]
        if self.item.fee is None:
            return self._client(person)
        partners = Partners.of(self.cloud.home)
        return Client(self.cloud.api_url, partners).sign_in_by_wechat(person)

    def _client(self, person: str) -> Client:
        partners = Partners.of(self.cloud.home)
        return Client(self.cloud.api_url, partners).sign_in_by_oidc(person)

    def _apply(self, client: Client) -> str:
        example = load_example(self.folder, TODAY)
        application = client.draft(self.item.code, example.form)
        for material, facts in example.materials.items():
            try:
                self._upload(client, application, material, facts)
            except Refused as refused:
                if refused.problem["code"] != "material_not_asked":
                    raise
                self.resolved.add(material)  # the state has it: no slot for it
        try:
            return client.submit(application)
        except Refused as refused:
            # What was to be looked up at the hand-in could not be had.
            if refused.problem["code"] != "material_source_changed":
                raise
            for each in refused.problem["materials"]:
                facts = example.materials[each["code"]]
                self._upload(client, application, each["code"], facts)
                self.resolved.discard(each["code"])
            return client.submit(application)

    def _upload(
        self, client: Client, application: str, material: str, facts: dict[str, Any]
    ) -> None:
        content = a_file(facts["type"], facts["size_bytes"])
        client.upload(f"applications/{application}", material, facts["type"], content)
        self.uploaded.add(material)


def _rests(found: dict[str, Any]) -> bool:
    return _ended(found) or (
        found["stage"] in {"correcting", "payment_due"}
        or (found["stage"] == "in_review" and "decision" in found["obligations"])
    )


def _rests_after_decision(found: dict[str, Any]) -> bool:
    return _ended(found) or found["stage"] == "payment_due"


def _billed(found: dict[str, Any]) -> bool:
    return any(bill["stage"] == "opened" for bill in found["bills"])


def _ended(found: dict[str, Any]) -> bool:
    return Stage(found["stage"]) in FINAL


def _decider(item: Item) -> str:
    wanted = (item.department, item.route.role)
    return next((name for name, place in OFFICERS.items() if place == wanted), "")


@pytest.fixture(scope="module")
def ninth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page has its reader write."""
    root = tmp_path_factory.mktemp("page")
    shutil.copytree(CATALOGUE, root / "catalogue")
    for name, text in files_of_the_page().items():
        path = root / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "catalogue" / FOLDER


@pytest.fixture(scope="module")
def told(
    cloud: LaptopCloud, ninth: Path
) -> dict[str, tuple[Story, dict[str, Any], bytes]]:
    """All stories, some side by side."""
    assert offer(cloud.home, ninth, TODAY) == 0
    stories = [Story(cloud, ninth, SPARE_DECIDERS[0])]
    for name in NEW:
        item = load(CATALOGUE / name, TODAY).item
        stories.append(Story(cloud, CATALOGUE / name, _decider(item)))
    with ThreadPoolExecutor(3) as pool:
        ended = list(pool.map(Story.run, stories))
    return {story.folder.name: (story, case, pdf) for story, case, pdf in ended}


def test_there_are_eight_items_and_a_ninth(told):
    assert len(NEW) + len(STORIES) == 8
    assert set(told) == {*NEW, FOLDER}
    assert not (CATALOGUE / FOLDER).exists()


def test_each_ends_with_a_licence_that_another_tool_calls_valid(cloud, told):
    stored = cloud.client("s3").get_object(
        Bucket=cloud.outputs["CatalogueBucket"], Key="trust/roots.pem"
    )
    root = stored["Body"].read()
    for name, (_, case, pdf) in told.items():
        assert case["stage"] == "completed", name
        assert openssl_verdict(pdf, root) == Verdict(valid=True, whole=True), name


def test_what_the_state_has_was_asked_of_nobody(told):
    for name, materials in FROM_THE_STATE.items():
        story, _, _ = told[name]
        assert materials <= story.resolved, name


def test_a_query_is_answered_without_an_officer(told):
    _, case, _ = told["social-insurance-proof"]
    events = {each["event"] for each in case["timeline"]}
    assert "case.decision_recorded" not in events
    assert "case.approved" in events


def test_the_ninth_is_found_and_has_a_guide_to_print(cloud, told, ninth):
    item = load(ninth, TODAY).item
    client = Client(cloud.api_url, Partners.of(cloud.home))
    # A worker that was asked before remembers the list for half a minute.
    deadline = time.monotonic() + 2 * POINTER_LIFE.total_seconds()
    found: list[str] = []
    while not found and time.monotonic() < deadline:
        listed, _ = client.call("GET", f"/v1/items?q={item.code}")
        found = [each["item_code"] for each in listed["items"]]
        time.sleep(0.5)
    assert found == [item.code]
    page = client.http.request(
        "GET", f"{cloud.api_url}/v1/items/{item.code}/guide/page"
    )
    assert page.status == 200
    text = page.data.decode()
    for word in (item.name.zh, item.organisation.complaint_telephone):
        assert word in re.sub(r"\s+", " ", text)

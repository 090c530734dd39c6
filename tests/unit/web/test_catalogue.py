"""Editors and reviewers over HTTPS: a folder becomes a service, step by step."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.web.town import CATALOGUE, FOOD, FOOD_OFFICE, Answered, Town
from zerotrip.catalogue.packages import files_of
from zerotrip.identity.model import Role, Session

STAFFING_OFFICE, LEGAL_OFFICE = "11441882000000090Y", "114418820000000912"
ITEMS, ITEM = "/v1/catalogue/items", "/v1/catalogue/items/{item_code}"


class Hall:
    """A town with an editor of the food office and both reviewing offices."""

    def __init__(self) -> None:
        self.town = Town()
        self.files = files_of(CATALOGUE / FOOD)
        self.editor = self._officer("editor", Role.EDITOR, FOOD_OFFICE)
        self.staffing = self._officer(
            "staffing", Role.STAFFING_REVIEWER, STAFFING_OFFICE
        )
        self.legal = self._officer("legal", Role.LEGAL_REVIEWER, LEGAL_OFFICE)
        self.code = ""
        self.tag = ""

    def _officer(self, name: str, role: Role, uscc: str) -> Session:
        return self.town.officer(name, role, department="food-licensing", uscc=uscc)

    def ask(
        self, who: Session | None, method: str, route: str, **asked: Any
    ) -> Answered:
        path = {"item_code": self.code} if "{" in route else {}
        headers = dict(asked.pop("headers", {}))
        if self.tag and method == "POST" and route != "/v1/catalogue/checks":
            headers.setdefault("If-Match", self.tag)
        answered = self.town.call(
            method, route, who=who, headers=headers, **path, **asked
        )
        if answered.status < 300 and "ETag" in answered.headers:
            self.tag = answered.headers["ETag"]
            self.code = answered.body["item_code"]
        return answered

    def propose(self, **asked: Any) -> Answered:
        return self.ask(self.editor, "POST", ITEMS, body={"files": self.files}, **asked)

    def review(self, who: Session, *, agrees: bool = True) -> Answered:
        answer = {"agrees": agrees, "reasons": "依据充分。"}
        return self.ask(who, "POST", f"{ITEM}/reviews", body=answer)

    def publish(self, day: str) -> Answered:
        asked = {"effective_on": day}
        return self.ask(self.editor, "POST", f"{ITEM}/publication", body=asked)


@pytest.fixture
def hall() -> Hall:
    return Hall()


def test_a_folder_becomes_a_service(hall):
    assert hall.propose().status == 201
    assert hall.review(hall.staffing).body["stage"] == "in_review"
    assert hall.review(hall.legal).body["stage"] == "approved"
    assert hall.town.call("GET", "/v1/items").body["total"] == 0
    assert hall.publish("2026-11-20").body["stage"] == "scheduled"
    hall.town.world.run()
    state = hall.ask(hall.editor, "GET", ITEM).body
    assert (state["stage"], state["published_revision"]) == (
        "published",
        state["revision"],
    )
    assert [each["event"] for each in state["timeline"]][-1] == "item.published"
    listed = hall.town.call("GET", "/v1/items").body
    assert [each["item_code"] for each in listed["items"]] == [hall.code]


def test_the_guide_is_json_and_a_page_with_one_etag_each(hall):
    test_a_folder_becomes_a_service(hall)
    path = "/v1/items/{item_code}/guide"
    told = hall.town.call("GET", path, item_code=hall.code)
    assert told.body["complaint_telephone"] == "12315"
    page = hall.town.call("GET", f"{path}/page", item_code=hall.code)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert told.body["name"]["zh"] in page.body
    assert "<script" not in page.body
    again = hall.town.call(
        "GET",
        f"{path}/page",
        item_code=hall.code,
        headers={"If-None-Match": page.headers["ETag"]},
    )
    assert (again.status, again.body) == (304, None)


def test_a_check_tells_everything_and_keeps_nothing(hall):
    name = f"{FOOD}/item.yaml"
    hall.files[name] = hall.files[name].replace("complaint_telephone", "telephone")
    refused = hall.ask(
        hall.editor, "POST", "/v1/catalogue/checks", body={"files": hall.files}
    )
    assert (refused.status, refused.code) == (422, "catalogue_folder_wrong")
    assert {fault["code"] for fault in refused.body["faults"]} >= {"missing"}
    assert all("item.yaml:" in fault["path"] for fault in refused.body["faults"])
    assert not any("#ITEM#" in pk for _, pk, _ in hall.town.world.tables.rows)


@pytest.mark.parametrize(
    "name", ["../item.yaml", "/etc/item.yaml", "a/b/item.yaml", "kiosk/item.py", ""]
)
def test_a_file_cannot_leave_its_place(hall, name):
    asked = {"files": {name: "code: x"}}
    refused = hall.ask(hall.editor, "POST", "/v1/catalogue/checks", body=asked)
    assert (refused.status, refused.code) == (422, "request_invalid")


def test_two_folders_at_once_are_refused(hall):
    files = {**hall.files, "another/item.yaml": hall.files[f"{FOOD}/item.yaml"]}
    refused = hall.ask(
        hall.editor, "POST", "/v1/catalogue/checks", body={"files": files}
    )
    assert refused.code == "item_folder_missing"


def test_one_person_in_two_roles_reviews_once(hall):
    both = hall.town.officer(
        "both",
        Role.STAFFING_REVIEWER,
        Role.LEGAL_REVIEWER,
        department="review",
        uscc=STAFFING_OFFICE,
    )
    hall.propose()
    assert hall.review(both).status == 201
    assert hall.review(both).body["stage"] != "approved"


def test_another_offices_editor_can_neither_propose_nor_publish(hall):
    other = hall._officer("other", Role.EDITOR, LEGAL_OFFICE)
    refused = hall.ask(other, "POST", ITEMS, body={"files": hall.files})
    assert (refused.status, refused.code) == (403, "item_owner_other")
    hall.propose()
    hall.review(hall.staffing)
    hall.review(hall.legal)
    day = {"effective_on": "2026-12-01"}
    refused = hall.ask(other, "POST", f"{ITEM}/publication", body=day)
    assert (refused.status, refused.code) == (404, "item_unknown")


def test_a_caseworker_has_no_business_here(hall):
    officer = hall._officer("caseworker", Role.OFFICER, FOOD_OFFICE)
    refused = hall.ask(officer, "POST", ITEMS, body={"files": hall.files})
    assert (refused.status, refused.code) == (403, "role_not_permitted")


def test_an_editor_reads_no_case(hall):
    refused = hall.town.call("GET", "/v1/worklist", who=hall.editor)
    assert (refused.status, refused.code) == (403, "role_not_permitted")


def test_what_was_not_seen_is_not_decided(hall):
    hall.propose()
    seen = hall.tag
    hall.review(hall.staffing)
    hall.tag = seen
    refused = hall.review(hall.legal)
    assert (refused.status, refused.code) == (409, "item_changed")


def test_the_same_proposal_again_is_one(hall):
    key = {"Idempotency-Key": "once"}
    first = hall.propose(headers=key)
    hall.tag = ""
    again = hall.propose(headers=key)
    assert again.body == first.body
    assert hall.ask(hall.editor, "GET", ITEM).body["version"] == 1


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30"])
def test_a_day_that_is_none_is_refused(hall, day):
    hall.propose()
    hall.review(hall.staffing)
    hall.review(hall.legal)
    refused = hall.publish(day)
    assert refused.status == 422


def test_items_are_found_by_words_and_page_by_page(hall):
    world = hall.town.world
    codes = sorted(
        world.publish(path.name)
        for path in CATALOGUE.iterdir()
        if (path / "item.yaml").is_file()
    )
    found = hall.town.call("GET", "/v1/items", query={"q": "spjy"}).body
    assert [each["name"]["zh"][:4] for each in found["items"]] == ["食品经营"]
    seen, after = [], {}
    while True:
        page = hall.town.call("GET", "/v1/items", query={"limit": "2", **after}).body
        seen += [each["item_code"] for each in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == codes
    wrong = {"audience": "cats", "q": "x" * 101, "department": "A B", "theme": "?"}
    refused = hall.town.call("GET", "/v1/items", query={**wrong, "after": "1"})
    assert refused.fault_codes == {
        f"?{name}": f"{name}_wrong" for name in (*wrong, "after")
    }

"""Who sends the requests, and the real things that they may name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from infra.local.demo import STORIES, Errand, Screen, errand_of
from infra.local.home import Home
from infra.local.mini_program import Client, Partners

CASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Caller:
    """One kind of person; `role` as in the document's `x-roles`, or `nobody`."""

    role: str
    person: str | None = None
    by_wechat: bool = False

    def sign_in(self, home: Home) -> Client:
        """A client with a fresh session; without one for `nobody`."""
        client = Client(home.api_url, Partners.of(home))
        if self.person is None:
            return client
        if self.by_wechat:
            return client.sign_in_by_wechat(self.person)
        return client.sign_in_by_oidc(self.person)


CALLERS = (
    Caller("nobody"),
    Caller("citizen", "li", by_wechat=True),
    Caller("company", "wang"),
    Caller("officer", "zhao"),
    Caller("approver", "zhou"),
    Caller("editor", "feng"),
    Caller("staffing_reviewer", "chen"),
    Caller("legal_reviewer", "chu"),
    Caller("auditor", "wu"),
)
CITIZENS_ITEM, COMPANYS_ITEM = STORIES[1], STORIES[2]
Values = dict[str, list[Any]]


def hand_in(home: Home, *, completed: bool, more: int = 0) -> None:
    """A case of a citizen and one of a company; further ones stay where they wait."""
    partners = Partners.of(home)

    def errand(number: int) -> Errand:
        story = (CITIZENS_ITEM, COMPANYS_ITEM)[number % 2]
        return errand_of(story, home, Screen(quiet=True), partners)

    errands = [errand(number) for number in range(2 + 2 * more)]
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(Errand.run, errands[:2])) if completed else []
        open_ones = errands[len(ended) :]
        list(pool.map(lambda each: each._apply(each._client()), open_ones))


def belongings(home: Home) -> Values:
    """Real ids of everything that citizen and company have, by parameter name.

    Not of their powers and logins: who ended one by chance could not sign in again.
    """
    values: Values = {
        "item_code": [],
        "application_id": [],
        "case_no": [],
        "bill_id": [],
        "licence_id": [],
        "notice_id": [],
        "partner": ["wechat_pay", "courier"],
    }
    nobody = Caller("nobody").sign_in(home)
    values["item_code"] = _listed(nobody, "items", "item_code")
    for caller in CALLERS:
        if caller.role in ("citizen", "company"):
            client = caller.sign_in(home)
            values["application_id"] += _listed(client, "applications")
            values["notice_id"] += _listed(client, "notices", "id")
            for case_no in _listed(client, "cases", "case_no"):
                found, _ = client.case(case_no)
                values["case_no"].append(case_no)
                values["bill_id"] += [bill["bill_id"] for bill in found["bills"]]
                if found["licence_id"]:
                    values["licence_id"].append(found["licence_id"])
    return values


def _listed(client: Client, kind: str, key: str = "application_id") -> list[Any]:
    found, _ = client.call("GET", f"/v1/{kind}?limit=100")
    return [each[key] for each in found[kind]]

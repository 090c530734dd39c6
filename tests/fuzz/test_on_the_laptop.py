"""A slice of the campaign and the torture list, on the laptop cloud."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from tests.fuzz.campaign import Round, Tally, run_round
from tests.fuzz.conftest import Laptop
from tests.fuzz.torture import AUTHORIZATIONS, QUERIES, SEGMENTS, bodies, signatures
from tests.fuzz.wire import Answer, ask, faults_of
from zerotrip.web.openapi.document import routes

pytestmark = pytest.mark.cloud
SEED = 1
EXAMPLES = 3
AT_ONCE = 4
CASES = "/v1/cases"
SAVE = "/v1/applications/{application_id}"
CALLBACK = "/v1/partners/{partner}/callbacks"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request as it goes out; `wanted` narrows what the document allows."""

    name: str
    method: str
    route: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    wanted: frozenset[int] = frozenset()


def _round(laptop: Laptop, role: str, *, partners: bool = False) -> Tally:
    home = laptop.cloud.home
    return run_round(
        home.partners_url if partners else home.api_url,
        laptop.caller(role),
        laptop.clients[role].token,
        laptop.values,
        Round(SEED, EXAMPLES, ("fuzzing",), own_operations=True),
        partners=partners,
    )


def test_every_operation_keeps_to_the_document_for_those_who_may_call_it(
    laptop: Laptop,
) -> None:
    whole = Tally()
    for role in ("nobody", "citizen", "approver", "editor", "legal_reviewer"):
        whole.add(_round(laptop, role))
    whole.add(_round(laptop, "nobody", partners=True))
    assert list(whole.findings.values()) == []
    assert set(whole.operations) == {route.name for _, route in routes()}
    assert sum(whole.statuses[status] for status in ("200", "201", "202")) > 5
    assert whole.requests > 100


def _draft(laptop: Laptop) -> str:
    """A draft that may be filled with anything."""
    citizen = laptop.clients["citizen"]
    listed, _ = citizen.call("GET", "/v1/applications")
    item = listed["applications"][0]["item_code"]
    made, _ = citizen.call("POST", "/v1/applications", {"item_code": item})
    return str(made["application_id"])


def _token(laptop: Laptop, role: str = "citizen") -> dict[str, str]:
    return {"Authorization": f"Bearer {laptop.clients[role].token}"}


def _faults(base_url: str, asked: list[Sent]) -> list[str]:
    """What is wrong with the answers; several are asked at once, judged in turn."""

    def send(one: Sent) -> Answer:
        return ask(base_url, one.method, one.path, one.body, one.headers)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, asked))
    found = []
    for one, answer in zip(asked, answers, strict=True):
        faults = faults_of(answer, one.method, one.route)
        if one.wanted and answer.status not in one.wanted:
            faults.append(f"{answer.status} is not one of {sorted(one.wanted)}")
        found += [f"{one.name}, {one.method} {one.route}: {each}" for each in faults]
    return found


def test_no_body_type_or_header_breaks_a_route_that_reads_one(laptop: Laptop) -> None:
    save = SAVE.format(application_id=_draft(laptop))
    targets = (
        ("PUT", SAVE, save, {**_token(laptop), "If-Match": '"v1"'}),
        ("POST", f"{SAVE}/materials", f"{save}/materials", _token(laptop)),
        ("POST", "/v1/sessions", "/v1/sessions", {}),
    )
    asked = [
        Sent(
            torture.name, method, route, path, torture.body,
            {**headers, **torture.sent_headers()},
        )
        for torture in bodies()
        for method, route, path, headers in targets
    ]  # fmt: skip
    assert _faults(laptop.cloud.api_url, asked) == []


@pytest.mark.parametrize("partner", ["wechat_pay", "courier", "nobody"])
def test_no_body_breaks_a_callback_and_none_is_believed(
    laptop: Laptop, partner: str
) -> None:
    path = CALLBACK.format(partner=partner)
    refused = frozenset({400, 401, 404})
    serial = next(iter(laptop.cloud.partners["payments"]["platform_keys"]))
    asked = [
        Sent(
            torture.name, "POST", CALLBACK, path, torture.body,
            torture.sent_headers(), refused,
        )
        for torture in (*bodies(), *signatures(serial))
    ]  # fmt: skip
    assert _faults(laptop.cloud.partners_url, asked) == []


def test_no_query_or_address_is_answered_off_the_document(laptop: Laptop) -> None:
    mine = _token(laptop)
    places = (
        ("/v1/applications", "/v1/applications", QUERIES, mine),
        (CASES, CASES, QUERIES, mine),
        (SAVE, "/v1/applications/", SEGMENTS, mine),
        ("/v1/items/{item_code}", "/v1/items/", SEGMENTS, {}),
    )
    asked = [
        Sent(each[:40], "GET", route, start + each, None, headers)
        for route, start, ends, headers in places
        for each in ends
    ]
    assert _faults(laptop.cloud.api_url, asked) == []


def test_no_authorization_that_nobody_gave_lets_anyone_in(laptop: Laptop) -> None:
    refused = frozenset({401, 403})
    asked = [
        Sent(each[:40], "GET", CASES, CASES, None, {"Authorization": each}, refused)
        for each in AUTHORIZATIONS
    ]
    assert _faults(laptop.cloud.api_url, asked) == []

"""Providers of shared materials: our client against the sandbox's real server."""

from __future__ import annotations

import base64
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import urllib3
from standardwebhooks import Webhook

from infra.local.partners import PEOPLE, Sandboxes
from infra.local.partners.keys import PROVIDERS, Keys
from tests.support.persons import acting
from tests.unit.sources.items import item_asking
from zerotrip.catalogue.model import SharedMaterial, Text
from zerotrip.catalogue.shared_files import read_shared_materials
from zerotrip.identity.model import Proven, SubjectKind
from zerotrip.kernel.errors import GiveUp, Unavailable
from zerotrip.kernel.identifiers import Mint
from zerotrip.sources.clients.shared_data import (
    LARGEST_ANSWER_BYTES,
    SharedData,
)
from zerotrip.sources.model import Application
from zerotrip.sources.providers import Query

ROOT = Path(__file__).parents[2]
NATURAL, LEGAL = SubjectKind
ZHANG = PEOPLE["zhang"]
OF_ZHANG = Proven(NATURAL, "111", ZHANG.id_no, ZHANG.name)
SECRET = "whsec_" + base64.b64encode(b"a secret of these tests only").decode()
BY_PROVIDER = "/population/.*"


def material(code: str, provider: str) -> SharedMaterial:
    name = Text(zh="材料", en="Material")
    return SharedMaterial(code=code, name=name, provider=provider, valid_days=30)


HOUSEHOLD = material("household_registration", "population")


def query(wanted: SharedMaterial = HOUSEHOLD, about: Proven = OF_ZHANG) -> Query:
    application = Application(
        "441882",
        "7H5G3F1D0C84T8RZ6Q0V2M1K9J",
        "sub",
        acting("sub"),
        "2026-11-20T02:00:00.000Z",
        0,
    )
    return Query(wanted, about, application, item_asking())


@pytest.fixture
def client(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> SharedData:
    partners.control("shared_data", "queries", method="DELETE")
    return _client(partners.config["shared_data"], http, now)


def _client(
    settings: Any,
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    **changed: Any,
) -> SharedData:
    kept = {name: {**each, **changed} for name, each in settings.items()}
    return SharedData(lambda: kept, http, Mint(os.urandom), now)


def refusal(client: SharedData, asked: Query | None = None) -> str:
    with pytest.raises(Unavailable) as refused:
        client.fetch(asked or query())
    assert refused.value.code == "provider_unavailable"
    assert refused.value.detail["provider"] == "population"
    told = json.dumps(refused.value.detail, ensure_ascii=False)
    assert ZHANG.id_no not in told
    assert ZHANG.name not in told
    return str(refused.value.detail["reason"])


def test_a_record_is_fetched_with_what_it_was_asked_for(
    client: SharedData, partners: Sandboxes
) -> None:
    given = client.fetch(query())
    assert given is not None
    document = json.loads(given.document)
    assert document["name"] == ZHANG.name
    assert document["citizen_number"] == ZHANG.id_no
    assert given.ref.startswith("population-")
    assert ZHANG.id_no not in given.ref
    (asked,) = partners.control("shared_data", "queries")["queries"]
    item = item_asking()
    assert asked["purpose"]["item_code"] == item.code
    assert asked["purpose"]["organisation"] == item.organisation.uscc
    assert asked["purpose"]["legal_basis"] == [item.legal_basis[0].zh]
    assert asked["consent"] == {
        "given_by": "application",
        "application": "7H5G3F1D0C84T8RZ6Q0V2M1K9J",
        "given_at": "2026-11-20T02:00:00.000Z",
    }
    assert not asked["again"]


def test_a_company_is_asked_about_by_its_code(client: SharedData) -> None:
    wang = PEOPLE["wang"]
    company = Proven(LEGAL, "USCC", str(wang.corp_uscc), str(wang.corp_name))
    given = client.fetch(
        query(material("business_licence", "market_regulation"), company)
    )
    assert given is not None
    assert json.loads(given.document)["uscc"] == wang.corp_uscc


def record(client: SharedData, wanted: SharedMaterial, person: str) -> Any:
    """The document of one of the people, or of the company; None without one."""
    who = PEOPLE[person]
    about = (
        Proven(LEGAL, "USCC", who.company.uscc, who.company.name)
        if who.company and wanted.provider == "market_regulation"
        else Proven(NATURAL, who.id_type, who.id_no, who.name)
    )
    given = client.fetch(query(wanted, about))
    return None if given is None else json.loads(given.document)


def test_a_fathers_household_lists_his_child(client: SharedData) -> None:
    child = PEOPLE["yan"]
    assert record(client, HOUSEHOLD, "hua")["members"] == [
        {"name": child.name, "citizen_number": child.id_no, "relation": "子女"}
    ]
    assert record(client, HOUSEHOLD, "yan")["citizen_number"] == child.id_no
    assert "members" not in record(client, HOUSEHOLD, "zhang")


@pytest.mark.parametrize(
    ("person", "status", "representative"),
    [
        ("wang", "存续", "秦示例"),
        ("he", "存续", "何示例"),
        ("lv", "存续", "吕示例"),
        ("ended", "注销", "安示例"),
    ],
)
def test_a_business_licence_says_its_status_and_who_represents(
    client: SharedData, person: str, status: str, representative: str
) -> None:
    licence = record(client, material("business_licence", "market_regulation"), person)
    assert licence["uscc"] == PEOPLE[person].corp_uscc
    assert licence["status"] == status
    assert licence["legal_representative"] == representative


def test_the_population_register_knows_who_died(client: SharedData) -> None:
    for code in ("household_registration", "identity_card"):
        kind = material(code, "population")
        assert record(client, kind, "dead")["status"] == "死亡"
        assert "status" not in record(client, kind, "zhang")


def test_a_child_is_not_married_and_a_foreigner_has_no_household(
    client: SharedData,
) -> None:
    assert (
        record(client, material("marriage_certificate", "civil_affairs"), "yan") is None
    )
    for person in ("smith", "tao", "jin"):
        assert record(client, HOUSEHOLD, person) is None


def test_a_stranger_has_no_record(client: SharedData) -> None:
    stranger = replace(OF_ZHANG, number="999999200001010011")
    assert client.fetch(query(about=stranger)) is None


def test_a_record_may_say_its_own_last_day(
    client: SharedData, partners: Sandboxes
) -> None:
    partners.control(
        "shared_data", "faults", {"kind": "expired_record", "path": BY_PROVIDER}
    )
    given = client.fetch(query())
    assert given is not None
    assert given.valid_until == date(2020, 1, 31)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("unsigned_answer", "callback_signature_missing"),
        ("forged_answer", "callback_signature_wrong"),
        ("old_answer", "callback_too_old"),
        ("other_answer", "answer_to_another_question"),
        ("error", "http_503"),
    ],
)
def test_an_answer_that_is_not_the_providers_own_is_no_answer(
    client: SharedData, partners: Sandboxes, fault: str, reason: str
) -> None:
    partners.control(
        "shared_data",
        "faults",
        {"kind": fault, "path": BY_PROVIDER, "status": 503},
    )
    assert refusal(client) == reason


def test_not_found_is_believed_only_when_it_is_signed(
    client: SharedData, partners: Sandboxes
) -> None:
    fault = {"path": BY_PROVIDER, "status": 404}
    partners.control("shared_data", "faults", {"kind": "error", **fault})
    assert refusal(client) == "http_404"
    partners.control("shared_data", "faults", {"kind": "not_found", **fault})
    assert client.fetch(query()) is None


def test_a_lost_answer_is_asked_for_again_and_is_the_same_question(
    client: SharedData, partners: Sandboxes
) -> None:
    fault = {"kind": "lost_answer", "path": BY_PROVIDER}
    partners.control("shared_data", "faults", fault)
    assert client.fetch(query()) is not None
    first, second = partners.control("shared_data", "queries")["queries"]
    assert first["request_id"] == second["request_id"]
    assert [first["again"], second["again"]] == [False, True]


def test_a_number_that_was_used_for_another_question_is_refused(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    kept = partners.config["shared_data"]
    same_number = SharedData(lambda: kept, http, Mint(lambda n: b"\x07" * n), now)
    assert same_number.fetch(query()) is not None
    stranger = replace(OF_ZHANG, number="999999200001010011")
    assert refusal(same_number, query(about=stranger)) == "http_409"


def test_a_provider_that_is_slow_is_left(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    hasty = _client(partners.config["shared_data"], http, now, timeout_seconds=0.3)
    fault = {"kind": "hang", "path": BY_PROVIDER, "seconds": 3, "times": 2}
    partners.control("shared_data", "faults", fault)
    assert refusal(hasty) in {"ReadTimeoutError", "timeout"}


def test_a_provider_that_is_down_is_unavailable(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        down = _client(partners.config["shared_data"], http, now, url=url)
        assert refusal(down) == "NewConnectionError"


def test_a_provider_takes_only_our_own_questions(
    partners: Sandboxes, http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    stranger = _client(partners.config["shared_data"], http, now, request_secret=SECRET)
    assert refusal(stranger) == "http_401"
    yesterday = _client(
        partners.config["shared_data"], http, lambda: now() - timedelta(days=1)
    )
    assert refusal(yesterday) == "http_401"


def test_our_question_is_signed_as_an_independent_judge_reads_it(
    now: Callable[[], datetime], http: urllib3.PoolManager
) -> None:
    with _authority(b"{}") as (url, heard):
        settings = {
            "population": {
                "url": url,
                "request_secret": SECRET,
                "answer_secrets": [SECRET],
            }
        }
        refusal(_client(settings, http, now))
    headers, body = heard[0]
    Webhook(SECRET).verify(body, headers)
    assert json.loads(body)["subject"]["number"] == ZHANG.id_no


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"<xml/>", "answer_unreadable"),
        (b"[]", "answer_unreadable"),
        (b"[" * 20_000, "answer_unreadable"),
        ({}, "answer_unreadable"),
        ({"outcome": "perhaps"}, "answer_unreadable"),
        ({"document": []}, "answer_unreadable"),
        ({"document": {}}, "answer_unreadable"),
        ({"reference": f"person {ZHANG.name}"}, "answer_unreadable"),
        ({"reference": f"r{ZHANG.id_no}"}, "answer_unreadable"),
        ({"valid_until": "tomorrow"}, "answer_unreadable"),
        ({"issued_at": "2026-11-20"}, "answer_unreadable"),
        ({"material": "identity_card"}, "answer_to_another_question"),
        ({"request_id": "SOMETHINGELSE"}, "answer_to_another_question"),
        ({"document": {"a": "x" * LARGEST_ANSWER_BYTES}}, "answer_too_large"),
    ],
)
def test_a_signed_answer_that_says_nonsense_is_no_answer(
    http: urllib3.PoolManager,
    now: Callable[[], datetime],
    said: bytes | dict[str, Any],
    reason: str,
) -> None:
    with _authority(said) as (url, _):
        settings = {
            "population": {
                "url": url,
                "request_secret": SECRET,
                "answer_secrets": [SECRET],
            }
        }
        if said == {}:
            said_nothing = _client(settings, http, now)
            assert said_nothing.fetch(query()) is not None  # the sound one is taken
        else:
            assert refusal(_client(settings, http, now)) == reason


def test_our_own_secret_signs_no_answer(
    http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    theirs = "whsec_" + base64.b64encode(b"another secret of theirs").decode()
    with _authority({}) as (url, _):
        settings = {
            "population": {
                "url": url,
                "request_secret": SECRET,
                "answer_secrets": [theirs],
            }
        }
        assert refusal(_client(settings, http, now)) == "callback_signature_wrong"
        both = _client(settings, http, now, answer_secrets=[theirs, SECRET])
        assert both.fetch(query()) is not None


def test_an_identity_number_is_sent_under_tls_only(
    http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    for url in ("http://population.example", "ftp://population.example", "nowhere"):
        settings = {
            "population": {
                "url": url,
                "request_secret": SECRET,
                "answer_secrets": [SECRET],
            }
        }
        with pytest.raises(GiveUp) as refused:
            _client(settings, http, now).fetch(query())
        assert refused.value.code == "partner_config_invalid"


def test_settings_that_are_incomplete_are_named_and_never_shown(
    http: urllib3.PoolManager, now: Callable[[], datetime]
) -> None:
    client = _client({"population": {"url": "https://p.example"}}, http, now)
    with pytest.raises(GiveUp) as refused:
        client.fetch(query())
    assert refused.value.code == "partner_config_invalid"
    assert "request_secret" in str(refused.value.detail)
    assert refusal(_client({}, http, now)) == "not_connected"


def test_every_provider_of_the_catalogue_has_a_sandbox(partners: Sandboxes) -> None:
    published = read_shared_materials(ROOT / "catalogue").values()
    assert {each.provider for each in published} <= set(PROVIDERS)
    assert set(partners.config["shared_data"]) == set(PROVIDERS)


def test_every_shared_material_of_the_catalogue_is_known_to_its_provider(
    client: SharedData,
) -> None:
    for each in read_shared_materials(ROOT / "catalogue").values():
        nobody = replace(OF_ZHANG, number="999999200001010011")
        assert client.fetch(query(each, nobody)) is None, each.code


def test_a_home_of_before_gets_the_keys_that_it_lacks(tmp_path: Path) -> None:
    first = Keys.kept_in(tmp_path)
    path = tmp_path / "keys.json"
    known = json.loads(path.read_text("utf-8"))
    del known["provider_secrets"]
    path.write_text(json.dumps(known), "utf-8")
    second = Keys.kept_in(tmp_path)
    assert second.mchid == first.mchid
    assert second.api_v3_key == first.api_v3_key
    assert set(second.provider_secrets) == set(PROVIDERS)
    assert Keys.kept_in(tmp_path) == second


@contextmanager
def _authority(
    said: bytes | dict[str, Any],
) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A provider that signs whatever it is told to say."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    heard: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append(({k.lower(): v for k, v in self.headers.items()}, body))
            question = self.headers["webhook-id"]
            content = said
            if isinstance(content, dict):
                sound = {
                    "request_id": question,
                    "material": "household_registration",
                    "outcome": "found",
                    "document": {"name": "张示例"},
                    "reference": "population-1",
                    "issued_at": "2026-11-20T02:00:00Z",
                    "valid_until": None,
                }
                content = json.dumps({**sound, **content}).encode()
            sent_at = datetime.now(UTC)
            signature = Webhook(SECRET).sign(question, sent_at, content.decode())
            self.send_response(200)
            for name, value in (
                ("webhook-id", question),
                ("webhook-timestamp", str(int(sent_at.timestamp()))),
                ("webhook-signature", signature),
                ("Content-Length", str(len(content))),
            ):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", heard
    finally:
        server.shutdown()
        server.server_close()

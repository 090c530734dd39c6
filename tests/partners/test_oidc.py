"""OpenID Connect: the client against the sandbox, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3

from infra.local.partners import PEOPLE, Sandboxes
from infra.local.partners.people import (
    GROUPS,
    STAFF,
    birthday_of_a_ten_year_old,
)
from tests.canary.marks import Marks
from zerotrip.identity.clients.oidc import Claims, OidcConfig, OidcProvider
from zerotrip.identity.model import Level
from zerotrip.kernel.errors import (
    GiveUp,
    Unauthenticated,
    Unavailable,
    ZeroTripError,
)
from zerotrip.kernel.identifiers import (
    IdentityDocument,
    identity_document_of,
    is_uscc,
)


@pytest.fixture
def settings(partners: Sandboxes) -> dict[str, object]:
    return dict(partners.config["identity"]["oidc"])


@pytest.fixture
def provider(settings: dict[str, object], http: urllib3.PoolManager) -> OidcProvider:
    return OidcProvider(OidcConfig.from_json(settings), http)


def log_in(
    partners: Sandboxes, person: str = "zhang", **wish: object
) -> dict[str, Any]:
    """The arguments of `exchange`, as a mini-program or a web page brings them."""
    answer = partners.control("identity", "login", {"person": person} | wish)
    return {
        name: answer[name]
        for name in ("code", "code_verifier", "nonce", "redirect_uri")
    }


def test_a_citizen_signs_in(provider: OidcProvider, partners: Sandboxes) -> None:
    zhang = PEOPLE["zhang"]
    assert provider.exchange(**log_in(partners)) == Claims(
        issuer=partners.url["identity"],
        sub=zhang.sub,
        name="张示例",
        id_type="111",
        id_no=zhang.id_no,
        level=Level.PRESENT,
        kind="natural",
        telephone=zhang.telephone,
    )


def test_an_agent_signs_in_for_a_company(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    claims = provider.exchange(**log_in(partners, "wang"))
    assert (claims.kind, claims.corp_uscc) == ("legal", PEOPLE["wang"].corp_uscc)
    assert claims.corp_name == "示例食品有限公司"


def test_a_representative_signs_in_for_the_company_and_for_herself(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    herself = provider.exchange(**log_in(partners, "qin"))
    for_company = provider.exchange(**log_in(partners, "qin_company"))
    agent = provider.exchange(**log_in(partners, "wang"))
    assert (herself.sub, herself.id_no) == (for_company.sub, for_company.id_no)
    assert (herself.kind, herself.company) == ("natural", None)
    assert for_company.company is not None
    assert agent.company is not None
    assert for_company.company.representative == herself.name
    assert for_company.company.representative_no == herself.id_no
    assert (for_company.company.role, agent.company.role) == ("representative", "agent")
    assert for_company.company.uscc == agent.company.uscc


def test_an_agent_may_sign_in_for_himself(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    himself = provider.exchange(**log_in(partners, "wang_self"))
    agent = provider.exchange(**log_in(partners, "wang"))
    assert (himself.sub, himself.name) == (agent.sub, agent.name)
    assert himself.company is None


def test_an_e_business_licence_lets_an_agent_apply_for_seven_days(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    company = provider.exchange(**log_in(partners, "you")).company
    assert company is not None
    assert (company.source, company.role) == ("e_business_licence", "agent")
    assert company.powers == {"apply"}
    assert company.until is not None
    left = company.until - datetime.now(UTC)
    assert timedelta(days=7, seconds=-60) < left <= timedelta(days=7)


def test_one_agent_may_act_for_two_companies(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    first, second = (
        provider.exchange(**log_in(partners, key)) for key in ("xu_first", "xu_second")
    )
    assert (first.sub, first.id_no) == (second.sub, second.id_no)
    assert first.corp_uscc != second.corp_uscc


@pytest.mark.parametrize(
    ("person", "kind", "status", "role"),
    [
        ("wang", "company", "active", "agent"),
        ("he", "sole_trader", "active", "representative"),
        ("lv", "branch", "active", "representative"),
        ("ended", "company", "deregistered", "agent"),
    ],
)
def test_the_provider_says_what_kind_of_company_it_is_and_whether_it_exists(
    *,
    provider: OidcProvider,
    partners: Sandboxes,
    person: str,
    kind: str,
    status: str,
    role: str,
) -> None:
    company = provider.exchange(**log_in(partners, person)).company
    assert company is not None
    assert (company.kind, company.status, company.role) == (kind, status, role)


@pytest.mark.parametrize(
    ("person", "level"),
    [
        ("shi", Level.DECLARED),
        ("kong", Level.MATCHED),
        ("li", Level.PRESENT),
        ("zhao", Level.STRONG),
    ],
)
def test_people_are_proven_to_different_levels(
    provider: OidcProvider, partners: Sandboxes, person: str, level: Level
) -> None:
    assert provider.exchange(**log_in(partners, person)).level is level


def test_two_accounts_of_one_person_have_one_number(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    first, second = (
        provider.exchange(**log_in(partners, key)) for key in ("cao", "cao_second")
    )
    assert first.sub != second.sub
    assert (first.name, first.id_no) == (second.name, second.id_no)


def test_a_middle_dot_arrives_as_ours_however_the_provider_writes_it(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    assert PEOPLE["achun"].claims()["name"] == "阿依\u2022示例"
    claims = provider.exchange(**log_in(partners, "achun"))
    assert claims.name == PEOPLE["achun"].name == "阿依\u00b7示例"


@pytest.mark.parametrize(
    ("person", "id_type"),
    [("smith", "414"), ("tao", "553"), ("jin", "residence_permit")],
)
def test_people_come_with_other_documents_too(
    provider: OidcProvider, partners: Sandboxes, person: str, id_type: str
) -> None:
    claims = provider.exchange(**log_in(partners, person))
    assert (claims.id_type, claims.id_no) == (id_type, PEOPLE[person].id_no)


def test_a_test_may_bring_people_of_its_own(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    marks = Marks(7)
    claims = provider.exchange(
        **log_in(partners, somebody=marks.at_provider(company=True))
    )
    assert (claims.sub, claims.name) == ("canary-000007", marks.name)
    assert (claims.id_no, claims.level) == (marks.citizen_number, Level.PRESENT)
    assert claims.company is not None
    assert claims.company.uscc == marks.uscc
    alone = provider.exchange(**log_in(partners, somebody=marks.at_provider()))
    assert (alone.kind, alone.company) == ("natural", None)


def test_the_made_up_people_pass_the_checks_of_real_numbers() -> None:
    staff = [each.part.split()[-1] for each in PEOPLE.values() if each.group == STAFF]
    wanted = {"officer": 9, "approver": 1, "auditor": 1, "editor": 3, "legal": 1}
    assert {name: staff.count(name) for name in wanted} == wanted
    others = {
        "jin": (IdentityDocument.RESIDENCE_PERMIT, "83"),
        "smith": (IdentityDocument.PASSPORT, "E"),
        "tao": (IdentityDocument.PERMANENT_RESIDENT_CARD, "9"),
    }
    for person in PEOPLE.values():
        document, begins = others.get(
            person.key, (IdentityDocument.CITIZEN_CARD, "999999")
        )
        assert identity_document_of(person.id_no) is document
        assert person.id_no.startswith(begins)
        assert person.corp_uscc is None or is_uscc(person.corp_uscc)


def test_one_sub_is_one_person_however_many_ways_lead_in() -> None:
    known: dict[str, set[tuple[str, ...]]] = {}
    for person in PEOPLE.values():
        same = (person.name, person.id_no, person.openid, person.telephone)
        known.setdefault(person.sub, set()).add(same)
    assert all(len(people) == 1 for people in known.values())
    assert len({person.openid for person in PEOPLE.values()}) == len(known) - 1


def test_the_minor_is_ten_years_old_on_every_day() -> None:
    for today, born in (
        (date(2026, 5, 31), "20150601"),
        (date(2026, 6, 1), "20160601"),
        (date(2026, 11, 20), "20160601"),
        (date(2028, 2, 29), "20170601"),
    ):
        assert birthday_of_a_ten_year_old(today) == born
    assert [each.key for each in PEOPLE.values() if each.underage] == ["yan"]


def test_the_list_of_people_shows_the_claims_of_each(partners: Sandboxes) -> None:
    listed = {each["person"]: each for each in partners.control("identity", "people")}
    assert listed.keys() == PEOPLE.keys()
    assert listed["he"]["corp_kind"] == "sole_trader"
    assert listed["wang"]["phone_number_verified"] is True
    assert {each["group"] for each in listed.values()} == set(GROUPS)


def test_claims_show_no_name_or_number_when_printed(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    printed = repr(provider.exchange(**log_in(partners)))
    assert "sandbox-000001" in printed
    assert "张示例" not in printed
    assert PEOPLE["zhang"].id_no not in printed


@pytest.mark.parametrize(
    ("variety", "code"),
    [
        ("wrong_nonce", "id_token_nonce_wrong"),
        ("expired", "id_token_expired"),
        ("not_yet", "id_token_not_yet_valid"),
        ("wrong_issuer", "id_token_issuer_wrong"),
        ("wrong_audience", "id_token_audience_wrong"),
        ("wrong_party", "id_token_audience_wrong"),
        ("missing_claim", "id_token_claim_missing"),
        ("alg_none", "id_token_algorithm_wrong"),
        ("hs256", "id_token_algorithm_wrong"),
        ("forged", "id_token_signature_wrong"),
        ("unknown_key", "id_token_key_unknown"),
    ],
)
def test_an_unsound_id_token_is_refused_with_its_own_code(
    provider: OidcProvider, partners: Sandboxes, variety: str, code: str
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        provider.exchange(**log_in(partners, variety=variety))
    assert refused.value.code == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"code": "made-up"},
        {"code_verifier": "x" * 43},
        {"redirect_uri": "https://another.example.invalid/"},
    ],
)
def test_a_code_works_only_with_what_belongs_to_it(
    provider: OidcProvider, partners: Sandboxes, wrong: dict[str, str]
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        provider.exchange(**log_in(partners) | wrong)
    assert refused.value.code == "login_code_refused"


def test_a_code_works_once_and_for_five_minutes(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    login = log_in(partners)
    provider.exchange(**login)
    for arguments in (login, log_in(partners, age_seconds=301)):
        with pytest.raises(Unauthenticated) as refused:
            provider.exchange(**arguments)
        assert refused.value.code == "login_code_refused"


def test_another_persons_nonce_is_refused(
    provider: OidcProvider, partners: Sandboxes
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        provider.exchange(**log_in(partners) | {"nonce": "of-another-session"})
    assert refused.value.code == "id_token_nonce_wrong"


class Clock:
    """Monotonic seconds that a test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class CountingPool(urllib3.PoolManager):
    """Counts what is asked for, by the last part of the path."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def request(self, method: str, url: str, *rest: Any, **more: Any) -> Any:
        self.asked.append(url.rpartition("/")[2])
        return super().request(method, url, *rest, **more)


def test_discovery_and_keys_are_fetched_once(
    settings: dict[str, object], partners: Sandboxes
) -> None:
    pool, clock = CountingPool(), Clock()
    provider = OidcProvider(OidcConfig.from_json(settings), pool, clock)
    for _ in range(3):
        provider.exchange(**log_in(partners))
    assert pool.asked == ["openid-configuration", "token", "jwks", "token", "token"]
    clock.seconds += 601
    provider.exchange(**log_in(partners))
    assert pool.asked[5:] == ["token", "jwks"]


def test_a_new_key_is_found_and_forged_key_ids_cause_no_storm(
    settings: dict[str, object], partners: Sandboxes
) -> None:
    pool, clock = CountingPool(), Clock()
    provider = OidcProvider(OidcConfig.from_json(settings), pool, clock)
    provider.exchange(**log_in(partners))
    partners.control("identity", "new_key", {})
    clock.seconds += 31
    provider.exchange(**log_in(partners))
    assert pool.asked.count("jwks") == 2
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            provider.exchange(**log_in(partners, variety="unknown_key"))
    assert pool.asked.count("jwks") == 2


def test_a_token_without_a_key_id_holds_while_the_provider_has_one_key(
    http: urllib3.PoolManager,
) -> None:
    with Sandboxes() as others:  # nothing rotated their key before
        config = OidcConfig.from_json(others.config["identity"]["oidc"])
        clock = Clock()
        provider = OidcProvider(config, http, clock)
        assert provider.exchange(**log_in(others, variety="no_kid")).sub
        others.control("identity", "new_key", {})
        clock.seconds += 601
        with pytest.raises(Unauthenticated) as refused:
            provider.exchange(**log_in(others, variety="no_kid"))
        assert refused.value.code == "id_token_key_unknown"
        assert provider.exchange(**log_in(others)).sub


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/token", {"kind": "error", "status": 503}),
        ("/token", {"kind": "error", "status": 429}),
        ("/jwks", {"kind": "error", "status": 404}),
        ("/.well-known/openid-configuration", {"kind": "error", "status": 500}),
        ("/token", {"kind": "hang", "seconds": 2}),
        ("/token", {"kind": "lost_answer"}),
    ],
)
def test_a_silent_provider_is_unavailable(
    settings: dict[str, object],
    http: urllib3.PoolManager,
    partners: Sandboxes,
    path: str,
    fault: dict[str, object],
) -> None:
    config = OidcConfig.from_json(settings | {"timeout_seconds": 0.3})
    partners.control("identity", "faults", {"path": path} | fault)
    with pytest.raises(Unavailable) as refused:
        OidcProvider(config, http).exchange(**log_in(partners))
    assert refused.value.code == "identity_provider_unavailable"


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        (lambda _: {"client_secret": "x"}, GiveUp, "identity_provider_misconfigured"),
        (
            # The same server by another name: its discovery names another issuer.
            lambda s: {"issuer": s["issuer"].replace("127.0.0.1", "localhost")},
            GiveUp,
            "identity_provider_misconfigured",
        ),
        (
            lambda _: {"algorithms": ["RS256"]},
            Unauthenticated,
            "id_token_algorithm_wrong",
        ),
    ],
)
def test_wrong_settings_are_told_apart(
    *,
    settings: dict[str, object],
    http: urllib3.PoolManager,
    partners: Sandboxes,
    change: Callable[[dict[str, Any]], dict[str, object]],
    error: type[ZeroTripError],
    code: str,
) -> None:
    provider = OidcProvider(OidcConfig.from_json(settings | change(settings)), http)
    with pytest.raises(error) as refused:
        provider.exchange(**log_in(partners))
    assert refused.value.code == code


def test_a_person_at_a_browser_gets_a_code(
    settings: dict[str, Any],
    provider: OidcProvider,
    partners: Sandboxes,
    http: urllib3.PoolManager,
) -> None:
    # RFC 7636, appendix B: verifier and challenge.
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    query = {
        "response_type": "code",
        "client_id": settings["client_id"],
        "redirect_uri": "https://h5.example.invalid/in?a=1",
        "state": "s-1",
        "nonce": "n-1",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    base = partners.url["identity"]
    page = http.request("GET", f"{base}/authorize", fields=query)
    assert page.status == 200
    text = page.data.decode()
    assert all(f"/authorize/{key}?" in text for key in PEOPLE)
    assert all(person.name in text for person in PEOPLE.values())
    assert all(group in text for group in GROUPS)
    chosen = http.request(
        "GET", f"{base}/authorize/li", fields=query, redirect=False
    ).headers["Location"]
    answer = parse_qs(urlsplit(chosen).query)
    assert (answer["a"], answer["state"]) == (["1"], ["s-1"])
    claims = provider.exchange(
        answer["code"][0], verifier, "n-1", query["redirect_uri"]
    )
    assert (claims.sub, claims.level) == (PEOPLE["li"].sub, Level.PRESENT)


def test_the_sign_in_page_insists_on_pkce(
    settings: dict[str, Any], partners: Sandboxes, http: urllib3.PoolManager
) -> None:
    query = {
        "response_type": "code",
        "client_id": settings["client_id"],
        "redirect_uri": "https://h5.example.invalid/",
        "nonce": "n-1",
    }
    page = http.request("GET", f"{partners.url['identity']}/authorize", fields=query)
    assert (page.status, page.json()) == (400, {"error": "invalid_request"})

"""What an id_token says of a person and of a company, in our words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from zerotrip.identity.clients.oidc import (
    Claims,
    CompanyClaims,
    OidcConfig,
    OidcProvider,
)
from zerotrip.identity.model import Level
from zerotrip.kernel.errors import GiveUp, Unauthenticated

ISSUER = "https://idp.example"
CLIENT = "zerotrip"
NUMBER = "11010519491231002X"  # the standard's own example
USCC = "91999999MA00000079"
ITEM = "12441500196720244T3442199806003"
KEY = ec.derive_private_key(7, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(8, ec.SECP256R1())
LARGE_KEY = ec.derive_private_key(7, ec.SECP384R1())
PERSON = {
    "sub": "idp-zhang",
    "name": "张示例",
    "id_type": "111",
    "id_no": NUMBER,
    "level": "L3",
    "kind": "natural",
}
AGENT = PERSON | {
    "kind": "legal",
    "corp_name": "示例食品有限公司",
    "corp_uscc": USCC,
}


def jwk(
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY, **more: Any
) -> dict[str, Any]:
    """The public half as a key set has it."""
    kinds = jwt.algorithms
    kind = (
        kinds.ECAlgorithm
        if isinstance(key, ec.EllipticCurvePrivateKey)
        else kinds.RSAAlgorithm
    )
    return dict(kind.to_jwk(key.public_key(), as_dict=True)) | more


@dataclass
class Answer:
    """What a pool answers."""

    body: Any
    status: int = 200

    @property
    def data(self) -> bytes:
        return json.dumps(self.body).encode()


@dataclass
class Provider:
    """A provider in memory: answers by the path, counts how often it gave its keys."""

    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk()])
    id_token: str = ""
    key_sets_given: int = 0

    def request(self, method: str, url: str, **_: Any) -> Answer:
        match url.rpartition("/")[2]:
            case "openid-configuration":
                places = {"token_endpoint": "/token", "jwks_uri": "/jwks"}
                found = {name: ISSUER + path for name, path in places.items()}
                return Answer({"issuer": ISSUER} | found)
            case "token":
                return Answer({"id_token": self.id_token})
            case _:
                self.key_sets_given += 1
                return Answer({"keys": self.keys})


class Clock:
    """Monotonic seconds that a test moves."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class World:
    """Our client, and a provider whose next id_token a test chooses."""

    def __init__(self, **settings: Any) -> None:
        self.provider = Provider()
        self.clock = Clock()
        config = {"issuer": ISSUER, "client_id": CLIENT, "client_secret": "secret"}
        self.client = OidcProvider(
            OidcConfig.from_json(config | settings),
            self.provider,  # type: ignore[arg-type]
            self.clock,
        )

    def signs_in(
        self,
        claims: dict[str, Any] = PERSON,
        *,
        key: Any = KEY,
        algorithm: str = "ES256",
        **header: Any,
    ) -> Claims:
        now = int(datetime.now(UTC).timestamp())
        frame = {"iss": ISSUER, "aud": CLIENT, "nonce": "n", "iat": now}
        self.provider.id_token = jwt.encode(
            claims | frame | {"exp": now + 300},
            key,
            algorithm=algorithm,
            headers=header,
        )
        return self.client.exchange("code", "verifier", "n", "https://r.example")

    def company(self, **claims: Any) -> CompanyClaims:
        company = self.signs_in(AGENT | claims).company
        assert company is not None
        return company

    def refused_with(self, signs_in: Callable[[], object]) -> str:
        with pytest.raises(Unauthenticated) as refused:
            signs_in()
        return refused.value.code


@pytest.fixture
def world() -> World:
    return World()


# Keys


def test_a_token_that_names_no_key_is_taken_from_a_provider_with_one_key(
    world: World,
) -> None:
    assert world.signs_in().sub == "idp-zhang"
    world.provider.keys = [jwk(kid="one", use="sig", alg="ES256")]
    world.clock.seconds += 601
    assert world.signs_in().sub == "idp-zhang"


@pytest.mark.parametrize(
    "beside",
    [
        jwk(OTHER_KEY, use="enc"),
        jwk(OTHER_KEY, alg="ES384"),
        jwk(LARGE_KEY),
        jwk(LARGE_KEY, alg="ES256"),
        jwk(rsa.generate_private_key(65537, 2048)),
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "EC", "crv": "SM2", "x": "AA", "y": "AA"},
    ],
)
def test_keys_that_do_not_fit_the_algorithm_do_not_make_it_ambiguous(
    world: World, beside: dict[str, Any]
) -> None:
    world.provider.keys = [beside, jwk()]
    assert world.signs_in().sub == "idp-zhang"


@pytest.mark.parametrize(
    "names", [({}, {}), ({"kid": "a"}, {"kid": "b"}), ({}, {"kid": "b"})]
)
def test_of_several_fitting_keys_none_is_chosen(
    world: World, names: tuple[dict[str, str], dict[str, str]]
) -> None:
    world.provider.keys = [jwk(KEY, **names[0]), jwk(OTHER_KEY, **names[1])]
    assert world.refused_with(world.signs_in) == "id_token_key_unknown"


def test_a_token_that_names_a_key_is_not_checked_with_a_nameless_one(
    world: World,
) -> None:
    for kid in ("one", ""):
        refused = world.refused_with(lambda kid=kid: world.signs_in(kid=kid))
        assert refused == "id_token_key_unknown"


def test_another_signer_without_a_key_id_is_refused(world: World) -> None:
    refused = world.refused_with(lambda: world.signs_in(key=OTHER_KEY))
    assert refused == "id_token_signature_wrong"


def test_an_algorithm_that_is_not_ours_is_refused_before_any_key_is_asked_for(
    world: World,
) -> None:
    refused = world.refused_with(
        lambda: world.signs_in(key="x" * 32, algorithm="HS256")
    )
    assert refused == "id_token_algorithm_wrong"
    assert world.provider.key_sets_given == 0


def test_without_a_key_id_the_keys_are_kept_for_ten_minutes(world: World) -> None:
    for _ in range(3):
        world.signs_in()
        world.clock.seconds += 200
    assert world.provider.key_sets_given == 1
    world.clock.seconds += 1
    world.signs_in()
    assert world.provider.key_sets_given == 2


def test_a_second_key_that_went_is_noticed_after_thirty_seconds(world: World) -> None:
    world.provider.keys = [jwk(KEY), jwk(OTHER_KEY)]
    for _ in range(3):
        assert world.refused_with(world.signs_in) == "id_token_key_unknown"
        world.clock.seconds += 10
    assert world.provider.key_sets_given == 1
    world.provider.keys = [jwk()]
    world.clock.seconds += 1
    assert world.signs_in().sub == "idp-zhang"
    assert world.provider.key_sets_given == 2


def test_a_nameless_key_that_was_replaced_is_noticed_by_its_signature(
    world: World,
) -> None:
    world.signs_in()
    world.provider.keys = [jwk(OTHER_KEY)]
    refused = world.refused_with(lambda: world.signs_in(key=OTHER_KEY))
    assert refused == "id_token_signature_wrong"
    world.clock.seconds += 31
    assert world.signs_in(key=OTHER_KEY).sub == "idp-zhang"
    assert world.provider.key_sets_given == 2


def test_forged_tokens_without_a_key_id_cause_no_storm(world: World) -> None:
    for _ in range(5):
        world.refused_with(lambda: world.signs_in(key=OTHER_KEY))
        world.clock.seconds += 5
    assert world.provider.key_sets_given == 1


# Levels and documents


@pytest.mark.parametrize(
    ("said", "level"),
    [
        ("L1", Level.DECLARED),
        ("L2", Level.MATCHED),
        ("L3", Level.PRESENT),
        ("L4", Level.STRONG),
        ("L5", Level.DECLARED),
        ("present", Level.DECLARED),
    ],
)
def test_a_level_becomes_one_of_our_words_and_an_unknown_one_the_lowest(
    world: World, said: str, level: Level
) -> None:
    assert world.signs_in(PERSON | {"level": said}).level is level


def test_a_province_numbers_its_levels_as_it_likes() -> None:
    world = World(levels={"3": "matched", "4": "present", "5": "strong"})
    assert world.signs_in(PERSON | {"level": "4"}).level is Level.PRESENT
    assert world.signs_in(PERSON | {"level": "L4"}).level is Level.DECLARED


def test_the_standards_own_level_claim_is_read_where_ours_is_absent(
    world: World,
) -> None:
    without = {name: claim for name, claim in PERSON.items() if name != "level"}
    assert world.signs_in(without | {"acr": "L2"}).level is Level.MATCHED
    assert world.signs_in(PERSON | {"acr": "L4"}).level is Level.PRESENT
    refused = world.refused_with(lambda: world.signs_in(without))
    assert refused == "id_token_claim_missing"


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": {"L1": "certain"}},
        {"levels": {"L1": "L1"}},
        {"levels": {"L1": 1}},
        {"levels": {"L1": ["declared"]}},
        {"levels": ["declared"]},
        {"id_types": {"01": 111}},
        {"id_types": {"01": ""}},
        {"id_types": "111"},
    ],
)
def test_a_wrong_table_is_refused_when_the_settings_are_read(
    wrong: dict[str, Any],
) -> None:
    with pytest.raises(GiveUp) as refused:
        World(**wrong)
    assert refused.value.code == "partner_config_invalid"
    assert "certain" not in str(refused.value.detail)


def test_a_kind_of_document_becomes_the_code_that_we_keep() -> None:
    world = World(id_types={"01": "111", "03": "414"})
    assert world.signs_in(PERSON | {"id_type": "03"}).id_type == "414"
    assert world.signs_in(PERSON | {"id_type": "553"}).id_type == "553"


# The person


def test_names_and_numbers_have_one_writing_from_here_on(world: World) -> None:
    said = {
        "name": " 阿依\u2022示例",
        "id_no": "１１０１０５１９４９１２３１００２x ",
    }
    claims = world.signs_in(PERSON | said)
    assert (claims.name, claims.id_no) == ("阿依\u00b7示例", NUMBER)


@pytest.mark.parametrize(
    ("said", "telephone"),
    [
        ({"phone_number": "13800000001", "phone_number_verified": True}, "13800000001"),
        (
            {"phone_number": " +8613800000001", "phone_number_verified": True},
            "13800000001",
        ),
        (
            {"phone_number": "+86 13800000001", "phone_number_verified": True},
            "13800000001",
        ),
        ({"phone_number": "13800000001", "phone_number_verified": False}, None),
        ({"phone_number": "13800000001"}, None),
        ({"phone_number": "02012345678", "phone_number_verified": True}, None),
        ({"phone_number": "+1 202 555 0100", "phone_number_verified": True}, None),
        ({"phone_number_verified": True}, None),
        ({}, None),
    ],
)
def test_a_telephone_counts_only_when_the_provider_verified_it(
    world: World, said: dict[str, Any], telephone: str | None
) -> None:
    assert world.signs_in(PERSON | said).telephone == telephone


@pytest.mark.parametrize("claim", ["name", "id_type", "id_no", "level", "kind"])
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "id_token_claim_missing"),
        ("", "id_token_claim_missing"),
        (" ", "id_token_claim_missing"),
        (3, "id_token_claim_invalid"),
        (["L3"], "id_token_claim_invalid"),
    ],
)
def test_a_claim_that_must_be_there_is_a_text(
    world: World, claim: str, value: object, code: str
) -> None:
    refused = world.refused_with(lambda: world.signs_in(PERSON | {claim: value}))
    assert refused == code


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_number": 13800000001},
        {"phone_number": "13800000001", "phone_number_verified": "true"},
    ],
)
def test_a_telephone_of_another_type_is_refused(
    world: World, wrong: dict[str, Any]
) -> None:
    refused = world.refused_with(lambda: world.signs_in(PERSON | wrong))
    assert refused == "id_token_claim_invalid"


# The company


def test_a_provider_that_says_little_means_an_agent_for_everything(
    world: World,
) -> None:
    assert world.company() == CompanyClaims(
        name="示例食品有限公司",
        uscc=USCC,
        kind="company",
        status="active",
        representative=None,
        representative_no=None,
        role="agent",
        powers=frozenset({"all"}),
        items=None,
        source="provider",
        until=None,
    )


def test_all_that_a_provider_says_of_a_company_is_read(world: World) -> None:
    said = {
        "corp_kind": "branch",
        "corp_status": "deregistered",
        "corp_representative": "秦\u2027示例 ",
        "corp_representative_no": "11010519491231002x",
        "corp_role": "manager",
        "corp_powers": ["apply", "pay", "apply"],
        "corp_items": [ITEM],
        "corp_authority_source": "e_business_licence",
        "corp_authority_until": 1_800_000_000,
    }
    assert world.company(**said) == CompanyClaims(
        name="示例食品有限公司",
        uscc=USCC,
        kind="branch",
        status="deregistered",
        representative="秦·示例",
        representative_no=NUMBER,
        role="manager",
        powers=frozenset({"apply", "pay"}),
        items=(ITEM,),
        source="e_business_licence",
        until=datetime(2027, 1, 15, 8, tzinfo=UTC),
    )


def test_a_code_that_begins_with_92_is_a_sole_traders(world: World) -> None:
    assert world.company(corp_uscc="92999999MA00000010").kind == "sole_trader"
    said = {"corp_uscc": "92999999MA00000010", "corp_kind": "company"}
    assert world.company(**said).kind == "company"


def test_who_has_the_representatives_number_is_the_representative(
    world: World,
) -> None:
    assert world.company(corp_representative_no=NUMBER.lower()).role == "representative"
    assert world.company(corp_representative_no="999999199001010016").role == "agent"
    said = {"corp_representative_no": NUMBER, "corp_role": "agent"}
    assert world.company(**said).role == "agent"


def test_a_natural_person_has_no_company_whatever_else_is_said(world: World) -> None:
    claims = world.signs_in(AGENT | {"kind": "natural", "corp_powers": "broken"})
    assert (claims.company, claims.corp_name, claims.corp_uscc) == (None, None, None)


def test_a_company_without_a_code_is_left_to_the_sign_in_to_refuse(
    world: World,
) -> None:
    for absent in (None, "", " "):
        assert world.signs_in(AGENT | {"corp_uscc": absent}).company is None


def test_a_company_without_a_name_is_refused(world: World) -> None:
    refused = world.refused_with(lambda: world.signs_in(AGENT | {"corp_name": None}))
    assert refused == "id_token_claim_missing"


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("corp_name", 1),
        ("corp_uscc", ["91999999MA00000079"]),
        ("corp_kind", "club"),
        ("corp_kind", True),
        ("corp_status", "suspended"),
        ("corp_representative", {"name": "秦示例"}),
        ("corp_representative_no", 11010519491231002),
        ("corp_role", "owner"),
        ("corp_powers", "all"),
        ("corp_powers", []),
        ("corp_powers", ["apply", "sell"]),
        ("corp_powers", [1]),
        ("corp_powers", {"apply": True}),
        ("corp_items", ITEM),
        ("corp_items", []),
        ("corp_items", [ITEM, "12"]),
        ("corp_items", [None]),
        ("corp_authority_source", "hearsay"),
        ("corp_authority_until", "1800000000"),
        ("corp_authority_until", True),
        ("corp_authority_until", 1.5),
        ("corp_authority_until", 1_800_000_000_000_000),
        ("corp_authority_until", 10**30),
    ],
)
def test_a_malformed_claim_of_a_company_is_refused_with_its_own_code(
    world: World, claim: str, value: object
) -> None:
    refused = world.refused_with(lambda: world.signs_in(AGENT | {claim: value}))
    assert refused == "id_token_claim_invalid"


def test_claims_show_nothing_personal_when_printed(world: World) -> None:
    said = {
        "corp_representative": "秦示例",
        "corp_representative_no": "999999199001010016",
        "phone_number": "13800000001",
        "phone_number_verified": True,
    }
    printed = repr(world.signs_in(AGENT | said))
    assert "idp-zhang" in printed
    for personal in (
        *("张示例", NUMBER, "秦示例", "999999199001010016", "13800000001"),
        "示例食品有限公司",
    ):
        assert personal not in printed

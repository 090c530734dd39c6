"""An OpenID Connect provider: authorization code with PKCE, nonce, signed id_token.

Sources: OpenID Connect Core 1.0 (3.1.3, 5.1, 10.1), Discovery 1.0, RFC 7636, RFC 8725.
`phone_number`, `phone_number_verified` and `acr` are the standard's claims. Those about
identity documents and companies are our own names: provinces differ, an adapter maps.

    id_type, id_no, level, kind     the person, `kind` natural or legal
    corp_name, corp_uscc            the company for which the person signs in (legal)
    corp_kind                       company | sole_trader | branch
    corp_status                     active | deregistered
    corp_representative, corp_representative_no
                                    name and number of its 法定代表人、负责人 or 经营者
    corp_role                       representative | manager | agent
    corp_powers                     a list of apply, pay, receive, all
    corp_items                      a list of item codes; absent: every item
    corp_authority_source           provider | e_business_licence
    corp_authority_until            Unix seconds; absent: no end is known
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import urllib3

from zerotrip.identity.model import Level
from zerotrip.kernel.configuration import PartnerSettings, error_code
from zerotrip.kernel.errors import GiveUp, Unauthenticated, Unavailable
from zerotrip.kernel.identifiers import ITEM_CODE, TELEPHONE
from zerotrip.kernel.names import normalised_name, normalised_number

# A key id that we do not know asks the provider again, but not more often than this.
_KEYS_MIN_AGE_SECONDS = 30.0
_REQUIRED = ["exp", "iat", "iss", "aud", "sub", "nonce"]
# Most special first: the first match names what was wrong with the id_token.
_TOKEN_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "id_token_expired"),
    (jwt.ImmatureSignatureError, "id_token_not_yet_valid"),
    (jwt.InvalidIssuerError, "id_token_issuer_wrong"),
    (jwt.InvalidAudienceError, "id_token_audience_wrong"),
    (jwt.InvalidAlgorithmError, "id_token_algorithm_wrong"),
    (jwt.InvalidSignatureError, "id_token_signature_wrong"),
    (jwt.MissingRequiredClaimError, "id_token_claim_missing"),
    (jwt.PyJWTError, "id_token_unreadable"),
)


_LEVELS = {
    "L1": Level.DECLARED,
    "L2": Level.MATCHED,
    "L3": Level.PRESENT,
    "L4": Level.STRONG,
}
_COMPANY_KINDS = frozenset({"company", "sole_trader", "branch"})
_COMPANY_STATUSES = frozenset({"active", "deregistered"})
_COMPANY_ROLES = frozenset({"representative", "manager", "agent"})
_COMPANY_POWERS = frozenset({"apply", "pay", "receive", "all"})
_AUTHORITY_SOURCES = frozenset({"provider", "e_business_licence"})
# GB 32100: 9 is the market regulator, 2 a sole trader (个体工商户).
_USCC_OF_SOLE_TRADERS = "92"


@dataclass(frozen=True, slots=True)
class OidcConfig(PartnerSettings):
    """The provider's issuer URL, our client there, and how its codes are read.

    `levels`: the provider's levels to our words (`identity.model.Level`); a level that
    is not listed counts as `declared`. `id_types`: its kinds of documents to the codes
    that we keep; one that is not listed is kept as it came. Of GA/T 2000.156: 111
    resident identity card, 414 ordinary passport, 553 permanent residence card of
    foreigners; [U] the code of the residence permits of Hong Kong, Macao and Taiwan
    residents. Raises ValueError for a word that is no level.
    """

    partner_zh = "统一身份认证"
    partner_en = "the identity provider"

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    algorithms: Sequence[str] = ("ES256",)
    timeout_seconds: float = 3.0
    keys_max_age_seconds: float = 600.0
    levels: Mapping[str, str] = field(default_factory=lambda: dict(_LEVELS))
    id_types: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuses a table that would be read wrongly at each sign-in."""
        words = frozenset(Level)
        if not _is_table(self.levels) or not words.issuperset(self.levels.values()):
            raise ValueError(f"levels maps to words other than {', '.join(Level)}")
        if not _is_table(self.id_types):
            raise ValueError("id_types maps to something other than codes")


@dataclass(frozen=True, slots=True)
class CompanyClaims:
    """The company for which a person signs in, and what the person may do for it.

    `kind` company, sole_trader or branch; `status` active or deregistered; `role`
    representative, manager or agent; `powers` of apply, pay, receive, all; `items` are
    item codes, None for every item; `source` provider or e_business_licence; `until`
    (UTC) is None where the provider names no end.
    """

    name: str = field(repr=False)
    uscc: str
    kind: str
    status: str
    representative: str | None = field(repr=False)
    representative_no: str | None = field(repr=False)
    role: str
    powers: frozenset[str]
    items: tuple[str, ...] | None
    source: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider vouches for; `kind` natural or legal.

    For `legal` the person is the company's agent or representative, and `company` is
    None where the provider gave no USCC. Names and numbers are normalised
    (`kernel.names`). `telephone` has 11 digits and was verified by the provider.
    """

    issuer: str
    sub: str
    name: str = field(repr=False)
    id_type: str
    id_no: str = field(repr=False)
    level: Level
    kind: str
    telephone: str | None = field(default=None, repr=False)
    company: CompanyClaims | None = None

    @property
    def corp_name(self) -> str | None:
        """The company's name."""
        return None if self.company is None else self.company.name

    @property
    def corp_uscc(self) -> str | None:
        """The company's unified social credit code, as the provider gave it."""
        return None if self.company is None else self.company.uscc


class OidcProvider:
    """Exchanges an authorization code; discovery and keys are kept between calls."""

    def __init__(
        self,
        config: OidcConfig,
        http: urllib3.PoolManager,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._http = http
        self._monotonic = monotonic
        self._metadata: dict[str, Any] | None = None
        self._keys: list[jwt.PyJWK] = []
        self._keys_fetched_at = float("-inf")

    def exchange(
        self, code: str, code_verifier: str, nonce: str, redirect_uri: str
    ) -> Claims:
        """The person behind a code, if verifier, nonce and redirect belong to it.

        Raises Unauthenticated with a code per fault, Unavailable when the provider
        does not answer, GiveUp when it does not know our client.
        """
        credentials = (self._config.client_id, self._config.client_secret)
        status, answer = self._ask(
            "POST",
            self._endpoint("token_endpoint"),
            fields={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect_uri,
                "code_verifier": code_verifier,
            },
            # RFC 6749 2.3.1: each part is form-encoded before it is joined.
            basic_auth=":".join(quote(part, safe="") for part in credentials),
        )
        if status != HTTPStatus.OK:
            raise _token_refusal(str(answer.get("error", "")))
        return self._claims(self._verified(str(answer.get("id_token", "")), nonce))

    def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        try:
            header = jwt.get_unverified_header(id_token)
            try:
                claims = self._decoded(id_token, self._key(header))
            except jwt.InvalidSignatureError:
                # A token that names no key shows only by its signature that the
                # provider's key is another one now.
                if "kid" in header or not self._keys_older_than(_KEYS_MIN_AGE_SECONDS):
                    raise
                self._fetch_keys()
                claims = self._decoded(id_token, self._key(header))
        except jwt.PyJWTError as wrong:
            raise _unauthenticated(
                next(code for kind, code in _TOKEN_FAULTS if isinstance(wrong, kind))
            ) from wrong
        if claims["nonce"] != nonce:
            raise _unauthenticated("id_token_nonce_wrong")
        # Core 3.1.3.7: `azp` must name us when it is there.
        if claims.get("azp", self._config.client_id) != self._config.client_id:
            raise _unauthenticated("id_token_audience_wrong")
        return claims

    def _decoded(self, id_token: str, key: jwt.PyJWK) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key=key,
            # Pinned: the header alone would allow `none`, or HMAC with our key.
            algorithms=list(self._config.algorithms),
            audience=self._config.client_id,
            issuer=self._config.issuer,
            leeway=5,
            options={"require": _REQUIRED},
        )
        return claims

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        id_type = _required(claims, "id_type")
        id_no = normalised_number(_required(claims, "id_no"))
        kind = _required(claims, "kind")
        # `acr` is the standard's own claim for a level (Core 2).
        claimed_level = "acr" if claims.get("level") is None else "level"
        level = self._config.levels.get(
            _required(claims, claimed_level), Level.DECLARED
        )
        return Claims(
            issuer=claims["iss"],
            sub=claims["sub"],
            name=normalised_name(_required(claims, "name")),
            id_type=self._config.id_types.get(id_type, id_type),
            id_no=id_no,
            level=Level(level),
            kind=kind,
            telephone=_telephone(claims),
            company=_company(claims, id_no) if kind == "legal" else None,
        )

    def _key(self, header: Mapping[str, Any]) -> jwt.PyJWK:
        """The key that a token names; without a name, the only one that fits it."""
        if header.get("alg") not in self._config.algorithms:
            raise jwt.InvalidAlgorithmError("not one of ours")
        key = self._known_key(header)
        max_age_seconds = (
            _KEYS_MIN_AGE_SECONDS if key is None else self._config.keys_max_age_seconds
        )
        if self._keys_older_than(max_age_seconds):
            self._fetch_keys()
            key = self._known_key(header)
        if key is None:
            raise _unauthenticated("id_token_key_unknown")
        return key

    def _known_key(self, header: Mapping[str, Any]) -> jwt.PyJWK | None:
        if "kid" in header:
            named = [key for key in self._keys if key.key_id == header["kid"]]
            return named[-1] if named else None
        # Core 10.1: a key id is needed only where the provider has several keys.
        fitting = [key for key in self._keys if _fits(key, header["alg"])]
        return fitting[0] if len(fitting) == 1 else None

    def _keys_older_than(self, seconds: float) -> bool:
        return self._monotonic() - self._keys_fetched_at > seconds

    def _fetch_keys(self) -> None:
        status, answer = self._ask("GET", self._endpoint("jwks_uri"))
        if status != HTTPStatus.OK:
            raise _unavailable("jwks_refused")
        self._keys = jwt.PyJWKSet.from_dict(answer).keys
        self._keys_fetched_at = self._monotonic()

    def _endpoint(self, name: str) -> str:
        if self._metadata is None:
            url = f"{self._config.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, answer = self._ask("GET", url)
            if status != HTTPStatus.OK:
                raise _unavailable("discovery_refused")
            # Discovery 4.3: must be identical, or another issuer's keys would count.
            if answer.get("issuer") != self._config.issuer:
                raise _misconfigured("issuer_differs")
            self._metadata = answer
        if not isinstance(self._metadata.get(name), str):
            raise _misconfigured(f"{name}_missing")
        return str(self._metadata[name])

    def _ask(
        self,
        method: str,
        url: str,
        *,
        fields: Mapping[str, str] | None = None,
        basic_auth: str = "",
    ) -> tuple[int, dict[str, Any]]:
        headers = {"Accept": "application/json"}
        if basic_auth:
            headers |= urllib3.make_headers(basic_auth=basic_auth)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            answer = self._http.request(
                method,
                url,
                body=urlencode(fields) if fields else None,
                headers=headers,
                timeout=self._config.timeout_seconds,
                retries=False,
                redirect=False,
            )
            if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise _unavailable(f"http_{answer.status}")
            if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise _unavailable("rate_limited")
            body = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError) as passing:
            raise _unavailable(type(passing).__name__) from None
        if not isinstance(body, dict):
            raise _unavailable("not_an_object")
        return answer.status, body


def _fits(key: jwt.PyJWK, algorithm: str) -> bool:
    """Whether a key may have signed with the algorithm.

    A key that names no algorithm counts for the usual one of its kind and curve.
    """
    if key.public_key_use not in (None, "sig") or key.algorithm_name != algorithm:
        return False
    try:
        key.Algorithm.prepare_key(key.key)  # the curve that belongs to the algorithm
    except jwt.InvalidKeyError:
        return False
    return True


def _is_table(value: object) -> bool:
    """Whether it maps texts to texts that are not empty."""
    return isinstance(value, Mapping) and all(
        isinstance(code, str) and isinstance(word, str) and word
        for code, word in value.items()
    )


def _telephone(claims: Mapping[str, Any]) -> str | None:
    """A number that the provider verified, as 11 digits; None for any other."""
    number = _optional(claims, "phone_number")
    verified = claims.get("phone_number_verified")
    if verified is not None and not isinstance(verified, bool):
        raise _unauthenticated("id_token_claim_invalid")
    if number is None or not verified:
        return None
    digits = normalised_number(number).removeprefix("+86").strip()
    return digits if TELEPHONE.fullmatch(digits) else None


def _company(claims: Mapping[str, Any], agents_number: str) -> CompanyClaims | None:
    """The claims of a company; what the provider leaves out gets its usual value."""
    claimed_code = _optional(claims, "corp_uscc")
    if claimed_code is None:
        return None
    uscc = normalised_number(claimed_code)
    of_sole_trader = uscc.startswith(_USCC_OF_SOLE_TRADERS)
    representative = _optional(claims, "corp_representative")
    claimed_number = _optional(claims, "corp_representative_no")
    number = None if claimed_number is None else normalised_number(claimed_number)
    return CompanyClaims(
        name=normalised_name(_required(claims, "corp_name")),
        uscc=uscc,
        kind=_one_of(
            claims,
            "corp_kind",
            _COMPANY_KINDS,
            "sole_trader" if of_sole_trader else "company",
        ),
        status=_one_of(claims, "corp_status", _COMPANY_STATUSES, "active"),
        representative=(
            None if representative is None else normalised_name(representative)
        ),
        representative_no=number,
        role=_one_of(
            claims,
            "corp_role",
            _COMPANY_ROLES,
            "representative" if number == agents_number else "agent",
        ),
        powers=_powers(claims),
        items=_items(claims),
        source=_one_of(claims, "corp_authority_source", _AUTHORITY_SOURCES, "provider"),
        until=_until(claims),
    )


def _powers(claims: Mapping[str, Any]) -> frozenset[str]:
    named = _list(claims, "corp_powers")
    if named is None:
        return frozenset({"all"})
    if not _COMPANY_POWERS.issuperset(named):
        raise _unauthenticated("id_token_claim_invalid")
    return frozenset(named)


def _items(claims: Mapping[str, Any]) -> tuple[str, ...] | None:
    codes = _list(claims, "corp_items")
    if codes is None:
        return None
    if not all(ITEM_CODE.fullmatch(code) for code in codes):
        raise _unauthenticated("id_token_claim_invalid")
    return tuple(codes)


def _until(claims: Mapping[str, Any]) -> datetime | None:
    until = claims.get("corp_authority_until")
    if until is None:
        return None
    if isinstance(until, bool) or not isinstance(until, int):
        raise _unauthenticated("id_token_claim_invalid")
    try:
        return datetime.fromtimestamp(until, UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise _unauthenticated("id_token_claim_invalid") from error


def _required(claims: Mapping[str, Any], name: str) -> str:
    text = _optional(claims, name)
    if text is None:
        raise _unauthenticated("id_token_claim_missing")
    return text


def _optional(claims: Mapping[str, Any], name: str) -> str | None:
    """A text; None where it is absent, null or blank."""
    text = claims.get(name)
    if text is not None and not isinstance(text, str):
        raise _unauthenticated("id_token_claim_invalid")
    return text if text and text.strip() else None


def _one_of(
    claims: Mapping[str, Any], name: str, words: frozenset[str], absent: str
) -> str:
    word = _optional(claims, name)
    if word is not None and word not in words:
        raise _unauthenticated("id_token_claim_invalid")
    return word or absent


def _list(claims: Mapping[str, Any], name: str) -> list[str] | None:
    """Texts; None where there is no list. An empty one is refused: it says nothing."""
    texts = claims.get(name)
    if texts is None:
        return None
    if (
        not isinstance(texts, list)
        or not texts
        or not all(isinstance(text, str) for text in texts)
    ):
        raise _unauthenticated("id_token_claim_invalid")
    return texts


def _token_refusal(error: str) -> Unauthenticated | GiveUp:
    if error == "invalid_grant":
        return _unauthenticated("login_code_refused")
    return _misconfigured(error_code(error) if error else "token_refused")


def _unauthenticated(code: str) -> Unauthenticated:
    return Unauthenticated(
        code,
        "身份核验未通过，请重新登录。",
        "The identity check did not hold; please sign in again.",
    )


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "identity_provider_unavailable",
        "统一身份认证暂时没有响应，请稍后再试。",
        "The identity provider does not answer; please try again shortly.",
        detail={"reason": reason},
    )


def _misconfigured(reason: str) -> GiveUp:
    return GiveUp(
        "identity_provider_misconfigured",
        "统一身份认证的配置有误，已通知运维人员。",
        "The identity provider is misconfigured; the operators are told.",
        detail={"reason": reason},
    )

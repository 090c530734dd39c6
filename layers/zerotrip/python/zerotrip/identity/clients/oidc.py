"""An OpenID Connect provider: authorization code with PKCE, nonce, signed id_token.

Sources: OpenID Connect Core 1.0 (3.1.3), Discovery 1.0, RFC 7636, RFC 8725. The
claims about identity documents are our own names: provinces differ, an adapter maps.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import urllib3

from zerotrip.kernel.configuration import PartnerSettings, error_code
from zerotrip.kernel.errors import GiveUp, Unauthenticated, Unavailable

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


@dataclass(frozen=True, slots=True)
class OidcConfig(PartnerSettings):
    """The provider's issuer URL, our client there, and the algorithms we accept."""

    partner_zh = "统一身份认证"
    partner_en = "the identity provider"

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    algorithms: Sequence[str] = ("ES256",)
    timeout_seconds: float = 3.0
    keys_max_age_seconds: float = 600.0


@dataclass(frozen=True, slots=True)
class Claims:
    """What the provider vouches for; `level` L1 to L4, `kind` natural or legal.

    For `legal` the person is the company's agent, `corp_*` the company.
    """

    issuer: str
    sub: str
    name: str = field(repr=False)
    id_type: str
    id_no: str = field(repr=False)
    level: str
    kind: str
    corp_name: str | None = None
    corp_uscc: str | None = None


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
        self._keys: dict[str, jwt.PyJWK] = {}
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
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=self._key(str(header.get("kid", ""))),
                # Pinned: the header alone would allow `none`, or HMAC with our key.
                algorithms=list(self._config.algorithms),
                audience=self._config.client_id,
                issuer=self._config.issuer,
                leeway=5,
                options={"require": _REQUIRED},
            )
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

    def _claims(self, claims: Mapping[str, Any]) -> Claims:
        missing = [
            name
            for name in ("name", "id_type", "id_no", "level", "kind")
            if not isinstance(claims.get(name), str)
        ]
        if missing:
            raise _unauthenticated("id_token_claim_missing")
        return Claims(
            issuer=claims["iss"],
            sub=claims["sub"],
            name=claims["name"],
            id_type=claims["id_type"],
            id_no=claims["id_no"],
            level=claims["level"],
            kind=claims["kind"],
            corp_name=claims.get("corp_name"),
            corp_uscc=claims.get("corp_uscc"),
        )

    def _key(self, key_id: str) -> jwt.PyJWK:
        age_seconds = self._monotonic() - self._keys_fetched_at
        max_age_seconds = (
            self._config.keys_max_age_seconds
            if key_id in self._keys
            else _KEYS_MIN_AGE_SECONDS
        )
        if age_seconds > max_age_seconds:
            self._fetch_keys()
        if key_id not in self._keys:
            raise _unauthenticated("id_token_key_unknown")
        return self._keys[key_id]

    def _fetch_keys(self) -> None:
        status, answer = self._ask("GET", self._endpoint("jwks_uri"))
        if status != HTTPStatus.OK:
            raise _unavailable("jwks_refused")
        key_set = jwt.PyJWKSet.from_dict(answer)
        self._keys = {key.key_id: key for key in key_set.keys if key.key_id}
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

"""The identity provider: OpenID Connect with PKCE, and WeChat's code2Session.

A test or the demo gets codes from `/_control/login` and `/_control/wechat_code`; a
person at a browser gets them from `/authorize`, which lists the made-up people.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from .id_tokens import IdTokens
from .keys import Keys
from .people import GROUPS, PEOPLE, Person, somebody
from .server import Answered, Request, Response, Sandbox, unix_seconds

CODE_LIFE_SECONDS = 300
_FORM = ("client_id", "redirect_uri", "nonce", "code_challenge")


@dataclass
class _Code:
    person: Person
    minted_at: int
    nonce: str = ""
    code_challenge: str = ""
    redirect_uri: str = ""
    variety: str = "genuine"
    used: bool = False

    @property
    def fresh(self) -> bool:
        return unix_seconds() - self.minted_at < CODE_LIFE_SECONDS


@dataclass
class _WeChatCode:
    openid: str
    minted_at: int
    unionid: str | None = None
    errcode: int = 0
    used: bool = False


class IdentitySandbox(Sandbox):
    """One server for both, as no test needs them apart."""

    name = "identity"

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._keys = keys
        self._tokens = IdTokens(keys.oidc_private_key, keys.client_id)
        self._codes: dict[str, _Code] = {}
        self._wechat_codes: dict[str, _WeChatCode] = {}
        self.route("GET", "/.well-known/openid-configuration", self._discovery)
        self.route("GET", "/jwks", lambda _: Response.of(self._tokens.jwks()))
        self.route("GET", "/authorize", self._authorize_page)
        self.route("GET", "/authorize/(?P<key>[a-z_]+)", self._authorize)
        self.route("POST", "/token", self._token)
        self.route("GET", "/sns/jscode2session", self._code2session)
        self.route("POST", "/_control/login", self._control_login)
        self.route("POST", "/_control/wechat_code", self._control_wechat_code)
        self.route("POST", "/_control/new_key", self._control_new_key)
        self.route("GET", "/_control/people", self._control_people)

    # OpenID Connect

    def _discovery(self, _: Request) -> Response:
        return Response.of(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "code_challenge_methods_supported": ["S256"],
                "scopes_supported": ["openid"],
            }
        )

    def _authorize_page(self, request: Request) -> Response:
        self._check_authorize(request.query)
        query = html.escape(urlencode(request.query))
        groups = "".join(
            f"<h2>{html.escape(group)}</h2><ul>"
            + "".join(
                _row(person, query)
                for person in PEOPLE.values()
                if person.group == group
            )
            + "</ul>"
            for group in GROUPS
        )
        page = (
            '<!doctype html><html lang="zh-CN"><meta charset="utf-8">'
            "<title>统一身份认证（样例） Sample sign-in</title>"
            "<h1>以谁的身份登录？ <small>Who signs in?</small></h1>"
            "<p>以下人员均为虚构。 None of these people exists.</p>"
            f"{groups}</html>"
        )
        return Response(200, page.encode(), {"Content-Type": "text/html"})

    def _authorize(self, request: Request, key: str) -> Response:
        query = request.query
        self._check_authorize(query)
        code = self._mint(
            _person(key),
            nonce=query["nonce"],
            code_challenge=query["code_challenge"],
            redirect_uri=query["redirect_uri"],
        )
        answer = urlencode({"code": code, "state": query.get("state", "")})
        joint = "&" if "?" in query["redirect_uri"] else "?"
        location = f"{query['redirect_uri']}{joint}{answer}"
        return Response(HTTPStatus.FOUND, b"", {"Location": location})

    def _check_authorize(self, query: dict[str, str]) -> None:
        missing = [name for name in _FORM if not query.get(name)]
        if (
            missing
            or query.get("response_type") != "code"
            or query.get("code_challenge_method") != "S256"
            or query["client_id"] != self._keys.client_id
        ):
            raise _error("invalid_request", 400)

    def _token(self, request: Request) -> Response:
        expected = f"{self._keys.client_id}:{self._keys.client_secret}".encode()
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        if not secrets.compare_digest(given.encode(), base64.b64encode(expected)):
            raise _error("invalid_client", 401)
        form = request.form()
        if form.get("grant_type") != "authorization_code":
            raise _error("unsupported_grant_type", 400)
        with self.lock:
            code = self._codes.get(form.get("code", ""))
            if code is None or code.used or not code.fresh:
                raise _error("invalid_grant", 400)
            code.used = True
        if (
            form.get("redirect_uri") != code.redirect_uri
            or challenge_of(form.get("code_verifier", "")) != code.code_challenge
        ):
            raise _error("invalid_grant", 400)
        id_token = self._tokens.issue(
            self.url, code.person.claims(), code.nonce, code.variety
        )
        return Response.of(
            {
                "access_token": secrets.token_urlsafe(24),
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": id_token,
            }
        )

    def _mint(self, person: Person, **values: Any) -> str:
        code = secrets.token_urlsafe(24)
        minted_at = unix_seconds() - int(values.pop("age_seconds", 0))
        with self.lock:
            self._codes[code] = _Code(person, minted_at, **values)
        return code

    # WeChat

    def _code2session(self, request: Request) -> Response:
        query = request.query
        if query.get("appid") != self._keys.appid:
            raise _wechat(40013, "invalid appid")
        if query.get("secret") != self._keys.appsecret:
            raise _wechat(40125, "invalid appsecret")
        if query.get("grant_type") != "authorization_code":
            raise _wechat(40002, "invalid grant_type")
        with self.lock:
            code = self._wechat_codes.get(query.get("js_code", ""))
            if code is None or unix_seconds() - code.minted_at >= CODE_LIFE_SECONDS:
                raise _wechat(40029, "invalid code")
            if code.errcode:
                raise _wechat(code.errcode, "asked for by the sandbox")
            if code.used:
                raise _wechat(40163, "code been used")
            code.used = True
        session_key = base64.b64encode(secrets.token_bytes(16)).decode()
        answer = {"session_key": session_key, "openid": code.openid}
        if code.unionid:
            answer["unionid"] = code.unionid
        return _text_plain(answer)

    # control

    def _control_login(self, request: Request) -> Response:
        """A code for {person}, or for {somebody} whom the caller describes; what PKCE
        and nonce need is made up unless given."""
        wish = request.json()
        said = wish.get("somebody")
        verifier = secrets.token_urlsafe(48)
        session = {
            "redirect_uri": "https://h5.example.invalid/signed-in",
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": challenge_of(verifier),
        } | {
            name: wish[name]
            for name in ("redirect_uri", "nonce", "code_challenge")
            if name in wish
        }
        code = self._mint(
            somebody(said) if said else _person(wish.get("person", "")),
            variety=wish.get("variety", "genuine"),
            age_seconds=wish.get("age_seconds", 0),
            **session,
        )
        answer = {"code": code} | session
        if "code_challenge" not in wish:
            answer["code_verifier"] = verifier
        return Response.of(answer, HTTPStatus.CREATED)

    def _control_wechat_code(self, request: Request) -> Response:
        """A login code for {openid} or {person}; errcode and age_seconds on wish."""
        wish = request.json()
        openid = wish.get("openid") or _person(wish.get("person", "")).openid
        code = secrets.token_urlsafe(24)
        with self.lock:
            self._wechat_codes[code] = _WeChatCode(
                openid=openid,
                minted_at=unix_seconds() - int(wish.get("age_seconds", 0)),
                unionid=wish.get("unionid"),
                errcode=int(wish.get("errcode", 0)),
            )
        return Response.of({"code": code}, HTTPStatus.CREATED)

    def _control_new_key(self, _: Request) -> Response:
        """Sign with a new key from now on, as a provider does now and then."""
        return Response.of({"kid": self._tokens.rotate()}, HTTPStatus.CREATED)

    def _control_people(self, _: Request) -> Response:
        return Response.of(
            [
                {
                    "person": person.key,
                    "openid": person.openid,
                    "telephone": person.telephone,
                    "part": person.part,
                    "group": person.group,
                }
                | person.claims()
                for person in PEOPLE.values()
            ]
        )


def challenge_of(verifier: str) -> str:
    """RFC 7636: base64url without padding of the verifier's SHA-256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _row(person: Person, query: str) -> str:
    name, part = html.escape(person.name), html.escape(person.part)
    company = html.escape(person.corp_name or "")
    return (
        f'<li><a href="/authorize/{person.key}?{query}">{name}</a>'
        f" · {part} · {person.level} {company}</li>"
    )


def _person(key: str) -> Person:
    if key not in PEOPLE:
        raise Answered(Response.of({"code": "no_such_person"}, HTTPStatus.NOT_FOUND))
    return PEOPLE[key]


def _error(error: str, status: int) -> Answered:
    return Answered(Response.of({"error": error}, status))


def _wechat(errcode: int, errmsg: str) -> Answered:
    return Answered(_text_plain({"errcode": errcode, "errmsg": errmsg}))


def _text_plain(answer: dict[str, Any]) -> Response:
    # WeChat says text/plain and 200, whatever happened.
    body = json.dumps(answer).encode()
    return Response(200, body, {"Content-Type": "text/plain"})

"""Plays a mini-program and a staff console: HTTPS and nothing else.

What a real client does, in the order in which it does it: sign in, draft, upload,
submit, look, pay, decide. `Refused` carries the problem document.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3

from infra.local.home import Home, read_json
from infra.local.partners.people import PEOPLE

REDIRECT_URI = "https://console.example.invalid/signed-in"


class Refused(RuntimeError):
    """The API answered with a problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(f"{status} {problem.get('code')}: {problem.get('en')}")
        self.status = status
        self.problem = problem


class TooSlow(RuntimeError):
    """What was waited for did not come in time."""


@dataclass(frozen=True, slots=True)
class Partners:
    """The sandboxes' control doors: what a payer's or a courier's own hands do."""

    ports: Mapping[str, int]
    http: urllib3.PoolManager

    @classmethod
    def of(cls, home: Home) -> Partners:
        """Those of a running laptop cloud."""
        ports = read_json(home.path / "partners" / "ports.json")
        return cls(ports, urllib3.PoolManager())

    def control(self, partner: str, path: str, body: Any = None) -> Any:
        """One control call; its JSON answer."""
        answer = self.http.request(
            "GET" if body is None else "POST",
            f"http://127.0.0.1:{self.ports[partner]}/_control/{path}",
            body=None if body is None else json.dumps(body).encode(),
            retries=False,
        )
        if answer.status >= 300:
            raise Refused(answer.status, {"en": answer.data.decode()})
        return json.loads(answer.data)

    def pay(self, bill_id: str, **options: Any) -> Any:
        """The payer confirms in the channel's own window."""
        return self.control("payments", "pay", {"out_trade_no": bill_id, **options})


@dataclass
class Client:
    """One signed-in person's client."""

    base_url: str
    partners: Partners
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=4)
    )
    token: str | None = None
    refresh_token: str | None = None

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Any, Mapping[str, str]]:
        """One request; JSON and headers of the answer. Raises Refused over 399."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None:
            sent["Content-Type"] = "application/json"
        answer = self.http.request(
            method,
            self.base_url + path,
            body=None if body is None else json.dumps(body).encode(),
            headers=sent,
            redirect=False,
            retries=False,
            timeout=30,
        )
        content = json.loads(answer.data) if answer.data else {}
        if answer.status >= 400:
            raise Refused(answer.status, content)
        return content, answer.headers

    def sign_in_by_wechat(self, person: str, *, proven: bool = True) -> Client:
        """`wx.login` in the mini-program, then our session.

        `proven`: at the first time the person proves who they are at the identity
        provider too, and both logins are theirs from then on.
        """
        self._signed_in(self.wechat_login(person))
        known, _ = self.call("GET", "/v1/sessions/bindings")
        if proven and len(known["bindings"]) == 1:
            self.call("POST", "/v1/sessions/bindings", self.oidc_login(person))
        return self

    def wechat_login(self, person: str) -> dict[str, str]:
        """The body of a sign-in, or of a binding, by WeChat."""
        openid = PEOPLE[person].openid
        code = self.partners.control("identity", "wechat_code", {"openid": openid})
        return {"provider": "wechat_mini_program", "code": code["code"]}

    def sign_in_by_oidc(self, person: str | Mapping[str, Any]) -> Client:
        """The identity provider's code flow with PKCE, without its page."""
        return self._signed_in(self.oidc_login(person))

    def oidc_login(self, person: str | Mapping[str, Any]) -> dict[str, str]:
        """The body of a sign-in, or of a binding, by the identity provider.

        One of the sandbox's people, or somebody as `people.somebody` takes them.
        """
        who = {"person" if isinstance(person, str) else "somebody": person}
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(
            hashlib.sha256(verifier.encode()).digest()
        ).rstrip(b"=")
        answer = self.partners.control(
            "identity",
            "login",
            {
                **who,
                "nonce": nonce,
                "code_challenge": challenge.decode(),
                "redirect_uri": REDIRECT_URI,
            },
        )
        return {
            "provider": "oidc",
            "code": answer["code"],
            "code_verifier": verifier,
            "nonce": nonce,
            "redirect_uri": REDIRECT_URI,
        }

    def draft(self, item_code: str, form: Mapping[str, Any]) -> str:
        """A saved draft with that form, whose applicant is who is proven; its id."""
        made, headers = self.call("POST", "/v1/applications", {"item_code": item_code})
        application = str(made["application_id"])
        self.call(
            "PUT",
            f"/v1/applications/{application}",
            {"form": with_locked(form, made["applicant"]["locked"])},
            {"If-Match": headers["ETag"]},
        )
        return application

    def upload(
        self, holder: str, material: str, media_type: str, content: bytes
    ) -> None:
        """Uploads a file; `holder` is `applications/{id}` or `cases/{case_no}`."""
        made, _ = self.call(
            "POST",
            f"/v1/{holder}/materials",
            {
                "material": material,
                "content_type": media_type,
                "size_bytes": len(content),
            },
        )
        post_file(self.http, made["upload"], media_type, content)

    def submit(self, application: str, seconds: float = 30) -> str:
        """Submits as soon as all uploads are checked; answers the case number."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                made, _ = self.call(
                    "POST", f"/v1/applications/{application}/submission"
                )
            except Refused as refused:
                unchecked = refused.problem.get("code") == "material_unchecked"
                if not unchecked or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return str(made["case_no"])

    def case(self, case_no: str) -> tuple[dict[str, Any], str]:
        """The case and its ETag."""
        found, headers = self.call("GET", f"/v1/cases/{case_no}")
        return found, headers["ETag"]

    def wait(
        self,
        case_no: str,
        until: Callable[[dict[str, Any]], bool],
        seconds: float = 60,
        seen: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> dict[str, Any]:
        """Looks again and again until the case is as wanted. Raises TooSlow."""
        deadline = time.monotonic() + seconds
        while True:
            found, _ = self.case(case_no)
            seen(found)
            if until(found):
                return found
            if time.monotonic() > deadline:
                raise TooSlow(f"{case_no} is still {found['stage']}")
            time.sleep(0.25)

    def pay(self, case_no: str, bill_id: str | None = None) -> dict[str, Any]:
        """Opens the bill at the channel and confirms there."""
        _, etag = self.case(case_no)
        asked = {"channel": "wechat_pay"} | ({"bill_id": bill_id} if bill_id else {})
        opened, _ = self.call(
            "POST", f"/v1/cases/{case_no}/payments", asked, {"If-Match": etag}
        )
        self.partners.pay(opened["bill_id"])
        return dict(opened)

    def decide(self, case_no: str, decision: str, reasons: str) -> dict[str, Any]:
        """An officer's decision on the case as it stands; cites the first article."""
        seen, headers = self.call("GET", f"/v1/staff/cases/{case_no}")
        made, _ = self.call(
            "POST",
            f"/v1/staff/cases/{case_no}/decisions",
            {
                "decision": decision,
                "reasons": reasons,
                "articles": [each["zh"] for each in seen["articles_offered"][:1]],
            },
            {"If-Match": headers["ETag"]},
        )
        return dict(made)

    def licence_file(self, licence_id: str) -> bytes:
        """The signed PDF, by the redirect to its presigned address."""
        answer = self.http.request(
            "GET",
            f"{self.base_url}/v1/licences/{licence_id}/document",
            headers={"Authorization": f"Bearer {self.token}"},
            redirect=False,
            retries=False,
        )
        if answer.status != 303:
            raise Refused(answer.status, json.loads(answer.data or b"{}"))
        file = self.http.request("GET", answer.headers["Location"])
        if file.status != 200:
            raise Refused(file.status, {"en": file.data.decode()})
        return file.data

    def _signed_in(self, login: Mapping[str, str]) -> Client:
        grant, _ = self.call("POST", "/v1/sessions", login)
        self.token = grant["access_token"]
        self.refresh_token = grant["refresh_token"]
        return self


def with_locked(form: Mapping[str, Any], locked: Mapping[str, str]) -> dict[str, Any]:
    """The form with the proven values in the fields that may hold no other."""
    made: dict[str, Any] = json.loads(json.dumps(form))
    for path, value in locked.items():
        *parents, last = path[1:].split("/")
        place = made
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    return made


def post_file(
    http: urllib3.PoolManager,
    upload: Mapping[str, Any],
    media_type: str,
    content: bytes,
) -> None:
    """The multipart POST of a mini-program's `wx.uploadFile`."""
    answer = http.request(
        "POST",
        upload["url"],
        fields={**upload["fields"], "file": ("upload", content, media_type)},
        retries=False,
    )
    if answer.status >= 300:
        raise Refused(answer.status, {"en": answer.data.decode()})

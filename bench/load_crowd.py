"""Many applicants at the HTTPS API: they sign in, take a number, and hand in."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import urllib3

from infra.local.mini_program import Client, Partners, Refused, with_locked
from zerotrip.kernel.identifiers import is_citizen_number

HANDS = 6
"""Requests on their way at once; the laptop's emulator starts a process for each."""
NUMBERS_A_PERSON = 10
"""Drafts under one login: signing in is not what is measured."""
TRIES = 8
_LATER = {409, 429, 500, 502, 503, 504}
_SIGN_IN_AGAIN = 401


@dataclass
class Applicant:
    """One login and its client; `renew` signs in again when the token has run out.

    `known` is who the identity provider says it is: nobody hands in unproven.
    """

    known: Mapping[str, Any]
    client: Client
    lock: threading.Lock = field(default_factory=threading.Lock)

    def sign_in(self) -> None:
        """The mini-program's own way, with a code of this login."""
        code = self.client.partners.control(
            "identity", "wechat_code", {"openid": self.known["openid"]}
        )
        login = {"provider": "wechat_mini_program", "code": code["code"]}
        grant, _ = self.client.call("POST", "/v1/sessions", login)
        self.client.token = grant["access_token"]
        held, _ = self.client.call("GET", "/v1/sessions/bindings")
        if len(held["bindings"]) == 1:
            proof = self.client.oidc_login(self.known)
            self.client.call("POST", "/v1/sessions/bindings", proof)

    def renew(self, held: str | None) -> None:
        """Signs in again, unless another thread did since `held` was read."""
        with self.lock:
            if self.client.token == held:
                self.client.token = None
                self.sign_in()


@dataclass(frozen=True, slots=True)
class Number:
    """A draft that was begun: what the plans call a number handed out."""

    applicant: Applicant
    application: str


@dataclass(frozen=True, slots=True)
class HandedIn:
    """One acknowledged submission; times are seconds since 1970."""

    application: str
    case_no: str
    due_at: float
    acknowledged_at: float
    tries: int


@dataclass
class Crowd:
    """All applicants of a run. `refused` counts answers that had to be tried again."""

    api_url: str
    partners: Partners
    item_code: str
    form: Mapping[str, Any]
    refused: dict[str, int] = field(default_factory=dict)
    unanswered: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(maxsize=HANDS * 2)
        self._people = 0
        self._run = secrets.token_hex(3)

    def sign_in(self, people: int) -> list[Applicant]:
        """That many new logins."""
        begun, self._people = self._people, self._people + people
        made = [
            Applicant(
                _somebody(self._run, number),
                Client(self.api_url, self.partners, self._http),
            )
            for number in range(begun, begun + people)
        ]
        with ThreadPoolExecutor(HANDS) as pool:
            list(pool.map(lambda each: self._tried(each, each.sign_in), made))
        return made

    def take_numbers(
        self, count: int, filled: int, done: Callable[[], None]
    ) -> list[Number]:
        """`count` drafts, of which the first `filled` hold a whole form."""
        people = self.sign_in(math.ceil(count / NUMBERS_A_PERSON))

        def take(position: int) -> Number:
            applicant = people[position % len(people)]
            number: Number = self._tried(applicant, lambda: self._draft(applicant))
            if position < filled:
                self._tried(applicant, lambda: self._fill(number))
            done()
            return number

        with ThreadPoolExecutor(HANDS) as pool:
            return list(pool.map(take, range(count)))

    def hand_in(
        self,
        numbers: Iterable[Number],
        times: Sequence[float],
        done: Callable[[HandedIn], None],
    ) -> list[HandedIn]:
        """Each number at its time, seconds from now, however the ones before fare."""
        began = time.time()
        waiting: list[Future[HandedIn | None]] = []
        with ThreadPoolExecutor(HANDS) as pool:
            for number, at in zip(numbers, times, strict=True):
                time.sleep(max(0.0, began + at - time.time()))
                waiting.append(pool.submit(self._submit, number, began + at, done))
        answers = [each.result() for each in waiting]
        return [each for each in answers if each is not None]

    def _submit(
        self, number: Number, due_at: float, done: Callable[[HandedIn], None]
    ) -> HandedIn | None:
        path = f"/v1/applications/{number.application}/submission"
        key = {"Idempotency-Key": secrets.token_urlsafe(16)}
        tries = 0

        def once() -> str:
            nonlocal tries
            tries += 1
            made, _ = number.applicant.client.call("POST", path, None, key)
            return str(made["case_no"])

        try:
            case_no = self._tried(number.applicant, once)
        except (Refused, urllib3.exceptions.HTTPError):
            with self._lock:
                self.unanswered.append(number.application)
            return None
        answer = HandedIn(number.application, case_no, due_at, time.time(), tries)
        done(answer)
        return answer

    def _draft(self, applicant: Applicant) -> Number:
        made, _ = applicant.client.call(
            "POST", "/v1/applications", {"item_code": self.item_code}
        )
        return Number(applicant, str(made["application_id"]))

    def _fill(self, number: Number) -> None:
        client, path = number.applicant.client, f"/v1/applications/{number.application}"
        held, headers = client.call("GET", path)
        form = with_locked(self.form, held["applicant"]["locked"])
        client.call("PUT", path, {"form": form}, {"If-Match": headers["ETag"]})

    def _tried(self, applicant: Applicant, act: Callable[[], Any]) -> Any:
        """As a patient client: again after what may pass, with a growing pause."""
        for attempt in range(1, TRIES + 1):
            held = applicant.client.token
            try:
                return act()
            except (Refused, urllib3.exceptions.HTTPError) as error:
                status = error.status if isinstance(error, Refused) else 0
                self._note(error)
                if status == _SIGN_IN_AGAIN and held is not None:
                    applicant.renew(held)
                elif attempt == TRIES or (status and status not in _LATER):
                    raise
                else:
                    time.sleep(min(4.0, 0.2 * 2**attempt))
        raise AssertionError("the last attempt answers or raises")

    def _note(self, error: Exception) -> None:
        name = type(error).__name__
        if isinstance(error, Refused):
            name = f"{error.status} {error.problem.get('code', '')}".strip()
        with self._lock:
            self.refused[name] = self.refused.get(name, 0) + 1


def _somebody(run: str, number: int) -> dict[str, str]:
    """A made-up adult of this run, as `infra.local.partners.people.somebody` takes."""
    born = date(1950, 1, 1) + timedelta(days=number // 1000)
    first = f"999999{born:%Y%m%d}{number % 1000:03d}"
    return {
        "sub": f"load-{run}-{number:06d}",
        "openid": f"oLoad-{run}-{number:012d}",
        "name": "赵示例",
        "id_no": next(
            first + last for last in "0123456789X" if is_citizen_number(first + last)
        ),
        "telephone": f"138{number:08d}",
    }

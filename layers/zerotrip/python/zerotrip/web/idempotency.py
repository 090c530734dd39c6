"""`Idempotency-Key`: the same request again gets the same answer, for 24 hours.

Table `answers`, one row per subject, route and key; neither the key nor the body is
kept, only digests. Other body: 422. Still being answered: 409. A refused request
changed nothing, so its key is free again.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import Conflict, Invalid, Malformed
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write
from zerotrip.web.exchange import Reply, Request

ANSWERS_TABLE = "answers"
HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
LEASE = timedelta(seconds=30)  # three times the API functions' time-out of 10 s
CLAIMED, ANSWERED, RELEASED = "claimed", "answered", "released"

_SK = "ANSWER"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where one answer is kept: its row's key, the request's print, what is there."""

    pk: str
    print: str
    row: StoredRow | None
    reply: Reply | None

    def expect(self) -> Expect:
        """The condition that nobody wrote here since it was read."""
        if self.row is None:
            return Expect(absent=True)
        return Expect(version=self.row.version)


@dataclass(frozen=True, slots=True)
class Answers:
    """Kept answers of one tenant."""

    tables: Tables
    tenant: str
    now: Callable[[], datetime]

    def once(self, request: Request, act: Callable[[], Reply]) -> Reply:
        """Acts, unless the same key was answered before: then the same answer."""
        place = self._claim(request)
        if place is None:
            return act()
        if place.reply is not None:
            return place.reply
        reply = self._or_release(place, act)
        self._keep(place, reply=reply)
        return reply

    def anew(
        self,
        request: Request,
        act: Callable[[Mapping[str, Any] | None], tuple[Reply, Mapping[str, Any]]],
    ) -> Reply:
        """For answers that go stale or name somebody, such as forms: acts each time.

        `act` gets what it noted the first time, or None, and answers reply and note.
        """
        place = self._claim(request)
        if place is None:
            return act(None)[0]
        if place.row is not None and place.row.stage == ANSWERED:
            return act(place.row.data["note"])[0]
        noted: list[Mapping[str, Any]] = []

        def noting() -> Reply:
            reply, note = act(None)
            noted.append(note)
            return reply

        reply = self._or_release(place, noting)
        self._keep(place, note=noted[0])
        return reply

    def look(self, request: Request) -> Place | None:
        """For commands that keep the answer in their own transaction (`writes`).

        None without a key. Raises Invalid `idempotency_key_reused`.
        """
        key = _key_of(request)
        if key is None:
            return None
        pk, print_ = self._address(request, key)
        row = self.tables.get(ANSWERS_TABLE, pk, _SK)
        return self._seen(pk, print_, row)

    def writes(self, place: Place | None, reply: Reply) -> Sequence[Write]:
        """The write that keeps a reply, for another's transaction."""
        if place is None:
            return ()
        return (Put(ANSWERS_TABLE, self._answered(place, reply), place.expect()),)

    def _claim(self, request: Request) -> Place | None:
        """Holds the key for this request, or answers what is kept under it."""
        key = _key_of(request)
        if key is None:
            return None
        pk, print_ = self._address(request, key)
        place = Place(pk, print_, None, None)
        for _ in range(_ATTEMPTS):
            row = self._row(place, CLAIMED, {})
            try:
                self.tables.transact([Put(ANSWERS_TABLE, row, place.expect())])
            except Rejected as rejected:
                found = rejected.olds.get(0) or self.tables.get(ANSWERS_TABLE, pk, _SK)
                place = self._seen(pk, print_, found)
                if place.row is not None and place.row.stage == ANSWERED:
                    if not self._over(place.row):
                        return place
                elif place.row is not None and self._leased(place.row):
                    raise _in_flight() from rejected
                continue
            return replace(place, row=row)
        raise _in_flight()

    def _seen(self, pk: str, print_: str, row: StoredRow | None) -> Place:
        if row is None or row.stage == RELEASED or self._over(row):
            return Place(pk, print_, row, None)
        if row.data["print"] != print_:
            raise Invalid(
                "idempotency_key_reused",
                "该请求编号已用于其他内容，请刷新页面后重试。",
                "This Idempotency-Key was used for another request: take a new one.",
            )
        reply = None
        if row.stage == ANSWERED and "status" in row.data:
            headers = {**row.data["headers"], REPLAYED: "true"}
            reply = Reply(row.data["status"], row.data["body"], headers)
        return Place(pk, print_, row, reply)

    def _over(self, row: StoredRow) -> bool:
        # The database removes expired rows hours later: the time is checked here.
        return (row.expires_at or 0) <= self.now().timestamp()

    def _leased(self, row: StoredRow) -> bool:
        if row.stage != CLAIMED or self._over(row):
            return False
        return bool(row.data["leased_until"] > self.now().timestamp())

    def _or_release(self, place: Place, act: Callable[[], Reply]) -> Reply:
        try:
            return act()
        except Exception:
            released = self._row(place, RELEASED, {})
            self._try([Put(ANSWERS_TABLE, released, place.expect())])
            raise

    def _keep(
        self,
        place: Place,
        *,
        reply: Reply | None = None,
        note: Mapping[str, Any] | None = None,
    ) -> None:
        if reply is not None:
            row = self._answered(place, reply)
        else:
            row = self._row(place, ANSWERED, {"note": dict(note or {})})
        self._try([Put(ANSWERS_TABLE, row, place.expect())])

    def _try(self, writes: Sequence[Write]) -> None:
        try:
            self.tables.transact(writes)
        except Rejected:
            # Our lease ran out and another took the key over: its answer stands.
            return

    def _answered(self, place: Place, reply: Reply) -> StoredRow:
        kept = {
            "status": reply.status,
            "body": reply.body,
            "headers": dict(reply.headers),
        }
        return self._row(place, ANSWERED, kept)

    def _row(self, place: Place, stage: str, data: Mapping[str, Any]) -> StoredRow:
        moment = self.now()
        before = 0 if place.row is None else place.row.version or 0
        return StoredRow(
            pk=place.pk,
            sk=_SK,
            data={
                "print": place.print,
                "leased_until": int((moment + LEASE).timestamp()),
                **data,
            },
            version=before + 1,
            stage=stage,
            expires_at=int((moment + KEPT_FOR).timestamp()),
        )

    def _address(self, request: Request, key: str) -> tuple[str, str]:
        person = request.person
        # Two agents of one company are two people: neither is answered for the other.
        # Two powers of one agent reach different things, and so do their answers.
        whose = f"{person.sub}|{person.actor or ''}|{person.power or ''}"
        scope = f"{whose}|{request.route.name}|{key}"
        body = None if request.body is None else request.body.model_dump(mode="json")
        asked = canonical([dict(request.path), request.seen, body])
        # Keyed by the client's own key, which is not stored: a form's few unknown
        # digits cannot be guessed from the print.
        print_ = hmac.new(key.encode(), asked, hashlib.sha256).hexdigest()
        place = hashlib.sha256(scope.encode()).hexdigest()
        return f"{self.tenant}#ANSWER#{place}", print_


def _key_of(request: Request) -> str | None:
    text = request.headers.get(HEADER)
    if text is None:
        return None
    # The draft standard writes it as a quoted string; most clients send it bare.
    key = text.strip().strip('"')
    if not _KEY.fullmatch(key):
        raise Malformed(
            "idempotency_key_malformed",
            "请求编号有误，请刷新页面后重试。",
            "An Idempotency-Key is 1 to 255 visible ASCII characters.",
        )
    return key


def _in_flight() -> Conflict:
    return Conflict(
        "request_in_flight",
        "同一请求正在处理中，请稍候再试。",
        "The same request is being answered at this moment: try again shortly.",
    )

"""Sessions that are over: used refresh tokens, signed-out ones, officers who left.

Each function plays one story through the door and answers the cells that it found.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.access.matrix import Cell
from tests.access.scene import Answer, Door

REFRESH = "POST /v1/sessions/refresh"
END = "DELETE /v1/sessions"
LONGEST_ACCESS_SECONDS = 900
"""How long an access token may outlive its session: the product's own promise."""


@dataclass(frozen=True)
class Grant:
    """What a sign-in gave."""

    access_token: str
    refresh_token: str

    @classmethod
    def of(cls, answer: Answer) -> Grant:
        """From the answer of a refresh."""
        said = json.loads(answer.body)
        return cls(said["access_token"], said["refresh_token"])

    @property
    def lives_seconds(self) -> int:
        """How long the access token holds, by its own claims."""
        claims = self.access_token.split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(claims + "==="))
        return int(said["exp"] - said["iat"])


def ask(
    door: Door, method: str, path: str, token: str = "", body: Any = None
) -> Answer:
    """One request with a JSON body."""
    headers: dict[str, str] = {"Content-Type": "application/json"} if body else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    return door.ask(method, path, headers, content)


def refresh(door: Door, token: str) -> Answer:
    """Asks for the next pair."""
    return ask(door, "POST", "/v1/sessions/refresh", body={"refresh_token": token})


def cell(row: str, column: str, answer: Answer, wanted: Mapping[int, str]) -> Cell:
    """A cell that must be refused with one of these statuses and codes."""
    faults: tuple[str, ...] = ()
    if answer.status < 400:
        faults = (f"let in: {answer.status}",)
    elif wanted.get(answer.status) != answer.code:
        faults = (f"{answer.status} {answer.code}, not {dict(wanted)}",)
    return Cell(row, column, answer.status, answer.code, "session", faults)


REFUSED = {401: "session_refused"}


def refresh_used_twice(door: Door, grant: Grant) -> list[Cell]:
    """A used refresh token comes again: refused, and its whole session ends.

    The token used last would get the same answer again for ten seconds, as after a
    lost answer; this one was used before that.
    """
    second = Grant.of(refresh(door, grant.refresh_token))
    following = Grant.of(refresh(door, second.refresh_token))
    unknown = refresh(door, "A" * 43)
    again = refresh(door, grant.refresh_token)
    stolen = refresh(door, following.refresh_token)
    cells = [
        cell(REFRESH, "unknown", unknown, REFUSED),
        cell(REFRESH, "used_twice", again, REFUSED),
        cell(REFRESH, "after_reuse", stolen, REFUSED),
    ]
    if len({each.print() for each in (unknown, again, stolen)}) != 1:
        cells.append(
            Cell(
                REFRESH,
                "used_twice",
                again.status,
                again.code,
                "session",
                ("told apart",),
            )
        )
    return cells


def signed_out(door: Door, grant: Grant) -> list[Cell]:
    """After signing out no refresh works; the access token lives to its short end."""
    ended = ask(door, "DELETE", "/v1/sessions", grant.access_token)
    faults: tuple[str, ...] = ()
    if ended.status != 204:
        faults = (f"signing out answered {ended.status}",)
    elif grant.lives_seconds > LONGEST_ACCESS_SECONDS:
        faults = (f"let in: the token lives {grant.lives_seconds} s",)
    return [
        Cell(END, "signed_out", ended.status, ended.code, "session", faults),
        cell(REFRESH, "signed_out", refresh(door, grant.refresh_token), REFUSED),
    ]


def officer_left(door: Door, grant: Grant, suspend: Callable[[], object]) -> list[Cell]:
    """A token from before the suspension, used before, opens nothing after it."""
    before = ask(door, "GET", "/v1/worklist", grant.access_token)
    suspend()
    after = ask(door, "GET", "/v1/worklist", grant.access_token)
    row = "GET /v1/worklist"
    if before.status != 200:
        fault = (f"the officer could not work before: {before.status}",)
        return [Cell(row, "before", before.status, before.code, "session", fault)]
    return [
        cell(row, "suspended_since", after, {403: "forbidden"}),
        cell(
            REFRESH,
            "suspended_since",
            refresh(door, grant.refresh_token),
            {403: "officer_suspended"},
        ),
    ]


def officer_moved(
    door: Door,
    grant: Grant,
    case_no: str,
    move: Callable[[], object],
    lesser: Callable[[], object],
) -> list[Cell]:
    """A token says where its officer worked once; the row says where now."""
    path = f"/v1/staff/cases/{case_no}"
    decisions = f"{path}/decisions"
    decision = {"decision": "approve", "reasons": "材料齐全"}
    lesser()
    decided = door.ask(
        "POST",
        decisions,
        {
            "Authorization": f"Bearer {grant.access_token}",
            "Content-Type": "application/json",
            "If-Match": '"v1"',
        },
        json.dumps(decision).encode(),
    )
    move()
    moved = ask(door, "GET", path, grant.access_token)
    return [
        cell(
            "POST /v1/staff/cases/{case_no}/decisions",
            "now_an_auditor",
            decided,
            {403: "role_not_permitted"},
        ),
        cell(
            "GET /v1/staff/cases/{case_no}",
            "moved_since",
            moved,
            {404: "case_unknown"},
        ),
    ]


def token_over(door: Door, token: str, wait: Callable[[], object]) -> list[Cell]:
    """A token whose time ends while API Gateway still keeps its policy."""
    before = ask(door, "GET", "/v1/cases", token)
    wait()
    over = ask(door, "GET", "/v1/cases", token)
    if before.status != 200:
        fault = (f"the token did not hold before: {before.status}",)
        return [Cell("GET /v1/cases", "before", before.status, "", "session", fault)]
    wanted = {401: over.code if over.code == "unauthenticated" else "session_refused"}
    return [cell("GET /v1/cases", "over_while_kept", over, wanted)]

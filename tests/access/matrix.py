"""The access matrix: every operation x every caller who must not get in.

A cell is two requests, alike but for the id in the path: the victim's, and one that
exists nowhere. Oracle: no answer below 400; the answer that the document's roles call
for; and the two answers equal in status, headers and body, so that nobody learns what
exists. How long an answer takes is not compared: the laptop cloud cannot show it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle

from tests.access.forging import FORGERIES
from tests.access.operations import METHODS, Operation
from tests.access.scene import Answer, Ask, Scene, ask_of

STRANGERS = (
    "other_citizen",
    "other_company",
    "agent_in_person",
    "officer_elsewhere",
    "officer_next_door",
    "auditor_next_door",
    "officer_suspended",
    "editor_elsewhere",
)
"""People who have nothing to do with the victims' things, by their names in a scene."""
VICTIMS = ("citizen", "company", "officer")
"""Each owns something, and is a stranger to what the others own: a citizen on a staff
route, an officer on an applicant's, a person where a company applied."""
EXPLAINED = {
    ("DELETE /v1/sessions", "officer_suspended"): (
        "停用人员可在策略缓存的60秒内退出登录，别无他用 · "
        "for the 60 seconds of a kept policy a suspended officer may sign out"
    ),
}
"""Cells in which an answer below 400 is no harm, and why."""


@dataclass(frozen=True)
class Cell:
    """One cell: what was answered, and what is wrong with that."""

    row: str
    column: str
    status: int
    code: str
    kind: str
    faults: tuple[str, ...] = ()

    @property
    def let_in(self) -> bool:
        """Whether somebody got in who must not."""
        return any(fault.startswith("let in") for fault in self.faults)

    def __str__(self) -> str:
        return f"{self.row} x {self.column}: {'; '.join(self.faults)}"


def columns() -> list[str]:
    """Every column, in order."""
    return [*FORGERIES, *STRANGERS, *VICTIMS]


Pair = tuple[Operation, str]


def whole(rows: Iterable[Operation]) -> list[Pair]:
    """Every row with every column."""
    return [(row, column) for row in rows for column in columns()]


def slice_of(rows: Iterable[Operation]) -> list[Pair]:
    """Every row with every person and with no token; each forgery on one row.

    On the laptop a refused token costs a start of the authoriser, which a real cloud
    does not pay; `whole` is for one process, and for the long run.
    """
    listed, forged = list(rows), [name for name in FORGERIES if name != "no_token"]
    pairs = [(row, each) for row in listed for each in (*STRANGERS, *VICTIMS)]
    pairs += [(row, "no_token") for row in listed]
    guarded = [row for row in listed if not row.public]
    pairs += zip(cycle(guarded), forged)
    return pairs


def run(scene: Scene, pairs: Iterable[Pair], threads: int = 1) -> list[Cell]:
    """These cells, side by side on some threads."""
    asks: dict[str, Ask] = {}
    jobs = []
    for operation, column in pairs:
        ask = asks.setdefault(operation.name, ask_of(scene, operation))
        if ask.who != column:
            jobs.append((ask, column))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda job: _cell(scene, *job), jobs))


def other_methods(
    scene: Scene, rows: Iterable[Operation], threads: int = 1
) -> list[Cell]:
    """Each path with each method that the document does not give it."""
    by_path: dict[str, list[Operation]] = {}
    for operation in rows:
        by_path.setdefault(operation.path, []).append(operation)
    jobs = [
        (ask_of(scene, known[0]), method)
        for known in by_path.values()
        for method in METHODS
        if method not in {each.method for each in known}
    ]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda job: _other_method(scene, *job), jobs))


def _cell(scene: Scene, ask: Ask, column: str) -> Cell:
    token = _authorization(scene, ask, column)
    real = _send(scene, ask, ask.path, token)
    if ask.operation.public:
        bare = _send(scene, ask, ask.path, None)
        kind, faults = "public", _of_public(real, bare)
    else:
        absent = _send(scene, ask, ask.absent_path, token)
        kind, faults = _of_guarded(scene, ask, column, real, absent)
    if (ask.operation.name, column) in EXPLAINED and real.status < 400:
        kind, faults = "explained", ()
    return Cell(ask.operation.name, column, real.status, real.code, kind, faults)


def _authorization(scene: Scene, ask: Ask, column: str) -> str | None:
    if column in FORGERIES:
        return FORGERIES[column](scene.mint, scene.people[ask.who])
    return scene.bearer(column)


def _send(scene: Scene, ask: Ask, path: str, token: str | None) -> Answer:
    headers = dict(ask.headers)
    if token is not None:
        headers["Authorization"] = token
    return scene.door.ask(ask.operation.method, path, headers, ask.body)


def _of_public(real: Answer, bare: Answer) -> tuple[str, ...]:
    """A token neither opens a public route further nor shuts it."""
    if real.print() != bare.print():
        return (f"a token changes a public answer: {bare.status}, now {real.status}",)
    return ()


def _of_guarded(
    scene: Scene, ask: Ask, column: str, real: Answer, absent: Answer
) -> tuple[str, tuple[str, ...]]:
    kind, expected = _expected(scene, ask, column)
    faults = list(_told(scene, column, real))
    if kind == "own":
        return kind, tuple(faults)
    if real.status < 400 or absent.status < 400:
        faults.append(f"let in: {real.status}, absent {absent.status}")
    elif real.status not in expected:
        faults.append(f"{real.status} {real.code}, not {sorted(expected)}")
    if real.print() != absent.print():
        faults.append(
            f"told apart: {real.status} {real.code} from {absent.status} {absent.code}"
        )
    return kind, tuple(faults)


def _expected(scene: Scene, ask: Ask, column: str) -> tuple[str, set[int]]:
    """What such a caller gets: kind of the cell, and its statuses."""
    if column in FORGERIES:
        return "no session", {401}
    if column == "officer_suspended":
        return "suspended", {403}
    roles = {str(role) for role in scene.people[column].roles}
    if not roles & ask.operation.roles:
        return "role", {403}
    if ask.operation.parameters:
        return "not yours", {404}
    return "own", set(ask.operation.statuses)  # one's own list, draft or session


def _told(scene: Scene, column: str, answer: Answer) -> Iterator[str]:
    said = answer.body.decode("utf-8", "replace") + repr(dict(answer.headers))
    for owner, secrets in scene.secrets.items():
        if owner != column:
            for secret in sorted(each for each in secrets if each in said):
                yield f"let in: the answer holds the {owner}'s {secret!r}"


def _other_method(scene: Scene, ask: Ask, method: str) -> Cell:
    faults = []
    answers = []
    for who in (None, scene.bearer(ask.who)):
        headers = {**ask.headers, **({"Authorization": who} if who else {})}
        for path in (ask.path, ask.absent_path):
            answers.append(scene.door.ask(method, path, headers, ask.body))
    for answer in answers:
        if answer.status not in (403, 404, 405):
            word = "let in" if answer.status < 400 else "answered"
            faults.append(f"{word}: {answer.status} {answer.code}")
    if len({answer.print() for answer in answers}) != 1:
        faults.append(f"told apart: {sorted({each.status for each in answers})}")
    row = f"{method} {ask.operation.path}"
    first = answers[0]
    return Cell(row, "other_method", first.status, first.code, "method", tuple(faults))


def anothers_bill(scene: Scene) -> Cell:
    """The company names the citizen's bill, to be paid in a case of its own."""
    row = "POST /v1/cases/{case_no}/payments"
    path = f"/v1/cases/{scene.things['company_case']}/payments"
    headers = {
        "Authorization": scene.bearer("company"),
        "Content-Type": "application/json",
        "If-Match": '"v1"',
    }
    answers = []
    for bill in (scene.things["bill"], scene.absent["bill"]):
        body = json.dumps({"channel": "wechat_pay", "bill_id": bill}).encode()
        answers.append(scene.door.ask("POST", path, headers, body))
    real, absent = answers
    faults = list(_told(scene, "company", real))
    if (real.status, real.code) != (404, "bill_unknown"):
        word = "let in" if real.status < 400 else "answered"
        faults.append(f"{word}: {real.status} {real.code}")
    if real.print() != absent.print():
        faults.append(f"told apart: {real.status} from {absent.status} {absent.code}")
    return Cell(
        row, "anothers_bill", real.status, real.code, "not yours", tuple(faults)
    )


def rightful(scene: Scene, rows: Iterable[Operation]) -> dict[str, Answer]:
    """The same requests, one after another, by those who may: each must succeed.

    Without this, a matrix of refusals would prove no more than a misspelt request.
    """
    answers = {}
    for operation in rows:
        ask = ask_of(scene, operation)
        token = None if operation.public else scene.bearer(ask.who)
        answers[operation.name] = _send(scene, ask, ask.path, token)
    return answers

"""The access matrix: every operation x every caller who must not get in.

A cell is two requests, alike but for the id in the path: the victim's, and one that
exists nowhere. Oracle: no answer below 400; the answer that the document's roles call
for; and the two answers equal in status, headers and body, so that nobody learns what
exists. How long an answer takes is not compared: the laptop cloud cannot show it.

Some columns must get in (`is_in`): another login of the victim, and who may act for
them. Their oracle is the rightful caller: the same class of status, and for what is
read the same body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

from tests.access import acting
from tests.access.forging import FORGERIES
from tests.access.operations import METHODS, Operation
from tests.access.scene import Answer, Ask, Scene, ask_of
from zerotrip.identity.model import Session
from zerotrip.identity.permissions import act_of

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
BINDINGS = "/v1/sessions/bindings"
ONE_BINDING = "DELETE /v1/sessions/bindings/{binding_id}"
SIGN_OUT = "DELETE /v1/sessions"
OWN_SESSION = {
    f"GET {BINDINGS}": "own: the logins of who signed in, of a principal the name only",
    f"POST {BINDINGS}": "refused: an agent's session manages no logins",
    ONE_BINDING: "refused: an agent's session manages no logins",
    SIGN_OUT: "own: signing out is everybody's right",
}
"""Routes about the session itself and its logins: no power is asked for."""
NOT_FOR_AGENTS: Mapping[str, tuple[int, str]] = {
    f"GET {BINDINGS}": (0, OWN_SESSION[f"GET {BINDINGS}"]),
    f"POST {BINDINGS}": (403, OWN_SESSION[f"POST {BINDINGS}"]),
    ONE_BINDING: (403, OWN_SESSION[ONE_BINDING]),
    SIGN_OUT: (0, OWN_SESSION[SIGN_OUT]),
    "POST /v1/sessions/window-codes": (403, "refused: who is seen is there in person"),
    "GET /v1/powers": (0, "own: shows an agent nothing of what the principal gave"),
    "POST /v1/powers": (403, "refused: an agent lets nobody else act"),
    "POST /v1/powers/{power_id}/acceptance": (404, "the principal's alone"),
    "POST /v1/powers/{power_id}/sessions": (404, "the principal's alone"),
    "DELETE /v1/powers/{power_id}": (404, "the principal's, or this power's agent's"),
}
"""What an agent may not do whatever the power: the status, 0 for what is one's own."""
ANY_POWER = {
    "GET /v1/cases": "whoever may apply, pay or receive has to find the case",
    "GET /v1/cases/{case_no}": "and to see its bills, version and licence number",
}
"""Applicants' routes for which any power will do that reaches the case, and why."""
TOLD_TO_AGENTS: Mapping[str, tuple[tuple[str, str], str]] = {
    f"GET {BINDINGS}": (
        ("acting_for", "name"),
        "whoever acts for somebody knows for whom; without the name nobody who acts "
        "for several could tell in whose matter this session is",
    ),
}
"""What an agent whose power holds may be told of the principal: the one place in the
answer, and why. Anywhere else in it the same name is a leak, as is all the rest."""
AT_A_WINDOW = {"POST /v1/staff/identities", "POST /v1/staff/guardians"}
"""Open to any caseworker who is shown a code; the victim showed theirs to one."""
WHO_ASKS = {"current", "by_agent"}
"""Fields of an answer about who asks, not about what is asked for."""
SUSPENDED = "officer_suspended"
EXPLAINED = {
    (SIGN_OUT, SUSPENDED): (
        "停用人员可在策略缓存的60秒内退出登录 · "
        "for the 60 seconds of a kept policy a suspended officer may sign out"
    ),
    (f"GET {BINDINGS}", SUSPENDED): (
        "停用人员可在策略缓存的60秒内查看本人的登录方式，这不是职务行为 · "
        "for the 60 seconds of a kept policy a suspended officer sees the logins that "
        "are their own as a person: no act of the office"
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
    return [*FORGERIES, *STRANGERS, *VICTIMS, *acting.COLUMNS]


def is_in(operation: Operation, column: str) -> bool:
    """Whether this column must get in as the rightful caller does."""
    mine = operation.path.startswith(BINDINGS)
    if column == acting.APPLIED:
        return mine  # the officer's own logins are the applicant's: one person
    if not operation.roles & set(acting.ROLES):
        return False
    if column == acting.OTHER_LOGIN:
        return True
    if operation.name in NOT_FOR_AGENTS:
        return False
    if column == acting.LACKING:
        return act_of(operation.method, operation.path) is None
    return column == acting.AGENT_NOW


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
    pairs += [
        (row, each)
        for row in listed
        for each in acting.COLUMNS
        if bool(row.roles & set(acting.ROLES)) is (each not in acting.RECUSED)
    ]
    pairs += [(row, "no_token") for row in listed]
    guarded = [row for row in listed if not row.public]
    pairs += zip(cycle(guarded), forged)
    return pairs


def run(scene: Scene, pairs: Iterable[Pair], threads: int = 1) -> list[Cell]:
    """Those of these cells that must be refused, side by side on some threads."""
    asks: dict[str, Ask] = {}
    jobs = []
    for operation, column in pairs:
        ask = asks.setdefault(operation.name, ask_of(scene, operation))
        if ask.who != column and not is_in(operation, column):
            jobs.append((ask, column))
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda job: _cell(scene, *job), jobs))


def run_in(
    scene: Scene,
    pairs: Iterable[Pair],
    untouched: Callable[[Scene], AbstractContextManager[None]],
) -> list[Cell]:
    """Those of these cells that must get in, each in an untouched scene."""
    cells = []
    for operation, column in pairs:
        if not is_in(operation, column):
            continue
        ask = ask_of(scene, operation)
        name = _name(ask, column)
        with untouched(scene):
            wanted = _send(scene, ask, ask.path, token_of(scene, operation, ask.who))
        with untouched(scene):
            found = _send(scene, ask, ask.path, token_of(scene, operation, name))
        faults = _of_welcome(operation, wanted, found)
        cells.append(
            Cell(operation.name, column, found.status, found.code, "in", faults)
        )
    return cells


def _of_welcome(operation: Operation, wanted: Answer, found: Answer) -> tuple[str, ...]:
    refused = {answer.code for answer in (found, wanted) if answer.status >= 400}
    if found.status // 100 != wanted.status // 100 or len(refused) > 1:
        told = f"{wanted.status} {wanted.code}"
        return (f"kept out: {found.status} {found.code}, the rightful caller {told}",)
    reads = operation.method == "GET" and found.body
    if reads and _read(found) != _read(wanted):
        return ("answered otherwise than the rightful caller",)
    return ()


def _read(answer: Answer) -> Any:
    """The body without what it says of who asks, whose own login comes first."""
    read = json.loads(answer.body)
    if "bindings" in read:
        read["bindings"].sort(key=lambda each: str(each["binding_id"]))
    return _plain(read)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if name not in WHO_ASKS}
        return {name: _plain(each) for name, each in kept.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


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
    ask = _as_asked_by(scene, ask, column)
    token = _authorization(scene, ask, column)
    real = _send(scene, ask, ask.path, token)
    if ask.operation.public:
        bare = _send(scene, ask, ask.path, None)
        kind, faults = "public", _of_public(real, bare)
    else:
        absent = _send(scene, ask, ask.absent_path, token)
        if column == SUSPENDED and real.print() != absent.print():
            # A kept policy may have run out between the two: then it is out for both.
            real = _send(scene, ask, ask.path, token)
        kind, faults = _of_guarded(scene, ask, column, real, absent)
    if (ask.operation.name, column) in EXPLAINED and real.status < 400:
        kind, faults = "explained", ()
    return Cell(ask.operation.name, column, real.status, real.code, kind, faults)


def _authorization(scene: Scene, ask: Ask, column: str) -> str | None:
    if column in FORGERIES:
        return FORGERIES[column](scene.mint, scene.people[ask.who])
    return token_of(scene, ask.operation, _name(ask, column))


def token_of(scene: Scene, operation: Operation, name: str) -> str:
    """Somebody's true token; signing out ends a session that nothing else needs."""
    if operation.name == SIGN_OUT:
        passing = replace(scene.people[name], session_id="access-passing")
        return f"Bearer {scene.mint.token(passing)}"
    return scene.bearer(name)


def _name(ask: Ask, column: str) -> str:
    """Whose session a column is in this row."""
    act = act_of(ask.operation.method, ask.operation.path)
    return acting.name_of(column, ask.who, act)


def _as_asked_by(scene: Scene, ask: Ask, column: str) -> Ask:
    """Any caseworker may take a victim's code who is shown it: these were not."""
    entitled = {"officer", "officer_elsewhere", "officer_next_door"}
    if ask.operation.name not in AT_A_WINDOW or column not in entitled:
        return ask
    body, absent = ask.body or b"", scene.absent["code"].encode()
    for shown in ("code", "guardians_code"):
        body = body.replace(scene.things[shown].encode(), absent)
    return replace(ask, body=body)


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
    wanted = _expected(scene, ask, column)
    faults = list(_told(scene, column, _unexpected(ask.operation, column, real)))
    if wanted.kind == "own":
        return wanted.kind, tuple(faults)
    if real.status < 400 or absent.status < 400:
        faults.append(f"let in: {real.status}, absent {absent.status}")
    elif real.status not in wanted.statuses:
        faults.append(f"{real.status} {real.code}, not {sorted(wanted.statuses)}")
    elif wanted.code and real.code != wanted.code:
        faults.append(f"{real.code}, not {wanted.code}")
    # An officer knows that a case of the own office is there: it is in the files.
    if real.print() != absent.print() and wanted.kind != "recused":
        faults.append(
            f"told apart: {real.status} {real.code} from {absent.status} {absent.code}"
        )
    return wanted.kind, tuple(faults)


@dataclass(frozen=True)
class Expected:
    """What such a caller gets: kind of the cell, its statuses, and one code if any."""

    kind: str
    statuses: frozenset[int]
    code: str = ""


def _expected(scene: Scene, ask: Ask, column: str) -> Expected:
    """In the order in which the product asks: who, as what, and then for which."""
    operation = ask.operation
    if column in FORGERIES:
        return Expected("no session", frozenset({401}))
    if column == SUSPENDED:
        return _of_a_suspended_one(operation)
    who = scene.people[_name(ask, column)]
    if not {str(role) for role in who.roles} & operation.roles:
        return Expected("role", frozenset({403}))
    return (
        _of_a_former_one(operation, column)
        or _of_an_agent(operation, column, who)
        or _of_whose_it_is(operation, column)
    )


def _of_a_suspended_one(operation: Operation) -> Expected:
    """What works for the state is shut at once, and where no policy is kept, all is.

    For as long as one is kept, the routes about one's own logins answer as they answer
    any person: a suspension takes the office, and managing one's logins is none of it.
    """
    if operation.name not in OWN_SESSION:
        return Expected("suspended", frozenset({403}))
    if operation.parameters:
        return Expected("suspended", frozenset({403, 404}))
    return Expected("suspended", operation.statuses)


def _of_whose_it_is(operation: Operation, column: str) -> Expected:
    """What anybody else gets, by what the path and the body name."""
    if column in acting.RECUSED and (
        "{case_no}" in operation.path or operation.name in AT_A_WINDOW
    ):
        return Expected("recused", frozenset({403}), "own_case")
    if column == acting.NEW_HOLDER and operation.name.endswith("/acceptance"):
        # Asked before whose power it is: a WeChat login alone takes none.
        return Expected("unproven", frozenset({403}), "identity_level_too_low")
    if operation.parameters:
        return Expected("not yours", frozenset({404}))
    return _own(operation)


def _own(operation: Operation) -> Expected:
    """One's own list, draft or session: whatever the document says."""
    return Expected("own", operation.statuses)


def _of_a_former_one(operation: Operation, column: str) -> Expected | None:
    """What a login, or a power, gets that holds no more."""
    if column in acting.FORMER:
        if operation.name == SIGN_OUT:
            return _own(operation)
        return Expected("former", frozenset({401}), "session_refused")
    if column in acting.ENDED and operation.name not in OWN_SESSION:
        return Expected("ended", frozenset({403}), acting.ENDED[column])
    return None


def _of_an_agent(operation: Operation, column: str, who: Session) -> Expected | None:
    """What an agent gets whose power holds, and is too small for this."""
    if who.actor is not None and operation.name in NOT_FOR_AGENTS:
        status, _ = NOT_FOR_AGENTS[operation.name]
        refused = Expected("no agent's", frozenset({status}))
        return refused if status else _own(operation)
    begins = operation.name == "POST /v1/applications"
    if column == acting.LACKING or (column in acting.NARROW and begins):
        return Expected("power too small", frozenset({403}), "power_missing")
    return None


def _unexpected(operation: Operation, column: str, answer: Answer) -> Answer:
    """The answer without what this agent may be told of the principal."""
    if operation.name not in TOLD_TO_AGENTS or column not in acting.ACTING:
        return answer
    (part, name), _ = TOLD_TO_AGENTS[operation.name]
    said = json.loads(answer.body)
    if not isinstance(said.get(part), dict):
        return answer
    said[part] = {each: said[part][each] for each in said[part] if each != name}
    body = json.dumps(said, ensure_ascii=False).encode()
    return replace(answer, body=body)


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


def anothers_officer_login(scene: Scene) -> Cell:
    """Somebody would remove an officer's login: nobody learns that it is one."""
    headers = {"Authorization": scene.bearer("other_citizen")}
    real, absent = (
        scene.door.ask("DELETE", f"{BINDINGS}/{each}", headers)
        for each in (scene.people["officer"].sub, scene.absent["binding_id"])
    )
    faults = []
    if (real.status, real.code) != (404, "binding_unknown"):
        faults.append(f"answered: {real.status} {real.code}")
    if real.print() != absent.print():
        faults.append(f"told apart: {real.status} from {absent.status} {absent.code}")
    return Cell(
        ONE_BINDING,
        "anothers_officer_login",
        real.status,
        real.code,
        "not yours",
        tuple(faults),
    )


def rightful(scene: Scene, rows: Iterable[Operation]) -> dict[str, Answer]:
    """The same requests, one after another, by those who may: each must succeed.

    Without this, a matrix of refusals would prove no more than a misspelt request.
    """
    answers = {}
    for operation in rows:
        ask = ask_of(scene, operation)
        token = None if operation.public else token_of(scene, operation, ask.who)
        answers[operation.name] = _send(scene, ask, ask.path, token)
    return answers

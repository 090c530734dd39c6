"""One caller's share of the campaign: Schemathesis rounds, counted and judged.

Runs in a process of its own: on Python 3.11 the interpreter fails when several threads
compile at once ("AST constructor recursion depth mismatch"), and every generator is
compiled. So people run side by side, not requests of one person.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.core.errors import NoLinksFound
from schemathesis.core.failures import Failure
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import Interaction, ScenarioRecorder

from infra.local.home import ROOT, Home
from tests.fuzz.accepted import why_accepted
from tests.fuzz.people import Caller, Values

DOCUMENT = ROOT / "events" / "openapi" / "zerotrip-v1.json"
PARTNERS = "partners"
ANYONE = ["nobody"]
REQUEST_SECONDS = 30
LIKELY = 0.6
"""How often a real id is taken where the document asks for one."""
METHODS = ["get", "put", "post", "delete", "patch", "options"]
"""Tried where the document does not name them; the laptop's door carries no others."""
BODY_VALUES = {
    "body.item_code": "item_code",
    "body.bill_id": "bill_id",
    "body.channel": "channel",
    "body.material": "material",
    "body.content_type": "content_type",
}


KEPT_LOGIN, NOBODYS_LOGIN = "unbind_login", "0" * 26


class CampaignFailed(RuntimeError):
    """Requests could not be made or sent; nothing is known of the answers."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Nobody removes a login, though links lead there.

    A citizen would remove the one by which they are proven, and have a new one at each
    sign-in until a person's eight are used up: the campaign would end there.
    """
    raw, path = case.operation.definition.raw, case.path_parameters or {}
    if raw["operationId"] == KEPT_LOGIN and len(str(path.get("binding_id", ""))) == 26:
        case.path_parameters["binding_id"] = NOBODYS_LOGIN


@dataclass(frozen=True, slots=True)
class Round:
    """How much of the document one round tries, and how hard."""

    seed: int
    examples: int
    phases: tuple[str, ...]
    own_operations: bool = False


@dataclass
class Tally:
    """What was sent and what came of it."""

    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    phases: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    findings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def find(self, finding: Mapping[str, Any], times: int = 1) -> None:
        """Keeps the first finding of its kind and counts the others."""
        kind = ("check", "title", "operation", "status")
        key = "|".join(str(finding[name]) for name in kind)
        known = self.findings.setdefault(key, {**finding, "times": 0})
        known["times"] += times

    def add(self, other: Tally) -> None:
        """Another caller's or round's figures on top."""
        self.requests += other.requests
        for mine, theirs in (
            (self.statuses, other.statuses),
            (self.phases, other.phases),
            (self.operations, other.operations),
            (self.checks, other.checks),
            (self.accepted, other.accepted),
        ):
            mine.update(theirs)
        for finding in other.findings.values():
            self.find(finding, finding["times"])


def document() -> dict[str, Any]:
    """The committed OpenAPI document."""
    found: dict[str, Any] = json.loads(DOCUMENT.read_text("utf-8"))
    return found


def run_round(
    base_url: str,
    caller: Caller,
    token: str | None,
    values: Values,
    asked: Round,
    *,
    partners: bool = False,
    only: frozenset[str] | None = None,
    at_most: int | None = None,
    sent: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Sends one round as the caller; `sent` hears how many, as they are answered.

    `partners`: the partners' routes, which have an address of their own, else all
    others. `only`: these operationIds. Raises CampaignFailed.
    """
    config = SchemathesisConfig.from_dict(_settings(base_url, token, values, asked))
    schema = schemathesis.openapi.from_dict(document(), config=config)
    tally = Tally()

    @schema.hook
    def filter_failure(
        context: Any, failure: Failure, case: Any, response: Any
    ) -> bool:
        reason = why_accepted(failure, response)
        if reason is not None:
            tally.accepted[reason] += 1
        return reason is None

    def chosen(context: Any) -> bool:
        said = context.operation.definition.raw
        return (
            partners is (PARTNERS in said["tags"])
            and (only is None or said["operationId"] in only)
            and (not asked.own_operations or caller.role in said.get("x-roles", ANYONE))
        )

    stream = from_schema(schema.include(chosen)).execute()
    for event in stream:
        _refuse_trouble(event)
        if isinstance(event, events.ScenarioFinished):
            before = tally.requests
            _count(tally, caller, event.phase.value, event.recorder)
            sent(tally.requests - before)
            if at_most is not None and tally.requests >= at_most:
                stream.stop()
    return tally


def _refuse_trouble(event: events.EngineEvent) -> None:
    # A caller who may go to few places has nowhere that a link leads to.
    if isinstance(event, events.NonFatalError) and not isinstance(
        event.value, NoLinksFound
    ):
        raise CampaignFailed(f"{event.label}: {event.value!r}") from event.value


def _settings(
    base_url: str, token: str | None, values: Values, asked: Round
) -> dict[str, Any]:
    known = {name: each for name, each in values.items() if each}
    places = {f"path.{name}": name for name in known} | BODY_VALUES
    settings: dict[str, Any] = {
        "base-url": base_url,
        "seed": asked.seed,
        "workers": 1,
        "continue-on-failure": True,
        "request-timeout": REQUEST_SECONDS,
        "suppress-health-check": ["all"],
        "checks": {
            # Whether a valid request succeeds hangs on what is stored: a case in the
            # right stage, a code that was not used. `tests/end_to_end` shows successes.
            "positive_data_acceptance": {"enabled": False},
            # RFC 6585: 428 is what a missing If-Match is answered with.
            "missing_required_header": {
                "expected-statuses": ["400", "401", "403", "404", "422", "428"]
            },
            # Ours adds 412 (a stale If-Match), 413, and takes 5xx out.
            "negative_data_rejection": {
                "expected-statuses": [
                    *("400", "401", "403", "404", "405", "409", "412", "413"),
                    *("415", "422", "428"),
                ]
            },
        },
        "generation": {
            "max-examples": asked.examples,
            "database": "none",
            "no-shrink": True,
        },
        "phases": {
            name: {"enabled": name in asked.phases}
            for name in ("examples", "fuzzing", "stateful")
        },
        "dictionaries": {name: {"values": each} for name, each in known.items()},
        "parameters": {
            place: {"dictionary": name, "probability": LIKELY}
            for place, name in places.items()
            if name in known
        },
    }
    settings["phases"]["coverage"] = {
        "enabled": "coverage" in asked.phases,
        "unexpected-methods": METHODS,
    }
    if token is not None:
        settings["headers"] = {"Authorization": f"Bearer {token}"}
    return settings


def _count(
    tally: Tally, caller: Caller, phase: str, recorder: ScenarioRecorder
) -> None:
    for interaction in recorder.interactions.values():
        tally.requests += 1
        tally.phases[phase] += 1
        answer = interaction.response
        tally.statuses[str(answer.status_code) if answer else "none"] += 1
    for case_id, checks in recorder.checks.items():
        tally.operations[recorder.cases[case_id].value.operation.label] += 1
        for check in checks:
            tally.checks[check.name] += 1
            if check.failure_info is not None:
                interaction = recorder.interactions[case_id]
                found = _finding(check.name, check.failure_info.failure, interaction)
                tally.find({**found, "caller": caller.role, "phase": phase})


def _finding(check: str, failure: Failure, interaction: Interaction) -> dict[str, Any]:
    answer = interaction.response
    return {
        "check": check,
        "title": failure.title,
        "operation": failure.operation,
        "status": answer.status_code if answer else None,
        "method": interaction.request.method,
        "message": failure.message[:400],
        "answer": _shown(answer.content if answer else b""),
    }


def _shown(content: bytes | None) -> str:
    return (content or b"").decode("utf-8", "replace")[:400]


def rounds(seed: int, examples: int) -> Iterator[Round]:
    """First every corner of the document, then chance where the caller may go."""
    yield Round(seed, examples, ("examples", "coverage", "fuzzing", "stateful"))
    while True:
        seed += 1
        yield Round(seed, examples, ("fuzzing", "stateful"), own_operations=True)


def run_caller(
    home: Home,
    caller: Caller,
    values: Values,
    *,
    requests: int,
    seed: int,
    examples: int,
    sent: Callable[[int], None],
) -> Tally:
    """A caller's whole share: rounds with a fresh session each, until it is sent."""
    tally = Tally()
    for asked in rounds(seed, examples):
        token = caller.sign_in(home).token
        if caller.role == "nobody":
            # A partner has no session either, and has a REST API of its own.
            tally.add(
                run_round(
                    home.partners_url, caller, None, values, asked,
                    partners=True, sent=sent,
                )
            )  # fmt: skip
        left = requests - tally.requests
        if left > 0:
            tally.add(
                run_round(
                    home.api_url, caller, token, values, asked, at_most=left, sent=sent
                )
            )
        if tally.requests >= requests:
            return tally
    raise AssertionError("rounds do not end by themselves")


def as_json(tally: Tally) -> Mapping[str, Any]:
    """The figures for a report."""
    return {
        "requests": tally.requests,
        "by_status": dict(sorted(tally.statuses.items())),
        "by_phase": dict(tally.phases),
        "checks_made": dict(sorted(tally.checks.items())),
        "accepted": dict(tally.accepted),
        "findings": list(tally.findings.values()),
    }

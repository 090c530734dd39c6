"""Providers of shared materials: one server, one path and one pair of keys each.

They speak docs/decisions/0012-sources-of-materials.md: signed questions, signed
answers, the same id is the same question. Their records are of the sandboxes' own
people (`people.py`); whoever is not among them has none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from .keys import Keys
from .people import PEOPLE, RESIDENT_IDENTITY_CARD, Company, Person
from .server import Fault, Request, Response, Sandbox, unix_seconds

TOLERANCE_SECONDS = 300
_OF = {  # what each provider gives
    "population": ("household_registration", "identity_card", "no_criminal_record"),
    "civil_affairs": ("marriage_certificate",),
    "social_insurance": ("social_insurance_record",),
    "market_regulation": ("business_licence",),
    "natural_resources": ("real_estate_certificate",),
}


class ProvidersSandbox(Sandbox):
    """Authorities that know a few people and sign what they say of them.

    Faults beside the common ones, by the provider's path (`/population/.*`):
    `not_found`, `unsigned_answer`, `forged_answer`, `old_answer`, `other_answer`
    (signed, to another question), `expired_record`.
    """

    name = "shared_data"
    own_faults = frozenset(
        {
            "not_found",
            "unsigned_answer",
            "forged_answer",
            "old_answer",
            "other_answer",
            "expired_record",
        }
    )

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self._secrets = keys.provider_secrets
        self._answers: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self._asked: list[dict[str, Any]] = []
        self.route(
            "POST",
            "/(?P<provider>[a-z_]+)/v1/materials/(?P<code>[a-z_]+)/queries",
            self._query,
        )
        self.route("GET", "/_control/queries", self._control_queries)
        self.route("DELETE", "/_control/queries", self._control_forget)

    def _query(self, request: Request, provider: str, code: str) -> Response:
        kept = self._secrets.get(provider)
        if kept is None or code not in _OF[provider]:
            return Response.of({"code": "material_unknown"}, 404)
        problem = _signature_problem(request, kept["request"])
        if problem:
            return Response.of({"code": problem}, 401)
        asked = request.json()
        missing = [
            name
            for name in ("request_id", "material", "subject", "purpose", "consent")
            if not asked.get(name)
        ]
        if missing or asked["request_id"] != request.headers["webhook-id"]:
            return Response.of({"code": "query_invalid", "faults": missing}, 422)
        question_id = str(asked["request_id"])
        with self.lock:
            first, answered = self._answers.get(question_id, (request.body, None))
            if first != request.body:
                return Response.of({"code": "query_conflict"}, 409)
            said = answered or _answer(asked, provider, code)
            self._answers[question_id] = (request.body, said)
            self._asked.append(
                {
                    "provider": provider,
                    "material": code,
                    "request_id": question_id,
                    "again": answered is not None,
                    # Of whom is nobody's business here: only what a test may look at.
                    "purpose": asked["purpose"],
                    "consent": asked["consent"],
                }
            )
        return self._signed(provider, question_id, said)

    def _signed(
        self,
        provider: str,
        question_id: str,
        said: Mapping[str, Any],
        *,
        secret: str = "",
        sent_at: int | None = None,
    ) -> Response:
        response = Response.of(said)
        timestamp = str(unix_seconds() if sent_at is None else sent_at)
        key = secret or self._secrets[provider]["answer"]
        return replace(
            response,
            headers={
                **response.headers,
                "webhook-id": question_id,
                "webhook-timestamp": timestamp,
                "webhook-signature": _signature(
                    key, question_id, timestamp, response.body
                ),
                "x-provider": provider,
            },
        )

    def finish(self, response: Response, fault: Fault | None) -> Response:
        """Spoils an answer that was asked to be spoilt."""
        provider = response.headers.get("x-provider", "")
        if fault is None or not provider:
            return response
        said = json.loads(response.body)
        question_id, secret, sent_at = str(said["request_id"]), "", unix_seconds()
        match fault.kind:
            case "not_found":
                said = _not_found(said)
            case "expired_record":
                said = {**said, "valid_until": "2020-01-31"}
            case "unsigned_answer":
                return Response(response.status, response.body)
            case "forged_answer":
                secret = base64.b64encode(secrets.token_bytes(32)).decode()
            case "old_answer":
                sent_at -= TOLERANCE_SECONDS * 2
            case "other_answer":
                question_id = secrets.token_hex(13).upper()
                said = {**said, "request_id": question_id}
        return self._signed(provider, question_id, said, secret=secret, sent_at=sent_at)

    def _control_queries(self, _: Request) -> Response:
        """What was asked since the start: provider, material, purpose and consent."""
        with self.lock:
            return Response.of({"queries": list(self._asked)})

    def _control_forget(self, _: Request) -> Response:
        """Forget what was asked."""
        with self.lock:
            self._asked.clear()
        return Response.of({"ok": True})


def _answer(asked: Mapping[str, Any], provider: str, code: str) -> dict[str, Any]:
    """What this authority's books say of the subject of a question."""
    question = {"request_id": asked["request_id"], "material": code}
    number = str(asked["subject"].get("number", ""))
    person = next(
        (each for each in PEOPLE.values() if number in (each.id_no, each.corp_uscc)),
        None,
    )
    record = None if person is None else _record(person, number, code)
    if record is None:
        return _not_found(question)
    return {
        **question,
        "outcome": "found",
        "document": record,
        "reference": f"{provider}-{secrets.token_hex(10)}",
        "issued_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "valid_until": None,
    }


def _record(person: Person, number: str, code: str) -> dict[str, Any] | None:
    """A made-up record of a made-up person, or of the company that it acts for."""
    if person.company is not None and number == person.company.uscc:
        return _company_record(person.company, code)
    holder = {"name": person.name, "citizen_number": number}
    records: dict[str, dict[str, Any]] = {"no_criminal_record": {"convictions": 0}}
    if person.id_type == RESIDENT_IDENTITY_CARD:
        born = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
        address = "示例省示例市示例区示例大道1号"
        household = {"address": address, "kind": "家庭户"} | _members(person)
        records["household_registration"] = household | _death(person)
        records["identity_card"] = {
            "born_on": born,
            "address": address,
        } | _death(person)
    if not person.underage:
        records["marriage_certificate"] = {"status": "已婚", "since": "2012-05-20"}
        records["social_insurance_record"] = {
            "insured_months": 96,
            "insurances": ["养老", "医疗", "失业", "工伤", "生育"],
        }
    return holder | records[code] if code in records else None


def _company_record(company: Company, code: str) -> dict[str, Any] | None:
    named = {"name": company.name, "uscc": company.uscc}
    active = company.status == "active"
    records: dict[str, dict[str, Any]] = {
        "business_licence": {
            "status": "存续" if active else "注销",
            "founded_on": "2015-06-01",
            "legal_representative": company.representative,
        }
    }
    if active:
        records["social_insurance_record"] = {"insured_persons": 12}
    return named | records[code] if code in records else None


def _members(person: Person) -> dict[str, Any]:
    """The children in the same household, if there are any."""
    children = [
        {
            "name": PEOPLE[key].name,
            "citizen_number": PEOPLE[key].id_no,
            "relation": "子女",
        }
        for key in person.children
    ]
    return {"members": children} if children else {}


def _death(person: Person) -> dict[str, Any]:
    """What the population register says of who died."""
    if person.deceased_on is None:
        return {}
    return {"status": "死亡", "deceased_on": person.deceased_on}


def _not_found(said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "request_id": said["request_id"],
        "material": said["material"],
        "outcome": "not_found",
    }


def _signature_problem(request: Request, secret: str) -> str:
    """Why a question is not taken, in one code; empty when its signature holds."""
    message_id = request.headers.get("webhook-id", "")
    timestamp = request.headers.get("webhook-timestamp", "")
    given = request.headers.get("webhook-signature", "")
    if not (message_id and timestamp.isdigit() and given):
        return "signature_missing"
    expected = _signature(secret, message_id, timestamp, request.body)
    if not hmac.compare_digest(given.encode(), expected.encode()):
        return "signature_wrong"
    if abs(unix_seconds() - int(timestamp)) > TOLERANCE_SECONDS:
        return "signature_stale"
    return ""


def _signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()

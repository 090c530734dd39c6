"""Deliberate failures, each with a marked person where it hurts most.

They provoke refusals, error logs and dead letters: requests that are wrong, files that
are none, poisoned messages, partners that fail or tell too much.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import urllib3

from infra.local.mini_program import Client, Partners, Refused
from tests.canary.errands import FOOD, Errand, example_of, item_of
from tests.canary.marks import Marks
from tests.support.laptop_cloud import LaptopCloud
from tests.template.application import functions
from zerotrip.kernel.standard_webhooks import sign

Headers = dict[str, str]
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request that will be refused."""

    method: str
    path: str
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()


def wrong_addresses(marks: Marks) -> Iterator[Request]:
    """Somebody's name or number where an id belongs."""
    for value in (marks.name, marks.citizen_number):
        at = quote(value, safe="")
        for path in (
            f"/v1/cases/{at}",
            f"/v1/applications/{at}",
            f"/v1/licences/{at}/document",
            f"/v1/verifications/{at}",
            f"/v1/items/{at}",
            f"/v1/staff/cases/{at}",
            f"/v1/{at}",
            f"/v1/cases?limit={at}&{at}=1",
        ):
            yield Request("GET", path)
        yield Request("POST", f"/v1/cases/{at}/withdrawal", b"{}", _seen('"v1"'))
        yield Request("POST", f"/v1/notices/{at}/read")


def wrong_bodies(marks: Marks, application: str, case_no: str) -> Iterator[Request]:
    """Somebody in fields, keys, headers and types that are refused."""
    person = dict(marks.values())
    item = item_of(FOOD).code
    draft = f"/v1/applications/{application}"
    bodies: list[Any] = [
        {"item_code": marks.name},
        {"item_code": item, marks.name: marks.citizen_number},
        {"item_code": {"of": person}},
        [person],
        marks.name,
    ]
    for body in bodies:
        yield Request("POST", "/v1/applications", _json(body))
    for raw in (
        marks.name.encode(),
        marks.name.encode("gb18030"),
        b"{" + _json(person),
    ):
        yield Request("POST", "/v1/applications", raw)
    for kind in ("text/plain", f"application/{marks.telephone}"):
        body = _json({"item_code": item})
        yield Request("POST", "/v1/applications", body, (("Content-Type", kind),))
    form = _json({"form": {"owner": person, marks.name: 1, marks.telephone: [person]}})
    for seen in (f'"{marks.citizen_number}"', '"v99"', ""):
        yield Request("PUT", draft, form, _seen(seen))
    for key in (marks.telephone, marks.email, quote(marks.name), f"{marks.name}"):
        headers = (("Idempotency-Key", key.encode().decode("latin-1")),)
        yield Request("POST", "/v1/applications", _json({"item_code": item}), headers)
        yield Request("POST", f"{draft}/submission", b"{}", headers)
    announced = {"material": "floor_plan", "size_bytes": 5, "content_type": marks.email}
    yield Request("POST", f"{draft}/materials", _json(announced))
    yield Request("POST", f"{draft}/materials", _json({**announced, **person}))
    for path in ("corrections", "payments", "withdrawal"):
        at = f"/v1/cases/{case_no}/{path}"
        yield Request("POST", at, _json({"form": person}), _seen('"v1"'))
        yield Request("POST", at, _json(person), _seen(f'"{marks.telephone}"'))
    yield from _wrong_logins(marks)


def _wrong_logins(marks: Marks) -> Iterator[Request]:
    oidc = {
        "provider": "oidc",
        "code": marks.citizen_number,
        "code_verifier": marks.telephone,
        "nonce": marks.email,
        "redirect_uri": f"https://{marks.email}/",
    }
    yield Request("POST", "/v1/sessions", _json(oidc))
    wechat = {"provider": "wechat_mini_program", "code": marks.name}
    yield Request("POST", "/v1/sessions", _json(wechat))
    yield Request("POST", "/v1/sessions", _json({**wechat, "provider": marks.name}))
    token = _json({"refresh_token": marks.telephone})
    yield Request("POST", "/v1/sessions/refresh", token)
    for said in (quote(marks.name), marks.citizen_number, f"{marks.telephone}.e30.e30"):
        bearer = (("Authorization", f"Bearer {said}"),)
        yield Request("GET", "/v1/cases", None, bearer)


def unfit_form(marks: Marks) -> dict[str, Any]:
    """A form in which every personal value stands in a field that refuses it."""
    form: dict[str, Any] = dict(example_of(FOOD).form)
    form["company"] = {
        "name": marks.company,
        "uscc": marks.citizen_number,
        "legal_representative": marks.name,
        "telephone": marks.name,
        marks.name: marks.telephone,
    }
    form["premises"] = marks.address
    form["safety_manager"] = {"citizen_number": marks.telephone, "name": 5}
    return form


def ask(client: Client, requests: Iterator[Request]) -> dict[int, int]:
    """Sends them all; how often each status was answered."""
    answered: dict[int, int] = {}
    for request in requests:
        headers = JSON | {"User-Agent": "canary"} | dict(request.headers)
        headers.setdefault("Authorization", f"Bearer {client.token}")
        answer = client.http.request(
            request.method,
            client.base_url + request.path,
            body=request.body,
            headers=headers,
            retries=False,
            redirect=False,
        )
        answered[answer.status] = answered.get(answer.status, 0) + 1
    return answered


def wrong_files(errand: Errand, marks: Marks) -> dict[int, int]:
    """Uploads that are no PNG, under names and with fields that tell who it was."""
    answered: dict[int, int] = {}
    content = b"\x7fELF " + " ".join(marks.values().values()).encode()
    announced = {
        "material": "floor_plan",
        "content_type": "image/png",
        "size_bytes": len(content),
    }
    tempting: list[dict[str, str]] = [
        {"x-amz-meta-owner": marks.telephone},
        {"x-amz-tagging": f"<Tagging>{marks.citizen_number}</Tagging>"},
        {"Content-Disposition": f"attachment; filename={marks.email}"},
        {"key": f"441882/APP/{quote(marks.name)}/floor_plan/1"},
        {},
    ]
    for more in tempting:
        made, _ = errand.client.call(
            "POST", f"/v1/applications/{errand.application}/materials", announced
        )
        fields = {**made["upload"]["fields"], **more}
        file = (f"{marks.name}_{marks.citizen_number}.png", content, "image/png")
        answer = errand.client.http.request(
            "POST", made["upload"]["url"], fields={**fields, "file": file}
        )
        answered[answer.status] = answered.get(answer.status, 0) + 1
    return answered


def poison(cloud: LaptopCloud, marks: Marks) -> frozenset[str]:
    """Messages with a person in them, into every step's queue; answers their bodies."""
    sqs = cloud.client("sqs")
    bodies = [
        marks.name,
        json.dumps(marks.values(), ensure_ascii=False),
        json.dumps({"Records": [dict(marks.values())]}),
        _event(f"CASE#{marks.name}", marks.citizen_number),
        _event(f"NOTICE#{marks.telephone}", marks.email),
        _event(f"CASE#{marks.name}", marks.citizen_number, subject=marks.address),
        _stored("ObjectCreated:Post", f"441882/APP/{quote(marks.name)}/floor_plan/1"),
        _stored(f"ObjectRemoved:{marks.telephone}", "441882/a"),
        _stored("ObjectCreated:Post", f"441882/{marks.citizen_number}/1.2.pdf"),
        _stored("ObjectCreated:Post", marks.name, bucket=marks.email),
    ]
    for function in functions():
        if function.queue is not None:
            for body in bodies:
                sqs.send_message(
                    QueueUrl=cloud.outputs.queue_url(function.name), MessageBody=body
                )
    return frozenset(bodies)


def loose_tongued_callbacks(
    cloud: LaptopCloud, marks: Marks, shipment_id: str, waybill: str
) -> dict[int, int]:
    """What a courier and strangers tell of the receiver, signed and unsigned."""
    data = {
        "order_id": shipment_id,
        "waybill": waybill,
        "status": "IN_TRANSIT",
        "occurred_at": "2026-11-20T02:00:00.000Z",
        "receiver": dict(marks.values()),
    }
    told: list[dict[str, Any]] = [
        data,
        {**data, "order_id": marks.telephone},
        {**data, "order_id": "441882" + "Z" * 26},
        {**data, "waybill": marks.name},
        {**data, "status": marks.name},
        {**data, "occurred_at": marks.citizen_number},
        {"receiver": data["receiver"]},
    ]
    bodies = [_json({"type": "parcel.status_changed", "data": each}) for each in told]
    bodies += [_json({"type": marks.name, "data": data}), marks.name.encode()]
    answered: dict[int, int] = {}
    http = urllib3.PoolManager()
    at = f"{cloud.partners_url}/v1/partners"
    secret = cloud.partners["courier"]["webhook_secrets"][0]
    strangers: list[tuple[str, Headers]] = [
        ("courier", {"webhook-id": marks.telephone}),
        ("wechat_pay", {"Wechatpay-Serial": marks.email}),
        (quote(marks.name, safe=""), {}),
        (marks.telephone, {}),
    ]
    for number, body in enumerate(bodies):
        message_id = quote(marks.email) if number % 3 == 2 else f"msg_{uuid.uuid4()}"
        now = datetime.now(UTC)
        signed = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(secret, message_id, now, body),
        }
        for path, headers in [("courier", signed), *(strangers if number < 2 else ())]:
            answer = http.request(
                "POST",
                f"{at}/{path}/callbacks",
                body=body,
                headers=JSON | headers,
                retries=False,
            )
            answered[answer.status] = answered.get(answer.status, 0) + 1
    return answered


def partners_that_tell(partners: Partners, marks: Marks, times: int) -> None:
    """Courier and payment channel name a person where an error code belongs."""
    said = [
        {"kind": "error", "status": 422, "code": marks.name},
        {"kind": "error", "status": 400, "code": marks.telephone},
        {"kind": "lost_answer"},
        {"kind": "error", "status": 503, "code": marks.citizen_number},
    ]
    for partner in ("courier", "payments"):
        for fault in said:
            partners.control(partner, "faults", {**fault, "times": times})


def no_more_faults(partners: Partners) -> None:
    """The partners behave again."""
    for partner in ("courier", "payments", "identity"):
        url = f"http://127.0.0.1:{partners.ports[partner]}/_control/faults"
        partners.http.request("DELETE", url, retries=False)


def identity_that_tells(client: Client, marks: Marks) -> list[int]:
    """The identity provider refuses with a person for an error; answered statuses."""
    answered = []
    for kind in ("error", "lost_answer"):
        fault = {"kind": kind, "status": 400, "code": marks.name, "times": 1}
        client.partners.control("identity", "faults", fault)
        try:
            client.sign_in_by_oidc("wang")
        except Refused as refused:
            answered.append(refused.status)
    return answered


def _event(aggregate: str, cause: str, subject: str = "CASE#1") -> str:
    return json.dumps(
        {
            "id": f"{aggregate}#000001",
            "source": "zerotrip/441882",
            "type": "zerotrip.case.received.v1",
            "subject": subject,
            "time": "2026-11-20T02:00:00.000Z",
            "data": {
                "tenant": "441882",
                "organisation": "",
                "aggregate": aggregate,
                "event": f"EVENT#freeze#{cause}",
                "seq": 1,
                "next_steps": ["submit"],
            },
        },
        ensure_ascii=False,
    )


def _stored(name: str, key: str, bucket: str = "uploads") -> str:
    stored = {"key": key, "versionId": "v1", "size": 1}
    record = {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": stored}}
    return json.dumps({"Records": [record]}, ensure_ascii=False)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _seen(tag: str) -> tuple[tuple[str, str], ...]:
    return (("If-Match", tag),) if tag else ()

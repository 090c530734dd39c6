"""Examples of problem documents, made from what is known of each code."""

from __future__ import annotations

from zerotrip.kernel.identifiers import identity_number_fault
from zerotrip.web.gateway import GatewayRefusal
from zerotrip.web.openapi.codes import Known
from zerotrip.web.openapi.examples.shown import Json
from zerotrip.web.problems import TITLES, TYPE_PREFIX

_FAULT: Json = identity_number_fault("/owner/citizen_number").as_json()


def problem_example(known: Known) -> Json:
    """The problem document of a code, as a client would get it."""
    title = TITLES[known.status]
    document: Json = {
        "type": TYPE_PREFIX + known.code,
        "title": f"{title.zh} · {title.en}",
        "status": known.status,
        "detail": f"{known.zh} {known.en}",
        "instance": "urn:zerotrip:request:c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "code": known.code,
        "zh": known.zh,
        "en": known.en,
    }
    if known.status == 422:
        document["faults"] = [_FAULT] if known.code == "form_invalid" else []
    if known.code == "stage_changed":
        document["stage"] = "decided"
        document["winner"] = {
            "event": "case.decision_recorded",
            "time": "2026-11-21T08:30:00.000Z",
            "seq": 4,
            "decision": "approve",
        }
    return document


def gateway_example(refusal: GatewayRefusal) -> Json:
    """The problem document of the gateway's own refusal."""
    document: Json = {
        "type": TYPE_PREFIX + refusal.code,
        "title": f"{refusal.title.zh} · {refusal.title.en}",
        "detail": f"{refusal.zh} {refusal.en}",
        "instance": "urn:zerotrip:request:c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "code": refusal.code,
        "zh": refusal.zh,
        "en": refusal.en,
    }
    # A general refusal stands for several statuses, so it names none.
    return document if refusal.general else {**document, "status": refusal.statuses[0]}

"""Forged callbacks in memory, and the checks of signatures taken out on purpose."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest

from tests.support.memory import MemoryTables
from tests.unit.payments import samples
from tests.unit.payments.test_partner_webhooks import app, records
from zerotrip.kernel import standard_webhooks
from zerotrip.kernel.records import Records
from zerotrip.payments.channels import wechat_pay_signatures

__all__ = ["app", "records"]  # fixtures: a bill to be paid, a parcel on its way

SECRET = samples.COURIER["webhook_secrets"][0]
OTHER = "whsec_" + base64.b64encode(b"a forger's own secret, 32 bytes.").decode()
Event = dict[str, Any]


def _courier(*, secret: str = SECRET, age: timedelta = timedelta(0)) -> Event:
    """The recorded callback, signed anew."""
    event = samples.sample("courier_delivered_not_encoded")
    sent_at, body = samples.MOMENT - age, event["body"].encode()
    signature = standard_webhooks.sign(secret, "msg_access", sent_at, body)
    return event | {
        "headers": {
            "webhook-id": "msg_access",
            "webhook-timestamp": str(int(sent_at.timestamp())),
            "webhook-signature": signature,
        }
    }


def _wechat_pay_altered() -> Event:
    """The recorded notice with one byte of its body changed, signature kept."""
    event = samples.sample("wechat_pay_transaction_success_not_encoded")
    return event | {"body": json.dumps(json.loads(event["body"]) | {"summary": ""})}


def _without(event: Event, header: str) -> Event:
    kept = {n: v for n, v in event["headers"].items() if n.lower() != header}
    return event | {"headers": kept}


FORGED: dict[str, Callable[[], Event]] = {
    "courier, other secret": lambda: _courier(secret=OTHER),
    "courier, stale": lambda: _courier(age=timedelta(minutes=6)),
    "courier, from the future": lambda: _courier(age=-timedelta(minutes=6)),
    "courier, unsigned": lambda: _without(_courier(), "webhook-signature"),
    "wechat_pay, altered": _wechat_pay_altered,
    "wechat_pay, unsigned": lambda: _without(
        samples.sample("wechat_pay_transaction_success_not_encoded"),
        "wechatpay-signature",
    ),
}


def _let_in(app: ModuleType, records: Records, event: Event) -> list[str]:
    """What is wrong with how a forged callback is treated."""
    tables = records.tables
    assert isinstance(tables, MemoryTables)
    before = dict(tables.rows)
    status = app.app(event, None)["statusCode"]
    faults = [] if 400 <= status < 500 else [f"answered {status}"]
    return faults + (["rows changed"] if dict(tables.rows) != before else [])


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_callback_is_refused_and_stores_nothing(
    app: ModuleType,
    records: Records,
    name: str,
) -> None:
    assert _let_in(app, records, FORGED[name]()) == []


def test_the_same_callback_rightly_signed_is_taken_once(
    app: ModuleType,
    records: Records,
) -> None:
    tables = records.tables
    assert isinstance(tables, MemoryTables)
    before = dict(tables.rows)
    assert app.app(_courier(), None)["statusCode"] == 204
    once = dict(tables.rows)
    assert once != before
    assert app.app(_courier(), None)["statusCode"] == 204
    assert dict(tables.rows) == once


MUTATIONS = {
    "the courier's signature is not checked": (
        standard_webhooks,
        "verify",
        lambda headers, body, secrets, now: headers["webhook-id"],
        "courier, other secret",
    ),
    "the courier's timestamp is not checked": (
        standard_webhooks,
        "TOLERANCE_SECONDS",
        10**9,
        "courier, stale",
    ),
    "the channel's signature is not checked": (
        wechat_pay_signatures,
        "verify",
        lambda headers, body, keys, now: None,
        "wechat_pay, altered",
    ),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_check_that_is_taken_out_is_missed(
    app: ModuleType,
    records: Records,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module, attribute, without, row = MUTATIONS[name]
    monkeypatch.setattr(module, attribute, without)
    assert "rows changed" in _let_in(app, records, FORGED[row]())

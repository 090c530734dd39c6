"""The function that partners call: recorded requests in, the partner's answer out."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import urllib3

from tests.support.memory import MemoryTables
from tests.unit.payments import samples
from zerotrip.cases.commands import Command
from zerotrip.deliveries import model as parcels
from zerotrip.deliveries.callbacks import ParcelCallbacks
from zerotrip.deliveries.clients.courier import Courier, CourierConfig
from zerotrip.kernel.errors import Retry
from zerotrip.kernel.records import Records
from zerotrip.payments import model as bills
from zerotrip.payments.callbacks import PaymentCallbacks
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig
from zerotrip.runtime import wiring

APP = Path(__file__).resolve().parents[3] / "functions/partner_webhooks/app.py"
CASE = "11441882000000019J4440109802002" + "20261120" + "000001"
STAGES = {"bill": "opened", "shipment": "dispatched"}


@pytest.fixture
def records() -> Records:
    """A bill that its payer was asked to pay, and a parcel that a courier has."""
    records = Records(MemoryTables())
    about = {"case_no": CASE, "sub": "sub-1", "organisation": "11441882000000019J"}
    asked = Command("CASE#no#000005", "system:test", samples.MOMENT)
    key = bills.bill_key("441882", samples.BILL)
    bill = bills.Bill(
        **about,
        kind="fee",
        amount_fen=samples.AMOUNT_FEN,
        blocks=True,
        opened_at="2026-11-20T02:00:00.000Z",
        payable_until="2027-02-18T02:00:00.000Z",
    )
    records.commit(bills.open_bill(key, bill, asked))
    head = records.head(key)
    assert head is not None
    payable = bills.read_bill(head)
    records.commit(bills.prepare(payable, "wechat_pay", samples.OPENID, asked))
    key = parcels.shipment_key("441882", samples.SHIPMENT)
    parcel = parcels.Shipment(**about, direction="pickup")
    ordered = parcels.read_shipment(records.reserve(parcels.ordered(key, parcel)))
    records.commit(parcels.dispatch(ordered, samples.WAYBILL, asked))
    return records


@pytest.fixture
def app(records: Records, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    def now() -> Any:
        return samples.MOMENT

    http = urllib3.PoolManager()
    channel = WeChatPay(WeChatPayConfig.from_json(samples.WECHAT_PAY), http, now)
    courier = Courier(CourierConfig.from_json(samples.COURIER), http, now)
    payment = PaymentCallbacks("441882", records, channel, now)
    parcel = ParcelCallbacks("441882", records, courier, now)
    monkeypatch.setattr(wiring, "payment_callback_deps", lambda: payment)
    monkeypatch.setattr(wiring, "parcel_callback_deps", lambda: parcel)
    # Each function's module is called `app`: it is loaded by its path.
    spec = importlib.util.spec_from_file_location("partner_webhooks_app", APP)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def _call(app: ModuleType, name: str, **changes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = app.app({**samples.sample(name), **changes}, None)
    return answer


def _log_of(app: ModuleType) -> list[dict[str, Any]]:
    """What the function logs from now on."""
    lines: list[dict[str, Any]] = []

    class Log:
        def _line(self, sentence: str, **fields: Any) -> None:
            lines.append({"sentence": sentence, **fields})

        info = warning = error = _line

    app.logger = Log
    return lines


def _stages(records: Records) -> dict[str, str]:
    tables = records.tables
    assert isinstance(tables, MemoryTables)
    return {
        pk.split("#")[1].lower(): row.stage or ""
        for (_, pk, sk), row in tables.rows.items()
        if sk == "HEAD"
    }


EXPECTED = {
    "wechat_pay_transaction_success": (204, {"bill": "settled"}),
    "wechat_pay_transaction_success_not_encoded": (204, {"bill": "settled"}),
    "wechat_pay_altered": (401, {}),
    "wechat_pay_probe": (401, {}),
    "wechat_pay_amount_wrong": (204, {}),  # kept, and settles nothing
    "wechat_pay_order_unknown": (404, {}),
    "courier_picked_up": (204, {"shipment": "picked_up"}),
    "courier_delivered": (204, {"shipment": "delivered"}),
    "courier_delivered_not_encoded": (204, {"shipment": "delivered"}),
    "courier_unsigned": (401, {}),
    "partner_unknown": (404, {}),
}


def test_every_recorded_request_has_its_expectation() -> None:
    assert set(samples.names()) == set(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_a_recorded_request_is_answered_and_has_its_effect(
    app: ModuleType, records: Records, name: str, expected: tuple[int, dict[str, str]]
) -> None:
    status, changed = expected
    assert _call(app, name)["statusCode"] == status
    assert _stages(records) == STAGES | changed


@pytest.mark.parametrize(
    "name", ["wechat_pay_transaction_success", "courier_delivered"]
)
def test_a_repeated_request_is_answered_like_the_first(
    app: ModuleType, records: Records, name: str
) -> None:
    first = _call(app, name)
    tables = records.tables
    assert isinstance(tables, MemoryTables)
    stored = dict(tables.rows)
    assert _call(app, name) == first
    assert (first["statusCode"], first["body"]) == (204, "")
    assert tables.rows == stored


def test_the_payment_channel_gets_its_own_words_on_failure(app: ModuleType) -> None:
    answer = _call(app, "wechat_pay_altered")
    assert json.loads(answer["body"]) == {
        "code": "FAIL",
        "message": "wechat_pay_signature_wrong",
    }
    assert answer["headers"]["Content-Type"] == "application/json"


def test_the_courier_gets_a_plain_code_on_failure(app: ModuleType) -> None:
    answer = _call(app, "courier_unsigned")
    assert json.loads(answer["body"]) == {"code": "callback_signature_missing"}


def test_who_is_no_partner_gets_a_problem_document(app: ModuleType) -> None:
    answer = _call(app, "partner_unknown")
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    problem = json.loads(answer["body"])
    assert problem["type"] == "urn:zerotrip:problem:partner_unknown"
    assert problem["status"] == 404


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", None])
def test_no_content_type_is_refused(app: ModuleType, content_type: str | None) -> None:
    headers = dict(samples.sample("courier_delivered")["headers"])
    del headers["Content-Type"]
    if content_type:
        headers["Content-Type"] = content_type
    assert _call(app, "courier_delivered", headers=headers)["statusCode"] == 204


def test_an_empty_body_is_a_failure_and_no_crash(app: ModuleType) -> None:
    answer = _call(app, "courier_delivered", body=None, isBase64Encoded=False)
    assert answer["statusCode"] == 401


def test_a_database_that_is_down_has_the_partner_send_again(
    app: ModuleType, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: object) -> None:
        raise Retry("database_unavailable", "数据库", "down")

    monkeypatch.setattr(records.tables, "get", down)
    answer = _call(app, "wechat_pay_transaction_success")
    assert answer["statusCode"] == 503
    assert json.loads(answer["body"])["message"] == "database_unavailable"


def test_what_nobody_foresaw_is_a_failure_in_the_partners_words(
    app: ModuleType,
    records: Records,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def breaks(*_: object) -> None:
        raise KeyError("张示例 13800000000")

    lines = _log_of(app)
    monkeypatch.setattr(records.tables, "get", breaks)
    answer = _call(app, "wechat_pay_transaction_success")
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "FAIL")
    assert lines[0]["error"] == "KeyError"
    assert lines[0]["where"][-1].endswith(" breaks")
    assert "张示例" not in repr(lines)


@pytest.mark.parametrize("name", EXPECTED)
def test_each_request_logs_a_code_and_no_person(app: ModuleType, name: str) -> None:
    lines = _log_of(app)
    _call(app, name)
    assert len(lines) == 1
    assert lines[0]["code"]
    assert lines[0]["sentence"]
    assert samples.OPENID not in repr(lines)
    assert "sub-1" not in repr(lines)

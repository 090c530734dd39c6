"""The payment channel: WeChat Pay v3, as far as a mini-program payment needs it.

The payer's part is `/_control/pay`. Statuses and codes as the channel's pages print
them; ORDERPAID and its status are from memory.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any

from .callbacks import Callback, Callbacks
from .keys import Keys
from .orders import KeptOrder, OrderSandbox
from .server import Answered, Fault, Request, Response, unix_seconds
from .wechat_pay_notices import Notices
from .wechat_pay_wire import PlatformWire

PREPAY_LIFE_SECONDS = 7200
_NUMBER = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_NOTIFY_URL = re.compile(r"(https://|http://(127\.0\.0\.1|localhost)[:/])[^?#]{1,240}")
_SHANGHAI = timezone(timedelta(hours=8))


@dataclass
class Order(KeptOrder):
    """One out_trade_no."""

    prepay_id: str
    prepaid_at: int
    state: str = "NOTPAY"
    transaction_id: str = ""
    success_time: str = ""
    paid_fen: int = 0
    notice_id: str = ""
    notice_variety: str = "genuine"
    expired: bool = False

    @property
    def number(self) -> str:
        return str(self.content["out_trade_no"])

    def transaction(self) -> dict[str, Any]:
        """The order as query and notice show it."""
        total = self.content["amount"]["total"]
        shown: dict[str, Any] = {
            "appid": self.content["appid"],
            "mchid": self.content["mchid"],
            "out_trade_no": self.number,
            "trade_state": self.state,
            "trade_state_desc": self.state,
            "attach": self.content.get("attach", ""),
            "payer": dict(self.content["payer"]),
            "amount": {"total": total, "currency": "CNY"},
        }
        if self.state == "SUCCESS":
            shown |= {
                "transaction_id": self.transaction_id,
                "trade_type": "JSAPI",
                "bank_type": "OTHERS",
                "success_time": self.success_time,
            }
            shown["amount"] = {
                "total": self.paid_fen,
                "payer_total": self.paid_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            }
        return shown


class WeChatPaySandbox(OrderSandbox[Order]):
    """The platform: it checks every request's signature and signs every answer."""

    name = "payments"
    own_faults = frozenset({"unsigned_answer", "forged_answer", "old_answer"})

    def __init__(self, keys: Keys, callbacks: Callbacks) -> None:
        super().__init__(Order, callbacks)
        self._keys = keys
        self._wire = PlatformWire(keys)
        self._notices = Notices(self._wire)
        self._opened_again = 0
        one = "/v3/pay/transactions/out-trade-no/(?P<number>[^/]+)"
        self.route("POST", "/v3/pay/transactions/jsapi", self._open)
        self.route("GET", one, self._query)
        self.route("POST", f"{one}/close", self._close)
        self.route("POST", "/_control/pay", self._control_pay)
        self.route("POST", "/_control/expire", self._control_expire)
        self.route("POST", "/_control/notices", self._control_notices)
        self.route("GET", "/_control/orders", self._control_orders)

    def finish(self, response: Response, fault: Fault | None) -> Response:
        """Sign the answer, unless a fault spoils just that."""
        kind = fault.kind if fault else ""
        if kind == "unsigned_answer":
            return response
        timestamp = unix_seconds() - 600 if kind == "old_answer" else None
        signed = b"{}" if kind == "forged_answer" else response.body
        headers = self._wire.signed_headers(signed, timestamp=timestamp)
        return Response(
            response.status, response.body, dict(response.headers) | headers
        )

    # what the product calls

    def _open(self, request: Request) -> Response:
        self._authorise(request)
        content = request.json()
        self._check(content)
        with self.lock:
            order = self._orders.get(content["out_trade_no"])
            if order is None:
                order = Order(content, _prepay_id(), unix_seconds())
                self._orders[order.number] = order
                return Response.of({"prepay_id": order.prepay_id})
            self._opened_again += 1
            if order.content != content:
                raise _error("OUT_TRADE_NO_USED", HTTPStatus.FORBIDDEN)
            self._must_be_open(order)
            if unix_seconds() - order.prepaid_at >= PREPAY_LIFE_SECONDS:
                order.prepay_id, order.prepaid_at = _prepay_id(), unix_seconds()
            return Response.of({"prepay_id": order.prepay_id})

    def _query(self, request: Request, number: str) -> Response:
        self._authorise(request)
        if request.query.get("mchid") != self._keys.mchid:
            raise _error("MCH_NOT_EXISTS", HTTPStatus.BAD_REQUEST)
        return Response.of(self._order(number).transaction())

    def _close(self, request: Request, number: str) -> Response:
        self._authorise(request)
        if request.json().get("mchid") != self._keys.mchid:
            raise _error("MCH_NOT_EXISTS", HTTPStatus.BAD_REQUEST)
        with self.lock:
            order = self._order(number)
            self._must_be_open(order)
            order.state = "CLOSED"
        return Response(HTTPStatus.NO_CONTENT)

    def _authorise(self, request: Request) -> None:
        if not self._wire.merchant_signed(request):
            raise _error("SIGN_ERROR", HTTPStatus.UNAUTHORIZED)
        serial = request.headers.get("Wechatpay-Serial", self._keys.platform_serial)
        json_wanted = "json" in request.headers.get("Accept", "")
        if (
            serial != self._keys.platform_serial
            or not json_wanted
            or not request.headers.get("User-Agent")
        ):
            raise _error("PARAM_ERROR", HTTPStatus.BAD_REQUEST)

    def _check(self, content: Mapping[str, Any]) -> None:
        mine = (content.get("appid"), content.get("mchid"))
        if mine != (self._keys.appid, self._keys.mchid):
            raise _error("APPID_MCHID_NOT_MATCH", HTTPStatus.BAD_REQUEST)
        wrong = _faults(content)
        if wrong:
            raise _error("PARAM_ERROR", HTTPStatus.BAD_REQUEST, wrong)

    def _order(self, number: str) -> Order:
        order = self._orders.get(number)
        if order is None:
            raise _error("ORDER_NOT_EXIST", HTTPStatus.NOT_FOUND)
        return order

    def _must_be_open(self, order: Order) -> None:
        if order.state == "CLOSED":
            raise _error("ORDER_CLOSED", HTTPStatus.BAD_REQUEST)
        if order.state == "SUCCESS":
            raise _error("ORDERPAID", HTTPStatus.BAD_REQUEST)

    # the payer, and the notice

    def _control_pay(self, request: Request) -> Response:
        """The payer pays {out_trade_no} or {client: the wx.requestPayment parameters}.

        With {amount_fen} another sum arrives than was asked; {quiet} sends no notice,
        now or ever; with {variety} the notice says something else than the query.
        """
        wish = request.json()
        with self.lock:
            order = self._chosen(wish)
            expiry = order.content.get("time_expire")
            over = expiry and datetime.fromisoformat(expiry) <= datetime.now(UTC)
            if over or order.expired:
                return Response.of({"code": "expired"}, HTTPStatus.CONFLICT)
            if order.state != "NOTPAY":
                return Response.of({"code": order.state}, HTTPStatus.CONFLICT)
            order.state = "SUCCESS"
            order.transaction_id = f"4200{uuid.uuid4().int % 10**24:024d}"
            order.success_time = datetime.now(_SHANGHAI).isoformat(timespec="seconds")
            order.paid_fen = int(
                wish.get("amount_fen", order.content["amount"]["total"])
            )
            order.notice_id = str(uuid.uuid4())
            order.notice_variety = str(wish.get("variety", "genuine"))
        if not wish.get("quiet"):
            self._submit(order)
        return Response.of(
            {"transaction_id": order.transaction_id, "notice_id": order.notice_id}
        )

    def _chosen(self, wish: Mapping[str, Any]) -> Order:
        client = wish.get("client")
        if client is None:
            return self._order(str(wish.get("out_trade_no", "")))
        prepay_id = str(client.get("package", "")).removeprefix("prepay_id=")
        for order in self._orders.values():
            if order.prepay_id == prepay_id and self._wire.client_signed(client):
                return order
        raise _error("PAY_SIGN_WRONG", HTTPStatus.UNAUTHORIZED)

    def _submit(self, order: Order) -> None:
        self.callbacks.submit(
            Callback(
                order.notice_id,
                order.number,
                lambda: self._notices.spoilt(
                    order.notice_id, order.transaction(), order.notice_variety
                ),
                lambda: self._notify_url(order),
            )
        )

    def _notify_url(self, order: Order) -> str | None:
        # The order's own, except where the API got its address after the settings.
        own = str(order.content["notify_url"])
        return self._target or (None if ".invalid/" in own else own)

    # control

    def _control_expire(self, request: Request) -> Response:
        """Ends the time to pay {out_trade_no} now; only its merchant closes it."""
        with self.lock:
            order = self._order(str(request.json().get("out_trade_no", "")))
            order.expired = True
        return Response.of({"state": order.state})

    def _control_notices(self, request: Request) -> Response:
        """Send one notice now, of a given variety, and answer what was answered."""
        wish = request.json()
        order = self._orders.get(str(wish.get("out_trade_no", "")))
        shown = order.transaction() if order else self._made_up()
        shown |= {"trade_state": "SUCCESS"}
        shown.setdefault("transaction_id", f"4200{uuid.uuid4().int % 10**24:024d}")
        shown.setdefault("success_time", "2026-11-21T08:00:00+08:00")
        url = wish.get("url") or (self._notify_url(order) if order else self._target)
        notice_id = wish.get("id") or str(uuid.uuid4())
        wire = self._notices.spoilt(notice_id, shown, wish.get("variety", "genuine"))
        return self.told(url, notice_id, wire)

    def _made_up(self) -> dict[str, Any]:
        return {
            "appid": self._keys.appid,
            "mchid": self._keys.mchid,
            "out_trade_no": "999999" + "Z" * 26,
            "payer": {"openid": "oSandbox-nobody"},
            "amount": {"total": 1500, "currency": "CNY"},
        }

    def _control_orders(self, _: Request) -> Response:
        with self.lock:
            orders = list(self._orders.values())
            return Response.of(
                {
                    "orders": len(orders),
                    "opened_again": self._opened_again,
                    "successes": sum(order.state == "SUCCESS" for order in orders),
                    "closed": sum(order.state == "CLOSED" for order in orders),
                    "notices": self.notices_sent(),
                    "items": [
                        {
                            "out_trade_no": order.number,
                            "state": order.state,
                            "amount_fen": order.content["amount"]["total"],
                            "transaction_id": order.transaction_id,
                            "notice_id": order.notice_id,
                        }
                        for order in orders
                    ],
                }
            )

    # over a restart

    def take_up(self, order: Order, pending: set[str]) -> None:
        if order.notice_id in pending:
            self._submit(order)


def _faults(content: Mapping[str, Any]) -> list[str]:
    """The fields of a prepay request that are wrong, as the channel's page has them."""
    amount, payer = content.get("amount"), content.get("payer")
    amount = amount if isinstance(amount, dict) else {}
    payer = payer if isinstance(payer, dict) else {}
    total = amount.get("total")
    right = {
        "description": 1 <= len(str(content.get("description", ""))) <= 127,
        "out_trade_no": bool(_NUMBER.fullmatch(str(content.get("out_trade_no", "")))),
        "notify_url": bool(_NOTIFY_URL.fullmatch(str(content.get("notify_url", "")))),
        "amount.total": type(total) is int and total > 0,
        "amount.currency": amount.get("currency", "CNY") == "CNY",
        "payer.openid": 1 <= len(str(payer.get("openid", ""))) <= 128,
        "time_expire": _is_rfc_3339(content.get("time_expire")),
        "attach": len(str(content.get("attach", ""))) <= 128,
    }
    return [name for name, holds in right.items() if not holds]


def _is_rfc_3339(text: Any) -> bool:
    if text is None:
        return True
    try:
        return datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return False


def _prepay_id() -> str:
    return f"wx{datetime.now(_SHANGHAI):%d%H%M%S}{uuid.uuid4().hex[:26]}"


def _error(code: str, status: int, fields: list[str] | None = None) -> Answered:
    body: dict[str, Any] = {"code": code, "message": code}
    if fields:
        body["detail"] = {"field": ",".join(fields)}
    return Answered(Response.of(body, status))

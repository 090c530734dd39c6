"""The courier: our own rule (docs/partners.md), Standard Webhooks on the way back.

Parcels move by themselves at `pace_seconds` a step, or wait for `/_control/advance`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from .callbacks import Callback, Callbacks, Wire
from .keys import Keys
from .orders import KeptOrder, OrderSandbox
from .server import Answered, Request, Response, unix_seconds

JOURNEY = ("CREATED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED")
ASIDE = ("AT_LOCKER", "ATTEMPT_FAILED", "EXCEPTION", "RETURNING", "RETURNED", "LOST")
ENDS = ("DELIVERED", "RETURNED", "CANCELLED", "LOST")
_ORDER_ID = re.compile(r"[0-9A-Za-z_-]{6,64}")


@dataclass
class Order(KeptOrder):
    """One parcel."""

    order_id: str
    waybill: str
    status: str = "CREATED"
    occurred_at: str = ""
    told: list[dict[str, str]] = field(default_factory=list)

    @property
    def number(self) -> str:
        return self.order_id

    def public(self) -> dict[str, str]:
        return {
            "order_id": self.order_id,
            "waybill": self.waybill,
            "status": self.status,
            "occurred_at": self.occurred_at,
        }


class CourierSandbox(OrderSandbox[Order]):
    """A carrier that signs and repeats what it says."""

    name = "courier"

    def __init__(self, keys: Keys, callbacks: Callbacks, pace_seconds: float) -> None:
        super().__init__(Order, callbacks)
        self._keys = keys
        self._pace_seconds = pace_seconds
        self._moves = True
        self._again = 0
        one = "(?P<order_id>[^/]+)"
        self.route("POST", "/orders", self._create)
        self.route("GET", f"/orders/{one}", self._read)
        self.route("POST", f"/orders/{one}/cancellation", self._cancel)
        self.route("POST", "/_control/pace", self._control_pace)
        self.route("POST", "/_control/advance", self._control_advance)
        self.route("POST", "/_control/notices", self._control_notices)
        self.route("GET", "/_control/orders", self._control_orders)

    # what the product calls

    def _create(self, request: Request) -> Response:
        self._authorise(request)
        content = request.json()
        faults = _faults(content)
        if faults:
            return Response.of({"code": "order_invalid", "faults": faults}, 422)
        order_id = content["order_id"]
        with self.lock:
            known = self._orders.get(order_id)
            if known is not None:
                self._again += 1
                if known.content != content:
                    return Response.of({"code": "order_conflict"}, HTTPStatus.CONFLICT)
                return Response.of({"order_id": order_id, "waybill": known.waybill})
            waybill = f"ZT{secrets.randbelow(10**13):013d}"
            order = Order(content, order_id, waybill)
            order.occurred_at = _now_text()
            self._orders[order_id] = order
        self._move_on(order)
        return Response.of(
            {"order_id": order_id, "waybill": order.waybill}, HTTPStatus.CREATED
        )

    def _read(self, request: Request, order_id: str) -> Response:
        self._authorise(request)
        return Response.of(self._order(order_id).public())

    def _cancel(self, request: Request, order_id: str) -> Response:
        self._authorise(request)
        with self.lock:
            order = self._order(order_id)
            if order.status not in ("CREATED", "CANCELLED"):
                return Response.of({"code": "too_late"}, HTTPStatus.CONFLICT)
            first = order.status == "CREATED"
            if first:
                self._tell(order, "CANCELLED")
        return Response.of(order.public())

    def _authorise(self, request: Request) -> None:
        given = request.headers.get("Authorization", "")
        expected = f"Bearer {self._keys.courier_api_key}"
        if not secrets.compare_digest(given.encode(), expected.encode()):
            raise Answered(Response.of({"code": "key_wrong"}, HTTPStatus.UNAUTHORIZED))

    def _order(self, order_id: str) -> Order:
        order = self._orders.get(order_id)
        if order is None:
            raise Answered(Response.of({"code": "order_unknown"}, HTTPStatus.NOT_FOUND))
        return order

    # the journey

    def _move_on(self, order: Order) -> None:
        if self._moves and order.status in JOURNEY[:-1]:
            self.callbacks.scheduler.later(
                self._pace_seconds, lambda: self._step(order)
            )

    def _step(self, order: Order) -> None:
        with self.lock:
            if not self._moves or order.status not in JOURNEY[:-1]:
                return
            self._tell(order, JOURNEY[JOURNEY.index(order.status) + 1])
        self._move_on(order)

    def _tell(self, order: Order, status: str, occurred_at: str | None = None) -> None:
        order.status = status
        order.occurred_at = occurred_at or _now_text()
        event = {"id": f"msg_{uuid.uuid4().hex}"} | order.public()
        order.told.append(event)
        self._submit(event)

    def _submit(self, event: dict[str, str]) -> None:
        self.callbacks.submit(
            Callback(
                event["id"],
                event["order_id"],
                lambda: self.wire(event),
                lambda: self._target,
            )
        )

    def wire(
        self,
        event: Mapping[str, str],
        *,
        timestamp: int | None = None,
        secret: str = "",
        body: bytes | None = None,
    ) -> Wire:
        """Headers and body of one attempt, signed now unless told otherwise."""
        data = {name: event[name] for name in event if name != "id"}
        body = (
            body
            or json.dumps(
                {
                    "type": "parcel.status_changed",
                    "timestamp": event["occurred_at"],
                    "data": data,
                }
            ).encode()
        )
        sent_at = unix_seconds() if timestamp is None else timestamp
        key = base64.b64decode(
            (secret or self._keys.courier_webhook_secret).removeprefix("whsec_")
        )
        signed = f"{event['id']}.{sent_at}.".encode() + body
        signature = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": event["id"],
            "webhook-timestamp": str(sent_at),
            "webhook-signature": f"v1,{signature}",
        }
        return headers, body

    # control

    def _control_pace(self, request: Request) -> Response:
        """{seconds, moves}: how fast parcels move, or that they wait."""
        wish = request.json()
        with self.lock:
            self._pace_seconds = float(wish.get("seconds", self._pace_seconds))
            was_moving, self._moves = self._moves, bool(wish.get("moves", self._moves))
            waiting = [] if was_moving else list(self._orders.values())
        for order in waiting:
            self._move_on(order)
        return Response.of({"seconds": self._pace_seconds, "moves": self._moves})

    def _control_advance(self, request: Request) -> Response:
        """{order_id, status?, occurred_at?}: one step on, or to a given status."""
        wish = request.json()
        with self.lock:
            order = self._order(wish.get("order_id", ""))
            place = JOURNEY.index(order.status) if order.status in JOURNEY else -1
            status = wish.get("status") or JOURNEY[min(place + 1, len(JOURNEY) - 1)]
            if status not in {*JOURNEY, *ASIDE, *ENDS}:
                return Response.of({"code": "status_unknown"}, 422)
            self._tell(order, status, wish.get("occurred_at"))
        return Response.of(order.public())

    def _control_notices(self, request: Request) -> Response:
        """Send one callback now, of a given variety, and answer what was answered.

        {order_id, status, variety}: genuine, forged, altered, unsigned, old, future,
        unknown_order, unknown_status, unknown_type, not_json; `id` repeats one.
        """
        wish = request.json()
        variety = wish.get("variety", "genuine")
        event = {
            "id": wish.get("id") or f"msg_{uuid.uuid4().hex}",
            "order_id": wish.get("order_id", "none"),
            "waybill": "ZT0000000000000",
            "status": wish.get("status", "DELIVERED"),
            "occurred_at": _now_text(),
        }
        if event["order_id"] in self._orders:
            event["waybill"] = self._orders[event["order_id"]].waybill
        url = wish.get("url") or self._target
        return self.told(url, event["id"], self.spoilt(event, variety))

    def spoilt(self, event: dict[str, str], variety: str) -> Wire:
        """Headers and body of a callback with one thing wrong."""
        now = unix_seconds()
        if variety == "forged":
            other = base64.b64encode(secrets.token_bytes(32)).decode()
            return self.wire(event, secret=f"whsec_{other}")
        if variety == "old":
            return self.wire(event, timestamp=now - 600)
        if variety == "future":
            return self.wire(event, timestamp=now + 600)
        if variety == "unknown_order":
            event = event | {"order_id": "999999" + "Z" * 26}
        if variety == "unknown_status":
            event = event | {"status": "EATEN"}
        spoilt_body = {"not_json": b"<xml>", "unknown_type": b'{"type":"parcel.lost"}'}
        headers, body = self.wire(event, body=spoilt_body.get(variety))
        if variety == "unsigned":
            headers.pop("webhook-signature")
        if variety == "altered":
            body = body.replace(b'"status"', b'"Status"')
        return headers, body

    def _control_orders(self, _: Request) -> Response:
        with self.lock:
            orders = list(self._orders.values())
            return Response.of(
                {
                    "orders": len(orders),
                    "ordered_again": self._again,
                    "delivered": sum(o.status == "DELIVERED" for o in orders),
                    "cancelled": sum(o.status == "CANCELLED" for o in orders),
                    "notices": self.notices_sent(),
                    "items": [
                        order.public()
                        | {
                            "direction": order.content["direction"],
                            "notices": [event["id"] for event in order.told],
                        }
                        for order in orders
                    ],
                }
            )

    # over a restart

    def take_up(self, order: Order, pending: set[str]) -> None:
        for event in order.told:
            if event["id"] in pending:
                self._submit(event)
        self._move_on(order)


def _faults(content: Mapping[str, Any]) -> list[str]:
    """The fields of an order that are wrong."""
    wrong = []
    if not _ORDER_ID.fullmatch(str(content.get("order_id", ""))):
        wrong.append("order_id")
    if content.get("direction") not in {"pickup", "delivery"}:
        wrong.append("direction")
    for side in ("sender", "receiver"):
        contact = content.get(side)
        for name in ("name", "telephone", "address"):
            if not (isinstance(contact, dict) and contact.get(name)):
                wrong.append(f"{side}.{name}")
    if not content.get("cargo"):
        wrong.append("cargo")
    return wrong


def _now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

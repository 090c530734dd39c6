"""The courier that speaks our own rule: JSON with a bearer key, webhooks back.

Source: docs/partners.md. The order's number is ours (`shipment_id`), so ordering
again after a lost answer is the same order; a real carrier gets an adapter like this.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, TypeGuard

import urllib3

from zerotrip.kernel import standard_webhooks, times
from zerotrip.kernel.configuration import PartnerSettings, error_code
from zerotrip.kernel.errors import AlreadyDone, GiveUp, Malformed, Retry

_CALLBACK_TYPE: Final = "parcel.status_changed"
_OUR_FAULT: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_REFERENCE: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


class Direction(StrEnum):
    """Which way a parcel goes, seen from the government."""

    PICKUP = "pickup"  # the applicant's papers come in
    DELIVERY = "delivery"  # the result goes out


class ParcelStatus(StrEnum):
    """What is true of a parcel; carriers' own codes are mapped to these."""

    CREATED = "CREATED"  # ordered, the courier has not come yet
    PICKED_UP = "PICKED_UP"  # the courier has it; cancelling is too late
    IN_TRANSIT = "IN_TRANSIT"
    OUT_FOR_DELIVERY = "OUT_FOR_DELIVERY"
    AT_LOCKER = "AT_LOCKER"  # waits for the receiver in a locker or at an agent
    DELIVERED = "DELIVERED"  # the receiver has it; final
    ATTEMPT_FAILED = "ATTEMPT_FAILED"  # nobody was there; it will be tried again
    EXCEPTION = "EXCEPTION"  # stuck; somebody must look
    RETURNING = "RETURNING"
    RETURNED = "RETURNED"  # the sender has it again; final
    CANCELLED = "CANCELLED"  # never picked up; final
    LOST = "LOST"  # final, unless an operator finds it


@dataclass(frozen=True, slots=True)
class CourierConfig(PartnerSettings):
    """Where the courier answers, our key there, and the secrets that it signs with."""

    partner_zh = "快递服务"
    partner_en = "the courier"

    url: str
    api_key: str = field(repr=False)
    webhook_secrets: Sequence[str] = field(repr=False)
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class Contact:
    """Who hands a parcel over or takes it; never logged, so never shown by repr."""

    name: str = field(repr=False)
    telephone: str = field(repr=False)
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Parcel:
    """An order as the courier knows it now."""

    shipment_id: str
    waybill: str
    status: ParcelStatus
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ParcelNotice:
    """One verified callback; `callback_id` is the same each time it is sent again."""

    callback_id: str
    shipment_id: str
    waybill: str
    status: ParcelStatus
    occurred_at: datetime


class Courier:
    """Orders and cancels parcels, and reads what the courier tells of them."""

    def __init__(
        self,
        config: CourierConfig,
        http: urllib3.PoolManager,
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._http = http
        self._now = now

    def order(
        self,
        shipment_id: str,
        direction: Direction | str,
        sender: Contact,
        receiver: Contact,
        cargo: str,
    ) -> str:
        """The waybill of this shipment; the same one when it was ordered before.

        Raises Retry when the answer is unknown, GiveUp when the courier says no.
        """
        status, answer = self._ask(
            "POST",
            "/orders",
            {
                "order_id": shipment_id,
                "direction": str(direction),
                "sender": asdict(sender),
                "receiver": asdict(receiver),
                "cargo": cargo,
            },
        )
        if status not in (HTTPStatus.CREATED, HTTPStatus.OK):
            raise _refused(status, answer)
        waybill = answer.get("waybill")
        if answer.get("order_id") != shipment_id or not _is_reference(waybill):
            raise _passing("answer_unreadable")
        return waybill

    def cancel(self, shipment_id: str) -> None:
        """Cancel what nobody has picked up yet; cancelling again is a success.

        Raises AlreadyDone when it is too late or nothing was ordered, else as `order`.
        """
        status, answer = self._ask("POST", f"/orders/{shipment_id}/cancellation", {})
        if status == HTTPStatus.CONFLICT:
            raise AlreadyDone(
                "courier_cancellation_too_late",
                "快递员已取件，无法取消寄递。",
                "The parcel was picked up already and cannot be cancelled.",
            )
        if status == HTTPStatus.NOT_FOUND:
            raise AlreadyDone(
                "courier_order_unknown",
                "快递公司没有该订单，无需取消。",
                "The courier has no such order; there is nothing to cancel.",
            )
        if status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise _refused(status, answer)

    def find(self, shipment_id: str) -> Parcel | None:
        """The order as the courier knows it, or None when it knows of none."""
        status, answer = self._ask("GET", f"/orders/{shipment_id}", None)
        if status == HTTPStatus.NOT_FOUND:
            return None
        if status != HTTPStatus.OK:
            raise _refused(status, answer)
        try:
            return Parcel(
                shipment_id=str(answer["order_id"]),
                waybill=str(answer["waybill"]),
                status=ParcelStatus(answer["status"]),
                occurred_at=times.from_text(answer["occurred_at"]),
            )
        except (KeyError, TypeError, ValueError) as wrong:
            raise _passing("answer_unreadable") from wrong

    def read_callback(
        self, headers: Mapping[str, str], raw_body: bytes
    ) -> ParcelNotice:
        """What a callback says, from its raw bytes.

        Raises Unauthenticated (see `standard_webhooks.verify`) or Malformed. A notice
        that comes twice within five minutes reads the same: its id is the cause.
        """
        callback_id = standard_webhooks.verify(
            headers, raw_body, self._config.webhook_secrets, self._now()
        )
        try:
            body = json.loads(raw_body)
            if body["type"] != _CALLBACK_TYPE:
                raise _unreadable("callback_type_unknown")
            data = body["data"]
            status, occurred_at = str(data["status"]), str(data["occurred_at"])
            if status not in ParcelStatus.__members__:
                raise _unreadable("callback_status_unknown")
            # Both are kept in clear: references, never anybody's words.
            if not (_is_reference(callback_id) and _is_reference(data["waybill"])):
                raise _unreadable("callback_unreadable")
            return ParcelNotice(
                callback_id=callback_id,
                shipment_id=str(data["order_id"]),
                waybill=str(data["waybill"]),
                status=ParcelStatus(status),
                occurred_at=times.from_text(occurred_at),
            )
        except (KeyError, TypeError, ValueError) as wrong:
            raise _unreadable("callback_unreadable") from wrong

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None
    ) -> tuple[int, dict[str, Any]]:
        headers = {
            "Authorization": f"Bearer {self._config.api_key}",
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        try:
            answer = self._http.request(
                method,
                self._config.url + path,
                body=None
                if body is None
                else json.dumps(body, ensure_ascii=False).encode(),
                headers=headers,
                timeout=self._config.timeout_seconds,
                retries=False,
                redirect=False,
            )
            read = json.loads(answer.data or b"{}")
        except (urllib3.exceptions.HTTPError, ValueError) as passing:
            raise _passing(type(passing).__name__) from None
        if (
            answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or answer.status in _PASSING
            or not isinstance(read, dict)
        ):
            raise _passing(f"http_{answer.status}")
        return answer.status, read


def success_answer() -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that end the redelivery of a callback."""
    return HTTPStatus.NO_CONTENT.value, {}, b""


def failure_answer(
    code: str, status: int = HTTPStatus.BAD_REQUEST.value
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body after which the courier sends the callback again."""
    body = json.dumps({"code": code}).encode()
    return int(status), {"Content-Type": "application/json"}, body


def _is_reference(said: object) -> TypeGuard[str]:
    return isinstance(said, str) and _REFERENCE.fullmatch(said) is not None


def _passing(reason: str) -> Retry:
    return Retry(
        "courier_unavailable",
        "快递公司暂时没有响应，将自动重试。",
        "The courier does not answer; it is tried again.",
        detail={"reason": reason},
    )


def _refused(status: int, answer: Mapping[str, Any]) -> GiveUp:
    code = "courier_misconfigured" if status in _OUR_FAULT else "courier_order_refused"
    return GiveUp(
        code,
        "快递公司拒绝了该订单。",
        "The courier refused the order.",
        detail={"http_status": int(status), "reason": error_code(answer.get("code"))},
    )


def _unreadable(code: str) -> Malformed:
    return Malformed(
        code, "回调内容无法识别。", "The callback's content is not what was agreed."
    )

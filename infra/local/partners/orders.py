"""What the partners that keep orders and call back have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Generic, TypeVar

from .callbacks import Callbacks, Wire
from .server import Request, Response, Sandbox


@dataclass
class KeptOrder:
    """`content` is compared when the same number is ordered again."""

    content: dict[str, Any]

    @property
    def number(self) -> str:
        raise NotImplementedError


AnOrder = TypeVar("AnOrder", bound=KeptOrder)


class OrderSandbox(Sandbox, Generic[AnOrder]):
    """Orders by number, and where callbacks go; both last over a restart."""

    def __init__(self, read: Callable[..., AnOrder], callbacks: Callbacks) -> None:
        super().__init__()
        self._read_order = read
        self.callbacks = callbacks
        self._target: str | None = None
        self._orders: dict[str, AnOrder] = {}
        self.route("POST", "/_control/callbacks", self._control_callbacks)
        self.route("POST", "/_control/delivery", self._control_delivery)
        self.route("DELETE", "/_control/notices", self._control_forget)

    def take_up(self, order: AnOrder, pending: set[str]) -> None:
        """Go on with an order after a restart; `pending` callbacks are to be sent."""
        raise NotImplementedError

    def told(self, url: str | None, notice_id: str, wire: Wire) -> Response:
        """Send one callback now; the answer says what its receiver answered."""
        if not url:
            return Response.of({"code": "no_target"}, HTTPStatus.CONFLICT)
        status, body = self.callbacks.send_once(url, wire)
        return Response.of(
            {"id": notice_id, "status": status, "body": body.decode(errors="replace")}
        )

    def notices_sent(self) -> dict[str, int]:
        """Counts of callbacks, for `/_control/orders`."""
        pending = {"pending": len(self.callbacks.pending)}
        return asdict(self.callbacks.counters) | pending

    def snapshot(self) -> dict[str, Any]:
        with self.lock:
            return {
                "target": self._target,
                "orders": [asdict(order) for order in self._orders.values()],
                "pending": [callback.id for callback in self.callbacks.pending],
            }

    def restore(self, state: Mapping[str, Any]) -> None:
        self._target = state["target"]
        pending = set(state["pending"])
        for values in state["orders"]:
            order = self._read_order(**values)
            self._orders[order.number] = order
            self.take_up(order, pending)

    def _control_callbacks(self, request: Request) -> Response:
        self._target = request.json().get("url")
        return Response.of({"url": self._target})

    def _control_delivery(self, request: Request) -> Response:
        return Response.of(asdict(self.callbacks.set_policy(request.json())))

    def _control_forget(self, _: Request) -> Response:
        self.callbacks.forget()
        return Response.of({"ok": True})

"""The partners' sandboxes of the laptop cloud, in virtual time and without sockets.

The product's own clients talk to them: real signatures both ways, real callbacks. What
they count is what the oracle believes about money and parcels.
"""

from __future__ import annotations

import contextlib
import functools
import json
import random
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from email.message import Message
from types import SimpleNamespace
from typing import Any
from unittest import mock

import urllib3

from infra.local.partners import (
    courier,
    wechat_pay,
    wechat_pay_notices,
    wechat_pay_wire,
)
from infra.local.partners.callbacks import Callback, Counters, Policy, Wire
from infra.local.partners.courier import CourierSandbox
from infra.local.partners.keys import Keys, public_pem
from infra.local.partners.sandboxes import PARTNER_NAMES
from infra.local.partners.server import Request, Sandbox
from infra.local.partners.wechat_pay import WeChatPaySandbox
from infra.local.seed import OFFICE
from tests.simulation.scheduler import Scheduler

GAPS_SECONDS = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600)
"""Between two attempts of a callback; WeChat Pay's own, the carrier's are alike."""
PARCEL_SECONDS = 30.0


@functools.cache
def keys() -> Keys:
    """Everything secret between us and the partners; made once per process."""
    return Keys.make()


@dataclass
class SimulatedCallbacks:
    """Callbacks in virtual time: late, repeated, again until acknowledged."""

    scheduler: Scheduler
    post: Callable[[str, Wire, Callable[[int, bytes], None]], None]
    name: str
    copies: Callable[[], int] = lambda: 0
    counters: Counters = field(default_factory=Counters)
    pending: list[Callback] = field(default_factory=list)
    policy: Policy = field(default_factory=Policy)
    hold: bool = False
    told: Callable[[int, bytes], None] = lambda status, body: None
    delay: tuple[float, float] = (0.05, 20)
    """Seconds until a callback's first attempt: drawn in between."""

    def submit(self, callback: Callback) -> None:
        """Sends it some time soon."""
        self.pending.append(callback)
        if self.hold:
            return
        for _ in range(1 + self.copies()):
            self.scheduler.later(
                self.scheduler.random.uniform(*self.delay),
                lambda: self._attempt(callback),
            )

    def release(self) -> None:
        """Ends `hold`: what was held leaves now."""
        self.hold = False
        for callback in list(self.pending):
            self._attempt(callback)

    def send_once(self, url: str, wire: Wire) -> tuple[int, bytes]:
        """A single attempt outside of any schedule; `told` hears its answer later."""
        self.counters.sent += 1
        self.post(self.name, wire, self.told)
        return 0, b""

    def _attempt(self, callback: Callback) -> None:
        if callback.abandoned:
            return
        self.counters.sent += 1

        def answered(status: int, _: bytes) -> None:
            callback.attempts += 1
            if 200 <= status < 300:
                self.counters.acknowledged += 1
                if callback in self.pending:
                    self.pending.remove(callback)
                callback.acknowledged = True
                return
            self.counters.refused += 1
            if callback.acknowledged or callback.attempts > len(GAPS_SECONDS):
                return
            gap = GAPS_SECONDS[callback.attempts - 1]
            self.scheduler.later(gap, lambda: self._attempt(callback))

        self.post(self.name, callback.build(), answered)


@dataclass
class Partners:
    """The payment channel and the carrier of one run."""

    scheduler: Scheduler
    post: Callable[[str, Wire, Callable[[int, bytes], None]], None]
    copies: Callable[[], int] = lambda: 0
    parcel_seconds: float = PARCEL_SECONDS

    def __post_init__(self) -> None:
        target = "https://zerotrip.example.invalid/v1/partners"
        self.callbacks = {
            name: SimulatedCallbacks(self.scheduler, self.post, name, self.copies)
            for name in PARTNER_NAMES.values()
        }
        with mock.patch.object(wechat_pay_wire, "_rsa", _loaded):
            self.payments = WeChatPaySandbox(keys(), self.callbacks["wechat_pay"])  # type: ignore[arg-type]
        self.courier = CourierSandbox(
            keys(),
            self.callbacks["courier"],  # type: ignore[arg-type]
            self.parcel_seconds,
        )
        self.callbacks["courier"].scheduler = self.scheduler
        self.payments._target = f"{target}/wechat_pay/callbacks"
        self.courier._target = f"{target}/courier/callbacks"
        self._sandboxes: dict[str, Sandbox] = {
            "payments": self.payments,
            "courier": self.courier,
        }

    def __call__(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Any:
        """One request of the product. Raises urllib3's error when no answer comes."""
        _, _, rest = url.partition("://")
        host, _, target = rest.partition("/")
        response = self._answer(
            host.partition(".")[0], method, "/" + target, headers, body
        )
        if response.broken:
            raise urllib3.exceptions.ProtocolError("connection broken")
        return SimpleNamespace(
            status=response.status,
            data=response.body,
            headers=urllib3.HTTPHeaderDict(response.headers),
        )

    def control(self, name: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A person's or a fault's hand at a sandbox: `pay`, `notices`, `faults` …"""
        response = self._answer(
            name, "POST", f"/_control/{path}", {}, json.dumps(body).encode()
        )
        answer: dict[str, Any] = json.loads(response.body or b"{}")
        return {**answer, "http_status": int(response.status)}

    def counted(self, name: str) -> dict[str, Any]:
        """What the partner counted, `/_control/orders`."""
        counted: dict[str, Any] = json.loads(
            self._answer(name, "GET", "/_control/orders", {}, b"").body
        )
        return counted

    def _answer(
        self,
        name: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
    ) -> Any:
        carried = Message()
        for header, value in headers.items():
            carried[header] = value
        return self._sandboxes[name].answer(Request(method, target, carried, body))


def configuration(name: str) -> dict[str, Any]:
    """What an operator stores for a partner; hosts are names of this process."""
    held = keys()
    if name == "courier":
        return {
            "url": "https://courier.example.invalid",
            "api_key": held.courier_api_key,
            "webhook_secrets": [held.courier_webhook_secret],
            "office": OFFICE,
        }
    if name == "payments":
        return {
            "url": "https://payments.example.invalid",
            "appid": held.appid,
            "mchid": held.mchid,
            "merchant_serial": held.merchant_serial,
            "merchant_private_key": held.merchant_private_key,
            "api_v3_key": held.api_v3_key,
            "platform_serial": held.platform_serial,
            "platform_keys": {held.platform_serial: _public(held.platform_private_key)},
            "notify_url": "https://zerotrip.example.invalid/v1/partners/wechat_pay/callbacks",
        }
    return {
        "wechat_mini_program": {
            "url": "https://identity.example.invalid",
            "appid": held.appid,
            "secret": held.appsecret,
        },
        "oidc": {
            "issuer": "https://identity.example.invalid",
            "client_id": held.client_id,
            "client_secret": held.client_secret,
        },
    }


_loaded = functools.cache(wechat_pay_wire._rsa)
_public = functools.cache(public_pem)
"""Reading an RSA key takes a tenth of a second, and every run has the same."""


@contextlib.contextmanager
def virtual_time(scheduler: Scheduler) -> Iterator[None]:
    """The sandboxes read the run's clock and draw their numbers from its seed."""
    dice = random.Random(scheduler.random.getrandbits(64))

    class Clock(datetime):
        """`datetime` whose now is the run's."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return scheduler.now.astimezone(tz)

    seconds = SimpleNamespace(time=lambda: scheduler.now.timestamp())  # noqa: PLW0108 - `now` moves
    numbers = SimpleNamespace(uuid4=lambda: uuid.UUID(int=dice.getrandbits(128)))
    unix = lambda: int(scheduler.now.timestamp())  # noqa: E731
    with contextlib.ExitStack() as stack:
        for module, name, stand_in in (
            (wechat_pay, "datetime", Clock),
            (wechat_pay, "unix_seconds", unix),
            (wechat_pay, "uuid", numbers),
            (wechat_pay_notices, "datetime", Clock),
            (wechat_pay_notices, "unix_seconds", unix),
            (wechat_pay_wire, "time", seconds),
            (wechat_pay_wire, "_rsa", _loaded),
            (courier, "datetime", Clock),
            (courier, "unix_seconds", unix),
            (courier, "uuid", numbers),
            (courier, "secrets", _Secrets(dice)),
        ):
            stack.enter_context(mock.patch.object(module, name, stand_in))
        yield


class _Secrets:
    """`secrets` for numbers that stand in an event; everything else is the real one."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def randbelow(self, ceiling: int) -> int:
        return self._dice.randrange(ceiling)

    def __getattr__(self, name: str) -> Any:
        import secrets

        return getattr(secrets, name)

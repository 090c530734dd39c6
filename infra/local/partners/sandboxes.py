"""All sandboxes together: one process, one port each, one folder that they keep."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3

from .callbacks import Callbacks, Scheduler
from .courier import CourierSandbox
from .identity import IdentitySandbox
from .keys import Keys, public_pem, write_private
from .providers import ProvidersSandbox
from .server import Sandbox
from .wechat_pay import WeChatPaySandbox

# Gaps between attempts, in seconds, as WeChat Pay and Standard Webhooks print them.
_WECHAT_PAY_GAPS = (
    *(15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600),
    *(10800, 10800, 10800, 21600, 21600),
)
_COURIER_GAPS = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
# How the product calls them in `/v1/partners/{partner}/callbacks`.
PARTNER_NAMES = {"payments": "wechat_pay", "courier": "courier"}
_NO_CALLBACK_BASE = "https://callbacks.example.invalid"


class Sandboxes:
    """The partners, running. A context manager: `with Sandboxes() as partners: …`

    `config`: what an operator stores per partner · `url[name]` · `control(name, …)`.
    `compress` divides the partners' real redelivery gaps; none is over
    `longest_gap_seconds`.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        callback_base: str | None = None,
        compress: float = 60.0,
        longest_gap_seconds: float = 30.0,
        pace_seconds: float = 0.25,
        timeout_seconds: float = 5.0,
    ) -> None:
        self._scratch = None if home else tempfile.TemporaryDirectory()
        self.home = home or Path(self._scratch.name if self._scratch else ".")
        self._callback_base = callback_base
        self._http = urllib3.PoolManager()
        self._scheduler = Scheduler()

        def callbacks(gaps: tuple[int, ...]) -> Callbacks:
            return Callbacks(
                self._scheduler,
                [min(gap / compress, longest_gap_seconds) for gap in gaps],
                timeout_seconds,
            )

        self.keys = Keys.kept_in(self.home)
        self.sandboxes: dict[str, Sandbox] = {
            "identity": IdentitySandbox(self.keys),
            "payments": WeChatPaySandbox(self.keys, callbacks(_WECHAT_PAY_GAPS)),
            "courier": CourierSandbox(
                self.keys, callbacks(_COURIER_GAPS), pace_seconds
            ),
            "shared_data": ProvidersSandbox(self.keys),
        }
        self.url: dict[str, str] = {}
        self.config: dict[str, Any] = {}

    def start(self) -> Self:
        """Listen, on the ports of an earlier start where they are free."""
        earlier = self._read("ports.json")
        ports = {
            name: sandbox.start(int(earlier.get(name, 0)))
            for name, sandbox in self.sandboxes.items()
        }
        self.url = {name: sandbox.url for name, sandbox in self.sandboxes.items()}
        self.config = self._configuration()
        write_private(self.home / "ports.json", json.dumps(ports))
        write_private(
            self.home / "partners.json",
            json.dumps(self.config, ensure_ascii=False, indent=2),
        )
        for name, state in self._read("state.json").items():
            self.sandboxes[name].restore(state)
        if self._callback_base:
            self.set_callbacks(self._callback_base)
        return self

    def stop(self) -> None:
        """Stop listening and sending; orders and open callbacks are kept."""
        for sandbox in self.sandboxes.values():
            sandbox.stop()
        self._scheduler.stop()
        state = {name: sandbox.snapshot() for name, sandbox in self.sandboxes.items()}
        write_private(self.home / "state.json", json.dumps(state, ensure_ascii=False))
        if self._scratch is not None:
            self._scratch.cleanup()

    def set_callbacks(self, base_url: str) -> None:
        """Where callbacks go: `{base_url}/v1/partners/{partner}/callbacks`."""
        for name in PARTNER_NAMES:
            self.control(name, "callbacks", {"url": _callback_url(base_url, name)})

    def control(
        self,
        name: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        method: str = "",
    ) -> Any:
        """One control call: GET without a body, else POST. RuntimeError over 299."""
        answer = self._http.request(
            method or ("GET" if body is None else "POST"),
            f"{self.url[name]}/_control/{path}",
            body=None if body is None else json.dumps(body).encode(),
            retries=False,
        )
        if answer.status > 299:
            raise RuntimeError(f"{name} {path}: {answer.status} {answer.data!r}")
        return json.loads(answer.data)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _configuration(self) -> dict[str, Any]:
        keys = self.keys
        base_url = self._callback_base or _NO_CALLBACK_BASE
        return {
            "identity": {
                "wechat_mini_program": {
                    "url": self.url["identity"],
                    "appid": keys.appid,
                    "secret": keys.appsecret,
                },
                "oidc": {
                    "issuer": self.url["identity"],
                    "client_id": keys.client_id,
                    "client_secret": keys.client_secret,
                },
            },
            "payments": {
                "url": self.url["payments"],
                "appid": keys.appid,
                "mchid": keys.mchid,
                "merchant_serial": keys.merchant_serial,
                "merchant_private_key": keys.merchant_private_key,
                "api_v3_key": keys.api_v3_key,
                "platform_serial": keys.platform_serial,
                "platform_keys": {
                    keys.platform_serial: public_pem(keys.platform_private_key)
                },
                "notify_url": _callback_url(base_url, "payments"),
            },
            "courier": {
                "url": self.url["courier"],
                "api_key": keys.courier_api_key,
                "webhook_secrets": [keys.courier_webhook_secret],
            },
            "shared_data": {
                name: {
                    "url": f"{self.url['shared_data']}/{name}",
                    "request_secret": kept["request"],
                    "answer_secrets": [kept["answer"]],
                }
                for name, kept in keys.provider_secrets.items()
            },
        }

    def _read(self, name: str) -> dict[str, Any]:
        path = self.home / name
        return dict(json.loads(path.read_text("utf-8"))) if path.exists() else {}


def _callback_url(base_url: str, name: str) -> str:
    return f"{base_url.rstrip('/')}/v1/partners/{PARTNER_NAMES[name]}/callbacks"

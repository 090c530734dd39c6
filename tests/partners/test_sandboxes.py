"""The sandboxes as a whole: started, stopped, started again."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import urllib3

from infra.local.partners import Sandboxes
from zerotrip.deliveries.clients.courier import Contact, Courier, CourierConfig
from zerotrip.payments.channels.wechat_pay import WeChatPay, WeChatPayConfig

from .conftest import Receiver, wait_until

ROOT = Path(__file__).parents[2]
SOMEBODY = Contact("李示例", "13800000002", "示例路2号")


def open_and_pay(sandboxes: Sandboxes, number: str) -> None:
    config = WeChatPayConfig.from_json(sandboxes.config["payments"])
    channel = WeChatPay(config, urllib3.PoolManager(), lambda: datetime.now(UTC))
    channel.open(number, 1500, "工本费", "o-1", datetime(2099, 1, 1, tzinfo=UTC))
    sandboxes.control("payments", "pay", {"out_trade_no": number})


def test_each_is_healthy_and_says_404_and_405(
    partners: Sandboxes, http: urllib3.PoolManager
) -> None:
    for name, url in partners.url.items():
        assert partners.control(name, "health") == {"ok": True}
        assert http.request("GET", f"{url}/nowhere").status == 404
        assert http.request("DELETE", f"{url}/_control/health").status == 405


def test_a_restart_keeps_keys_ports_orders_and_what_was_not_acknowledged(
    tmp_path: Path, receiver: Receiver
) -> None:
    with Sandboxes(tmp_path) as first:
        # Nobody has said yet where callbacks go: they wait.
        open_and_pay(first, "441882RESTART1")
        courier = Courier(
            CourierConfig.from_json(first.config["courier"]),
            urllib3.PoolManager(),
            lambda: datetime.now(UTC),
        )
        first.control("courier", "pace", {"moves": False})
        waybill = courier.order(
            "441882RESTART2", "delivery", SOMEBODY, SOMEBODY, "证照"
        )
        config, ports = first.config, first.url
    with Sandboxes(tmp_path, pace_seconds=0.02) as second:
        assert second.config == config
        assert second.url == ports
        assert second.control("payments", "orders")["successes"] == 1
        found = courier.find("441882RESTART2")
        assert found is not None
        assert found.waybill == waybill
        for name in ("payments", "courier"):
            second.control(name, "callbacks", {"url": receiver.url})
        receiver.wait_for(5)
        wait_until(lambda: second.control("payments", "orders")["notices"]["sent"] == 1)
        assert second.control("courier", "orders")["delivered"] == 1


def test_callbacks_go_to_the_address_of_each_partner(tmp_path: Path) -> None:
    with Sandboxes(tmp_path, callback_base="http://127.0.0.1:9/stage/") as sandboxes:
        assert sandboxes.config["payments"]["notify_url"] == (
            "http://127.0.0.1:9/stage/v1/partners/wechat_pay/callbacks"
        )
        told = sandboxes.control(
            "courier",
            "callbacks",
            {"url": "http://127.0.0.1:9/stage/v1/partners/courier/callbacks"},
        )
        assert told["url"].endswith("/partners/courier/callbacks")


def test_a_notice_that_nobody_takes_is_abandoned_at_last(tmp_path: Path) -> None:
    # Port 9 (discard) answers nobody here.
    with Sandboxes(
        tmp_path, callback_base="http://127.0.0.1:9", compress=1e6
    ) as sandboxes:
        open_and_pay(sandboxes, "441882ABANDON")

        def abandoned() -> bool:
            counted = sandboxes.control("payments", "orders")["notices"]
            return counted["abandoned"] == 1 and counted["pending"] == 0

        wait_until(abandoned)
        counted = sandboxes.control("payments", "orders")["notices"]
        # The first attempt and fifteen more, as the channel's own page says.
        assert counted["sent"] == counted["unreachable"] == 16


def test_unknown_faults_are_refused(partners: Sandboxes) -> None:
    for fault in ({"kind": "explode"}, {"kind": "error", "when": "now"}):
        with pytest.raises(RuntimeError, match="fault_unknown"):
            partners.control("courier", "faults", fault)


def test_the_command_runs_until_it_is_told_to_stop(tmp_path: Path) -> None:
    home, ports_file = tmp_path / "home", tmp_path / "ports.json"
    command = [sys.executable, "-m", "infra.local.partners"]
    running = subprocess.Popen(
        [*command, "--home", str(home), "--ports-file", str(ports_file)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until(ports_file.exists, 20)
        ports = json.loads(ports_file.read_text("utf-8"))
        for port in ports.values():
            health = urllib3.request("GET", f"http://127.0.0.1:{port}/_control/health")
            assert health.json() == {"ok": True}
        config = json.loads((home / "partners.json").read_text("utf-8"))
        assert set(config) == set(ports)
        assert set(ports) == {"identity", "payments", "courier", "shared_data"}
    finally:
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=10)
    assert running.returncode == 0
    assert output.splitlines()[-1].endswith("partner sandboxes stopped")
    for path in home.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name

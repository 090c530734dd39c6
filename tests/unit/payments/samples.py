"""What verifies `events/invocations/partner_webhooks/`: keys without worth, one moment.

The platform's private key was thrown away when the samples had been signed.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "events/invocations/partner_webhooks"

MOMENT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
BILL = "4418820A1B2C3D4E5F6G7H8J9KMNPQRS"
SHIPMENT = "441882S9R8Q7P6N5M4K3J2H1G0F9E8D7"
WAYBILL = "ZT0000000000001"
OPENID = "oSandbox-0000000000000000001"
AMOUNT_FEN = 1500

PLATFORM_SERIAL = "PUB_KEY_ID_0000000000000000000001"
PLATFORM_KEY = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuaBa7l4x2tQ+AZJOQ8kt
YEz2g5ZHKRzBa8xSx6HJhoCRgdQQj1CiX8V9tZONrlIJL/w7u0nJb1novjJ65n1G
BWyP1PktW6K9Wq3aBy08Hl42EjNtySjlV7Vb5UPLemt7bdJIFkSCaLRMTdH6W3yC
tnlv5MG7p9t3o6W45i/neCf4XSxupUVhHHYSIjftA/GXLRMiynkWMDWVNnaJmZ3M
I5aRTYjvbkL0GrF5xBHasKnqNq6AhZTuhDDoT9+n5S4qnAaVsdaWPjAhQJTwLZYf
60RL7tqBwWQV7LuD4d+5Ypt33vOCS54yY4lN8CnPu20/R0pKrqGbJXreZSxszj5B
lwIDAQAB
-----END PUBLIC KEY-----
"""

WECHAT_PAY: dict[str, Any] = {
    "url": "https://channel.example.invalid",
    "appid": "wx0123456789abcdef",
    "mchid": "1900000000",
    "merchant_serial": "0" * 40,
    "merchant_private_key": "",
    "api_v3_key": "sample-of-a-key-32-bytes-long-00",
    "platform_serial": PLATFORM_SERIAL,
    "platform_keys": {PLATFORM_SERIAL: PLATFORM_KEY},
    "notify_url": "https://callbacks.example.invalid/v1/partners/wechat_pay/callbacks",
}
COURIER: dict[str, Any] = {
    "url": "https://courier.example.invalid",
    "api_key": "sample",
    "webhook_secrets": [
        "whsec_" + base64.b64encode(b"sample of a secret, never used").decode()
    ],
}


def sample(name: str) -> dict[str, Any]:
    """One recorded event of the REST API."""
    return dict(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


def names() -> list[str]:
    """All of them."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))

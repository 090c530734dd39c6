"""One rendered and signed licence for all tests: the work is done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from zerotrip.kernel.licence_identifier import licence_identifier
from zerotrip.licences import certificates, rendering, signing

LAYOUT = Path(__file__).parents[3] / "catalogue" / "_layouts" / "certificate.typ"
SIGNED_AT = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
REASON = "核发电子证照 Licence issued"
LICENCE_ID = licence_identifier(
    "11100000000013338W011", "11430000006122244L", "ABCDEFGHIJ0123456789"
)


@dataclass(frozen=True, repr=False)
class Issued:
    """A signed file and everything that made it."""

    pdf: bytes
    unsigned: bytes
    key: rsa.RSAPrivateKey
    chain_pem: bytes
    root_pem: bytes

    def __repr__(self) -> str:
        return "the issued licence"


def certificate(**changes: Any) -> Mapping[str, Any]:
    """The data of a synthetic food business licence."""

    def field(zh: str, en: str, value: str, **more: bool) -> dict[str, Any]:
        return {"zh": zh, "en": en, "value": value, **more}

    return {
        "licence_id": LICENCE_ID,
        "title": {"zh": "食品经营许可证", "en": "Food Business Licence"},
        "issuer": {"zh": "示例县市场监督管理局", "en": "Example County Regulation"},
        "decided_at": "2026-11-21T08:00:00.000Z",
        "verification_url": f"https://zerotrip.example/v1/verifications/{LICENCE_ID}",
        "number": field("许可证编号", "Licence No.", "JY14418820000001"),
        "dates": [field("发证日期", "Date of issue", "2026年11月21日")],
        "fields": [
            field("经营者名称", "Operator", "示例县样例餐饮有限公司", wide=True),
            field("法定代表人", "Legal representative", "张示例"),
        ],
        "sample": True,
    } | changes


def owner(name: str) -> Mapping[str, Any]:
    """The same certificate for somebody else."""
    return certificate(fields=[{"zh": "所有人", "en": "Owner", "value": name}])


@pytest.fixture(scope="session")
def layout() -> bytes:
    """The published layout that all certificates share."""
    return LAYOUT.read_bytes()


@pytest.fixture(scope="session")
def renderer() -> rendering.Renderer:
    """With the packaged fonts, read once."""
    return rendering.Renderer()


@pytest.fixture(scope="session")
def issued(layout: bytes, renderer: rendering.Renderer) -> Issued:
    """Signed by a key of this session under a declared test root."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    chain_pem, root_pem = certificates.issue_test_chain(
        certificates.public_key_der(key.public_key()), "示例机关", now=SIGNED_AT
    )
    unsigned = renderer.render(layout, certificate())
    raw_signer = signing.LocalRawSigner(key)
    pdf = signing.sign_pdf(unsigned, raw_signer, chain_pem, SIGNED_AT, REASON)
    return Issued(pdf, unsigned, key, chain_pem, root_pem)

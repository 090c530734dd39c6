"""Signing: one raw signature, the decision's time, judged by others than pyHanko."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import rsa
from pypdf import PdfReader

from tests.judges.signatures import Verdict, openssl_verdict, pyhanko_verdict
from zerotrip.kernel.errors import GiveUp
from zerotrip.licences import certificates, signing

from .conftest import REASON, SIGNED_AT, Issued

GOOD = Verdict(valid=True, whole=True)


class CountingSigner(signing.LocalRawSigner):
    """A local key that remembers what it signed."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        super().__init__(key)
        self.digests: list[bytes] = []

    def sign_digest(self, digest: bytes) -> bytes:
        self.digests.append(digest)
        return super().sign_digest(digest)


class FakeKms:
    """KMS as `sign` sees it: a key and a record of the calls."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self.calls: list[dict[str, Any]] = []
        self._key = key

    def sign(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(arguments)
        signer = signing.LocalRawSigner(self._key)
        return {"Signature": signer.sign_digest(arguments["Message"])}


def sign(issued: Issued, raw_signer: signing.RawSigner, **changes: Any) -> bytes:
    """The fixture's licence signed anew."""
    arguments = {
        "pdf": issued.unsigned,
        "chain_pem": issued.chain_pem,
        "signed_at": SIGNED_AT,
        "reason": REASON,
    } | changes
    return signing.sign_pdf(raw_signer=raw_signer, **arguments)


def test_openssl_and_pyhanko_both_find_it_valid(issued: Issued) -> None:
    assert openssl_verdict(issued.pdf, issued.root_pem) == GOOD
    assert pyhanko_verdict(issued.pdf, issued.root_pem) == GOOD


def test_both_judges_can_say_no(issued: Issued) -> None:
    changed = issued.pdf.replace(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 0 1 ]")
    _, other_root = certificates.issue_test_chain(
        certificates.public_key_der(issued.key.public_key()), "别的", now=SIGNED_AT
    )
    assert not openssl_verdict(changed, issued.root_pem).valid
    assert not pyhanko_verdict(changed, issued.root_pem).valid
    assert not openssl_verdict(issued.pdf, other_root).valid
    assert not pyhanko_verdict(issued.pdf, other_root).valid


def test_the_key_is_used_exactly_once(issued: Issued) -> None:
    signer = CountingSigner(issued.key)
    sign(issued, signer)
    assert [len(digest) for digest in signer.digests] == [32]


def test_a_dry_run_needs_no_key(issued: Issued) -> None:
    counting = CountingSigner(issued.key)
    signer = signing._pyhanko().signer(counting, signing._load_chain(issued.chain_pem))
    coroutine = signer.async_sign_raw(b"attributes", "sha256", dry_run=True)
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)
    assert stopped.value.value == bytes(256)
    assert counting.digests == []


def test_kms_is_asked_for_a_digest_signature(issued: Issued) -> None:
    kms = FakeKms(issued.key)
    signed = sign(issued, signing.KmsRawSigner(kms, "alias/licences"))
    (call,) = kms.calls
    assert len(call.pop("Message")) == 32
    assert call == {
        "KeyId": "alias/licences",
        "MessageType": "DIGEST",
        "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256",
    }
    assert signed == issued.pdf


def test_a_second_signing_gives_the_same_file(issued: Issued) -> None:
    assert sign(issued, signing.LocalRawSigner(issued.key)) == issued.pdf


def test_the_signature_bears_time_and_reason_of_the_decision(issued: Issued) -> None:
    fields = PdfReader(io.BytesIO(issued.pdf)).get_fields()
    assert fields is not None
    signature = fields[signing.FIELD_NAME].value
    assert signature["/M"] == "D:20261121080000Z"
    assert signature["/Reason"] == REASON
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"


def test_what_is_signed_is_what_pades_asks_for_and_no_more(issued: Issued) -> None:
    # EN 319 142-1: the certificate is bound; the time stands in /M, not in the CMS.
    fields = PdfReader(io.BytesIO(issued.pdf)).get_fields()
    assert fields is not None
    container = fields[signing.FIELD_NAME].value["/Contents"]
    content = cms.ContentInfo.load(bytes(container))["content"]
    (signer,) = content["signer_infos"]
    assert {attribute["type"].native for attribute in signer["signed_attrs"]} == {
        "content_type",
        "message_digest",
        "signing_certificate_v2",
    }
    assert signer["unsigned_attrs"].native is None


def test_the_file_stays_pdf_1_7_with_its_own_metadata(issued: Issued) -> None:
    reader = PdfReader(io.BytesIO(issued.pdf))
    before = PdfReader(io.BytesIO(issued.unsigned))
    assert reader.pdf_header == "%PDF-1.7"
    assert "/Version" not in reader.root_object
    assert reader.metadata == before.metadata


def test_another_key_than_the_certificates_is_seen_before_the_file_is_written(
    issued: Issued,
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(GiveUp) as caught:
        sign(issued, signing.LocalRawSigner(other))
    assert caught.value.code == "licence_key_mismatch"


@pytest.mark.parametrize("days", [-2, 4000])
def test_a_certificate_out_of_date_signs_nothing(issued: Issued, days: int) -> None:
    signer = CountingSigner(issued.key)
    with pytest.raises(GiveUp) as caught:
        sign(issued, signer, signed_at=SIGNED_AT + timedelta(days=days))
    assert caught.value.code == "licence_certificate_out_of_date"
    assert signer.digests == []


def test_a_chain_that_is_none_is_named(issued: Issued) -> None:
    with pytest.raises(GiveUp) as caught:
        sign(issued, signing.LocalRawSigner(issued.key), chain_pem=b"no certificate")
    assert caught.value.code == "licence_certificate_unusable"


def test_a_long_chain_still_fits(issued: Issued) -> None:
    chain = issued.chain_pem + issued.root_pem
    signed = sign(issued, signing.LocalRawSigner(issued.key), chain_pem=chain)
    assert openssl_verdict(signed, issued.root_pem) == GOOD


def test_signing_loads_neither_http_client_nor_validators() -> None:
    # In an interpreter of its own; the rest of pyHanko must still import afterwards.
    script = (
        "import sys\n"
        "from zerotrip.licences import signing\n"
        "assert 'pyhanko' not in sys.modules\n"
        "signing._pyhanko()\n"
        "heavy = {'aiohttp', 'lxml', 'requests', 'pyhanko.sign.validation'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "from pyhanko.sign import PdfSigner, Signer\n"
        "loaded = sys.modules['pyhanko.sign.signers.pdf_cms']\n"
        "print(Signer is loaded.Signer)\n"
    )
    path = ":".join(entry for entry in sys.path if entry)
    answer = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert answer.stdout.split("\n")[:2] == ["[]", "True"]

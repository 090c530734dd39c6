"""Signing a licence: PAdES B-B by pyHanko, the key behind one method.

pyHanko's package doors (`pyhanko.sign`, `pyhanko_certvalidator`, …) re-export all that
there is and so load aiohttp and every validator: about half of a cold start. Only the
modules that write one signature are loaded here (docs/decisions/0003).
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from io import BytesIO
from types import SimpleNamespace
from typing import Any, Protocol, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate, load_pem_x509_certificates

from zerotrip.kernel.errors import GiveUp

FIELD_NAME = "Licence"
# What a CMS needs besides its certificates: attributes and an RSA-4096 signature.
_CMS_BYTES = 2048
_DOORS = (
    "pyhanko_certvalidator",
    "pyhanko.sign",
    "pyhanko.sign.signers",
    "pyhanko.sign.timestamps",
)


class RawSigner(Protocol):
    """Signs a SHA-256 digest (32 bytes) with RSASSA-PKCS1-v1_5."""

    def sign_digest(self, digest: bytes) -> bytes:
        """The raw signature, as long as the key's modulus."""


class KmsClient(Protocol):
    """The one call of the KMS client that signing needs."""

    @property
    def sign(self) -> Callable[..., Any]:
        """`kms.sign`: answers a mapping with `Signature`."""


class KmsRawSigner:
    """A key that never leaves KMS; its errors pass through, so the queue retries."""

    def __init__(self, kms_client: KmsClient, key_id: str) -> None:
        self._client = kms_client
        self._key_id = key_id

    def sign_digest(self, digest: bytes) -> bytes:
        """One `kms.sign` call."""
        answer = self._client.sign(
            KeyId=self._key_id,
            Message=digest,
            MessageType="DIGEST",
            SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256",
        )
        return cast(bytes, answer["Signature"])


class LocalRawSigner:
    """A key in this process: for tests and the test authority only."""

    def __init__(self, private_key: RSAPrivateKey) -> None:
        self._key = private_key

    def sign_digest(self, digest: bytes) -> bytes:
        """The signature by `cryptography`."""
        return self._key.sign(digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def sign_pdf(
    pdf: bytes,
    raw_signer: RawSigner,
    chain_pem: bytes,
    signed_at: datetime,
    reason: str,
) -> bytes:
    """The PDF with one certifying PAdES B-B signature; `raw_signer` is used once.

    `chain_pem`: the signing certificate first, then what leads to the root.
    `signed_at` is the decision's time (aware), written to the dictionary's `/M`. Same
    arguments, same bytes. Raises GiveUp `licence_certificate_unusable`,
    `licence_certificate_out_of_date`, `licence_key_mismatch`.
    """
    chain = _load_chain(chain_pem)
    _require_current(chain[0], signed_at)
    parts = _pyhanko()
    writer = parts.revision(pdf, signed_at)
    steps = parts.embedder.PdfCMSEmbedder(
        new_field_spec=parts.fields.SigFieldSpec(FIELD_NAME)
    ).write_cms(field_name=FIELD_NAME, writer=writer)
    next(steps)
    steps.send(_placeholder(parts, chain, signed_at, reason))
    prepared, output = steps.send(parts.embedder.SigIOSetup(md_algorithm="sha256"))
    signer = parts.signer(raw_signer, chain)
    cms = asyncio.run(
        signer.async_sign(prepared.document_digest, "sha256", use_pades=True)
    )
    steps.send(cms)
    return cast(BytesIO, output).getvalue()


def _placeholder(
    parts: SimpleNamespace,
    chain: Sequence[Certificate],
    signed_at: datetime,
    reason: str,
) -> Any:
    certificates = sum(len(one.public_bytes(Encoding.DER)) for one in chain)
    signature = parts.byterange.SignatureObject(
        timestamp=signed_at,
        subfilter=parts.fields.SigSeedSubFilter.PADES,
        reason=reason,
        bytes_reserved=2 * (certificates + _CMS_BYTES),  # hexadecimal: two for one
    )
    # The issuing body's certification: a viewer warns of any later change.
    certification = parts.embedder.SigMDPSetup(
        md_algorithm="sha256",
        certify=True,
        docmdp_perms=parts.fields.MDPPerm.NO_CHANGES,
    )
    return parts.embedder.SigObjSetup(
        sig_placeholder=signature, mdp_setup=certification
    )


@lru_cache(maxsize=8)
def _load_chain(chain_pem: bytes) -> tuple[Certificate, ...]:
    try:
        chain = tuple(load_pem_x509_certificates(chain_pem))
        usable = isinstance(chain[0].public_key(), RSAPublicKey)
    except ValueError:
        usable = False
    if not usable:
        raise GiveUp(
            "licence_certificate_unusable",
            "证照签名证书无法使用，须为RSA证书链。",
            "The signing certificate cannot be used: a PEM chain of RSA is needed.",
        )
    return chain


def _require_current(certificate: Certificate, signed_at: datetime) -> None:
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= signed_at <= last:
        raise GiveUp(
            "licence_certificate_out_of_date",
            "证照签名证书在签发时间不在有效期内。",
            "The signing certificate is not valid at the time of signing.",
            detail={"from": first.isoformat(), "until": last.isoformat()},
        )


@contextmanager
def _doors_shut() -> Iterator[None]:
    """Lets modules of pyHanko be imported without running its packages' `__init__`.

    Afterwards the packages are as if never imported: whoever imports them later gets
    the whole of them, with the modules that are already loaded.
    """
    shut = [name for name in _DOORS if name not in sys.modules]
    for name in shut:
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(name)
        sys.modules[name] = importlib.util.module_from_spec(spec)
    if "pyhanko.sign.timestamps" in shut:
        # Named in annotations and defaults only; no time stamp is fetched here.
        vars(sys.modules["pyhanko.sign.timestamps"])["TimeStamper"] = object
    try:
        yield
    finally:
        for name in shut:
            del sys.modules[name]


@lru_cache(maxsize=1)
def _pyhanko() -> SimpleNamespace:
    with _doors_shut():
        cms = importlib.import_module("pyhanko.sign.signers.pdf_cms")
        embedder = importlib.import_module("pyhanko.sign.signers.cms_embedder")
        byterange = importlib.import_module("pyhanko.sign.signers.pdf_byterange")
        fields = importlib.import_module("pyhanko.sign.fields")
        generic = importlib.import_module("pyhanko.pdf_utils.generic")
        incremental = importlib.import_module("pyhanko.pdf_utils.incremental_writer")
        registry = importlib.import_module("pyhanko_certvalidator.registry")

    class Revision(incremental.IncrementalPdfFileWriter):  # type: ignore[name-defined,misc]
        """The signature's revision: nothing in it comes from a clock or from chance."""

        def _update_meta(self) -> None:
            """Leaves the rendering's own date, which is the decision's, as it is."""

    def revision(pdf: bytes, signed_at: datetime) -> Any:
        writer = Revision(BytesIO(pdf))
        seed = hashlib.sha256(pdf + signed_at.isoformat().encode()).digest()[:16]
        writer._document_id[1] = generic.ByteStringObject(seed)
        return writer

    def signer(raw_signer: RawSigner, chain: Sequence[Certificate]) -> Any:
        return _signer(cms.Signer, registry, raw_signer, chain)

    return SimpleNamespace(
        embedder=embedder,
        byterange=byterange,
        fields=fields,
        revision=revision,
        signer=signer,
    )


def _signer(
    base: Any, registry: Any, raw_signer: RawSigner, chain: Sequence[Certificate]
) -> Any:
    from asn1crypto import algos, x509

    class LicenceSigner(base):  # type: ignore[misc]
        async def async_sign_raw(
            self,
            data: bytes,
            digest_algorithm: str,  # noqa: ARG002 - SHA-256 by the mechanism
            dry_run: bool = False,
        ) -> bytes:
            size = (chain[0].public_key().key_size + 7) // 8  # type: ignore[union-attr]
            if dry_run:
                return bytes(size)
            digest = hashlib.sha256(data).digest()
            signature = raw_signer.sign_digest(digest)
            _require_key_of(chain[0], signature, digest)
            return signature

    certificates = [
        x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in chain
    ]
    store = registry.SimpleCertificateStore()
    store.register_multiple(certificates)
    return LicenceSigner(
        signing_cert=certificates[0],
        cert_registry=store,
        signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa"}),
    )


def _require_key_of(certificate: Certificate, signature: bytes, digest: bytes) -> None:
    # The file is written once: a wrong key must show before, not when it is checked.
    key = cast(RSAPublicKey, certificate.public_key())
    try:
        key.verify(signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    except InvalidSignature:
        raise GiveUp(
            "licence_key_mismatch",
            "签名密钥与证照签名证书不一致。",
            "The signing key is not the key of the signing certificate.",
        ) from None

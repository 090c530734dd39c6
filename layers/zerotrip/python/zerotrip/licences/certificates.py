"""Certificates for the licence key: a declared test chain, a request for a real one.

KMS signs digests and nothing else. A test chain needs only the key's public half,
since the authority signs; a request is signed by the key itself, so it is assembled
with asn1crypto and signed through the same method as a licence.

    python -m zerotrip.licences.certificates request --key-id … --organisation …
    python -m zerotrip.licences.certificates test-chain --key-id … --out-dir …
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
)
from cryptography.x509.oid import NameOID

from zerotrip.licences.signing import KmsRawSigner, RawSigner

TEST_ROOT_NAME = "零跑腿 测试根证书 TEST ROOT CA (no legal force)"
TEST_MARK = "测试 TEST"


def issue_test_chain(
    public_key_der: bytes,
    subject_name: str,
    *,
    now: datetime,
    valid_days: int = 3650,
    organisation: str | None = None,
) -> tuple[bytes, bytes]:
    """A test certificate for an RSA key: (chain_pem, root_pem).

    The root's private key lives only in this call: no second certificate can be made
    from it. Valid from a day before `now` (aware), so that decisions of today sign.
    """
    root_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    root_name = _name(TEST_ROOT_NAME, TEST_MARK)
    leaf_name = _name(f"{subject_name} ({TEST_MARK})", organisation or TEST_MARK)
    first, last = now - timedelta(days=1), now + timedelta(days=valid_days)
    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = (
        _builder(root_name, root_name, root_key.public_key(), first, last)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(root_id, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    public_key = cast(rsa.RSAPublicKey, load_der_public_key(public_key_der))
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id)
    leaf = (
        _builder(leaf_name, root_name, public_key, first, last)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            _usage(digital_signature=True, content_commitment=True), critical=True
        )
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False
        )
        .add_extension(issuer_id, critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return leaf.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM)


def certificate_request(
    public_key_der: bytes,
    raw_signer: RawSigner,
    *,
    common_name: str,
    organisation: str,
    organisation_uscc: str,
    country: str = "CN",
) -> bytes:
    """A PKCS#10 request (PEM) by which an operator asks a licensed authority.

    Which names and extensions the authority wants is its own rule: it may replace them.
    """
    from asn1crypto import core, csr, keys, pem  # operators only
    from asn1crypto import x509 as asn1_x509

    subject = asn1_x509.Name.build(
        {
            "country_name": country,
            "organization_name": organisation,
            "organization_identifier": organisation_uscc,
            "common_name": common_name,
        }
    )
    usage = {
        "extn_id": "key_usage",
        "critical": True,
        "extn_value": core.ParsableOctetString(
            asn1_x509.KeyUsage({"digital_signature", "non_repudiation"}).dump()
        ),
    }
    info = csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": subject,
            "subject_pk_info": keys.PublicKeyInfo.load(public_key_der),
            "attributes": [{"type": "extension_request", "values": [[usage]]}],
        }
    )
    signature = raw_signer.sign_digest(hashlib.sha256(info.dump()).digest())
    request = csr.CertificationRequest(
        {
            "certification_request_info": info,
            "signature_algorithm": {"algorithm": "sha256_rsa"},
            "signature": signature,
        }
    )
    return cast(bytes, pem.armor("CERTIFICATE REQUEST", request.dump()))


def public_key_der(key: rsa.RSAPublicKey) -> bytes:
    """The form in which `kms.get_public_key` answers: SubjectPublicKeyInfo, DER."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey,
    first: datetime,
    last: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first.astimezone(UTC))
        .not_valid_after(last.astimezone(UTC))
    )


def _name(common_name: str, organisation: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The operator's command; the SDK finds account, region and endpoint itself."""
    parser = argparse.ArgumentParser(prog="zerotrip.licences.certificates")
    commands = parser.add_subparsers(dest="command", required=True)
    request = commands.add_parser("request", help="证书请求 PKCS#10 to standard output")
    request.add_argument("--key-id", required=True)
    request.add_argument("--common-name", required=True)
    request.add_argument("--organisation", required=True)
    request.add_argument("--uscc", required=True)
    chain = commands.add_parser("test-chain", help="测试证书链 chain.pem, root.pem")
    chain.add_argument("--key-id", required=True)
    chain.add_argument("--subject", required=True)
    chain.add_argument("--out-dir", type=Path, required=True)
    chosen = parser.parse_args(arguments)

    import boto3  # nobody who imports this module needs the SDK

    kms = boto3.client("kms")
    key = kms.get_public_key(KeyId=chosen.key_id)["PublicKey"]
    if chosen.command == "request":
        made = certificate_request(
            key,
            KmsRawSigner(kms, chosen.key_id),
            common_name=chosen.common_name,
            organisation=chosen.organisation,
            organisation_uscc=chosen.uscc,
        )
        sys.stdout.write(made.decode())
        return 0
    chain_pem, root_pem = issue_test_chain(key, chosen.subject, now=datetime.now(UTC))
    chosen.out_dir.mkdir(parents=True, exist_ok=True)
    (chosen.out_dir / "chain.pem").write_bytes(chain_pem)
    (chosen.out_dir / "root.pem").write_bytes(root_pem)
    return 0


if __name__ == "__main__":
    sys.exit(main())

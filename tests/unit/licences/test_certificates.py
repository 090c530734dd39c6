"""Certificates: a test chain that says so, and a request that others accept."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from zerotrip.licences import certificates, signing

from .conftest import SIGNED_AT, Issued


def test_the_chain_is_issued_by_the_root_and_says_that_it_is_a_test(
    issued: Issued,
) -> None:
    (leaf,) = x509.load_pem_x509_certificates(issued.chain_pem)
    (root,) = x509.load_pem_x509_certificates(issued.root_pem)
    leaf.verify_directly_issued_by(root)
    for one in (leaf, root):
        name = one.subject.rfc4514_string()
        assert "测试" in name
        assert "TEST" in name
    usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.content_commitment
    assert not usage.key_cert_sign


def test_the_test_certificate_is_of_the_given_key(issued: Issued) -> None:
    (leaf,) = x509.load_pem_x509_certificates(issued.chain_pem)
    assert leaf.public_key() == issued.key.public_key()
    assert leaf.not_valid_before_utc <= SIGNED_AT <= leaf.not_valid_after_utc


def test_two_chains_have_two_roots(issued: Issued) -> None:
    public = certificates.public_key_der(issued.key.public_key())
    _, again = certificates.issue_test_chain(public, "示例机关", now=SIGNED_AT)
    assert again != issued.root_pem


def test_a_request_is_signed_by_the_key_itself() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = certificates.certificate_request(
        certificates.public_key_der(key.public_key()),
        signing.LocalRawSigner(key),
        common_name="示例县电子证照",
        organisation="示例县人民政府",
        organisation_uscc="11441882MB2C0XXX0X",
    )
    request = x509.load_pem_x509_csr(pem)
    assert request.is_signature_valid
    assert request.public_key() == key.public_key()
    (name,) = request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert name.value == "示例县电子证照"
    usage = request.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment

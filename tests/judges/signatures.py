"""Two judges of a signed PDF that share no code with what signs or checks it.

OpenSSL, as it is built into the `cryptography` wheel, on bytes that qpdf (`pikepdf`)
takes out of the file; and pyHanko's own validator. Both take every trust from `roots`.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import pikepdf
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InternalError

# OpenSSL's PKCS7_verify; not public in `cryptography`, which itself tests with it.
from cryptography.hazmat.bindings._rust import test_support
from cryptography.hazmat.primitives.serialization import Encoding


@dataclass(frozen=True, slots=True)
class Verdict:
    """`valid`: signature and chain hold. `whole`: every byte of the file is covered."""

    valid: bool
    whole: bool


def openssl_verdict(pdf: bytes, roots_pem: bytes) -> Verdict:
    """What OpenSSL and qpdf say of the file's only signature."""
    with pikepdf.open(io.BytesIO(pdf)) as document:
        (field,) = document.Root.AcroForm.Fields
        start, length, rest_from, rest = (int(one) for one in field.V.ByteRange)
        padded = bytes(field.V.Contents)
    # /Contents is padded with zeros; DER says itself where it ends.
    size = 4 + int.from_bytes(padded[2:4], "big")
    covered = pdf[start : start + length] + pdf[rest_from : rest_from + rest]
    try:
        test_support.pkcs7_verify(
            Encoding.DER,
            padded[:size],
            covered,
            x509.load_pem_x509_certificates(roots_pem),
            [],
        )
    except InternalError:
        valid = False
    else:
        valid = True
    gap_is_contents = pdf[start + length : rest_from].upper() == (
        b"<" + padded.hex().encode().upper() + b">"
    )
    whole = start == 0 and rest_from + rest == len(pdf) and gap_is_contents
    return Verdict(valid, whole)


def pyhanko_verdict(pdf: bytes, roots_pem: bytes) -> Verdict:
    """What pyHanko's validator says, without fetching anything."""
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    roots = [
        asn1_x509.Certificate.load(der)
        for _, _, der in pem.unarmor(roots_pem, multiple=True)
    ]
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    context = ValidationContext(trust_roots=roots, allow_fetching=False)
    status = validate_pdf_signature(signature, context)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    return Verdict(bool(status.bottom_line), whole)

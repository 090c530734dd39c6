"""Checking a signed licence before it is registered, independent of what signed it.

Deliberately narrower than the standards: it accepts what `sign_pdf` writes (one
PAdES B-B signature over the whole file, RSA with SHA-256) and nothing else. Written
on asn1crypto and cryptography, because pyHanko's validator costs a cold start more
than the rest of the function, and because a second reading of the rules finds what
the first one misses. Sources: ISO 32000-2 12.8, ETSI EN 319 142-1, RFC 5652, RFC 5035.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding

from zerotrip.kernel.errors import GiveUp, Invalid
from zerotrip.kernel.licence_identifier import parse

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_SUB_FILTER = re.compile(rb"/SubFilter\s*/ETSI\.CAdES\.detached\b")
_SIGNED_AT = re.compile(rb"/M\s*\((D[^()]+)\)")
_OCTAL = re.compile(rb"\\([0-7]{3})")  # pyHanko writes a colon as \072
_PDF_DATE = re.compile(rb"D:(\d{14})(?:Z|([+-]\d\d)'(\d\d)'?)")
_KEYWORDS = re.compile(rb"<pdf:Keywords>([^<]*)</pdf:Keywords>")
_HEX = re.compile(rb"<[0-9A-Fa-f]+>")
_LONGEST_CHAIN = 5
# Importing tsp teaches asn1crypto's cms this attribute; without it, it has no name.
_CERTIFICATE_BINDING = tsp.CMSAttributeType.map("1.2.840.113549.1.9.16.2.47")

_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


@dataclass(frozen=True, slots=True)
class CheckedLicence:
    """What a signed file says of itself; `sha256` (hexadecimal) is of the whole file.

    `signed_at` is the signer's word (PAdES B-B has no time stamp); `signer_subject`
    is the certificate's name by RFC 4514.
    """

    licence_id: str
    sha256: str
    signed_at: datetime
    signer_subject: str


def check_signed_pdf(
    pdf: bytes, roots_pem: bytes, expected_licence_id: str | None = None
) -> CheckedLicence:
    """The licence that a file holds, if its own signature carries it.

    Raises GiveUp `licence_unsigned`, `licence_tampered` (bytes outside or changed
    since), `licence_signature_invalid`, `licence_untrusted` (no chain to a root of
    `roots_pem` at the time of signing), `licence_id_unreadable`, `licence_id_mismatch`.
    """
    container = _signature_container(pdf)
    signed_at = _claimed_time(pdf)
    with _every_fault_named():
        certificates, signer = _read_cms(container)
        leaf = _signer_certificate(certificates, signer)
        _check_signature(signer, leaf, hashlib.sha256(_covered(pdf)).digest())
        _check_chain(leaf, certificates, roots_pem, signed_at)
    licence_id = _licence_id(pdf)
    if expected_licence_id not in (None, licence_id):
        raise GiveUp(
            "licence_id_mismatch",
            "文件中的电子证照标识与登记的不一致。",
            "The file names another licence than the one awaited.",
        )
    return CheckedLicence(
        licence_id=licence_id,
        sha256=hashlib.sha256(pdf).hexdigest(),
        signed_at=signed_at,
        signer_subject=leaf.subject.rfc4514_string(),
    )


def _tampered(en: str) -> GiveUp:
    return GiveUp("licence_tampered", "证照文件在签名后被改动。", en)


def _invalid(en: str) -> GiveUp:
    return GiveUp("licence_signature_invalid", "证照文件的电子签名无效。", en)


def _untrusted(en: str) -> GiveUp:
    return GiveUp("licence_untrusted", "证照文件的签名证书不受信任。", en)


@contextmanager
def _every_fault_named() -> Iterator[None]:
    """Both libraries parse late: a broken field may show wherever it is first read."""
    try:
        yield
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        x509.InvalidVersion,
        x509.DuplicateExtension,
        x509.UnsupportedGeneralNameType,
    ):
        raise _invalid("The signature cannot be read.") from None


def _gap(pdf: bytes) -> tuple[int, int]:
    """Where the signature's own bytes stand; everything else must be covered."""
    ranges = _BYTE_RANGE.findall(pdf)
    if not ranges:
        raise GiveUp(
            "licence_unsigned",
            "证照文件没有电子签名。",
            "The file carries no signature.",
        )
    if len(ranges) > 1 or len(_SUB_FILTER.findall(pdf)) != 1:
        raise _invalid("The file does not carry exactly one PAdES signature.")
    start, end, rest = (int(number) for number in ranges[0])
    if not (0 < start < end and end + rest == len(pdf)):
        raise _tampered("The signature does not cover the whole file.")
    if not _HEX.fullmatch(pdf, start, end):
        raise _tampered("Something beside the signature stands in its place.")
    return start, end


def _covered(pdf: bytes) -> bytes:
    start, end = _gap(pdf)
    return pdf[:start] + pdf[end:]


def _signature_container(pdf: bytes) -> bytes:
    start, end = _gap(pdf)
    try:
        return bytes.fromhex(pdf[start + 1 : end - 1].decode())
    except ValueError:
        raise _invalid("The signature is cut in half a byte.") from None


def _claimed_time(pdf: bytes) -> datetime:
    stated = _SIGNED_AT.findall(pdf)
    plain = _OCTAL.sub(lambda code: bytes([int(code[1], 8) & 0xFF]), b"".join(stated))
    date = _PDF_DATE.fullmatch(plain)
    if date is None:
        raise _invalid("The time of signing cannot be read.")
    digits, hours, minutes = (part.decode() for part in date.groups(b""))
    try:
        return datetime.strptime(
            f"{digits}{hours or '+00'}{minutes or '00'}", "%Y%m%d%H%M%S%z"
        )
    except ValueError:
        raise _invalid("The time of signing is no time.") from None


def _read_cms(container: bytes) -> tuple[list[x509.Certificate], Any]:
    """The certificates and the only signer of a detached SignedData."""
    content = cms.ContentInfo.load(container)
    if container[len(content.dump()) :].strip(b"\0"):
        raise _invalid("The signature is followed by something else.")
    if content["content_type"].native != "signed_data":
        raise _invalid("The container holds no signature.")
    signed = content["content"]
    encapsulated = signed["encap_content_info"]
    if (
        encapsulated["content_type"].native != "data"
        or encapsulated["content"].native is not None
    ):
        raise _invalid("The signature is not detached.")
    signers = signed["signer_infos"]
    if len(signers) != 1:
        raise _invalid("There is not exactly one signer.")
    certificates = [
        x509.load_der_x509_certificate(one.chosen.dump())
        for one in signed["certificates"]
    ]
    return certificates, signers[0]


def _signer_certificate(
    certificates: Sequence[x509.Certificate], signer: Any
) -> x509.Certificate:
    """The certificate that the signed attributes bind by its hash (RFC 5035)."""
    bound = _attribute(signer, _CERTIFICATE_BINDING)["certs"][0]
    if bound["hash_algorithm"]["algorithm"].native != "sha256":
        raise _invalid("The signer's certificate is bound by another hash.")
    digest = bound["cert_hash"].native
    for one in certificates:
        if one.fingerprint(hashes.SHA256()) == digest and _is_named(signer, one):
            return one
    raise _invalid("The signer's certificate is not in the signature.")


def _is_named(signer: Any, certificate: x509.Certificate) -> bool:
    """Whether the signer information names the certificate that is bound by hash."""
    named = signer["sid"]
    if named.name != "issuer_and_serial_number":
        return False
    known = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    return bool(
        named.chosen["issuer"] == known.issuer
        and named.chosen["serial_number"].native == known.serial_number
    )


def _attribute(signer: Any, name: str) -> Any:
    found = [
        attribute["values"]
        for attribute in signer["signed_attrs"]
        if attribute["type"].native == name
    ]
    if len(found) != 1 or len(found[0]) != 1:
        raise _invalid(f"The signed attribute {name} does not stand exactly once.")
    return found[0][0]


def _check_signature(signer: Any, leaf: x509.Certificate, digest: bytes) -> None:
    if (
        signer["digest_algorithm"]["algorithm"].native != "sha256"
        or signer["signature_algorithm"].signature_algo != "rsassa_pkcs1v15"
        or _attribute(signer, "content_type").native != "data"
    ):
        raise _invalid("The signature uses other algorithms than agreed.")
    stated = _attribute(signer, "message_digest").native
    signature = signer["signature"].native
    # Signed as a SET OF although it stands under an implicit tag (RFC 5652 5.4).
    attributes = signer["signed_attrs"].untag().dump()
    if stated != digest:
        raise _tampered("The file is not the one that was signed.")
    key = leaf.public_key()
    if not isinstance(key, RSAPublicKey):
        raise _invalid("The signer's key is not RSA.")
    try:
        key.verify(signature, attributes, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise _invalid("The signature is not of the certificate's key.") from None


def _check_chain(
    leaf: x509.Certificate,
    others: Sequence[x509.Certificate],
    roots_pem: bytes,
    signed_at: datetime,
) -> None:
    """Walks from the signer to a root; each step signed, allowed and in its time."""
    roots = _load_roots(roots_pem)
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not (usage.digital_signature or usage.content_commitment):
        raise _untrusted("The certificate is not for signatures.")
    current = leaf
    for below in range(_LONGEST_CHAIN):
        if not (
            current.not_valid_before_utc <= signed_at <= current.not_valid_after_utc
        ):
            raise _untrusted("A certificate was not valid at the time of signing.")
        if current in roots:
            return
        issuers = (
            one
            for one in (*roots, *others)
            if _may_issue(one, below) and _issued(current, one)
        )
        issuer = next(issuers, None)
        if issuer is None:
            break
        current = issuer
    raise _untrusted("No chain leads from the signer to a trusted root.")


def _load_roots(roots_pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(roots_pem)
    except ValueError:
        raise _untrusted("No trusted root is configured.") from None


def _may_issue(certificate: x509.Certificate, authorities_below: int) -> bool:
    basic = _extension(certificate, x509.BasicConstraints)
    usage = _extension(certificate, x509.KeyUsage)
    return (
        basic is not None
        and basic.ca
        and (basic.path_length is None or basic.path_length >= authorities_below)
        and (usage is None or usage.key_cert_sign)
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _extension(
    certificate: x509.Certificate, kind: type[_Extension]
) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _licence_id(pdf: bytes) -> str:
    """The document's only keyword, as XMP states it (PDF/A keeps XMP in clear)."""
    found = _KEYWORDS.findall(pdf)
    try:
        (keyword,) = found
        text = cast(bytes, keyword).decode("ascii")
        parse(text)
    except (ValueError, Invalid):
        raise GiveUp(
            "licence_id_unreadable",
            "无法从文件读取电子证照标识。",
            "The licence's identifier cannot be read from the file.",
        ) from None
    return text

"""Checking: only a whole, intact, trusted file of the awaited licence passes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from zerotrip.kernel.errors import GiveUp
from zerotrip.licences import certificates, signing
from zerotrip.licences.checking import check_signed_pdf
from zerotrip.licences.rendering import Renderer

from .conftest import LICENCE_ID, REASON, SIGNED_AT, Issued, certificate

BYTE_RANGE = re.compile(rb"/ByteRange \[0 (\d+) (\d+) (\d+)\]")


def refusal(pdf: bytes, roots_pem: bytes, expected: str | None = None) -> str:
    """The code with which a file is refused."""
    with pytest.raises(GiveUp) as caught:
        check_signed_pdf(pdf, roots_pem, expected)
    return caught.value.code


def gap(pdf: bytes) -> tuple[int, int]:
    """Where the signature's container stands."""
    found = BYTE_RANGE.search(pdf)
    assert found is not None
    return int(found[1]), int(found[2])


def test_a_signed_licence_says_what_it_is(issued: Issued) -> None:
    checked = check_signed_pdf(issued.pdf, issued.root_pem, LICENCE_ID)
    assert checked.licence_id == LICENCE_ID
    assert checked.signed_at == SIGNED_AT
    assert checked.sha256 == hashlib.sha256(issued.pdf).hexdigest()
    assert "示例机关 (测试 TEST)" in checked.signer_subject


def test_a_time_of_signing_with_an_offset_is_the_same_instant(issued: Issued) -> None:
    from zerotrip.kernel.times import SHANGHAI

    pdf = signing.sign_pdf(
        issued.unsigned,
        signing.LocalRawSigner(issued.key),
        issued.chain_pem,
        SIGNED_AT.astimezone(SHANGHAI),
        REASON,
    )
    assert check_signed_pdf(pdf, issued.root_pem).signed_at == SIGNED_AT


def test_a_file_without_signature_is_named_so(issued: Issued) -> None:
    assert refusal(issued.unsigned, issued.root_pem) == "licence_unsigned"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_signed_byte_can_be_changed(issued: Issued, data: st.DataObject) -> None:
    start, end = gap(issued.pdf)
    at = data.draw(
        st.one_of(st.integers(0, start), st.integers(end, len(issued.pdf) - 1))
    )
    changed = bytearray(issued.pdf)
    changed[at] ^= data.draw(st.integers(1, 255))
    assert refusal(bytes(changed), issued.root_pem).startswith("licence_")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_change_in_the_container_cannot_make_it_say_something_else(
    issued: Issued, data: st.DataObject
) -> None:
    # Some bytes of a CMS carry no meaning (a version, an algorithm named twice).
    start, end = gap(issued.pdf)
    at = data.draw(st.integers(start, end - 1))
    changed = bytearray(issued.pdf)
    changed[at] ^= data.draw(st.integers(1, 255))
    genuine = check_signed_pdf(issued.pdf, issued.root_pem)
    codes = []
    try:
        checked = check_signed_pdf(bytes(changed), issued.root_pem)
    except GiveUp as error:
        codes.append(error.code)
        checked = genuine
    assert replace(checked, sha256=genuine.sha256) == genuine
    assert set(codes) <= {"licence_tampered", "licence_signature_invalid"}


def test_a_changed_page_is_tampering(issued: Issued) -> None:
    changed = issued.pdf.replace(b"/Rect [ 0 0 0 0 ]", b"/Rect [ 0 0 0 1 ]")
    assert refusal(changed, issued.root_pem) == "licence_tampered"


def test_anything_appended_is_tampering(issued: Issued) -> None:
    assert refusal(issued.pdf + b"\n", issued.root_pem) == "licence_tampered"


def test_an_incremental_update_after_the_signature_is_refused(issued: Issued) -> None:
    second = signing.sign_pdf(
        issued.unsigned,
        signing.LocalRawSigner(issued.key),
        issued.chain_pem,
        SIGNED_AT,
        REASON,
    )
    tail = second[len(issued.unsigned) :]
    assert refusal(issued.pdf + tail, issued.root_pem) == "licence_signature_invalid"
    note = b"99 0 obj\n<< /Rect [0 0 9 9] >>\nendobj\n"
    assert refusal(issued.pdf + note, issued.root_pem) == "licence_tampered"


def test_nothing_hides_where_the_signature_stands(issued: Issued) -> None:
    start, end = gap(issued.pdf)
    inside = b"><</JS (app.alert)>>" + issued.pdf[start + 21 : end]
    hidden = issued.pdf[:start] + b"<" + inside + issued.pdf[end:]
    assert refusal(hidden, issued.root_pem) == "licence_tampered"
    behind = issued.pdf[: end - 3] + b"01>" + issued.pdf[end:]
    assert refusal(behind, issued.root_pem) == "licence_signature_invalid"


def test_a_gap_wider_than_the_signature_is_tampering(issued: Issued) -> None:
    found = BYTE_RANGE.search(issued.pdf)
    assert found is not None
    rest = int(found[3])
    wider = issued.pdf.replace(
        found[0],
        b"/ByteRange [0 %d %d %d]" % (int(found[1]), int(found[2]) + 9, rest - 9),
    )
    assert len(wider) == len(issued.pdf)
    assert refusal(wider, issued.root_pem) == "licence_tampered"


def test_the_signature_of_another_file_does_not_fit(
    issued: Issued, layout: bytes, renderer: Renderer
) -> None:
    other = signing.sign_pdf(
        renderer.render(layout, certificate(sample=False)),
        signing.LocalRawSigner(issued.key),
        issued.chain_pem,
        SIGNED_AT,
        REASON,
    )
    start, end = gap(issued.pdf)
    other_start, other_end = gap(other)
    moved = issued.pdf[:start] + other[other_start:other_end] + issued.pdf[end:]
    assert refusal(moved, issued.root_pem) == "licence_tampered"


def test_a_forged_raw_signature_is_invalid(issued: Issued) -> None:
    start, end = gap(issued.pdf)
    container = bytearray(bytes.fromhex(issued.pdf[start + 1 : end - 1].decode()))
    container[len(bytes(container).rstrip(b"\0")) - 1] ^= 1
    forged = issued.pdf[:start] + b"<%s>" % container.hex().encode() + issued.pdf[end:]
    assert refusal(forged, issued.root_pem) == "licence_signature_invalid"


def test_an_unknown_root_is_not_trusted(issued: Issued) -> None:
    _, other = certificates.issue_test_chain(
        certificates.public_key_der(issued.key.public_key()), "别的", now=SIGNED_AT
    )
    assert refusal(issued.pdf, other) == "licence_untrusted"
    assert refusal(issued.pdf, b"") == "licence_untrusted"


def test_a_root_that_is_past_is_not_trusted(issued: Issued) -> None:
    chain, root = certificates.issue_test_chain(
        certificates.public_key_der(issued.key.public_key()),
        "示例机关",
        now=SIGNED_AT,
        valid_days=1,
    )
    late = SIGNED_AT + timedelta(days=3)
    (leaf,) = x509.load_pem_x509_certificates(chain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(signing, "_require_current", lambda *_: None)
        pdf = signing.sign_pdf(
            issued.unsigned, signing.LocalRawSigner(issued.key), chain, late, REASON
        )
    assert leaf.not_valid_after_utc < late
    assert refusal(pdf, root) == "licence_untrusted"


def test_only_an_authority_can_vouch_for_another(issued: Issued) -> None:
    from zerotrip.licences.checking import _may_issue

    (leaf,) = x509.load_pem_x509_certificates(issued.chain_pem)
    (root,) = x509.load_pem_x509_certificates(issued.root_pem)
    assert not _may_issue(leaf, 0)
    assert _may_issue(root, 0)
    assert not _may_issue(root, 1)  # its path length is 0: no authority below it


@pytest.mark.parametrize(("ca", "key_cert_sign"), [(False, True), (True, False)])
def test_an_authority_must_say_so_twice(ca: bool, key_cert_sign: bool) -> None:
    from zerotrip.licences.checking import _may_issue

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = certificates._name("测试 TEST", "测试 TEST")
    made = certificates._builder(
        name, name, key.public_key(), SIGNED_AT, SIGNED_AT + timedelta(days=1)
    )
    made = made.add_extension(x509.BasicConstraints(ca, None), critical=True)
    usage = certificates._usage(key_cert_sign=key_cert_sign)
    made = made.add_extension(usage, critical=True)
    assert not _may_issue(made.sign(key, hashes.SHA256()), 0)


def test_another_licence_than_the_awaited_one_is_refused(issued: Issued) -> None:
    awaited = LICENCE_ID.replace(".001.", ".002.")
    assert refusal(issued.pdf, issued.root_pem, awaited) == "licence_id_mismatch"


@pytest.mark.parametrize(
    "keywords",
    [b"", b'"1.2.156.3005.2"', f'"{LICENCE_ID}", "{LICENCE_ID}"'.encode()],
)
def test_a_file_that_names_no_licence_is_refused(
    issued: Issued, renderer: Renderer, keywords: bytes
) -> None:
    bare = b'#set text(font: "Noto Serif SC", fallback: false)\n1'
    named = b"#set document(keywords: (%s,))\n" % keywords if keywords else b""
    pdf = signing.sign_pdf(
        renderer.render(named + bare, certificate()),
        signing.LocalRawSigner(issued.key),
        issued.chain_pem,
        SIGNED_AT,
        REASON,
    )
    assert refusal(pdf, issued.root_pem) == "licence_id_unreadable"

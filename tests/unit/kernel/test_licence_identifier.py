"""GB/T 36904 identifiers; the vectors are public samples (standards.md, section 3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zerotrip.kernel import licence_identifier as identifier
from zerotrip.kernel.errors import Invalid

SAMPLES = [
    "1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U",
    "1.2.156.3005.2.11100000000013338W009.11330105002500287C.2025052201.002.0",
]
TYPE = "11100000000013338W011"
ISSUER = "11430000006122244L"
SERIAL = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=20, max_size=20)


@pytest.mark.parametrize("sample", SAMPLES)
def test_reads_public_samples(sample: str) -> None:
    parts = identifier.parse(sample)
    rebuilt = f"{parts.type_code}.{parts.issuer}.{parts.serial}.{parts.version:03d}"
    assert sample == f"{identifier.ROOT}.{rebuilt}.{parts.check}"


@given(serial=SERIAL, version=st.integers(1, 999))
def test_reads_what_it_mints(serial: str, version: int) -> None:
    minted = identifier.licence_identifier(TYPE, ISSUER, serial, version)
    parts = identifier.parse(minted)
    assert (parts.type_code, parts.issuer, parts.serial, parts.version) == (
        TYPE,
        ISSUER,
        serial,
        version,
    )


@given(serial=SERIAL, at=st.integers(0, 19), other=st.sampled_from("0123456789ABCXYZ"))
def test_finds_every_single_wrong_character(serial: str, at: int, other: str) -> None:
    minted = identifier.licence_identifier(TYPE, ISSUER, serial)
    slip = serial[:at] + other + serial[at + 1 :]
    misread = minted.replace(serial, slip)
    if slip == serial:
        assert identifier.parse(misread).serial == serial
        return
    with pytest.raises(Invalid) as caught:
        identifier.parse(misread)
    assert caught.value.code == "licence_id_check_wrong"


def test_finds_neighbours_that_were_swapped() -> None:
    # Nearly all of them: a hybrid system of ISO 7064 does not promise every one.
    with pytest.raises(Invalid) as caught:
        identifier.parse(SAMPLES[0].replace("11430000", "14130000"))
    assert caught.value.code == "licence_id_check_wrong"


@pytest.mark.parametrize(
    "text",
    ["", "1.2.156", SAMPLES[0].lower(), SAMPLES[0] + "0", SAMPLES[0] + "\n"],
)
def test_refuses_what_is_no_identifier(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        identifier.parse(text)
    assert caught.value.code == "licence_id_malformed"


@pytest.mark.parametrize(
    ("type_code", "issuer", "serial", "version"),
    [
        (TYPE[:-1], ISSUER, "A" * 20, 1),
        (TYPE, "441882", "A" * 20, 1),
        (TYPE, ISSUER, "A" * 19, 1),
        (TYPE, ISSUER, "a" * 20, 1),
        (TYPE, ISSUER, "A" * 20, 0),
        (TYPE, ISSUER, "A" * 20, 1000),
    ],
)
def test_mints_from_whole_parts_only(
    type_code: str, issuer: str, serial: str, version: int
) -> None:
    with pytest.raises(Invalid) as caught:
        identifier.licence_identifier(type_code, issuer, serial, version)
    assert caught.value.code == "licence_id_parts_wrong"

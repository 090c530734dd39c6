"""What a file is, is read from its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.files import PNG_HEAD, png_chunk
from tests.unit.materials import files
from zerotrip.materials import types
from zerotrip.materials.types import Finding


def inspected(
    content: bytes, content_type: str, size_bytes: int | None = None
) -> Finding:
    return types.inspect(
        content,
        code="loss_declaration",
        content_type=content_type,
        size_bytes=len(content) if size_bytes is None else size_bytes,
    )


def fault_code(finding: Finding) -> str | None:
    return finding.fault.code if finding.fault else None


WHOLE = [
    (types.PDF, files.PDF),
    (types.JPEG, files.JPEG),
    (types.PNG, files.PNG),
]


@pytest.mark.parametrize(("content_type", "content"), WHOLE)
def test_a_whole_file_of_the_announced_type_is_taken(
    content_type: str, content: bytes
) -> None:
    assert inspected(content, content_type) == Finding(content_type, None)


@pytest.mark.parametrize(("content_type", "content"), WHOLE)
@pytest.mark.parametrize("announced", [types.PDF, types.JPEG, types.PNG])
def test_a_file_announced_as_another_type_is_refused(
    content_type: str, content: bytes, announced: str
) -> None:
    finding = inspected(content, announced)
    expected = None if announced == content_type else "material_type_wrong"
    assert (finding.true_type, fault_code(finding)) == (content_type, expected)


def test_the_reason_names_both_types_so_that_the_applicant_can_act() -> None:
    finding = inspected(files.PNG, types.PDF)
    assert finding.fault is not None
    assert finding.fault.path == "/materials/loss_declaration"
    assert "是PNG格式，应为PDF格式" in finding.fault.zh
    assert "is PNG, not PDF" in finding.fault.en


def test_an_iphones_photograph_is_told_what_to_set_on_the_telephone() -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    finding = inspected(heic, types.JPEG)
    assert finding.fault is not None
    assert finding.fault.zh.startswith("该照片不是JPG格式。苹果手机请在")
    assert "兼容性最佳" in finding.fault.zh


@pytest.mark.parametrize(
    "content",
    [
        files.PROGRAM,
        b"\x7fELF\x02\x01\x01",
        b"#!/bin/sh\n",
        b"<html>%PDF-1.7\n%%EOF",
        b"PK\x03\x04",
        b"GIF89a",
        b"\n" + files.PDF,
    ],
)
def test_what_does_not_begin_like_a_known_type_has_none(content: bytes) -> None:
    finding = inspected(content, types.PDF)
    assert (finding.true_type, fault_code(finding)) == (None, "material_type_wrong")


def test_an_empty_file_is_refused_as_empty() -> None:
    assert fault_code(inspected(b"", types.PDF, 100)) == "material_empty"


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_file_of_another_size_than_announced_is_refused(difference: int) -> None:
    finding = inspected(files.PDF, types.PDF, len(files.PDF) + difference)
    assert fault_code(finding) == "material_size_wrong"
    assert finding.true_type == types.PDF


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        (types.PDF, files.PDF[:-7]),
        (types.PDF, b"%PDF-x" + files.PDF),
        (types.PDF, b"%PDF-1.7\n%%EOF"),
        (types.PDF, files.PDF + b"<script>alert(1)</script>"),
        (types.PDF, files.PDF + files.PROGRAM),
        (types.JPEG, files.JPEG[:-2]),
        (types.JPEG, b"\xff\xd8\xff\xd9"),
        (types.JPEG, b"\xff\xd8\xff\xda\x00\x02data\xff\xd9"),
        (types.JPEG, b"\xff\xd8\xff\xe0\x00\x04ab\x00\x00\xff\xd9"),
        (types.PNG, files.PNG[:-12]),
        (types.PNG, files.PNG[:-1]),
        (types.PNG, files.PNG + files.PROGRAM),
        (types.PNG, PNG_HEAD + png_chunk(b"IEND", b"")),
        (types.PNG, b"\x89PNG\r\n\x1a\n"),
        (
            types.PNG,
            files.PNG.replace(b"IHDR\x00\x00\x00\x01", b"IHDR\x00\x00\x00\x02"),
        ),
    ],
)
def test_a_damaged_file_is_refused(content_type: str, content: bytes) -> None:
    finding = inspected(content, content_type)
    assert (finding.true_type, fault_code(finding)) == (
        content_type,
        "material_corrupt",
    )


@pytest.mark.parametrize(
    "part",
    [
        b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>",
        b"/OpenAction<</S/J#61vaScript/JS(1)>>",
        b"/OpenAction<</S/Launch/F(calc.exe)>>",
        b"/Annots[<</Subtype/RichMedia>>]",
        b"/X(<html><script>1</script>)",
    ],
)
def test_a_pdf_with_active_content_is_refused(part: bytes) -> None:
    finding = inspected(files.pdf_with(part), types.PDF)
    assert fault_code(finding) == "material_active_content"


def test_a_locked_pdf_is_refused_with_its_own_reason() -> None:
    content = files.PDF.replace(b"/Root", b"/Encrypt 3 0 R/Root")
    assert fault_code(inspected(content, types.PDF)) == "material_encrypted"


def test_what_a_telephone_appends_to_a_photograph_is_no_fault() -> None:
    moving = files.JPEG + b"\x00\x00\x00\x18ftypmp42"
    assert inspected(moving, types.JPEG) == Finding(types.JPEG, None)


def test_padding_before_a_marker_of_a_photograph_is_no_fault() -> None:
    padded = files.JPEG.replace(b"\xff\xc0", b"\xff\xff\xff\xc0")
    assert inspected(padded, types.JPEG) == Finding(types.JPEG, None)


@given(
    st.sampled_from(WHOLE),
    st.integers(min_value=0, max_value=400),
    st.binary(max_size=8),
)
def test_no_mangled_file_breaks_the_inspection(
    whole: tuple[str, bytes], at: int, noise: bytes
) -> None:
    content_type, content = whole
    mangled = content[:at] + noise + content[at + len(noise) :]
    finding = inspected(mangled, content_type)
    assert finding.fault is not None or finding.true_type == content_type

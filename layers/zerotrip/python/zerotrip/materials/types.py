"""What a file truly is, read from its bytes; names and headers prove nothing. Pure.

Three types are known: PDF (ISO 32000-1), JPEG (ISO/IEC 10918-1), PNG (RFC 2083). The
checks find wrong, cut-off and booby-trapped files that a citizen can replace. What is
of the right kind outside is then opened (`pdf`, `pictures`).
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from zerotrip.kernel.errors import Fault
from zerotrip.materials import faults

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
NAMES = {PDF: "PDF", JPEG: "JPEG", PNG: "PNG"}
SPOKEN = {**NAMES, JPEG: "JPG"}
"""What people call them: telephones show the ending of a file's name."""

_SIGNATURES = ((b"%PDF-", PDF), (b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG))
_HEIC = re.compile(rb"....ftyp(heic|heix|hevc|mif1|msf1)", re.DOTALL)
"""The brands of what an iPhone takes by default (ISO/IEC 23008-12)."""
_BLANKS = b" \t\r\n\f\0"
_PDF_HEADER = re.compile(rb"%PDF-[12]\.[0-9]")
# SOI, TEM and RST0-7 stand alone; every other marker carries a length.
_JPEG_LONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_SCAN = 0xDA
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Finding:
    """The true type (None: none that we know), and what is wrong, if anything."""

    true_type: str | None
    fault: Fault | None


def inspect(
    content: bytes, *, code: str, content_type: str, size_bytes: int
) -> Finding:
    """Compares a file with what was announced for material `code`.

    The first fault counts: empty, another size, another type, damaged, what is inside.
    """
    path = f"/materials/{code}"
    if not content:
        return Finding(None, faults.empty(path))
    true_type = type_of(content)
    if len(content) != size_bytes:
        return Finding(true_type, _size_differs(path, size_bytes, len(content)))
    if true_type is None or true_type != content_type:
        return Finding(true_type, _type_differs(path, content_type, content))
    if not _whole(true_type, content):
        return Finding(true_type, faults.damaged(path, NAMES[true_type]))
    return Finding(true_type, _fault_inside(path, true_type, content))


def type_of(content: bytes) -> str | None:
    """The media type by the first bytes, at offset 0 and nowhere else."""
    for signature, media_type in _SIGNATURES:
        if content.startswith(signature):
            return media_type
    return None


def _fault_inside(path: str, true_type: str, content: bytes) -> Fault | None:
    # Late: their libraries take half a second to load, and one is enough.
    if true_type == PDF:
        from zerotrip.materials.pdf import pdf_fault

        return pdf_fault(path, content)
    from zerotrip.materials.pictures import picture_fault

    return picture_fault(path, content, NAMES[true_type])


def _whole(true_type: str, content: bytes) -> bool:
    return {PDF: _pdf_is_whole, JPEG: _jpeg_is_whole, PNG: _png_is_whole}[true_type](
        content
    )


def _pdf_is_whole(content: bytes) -> bool:
    # Nothing may follow the end mark: a second file behind it is an old trick.
    return (
        _PDF_HEADER.match(content) is not None
        and content.rstrip(_BLANKS).endswith(b"%%EOF")
        and b"startxref" in content[-2048:]
    )


def _jpeg_is_whole(content: bytes) -> bool:
    """Walks the segments to the picture's data, which an end mark must follow.

    Telephones append their own data behind the end mark (moving pictures), so what
    follows it is not judged.
    """
    at, framed = 2, False
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return False
        marker = content[at + 1]
        if marker == 0xFF or marker in _JPEG_LONE:
            at += 1 if marker == 0xFF else 2
            continue
        framed = framed or marker in _JPEG_FRAMES
        at += 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _JPEG_SCAN:
            return framed and content.find(b"\xff\xd9", at) > at
    return False


def _png_is_whole(content: bytes) -> bool:
    """Walks the chunks: lengths and checksums hold, IHDR first, IEND last."""
    at = 8
    order: list[bytes] = []
    while at + 12 <= len(content):
        length, name = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        if end + 4 > len(content):
            return False
        if zlib.crc32(content[at + 4 : end]) != int.from_bytes(content[end : end + 4]):
            return False
        order.append(name)
        at = end + 4
        if name == b"IEND":
            break
    return (
        at == len(content)
        and order[:1] == [b"IHDR"]
        and order[-1] == b"IEND"
        and b"IDAT" in order
    )


def _size_differs(path: str, announced_bytes: int, found_bytes: int) -> Fault:
    return Fault(
        path,
        "material_size_wrong",
        "文件没有完整上传，请检查网络后重新上传。",
        f"The file has {found_bytes} bytes, announced were {announced_bytes}: "
        "upload it again.",
    )


def _type_differs(path: str, announced: str, content: bytes) -> Fault:
    wanted, true_type = SPOKEN.get(announced, announced), type_of(content)
    if true_type is None and _HEIC.match(content[:12]):
        return Fault(
            path,
            "material_type_wrong",
            f"该照片不是{wanted}格式。苹果手机请在“设置—相机—格式”中选择“兼容性最佳”"
            "后重拍，或者转换后上传。",
            f"The photograph is not a {wanted}. On an iPhone choose Settings, Camera, "
            "Formats, Most Compatible, and take it again, or convert it.",
        )
    zh = f"是{SPOKEN[true_type]}格式" if true_type else "不是可以接受的格式"
    en = SPOKEN[true_type] if true_type else "of no type that is accepted"
    return Fault(
        path,
        "material_type_wrong",
        f"该文件{zh}，应为{wanted}格式。请转换后重新上传，仅改后缀名无效。",
        f"The file is {en}, not {wanted}: upload one of the right type; renaming it "
        "does not change it.",
    )

"""Small files of each type, made by hand so that each byte has a reason."""

from __future__ import annotations

import zlib

from infra.local.files import PNG_HEAD, png_chunk

PDF = (
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    b"2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000015 00000 n \n0000000060 00000 n \n"
    b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n106\n%%EOF\n"
)

JPEG = (
    b"\xff\xd8"
    b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    # A thumbnail's end mark inside an application segment is not the picture's.
    b"\xff\xe1\x00\x06\xff\xd8\xff\xd9"
    b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
    b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    b"\x7f\xa0\x28"
    b"\xff\xd9"
)


PNG = (
    PNG_HEAD + png_chunk(b"IDAT", zlib.compress(b"\x00\x7f")) + png_chunk(b"IEND", b"")
)

PROGRAM = b"MZ\x90\x00" + b"\x00" * 60 + b"PE\x00\x00"


def pdf_with(part: bytes) -> bytes:
    """The PDF with one more dictionary entry in its catalogue."""
    return PDF.replace(b"/Type/Catalog", b"/Type/Catalog" + part)

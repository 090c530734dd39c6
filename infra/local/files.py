"""Synthetic files of a wanted type and size, whole by their format's own rules."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image


def a_file(media_type: str, size_bytes: int) -> bytes:
    """A PDF, PNG or JPEG of exactly that many bytes."""
    makers = {"application/pdf": a_pdf, "image/png": a_png, "image/jpeg": a_jpeg}
    return makers[media_type](size_bytes)


def a_pdf(size_bytes: int) -> bytes:
    """A one-page PDF, filled up with a comment."""
    head = b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    head += b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    head += b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj\n"
    tail = b"\ntrailer<</Root 1 0 R/Size 4>>\nstartxref\n0\n%%EOF\n"
    return head + b"%" + b"-" * (size_bytes - len(head) - len(tail) - 1) + tail


def a_png(size_bytes: int) -> bytes:
    """A one-pixel PNG, filled up with a text chunk."""
    head = PNG_HEAD
    tail = png_chunk(b"IDAT", zlib.compress(b"\0\0")) + png_chunk(b"IEND", b"")
    filling = size_bytes - len(head) - len(tail) - 12
    return head + png_chunk(b"tEXt", b"filling\0" + b"-" * (filling - 8)) + tail


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG: length, kind, content, checksum."""
    checksum = zlib.crc32(kind + content)
    return (
        struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
    )


PNG_HEAD = b"\x89PNG\r\n\x1a\n" + png_chunk(
    b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
)
"""Of one grey pixel."""


def a_jpeg(size_bytes: int) -> bytes:
    """One grey pixel, and comments that fill it up (each 65,533 bytes at most)."""
    made = io.BytesIO()
    Image.new("L", (8, 8), 128).save(made, "JPEG")
    start, rest = made.getvalue()[:2], made.getvalue()[2:]
    missing = size_bytes - len(start) - len(rest)
    comments = b""
    while missing:
        # A comment has four bytes of its own: what is left must hold another one.
        length = missing if missing <= 65_537 else min(65_537, missing - 4)
        comments += b"\xff\xfe" + (length - 2).to_bytes(2, "big") + b"." * (length - 4)
        missing -= length
    return start + comments + rest

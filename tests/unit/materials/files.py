"""Small files of each type, made by hand so that each byte has a reason."""

from __future__ import annotations

import zlib

from infra.local.files import PNG_HEAD, png_chunk

PDF = (
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
    b"1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
    b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\n"
    b"xref\n0 4\n0000000000 65535 f \n0000000015 00000 n \n0000000060 00000 n \n"
    b"0000000111 00000 n \ntrailer\n<</Size 4/Root 1 0 R>>\nstartxref\n172\n%%EOF\n"
)

# One grey pixel: a table of ones, and two Huffman tables of the one symbol 0.
JPEG = (
    b"\xff\xd8"
    b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    # A thumbnail's end mark inside an application segment is not the picture's.
    b"\xff\xe1\x00\x06\xff\xd8\xff\xd9"
    b"\xff\xdb\x00\x43\x00"
    + 64
    * b"\x01"
    + b"\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00"
    b"\xff\xc4\x00\x14\x00\x01"
    + 16 * b"\x00"
    + b"\xff\xc4\x00\x14\x10\x01"
    + 16 * b"\x00"
    + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
    b"\x3f"
    b"\xff\xd9"
)


PNG = (
    PNG_HEAD + png_chunk(b"IDAT", zlib.compress(b"\x00\x7f")) + png_chunk(b"IEND", b"")
)

PROGRAM = b"MZ\x90\x00" + b"\x00" * 60 + b"PE\x00\x00"


def pdf_with(part: bytes) -> bytes:
    """The PDF with one more dictionary entry in its catalogue."""
    return PDF.replace(b"/Type/Catalog", b"/Type/Catalog" + part)


CATALOGUE = b"<</Type/Catalog/Pages 2 0 R%s>>"
PAGES = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]%s>>"


def pdf_of(*objects: bytes, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, the first of them its catalogue."""
    made = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer\n<</Size %d/Root 1 0 R%s>>\n" % (len(objects) + 1, trailer)
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)


def one_page(*, catalogue: bytes = b"", page: bytes = b"", more: bytes = b"") -> bytes:
    """A PDF of one page, with further entries of its catalogue and page."""
    objects = [CATALOGUE % catalogue, PAGES, PAGE % page]
    return pdf_of(*objects, *([more] if more else []))


def pages(count: int) -> bytes:
    """A PDF of so many pages."""
    kids = b" ".join(b"%d 0 R" % (number + 3) for number in range(count))
    tree = b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, count)
    return pdf_of(CATALOGUE % b"", tree, *[PAGE % b""] * count)


def packed(*objects: bytes, deflate: bool = True, filling: bytes = b"") -> bytes:
    """A PDF whose objects, from 1, stand compressed in one part (7.5.7, 7.5.8)."""
    numbers, content = b"", b""
    for number, each in enumerate(objects, start=1):
        numbers += b"%d %d " % (number, len(content))
        content += each + b" "
    part = numbers + content + filling
    kept = zlib.compress(part, 9) if deflate else part
    name = b"/Filter/FlateDecode" if deflate else b""
    count = len(objects)
    made = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    first = len(made)
    made += b"%d 0 obj\n<</Type/ObjStm/N %d/First %d/Length %d%s>>stream\n" % (
        count + 1,
        count,
        len(numbers),
        len(kept),
        name,
    )
    made += kept + b"\nendstream\nendobj\n"
    start = len(made)
    rows = b"\x00\x00\x00\x00"
    rows += b"".join(b"\x02%s%c" % ((count + 1).to_bytes(2), at) for at in range(count))
    rows += b"\x01%s\x00" % first.to_bytes(2)
    rows += b"\x01%s\x00" % start.to_bytes(2)
    made += (
        b"%d 0 obj\n<</Type/XRef/W[1 2 1]/Size %d/Root 1 0 R/Length %d>>stream\n"
        % (
            count + 2,
            count + 3,
            len(rows),
        )
    )
    made += rows + b"\nendstream\nendobj\n"
    return bytes(made + b"startxref\n%d\n%%%%EOF\n" % start)

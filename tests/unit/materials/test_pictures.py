"""A picture is decoded before it is taken, and asked its size before it is decoded."""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from typing import Any

import pytest
from PIL import Image, ImageFile

from infra.local.files import a_png, png_chunk
from tests.unit.materials import files
from zerotrip.materials import pictures
from zerotrip.materials.bounded import cpu_bounded
from zerotrip.materials.pictures import MOST_PASSES, MOST_PIXELS, picture_fault

LARGE = (MOST_PIXELS // 5000, 5000)


def found(content: bytes, name: str) -> str | None:
    fault = picture_fault("/materials/x", content, name)
    assert fault is None or fault.path == "/materials/x"
    return fault.code if fault else None


def saved(name: str, mode: str = "RGB", **how: Any) -> bytes:
    kept = io.BytesIO()
    Image.effect_noise((64, 48), 50).convert(mode).save(kept, name, **how)
    return kept.getvalue()


def head(width: int, height: int) -> bytes:
    """A grey PNG that says it has these sides."""
    said = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", said)


def png(width: int, height: int, rows: bytes) -> bytes:
    return head(width, height) + rows + png_chunk(b"IEND", b"")


def sides(jpeg: bytes, width: int, height: int) -> bytes:
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PNG", files.PNG),
        ("PNG", a_png(4096)),
        ("PNG", saved("PNG")),
        ("PNG", saved("PNG", "P")),
        ("PNG", saved("PNG", "LA")),
        ("JPEG", files.JPEG),
        ("JPEG", saved("JPEG")),
        ("JPEG", saved("JPEG", "CMYK")),
        ("JPEG", saved("JPEG", progressive=True)),
        ("JPEG", saved("JPEG") + b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 500),
    ],
)
def test_an_honest_picture_is_taken(name: str, content: bytes) -> None:
    assert found(content, name) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PNG", png(1, 1, png_chunk(b"IDAT", b"no zlib"))),
        ("PNG", png(9, 9, png_chunk(b"IDAT", zlib.compress(b"\0\0")))),
        ("PNG", png(0, 9, png_chunk(b"IDAT", zlib.compress(b"\0")))),
        ("PNG", saved("JPEG")),
        ("JPEG", saved("PNG")),
        ("JPEG", saved("JPEG").replace(b"\xff\xdb", b"\xff\xe9")),
        ("JPEG", saved("JPEG")[:-200]),
    ],
)
def test_a_picture_that_does_not_decode_is_refused(name: str, content: bytes) -> None:
    assert found(content, name) == "material_corrupt"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("PNG", png(LARGE[0] + 1, LARGE[1], png_chunk(b"IDAT", zlib.compress(b"\0")))),
        # So many that the library refuses by itself.
        ("PNG", png(40_000, 40_000, png_chunk(b"IDAT", zlib.compress(b"\0")))),
        ("JPEG", sides(files.JPEG, LARGE[0] + 1, LARGE[1])),
    ],
)
def test_a_picture_that_unpacks_to_gigabytes_is_refused_before_it_is_decoded(
    name: str, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image.Image, "load", _no_decoding)
    assert found(content, name) == "material_too_many_pixels"


def _no_decoding(_: object) -> None:
    raise AssertionError("it was decoded")


def test_the_largest_size_is_still_decoded() -> None:
    """With too few bytes for it, which only a decoder finds."""
    content = sides(files.JPEG, *LARGE)[:-3]
    assert found(content, "JPEG") == "material_corrupt"


def test_a_picture_of_a_thousand_passes_is_refused() -> None:
    """Each costs a decoder all the pixels anew: a small file, minutes of work."""
    once = saved("JPEG", progressive=True)
    at = once.rindex(b"\xff\xda")
    last = once[at:-2]
    assert found(once, "JPEG") is None
    assert found(once[:-2] + last * MOST_PASSES, "JPEG") == "material_too_complex"


def test_a_picture_that_takes_too_much_of_the_processor_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "cpu_bounded", partial(cpu_bounded, 0.1))

    def endless(_: object) -> None:
        while True:
            pass

    monkeypatch.setattr(ImageFile.ImageFile, "verify", endless)
    assert found(saved("JPEG"), "JPEG") == "material_too_complex"


def test_text_that_unpacks_to_megabytes_is_refused() -> None:
    bomb = b"note\0\0" + zlib.compress(b"x" * 100_000_000, 9)
    content = png(1, 1, png_chunk(b"zTXt", bomb) + files.PNG[33:])
    assert found(content, "PNG") == "material_corrupt"


def test_passes_behind_the_end_mark_are_not_counted() -> None:
    photograph = saved("JPEG")
    assert pictures._passes(photograph + b"\xff\xda" * 9) == 1

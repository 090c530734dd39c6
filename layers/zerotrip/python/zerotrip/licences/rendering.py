"""A licence's page: a published layout and one licence's data become a PDF/A-2b.

Data travels as JSON beside the layout, never as its source, so nothing that a
person typed can be read as markup. The same data gives the same bytes.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from zerotrip.kernel.errors import GiveUp

if TYPE_CHECKING:
    from typst import Fonts, TypstError

FONT_PACKAGES = ("pylopdf_fonts_zh_cn", "noto_cjk_sans_otc")

_MISSING_GLYPH = re.compile(r'the text `"(.+?)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")
_LAYOUT_LINE = re.compile(r"\.typ:(\d+):\d+")


class Phrase(TypedDict):
    """Chinese, and the same in English."""

    zh: str
    en: str


class Field(Phrase):
    """One row of a certificate: its label in two languages, and its value."""

    value: str
    wide: NotRequired[bool]


class CertificateData(TypedDict):
    """What `catalogue/_layouts/certificate.typ` prints.

    `decided_at` is RFC 3339 with an offset: the file's own date. `number`, `dates`
    and `fields` are labelled values; `sample` marks seal and page as not real.
    """

    licence_id: str
    title: Phrase
    issuer: Phrase
    decided_at: str
    verification_url: str
    number: Field
    dates: Sequence[Field]
    fields: Sequence[Field]
    notes: NotRequired[Sequence[Phrase]]
    accent: NotRequired[str]
    sample: bool


def packaged_font_directories() -> tuple[Path, ...]:
    """The folders of the two font wheels, Noto Serif SC first; nothing is imported."""
    found = (importlib.util.find_spec(name) for name in FONT_PACKAGES)
    return tuple(
        Path(location)
        for spec in found
        if spec is not None
        for location in spec.submodule_search_locations or ()
    )


class Renderer:
    """Renders with the fonts in `font_dirs` only; they are read once, at first use."""

    def __init__(self, font_dirs: Sequence[Path] | None = None) -> None:
        self._font_dirs = font_dirs

    @cached_property
    def _fonts(self) -> Fonts:
        from typst import Fonts  # only what signs loads typst

        directories = (
            packaged_font_directories() if self._font_dirs is None else self._font_dirs
        )
        return Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(directory) for directory in directories],
        )

    def render(self, layout: bytes, data: Mapping[str, Any]) -> bytes:
        """The PDF/A-2b of one licence; `data` as in `CertificateData`.

        Raises GiveUp: `licence_glyph_missing` (detail: code points, never the
        name), `licence_layout_failed`, `licence_layout_warned`.
        """
        import typst  # only what signs loads typst

        inputs = dict(data) | {"qr_svg": qr_svg(data["verification_url"])}
        compiler = typst.Compiler(
            layout,
            font_paths=self._fonts,
            ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(inputs, ensure_ascii=False)},
        )
        decided_at = datetime.fromisoformat(data["decided_at"])
        try:
            pdf, warnings = compiler.compile_with_warnings(
                format="pdf",
                pdf_standards=["a-2b"],
                timestamp=int(decided_at.timestamp()),
            )
        except typst.TypstError as error:
            # Its text may quote the data: neither said nor chained.
            raise _failure(error) from None
        if warnings:
            raise _layout_error(
                "licence_layout_warned",
                "证照版式有警告，未予签发。",
                "The layout compiles with warnings; nothing was issued.",
                " ".join(warning.diagnostic for warning in warnings),
            )
        if not isinstance(pdf, bytes):
            raise TypeError("typst answered pages instead of one PDF")
        return pdf


def qr_svg(text: str) -> str:
    """A QR code (error correction M, quiet zone of 2 modules) as an SVG document."""
    import segno  # only what signs draws codes

    drawn = BytesIO()
    segno.make_qr(text, error="m").save(
        drawn, kind="svg", xmldecl=False, border=2, nl=False, omitsize=True
    )
    return drawn.getvalue().decode()


def _failure(error: TypstError) -> GiveUp:
    missing = _MISSING_GLYPH.findall(error.diagnostic)
    if not missing:
        return _layout_error(
            "licence_layout_failed",
            "证照版式无法生成文件。",
            "The layout could not be rendered.",
            error.diagnostic,
        )
    characters = {character for text in missing for character in _unescape(text)}
    points = sorted(f"U+{ord(character):04X}" for character in characters)
    return GiveUp(
        "licence_glyph_missing",
        "字库缺少证照所需的字：" + "、".join(points) + "。",
        "No font holds a character that the licence needs: " + ", ".join(points) + ".",
        detail={"code_points": points},
    )


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def _layout_error(code: str, zh: str, en: str, diagnostic: str) -> GiveUp:
    lines = sorted({int(line) for line in _LAYOUT_LINE.findall(diagnostic)})
    return GiveUp(code, zh, en, detail={"layout_lines": lines})

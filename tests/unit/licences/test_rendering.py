"""Rendering: data is data, the page is one, a missing glyph stops the licence."""

from __future__ import annotations

import io
import json

import pikepdf
import pytest
from pypdf import PdfReader

from zerotrip.kernel.errors import GiveUp
from zerotrip.licences.rendering import Renderer

from .conftest import LICENCE_ID, Issued, certificate, owner


def text_of(pdf: bytes) -> str:
    """What a reader can select on the page."""
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    return page.extract_text()


def test_the_page_says_what_the_data_says(issued: Issued) -> None:
    text = text_of(issued.unsigned).replace("\n", "")
    for word in ("示例县样例餐饮有限公司", "张示例", "JY14418820000001", "Operator"):
        assert word in text
    assert "样例 SAMPLE" in text


def test_a_real_licence_is_not_marked_as_a_sample(
    layout: bytes, renderer: Renderer
) -> None:
    text = text_of(renderer.render(layout, certificate(sample=False)))
    assert "SAMPLE" not in text


def test_the_file_is_pdf_a_2b_with_every_font_embedded(issued: Issued) -> None:
    with pikepdf.open(io.BytesIO(issued.unsigned)) as document:
        assert document.pdf_version == "1.7"
        with document.open_metadata() as metadata:
            assert metadata["pdfaid:part"] == "2"
            assert metadata["pdfaid:conformance"] == "B"
            assert metadata["pdf:Keywords"] == LICENCE_ID
        described = [
            one
            for one in document.objects
            if isinstance(one, pikepdf.Dictionary)
            and one.get("/Type") == "/FontDescriptor"
        ]
        assert described
        assert all("/FontFile3" in one for one in described)


def test_the_same_data_gives_the_same_bytes(
    issued: Issued, layout: bytes, renderer: Renderer
) -> None:
    assert Renderer().render(layout, certificate()) == issued.unsigned
    assert renderer.render(layout, owner("李示例")) != issued.unsigned


def test_the_file_bears_the_time_of_the_decision(issued: Issued) -> None:
    stated = PdfReader(io.BytesIO(issued.unsigned)).metadata
    assert stated is not None
    assert stated["/CreationDate"].startswith("D:20261121080000")


@pytest.mark.parametrize(
    "name", ["#panic(1)", "$x$ *b* _i_ #x", '"}', "</x>&lt;", "\\"]
)
def test_what_a_person_typed_is_never_markup(
    layout: bytes, renderer: Renderer, name: str
) -> None:
    assert name in text_of(renderer.render(layout, owner(name)))


def test_rare_names_are_printed(layout: bytes, renderer: Renderer) -> None:
    name = "㐆䶮𠮷㛃喆堃犇骉龘昇翀𬍛𬬻〇"
    text = text_of(renderer.render(layout, owner(name)))
    assert name in text.replace("\n", "")


def test_a_missing_glyph_is_named_by_code_point_and_the_name_is_not(
    layout: bytes, renderer: Renderer
) -> None:
    with pytest.raises(GiveUp) as caught:
        renderer.render(layout, owner("张示例\U00031234ก"))
    error = caught.value
    assert error.code == "licence_glyph_missing"
    assert error.detail == {"code_points": ["U+0E01", "U+31234"]}
    assert "张" not in f"{error} {error.zh} {error.en} {error.detail}"
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_long_value_gets_a_row_of_its_own(layout: bytes, renderer: Renderer) -> None:
    name = "示例" * 14
    assert name in text_of(renderer.render(layout, owner(name)))


def test_too_much_for_one_page_is_refused(layout: bytes, renderer: Renderer) -> None:
    with pytest.raises(GiveUp) as caught:
        renderer.render(layout, owner("示例" * 3000))
    assert caught.value.code == "licence_layout_failed"
    assert "示例示例" not in str(caught.value)


def test_a_layout_with_a_warning_issues_nothing(renderer: Renderer) -> None:
    layout = b'#set text(font: ("No Such Font", "Noto Serif SC"), fallback: false)\nx'
    with pytest.raises(GiveUp) as caught:
        renderer.render(layout, certificate())
    assert caught.value.code == "licence_layout_warned"
    assert caught.value.detail == {"layout_lines": [1]}


def test_a_layout_sees_its_data_as_one_json_document(renderer: Renderer) -> None:
    layout = (
        b'#set text(font: "Noto Serif SC", fallback: false)\n'
        b"#json(bytes(sys.inputs.data)).keys().join(str(44))"
    )
    keys = text_of(renderer.render(layout.replace(b"str(44)", b'","'), certificate()))
    assert keys.replace("\n", "") == ",".join(
        [*json.loads(json.dumps(certificate())), "qr_svg"]
    )


@pytest.mark.parametrize("family", ["Libertinus Serif", "DejaVu Sans"])
def test_fonts_come_only_from_the_folders_given(
    renderer: Renderer, family: str
) -> None:
    # The first is built into typst, the second is on most machines.
    layout = f'#set text(font: "{family}", fallback: false)\n1'.encode()
    with pytest.raises(GiveUp) as caught:
        renderer.render(layout, certificate())
    assert caught.value.code.startswith("licence_")

"""What acts, hides, is locked or is too much in a PDF is refused with a sentence."""

from __future__ import annotations

import logging
from functools import partial

import pytest

from infra.local.files import a_pdf
from tests.unit.materials import files
from zerotrip.materials import pdf
from zerotrip.materials.bounded import cpu_bounded
from zerotrip.materials.pdf import MOST_OBJECTS, MOST_PAGES, pdf_fault

SCRIPT = b"<</S/JavaScript/JS(app.alert\\(1\\))>>"
URI = b"<</S/URI/URI(https://example.invalid/)>>"


def found(content: bytes) -> str | None:
    fault = pdf_fault("/materials/x", content)
    assert fault is None or fault.path == "/materials/x"
    return fault.code if fault else None


@pytest.mark.parametrize(
    "content",
    [
        files.PDF,
        files.one_page(),
        files.packed(files.CATALOGUE % b"", files.PAGES, files.PAGE % b""),
        a_pdf(4096),
        # Offsets that are a byte off, as scanners' programs write them.
        files.PDF.replace(b"0000000111", b"0000000110"),
        files.one_page(catalogue=b"/OpenAction[3 0 R/FitH null]"),
        files.one_page(catalogue=b"/OpenAction<</S/GoTo/D[3 0 R/Fit]>>"),
        files.one_page(page=b"/AA<</O<</S/Named/N/NextPage>>>>"),
        # A link that a reader may click is no action that starts by itself.
        files.one_page(page=b"/Annots[<</Type/Annot/Subtype/Link/A%s>>]" % URI),
        # Names in a list of fonts and pictures are anybody's.
        files.one_page(page=b"/Resources<</Font<</AA 4 0 R/EF 4 0 R>>>>", more=b"<<>>"),
        files.one_page(catalogue=b"/AcroForm<</Fields[]>>"),
        files.pages(MOST_PAGES),
    ],
)
def test_an_honest_file_is_taken(content: bytes) -> None:
    assert found(content) is None


@pytest.mark.parametrize(
    "made",
    [
        {"catalogue": b"/OpenAction" + URI},
        {"catalogue": b"/OpenAction 4 0 R", "more": URI},
        {"catalogue": b"/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next %s>>" % URI},
        {"catalogue": b"/OpenAction<</S/GoTo/D[3 0 R/Fit]/Next[%s]>>" % URI},
        {"page": b"/AA<</O%s>>" % URI},
        {"page": b"/AA 4 0 R", "more": b"<</O%s>>" % URI},
        {"page": b"/Annots[<</Subtype/Widget/A<</S/SubmitForm/F(x)>>>>]"},
        {"page": b"/Annots[<</Subtype/Link/A<</S/GoToR/F(x)>>>>]"},
        {"page": b"/Annots[<</Subtype/Link/A<</S/GoToE/T<<>>>>>>]"},
        {"page": b"/Annots[<</Subtype/Link/A<</S/ImportData/F(x)>>>>]"},
        {"page": b"/Annots[<</Subtype/Screen>>]"},
        {"page": b"/Annots[<</Subtype/3D>>]"},
        {"catalogue": b"/AcroForm<</XFA[(template)4 0 R]>>", "more": b"<<>>"},
    ],
)
def test_a_file_in_which_something_acts_is_refused(made: dict[str, bytes]) -> None:
    assert found(files.one_page(**made)) == "material_active_content"


def test_a_chain_of_actions_without_end_is_refused() -> None:
    endless = b"<</S/GoTo/D[3 0 R/Fit]/Next 4 0 R>>"
    made = files.one_page(catalogue=b"/OpenAction 4 0 R", more=endless)
    assert found(made) == "material_active_content"


@pytest.mark.parametrize("deflate", [True, False])
@pytest.mark.parametrize("action", [SCRIPT, b"<</S/Launch/F(calc.exe)>>"])
def test_what_a_compressed_part_hides_is_found(action: bytes, deflate: bool) -> None:
    """Its bytes say nothing: the name stands nowhere in the file as it is."""
    page = files.PAGE % (b"/Annots[<</Subtype/Link/A 4 0 R>>]")
    made = files.packed(
        files.CATALOGUE % b"", files.PAGES, page, action, deflate=deflate
    )
    assert deflate == (b"JavaScript" not in made and b"Launch" not in made)
    assert found(made) == "material_active_content"


@pytest.mark.parametrize(
    "made",
    [
        {"catalogue": b"/Names<</EmbeddedFiles<</Names[(a)4 0 R]>>>>", "more": b"<<>>"},
        {"page": b"/Annots[<</Subtype/FileAttachment/FS<</EF<</F 4 0 R>>>>>>]"},
        {"more": b"<</Type/EmbeddedFile/Length 1>>stream\nx\nendstream"},
    ],
)
def test_a_file_with_files_packed_inside_is_refused(made: dict[str, bytes]) -> None:
    assert found(files.one_page(**made)) == "material_attachment"


@pytest.mark.parametrize(
    "content",
    [
        files.pdf_of(b"<</Type/Catalog>>"),
        files.pdf_of(files.CATALOGUE % b"", b"<</Type/Pages/Kids[]/Count 0>>"),
        files.pdf_of(b"<</Type/Catalog/Pages(text)>>"),
        b"%PDF-1.7\nstartxref\n0\n%%EOF\n",
        files.packed(files.CATALOGUE % b"", files.PAGES, b"(("),
        files.packed(files.CATALOGUE % b"", files.PAGES, b"[" * 5000),
    ],
)
def test_a_file_that_does_not_open_or_shows_nothing_is_refused(content: bytes) -> None:
    assert found(content) == "material_corrupt"


def test_a_file_that_is_locked_is_refused() -> None:
    locked = b"/Encrypt<</Filter/Standard/V 1/R 2/O(o)/U(u)/P -4>>"
    made = files.pdf_of(
        files.CATALOGUE % b"", files.PAGES, files.PAGE % b"", trailer=locked
    )
    assert found(made) == "material_encrypted"


def test_a_page_too_many_is_refused() -> None:
    assert found(files.pages(MOST_PAGES + 1)) == "material_too_many_pages"


def test_one_page_shown_a_thousand_times_is_too_many() -> None:
    tree = b"<</Type/Pages/Kids[%s]/Count 1>>" % (b"3 0 R " * 1000)
    made = files.pdf_of(files.CATALOGUE % b"", tree, files.PAGE % b"")
    assert found(made) == "material_too_many_pages"


def test_a_count_that_lies_is_not_believed() -> None:
    made = files.pages(MOST_PAGES + 1).replace(b"/Count 201", b"/Count 001")
    assert found(made) == "material_too_many_pages"


def test_a_small_file_that_unpacks_to_a_large_one_is_refused() -> None:
    made = files.packed(
        files.CATALOGUE % b"",
        files.PAGES,
        files.PAGE % b"",
        filling=b" " * (pdf.MOST_UNPACKED_BYTES + 1),
    )
    assert len(made) < 100_000
    assert found(made) == "material_too_complex"


def test_more_objects_than_can_be_looked_through_are_refused() -> None:
    made = files.pdf_of(
        files.CATALOGUE % b"", files.PAGES, files.PAGE % b"", *[b"0"] * MOST_OBJECTS
    )
    assert found(made) == "material_too_complex"


def test_a_file_that_takes_too_much_of_the_processor_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pdf, "cpu_bounded", partial(cpu_bounded, 0.1))

    def endless(_: object) -> int:
        while True:
            pass

    monkeypatch.setattr(pdf, "_number_of_objects", endless)
    assert found(files.PDF) == "material_too_complex"


def test_nothing_of_a_file_gets_into_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    content = files.one_page().replace(b"/Type/Catalog", b"/Type/Zhangsl")
    pdf_fault("/x", content.replace(b"startxref\n", b"startxref\n9"))
    assert caplog.records == []


def test_every_refusal_tells_in_both_languages_what_to_do() -> None:
    for content in (
        files.one_page(catalogue=b"/OpenAction" + URI),
        files.one_page(catalogue=b"/Names<</EmbeddedFiles<<>>>>"),
        files.pages(MOST_PAGES + 1),
        b"%PDF-1.7\nstartxref\n0\n%%EOF\n",
    ):
        fault = pdf_fault("/x", content)
        assert fault is not None
        assert "重新上传" in fault.zh
        assert "upload" in fault.en

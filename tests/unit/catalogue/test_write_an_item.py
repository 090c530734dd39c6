"""The page “Write an item” is followed: its blocks make a ninth item that passes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.unit.catalogue.world import CATALOGUE, TODAY
from zerotrip.catalogue import authoring, commands
from zerotrip.catalogue.lint import RULES, lint
from zerotrip.catalogue.whole import read_whole

PAGE = CATALOGUE.parent / "docs" / "write-an-item.md"
FOLDER = "street-stall-permit"
_HEADING = re.compile(r"^#{1,6} (?:`(catalogue/[^`]+)`)?")


def files_of_the_page() -> dict[str, str]:
    """Each file that a heading names: the YAML blocks below it, in their order."""
    files: dict[str, str] = {}
    name, inside = None, False
    for line in PAGE.read_text().splitlines():
        heading = None if inside else _HEADING.match(line)
        if heading is not None:
            name = heading[1]
        elif line.startswith("```"):
            inside = not inside and line == "```yaml"
        elif inside and name is not None:
            files[name] = files.get(name, "") + line + "\n"
    return files


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    copied = shutil.copytree(CATALOGUE, tmp_path / "catalogue")
    for name, text in files_of_the_page().items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return Path(copied)


def test_the_page_writes_a_base_entry_an_item_and_an_example():
    assert list(files_of_the_page()) == [
        "catalogue/_base/440117803000.yaml",
        f"catalogue/{FOLDER}/item.yaml",
        f"catalogue/{FOLDER}/example.yaml",
    ]


def test_the_page_makes_an_item_without_a_finding(catalogue):
    whole = read_whole(catalogue, TODAY)

    assert whole.faults == ()
    assert lint(whole.drafts[FOLDER].item, whole.surroundings) == ()


def test_the_check_says_what_the_page_shows(catalogue):
    said: list[str] = []

    assert commands.main(["check", str(catalogue / FOLDER)], said.append) == 0

    assert len(said) == 1
    assert f"```text\n{said[0]}\n```" in PAGE.read_text()


def test_the_pages_condition_asks_for_the_health_certificate(catalogue):
    example = catalogue / FOLDER / "example.yaml"
    example.write_text(example.read_text().replace("goods: flowers", "goods: food"))
    said: list[str] = []

    assert commands.main(["check", str(catalogue / FOLDER)], said.append) == 1
    assert "/materials/health_certificate: missing" in said[0]


def test_the_pages_item_is_no_item_of_this_repository():
    assert FOLDER not in [path.name for path in authoring.folders(CATALOGUE)]


def test_the_page_says_what_to_do_about_every_code_of_the_lint():
    text = PAGE.read_text()
    source = "".join(
        path.read_text() for path in Path(lint.__code__.co_filename).parent.glob("*.py")
    )
    codes = set(re.findall(r'^ +"([a-z]+(?:_[a-z]+)+)",$', source, re.MULTILINE))
    codes |= {f"guide_lacks_{name}" for name in ("conditions", "address", "hours")}
    codes.discard("enquiry_telephone")  # an element's name, no code

    assert len(codes) >= len(RULES)
    assert {code for code in codes if f"`{code}`" not in text} == set()

"""What the repository promises in its pages, and what an open project carries."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.template import application
from zerotrip.runtime.schemas import documents

ROOT = Path(__file__).resolve().parents[1]
LAYER = "layers/zerotrip/python/zerotrip"
PAGES = sorted(
    path.relative_to(ROOT)
    for top in ("*.md", "docs/**/*.md", "events/*.md")
    for path in ROOT.glob(top)
)
LINK = re.compile(r"\]\((?!https?:|mailto:)([^)#\s]*)(?:#([^)\s]+))?\)")
MAKE = re.compile(r"(?:`|^\s*(?:\$ )?)make ([a-z][a-z-]*)", re.MULTILINE)
MODULE = re.compile(r"python -m ([a-z_]+(?:\.[a-z_]+)+)")
PATHS = re.compile(
    r"`((?:docs|infra|tests|layers|functions|catalogue|events)/[^`\s*]*)`"
)
SHOWN = re.compile(r"<!-- (\w+) (\S+) (\w+) -->\n```json\n(.*?)```", re.DOTALL)
BINARY = {".pdf", ".png", ".jpg", ".otf", ".ttf", ".zip"}
Json = dict[str, Any]


@cache
def _text(path: str) -> str:
    return (ROOT / path).read_text("utf-8")


@cache
def _targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", _text("Makefile"), re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = _text(str(page))
    missing = [f"make {name}" for name in MAKE.findall(text) if name not in _targets()]
    for link, anchor in LINK.findall(text):
        target = (ROOT / page).parent / link if link else ROOT / page
        if not target.exists():
            missing.append(link)
        elif anchor and anchor not in _anchors(target.read_text("utf-8")):
            missing.append(f"{link}#{anchor}")
    missing += [
        name
        for name in PATHS.findall(text)
        # A page that has its reader write a file shows it under its name.
        if not _is_there(name) and f"### `{name}`" not in text
    ]
    missing += [name for name in MODULE.findall(text) if not _is_module(name)]
    assert missing == []


def _anchors(text: str) -> set[str]:
    """Headings as a repository host makes them into anchors."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", each).strip().lower().replace(" ", "-")
        for each in found
    }


def _is_there(name: str) -> bool:
    return any((ROOT / place / name).exists() for place in ("", LAYER))


def _is_module(name: str) -> bool:
    path = Path(*name.split("."))
    return any(
        (ROOT / top / path).with_suffix(".py").exists()
        or (ROOT / top / path / "__main__.py").exists()
        for top in ("", "layers/zerotrip/python")
    )


def test_pages_are_found() -> None:
    assert {"README.md", "docs/operate.md", "events/README.md"} <= set(map(str, PAGES))


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, open_pages = set(), [ROOT / "README.md"]
    while open_pages:
        page = open_pages.pop()
        reached.add(page)
        for link, _ in LINK.findall(page.read_text("utf-8")):
            target = (page.parent / link).resolve()
            if target.suffix == ".md" and target not in reached:
                open_pages.append(target)
    pages = {(ROOT / page).resolve() for page in PAGES}
    assert pages - reached == set()


def test_the_picture_shows_every_function() -> None:
    picture = ET.fromstring(_text("docs/flow.svg"))  # noqa: S314  (our own file)
    words = " ".join(picture.itertext()).split()
    functions = [function.name for function in application.functions()]
    assert [name for name in functions if name not in words] == []
    assert "(docs/flow.svg)" in _text("README.md")


def test_every_parameter_is_explained() -> None:
    page = _text("docs/operate.md")
    for name, parameter in application.load()["Parameters"].items():
        (row,) = [
            line for line in page.splitlines() if re.match(rf"\|.*`{name}`", line)
        ]
        if "Default" in parameter:
            assert f"`{parameter['Default']}`" in row, name


def test_every_partner_secret_and_its_readers_are_named() -> None:
    (line,) = [
        line
        for line in _text("docs/operate.md").splitlines()
        if line.startswith("**A changed secret")
    ]
    for partner in ("identity", "payments", "courier", "shared_data"):
        named = re.search(rf"`{partner}`: ([^.]+)\.", line)
        readers = {
            function.name
            for function in application.functions()
            if f"{partner.upper()}_PARTNER_SECRET" in function.environment
        }
        assert named is not None
        assert set(re.findall(r"`(\w+)`", named[1])) == readers


@pytest.mark.parametrize(
    "shown", SHOWN.findall(_text("docs/mini-program.md")), ids=lambda each: each[1]
)
def test_what_the_mini_programs_page_shows_is_in_the_document(
    shown: tuple[str, str, str, str],
) -> None:
    method, path, place, content = shown
    document = json.loads(_text("events/openapi/zerotrip-v1.json"))
    operation = document["paths"][path][method.lower()]
    body = operation["requestBody" if place == "request" else "responses"]
    body = body if place == "request" else body[place]
    (media,) = body["content"].values()
    examples = [
        _resolved(document, each)["value"] for each in media["examples"].values()
    ]
    cut = json.loads(content)
    assert any(_cut_out(cut, example) for example in examples)


def _resolved(document: Json, example: Json) -> Json:
    if "$ref" not in example:
        return example
    found: Json = document["components"]["examples"][example["$ref"].rpartition("/")[2]]
    return found


def _cut_out(part: object, whole: object) -> bool:
    """Whether `part` is `whole` with fields, or the end of lists, left out."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(
            name in whole and _cut_out(value, whole[name])
            for name, value in part.items()
        )
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) <= len(whole) and all(map(_cut_out, part, whole))
    return part == whole


def test_a_page_with_nothing_cut_out_would_be_noticed() -> None:
    assert len(SHOWN.findall(_text("docs/mini-program.md"))) >= 10
    assert _cut_out({"a": [1]}, {"a": [1, 2], "b": 3})
    assert not _cut_out({"a": [2]}, {"a": [1, 2]})
    assert not _cut_out({"c": 1}, {"a": 1})


def test_the_event_that_the_contracts_page_shows_is_valid() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", _text("events/README.md"), re.DOTALL)
    event = json.loads(shown)
    schema = documents()[Path("events") / f"{event['type']}.json"]
    assert list(Draft202012Validator(schema).iter_errors(event)) == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("LICENSE", "Apache License"),
        ("CONTRIBUTING.md", "make test"),
        ("SECURITY.md", "vulnerability"),
        ("CHANGELOG.md", "Unreleased"),
    ],
)
def test_what_an_open_project_carries_is_there(name: str, says: str) -> None:
    assert says in _text(name)


# Keys that the standard requires, version 0.4: yml.publiccode.tools, "The Standard".
PUBLICCODE = {
    "publiccodeYmlVersion": str,
    "name": str,
    "url": str,
    "platforms": list,
    "developmentStatus": str,
    "softwareType": str,
    "description": dict,
    "legal": dict,
    "maintenance": dict,
    "localisation": dict,
}
STATUSES = {"concept", "development", "beta", "stable", "obsolete"}


def test_publiccode_has_what_the_standard_requires() -> None:
    found = yaml.safe_load(_text("publiccode.yaml"))
    for key, kind in PUBLICCODE.items():
        assert isinstance(found[key], kind), key
        assert found[key], key
    assert found["developmentStatus"] in STATUSES
    assert found["legal"]["license"] == "Apache-2.0"
    assert found["maintenance"]["type"] in {"internal", "contract", "community", "none"}
    assert found["maintenance"]["contacts"][0]["name"]
    assert isinstance(found["localisation"]["localisationReady"], bool)
    assert found["localisation"]["availableLanguages"]
    for language in ("zh", "en"):
        told = found["description"][language]
        assert 0 < len(told["shortDescription"]) <= 150
        assert 150 <= len(told["longDescription"]) <= 10_000
        assert all(0 < len(each) <= 100 for each in told["features"])
    version = re.search(r'^version = "(.+)"$', _text("pyproject.toml"), re.MULTILINE)
    assert version is not None
    assert found["softwareVersion"] == version[1]


FOREIGN = tuple(
    re.compile(pattern)
    for pattern in (
        # Paths of somebody's machine, in parts, so that this file names none. Deeper
        # ones only below home folders: a JSON pointer may begin with /home.
        rf"(?<![\w.$}}/])/(?:{'wo' + 'rk'}|{'tm' + 'p'}|ro{'ot'})/\w",
        r"(?<![\w.$}/])/(?:home|Users)/[\w.-]+/\w",
        # A registry, whoever's: the machine's own settings say where packages are.
        "|".join(("pypi\\." + "org", "pythonhosted\\." + "org", "npmjs\\." + "org")),
        "--(?:extra-)?index-" + "url|--find-" + "links",
    )
)


def test_no_file_names_a_machine_or_a_registry() -> None:
    named = [
        f"{path}:{number}: {line.strip()[:80]}"
        for path in _committed()
        for number, line in enumerate(_text(path).splitlines(), start=1)
        if any(pattern.search(line) for pattern in FOREIGN)
    ]
    assert named == []


def _committed() -> list[str]:
    """Text files that git keeps, or would keep if they were added now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return [
        name
        for name in listed
        if name and (ROOT / name).is_file() and Path(name).suffix not in BINARY
    ]


def test_the_demo_shown_in_the_readme_is_the_demos_own_words() -> None:
    said = {
        node.value
        for node in ast.walk(ast.parse(_text("infra/local/demo.py")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for words in ("one case of each of three items", "paid at WeChat Pay"):
        assert words in said
        assert words in _text("README.md")

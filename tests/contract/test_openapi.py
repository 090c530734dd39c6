"""The committed OpenAPI document: current, valid, and true in its examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import validate

from tests.unit.web.contract import made, schema_faults
from tests.unit.web.town import ROOT
from zerotrip.web.openapi.__main__ import COMMAND, COMMITTED, main, rendered
from zerotrip.web.openapi.codes import known_codes
from zerotrip.web.openapi.document import routes
from zerotrip.web.openapi.refusals import problem_codes

Media = tuple[str, dict[str, Any]]


def _operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in made()["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def _media() -> Iterator[Media]:
    """Every body of the document, by where it stands."""
    for name, operation in _operations():
        bodies = {"asks": operation.get("requestBody", {}), **operation["responses"]}
        for status, body in bodies.items():
            for media in body.get("content", {}).values():
                yield f"{name} {status}", media


def test_the_committed_document_is_current() -> None:
    committed = (ROOT / COMMITTED).read_text("utf-8")
    assert committed == rendered(), f"please run: {COMMAND}"


def test_the_document_is_valid_openapi_3_1() -> None:
    assert made()["openapi"] == "3.1.0"
    assert validate(made()) is None


@pytest.mark.parametrize(
    ("place", "media"), list(_media()), ids=lambda each: str(each)[:60]
)
def test_every_body_has_examples_that_its_schema_allows(
    place: str, media: dict[str, Any]
) -> None:
    assert media["examples"], place
    for name, example in media["examples"].items():
        shown = _resolved(example)
        assert schema_faults(media["schema"], shown["value"]) == [], name


def _resolved(example: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in example:
        return example
    found: dict[str, Any] = made()["components"]["examples"]
    return found[example["$ref"].rpartition("/")[2]]


def test_every_shape_and_example_is_used() -> None:
    text = rendered()
    unused = [
        f"{kind}/{name}"
        for kind in ("schemas", "examples", "parameters", "headers")
        for name in made()["components"][kind]
        if f'"#/components/{kind}/{name}"' not in text
    ]
    assert unused == []


def test_every_refusal_speaks_both_languages_and_has_one_meaning() -> None:
    for tag_route in routes():
        for code in problem_codes(tag_route[1]):
            known = known_codes()[code]
            assert not known.zh.isascii(), code
            assert known.en.isascii() or "’" in known.en, code
            assert 400 <= known.status < 600, code


def test_names_and_numbers_in_examples_are_synthetic() -> None:
    text = rendered()
    assert "张示例" in text
    assert "13800000000" in text
    assert "11010519491231002X" in text


def test_the_check_tells_which_command_to_run(
    tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "openapi.json"
    assert main(["--check", "--file", str(file)]) == 1
    assert COMMAND in capsys.readouterr().err
    assert main(["--file", str(file)]) == 0
    assert main(["--check", "--file", str(file)]) == 0
    file.write_text("{}", "utf-8")
    assert main(["--check", "--file", str(file)]) == 1

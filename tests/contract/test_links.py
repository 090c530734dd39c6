"""The document's links lead somewhere, with values that the answer before them has."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.web.contract import made
from zerotrip.web.openapi.links import LINKS, Link

POINTER = "$response.body#"


def _operation(name: str) -> dict[str, Any]:
    for methods in made()["paths"].values():
        for operation in methods.values():
            if operation["operationId"] == name:
                found: dict[str, Any] = operation
                return found
    raise LookupError(f"no operation {name}")


def _resolved(value: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in value:
        return value
    kind, name = value["$ref"].split("/")[-2:]
    found: dict[str, Any] = made()["components"][kind][name]
    return found


@pytest.mark.parametrize("link", LINKS, ids=lambda link: f"{link.origin}>{link.target}")
def test_a_link_takes_what_is_there_and_gives_what_is_asked(link: Link) -> None:
    answer = _operation(link.origin)["responses"][str(link.status)]
    asked = {_resolved(each)["name"] for each in _operation(link.target)["parameters"]}
    assert set(link.takes) <= asked
    for expression in link.takes.values():
        if expression == "$response.header.ETag":
            assert "ETag" in answer["headers"]
        else:
            examples = answer["content"]["application/json"]["examples"]
            at: Any = next(iter(examples.values()))["value"]
            for token in expression.removeprefix(POINTER).split("/")[1:]:
                at = at[int(token)] if isinstance(at, list) else at[token]
            assert isinstance(at, str | None), expression  # null: not yet


def test_the_document_carries_every_link() -> None:
    carried = {
        (operation["operationId"], int(status), target)
        for methods in made()["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        for target in answer.get("links", {})
    }
    assert carried == {(link.origin, link.status, link.target) for link in LINKS}

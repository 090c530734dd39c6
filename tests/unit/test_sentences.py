"""Sentences that citizens read hold no word of the program, and money is 15.00元.

Read from the source: every Chinese text of the modules whose sentences reach a citizen,
and of the catalogue. What only operators, editors and logs read is listed by module.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers/zerotrip/python/zerotrip"
NOT_FOR_CITIZENS = (
    "archive/",  # supervision
    "catalogue/",  # editors, but for FOR_CITIZENS
    "cases/diagram.py",
    "deliveries/",  # logs, and the carrier
    "identity/commands.py",
    "identity/model.py",
    "identity/staff.py",
    "kernel/configuration.py",
    "licences/",  # logs, but for the document
    "materials/clients/",
    "payments/channels/",
    "runtime/",
    "sources/clients/",
    "web/openapi/",
    "web/routes/",
    "web/requests.py",
    "web/route.py",
)
FOR_CITIZENS = (
    "catalogue/forms.py",
    "catalogue/guide.py",
    "catalogue/publication.py",
    "catalogue/remedies.py",
    "catalogue/route.py",
    "licences/model.py",
)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PROPER = re.compile(
    r"(?<![A-Za-z])(pH|mg|Excel|Word)(?![A-Za-z])|https?://\S+|\{[a-z_]*\}"
)
"""What may be written in small letters; placeholders are judged by themselves."""
ENGLISH = re.compile(
    r"[A-Za-z]*[a-z][A-Za-z]+|[A-Za-z]+[a-z]|(?<![A-Z])(JSON|HTTP|URL|API|ASCII)(?![A-Z])"
)
"""Words with small letters, and those of the trade; PDF and number plates are known."""
PLACEHOLDERS = {
    "amount", "case_no", "expires", "fee", "granted", "hint_zh", "item", "licence",
    "limit", "refused", "remedies", "until", "waybill", "what", "zh",
}  # fmt: skip
"""Filled by `notices.inbox`, `catalogue.forms`, `cases.applicant`, `web.bodies`."""


def wrong(sentence: str) -> str | None:
    """Why no citizen should read it, or None."""
    for name in re.findall(r"\{([^}]*)\}", sentence):
        if name not in PLACEHOLDERS:
            return f"the placeholder {name}"
    if re.search(r"(?:\d|^) +元|yuan", sentence):
        return "money is written 15.00元"
    bare = PROPER.sub("", sentence)
    if "{" in bare or "}" in bare:
        return "a brace"
    found = ENGLISH.search(bare)
    return None if found is None else f"a word of the program: {found[0]}"


def _modules() -> Iterator[Path]:
    for path in sorted(LAYER.rglob("*.py")):
        name = path.relative_to(LAYER).as_posix()
        if name in FOR_CITIZENS or not name.startswith(NOT_FOR_CITIZENS):
            yield path


def _texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Chinese texts and the fixed parts of composed ones, without docstrings."""
    documentation = {
        id(each.value)
        for each in ast.walk(tree)
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
            and CHINESE.search(node.value)
        ):
            yield node.lineno, node.value


@pytest.mark.parametrize(
    "path", [*_modules()], ids=lambda path: path.relative_to(LAYER).as_posix()
)
def test_no_sentence_for_citizens_holds_a_word_of_the_program(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert [
        (line, text, why) for line, text in _texts(tree) if (why := wrong(text))
    ] == []


def _catalogue(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _catalogue(each, str(name))
    elif isinstance(value, list):
        for each in value:
            yield from _catalogue(each, key)
    elif isinstance(value, str) and key in ("zh", "title", "x-hint"):
        yield value


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "catalogue").glob("*/[!e]*.yaml")),
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_no_sentence_of_an_item_holds_a_word_of_the_program(path: Path) -> None:
    said = _catalogue(yaml.safe_load(path.read_text("utf-8")))
    assert [(text, why) for text in said if (why := wrong(text))] == []


@pytest.mark.parametrize(
    "sentence",
    [
        "请先查询最新内容，再带上If-Match提交。",
        "该Idempotency-Key已用于其他请求。",
        "须为person或company",
        "请缴纳15.00 元。",
        "您申请的{item_name}已受理。",
        "办理地点：null",
        "请填写applicant_name。",
    ],
)
def test_a_word_of_the_program_is_seen(sentence: str) -> None:
    assert wrong(sentence) is not None


@pytest.mark.parametrize(
    "sentence",
    [
        "请于2026年12月7日前缴纳往来港澳通行证工本费60.00元。",
        "网上申请：https://fuyi.shili.example/",
        "PDF文件页数过多。",
        "您申请的“{item}”已受理。",
    ],
)
def test_what_a_citizen_understands_is_let_be(sentence: str) -> None:
    assert wrong(sentence) is None

"""Every refusal's code, status and sentences, read from the source that raises it.

Nothing is written twice: a code that a route names and nobody raises is an error here.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zerotrip
from zerotrip.kernel.errors import Erased, Refused, Retry, ZeroTripError
from zerotrip.web import bodies, problems  # noqa: F401 - they define refusals too

_CODE = re.compile(r"[a-z][a-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Known:
    """One code: the HTTP status that it is answered with, and its sentences."""

    code: str
    status: int
    zh: str
    en: str


@functools.cache
def known_codes() -> dict[str, Known]:
    """Codes that can reach a client, by code."""
    statuses = {kind.__name__: _status(kind) for kind in _kinds(ZeroTripError)}
    found: dict[str, Known] = {}
    for path in sorted(Path(zerotrip.__path__[0]).rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for known in _Reader(statuses).read(tree):
            # The gentler status wins where a machine gives up with the same code.
            if known.code not in found or known.status < found[known.code].status:
                found[known.code] = known
    return found


def _kinds(kind: type[ZeroTripError]) -> Iterator[type[ZeroTripError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _kinds(child)


def _status(kind: type[ZeroTripError]) -> int:
    if issubclass(kind, Refused | Erased):
        return kind.status
    return 503 if issubclass(kind, Retry) else 500


@dataclass(frozen=True, slots=True)
class _Reader:
    """Finds `Kind("code", "中文", "English")` and the few other ways it is written."""

    statuses: dict[str, int]

    def read(self, tree: ast.Module) -> Iterator[Known]:
        makers = dict(self._makers(tree))
        faults = dict(_faults(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield from self._call(node, makers, faults)
            elif isinstance(node, ast.ClassDef):
                yield from self._class(node)
            elif isinstance(node, ast.Dict) and len(node.values) > 0:
                yield from self._table(node)

    def _call(
        self,
        node: ast.Call,
        makers: dict[str, Known],
        faults: dict[str, list[str | None]],
    ) -> Iterator[Known]:
        name = _name(node.func)
        texts = _texts(node.args)
        if texts[1:3] == [None, None] and texts[0] in faults:
            texts = faults[texts[0]]
        if name in self.statuses and len(texts) >= 3:
            yield from _known(self.statuses[name], texts)
        elif name in makers and texts and _CODE.fullmatch(texts[0] or ""):
            made = makers[name]
            yield Known(str(texts[0]), made.status, made.zh, made.en)

    def _class(self, node: ast.ClassDef) -> Iterator[Known]:
        """An error class that says its own code in `super().__init__(…)`."""
        status = self.statuses.get(node.name)
        for each in ast.walk(node):
            if (
                status is not None
                and isinstance(each, ast.Call)
                and _name(each.func) == "__init__"
            ):
                yield from _known(status, _texts(each.args))

    def _table(self, node: ast.Dict) -> Iterator[Known]:
        """A table from a partner's code to `(Kind, code, zh, en)` or to a conflict."""
        for value in node.values:
            if isinstance(value, ast.Tuple):
                name = _name(value.elts[0]) if value.elts else None
                if name in self.statuses:
                    yield from _known(self.statuses[name], _texts(value.elts[1:]))
                elif len(value.elts) == 3:
                    conflict = self.statuses["Conflict"]
                    yield from _known(conflict, _texts(value.elts))

    def _makers(self, tree: ast.Module) -> Iterator[tuple[str, Known]]:
        """Functions that take a code and put their own sentences to it."""
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.args.args:
                for each in ast.walk(node):
                    if not isinstance(each, ast.Call):
                        continue
                    texts = _texts(each.args)
                    status = self.statuses.get(_name(each.func) or "")
                    if status and len(texts) >= 3 and texts[0] is None:
                        zh, en = texts[1], texts[2]
                        if zh is not None and en is not None:
                            yield node.name, Known("", status, zh, en)


def _faults(tree: ast.Module) -> Iterator[tuple[str, list[str | None]]]:
    """Single faults whose sentences an error repeats: code to code and sentences."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) == "Fault":
            texts = _texts(node.args)[1:]
            if texts and texts[0]:
                yield texts[0], texts


def _known(status: int, texts: list[str | None]) -> Iterator[Known]:
    if len(texts) < 3:
        return
    code, zh, en = texts[:3]
    if code and zh and en and _CODE.fullmatch(code) and not zh.isascii():
        yield Known(code, status, zh, en)


def _name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _texts(nodes: list[ast.expr]) -> list[str | None]:
    return [
        node.value
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        else None
        for node in nodes
    ]

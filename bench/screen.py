"""Where the bench speaks: measurements as JSON lines on stdout, the rest on stderr."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Sequence
from typing import Any


def say(zh: str, en: str) -> None:
    """One line of progress, Chinese first."""
    _write(f"  {zh} · {en}")


def measured(bench: str, **values: Any) -> None:
    """One measurement."""
    line = json.dumps({"bench": bench, **values}, ensure_ascii=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def table(title: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table for people: first column to the left, numbers to the right."""
    cells = [list(heads), *[[_text(value) for value in row] for row in rows]]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(heads))]
    _write(f"\n  {title}")
    for row in cells:
        first = row[0] + " " * (widths[0] - _width(row[0]))
        rest = [
            " " * (width - _width(cell)) + cell
            for cell, width in zip(row[1:], widths[1:], strict=True)
        ]
        _write("  " + "  ".join([first, *rest]))


def _write(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _text(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _width(text: str) -> int:
    """Columns on a screen: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

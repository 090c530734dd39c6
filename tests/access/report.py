"""What a run against the laptop cloud found, as tests assert it and as evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.access.matrix import EXPLAINED, Cell

NOT_SHOWN = [
    "how long an answer takes: the laptop cloud's milliseconds are not AWS's",
    "signed-out access tokens: they hold until they expire, 15 minutes at most",
]


def wrong(cells: Iterable[Cell]) -> list[str]:
    """What is wrong, one line a cell."""
    return [str(cell) for cell in cells if cell.faults]


def found(parts: dict[str, list[Cell]], changed: list[str]) -> dict[str, Any]:
    """The figures of a run: per part and column how many, and how many got in."""
    cells = [cell for part in parts.values() for cell in part]
    return {
        "cells": len(cells),
        "operations": len({cell.row for cell in parts["matrix"]}),
        "let_in": sum(cell.let_in for cell in cells),
        "told_apart": sum(_apart(cell) for cell in cells),
        "otherwise_wrong": sum(
            bool(cell.faults) and not cell.let_in and not _apart(cell) for cell in cells
        ),
        "rows_changed": len(changed),
        "columns": {name: _columns(part) for name, part in parts.items()},
        "explained": {" x ".join(each): why for each, why in EXPLAINED.items()},
        "not_shown": NOT_SHOWN,
    }


def _apart(cell: Cell) -> bool:
    return any(fault.startswith("told apart") for fault in cell.faults)


def _columns(cells: Iterable[Cell]) -> dict[str, dict[str, int]]:
    """Per column its cells by the status answered, and who got in."""
    counted: dict[str, dict[str, int]] = {}
    for cell in cells:
        column = counted.setdefault(cell.column, {"cells": 0, "let_in": 0})
        column["cells"] += 1
        column["let_in"] += cell.let_in
        answered = f"status_{cell.status}"
        column[answered] = column.get(answered, 0) + 1
    return counted

"""The same cold starts, counted in instructions: what improvements are judged by.

CPU time moves by a fifth on a machine that others use; instructions repeat to a few
tenths of a percent. Counted by `valgrind --tool=callgrind`, where that is installed.
A ratio is net of the interpreter itself, as CPU time is.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from bench.cold_start import (
    aim_of,
    build_layer,
    child,
    first_invocation,
    recordings,
)
from bench.recording import Recording
from bench.screen import measured, say, table

TOOL = "valgrind"
_COLLECTED = re.compile(r"Collected : (\d+)")


def run(functions: list[str]) -> None:
    """Counts the named functions, all of them if none is named."""
    if shutil.which(TOOL) is None:
        say(f"没有 {TOOL}，无法计数", f"{TOOL} is not installed: nothing is counted")
        return
    chosen = recordings(functions)
    build_layer()
    say("标尺", "interpreter alone, bare boto3 client")
    alone = _counted({"nothing": True})
    unit = _counted({"client": "dynamodb"}) - alone
    measured("instructions", function="boto3_client", millions=round(unit), ratio=1.0)
    rows: list[list[Any]] = [["boto3 client", unit, 1.0, None]]
    for each in chosen:
        say(f"计数 {each.function}", "counting")
        millions = _of(each) - alone
        ratio, aim = millions / unit, aim_of(each.function)
        measured(
            "instructions",
            function=each.function,
            millions=round(millions),
            ratio=round(ratio, 2),
            aim=aim,
        )
        rows.append([each.function, millions, ratio, aim])
    heads = ["函数 function", "百万指令 million", "倍 ×", "aim"]
    table("冷启动 · cold starts (instructions, net of the interpreter)", heads, rows)


def _of(recorded: Recording) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        first_invocation(recorded, _under(log))
        return _millions(log)


def _counted(job: dict[str, Any]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        child(job, {}, "", _under(log))
        return _millions(log)


def _under(log: Path) -> list[str]:
    out = "--callgrind-out-file=/dev/null"
    return [TOOL, "--tool=callgrind", out, f"--log-file={log}"]


def _millions(log: Path) -> float:
    found = _COLLECTED.search(log.read_text(encoding="utf-8"))
    if found is None:
        raise RuntimeError(f"{TOOL} counted nothing")
    return int(found[1]) / 1e6

"""What was compiled ahead, and what need not be compiled twice: for cold starts.

Everything here gives the objects that Python would make itself, sooner.
"""

from __future__ import annotations

import _sre  # type: ignore[import-not-found]
import functools
import gc
import marshal
import os
import re
import sys
import typing
from typing import Any

PATTERNS = "compiled_patterns.marshal"
"""Written into the dependency layer by `layers/dependencies/compile_patterns.py`."""


def quicken() -> None:
    """Makes imports cheaper, from here on."""
    # A cold start makes some 150,000 objects that live on. By default the collector
    # looks through them every 700, a tenth of the whole start, and finds nothing.
    gc.set_threshold(200_000, 20, 20)
    # Annotations are texts, most of them `bool` or `str`, each compiled anew.
    vars(typing)["compile"] = functools.lru_cache(maxsize=None)(compile)
    for folder in sys.path:
        path = os.path.join(folder, PATTERNS)
        if os.path.isfile(path):
            use_patterns(path)
            break


def use_patterns(path: str) -> None:
    """Has `re` look a pattern up in this file before it compiles it.

    A file for another version of the matching engine is left alone.
    """
    with open(path, "rb") as file:
        # Written by our own build, in a layer that nobody can change.
        said = marshal.loads(file.read())  # noqa: S302
    if (said["magic"], said["code_size"]) != (_sre.MAGIC, _sre.CODESIZE):
        return
    known = said["patterns"]
    compiler = re._compiler  # type: ignore[attr-defined]
    compile_now = compiler.compile

    def looked_up(pattern: Any, flags: int = 0) -> Any:
        parts = None
        if isinstance(pattern, str | bytes):
            parts = known.get((pattern, int(flags)))
        if parts is None:
            return compile_now(pattern, flags)
        return _sre.compile(pattern, *parts)

    compiler.compile = looked_up

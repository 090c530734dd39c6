"""Log lines: a code and a sentence, never a person, never a whole event."""

from __future__ import annotations

import functools
import traceback
from pathlib import Path
from typing import Any

from zerotrip.kernel.errors import ZeroTripError


@functools.cache
def logger() -> Any:
    """Powertools' structured logger, named by the function."""
    from aws_lambda_powertools import Logger

    return Logger(log_uncaught_exceptions=False)


def said(error: ZeroTripError) -> dict[str, Any]:
    """The fields under which an error is logged."""
    return {"code": error.code, "detail": error.detail}


def unforeseen(error: Exception) -> dict[str, Any]:
    """What may be said of an error that nobody foresaw: its kind and where it arose.

    Never its message: a library may quote the form that it choked on.
    """
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return {
        "code": "step_failed",
        "error": type(error).__name__,
        "where": [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    }

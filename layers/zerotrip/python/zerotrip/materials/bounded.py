"""Parsing anybody's file: a bound in CPU time that the parser cannot argue with."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CPU_SECONDS = 3.0
"""Per file. The function has 0.58 of a processor: 5 s of its 15 at most."""
_AGAIN_SECONDS = 0.05


class TookTooLong(BaseException):
    """The bound was reached. Not an Exception: parsers catch those and go on."""


@contextmanager
def cpu_bounded(seconds: float = CPU_SECONDS) -> Iterator[None]:
    """Raises TookTooLong in what stands inside once it has used so much CPU time.

    CPU time, not the clock's: a frozen or crowded machine takes nothing from a file.
    Signals reach only the main thread, where Lambda runs a handler; elsewhere the
    parsers' own bounds hold alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    armed = True

    def stop(*_: object) -> None:
        if armed:
            raise TookTooLong

    before = signal.signal(signal.SIGPROF, stop)
    # Again and again, should a parser swallow the first one.
    signal.setitimer(signal.ITIMER_PROF, seconds, _AGAIN_SECONDS)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)

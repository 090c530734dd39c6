"""A parser gets so much of the processor and no more, whatever it catches."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading

import pytest

from zerotrip.materials.bounded import TookTooLong, cpu_bounded


def test_a_parser_that_catches_every_exception_is_stopped() -> None:
    def deaf() -> None:
        while True:
            with contextlib.suppress(Exception):
                while True:
                    pass

    with pytest.raises(TookTooLong), cpu_bounded(0.05):
        deaf()


def test_a_parser_that_catches_it_once_is_stopped_the_next_time() -> None:
    def stubborn() -> None:
        with contextlib.suppress(BaseException):
            while True:
                pass
        while True:
            pass

    with pytest.raises(TookTooLong), cpu_bounded(0.05):
        stubborn()


def test_afterwards_nothing_is_left_of_it() -> None:
    before = signal.getsignal(signal.SIGPROF)
    with cpu_bounded(100.0):
        assert signal.getitimer(signal.ITIMER_PROF)[0] > 0
    assert signal.getitimer(signal.ITIMER_PROF)[0] == 0
    assert signal.getsignal(signal.SIGPROF) == before


def test_beside_the_main_thread_the_parsers_own_bounds_hold_alone() -> None:
    timers: list[float] = []

    def parse() -> None:
        with cpu_bounded(100.0):
            timers.append(signal.getitimer(signal.ITIMER_PROF)[0])

    thread = threading.Thread(target=parse)
    thread.start()
    thread.join()
    assert timers == [0.0]


def test_the_parsers_are_loaded_when_a_file_of_their_type_comes() -> None:
    """Half a second of a cold start, and most functions never look into a file."""
    code = (
        "import sys, zerotrip.materials.steps, zerotrip.runtime.wiring\n"
        "before = {'pypdf', 'PIL'} & sys.modules.keys()\n"
        "from zerotrip.materials import types\n"
        "from tests.unit.materials import files\n"
        "types.inspect(files.PNG, code='x', content_type=types.PNG,"
        " size_bytes=len(files.PNG))\n"
        "print(sorted(before), sorted({'pypdf', 'PIL'} & sys.modules.keys()))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path)},
    )
    assert said.stdout.strip() == "[] ['PIL']"

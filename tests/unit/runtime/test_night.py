"""One night's run, as its function answers and logs it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from tests.archive.kept import Kept, a_case
from zerotrip.runtime import wiring
from zerotrip.runtime.night import INCOMPLETE, seal_tick

TICK = "2026-11-20T18:00:00Z"


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    made = Kept()
    monkeypatch.setattr(wiring, "seal_steps", lambda: made.seals)
    return made


@pytest.fixture
def output(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> io.StringIO:
    written = io.StringIO()
    logger = Logger(service=request.node.nodeid, stream=written)
    monkeypatch.setattr("zerotrip.runtime.night.logger", lambda: logger)
    return written


def lines(output: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_a_sealed_day_is_one_line_with_its_root(
    kept: Kept, output: io.StringIO
) -> None:
    kept.archive(kept.write(a_case(), 3))
    assert seal_tick(TICK) == {"days": 1, "events": 3, "gaps": 0, "faults": 0}
    (line,) = lines(output)
    assert (line["code"], line["level"]) == ("day_sealed", "INFO")
    assert (line["day"], len(line["root"]), line["events"]) == ("2026-11-20", 43, 3)


def test_a_seal_with_gaps_or_faults_raises_the_alarm(
    kept: Kept, output: io.StringIO
) -> None:
    rows = kept.write(a_case(), 3)
    kept.archive([rows[0], rows[2]])
    assert seal_tick(TICK)["gaps"] == 1
    (line,) = lines(output)
    assert (line["code"], line["level"]) == (INCOMPLETE, "WARNING")
    assert line["gaps"] == 1


def test_nothing_to_seal_says_nothing(kept: Kept, output: io.StringIO) -> None:
    seal_tick(TICK)
    output.truncate(0)
    output.seek(0)
    assert seal_tick(TICK) == {"days": 0, "events": 0, "gaps": 0, "faults": 0}
    assert lines(output) == []

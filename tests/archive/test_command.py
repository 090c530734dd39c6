"""`make check-archive`: what it reads, what it says."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from rich.console import Console

from infra.local.check_archive import MOST_LINES, Checked, check, report
from tests.archive.kept import TENANT, Item, Kept, a_case
from zerotrip.archive.checking import WORDS, Finding


@dataclass
class FakeScan:
    """DynamoDB that gives a table in pages of three."""

    items: list[Item]

    def get_paginator(self, operation: str) -> FakeScan:
        assert operation == "scan"
        return self

    def paginate(self, **asked: Any) -> Iterator[dict[str, list[Item]]]:
        assert asked["ConsistentRead"] is True
        for start in range(0, len(self.items), 3):
            yield {"Items": self.items[start : start + 3]}


@pytest.fixture
def kept() -> Kept:
    made = Kept()
    made.archive([*made.write(a_case(1), 3), *made.write(a_case(2), 2)])
    made.night()
    return made


def run(kept: Kept, items: list[Item], *span: date | None) -> tuple[Checked, str]:
    """What a check found, and what it printed."""
    screen = Console(file=io.StringIO(), width=100)
    found = check(
        kept.objects,
        FakeScan(items),
        "records",
        TENANT,
        span=(span[0], span[1]) if span else (None, None),
        now=kept.at,
        screen=screen,
    )
    output = io.StringIO()
    report(found, Console(file=output, width=100))
    return found, output.getvalue()


def test_what_is_as_it_was_archived_is_said_to_be_so(kept: Kept) -> None:
    found, said = run(kept, kept.items())
    assert found.findings == ()
    assert (found.aggregates, found.archive.events, found.archive.seals) == (2, 5, 1)
    assert found.archive.root in said
    assert "全部一致" in said


def test_each_finding_is_named_with_its_place_and_in_two_languages(kept: Kept) -> None:
    items = [each for each in kept.items() if not each["sk"]["S"].endswith("#000002")]
    found, said = run(kept, items)
    codes = {each.code for each in found.findings}
    assert codes == {"event_deleted", "tail_truncated", "head_differs"}
    for code in codes:
        assert code in said
        assert WORDS[code][0] in said
        assert WORDS[code][1] in said
    assert a_case(1).ref in said
    assert "全部一致" not in said


def test_days_before_the_archive_began_say_nothing(kept: Kept) -> None:
    day = date(2026, 11, 19)
    found, _ = run(kept, kept.items(), day - timedelta(days=1), day)
    assert (found.findings, found.archive.days) == ((), 0)


def test_a_span_leaves_other_days_alone(kept: Kept) -> None:
    kept.archive(kept.write(a_case(1), 2))
    items = kept.items()
    (touched,) = [each for each in items if each["sk"]["S"].endswith("#000005")]
    touched["data"]["S"] = touched["data"]["S"].replace("sub-", "bus-")
    friday = date(2026, 11, 20)
    found, _ = run(kept, items, friday, friday)
    assert found.findings == ()
    found, _ = run(kept, items, friday + timedelta(days=1), None)
    assert [each.code for each in found.findings] == ["event_changed"]


def test_very_many_findings_are_counted(kept: Kept) -> None:
    found, _ = run(kept, kept.items())
    many = tuple(
        Finding("event_changed", a_case(n).ref, "seq 1") for n in range(MOST_LINES + 7)
    )
    output = io.StringIO()
    report(Checked(found.archive, 2, many), Console(file=output, width=100))
    assert output.getvalue().count("event_changed") == MOST_LINES
    assert str(MOST_LINES + 7) in output.getvalue()

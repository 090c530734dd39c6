"""Compares the records table with its archive: `make check-archive [FROM= TO= STAGE=]`.

Reads the archive's objects and seals, then every event row and head of the table, and
prints what differs, by name. Writes nothing. Works in AWS as well (`STAGE=staging`,
with the operator's credentials); the scan costs read units.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from infra.local.home import DEFAULT_HOME, Home
from zerotrip.archive.checking import (
    WORDS,
    Archive,
    Finding,
    check_archive,
    check_table,
)
from zerotrip.archive.comparing import TableChain
from zerotrip.archive.items import Item, chains_of
from zerotrip.archive.reading import first_day
from zerotrip.kernel import times
from zerotrip.kernel.objects import Objects, S3Objects

SETTLES_IN = timedelta(hours=1)
"""How old an event must be before it must have been archived."""
MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check read, and all that it found."""

    archive: Archive
    aggregates: int
    findings: tuple[Finding, ...]


def check(
    objects: Objects,
    dynamodb: Any,
    table: str,
    tenant: str,
    *,
    span: tuple[date | None, date | None] = (None, None),
    now: datetime | None = None,
    screen: Console | None = None,
) -> Checked:
    """Checks the days of a span (None: from the first, to today), then the table."""
    instant = now or datetime.now(UTC)
    begins = first_day(objects, tenant) or times.legal_day(instant)
    first = max(span[0] or begins, begins)
    last = span[1] or times.legal_day(instant)
    whole = first == begins and last >= times.legal_day(instant)
    with _progress(screen) as bars:
        days = bars.add_task("归档 · archive", total=max((last - first).days + 1, 0))
        archive = check_archive(
            objects,
            tenant,
            first,
            last,
            now=instant,
            progress=lambda _: bars.advance(days),
        )
        rows = bars.add_task("数据表 · table", total=None)
        chains = _chains(dynamodb, table, lambda count: bars.advance(rows, count))
    findings = check_table(
        archive,
        chains,
        settled_before=times.to_text(instant - SETTLES_IN),
        whole=whole,
    )
    return Checked(archive, len(chains), (*archive.findings, *findings))


def _chains(
    dynamodb: Any, table: str, progress: Callable[[int], None]
) -> dict[str, TableChain]:
    def read() -> Iterator[Item]:
        pages = dynamodb.get_paginator("scan").paginate(
            TableName=table,
            ConsistentRead=True,
            FilterExpression="begins_with(sk, :event) OR sk = :head",
            ExpressionAttributeValues={
                ":event": {"S": "EVENT#"},
                ":head": {"S": "HEAD"},
            },
        )
        for page in pages:
            progress(len(page["Items"]))
            yield from page["Items"]

    return chains_of(read())


def _progress(screen: Console | None) -> Progress:
    return Progress(
        TextColumn("  {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=screen or Console(stderr=True),
        disable=screen is None,
        transient=True,
    )


def report(checked: Checked, screen: Console) -> None:
    """Prints what was read, and each finding with its name, place and meaning."""
    archive = checked.archive
    screen.print(
        f"  已核对 {archive.days} 天、{archive.seals} 份封存、{archive.objects} 个归档"
        f"文件、{archive.events} 个事件、{checked.aggregates} 条事件链",
        f"  · {archive.days} days, {archive.seals} seals, {archive.objects} objects,"
        f" {archive.events} events, {checked.aggregates} chains",
        sep="\n",
        highlight=False,
    )
    if archive.root:
        screen.print(f"  最新封存 · newest seal: {archive.root}", highlight=False)
    for each in checked.findings[:MOST_LINES]:
        zh, en = WORDS[each.code]
        screen.print(
            f"✗ {each.code} {each.where} {each.detail}\n    {zh} · {en}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    if len(checked.findings) > MOST_LINES:
        screen.print(f"  … {len(checked.findings)} 处 · in all")
    if not checked.findings:
        screen.print("✓ 全部一致 · everything is as it was archived")


def _clients(stage: str) -> Callable[[str], Any]:
    if stage == "local":
        return Home(DEFAULT_HOME).client
    import boto3  # the operator's own credentials and region

    sdk: Any = boto3  # its stubs want the name of the service as a literal
    client: Callable[[str], Any] = sdk.client
    return client


def main() -> int:
    """Checks one stage; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="infra.local.check_archive")
    parser.add_argument("--from", dest="first", type=date.fromisoformat)
    parser.add_argument("--to", dest="last", type=date.fromisoformat)
    parser.add_argument("--stage", default="local")
    arguments = parser.parse_args()
    client = _clients(arguments.stage)
    stacks = client("cloudformation").describe_stacks(
        StackName=f"zerotrip-{arguments.stage}"
    )
    (stack,) = stacks["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    given = {each["ParameterKey"]: each for each in stack["Parameters"]}
    checked = check(
        S3Objects(client("s3"), outputs["ArchiveBucket"]),
        client("dynamodb"),
        outputs["RecordsTable"],
        given["Tenant"]["ParameterValue"],
        span=(arguments.first, arguments.last),
        screen=Console(stderr=True),
    )
    report(checked, Console())
    return 1 if checked.findings else 0


if __name__ == "__main__":
    sys.exit(main())

"""One case of each item on a warm laptop cloud: seconds, and every AWS call by step.

The functions are switched to metering (`ZEROTRIP_METER`), so each call is one log line;
cases run one at a time, so a line belongs to the case that ran when it was written.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bench import usage
from bench.cloud import FUNCTIONS, PREFIX, fresh_cloud
from bench.screen import measured, say, table
from infra.local.demo import STORIES, Errand, Screen, Story, errand_of
from infra.local.home import Home
from infra.local.mini_program import Partners
from zerotrip.kernel.times import from_text

ROUNDS = 5
SETTLE_SECONDS = 1.0
"""After the final state the applicant is still told; those calls are the case's too."""
CLOCKED = {"watch_deadlines", "seal_day"}
"""Run by the clock, whether there are cases or not."""


@dataclass(frozen=True, slots=True)
class Run:
    """One finished case: seconds from acceptance to final state, and when it ran."""

    item: str
    seconds: float
    window: tuple[int, int]


def run(rounds: int = ROUNDS) -> None:
    """Warms up, runs `rounds` cases of each item, reports."""
    with fresh_cloud() as home:
        switch_meter(home)
        partners = Partners.of(home)
        say("预热:三个事项各一件", "warming up with one case of each item")
        with ThreadPoolExecutor(len(STORIES)) as pool:
            list(pool.map(lambda story: errand(story, home, partners).run(), STORIES))
        runs = []
        for number in range(1, rounds + 1):
            for story in STORIES:
                runs.append(one_case(story, home, partners))
                took = f"{runs[-1].item}, {runs[-1].seconds:.2f} s"
                say(f"第 {number}/{rounds} 轮", took)
        lines = metered_lines(home, runs[0].window[0])
    report(runs, lines)


def switch_meter(home: Home) -> None:
    """Has each function log its AWS calls; a deployment switches it off again."""
    functions = home.client("lambda")
    for function in FUNCTIONS:
        name = PREFIX + function
        config = functions.get_function_configuration(FunctionName=name)
        variables = {**config["Environment"]["Variables"], "ZEROTRIP_METER": "1"}
        functions.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )


def errand(story: Story, home: Home, partners: Partners) -> Errand:
    """One applicant's errand, without a word."""
    return errand_of(story, home, Screen(quiet=True), partners)


def one_case(story: Story, home: Home, partners: Partners) -> Run:
    """Runs one case alone."""
    began = _now_ms()
    case = errand(story, home, partners).run()
    time.sleep(SETTLE_SECONDS)
    return Run(story.folder, seconds_of(case["timeline"]), (began, _now_ms()))


def seconds_of(timeline: list[dict[str, Any]]) -> float:
    """From the case's first stored event to its last, by their own times."""
    times = [from_text(entry["time"]) for entry in timeline]
    return (max(times) - min(times)).total_seconds()


def _now_ms() -> int:
    return int(time.time() * 1000)


def metered_lines(home: Home, since_ms: int) -> list[dict[str, Any]]:
    """What the functions logged of their AWS calls."""
    client, found = home.client("logs"), []
    for function in FUNCTIONS:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{PREFIX}{function}", startTime=since_ms
        )
        for page in pages:
            for event in page["events"]:
                line = _aws_call(event["message"])
                if line is not None:
                    about = {"function": function, "at": event["timestamp"]}
                    found.append({**line, **about})
    return found


def _aws_call(message: str) -> dict[str, Any] | None:
    start = message.find("{")
    if start < 0 or '"aws_call"' not in message:
        return None
    line: dict[str, Any] = json.loads(message[start:])
    return line


def report(runs: list[Run], lines: list[dict[str, Any]]) -> None:
    """JSON lines and tables."""
    mine = [line for line in lines if line["function"] not in CLOCKED]
    rows = []
    for story in STORIES:
        of_item = [each for each in runs if each.item == story.folder]
        rows.append(_report_item(of_item, mine))
        _report_calls(of_item, mine)
    heads = ["事项 item", "秒 s", "最慢 worst", "调用 calls", "读 RU", "写 WU", "KMS"]
    table("一件办件 · one case (medians, means)", heads, rows)
    _report_steps(usage.within(mine, [each.window for each in runs]))


def _report_item(runs: list[Run], lines: list[dict[str, Any]]) -> list[Any]:
    found = usage.within(lines, [each.window for each in runs])
    kms = _kms_calls(found, len(runs))
    seconds = [each.seconds for each in runs]
    figures = {
        "seconds": round(statistics.median(seconds), 2),
        "worst_seconds": round(max(seconds), 2),
        "aws_calls": round(len(found) / len(runs), 1),
        "read_units": round(sum(line["read_units"] for line in found) / len(runs), 1),
        "write_units": round(sum(line["write_units"] for line in found) / len(runs), 1),
    }
    tables = usage.by_table(found)
    measured(
        "one_case",
        item=runs[0].item,
        cases=len(runs),
        **figures,
        kms_calls=kms,
        write_units_by_table={
            name.removeprefix(PREFIX): round(units / len(runs), 2)
            for name, units in tables.items()
        },
    )
    return [runs[0].item, *figures.values(), round(sum(kms.values()), 1)]


def _kms_calls(lines: list[usage.Line], cases: int) -> Mapping[str, float]:
    """KMS calls per case, that is per licence, by operation and function."""
    return {
        f"{each.function} {each.call.partition('.')[2]}": round(each.per_case, 2)
        for each in usage.calls_per_case(
            [line for line in lines if line["api"] == "kms"], cases
        )
    }


def _report_calls(runs: list[Run], lines: list[dict[str, Any]]) -> None:
    found = usage.within(lines, [each.window for each in runs])
    rows = []
    for each in usage.calls_per_case(found, len(runs)):
        measured(
            "aws_calls",
            item=runs[0].item,
            function=each.function,
            call=each.call,
            per_case=round(each.per_case, 2),
            read_units=round(each.read_units, 2),
            write_units=round(each.write_units, 2),
        )
        rows.append(
            [
                f"{each.function} {each.call}",
                each.per_case,
                each.read_units,
                each.write_units,
            ]
        )
    heads = ["调用 call", "每件 per case", "读 RU", "写 WU"]
    table(f"AWS 调用 · AWS calls, {runs[0].item}", heads, rows)


def _report_steps(lines: list[usage.Line]) -> None:
    rows = []
    for each in usage.step_units(lines):
        measured(
            "step_units",
            function=each.function,
            kind=each.kind,
            steps=each.steps,
            commands=round(each.commands, 2),
            mean=round(each.mean, 2),
            worst=each.worst,
            aim=each.aim,
        )
        rows.append(
            [
                each.function,
                each.kind,
                each.steps,
                each.commands,
                each.mean,
                each.worst,
                each.aim,
            ]
        )
    heads = ["步骤 step", "类 kind", "次 n", "命令 commands"]
    heads += ["均值 mean", "最多 worst", "目标 aim"]
    table("每步写单元 · write units per step, indexes included", heads, rows)

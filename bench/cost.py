"""`make cost`: what 1,000 cases of item 2 cost, counted on the laptop cloud.

Counts are those of the laptop cloud; prices are list prices of the dated file; waiting
for AWS is assumed in that file, since a laptop's milliseconds are not Lambda's.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import Any

from bench.cloud import fresh_cloud
from bench.cost_compare import Limit, ceiling, containers, step_functions
from bench.cost_flow import Flow
from bench.cost_idle import idle_bill, standing
from bench.cost_meter import Meter, Observed
from bench.cost_model import (
    Bill,
    all_in,
    queue_steps_only,
    with_full_batches,
    without_http,
)
from bench.prices import Prices
from bench.screen import measured, say, table
from bench.usage import RECORDS
from infra.local.deploy import Outputs
from infra.local.home import ROOT, read_json
from tests.verify import evidence
from zerotrip.cases.model import WORK_SHARDS
from zerotrip.kernel.records import DUE_SHARDS

CASES = 5
HOME = ROOT / ".local" / "cost-cloud"
KEPT = ROOT / ".local" / "bench" / "cost-observed.json"
AIM_USD, AIM_RATIO = 0.15, 6.0
SHARDS = {"records/due": DUE_SHARDS, "records/worklist": WORK_SHARDS}


def run(cases: int = CASES) -> None:
    """Measures on a cloud of its own, prints, and keeps the evidence."""
    with fresh_cloud(HOME) as home:
        outputs = Outputs(read_json(home.deployed_file)["outputs"])
        seen = Meter(home, Flow(home, outputs), say).observe(cases)
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    KEPT.write_text(json.dumps(asdict(seen)), encoding="utf-8")
    report(seen, Prices.load())


def again() -> None:
    """Prices what was last observed on this machine, with today's file and model."""
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    report(Observed.from_json(kept), Prices.load())


def report(seen: Observed, prices: Prices) -> None:
    """The tables, the JSON line, `docs/evidence/cost.json`."""
    found = standing(prices.assumed["hours_a_month"])
    filled = with_full_batches(seen, found.batch_sizes)
    behind, busy = without_http(seen, prices), without_http(filled, prices)
    everything, queues = all_in(seen, prices), queue_steps_only(seen, prices)
    elsewhere = step_functions(seen, prices)
    idle = idle_bill(found, seen.tick, prices, fixed_address=False)
    fixed = idle_bill(found, seen.tick, prices, fixed_address=True)
    boxes = containers(everything, idle, prices)
    limits, rush = limits_of(seen, prices), limits_of_a_rush(seen, prices)
    sums: dict[str, Any] = {
        "usd_per_1000_without_http": round(behind.usd, 4),
        "usd_per_1000_without_http_full_batches": round(busy.usd, 4),
        "usd_per_1000_queue_steps_only": round(queues.usd, 4),
        "usd_per_1000_all_in": round(everything.usd, 4),
        "aim_usd_per_1000_without_http": AIM_USD,
        "step_functions_usd_per_1000": round(elsewhere.usd, 4),
        "step_functions_transitions_usd_per_1000": round(elsewhere.transitions_usd, 4),
        "step_functions_ratio": round(elsewhere.usd / behind.usd, 2),
        "aim_ratio": AIM_RATIO,
        "idle_usd_a_month": round(idle.usd, 2),
        "idle_usd_a_month_with_fixed_address": round(fixed.usd, 2),
        "containers": asdict(boxes),
        "steps_a_second": round(limits[0].steps_a_second),
        "hot_first": limits[0].name,
        "hot_key_first": _first_key(limits).name,
        "submissions_a_second": round(rush[0].steps_a_second),
    }
    _show_bill("受理后到办结，不含 HTTP · accepted to final, without HTTP", behind)
    _show_bill("同上，批次装满 · the same with full batches", busy)
    _show_bill("全部，含 HTTP 与日志 · all in, with HTTP and logs", everything)
    _show_idle(idle, fixed)
    states = [[each.step, each.entered, each.why] for each in elsewhere.states]
    table("Step Functions Standard", ["步骤 step", "状态 states", "why"], states)
    _show_limits("步 · steps", limits)
    _show_limits("提交至预审 · submissions to their result", rush)
    measured("cost", item=seen.item, prices=prices.dated, **sums)
    evidence.write(
        "cost",
        **sums,
        prices={"dated": prices.dated, "region": prices.region},
        observed=seen.as_json(),
        without_http=behind.as_json(),
        without_http_full_batches=busy.as_json(),
        all_in=everything.as_json(),
        idle={"standing": asdict(found), "lines": _monthly(fixed)},
        step_functions_states=[asdict(each) for each in elsewhere.states],
        ceiling=[asdict(limit) for limit in limits],
        ceiling_of_a_rush=[asdict(limit) for limit in rush],
    )


def limits_of(seen: Observed, prices: Prices) -> list[Limit]:
    """The ceiling from the transactions on records, the submission's own and after."""
    lines = [line for line in seen.lines if line["asked"] and _on_records(line)]
    return ceiling(lines, len(lines), prices, SHARDS)


def limits_of_a_rush(seen: Observed, prices: Prices) -> list[Limit]:
    """The same for whole submissions up to their result, notices left out."""
    lines = [
        line
        for line in seen.lines
        if _on_records(line)
        and (
            line["function"] in {"submit", "pre_review"}
            or (line["function"] == "applicant_api" and not line["accepted"])
        )
    ]
    return ceiling(lines, seen.cases, prices, SHARDS)


def _on_records(line: Any) -> bool:
    tables = {name.partition("/")[0] for name in line["units"]}
    return bool(line["write_units"]) and any(name.endswith(RECORDS) for name in tables)


def _monthly(bill: Bill) -> list[dict[str, Any]]:
    return [
        {"line": item.name, "price": item.price, "usd_a_month": round(item.usd, 4)}
        for item in bill.items
    ]


def _show_bill(title: str, bill: Bill) -> None:
    rows: list[list[Any]] = [
        [
            item.name,
            f"{item.units:.6g}",
            f"{item.usd:.4f}",
            f"{item.usd / bill.usd:.0%}",
        ]
        for item in bill.items
    ]
    rows.append(["合计 sum", "", f"{bill.usd:.4f}", "100%"])
    heads = ["项目 line", "每件 per case", "USD / 1,000", "份额 share"]
    table(title, heads, rows)


def _show_idle(idle: Bill, fixed: Bill) -> None:
    rows: list[list[Any]] = [
        [f"{item.name} ({item.price})", f"{item.usd:.2f}"] for item in fixed.items
    ]
    rows += [
        ["合计，无固定地址 sum, no fixed address", f"{idle.usd:.2f}"],
        ["合计，有固定地址 sum, fixed address", f"{fixed.usd:.2f}"],
    ]
    table("闲置 · idle, USD a month", ["项目 line", "USD"], rows)


def _first_key(limits: list[Limit]) -> Limit:
    """The first limit that is a key's: the others are a whole table's or index's."""
    return next(limit for limit in limits if not limit.name.endswith("spread"))


def _show_limits(what: str, limits: list[Limit]) -> None:
    rows = [[limit.name, limit.sum] for limit in limits]
    heads = ["表、索引 table or index", "units/s / units = per second"]
    title = "上限，新建的按需表 · ceiling on a fresh on-demand table"
    table(f"{title}: {what}", heads, rows)


def main() -> None:
    """`python -m bench.cost [--cases N | --again]`."""
    parser = argparse.ArgumentParser(prog="bench.cost", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--again", action="store_true", help="price the last run anew")
    asked = parser.parse_args()
    if asked.again:
        again()
    else:
        run(asked.cases)


if __name__ == "__main__":
    main()

"""The finance offices' list of money to pay back or to look into: `make refunds`.

What came too late, twice, or not as billed. Reads only; what was paid back is so in
the channel's own console. Works in AWS as well (`--stage staging`, with the operator's
credentials).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from infra.local.home import DEFAULT_HOME, REGION, TENANT, Home
from zerotrip.kernel.records import Records
from zerotrip.kernel.store import DynamoTables
from zerotrip.payments.refunds import FINANCE, Listed, refund_list

WHY = {
    "paid_after_lapse": ("账单失效后到账", "paid after the bill lapsed"),
    "paid_after_cancellation": ("账单取消后到账", "paid after it was cancelled"),
    "cancelled_after_payment": ("缴费后取消", "cancelled after payment"),
    "paid_again": ("重复缴费", "paid twice"),
    "payment_amount_mismatch": ("金额与账单不符", "another sum than billed"),
    "payment_currency_mismatch": ("币种与账单不符", "another currency"),
    "payment_payer_mismatch": ("付款人与账单不符", "another payer"),
    "payment_merchant_mismatch": ("收款商户与本单位不符", "another merchant"),
}
"""Why a payment is listed, for the person who looks into it."""


def organisations(dynamodb: Any, table: str, tenant: str) -> set[str]:
    """Who has entries: the index of open tasks is read whole, keys only."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        IndexName="worklist",
        FilterExpression="contains(work_pk, :finance)",
        ExpressionAttributeValues={":finance": {"S": f"#{FINANCE}#{FINANCE}#"}},
    )
    partitions = [row["work_pk"]["S"] for page in pages for row in page["Items"]]
    return {each.split("#")[2] for each in partitions if each.startswith(f"{tenant}#")}


def lines(entries: Iterable[Listed]) -> Iterator[str]:
    """An entry a line, the oldest first, and the sum that is due back."""
    due_back_fen = 0
    for entry in entries:
        zh, en = WHY[entry.why]
        if entry.certain:
            due_back_fen += entry.amount_fen
        what = "应退 due" if entry.certain else "待核对 look into"
        yield (
            f"{entry.listed_at[:10]}  {what}  {_money(entry.amount_fen)} "
            f"{entry.currency}  {zh} {en}\n"
            f"    账单 bill {entry.bill}  支付 payment {entry.payment}\n"
            f"    办件 case {entry.case_no}"
        )
    yield f"应退合计 · due back in all: {_money(due_back_fen)} CNY"


def _money(amount_fen: int) -> str:
    return f"{amount_fen // 100}.{amount_fen % 100:02}"


def main() -> int:
    """Prints the list."""
    parser = argparse.ArgumentParser(prog="infra.local.refunds")
    parser.add_argument("--stage", default="local")
    parser.add_argument("--tenant", default=TENANT)
    arguments = parser.parse_args()
    table = f"zerotrip-{arguments.stage}-records"
    if arguments.stage == "local":
        home = Home(DEFAULT_HOME)
        os.environ.update(home.environment())
        dynamodb, region, host = home.client("dynamodb"), REGION, home.endpoint
    else:
        import boto3  # the operator's own credentials and region

        dynamodb = boto3.client("dynamodb")
        region, host = dynamodb.meta.region_name, None
    records = Records(DynamoTables({"records": table}, region=region, host=host))
    of = organisations(dynamodb, table, arguments.tenant)
    for line in lines(refund_list(records, arguments.tenant, sorted(of))):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())

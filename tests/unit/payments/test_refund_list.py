"""The finance office's list: what is due back, and what must be looked into."""

from __future__ import annotations

from infra.local.refunds import WHY, lines
from zerotrip.payments.model import BILL_TRANSITIONS
from zerotrip.payments.refunds import Listed, listed, read_entry

ENTRY = Listed(
    bill="441882" + "A" * 26,
    case_no="11441882000000019J4440109802002" + "20261120" + "000001",
    why="paid_after_lapse",
    payment="wxpay:42000001",
    amount_fen=1505,
    currency="CNY",
    listed_at="2026-12-05T02:00:00.000Z",
)


def test_the_list_says_what_came_why_and_the_sum_that_is_due_back() -> None:
    unsure = Listed(
        **{name: getattr(ENTRY, name) for name in Listed.__slots__}
        | {"certain": False, "why": "payment_amount_mismatch"}
    )
    first, second, total = lines([ENTRY, unsure])
    assert "应退 due  15.05 CNY  账单失效后到账" in first
    assert ENTRY.bill in first
    assert "待核对 look into  15.05 CNY  金额与账单不符" in second
    assert total == "应退合计 · due back in all: 15.05 CNY"


def test_an_entry_reads_as_it_was_listed() -> None:
    row = listed("441882", "11441882000000019J", ENTRY)
    assert read_entry(row.data) == ENTRY
    assert row.work is not None
    assert row.work[0].endswith("#finance#finance#1")


def test_every_reason_for_a_refund_has_words() -> None:
    due_back = {
        event.removeprefix("bill.")
        for event, row in BILL_TRANSITIONS.items()
        if row.to == "refund_due" or event == "bill.paid_again"
    }
    assert due_back <= set(WHY)

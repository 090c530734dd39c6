"""The message catalogue: complete, bilingual, and without a loose end."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

import pytest

from zerotrip.cases.lifecycle import TRANSITIONS
from zerotrip.notices.templates import (
    PROOFS,
    REMINDERS,
    RENEWED,
    TEMPLATES,
    VARIANTS,
    Template,
    spoken_amount,
    spoken_day,
    spoken_minute,
    template_of,
)

EVERY = [
    *TEMPLATES.items(),
    *PROOFS.items(),
    *RENEWED.items(),
    *(("/".join(k), t) for k, t in VARIANTS.items()),
]
FILLED = {
    "item", "case_no", "amount", "fee", "until", "licence", "granted", "refused",
    "remedies", "waybill",
}  # fmt: skip
TOLD_OF = {
    "case.submitted",
    "case.corrections_requested",
    "case.not_accepted",
    "case.returned",
    "case.accepted",
    "case.promise_lapsed",
    "case.approved",
    "case.refused",
    "case.completed",
    "case.withdrawn",
    "bill.opened",
    "bill.settled",
    "bill.paid_after_lapse",
    "bill.paid_after_cancellation",
    "bill.cancelled_after_payment",
    "bill.paid_again",
    "shipment.dispatched",
    "shipment.delivered",
    "licence.registered",
}


def parameters(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_applicant_is_told_of_exactly_these_events() -> None:
    assert set(TEMPLATES) == TOLD_OF


def test_every_event_of_a_case_that_is_told_is_one_of_the_lifecycle() -> None:
    told = {name for name in TEMPLATES if name.startswith("case.")}
    assert told <= set(TRANSITIONS)


@pytest.mark.parametrize(("name", "template"), EVERY)
def test_both_languages_say_the_same_things(name: str, template: Template) -> None:
    for text in (template.title, template.text):
        assert parameters(text.zh) == parameters(text.en), name
        assert parameters(text.zh) <= FILLED, name
        assert re.search("[\u4e00-\u9fff]|^{granted}$", text.zh), name
        assert not re.search("[\u4e00-\u9fff]", text.en), name


@pytest.mark.parametrize(("name", "template"), EVERY)
def test_every_text_names_item_and_case(name: str, template: Template) -> None:
    assert {"item", "case_no"} <= parameters(template.text.zh), name


def test_a_parcels_direction_chooses_the_sentence() -> None:
    chosen = [
        template_of("shipment.delivered", given).title.zh
        for given in ({"direction": "pickup"}, {"direction": "delivery"}, {})
    ]
    assert chosen == ["纸质材料已收到", "办理结果已签收", "快递已签收"]


@pytest.mark.parametrize(
    ("amount_fen", "zh"),
    [(1500, "15.00元"), (5, "0.05元"), (0, "0.00元"), (123456, "1234.56元")],
)
def test_an_amount_is_spoken_in_yuan(amount_fen: int, zh: str) -> None:
    assert spoken_amount(amount_fen).zh == zh
    assert spoken_amount(amount_fen).en == zh.replace("元", " yuan")


def test_a_reminder_is_no_event_and_names_item_and_day_in_both_languages() -> None:
    assert set(REMINDERS) == {"draft.expiring"}
    assert not set(REMINDERS) & (set(TEMPLATES) | set(TRANSITIONS))
    template = template_of("draft.expiring", {})
    assert parameters(template.text.zh) == parameters(template.text.en)
    assert parameters(template.text.zh) == {"item", "expires"}
    assert re.search("[\u4e00-\u9fff]", template.text.zh)
    assert not re.search("[\u4e00-\u9fff]", template.text.en)


def test_a_day_is_the_one_that_shanghai_has() -> None:
    spoken = spoken_day(datetime(2026, 11, 30, 16, 0, tzinfo=UTC))
    assert (spoken.zh, spoken.en) == ("2026年12月1日", "2026-12-01")


@pytest.mark.parametrize("kind", ["fee", "courier_charge"])
def test_a_renewed_bill_says_what_how_much_until_when_and_what_if_not(
    kind: str,
) -> None:
    said = {"kind": kind, "instead_of": "1", "amount_fen": 1}
    template = template_of("bill.opened", said)
    assert template is RENEWED[kind]
    for text in (template.text.zh, template.text.en):
        assert {"item", "case_no", "amount", "fee", "until"} <= parameters(text)
    assert "逾期未缴" in template.text.zh
    assert template_of("bill.opened", {"kind": kind}) not in RENEWED.values()


def test_a_minute_is_spoken_as_in_shanghai() -> None:
    minute = spoken_minute(datetime(2026, 12, 5, 2, 0, tzinfo=UTC))
    assert (minute.zh, minute.en) == ("2026年12月5日10:00", "2026-12-05 10:00")

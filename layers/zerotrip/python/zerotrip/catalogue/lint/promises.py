"""Days, visits, money, and whether one can stay at home."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.route import computed_visits, is_online

_COURIER = re.compile(
    r"快递|寄递|邮寄|邮政|速递|投递|物流|courier|postage|postal|mail|deliver|shipp",
    re.IGNORECASE,
)
_STATUTORY = re.compile(
    r"工本费|手续费|登记费|证照费|行政事业性|考试费|检测费|statutory|registration fee",
    re.IGNORECASE,
)
_CITED = re.compile(r"《[^《》]{2,}》|〔[0-9]{4}〕|\[[0-9]{4}\]|第[0-9]+号")


def not_online_without_reason(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """One must come, or has no online channel, and no law is named for it."""
    if not is_online(item) and item.not_online is None:
        yield Finding(
            "/visits" if item.visits else "/channels",
            "not_online_without_reason",
            "该事项不能全程网办，须在not_online中写明理由和法律依据（负面清单）。",
            "The item is not fully online: not_online must give reason and law.",
        )


def online_but_listed(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """It stands on the negative list although nothing keeps one from staying home."""
    if is_online(item) and item.not_online is not None:
        yield Finding(
            "/not_online",
            "online_but_listed",
            "该事项可以全程网办，却列入负面清单。",
            "The item is fully online, and yet on the negative list.",
            "warning",
        )


def visits_differ(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """Visits are stated that the route does not compute."""
    visits = computed_visits(item)
    if item.visits != visits:
        yield Finding(
            "/visits",
            "visits_differ",
            f"按办理路线计算的到场次数为{visits}，与所填{item.visits}不一致。",
            f"By its route the item takes {visits} visits, not {item.visits}.",
        )


def promise_longer_than_law(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """More days are promised than the law gives."""
    if item.promised_working_days > item.statutory_working_days:
        yield Finding(
            "/promised_working_days",
            "promise_longer_than_law",
            f"承诺{item.promised_working_days}个工作日，"
            f"长于法定{item.statutory_working_days}个工作日。",
            f"{item.promised_working_days} working days are promised, the law gives "
            f"{item.statutory_working_days}.",
        )


def promise_longer_than_before(item: Item, around: Surroundings) -> Iterator[Finding]:
    """More days are promised than the last published version promised."""
    before = [
        each
        for each in around.earlier
        if each.code == item.code and each.revision < item.revision
    ]
    last = max(before, key=lambda each: each.revision, default=None)
    if last is not None and item.promised_working_days > last.promised_working_days:
        yield Finding(
            "/promised_working_days",
            "promise_longer_than_before",
            f"承诺时限由第{last.revision}版的{last.promised_working_days}个工作日"
            f"延长为{item.promised_working_days}个工作日。",
            f"Revision {last.revision} promised {last.promised_working_days} working "
            f"days, this one {item.promised_working_days}.",
        )


def follows_after_promise(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A material may follow later than the decision is promised."""
    for position, material in enumerate(item.materials):
        days = material.may_follow_working_days
        if days is not None and days > item.promised_working_days:
            yield Finding(
                f"/materials/{position}/may_follow_working_days",
                "follows_after_promise",
                f"容缺材料补交期限{days}个工作日长于承诺办结时限"
                f"{item.promised_working_days}个工作日。",
                f"It may follow within {days} working days, later than the promised "
                f"{item.promised_working_days}.",
            )


def fee_without_basis(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A statutory fee cites neither a law nor a document's number."""
    if item.fee is not None and not _CITED.search(item.fee.legal_basis):
        yield Finding(
            "/fee/legal_basis",
            "fee_without_basis",
            "收费须写明法律依据：法规文件名称（书名号）或者文号。",
            "A fee names its legal basis: a law in 《》, or a document's number.",
        )


def courier_charge_as_fee(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A courier's contract price stands as a statutory fee."""
    fee = item.fee
    if fee is not None and _COURIER.search(
        " ".join((fee.name.zh, fee.name.en, fee.code))
    ):
        yield Finding(
            "/fee/name",
            "courier_charge_as_fee",
            "寄递费用是合同价款，不是法定收费，应写在courier_charge。",
            "A courier's charge is a contract price, no fee: use courier_charge.",
        )


def fee_as_courier_charge(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A statutory fee stands as a courier's charge, without its legal basis."""
    charge = item.courier_charge
    if charge is not None and _STATUTORY.search(f"{charge.name.zh} {charge.name.en}"):
        yield Finding(
            "/courier_charge/name",
            "fee_as_courier_charge",
            "法定收费应写在fee并注明依据，不得列作寄递费用。",
            "A statutory fee belongs under fee with its basis, not here.",
        )

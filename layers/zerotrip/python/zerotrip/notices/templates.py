"""The message catalogue: what an applicant reads when something happened. Pure.

`TEMPLATES` by event type: the bus rule of `notify` matches exactly these. `REMINDERS`
by clock: `watch_deadlines` sends for them. `{item}`, `{case_no}` (with the query code
beside it), `{amount}`, `{until}` and `{expires}` are filled when the notice is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.kernel import times


@dataclass(frozen=True, slots=True)
class Bilingual:
    """One text, Chinese first."""

    zh: str
    en: str

    def filled(self, zh: Mapping[str, str], en: Mapping[str, str]) -> dict[str, str]:
        """The wire form, with each language's own parameters put in."""
        return {"zh": self.zh.format_map(zh), "en": self.en.format_map(en)}


@dataclass(frozen=True, slots=True)
class Template:
    """Title and text of a notice."""

    title: Bilingual
    text: Bilingual


BY_AGENT = Bilingual(
    "本件由他人代为办理，代办人见办件。",
    "Somebody acts for you in this case; the case says who.",
)
"""Added to each notice of a case in which somebody acted for the applicant."""
UNNAMED_ITEM = Bilingual("政务服务事项", "government service")
UNNAMED_AMOUNT = Bilingual("（金额见办件）", "the amount shown there")
"""What stands in where the case or the event does not say it."""

TEMPLATES: Mapping[str, Template] = {
    "case.submitted": Template(
        Bilingual("申请已提交", "Application submitted"),
        Bilingual(
            "您申请的“{item}”已提交，办件编号{case_no}。我们正在核对材料，无需您跑腿。",
            "Your application “{item}” was submitted under case number {case_no}. "
            "We are checking it now; you need not come.",
        ),
    ),
    "case.corrections_requested": Template(
        Bilingual("请补正材料", "Corrections needed"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）有内容需要补正。"
            "所需补正的内容已一次性列出，请打开办件查看并补正。",
            "Your application “{item}” (case {case_no}) needs corrections. "
            "Everything that is missing is listed at once: open the case and mend it.",
        ),
    ),
    "case.not_accepted": Template(
        Bilingual("申请不予受理", "Application not accepted"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）依法不予受理，理由和法律依据请打开办件查看。"
            "如不服，可在六十日内申请行政复议，或者在六个月内提起行政诉讼。",
            "By law your application “{item}” (case {case_no}) cannot be accepted. "
            "Open the case for the grounds and the law. You may ask for administrative "
            "reconsideration within 60 days, or go to court within six months.",
        ),
    ),
    "case.returned": Template(
        Bilingual("审查中需补正", "Corrections needed after review"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）经审查有内容需要补正。"
            "所需补正的内容已一次性列出，请打开办件查看并补正。",
            "Your application “{item}” (case {case_no}) was reviewed and needs "
            "corrections. Everything is listed at once: open the case and mend it.",
        ),
    ),
    "case.promise_lapsed": Template(
        Bilingual("承诺材料逾期未交", "What was promised did not come"),
        Bilingual(
            "您承诺补交的材料到期未交，“{item}”（办件编号{case_no}）已终止办理。"
            "材料备齐后可重新申请；如不服，可在六十日内申请行政复议，或者在六个月内提起行政诉讼。",
            "The material that you promised did not come in time, so “{item}” (case "
            "{case_no}) has ended. Apply again once you have it. You may ask for "
            "administrative reconsideration within 60 days, or go to court within six "
            "months.",
        ),
    ),
    "case.accepted": Template(
        Bilingual("申请已受理", "Application accepted"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已受理。",
            "Your application “{item}” (case {case_no}) was accepted for processing.",
        ),
    ),
    "case.approved": Template(
        Bilingual("申请已批准", "Application approved"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已批准。"
            "后续缴费、制证等事项请留意通知。",
            "Your application “{item}” (case {case_no}) was approved. "
            "We will tell you about payment, licence and delivery where they apply.",
        ),
    ),
    "case.refused": Template(
        Bilingual("申请未获批准", "Application refused"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）未获批准。"
            "理由、法律依据和救济途径请打开办件查看。",
            "Your application “{item}” (case {case_no}) was refused. "
            "Open the case for the reasons, the legal basis and how to appeal.",
        ),
    ),
    "case.completed": Template(
        Bilingual("办理完成", "Case completed"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已办结。感谢您的使用。",
            "Your application “{item}” (case {case_no}) is completed. Thank you.",
        ),
    ),
    "case.withdrawn": Template(
        Bilingual("申请已撤回", "Application withdrawn"),
        Bilingual(
            "您已撤回“{item}”的申请（办件编号{case_no}）。如仍需办理，可重新申请。",
            "You have withdrawn your application “{item}” (case {case_no}). "
            "You can apply again at any time.",
        ),
    ),
    "bill.opened": Template(
        Bilingual("请缴费", "Payment due"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）需缴费{amount}，请打开办件在线缴纳。",
            "Your application “{item}” (case {case_no}) has a bill. "
            "Open the case to pay online: {amount}.",
        ),
    ),
    "bill.settled": Template(
        Bilingual("缴费成功", "Payment received"),
        Bilingual(
            "已收到您为“{item}”（办件编号{case_no}）缴纳的费用：{amount}。",
            "We received your payment for “{item}” (case {case_no}): {amount}.",
        ),
    ),
    "bill.paid_after_lapse": Template(
        Bilingual("旧单款项将退回", "Money for the old bill goes back"),
        Bilingual(
            "您为“{item}”（办件编号{case_no}）支付的{amount}已收到，但所付的账单此前已失效。"
            "这笔款项将退回原付款账户，请打开办件按新账单缴费。",
            "We received {amount} for “{item}” (case {case_no}), but the bill that was "
            "paid had lapsed before. The money goes back to the account that it came "
            "from; please open the case and pay the new bill.",
        ),
    ),
    "bill.paid_after_cancellation": Template(
        Bilingual("款项将退回", "Your payment goes back"),
        Bilingual(
            "您为“{item}”（办件编号{case_no}）支付的{amount}已收到，但该账单此前已取消，"
            "无需缴纳。这笔款项将退回原付款账户。",
            "We received {amount} for “{item}” (case {case_no}), but the bill had been "
            "cancelled and need not be paid. The money goes back to the account that "
            "it came from.",
        ),
    ),
    "bill.cancelled_after_payment": Template(
        Bilingual("已缴费用将退回", "What you paid goes back"),
        Bilingual(
            "“{item}”（办件编号{case_no}）已终止，您缴纳的{amount}将退回原付款账户。",
            "“{item}” (case {case_no}) has ended, and the {amount} that you paid go "
            "back to the account that they came from.",
        ),
    ),
    "bill.paid_again": Template(
        Bilingual("重复缴纳的款项将退回", "What was paid twice goes back"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的同一账单又收到{amount}，"
            "多付的这笔款项将退回原付款账户。",
            "Another {amount} came for the same bill of “{item}” (case {case_no}). "
            "This second payment goes back to the account that it came from.",
        ),
    ),
    "shipment.dispatched": Template(
        Bilingual("快递已安排", "Courier ordered"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已安排快递，请留意快递员来电。",
            "A courier was ordered for your application “{item}” (case {case_no}) "
            "and may telephone you.",
        ),
    ),
    "shipment.delivered": Template(
        Bilingual("快递已送达", "Parcel delivered"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的快递已送达。",
            "The parcel of your application “{item}” (case {case_no}) was delivered.",
        ),
    ),
    "licence.registered": Template(
        Bilingual("电子证照已签发", "E-licence issued"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的电子证照已签发，可在办件中查看和下载。",
            "The e-licence of your application “{item}” (case {case_no}) was issued. "
            "Open the case to see and download it.",
        ),
    ),
}

REMINDERS: Mapping[str, Template] = {
    "draft.expiring": Template(
        Bilingual("申请草稿即将到期", "A draft is about to expire"),
        Bilingual(
            "您填写的“{item}”申请尚未提交，草稿将于{expires}到期并被删除。"
            "如需继续办理，请在此之前打开草稿并保存或提交。",
            "Your application “{item}” was not submitted yet. The draft expires on "
            "{expires} and is then deleted. To go on, open it before that day and "
            "save or submit it.",
        ),
    ),
}

DIRECTED: Mapping[tuple[str, str], Template] = {
    ("shipment.dispatched", "pickup"): Template(
        Bilingual("快递员将上门取件", "A courier will pick up your papers"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的纸质材料将由快递员上门取件，请备好材料并留意来电。",
            "A courier will pick up the papers of “{item}” (case {case_no}). "
            "Have them ready; the courier may telephone you.",
        ),
    ),
    ("shipment.dispatched", "delivery"): Template(
        Bilingual("证件已寄出", "Your document is on its way"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的办理结果已交快递送达，请留意快递员来电。",
            "The result of “{item}” (case {case_no}) was given to a courier, "
            "who may telephone you.",
        ),
    ),
    ("shipment.delivered", "pickup"): Template(
        Bilingual("纸质材料已收到", "Your papers have arrived"),
        Bilingual(
            "我们已收到您寄来的“{item}”（办件编号{case_no}）的纸质材料。",
            "We received the papers of your application “{item}” (case {case_no}).",
        ),
    ),
    ("shipment.delivered", "delivery"): Template(
        Bilingual("证件已送达", "Your document was delivered"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的办理结果已送达，请核对内容。",
            "The result of “{item}” (case {case_no}) was delivered. Please check it.",
        ),
    ),
}
"""A parcel's direction changes the sentence: papers come in, results go out."""

RENEWED: Mapping[str, Template] = {
    "fee": Template(
        Bilingual("请按新账单缴费", "Please pay the new bill"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的缴费单逾期未缴，已失效。"
            "现已重新开立，应缴{amount}，请在{until}之前打开办件缴纳。"
            "缴清后才能制作证照；逾期未缴，新账单也会失效并再次重新开立，办件在此期间继续等待。",
            "The bill for “{item}” (case {case_no}) was not paid in time and has "
            "lapsed. A new one is open: {amount}, to be paid in the case before "
            "{until}. The licence is made only after payment. If this bill is not paid "
            "either, it lapses and is opened anew, and the case waits meanwhile.",
        ),
    ),
    "courier_charge": Template(
        Bilingual("请按新账单缴快递费", "Please pay the new courier bill"),
        Bilingual(
            "您办理的“{item}”（办件编号{case_no}）的快递费账单逾期未缴，已失效。"
            "现已重新开立，应缴{amount}，请在{until}之前打开办件缴纳。"
            "逾期未缴，新账单也会失效并再次重新开立；已办结的事项不受影响。",
            "The courier's bill for “{item}” (case {case_no}) was not paid in time and "
            "has lapsed. A new one is open: {amount}, to be paid in the case before "
            "{until}. If this bill is not paid either, it lapses and is opened anew; "
            "the completed case is not affected.",
        ),
    ),
}
"""By kind: `bill.opened` of a bill that follows a lapsed one, which is told by this."""


def template_of(event_type: str, parameters: Mapping[str, Any]) -> Template:
    """The template of a notice. Raises KeyError for a type nobody is told of."""
    if event_type == "bill.opened" and "instead_of" in parameters:
        return RENEWED[parameters["kind"]]
    directed = DIRECTED.get((event_type, str(parameters.get("direction"))))
    return directed or REMINDERS.get(event_type) or TEMPLATES[event_type]


def spoken_amount(amount_fen: int) -> Bilingual:
    """`15.00 元`, `15.00 yuan`."""
    yuan = f"{amount_fen // 100}.{amount_fen % 100:02}"
    return Bilingual(f"{yuan} 元", f"{yuan} yuan")


def spoken_case(case_no: str, query_code: str | None) -> Bilingual:
    """The case number, and the short code that people say instead of it."""
    if query_code is None:
        return Bilingual(case_no, case_no)
    return Bilingual(
        f"{case_no}，查询码{query_code}", f"{case_no}, query code {query_code}"
    )


def spoken_minute(instant: datetime) -> Bilingual:
    """The minute in Shanghai: `2026年12月5日10:00`, `2026-12-05 10:00`."""
    clock = f"{instant.astimezone(times.SHANGHAI):%H:%M}"
    day = spoken_day(instant)
    return Bilingual(f"{day.zh}{clock}", f"{day.en} {clock}")


def spoken_day(instant: datetime) -> Bilingual:
    """The day in Shanghai: `2026年12月1日`, `2026-12-01`."""
    day = times.legal_day(instant)
    return Bilingual(f"{day.year}年{day.month}月{day.day}日", day.isoformat())

"""The message catalogue: what an applicant reads when something happened. Pure.

`TEMPLATES` by event type: the bus rule of `notify` matches exactly these. `REMINDERS`
by clock: `watch_deadlines` sends for them. What stands in braces is filled when the
notice is read: from the item (`words.ItemWords`), the case and the event. `{case_no}`
has the query code beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.cases.words import SERVICE
from zerotrip.kernel import times
from zerotrip.kernel.amounts import spoken_yuan


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
    "本件由他人代为办理，代办人可在“我的办件”中查看。",
    "Somebody acts for you in this case; the case says who.",
)
"""Added to each notice of a case in which somebody acted for the applicant."""
NOTHING = Bilingual("", "")
UNNAMED_AMOUNT = Bilingual("（金额见办件）", "(the amount is shown there)")
"""What stands in where the event does not say it."""

TEMPLATES: Mapping[str, Template] = {
    "case.submitted": Template(
        Bilingual("申请已收件", "Application received"),
        Bilingual(
            "您申请的“{item}”已收件，办件编号{case_no}。"
            "材料需要补正的，将在5个工作日内一次告知。",
            "Your application “{item}” was received under case number {case_no}. "
            "What has to be corrected is told within five working days, all at once.",
        ),
    ),
    "case.corrections_requested": Template(
        Bilingual("请补正材料", "Corrections needed"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）申请材料不齐全或者不符合法定形式。"
            "需要补正的内容已一次列明，请在“我的办件”中查看并按要求补正。",
            "Your application “{item}” (case {case_no}) is incomplete or not in due "
            "form. All that has to be corrected is listed in the case: please see "
            "“My cases” and correct it.",
        ),
    ),
    "case.not_accepted": Template(
        Bilingual("不予受理决定", "Application not accepted"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已作出不予受理决定，"
            "理由和法律依据请在“我的办件”中查看。{remedies}",
            "Your application “{item}” (case {case_no}) was not accepted. Please see "
            "the grounds and the law in “My cases”. {remedies}",
        ),
    ),
    "case.returned": Template(
        Bilingual("请补充说明", "Explanations needed"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）审查中需要您补充说明。"
            "需要说明的内容已一次列明，请在“我的办件”中查看并按要求补充。",
            "The review of your application “{item}” (case {case_no}) needs "
            "explanations. All of them are listed in the case: please see “My cases”.",
        ),
    ),
    "case.promise_lapsed": Template(
        Bilingual("容缺材料逾期未补", "What was promised did not come"),
        Bilingual(
            "您承诺补交的材料到期未补交，“{item}”（办件编号{case_no}）"
            "已作出{refused}决定，理由和法律依据请在“我的办件”中查看。"
            "材料备齐后可以重新申请。{remedies}",
            "The material that you promised did not come in time. Decision on “{item}” "
            "(case {case_no}): {refused}. Please see the reasons in “My cases”. Apply "
            "again once you have it. {remedies}",
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
        Bilingual("{granted}", "{granted}"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已作出{granted}决定。"
            "需要缴费、寄送的，将另行通知。",
            "Decision on your application “{item}” (case {case_no}): {granted}. "
            "You will be told of payment and delivery where they apply.",
        ),
    ),
    "case.refused": Template(
        Bilingual("{refused}决定", "{refused}"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已作出{refused}决定，"
            "理由和法律依据请在“我的办件”中查看。{remedies}",
            "Decision on your application “{item}” (case {case_no}): {refused}. "
            "Please see the reasons and the law in “My cases”. {remedies}",
        ),
    ),
    "case.completed": Template(
        Bilingual("已办结", "Case completed"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）已办结，欢迎评价。",
            "Your application “{item}” (case {case_no}) is completed. Please tell us "
            "how it went.",
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
            "您申请的“{item}”（办件编号{case_no}）：请{until}缴纳{fee}{amount}，"
            "可在“我的办件”中在线缴纳。未缴费的，暂不制发{licence}。",
            "Your application “{item}” (case {case_no}): please pay {amount} "
            "({fee}){until} in “My cases”. “{licence}” is not issued before.",
        ),
    ),
    "bill.settled": Template(
        Bilingual("缴费成功", "Payment received"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）：已收到您缴纳的{fee}{amount}。",
            "Your application “{item}” (case {case_no}): we received {amount} ({fee}).",
        ),
    ),
    "bill.paid_after_lapse": Template(
        Bilingual("旧单款项将退回", "Money for the old bill goes back"),
        Bilingual(
            "您为“{item}”（办件编号{case_no}）支付的{amount}已收到，但所付的账单此前已失效。"
            "这笔款项将退回原付款账户，请在“我的办件”中按新账单缴费。",
            "We received {amount} for “{item}” (case {case_no}), but the bill that was "
            "paid had lapsed before. The money goes back to the account that it came "
            "from; please pay the new bill in “My cases”.",
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
            "您申请的“{item}”（办件编号{case_no}）已安排快递{waybill}，请留意快递员来电。",
            "A courier was ordered for your application “{item}” (case "
            "{case_no}){waybill} and may telephone you.",
        ),
    ),
    "shipment.delivered": Template(
        Bilingual("快递已签收", "Parcel delivered"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的快递已签收。",
            "The parcel of your application “{item}” (case {case_no}) was delivered.",
        ),
    ),
    "licence.registered": Template(
        Bilingual("电子证照已签发", "E-licence issued"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的电子证照“{licence}”已签发，"
            "可在“我的办件”中查看和下载。",
            "The e-licence “{licence}” of your application “{item}” (case {case_no}) "
            "was issued. Please see “My cases” to download it.",
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

VARIANTS: Mapping[tuple[str, str], Template] = {
    ("bill.opened", "courier_charge"): Template(
        Bilingual("请支付寄递服务费", "Courier's charge due"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）：请{until}支付{fee}{amount}，"
            "可在“我的办件”中在线支付。",
            "Your application “{item}” (case {case_no}): please pay {amount} "
            "({fee}){until} in “My cases”.",
        ),
    ),
    ("shipment.dispatched", "pickup"): Template(
        Bilingual("快递员将上门取件", "A courier will pick up your papers"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的纸质材料将由快递员上门取件{waybill}，"
            "请备好材料并留意来电。",
            "A courier will pick up the papers of “{item}” (case {case_no}){waybill}. "
            "Have them ready; the courier may telephone you.",
        ),
    ),
    ("shipment.dispatched", "delivery"): Template(
        Bilingual("办理结果已交寄", "Your document is on its way"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的办理结果已交快递寄送{waybill}，"
            "请留意快递员来电。",
            "The result of “{item}” (case {case_no}) was given to a courier{waybill}, "
            "who may telephone you.",
        ),
    ),
    ("shipment.delivered", "pickup"): Template(
        Bilingual("纸质材料已收到", "Your papers have arrived"),
        Bilingual(
            "已收到您寄来的“{item}”（办件编号{case_no}）的纸质材料。",
            "We received the papers of your application “{item}” (case {case_no}).",
        ),
    ),
    ("shipment.delivered", "delivery"): Template(
        Bilingual("办理结果已签收", "Your document was delivered"),
        Bilingual(
            "“{item}”（办件编号{case_no}）的办理结果已签收，请核对内容。",
            "The result of “{item}” (case {case_no}) was delivered. Please check it.",
        ),
    ),
}
"""What a bill is for, and a parcel's direction, change the sentence."""

PROOFS: Mapping[str, Template] = {
    "case.approved": Template(
        Bilingual("{granted}", "{granted}"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）{granted}，"
            "签发后可在“我的办件”中查看和下载。",
            "Your application “{item}” (case {case_no}): {granted}. Once it is signed "
            "it can be downloaded in “My cases”.",
        ),
    ),
    "licence.registered": Template(
        Bilingual("电子证明已出具", "E-proof issued"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）的电子证明“{licence}”已出具，"
            "可在“我的办件”中查看和下载。",
            "The e-proof “{licence}” of your application “{item}” (case {case_no}) was "
            "issued. Please see “My cases” to download it.",
        ),
    ),
}
"""What is told of a proof (type 20): it is issued, nothing is permitted."""

RENEWED: Mapping[str, Template] = {
    "fee": Template(
        Bilingual("请按新账单缴费", "Please pay the new bill"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）：{fee}缴费单逾期未缴，已失效。"
            "现已重新开立，请{until}缴纳{amount}，可在“我的办件”中在线缴纳。"
            "未缴费的，暂不制发{licence}；逾期未缴，新账单也会失效并再次重新开立，"
            "办件在此期间继续等待。",
            "The bill for “{item}” (case {case_no}) was not paid in time and has "
            "lapsed. A new one is open: please pay {amount} ({fee}){until} in “My "
            "cases”. “{licence}” is not issued before. If this bill is not paid "
            "either, it lapses and is opened anew, and the case waits meanwhile.",
        ),
    ),
    "courier_charge": Template(
        Bilingual("请按新账单支付寄递服务费", "Please pay the new courier bill"),
        Bilingual(
            "您申请的“{item}”（办件编号{case_no}）：{fee}账单逾期未缴，已失效。"
            "现已重新开立，请{until}支付{amount}，可在“我的办件”中在线支付。"
            "逾期未缴，新账单也会失效并再次重新开立；已办结的事项不受影响。",
            "The courier's bill for “{item}” (case {case_no}) was not paid in time and "
            "has lapsed. A new one is open: please pay {amount} ({fee}){until} in “My "
            "cases”. If this bill is not paid either, it lapses and is opened anew; "
            "the completed case is not affected.",
        ),
    ),
}
"""By kind: `bill.opened` of a bill that follows a lapsed one, which is told by this."""


def template_of(
    event_type: str, parameters: Mapping[str, Any], item_type: str = ""
) -> Template:
    """The template of a notice. Raises KeyError for a type nobody is told of."""
    if event_type == "bill.opened" and "instead_of" in parameters:
        return RENEWED[parameters["kind"]]
    if item_type == SERVICE and event_type in PROOFS:
        return PROOFS[event_type]
    variant = parameters.get("direction", parameters.get("kind"))
    chosen = VARIANTS.get((event_type, str(variant)))
    return chosen or REMINDERS.get(event_type) or TEMPLATES[event_type]


def spoken_amount(amount_fen: int) -> Bilingual:
    """`15.00元`, `15.00 yuan`."""
    return Bilingual(*spoken_yuan(amount_fen))


def spoken_case(case_no: str, query_code: str | None) -> Bilingual:
    """The case number, and the short code that people say instead of it."""
    if query_code is None:
        return Bilingual(case_no, case_no)
    return Bilingual(
        f"{case_no}，查询码{query_code}", f"{case_no}, query code {query_code}"
    )


def spoken_minute(instant: datetime) -> Bilingual:
    """The minute in Shanghai: `2026年12月5日10:00`, `2026-12-05 10:00`."""
    return Bilingual(*times.spoken_minute(instant))


def spoken_day(instant: datetime) -> Bilingual:
    """The day in Shanghai: `2026年12月1日`, `2026-12-01`."""
    return Bilingual(*times.spoken_day(times.legal_day(instant)))

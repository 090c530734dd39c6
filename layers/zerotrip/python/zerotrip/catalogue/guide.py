"""The guide (办事指南) of an item: what must be told, made from the item. Pure.

One source: the JSON, the printed page and the lint's question whether anything is
missing all read what `guide` answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zerotrip.catalogue.model import Item, Material, Text
from zerotrip.catalogue.remedies import remedy_text
from zerotrip.identity.model import Level

Words = dict[str, str]

SOURCES: dict[str, tuple[str, str]] = {
    "upload": ("申请人上传", "Uploaded by the applicant"),
    "licence": ("电子证照库调取，无需提交", "Taken from the licence register"),
    "shared": ("部门共享核验，无需提交", "Obtained from the office that has it"),
    "form": ("以申请表代替，无需另交", "The form itself stands for it"),
}
CHANNELS: dict[str, tuple[str, str]] = {
    "window": ("窗口办理", "At the window"),
    "computer": ("网上办理（电脑）", "Online, at a computer"),
    "mobile": ("掌上办理（手机）", "Online, on a telephone"),
    "courier": ("快递申请", "By courier"),
}
AUDIENCES = {"person": ("自然人", "Persons"), "company": ("企业法人", "Companies")}
IDENTITY: dict[Level, tuple[str, str]] = {
    Level.DECLARED: (
        "注册账号即可，无需实名认证",
        "An account is enough; identity is not checked",
    ),
    Level.MATCHED: (
        "须完成实名认证（姓名与证件号码核验一致）",
        "Name and number of the identity document are checked to belong together",
    ),
    Level.PRESENT: (
        "须完成实人认证（核验为本人；可选择人脸识别，也可以选择其他方式或者到窗口核验）",
        "It is checked that you are the person: by face if you wish, or in another "
        "way, or at the window",
    ),
    Level.STRONG: (
        "须使用数字证书，或者到窗口由工作人员核验身份",
        "A digital certificate is needed, or an officer at the window checks who you "
        "are",
    ),
}
"""What an applicant does for each level. A face is never the only way: 人脸识别技术应用
安全管理办法, in force since 2025-06-01."""
SCOPES: dict[str, tuple[str, str]] = {
    "county": ("本县通办", "Anywhere in the county"),
    "city": ("全市通办", "Anywhere in the city"),
    "province": ("全省通办", "Anywhere in the province"),
    "country": ("全国通办", "Anywhere in the country"),
}


def guide(item: Item) -> dict[str, Any]:
    """The guide as JSON: texts as `{zh, en}`, money in fen, times in working days."""
    organisation = item.organisation
    return {
        "item_code": item.code,
        "base_code": item.base_code,
        "revision": item.revision,
        "name": _both(item.name),
        "audience": _pair(AUDIENCES[item.audience]),
        "identity": _pair(IDENTITY[item.identity_level]),
        "who_applies": [_pair(each) for each in who_applies(item)],
        "organisation": _both(organisation.name),
        "department": _both(item.department_name),
        "scope": _pair(SCOPES[item.scope]),
        "channels": [_pair(CHANNELS[each]) for each in item.channels],
        "legal_basis": [
            {"zh": each.zh, "en": each.en, "article": each.article}
            for each in item.legal_basis
        ],
        "conditions": [_both(each) for each in item.conditions],
        "materials": [_material(each) for each in item.materials],
        "route": [_pair(each) for each in steps(item)],
        "fee": _fee(item),
        "courier_charge": _charge(item),
        "statutory_working_days": item.statutory_working_days,
        "promised_working_days": item.promised_working_days,
        "visits": item.visits,
        "result": {
            "title": _both(item.licence.title),
            "valid_months": item.licence.valid_months,
        },
        "remedies": _both(remedy_text(item.remedies)),
        "complaint_telephone": organisation.complaint_telephone,
        "enquiry_telephone": organisation.enquiry_telephone,
        "address": _both(organisation.address) if organisation.address else None,
        "hours": _both(organisation.hours) if organisation.hours else None,
        "missing": list(missing(item)),
    }


def missing(item: Item) -> Iterator[str]:
    """Elements that a guide has to have and this one lacks, by name."""
    organisation = item.organisation
    if not item.conditions:
        yield "conditions"
    if organisation.enquiry_telephone is None:
        yield "enquiry_telephone"
    if item.visits and organisation.address is None:
        yield "address"
    if item.visits and organisation.hours is None:
        yield "hours"


def who_applies(item: Item) -> Iterator[tuple[str, str]]:
    """Who may hand the form in: oneself and from which age, a guardian, an agent."""
    applicant = item.applicant
    if item.audience == "company":
        yield (
            "由法定代表人（负责人、经营者）办理，也可以由其授权的办事人员办理"
            if applicant.agents_allowed
            else "须由法定代表人（负责人、经营者）本人办理，不得委托他人代办",
            "The legal representative, head or operator applies, or an agent with "
            "their authority"
            if applicant.agents_allowed
            else "The legal representative, head or operator applies in person; no "
            "agent may",
        )
        return
    age = applicant.own_from_age
    if applicant.guardians_allowed:
        yield (
            f"年满{age}周岁的，由本人申请；未满{age}周岁的，由监护人代为申请",
            f"From the age of {age} one applies oneself; a guardian applies for the "
            "younger",
        )
    else:
        yield (
            f"年满{age}周岁的，由本人申请；未满{age}周岁的，由监护人陪同到窗口办理",
            f"From the age of {age} one applies oneself; the younger come to a window "
            "with a guardian",
        )
    if applicant.agents_allowed:
        yield "可以委托他人代办", "An agent may apply in one's stead"
    else:
        yield "须由本人申请，不得委托他人代办", "No agent may apply in one's stead"


def steps(item: Item) -> Iterator[tuple[str, str]]:
    """The way of a case in the applicant's words; the item's own if it has any."""
    if item.route.steps:
        yield from ((step.name.zh, step.name.en) for step in item.route.steps)
        return
    yield "网上申请，即时取得办件编号", "Apply online; the case number comes at once"
    yield (
        "系统预审，一次性告知全部问题",
        "Checked by the system; every defect is told at once",
    )
    if item.route.papers_by_courier:
        yield "快递员上门取件", "A courier fetches the papers"
    if item.route.decided_by == "rule":
        yield "系统按规则即时决定", "Decided at once, by rule"
    else:
        yield (
            f"{item.department_name.zh}审查并作出决定",
            f"Reviewed and decided by {item.department_name.en}",
        )
    if item.fee:
        yield "网上缴费", "The fee is paid online"
    yield (
        f"签发{item.licence.title.zh}（电子证照）",
        f"{item.licence.title.en} is signed",
    )
    if item.route.deliver_by_courier:
        yield "快递送达", "Delivered by courier"


def _material(material: Material) -> dict[str, Any]:
    return {
        "code": material.code,
        "name": _both(material.name),
        "source": _pair(SOURCES[material.source]),
        "required": material.required,
        "conditional": material.when is not None,
        "may_follow_working_days": material.may_follow_working_days,
        "originals": material.originals,
        "copies": material.copies,
        "note": _both(material.note) if material.note else None,
    }


def _fee(item: Item) -> dict[str, Any] | None:
    if item.fee is None:
        return None
    return {
        "name": _both(item.fee.name),
        "amount_fen": item.fee.amount_fen,
        "legal_basis": item.fee.legal_basis,
    }


def _charge(item: Item) -> dict[str, Any] | None:
    charge = item.courier_charge
    if charge is None:
        return None
    return {"name": _both(charge.name), "amount_fen": charge.amount_fen}


def _both(text: Text) -> Words:
    return {"zh": text.zh, "en": text.en}


def _pair(words: tuple[str, str]) -> Words:
    return {"zh": words[0], "en": words[1]}

"""Stages and events of a case in words, by the item's type. Pure.

One word for one act: a licence is 准予许可 or 不予许可, a proof 予以出具 or 不予出具;
不予受理 is the same for all. Types are two digits of GB/T 39046.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from zerotrip.cases.lifecycle import Stage

LICENSING, BENEFIT, CONFIRMATION, SERVICE = "01", "05", "07", "20"
Both = tuple[str, str]


class Act(StrEnum):
    """What an organ did about an application."""

    GRANT = "grant"
    REFUSE = "refuse"
    NOT_ACCEPT = "not_accept"


_ACTS: Mapping[Act, Mapping[str, Both]] = {
    Act.GRANT: {
        LICENSING: ("准予许可", "Granted"),
        BENEFIT: ("准予给付", "Granted"),
        CONFIRMATION: ("予以确认", "Confirmed"),
        SERVICE: ("予以出具", "To be issued"),
        "": ("准予办理", "Granted"),
    },
    Act.REFUSE: {
        LICENSING: ("不予许可", "Refused"),
        BENEFIT: ("不予给付", "Refused"),
        CONFIRMATION: ("不予确认", "Not confirmed"),
        SERVICE: ("不予出具", "Not issued"),
        "": ("不予办理", "Refused"),
    },
    Act.NOT_ACCEPT: {"": ("不予受理", "Not accepted")},
}

STAGE_WORDS: dict[Stage, Both] = {
    Stage.RECEIVED: ("已收件", "Received"),
    Stage.SUBMITTED: ("预审中", "Being checked"),
    Stage.CORRECTING: ("待补正", "Corrections needed"),
    Stage.IN_REVIEW: ("审查中", "In review"),
    Stage.DECIDED: ("已作出决定", "Decided"),
    Stage.PAYMENT_DUE: ("待缴费", "Payment due"),
    Stage.SIGNING: ("制证中", "Licence being signed"),
    Stage.DELIVERING: ("寄送中", "Being delivered"),
    Stage.COMPLETED: ("已办结", "Completed"),
    Stage.NOT_ACCEPTED: ("不予受理", "Not accepted"),
    Stage.REFUSED: ("不予许可", "Refused"),
    Stage.WITHDRAWN: ("已撤回", "Withdrawn"),
}
"""For a licence; `stage_words` has those of the other types."""

EVENT_WORDS: dict[str, Both] = {
    "case.received": ("已收到申请", "Application received"),
    "case.submitted": ("开始预审", "Checks started"),
    "case.corrections_requested": ("一次性告知补正", "Corrections requested, once"),
    "case.not_accepted": ("不予受理", "Not accepted by law"),
    "case.returned": ("审查中要求补充说明", "Explanations asked for in review"),
    "case.promise_kept": ("已补交容缺材料", "Promised material handed in"),
    "case.promise_lapsed": ("容缺材料逾期未补", "Promised material did not come"),
    "case.accepted": ("予以受理", "Accepted"),
    "case.corrected": ("已提交补正", "Corrections handed in"),
    "case.papers_received": ("已收到纸质材料", "Papers received"),
    "case.referred": ("转人工审查", "Referred to an officer"),
    "case.decision_recorded": ("已提出审批意见", "Officer's decision recorded"),
    "case.approved": ("准予许可", "Approved"),
    "case.refused": ("不予许可", "Refused"),
    "case.fee_paid": ("已缴费", "Fee paid"),
    "case.bill_renewed": ("缴费单逾期失效，已重新开立", "Bill lapsed, opened anew"),
    "case.charge_renewed": ("寄递服务费账单逾期失效，已重新开立", "Charge opened anew"),
    "case.licence_issued": ("证照已签发", "Licence issued"),
    "case.completed": ("办结", "Completed"),
    "case.withdrawn": ("已撤回", "Withdrawn"),
}
"""For a licence; `event_words` has those of the other types."""

_PROOF_STAGES = {Stage.SIGNING: ("出具中", "Proof being signed")}
_PROOF_EVENTS = {"case.licence_issued": ("证明已出具", "Proof issued")}


def act_words(act: Act, item_type: str) -> Both:
    """The act as it is called for items of that type."""
    words = _ACTS[act]
    return words.get(item_type, words[""])


def stage_words(stage: Stage, item_type: str) -> Both:
    """The stage as it is called for items of that type."""
    if stage is Stage.REFUSED:
        return act_words(Act.REFUSE, item_type)
    if item_type == SERVICE and stage in _PROOF_STAGES:
        return _PROOF_STAGES[stage]
    return STAGE_WORDS[stage]


def event_words(event: str, item_type: str) -> Both:
    """The event as it is called for items of that type."""
    if event == "case.approved":
        return act_words(Act.GRANT, item_type)
    if event == "case.refused":
        return act_words(Act.REFUSE, item_type)
    if item_type == SERVICE and event in _PROOF_EVENTS:
        return _PROOF_EVENTS[event]
    return EVENT_WORDS[event]


def type_in(case_no: str) -> str:
    """The item's type: a case number begins with the item's code, that with 18 digits
    of the organisation, one of the level, and the base code."""
    return case_no[21:23]

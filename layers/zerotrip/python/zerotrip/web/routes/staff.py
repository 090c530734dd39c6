"""What officers' consoles call."""

from __future__ import annotations

from zerotrip.web import requests
from zerotrip.web.route import Route, Words

_STAFF = ("officer_unknown", "officer_suspended")

READ_WORKLIST = Route(
    "GET",
    "/v1/worklist",
    Words(
        "本部门待办（不含个人信息）", "The office's open tasks, without personal data"
    ),
    {200: "WorklistAnswer"},
    (*_STAFF, "request_invalid"),
    query=("limit",),
)
READ_STAFF_CASE = Route(
    "GET",
    "/v1/staff/cases/{case_no}",
    Words("查看办件：表单、材料、时间线", "Read a case: form, materials, timeline"),
    {200: "StaffCaseAnswer"},
    (*_STAFF, "case_unknown", "data_key_destroyed"),
    tagged=True,
)
RETURN_CASE = Route(
    "POST",
    "/v1/staff/cases/{case_no}/corrections",
    Words(
        "一次性告知申请人需要补正的全部内容",
        "Tell the applicant, once, everything that is to be mended",
    ),
    {201: "CaseMoved"},
    (
        *_STAFF,
        "case_unknown",
        "defect_path_unknown",
        "defect_was_visible",
        "own_case",
        "papers_not_received",
        "stage_changed",
        "version_unknown",
        "case_busy",
        "data_key_destroyed",
    ),
    body=requests.NewNotice,
    if_match="required",
    keyed=True,
    tagged=True,
)
DECIDE_CASE = Route(
    "POST",
    "/v1/staff/cases/{case_no}/decisions",
    Words("记录审批决定", "Record a decision"),
    {201: "DecisionAnswer"},
    (
        *_STAFF,
        "case_unknown",
        "own_case",
        "papers_not_received",
        "promise_open",
        "stage_changed",
        "version_unknown",
        "case_busy",
        "data_key_destroyed",
    ),
    body=requests.NewDecision,
    if_match="required",
    keyed=True,
    tagged=True,
)

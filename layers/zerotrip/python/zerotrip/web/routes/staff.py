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
    (*_STAFF, "case_unknown", "own_case", "data_key_destroyed"),
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
        "applicant_unproven",
        "articles_missing",
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
_WINDOW = (
    "window_code_unknown",
    "own_case",
    "login_busy",
    "identity_number_wrong",
    "document_wrong",
    "name_differs",
)
SEE_PERSON = Route(
    "POST",
    "/v1/staff/identities",
    Words(
        "窗口核验：记录已当面核验本人和证件",
        "At the window: the person and the document were seen",
    ),
    {201: "SeenAnswer"},
    (*_STAFF, *_WINDOW, "proven_as_another", "subject_deceased", "data_key_destroyed"),
    body=requests.SeenPerson,
    keyed=True,
)
RECORD_GUARDIAN = Route(
    "POST",
    "/v1/staff/guardians",
    Words(
        "登记监护关系：已核验监护人和户口簿等证明",
        "Record whose guardian somebody is, whose papers were seen",
    ),
    {201: "GuardianAnswer"},
    (
        *_STAFF,
        *_WINDOW,
        "identity_level_too_low",
        "guardian_wrong",
        "minor_wrong",
        "data_key_destroyed",
    ),
    body=requests.SeenPerson,
    keyed=True,
)
LIST_KIN = Route(
    "GET",
    "/v1/staff/kin",
    Words("我申报的回避关系", "Relations that I declared"),
    {200: "KinAnswer"},
    _STAFF,
)
DECLARE_KIN = Route(
    "POST",
    "/v1/staff/kin",
    Words(
        "申报回避关系：亲属或者本人的单位",
        "Declare a relative, or a body of my own, whose cases I must not handle",
    ),
    {201: "KinAnswer"},
    (*_STAFF, "identity_number_wrong"),
    body=requests.NewKin,
    keyed=True,
)

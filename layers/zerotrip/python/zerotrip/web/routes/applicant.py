"""What citizens, companies and their mini-programs call."""

from __future__ import annotations

from zerotrip.web import requests
from zerotrip.web.route import Route, Words

_LOGIN = (
    "company_code_wrong",
    "identity_conflict",
    "power_expired",
    "power_revoked",
    "representative_changed",
    "subject_deceased",
    "subject_deregistered",
    "id_token_audience_wrong",
    "id_token_claim_invalid",
    "id_token_claim_missing",
    "id_token_key_unknown",
    "id_token_nonce_wrong",
    "identity_provider_unavailable",
    "login_busy",
    "login_code_refused",
    "officer_suspended",
    "subject_kind_unknown",
    "wechat_code_invalid",
    "wechat_code_used",
    "wechat_rate_limited",
    "wechat_unavailable",
    "wechat_user_blocked",
    "data_key_destroyed",
)
_CASE = ("case_unknown",)
_COMMAND = (*_CASE, "stage_changed", "version_unknown", "case_busy")
_OPENS = ("data_key_destroyed",)  # routes that read what a person wrote
_APPLIES = (
    "agents_forbidden",
    "document_not_accepted",
    "guardian_at_window",
    "guardian_needed",
)
_REGISTERED = ("register_name_differs",)  # what looking a material up may tell
_WHO = (*_APPLIES, "applicant_differs", "identity_level_too_low")
_UPLOAD = (
    "material_unknown",
    "material_not_acceptable",
    "upload_slot_busy",
)

OPEN_SESSION = Route(
    "POST",
    "/v1/sessions",
    Words(
        "登录：用小程序登录码或统一身份认证授权码换取令牌",
        "Sign in: a mini-program login code or an OIDC code becomes a token",
    ),
    {201: "SessionAnswer"},
    _LOGIN,
    body=requests.Login,
)
REFRESH_SESSION = Route(
    "POST",
    "/v1/sessions/refresh",
    Words(
        "续期：换取新的令牌，旧的刷新令牌作废（十秒内重试得到同一个新令牌）",
        "Refresh: the next pair of tokens; again within 10 seconds, the same one",
    ),
    {200: "SessionAnswer"},
    ("session_refused", "officer_suspended", "session_busy"),
    body=requests.Refresh,
)
END_SESSION = Route(
    "DELETE",
    "/v1/sessions",
    Words("退出登录", "Sign out"),
    {204: None},
    ("session_busy",),
)
_BIND = (
    *(code for code in _LOGIN if not code.startswith(("company", "power", "repr"))),
    "bind_only_persons",
    "identity_level_too_low",
    "login_bound_elsewhere",
    "proof_not_fresh",
    "too_many_logins",
)
LIST_BINDINGS = Route(
    "GET",
    "/v1/sessions/bindings",
    Words("我的登录方式和实名等级", "My logins, and how well I am proven"),
    {200: "BindingsAnswer"},
)
BIND_LOGIN = Route(
    "POST",
    "/v1/sessions/bindings",
    Words(
        "绑定另一个登录方式（两边都须刚刚登录）",
        "Make a further login mine, by a fresh proof of both",
    ),
    {201: "BindingsAnswer"},
    _BIND,
    body=requests.Login,
)
UNBIND_LOGIN = Route(
    "DELETE",
    "/v1/sessions/bindings/{binding_id}",
    Words("解除一个登录方式", "Take a login away"),
    {204: None},
    (
        "bind_only_persons",
        "binding_unknown",
        "last_login",
        "login_busy",
        "officer_login_stays",
        "only_proof",
        "proof_not_fresh",
    ),
)
OPEN_WINDOW_CODE = Route(
    "POST",
    "/v1/sessions/window-codes",
    Words(
        "窗口核验码：出示给窗口工作人员，由其核验证件",
        "A code to show at a window, where an officer looks at the document",
    ),
    {201: "WindowCodeAnswer"},
    ("bind_only_persons", "session_busy"),
    body=requests.Nothing,
    body_optional=True,
)
LIST_POWERS = Route(
    "GET",
    "/v1/powers",
    Words("我的委托：给出的和收到的", "Authorisations that I gave, hold or am offered"),
    {200: "PowersAnswer"},
    _OPENS,
)
OFFER_POWER = Route(
    "POST",
    "/v1/powers",
    Words("委托他人代办", "Let somebody act for me"),
    {201: "PowerAnswer"},
    (
        "agents_forbidden",
        "guardian_needed",
        "identity_level_too_low",
        "item_unknown",
        "power_invalid",
        "power_not_yours_to_give",
        *_OPENS,
    ),
    body=requests.NewPower,
    keyed=True,
)
ACCEPT_POWER = Route(
    "POST",
    "/v1/powers/{power_id}/acceptance",
    Words("接受委托", "Take an authorisation that was offered to me"),
    {200: "PowerAnswer"},
    (
        "guardian_needed",
        "identity_level_too_low",
        "power_not_offered",
        "power_unknown",
        "powers_busy",
        *_OPENS,
    ),
    body=requests.Nothing,
    body_optional=True,
)
OPEN_POWER_SESSION = Route(
    "POST",
    "/v1/powers/{power_id}/sessions",
    Words("以委托人的名义办理：取得新的会话", "A session in which I act for them"),
    {201: "SessionAnswer"},
    ("power_unknown",),
    body=requests.Nothing,
    body_optional=True,
)
REVOKE_POWER = Route(
    "DELETE",
    "/v1/powers/{power_id}",
    Words("撤销或者辞去委托，立即生效", "End an authorisation, at once"),
    {204: None},
    ("guardian_stays", "power_unknown", "powers_busy", "representative_stays"),
)
LIST_APPLICATIONS = Route(
    "GET",
    "/v1/applications",
    Words("我的申请草稿", "My drafts"),
    {200: "ApplicationsAnswer"},
    ("request_invalid",),
    query=("limit",),
)
START_APPLICATION = Route(
    "POST",
    "/v1/applications",
    Words("新建申请", "Begin an application"),
    {201: "ApplicationAnswer"},
    (
        *_APPLIES,
        "audience_company",
        "audience_person",
        "item_unknown",
        "power_missing",
        *_REGISTERED,
    ),
    body=requests.NewApplication,
    keyed=True,
    tagged=True,
)
READ_APPLICATION = Route(
    "GET",
    "/v1/applications/{application_id}",
    Words("查看申请草稿", "Read a draft"),
    {200: "ApplicationAnswer"},
    ("application_unknown", *_OPENS),
    tagged=True,
)
SAVE_APPLICATION = Route(
    "PUT",
    "/v1/applications/{application_id}",
    Words(
        "保存申请表（可以暂不完整）",
        "Save the form, which may still be incomplete",
    ),
    {200: "ApplicationAnswer"},
    (
        *_APPLIES,
        "applicant_differs",
        "application_unknown",
        "application_submitted",
        "draft_changed",
        *_OPENS,
    ),
    body=requests.SavedForm,
    if_match="required",
    tagged=True,
)
ADD_MATERIAL = Route(
    "POST",
    "/v1/applications/{application_id}/materials",
    Words("取得材料上传表单", "Get the form that uploads one material"),
    {201: "UploadAnswer"},
    (
        *_APPLIES,
        "application_unknown",
        "application_submitted",
        "material_not_asked",
        *_REGISTERED,
        *_UPLOAD,
        *_OPENS,
    ),
    body=requests.NewMaterial,
    keyed=True,
)
LIST_VAULT = Route(
    "GET",
    "/v1/vault",
    Words("我的材料库：以往上传、可再次使用的文件", "My vault: files handed up before"),
    {200: "VaultAnswer"},
    ("request_invalid",),
    query=("limit",),
)
REUSE_MATERIAL = Route(
    "POST",
    "/v1/applications/{application_id}/materials/{material}/reuse",
    Words(
        "经本人同意，用材料库中的文件作为此项材料",
        "Let a file of one's vault stand for a material, by one's own consent",
    ),
    {201: "ReuseAnswer"},
    (
        *_APPLIES,
        "application_unknown",
        "application_submitted",
        "consent_missing",
        "material_not_asked",
        "purpose_personal",
        "vault_entry_unknown",
        "vault_material_other",
        "vault_material_too_old",
        "vault_reuse_not_offered",
        *_UPLOAD,
        *_OPENS,
    ),
    body=requests.NewReuse,
    keyed=True,
)
SUBMIT_APPLICATION = Route(
    "POST",
    "/v1/applications/{application_id}/submission",
    Words("提交申请，取得办件编号", "Hand it in and get the case number"),
    {202: "SubmissionAnswer"},
    (
        *_WHO,
        "application_unknown",
        "case_numbers_busy",
        "item_unknown",
        "form_invalid",
        *_REGISTERED,
        "material_source_changed",
        "material_unchecked",
        "promise_not_possible",
        "draft_changed",
        *_OPENS,
    ),
    body=requests.Submission,
    body_optional=True,
    if_match="optional",
    keyed=True,
)
LIST_CASES = Route(
    "GET",
    "/v1/cases",
    Words("我的办件", "My cases"),
    {200: "CasesAnswer"},
    ("request_invalid",),
    query=("limit",),
)
READ_CASE = Route(
    "GET",
    "/v1/cases/{case_no}",
    Words(
        "查看办件：阶段、待办、时间线",
        "Read a case: stage, what is asked of me, timeline",
    ),
    {200: "CaseAnswer"},
    _CASE,
    tagged=True,
)
ADD_CASE_MATERIAL = Route(
    "POST",
    "/v1/cases/{case_no}/materials",
    Words("取得补正材料上传表单", "Get the form that uploads a material asked for"),
    {201: "UploadAnswer"},
    (*_CASE, "agents_forbidden", "materials_not_asked", *_UPLOAD),
    body=requests.NewMaterial,
    keyed=True,
)
CORRECT_CASE = Route(
    "POST",
    "/v1/cases/{case_no}/corrections",
    Words(
        "提交补正，或补交承诺的材料",
        "Hand in corrections, or what was promised",
    ),
    {200: "CaseMoved"},
    (
        *_COMMAND,
        *_WHO,
        "form_invalid",
        "form_under_review",
        "material_unchecked",
        "promise_not_possible",
        "promised_material_missing",
        *_OPENS,
    ),
    body=requests.NewCorrections,
    body_optional=True,
    if_match="required",
    keyed=True,
    tagged=True,
)
WITHDRAW_CASE = Route(
    "POST",
    "/v1/cases/{case_no}/withdrawal",
    Words("撤回申请", "Withdraw"),
    {200: "CaseMoved"},
    (*_COMMAND, "agents_forbidden"),
    body=requests.Nothing,
    body_optional=True,
    if_match="required",
    keyed=True,
    tagged=True,
)
PAY_CASE = Route(
    "POST",
    "/v1/cases/{case_no}/payments",
    Words("发起缴费，取得支付参数", "Pay: get what the payment call needs"),
    {201: "PaymentAnswer"},
    (
        *_CASE,
        "bill_expired",
        "bill_not_ready",
        "bill_settled",
        "bill_unknown",
        "channel_unavailable",
        "channel_unknown",
        "nothing_to_pay",
        "payer_unknown",
        "payment_begun_otherwise",
        "payment_number_used",
        "payment_order_closed",
        "stage_changed",
        "subject_unknown",
        "version_unknown",
        *_OPENS,
    ),
    body=requests.NewPayment,
    if_match="required",
    keyed=True,
)
LIST_NOTICES = Route(
    "GET",
    "/v1/notices",
    Words("我的通知", "My notices"),
    {200: "NoticesAnswer"},
    ("request_invalid",),
    query=("limit",),
)
MARK_NOTICE_READ = Route(
    "POST",
    "/v1/notices/{notice_id}/read",
    Words("标为已读", "Mark as read"),
    {204: None},
    ("notice_unknown", "inbox_busy"),
    body=requests.Nothing,
    body_optional=True,
)
READ_LICENCE = Route(
    "GET",
    "/v1/licences/{licence_id}",
    Words("查看我的证照", "Read my licence"),
    {200: "LicenceAnswer"},
    ("licence_unknown",),
)
READ_LICENCE_DOCUMENT = Route(
    "GET",
    "/v1/licences/{licence_id}/document",
    Words(
        "下载我的证照（60秒内有效的地址）",
        "The signed file, by an address that opens for 60 seconds",
    ),
    {303: None},
    ("licence_unknown", "licence_not_registered"),
)

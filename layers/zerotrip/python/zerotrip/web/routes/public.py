"""What anyone may call, without signing in."""

from __future__ import annotations

from zerotrip.web.route import Route, Words

READ_KEYS = Route(
    "GET",
    "/.well-known/jwks.json",
    Words("验证令牌的公钥", "The public keys of our tokens"),
    {200: "KeysAnswer"},
    tagged=True,
)
LIST_ITEMS = Route(
    "GET",
    "/v1/items",
    Words(
        "可办事项：可按文字（含拼音）、对象、部门、主题查找",
        "What can be applied for; by words (pinyin too), audience, department, theme",
    ),
    {200: "ItemsAnswer"},
    ("request_invalid",),
    query=("q", "audience", "department", "theme", "after", "limit"),
    tagged=True,
)
READ_ITEM = Route(
    "GET",
    "/v1/items/{item_code}",
    Words(
        "事项详情：表单、材料、时限、费用",
        "An item: form, materials, time limits, fees",
    ),
    {200: "ItemAnswer"},
    ("item_unknown",),
    tagged=True,
)
READ_GUIDE = Route(
    "GET",
    "/v1/items/{item_code}/guide",
    Words("办事指南", "The guide of an item: all that must be told"),
    {200: "GuideAnswer"},
    ("item_unknown",),
    tagged=True,
)
READ_GUIDE_PAGE = Route(
    "GET",
    "/v1/items/{item_code}/guide/page",
    Words("办事指南（可打印网页）", "The guide as a page to read or print"),
    {200: None},
    ("item_unknown", "guide_page_absent"),
    tagged=True,
    page=True,
)
VERIFY_LICENCE = Route(
    "GET",
    "/v1/verifications/{licence_id}",
    Words("核验证照（不含持证人信息）", "Verify a licence; nothing about its holder"),
    {200: "VerificationAnswer"},
    (
        "issuer_unknown",
        "licence_unknown",
        "licence_id_malformed",
        "licence_id_check_wrong",
    ),
)

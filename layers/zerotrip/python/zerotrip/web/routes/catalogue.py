"""What editors and reviewers of items call: the officer's file becomes a service."""

from __future__ import annotations

from zerotrip.web import requests
from zerotrip.web.route import Route, Words

_STAFF = ("officer_unknown", "officer_suspended")
_FILES = ("catalogue_folder_wrong", "item_folder_missing")
_COMMAND = (*_STAFF, "item_unknown", "item_changed", "item_stage_other")

CHECK_ITEM = Route(
    "POST",
    "/v1/catalogue/checks",
    Words(
        "检查事项文件：逐项列出问题，不保存",
        "Check an item's files: everything that is wrong; nothing is kept",
    ),
    {200: "CheckedItem"},
    (*_STAFF, *_FILES),
    body=requests.ItemFiles,
)
PROPOSE_ITEM = Route(
    "POST",
    "/v1/catalogue/items",
    Words("送审：提交事项新版本", "Send a revision of an item to both offices"),
    {201: "ItemProposal"},
    (
        *_STAFF,
        *_FILES,
        "item_changed",
        "item_not_acceptable",
        "item_owner_other",
        "item_revision_older",
    ),
    body=requests.ItemFiles,
    if_match="optional",
    keyed=True,
    tagged=True,
)
READ_PROPOSAL = Route(
    "GET",
    "/v1/catalogue/items/{item_code}",
    Words(
        "查看送审版本：状态、意见、与现行版本的差异",
        "Where a revision stands, what was said, how it differs from what is offered",
    ),
    {200: "ItemProposal"},
    (*_STAFF, "item_unknown"),
    tagged=True,
)
REVIEW_ITEM = Route(
    "POST",
    "/v1/catalogue/items/{item_code}/reviews",
    Words("审核：机构编制、法制部门的意见", "The answer of one of the two offices"),
    {201: "ItemProposal"},
    (*_COMMAND, "item_reviewed_by_one"),
    body=requests.ItemReview,
    if_match="required",
    keyed=True,
    tagged=True,
)
SCHEDULE_ITEM = Route(
    "POST",
    "/v1/catalogue/items/{item_code}/publication",
    Words("发布：确定生效日期", "Publish: from which day it is offered"),
    {202: "ItemProposal"},
    (*_COMMAND, "effective_day_past"),
    body=requests.ItemPublication,
    if_match="required",
    keyed=True,
    tagged=True,
)

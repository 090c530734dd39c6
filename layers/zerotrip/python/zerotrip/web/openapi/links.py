"""OpenAPI links: which call comes next, and what it takes from the answer before. Pure.

Clients read the order of a case off them; so does whoever tests the interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_TAG = {"If-Match": "$response.header.ETag"}
_DRAFT = {"application_id": "$response.body#/application_id"}
_CASE = {"case_no": "$response.body#/case_no"}


@dataclass(frozen=True, slots=True)
class Link:
    """From a success of one operation to another; `takes`: parameter to expression."""

    origin: str
    status: int
    target: str
    takes: Mapping[str, str]


LINKS = (
    Link("list_items", 200, "read_item",
         {"item_code": "$response.body#/items/0/item_code"}),
    Link("list_applications", 200, "read_application",
         {"application_id": "$response.body#/applications/0/application_id"}),
    Link("start_application", 201, "read_application", _DRAFT),
    Link("start_application", 201, "save_application", {**_DRAFT, **_TAG}),
    Link("start_application", 201, "add_material", _DRAFT),
    Link("read_application", 200, "save_application", {**_DRAFT, **_TAG}),
    Link("read_application", 200, "submit_application", {**_DRAFT, **_TAG}),
    Link("save_application", 200, "add_material", _DRAFT),
    Link("save_application", 200, "submit_application", {**_DRAFT, **_TAG}),
    Link("list_vault", 200, "reuse_material",
         {"material": "$response.body#/files/0/used_as/0/material"}),
    Link("submit_application", 202, "read_case", _CASE),
    Link("list_cases", 200, "read_case",
         {"case_no": "$response.body#/cases/0/case_no"}),
    Link("read_case", 200, "add_case_material", _CASE),
    Link("read_case", 200, "correct_case", {**_CASE, **_TAG}),
    Link("read_case", 200, "withdraw_case", {**_CASE, **_TAG}),
    Link("read_case", 200, "pay_case", {**_CASE, **_TAG}),
    Link("read_case", 200, "read_licence",
         {"licence_id": "$response.body#/licence_id"}),
    Link("list_notices", 200, "mark_notice_read",
         {"notice_id": "$response.body#/notices/0/id"}),
    Link("read_licence", 200, "read_licence_document",
         {"licence_id": "$response.body#/licence_id"}),
    Link("read_licence", 200, "verify_licence",
         {"licence_id": "$response.body#/licence_id"}),
    Link("read_worklist", 200, "read_staff_case",
         {"case_no": "$response.body#/tasks/0/case_no"}),
    Link("read_staff_case", 200, "decide_case", {**_CASE, **_TAG}),
)  # fmt: skip


def links_of(origin: str, status: int) -> Json:
    """The `links` object of one answer; empty where nothing follows."""
    return {
        link.target: {"operationId": link.target, "parameters": dict(link.takes)}
        for link in LINKS
        if (link.origin, link.status) == (origin, status)
    }

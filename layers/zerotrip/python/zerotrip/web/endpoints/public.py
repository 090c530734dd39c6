"""What anyone may ask: the items, and the keys that check our tokens."""

from __future__ import annotations

import re

from zerotrip.catalogue import snapshot
from zerotrip.catalogue.guide import guide
from zerotrip.catalogue.pages import page_key
from zerotrip.kernel.aggregate import digest
from zerotrip.kernel.errors import Fault, Invalid, NotFound
from zerotrip.web import views
from zerotrip.web.dependencies import Public
from zerotrip.web.endpoints.licences import verify_licence
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.route import Route
from zerotrip.web.routes import public as routes
from zerotrip.web.serving import Endpoint

# As long as a pointer to the current revision is remembered (`catalogue.publication`).
ITEMS_CACHED = "public, max-age=30"
KEYS_CACHED = "public, max-age=300"


def list_items(request: Request, deps: Public) -> Reply:
    """What can be applied for and holds all that is looked for, page by page."""
    offered = deps.catalogue.listed(deps.tenant)
    found = snapshot.matching(offered, _wanted(request))
    page = snapshot.page(found, request.query.get("after", ""), request.limit)
    body = {
        "items": [views.item_summary(each) for each in page.items],
        "total": page.total,
        "next": page.next_after,
    }
    headers = {"ETag": f'"{digest(body)}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, body, headers)


def read_item(request: Request, deps: Public) -> Reply:
    """One item: what its form, materials, time limits and fees are."""
    pinned = deps.catalogue.current(deps.tenant, request.path["item_code"])
    shown = views.item(pinned.item)
    headers = {"ETag": f'"{digest(shown)}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, shown, headers)


def read_guide(request: Request, deps: Public) -> Reply:
    """All that must be told of an item."""
    pinned = deps.catalogue.current(deps.tenant, request.path["item_code"])
    told = guide(pinned.item)
    headers = {"ETag": f'"{digest(told)}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, told, headers)


def read_guide_page(request: Request, deps: Public) -> Reply:
    """The same as a page, made when the item was published."""
    code = request.path["item_code"]
    pinned = deps.catalogue.current(deps.tenant, code)
    kept = deps.catalogue.objects.get(page_key(code, pinned.digest))
    if kept is None:
        raise NotFound(
            "guide_page_absent",
            "该事项的办事指南网页尚未生成，请稍后再试。",
            "The page of this guide was not made yet: read the guide as JSON.",
        )
    headers = {"ETag": f'"{pinned.digest}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, None, headers, "text/html; charset=utf-8", kept.content.decode())


_FILTERS: dict[str, tuple[re.Pattern[str], str, str]] = {
    "q": (
        re.compile(r".{0,100}", re.DOTALL),
        "最多100个字符",
        "at most 100 characters",
    ),
    "audience": (
        re.compile("person|company"),
        "请选择个人或者法人",
        "is person or company",
    ),
    "department": (
        re.compile(r"[a-z][a-z0-9-]{0,31}"),
        "请从所列部门中选择",
        "is a department's code",
    ),
    "theme": (
        re.compile(r"[a-z][a-z0-9_]{0,39}"),
        "请从所列主题中选择",
        "is a theme's code",
    ),
    "after": (
        re.compile(r"[0-9A-Z]{31}"),
        "请从第一页重新查看",
        "is the last item's code of the page before",
    ),
}


def _wanted(request: Request) -> snapshot.Wanted:
    """What is looked for. Raises Invalid with every filter that is none."""
    query = request.query
    faults = [
        Fault(f"?{name}", f"{name}_wrong", f"{name}{zh}。", f"{name} {en}.")
        for name, (shape, zh, en) in _FILTERS.items()
        if name in query and not shape.fullmatch(query[name])
    ]
    if faults:
        raise Invalid(
            "request_invalid",
            "请求内容有误，请按提示逐项修改。",
            "The request has faults: mend them all, then send it again.",
            faults=faults,
        )
    return snapshot.Wanted(
        words=query.get("q", ""),
        audience=query.get("audience"),
        department=query.get("department"),
        theme=query.get("theme"),
    )


def read_keys(_: Request, deps: Public) -> Reply:
    """The public keys of our tokens."""
    keys = dict(deps.jwks())
    headers = {"ETag": f'"{digest(keys)}"', "Cache-Control": KEYS_CACHED}
    return Reply(200, keys, headers)


ENDPOINTS: tuple[tuple[Route, Endpoint[Public]], ...] = (
    (routes.READ_KEYS, read_keys),
    (routes.LIST_ITEMS, list_items),
    (routes.READ_ITEM, read_item),
    (routes.READ_GUIDE, read_guide),
    (routes.READ_GUIDE_PAGE, read_guide_page),
    (routes.VERIFY_LICENCE, verify_licence),
)

"""What anyone may ask: the items, and the keys that check our tokens."""

from __future__ import annotations

from zerotrip.kernel.aggregate import digest
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


def list_items(_: Request, deps: Public) -> Reply:
    """Everything that can be applied for."""
    found = [views.item_summary(each) for each in deps.catalogue.listed(deps.tenant)]
    headers = {"ETag": f'"{digest(found)}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, {"items": found}, headers)


def read_item(request: Request, deps: Public) -> Reply:
    """One item: what its form, materials, time limits and fees are."""
    pinned = deps.catalogue.current(deps.tenant, request.path["item_code"])
    shown = views.item(pinned.item)
    headers = {"ETag": f'"{digest(shown)}"', "Cache-Control": ITEMS_CACHED}
    return Reply(200, shown, headers)


def read_keys(_: Request, deps: Public) -> Reply:
    """The public keys of our tokens."""
    keys = dict(deps.jwks())
    headers = {"ETag": f'"{digest(keys)}"', "Cache-Control": KEYS_CACHED}
    return Reply(200, keys, headers)


ENDPOINTS: tuple[tuple[Route, Endpoint[Public]], ...] = (
    (routes.READ_KEYS, read_keys),
    (routes.LIST_ITEMS, list_items),
    (routes.READ_ITEM, read_item),
    (routes.VERIFY_LICENCE, verify_licence),
)

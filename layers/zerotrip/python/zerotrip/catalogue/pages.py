"""The guide as a page that a person reads on a telephone, or prints on A4."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zerotrip.catalogue.guide import guide
from zerotrip.catalogue.model import Item
from zerotrip.kernel.objects import AlreadyWritten, Objects

if TYPE_CHECKING:
    from jinja2 import Template


TEMPLATE = Path(__file__).with_name("guide.html.jinja")


def guide_page(item: Item) -> bytes:
    """The page, UTF-8 HTML: Chinese first, English beside it."""
    return _template().render(guide=guide(item), yuan=_yuan).encode()


def keep_page(objects: Objects, item: Item, digest: str) -> None:
    """Makes the page of a published revision and keeps it; the first one stays."""
    key = page_key(item.code, digest)
    try:
        objects.put_once(key, guide_page(item), content_type="text/html; charset=utf-8")
    except AlreadyWritten:
        return


def page_key(code: str, digest: str) -> str:
    """The object in which the page of a published revision is kept."""
    return f"guides/{code}/{digest}.html"


def _yuan(charge: Mapping[str, Any]) -> str:
    fen = int(charge["amount_fen"])
    return f"{fen // 100}.{fen % 100:02}"


@functools.cache
def _template() -> Template:
    # Late: only the function that publishes carries Jinja2.
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))

"""The HTTPS application public_api: routes by Chalice, endpoints in the layer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from zerotrip.runtime.logs import logger
from zerotrip.web.endpoints.public import ENDPOINTS
from zerotrip.web.serving import chalice_app

if TYPE_CHECKING:
    from zerotrip.web.dependencies import Public


@functools.cache
def dependencies() -> Public:
    """Made at the first request, once per process."""
    from zerotrip.runtime import doors

    return doors.public()


app = chalice_app("public_api", ENDPOINTS, dependencies, logger)

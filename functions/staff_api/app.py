"""The HTTPS application staff_api: routes by Chalice, endpoints in the layer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from zerotrip.runtime.logs import logger
from zerotrip.web.endpoints.staff import ENDPOINTS
from zerotrip.web.serving import chalice_app

if TYPE_CHECKING:
    from zerotrip.web.dependencies import Staff


@functools.cache
def dependencies() -> Staff:
    """Made at the first request, once per process."""
    from zerotrip.runtime import doors

    return doors.staff()


app = chalice_app("staff_api", ENDPOINTS, dependencies, logger)

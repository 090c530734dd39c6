"""The HTTPS application catalogue_api: routes by Chalice, endpoints in the layer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from zerotrip.runtime.logs import logger
from zerotrip.web.endpoints.catalogue import ENDPOINTS
from zerotrip.web.serving import chalice_app

if TYPE_CHECKING:
    from zerotrip.web.dependencies import Editors


@functools.cache
def dependencies() -> Editors:
    """Made at the first request, once per process."""
    from zerotrip.runtime import doors

    return doors.editors()


app = chalice_app("catalogue_api", ENDPOINTS, dependencies, logger)

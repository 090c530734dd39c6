"""The HTTPS application applicant_api: routes by Chalice, endpoints in the layer."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from zerotrip.runtime.logs import logger
from zerotrip.web.endpoints.applicant import ENDPOINTS
from zerotrip.web.serving import chalice_app

if TYPE_CHECKING:
    from zerotrip.web.dependencies import Applicant


@functools.cache
def dependencies() -> Applicant:
    """Made at the first request, once per process."""
    from zerotrip.runtime import doors

    return doors.applicant()


app = chalice_app("applicant_api", ENDPOINTS, dependencies, logger)

"""One or more examples of each body. Synthetic: nobody has these names and numbers."""

from __future__ import annotations

from zerotrip.web.openapi.examples.answered import ANSWERED, TOLD_TO_PARTNERS
from zerotrip.web.openapi.examples.asked import ASKED
from zerotrip.web.openapi.examples.items import ITEMS
from zerotrip.web.openapi.examples.shown import Json

EXAMPLES: dict[str, Json] = {
    **{
        name: {key: {"value": value} for key, value in examples.items()}
        for name, examples in ASKED.items()
    },
    **{
        name: {"example": {"value": value}}
        for name, value in {**ANSWERED, **ITEMS}.items()
    },
    "PartnerRefusal": {
        name: {"value": value} for name, value in TOLD_TO_PARTNERS.items()
    },
}
"""By shape: OpenAPI's `examples` object."""

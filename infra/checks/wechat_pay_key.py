"""A detector of its own for detect-secrets: the key of WeChat Pay's API version 3.

32 letters and digits that are used as an AES key as they stand. No prefix tells what
it is, and its entropy is often under the limit of the general detectors.
"""

from __future__ import annotations

import re

from detect_secrets.plugins.base import RegexBasedDetector


class WeChatPayKeyDetector(RegexBasedDetector):
    """32 letters and digits beside the name of such a key."""

    secret_type = "WeChat Pay API v3 key"  # noqa: S105  (its title)
    denylist = (
        re.compile(
            r"(?:api[_-]?v?3?[_-]?key|api_?v3|mch(?:id)?[_-]?key|merchant[_-]?key)"
            r"[\"'\]]*\s*(?::|=|\(|,)\s*[\"']?([0-9a-z]{32})(?![0-9a-z])",
            re.IGNORECASE,
        ),
    )

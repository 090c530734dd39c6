"""What partners call. Bodies are raw bytes in the partner's own scheme."""

from __future__ import annotations

from zerotrip.web.route import Route, Words

RECEIVE_CALLBACK = Route(
    "POST",
    "/v1/partners/{partner}/callbacks",
    Words(
        "合作方回调（按合作方自己的签名方式）",
        "A partner's callback, signed the partner's own way",
    ),
    # The answers are the partner's too: WeChat Pay asks for 200 or 204 and its own
    # failure object, Standard Webhooks for any 2xx.
    {200: None, 204: None},
    raw=True,
)

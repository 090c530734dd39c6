"""Where payment channel and courier call back: the fact is stored, then acknowledged.

A partner is answered in its own words; only who is no partner gets a problem document.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from chalice.app import Chalice, Response

from zerotrip.kernel.errors import AlreadyDone, Refused, Retry, ZeroTripError
from zerotrip.runtime.logs import logger, said, unforeseen

app = Chalice("partner_webhooks", configure_logs=False)

Wire = tuple[int, Mapping[str, str], bytes]


@dataclass(frozen=True)
class Partner:
    """How one partner's callback is stored, and how that partner is answered."""

    store: Callable[[Mapping[str, str], bytes], Any]
    success: Callable[[], Wire]
    failure: Callable[[str, int], Wire]


def wechat_pay() -> Partner:
    """The payment channel. Its keys are read at its first notice."""
    from zerotrip.payments.callbacks import payment_notice
    from zerotrip.payments.channels.wechat_pay import failure_answer, success_answer
    from zerotrip.runtime.wiring import payment_callback_deps

    return Partner(
        lambda headers, body: payment_notice(headers, body, payment_callback_deps()),
        success_answer,
        failure_answer,
    )


def courier() -> Partner:
    """The carrier. Its secrets are read at its first callback."""
    from zerotrip.deliveries.callbacks import parcel_callback
    from zerotrip.deliveries.clients.courier import failure_answer, success_answer
    from zerotrip.runtime.wiring import parcel_callback_deps

    return Partner(
        lambda headers, body: parcel_callback(headers, body, parcel_callback_deps()),
        success_answer,
        failure_answer,
    )


PARTNERS = {
    "wechat_pay": functools.cache(wechat_pay),
    "courier": functools.cache(courier),
}


# No content type is refused: a partner chooses its own, and what counts is its bytes.
@app.route("/v1/partners/{partner}/callbacks", methods=["POST"], content_types=[])
def receive_callback(partner: str) -> Response:
    """One callback of one partner."""
    if partner not in PARTNERS:
        return _no_partner()
    status, headers, body = _answer(partner, PARTNERS[partner]())
    return Response(body.decode(), headers=dict(headers), status_code=status)


def _answer(name: str, partner: Partner) -> Wire:
    request = app.current_request
    logged = {"partner": name, "request": request.context.get("requestId", "")}
    try:
        event = partner.store(dict(request.headers), request.raw_body)
    except AlreadyDone as done:
        logger().info(done.en, **logged, **said(done))
        return partner.success()
    except ZeroTripError as error:
        status = _status_of(error)
        log = logger().error if status >= 500 else logger().warning
        log(error.en, **logged, **said(error))
        return partner.failure(error.code, status)
    except Exception as error:  # noqa: BLE001  # the partner is answered, the log told
        logger().error(
            "Nobody foresaw this.",
            **{**logged, **unforeseen(error), "code": "internal_error"},
        )
        return partner.failure("internal_error", 500)
    logger().info(
        "COMPLETED", code="callback_stored", type=event.type, event=event.ref, **logged
    )
    return partner.success()


def _status_of(error: ZeroTripError) -> int:
    if isinstance(error, Refused):
        return error.status
    return 503 if isinstance(error, Retry) else 500


def _no_partner() -> Response:
    from zerotrip.web.problems import PartnerUnknown, problem

    error = PartnerUnknown()
    logger().warning(error.en, **said(error))
    reply = problem(error, str(app.current_request.context.get("requestId", "")))
    return Response(
        reply.content(),
        headers={"Content-Type": reply.content_type, **reply.headers},
        status_code=reply.status,
    )

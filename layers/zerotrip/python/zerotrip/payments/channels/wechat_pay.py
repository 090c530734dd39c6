"""WeChat Pay, API v3, mini-program payments in public-key mode.

Source: pay.weixin.qq.com, "小程序支付" (apis of 4012791894 ff.). Money is integer fen.
The bill's id is the channel's `out_trade_no`: the same number for every attempt.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import urllib3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from zerotrip.kernel import times
from zerotrip.kernel.configuration import PartnerSettings, error_code
from zerotrip.kernel.errors import (
    AlreadyDone,
    Conflict,
    GiveUp,
    Malformed,
    Retry,
    Unauthenticated,
    Unavailable,
)
from zerotrip.payments.channels import wechat_pay_signatures as signatures

CURRENCY: Final = "CNY"
_DESCRIPTION_MAX: Final = 127
# The channel's codes without underscores: older pages write SYSTEMERROR, ORDERPAID.
_PASSING: Final = {"SYSTEMERROR", "FREQUENCYLIMITED", "BANKERROR"}
_LASTING: Final = {"OPENIDMISMATCH"}  # comes as a 500, yet no retry helps
_OUR_FAULT: Final = {"SIGNERROR", "NOAUTH", "APPIDMCHIDNOTMATCH", "MCHNOTEXISTS"}
_CONFLICTS: Final = {
    "ORDERPAID": ("payment_already_made", "该账单已支付。", "This bill is paid."),
    "ORDERCLOSED": (
        "payment_order_closed",
        "该账单已关闭，不能再支付。",
        "This bill is closed and can no longer be paid.",
    ),
    "OUTTRADENOUSED": (
        "payment_number_used",
        "该账单号已用于其他内容的支付。",
        "This bill's number was used at the channel with other content.",
    ),
}


class TradeState(StrEnum):
    """What is true of a payment, in the channel's words, and one word of ours."""

    SUCCESS = "SUCCESS"  # the money has arrived
    REFUND = "REFUND"  # it had arrived, some or all went back
    NOTPAY = "NOTPAY"  # opened, not paid yet
    CLOSED = "CLOSED"  # cannot be paid any more
    REVOKED = "REVOKED"
    USERPAYING = "USERPAYING"  # the payer is at it right now
    PAYERROR = "PAYERROR"  # an attempt failed; it may still be paid
    ACCEPT = "ACCEPT"  # taken, waits for the bank
    NOT_OPENED = "NOT_OPENED"  # ours: the channel does not know the number


@dataclass(frozen=True, slots=True)
class WeChatPayConfig(PartnerSettings):
    """Who we are at the channel, and its keys by serial; `url` without a path.

    `platform_serial` asks for the key that answers are to be signed with.
    """

    partner_zh = "微信支付"
    partner_en = "WeChat Pay"

    url: str
    appid: str
    mchid: str
    merchant_serial: str
    merchant_private_key: str = field(repr=False)
    api_v3_key: str = field(repr=False)
    platform_serial: str
    platform_keys: Mapping[str, str] = field(repr=False)
    notify_url: str
    timeout_seconds: float = 5.0


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A bill as the channel knows it: the truth about the money."""

    bill_id: str
    state: TradeState
    transaction_id: str | None = None
    amount_fen: int | None = None
    currency: str = CURRENCY
    payer_openid: str | None = field(repr=False, default=None)
    success_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """One verified notice. Compare amount, currency and payer with the bill's own.

    `to_us` is false where it names another merchant or app than ours.
    """

    notice_id: str
    bill_id: str
    transaction_id: str
    state: TradeState
    amount_fen: int
    currency: str
    payer_openid: str = field(repr=False)
    success_time: datetime
    mchid: str
    appid: str
    to_us: bool = True


class ChannelRefused(GiveUp):
    """The channel said no; `channel_code` is its code without underscores."""

    def __init__(self, http_status: int, channel_code: str) -> None:
        ours = channel_code in _OUR_FAULT
        super().__init__(
            "payment_channel_misconfigured" if ours else "payment_channel_refused",
            "支付渠道拒绝了请求。",
            "The payment channel refused the request.",
            detail={"http_status": http_status, "channel_code": channel_code},
        )
        self.channel_code = channel_code


class WeChatPay:
    """Opens, queries and closes a bill at the channel, and reads its notices."""

    def __init__(
        self,
        config: WeChatPayConfig,
        http: urllib3.PoolManager,
        now: Callable[[], datetime],
    ) -> None:
        self._config = config
        self._http = http
        self._now = now

    def open(
        self,
        bill_id: str,
        amount_fen: int,
        description: str,
        payer_openid: str,
        expires_at: datetime,
    ) -> dict[str, str]:
        """The parameters of `wx.requestPayment`, signed; prepay lives for two hours.

        The same arguments may be sent again at any time. Raises Unavailable (try
        again), Conflict (paid, closed, number used otherwise) or GiveUp.
        """
        try:
            answer = self._ask(
                "POST",
                "/v3/pay/transactions/jsapi",
                {
                    "appid": self._config.appid,
                    "mchid": self._config.mchid,
                    "description": description[:_DESCRIPTION_MAX],
                    "out_trade_no": bill_id,
                    "time_expire": expires_at.astimezone(times.SHANGHAI).isoformat(
                        timespec="seconds"
                    ),
                    "notify_url": self._config.notify_url,
                    "amount": {"total": amount_fen, "currency": CURRENCY},
                    "payer": {"openid": payer_openid},
                },
            )
            return self._client_parameters(str(answer["prepay_id"]))
        except Retry as passing:
            # A person waits for this one, not a queue.
            raise _unavailable(str(passing.detail["reason"])) from passing
        except KeyError as missing:
            raise _unavailable("answer_unreadable") from missing
        except ChannelRefused as refused:
            if refused.channel_code in _CONFLICTS:
                raise Conflict(*_CONFLICTS[refused.channel_code]) from refused
            raise

    def query(self, bill_id: str) -> ChannelState:
        """What the channel knows of a bill. Raises Retry or GiveUp."""
        path = f"/v3/pay/transactions/out-trade-no/{bill_id}?mchid={self._config.mchid}"
        try:
            answer = self._ask("GET", path, None)
            return ChannelState(**_transaction(answer))
        except ChannelRefused as refused:
            if refused.channel_code == "ORDERNOTEXIST":
                return ChannelState(bill_id, TradeState.NOT_OPENED)
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise _passing("answer_unreadable") from wrong

    def close(self, bill_id: str) -> None:
        """See to it that a bill cannot be paid any more; closing again is a success.

        Raises AlreadyDone `payment_already_made` when the money came first, else as
        `query`. A number that the channel never saw counts as closed.
        """
        path = f"/v3/pay/transactions/out-trade-no/{bill_id}/close"
        try:
            self._ask("POST", path, {"mchid": self._config.mchid})
        except ChannelRefused as refused:
            if refused.channel_code == "ORDERPAID":
                raise AlreadyDone(*_CONFLICTS["ORDERPAID"]) from refused
            if refused.channel_code not in {"ORDERCLOSED", "ORDERNOTEXIST"}:
                raise

    def read_notice(self, headers: Mapping[str, str], raw_body: bytes) -> PaymentNotice:
        """What a notice says, from its raw bytes.

        Raises Unauthenticated (see `wechat_pay_signatures.verify`) or Malformed. The
        channel sends a notice many times: `transaction_id` and state are the cause.
        """
        signatures.verify(headers, raw_body, self._platform_keys, self._now())
        try:
            notice = json.loads(raw_body)
            if notice["event_type"] != "TRANSACTION.SUCCESS":
                raise _unreadable("payment_notice_type_unknown")
            if notice["resource"]["algorithm"] != "AEAD_AES_256_GCM":
                raise _unreadable("payment_notice_algorithm_unknown")
            plain = signatures.unseal(self._config.api_v3_key, notice["resource"])
            resource = json.loads(plain)
            mchid, appid = str(resource["mchid"]), str(resource["appid"])
            read = PaymentNotice(
                notice_id=str(notice["id"]),
                mchid=mchid,
                appid=appid,
                # Sealed with our key, yet another's: kept for a person to look at.
                to_us=(mchid, appid) == (self._config.mchid, self._config.appid),
                **_transaction(resource),
            )
        except InvalidTag:
            raise _unreadable("payment_notice_not_opened") from None
        except (AttributeError, KeyError, TypeError, ValueError) as wrong:
            raise _unreadable("payment_notice_unreadable") from wrong
        if read.state is not TradeState.SUCCESS:
            # Its type says paid, its content does not: neither is believed.
            raise _unreadable("payment_notice_contradicts_itself")
        return read

    @cached_property
    def _private_key(self) -> RSAPrivateKey:
        return signatures.load_private_key(self._config.merchant_private_key)

    @cached_property
    def _platform_keys(self) -> dict[str, RSAPublicKey]:
        return {
            serial: signatures.load_platform_key(pem)
            for serial, pem in self._config.platform_keys.items()
        }

    def _client_parameters(self, prepay_id: str) -> dict[str, str]:
        timestamp, nonce = str(int(self._now().timestamp())), secrets.token_hex(16)
        package = f"prepay_id={prepay_id}"
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": signatures.sign_lines(
                self._private_key, self._config.appid, timestamp, nonce, package
            ),
        }

    def _authorization(self, method: str, path: str, body: str) -> str:
        timestamp, nonce = str(int(self._now().timestamp())), secrets.token_hex(16)
        signature = signatures.sign_lines(
            self._private_key, method, path, timestamp, nonce, body
        )
        return (
            f'{signatures.SCHEME} mchid="{self._config.mchid}",nonce_str="{nonce}",'
            f'signature="{signature}",timestamp="{timestamp}",'
            f'serial_no="{self._config.merchant_serial}"'
        )

    def _ask(
        self, method: str, path: str, content: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        # Signed and sent must be the same bytes, so the text is made once.
        body = "" if content is None else json.dumps(content, ensure_ascii=False)
        try:
            answer = self._http.request(
                method,
                self._config.url + path,
                body=body.encode() or None,
                headers={
                    "Authorization": self._authorization(method, path, body),
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    "User-Agent": "zerotrip",
                    "Wechatpay-Serial": self._config.platform_serial,
                },
                timeout=self._config.timeout_seconds,
                retries=False,
                redirect=False,
            )
            read = json.loads(answer.data or b"{}")
            if not isinstance(read, dict):
                raise _passing("answer_unreadable")
        except (urllib3.exceptions.HTTPError, ValueError) as passing:
            raise _passing(type(passing).__name__) from None
        if answer.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise _refusal(answer.status, read)
        try:
            signatures.verify(
                answer.headers, answer.data, self._platform_keys, self._now()
            )
        except Unauthenticated as forged:
            raise _passing(forged.code) from forged
        return read


def success_answer() -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body that end the redelivery of a notice."""
    return HTTPStatus.NO_CONTENT.value, {}, b""


def failure_answer(
    code: str, status: int = HTTPStatus.BAD_REQUEST.value
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body after which the channel sends the notice again."""
    body = json.dumps({"code": "FAIL", "message": code}).encode()
    return int(status), {"Content-Type": "application/json"}, body


def _transaction(wire: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that answer and notice share. KeyError, TypeError, ValueError."""
    state = TradeState(wire["trade_state"])
    amount = wire.get("amount") or {}
    success_time = wire.get("success_time")
    read = {
        "bill_id": str(wire["out_trade_no"]),
        "state": state,
        "transaction_id": wire.get("transaction_id") or None,
        "amount_fen": amount.get("total"),
        "currency": amount.get("currency", CURRENCY),
        "payer_openid": (wire.get("payer") or {}).get("openid"),
        "success_time": times.from_text(success_time) if success_time else None,
    }
    if state is TradeState.SUCCESS and (
        type(read["amount_fen"]) is not int or None in read.values()
    ):
        raise ValueError("a paid transaction lacks a field")
    return read


def _refusal(http_status: int, answer: Mapping[str, Any]) -> Retry | ChannelRefused:
    code = answer.get("code")
    plain = error_code(code).replace("_", "") if code else ""
    passing_status = (
        http_status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or http_status == HTTPStatus.TOO_MANY_REQUESTS
    )
    if plain in _PASSING or (passing_status and plain not in _LASTING):
        return _passing(plain or f"http_{http_status}")
    return ChannelRefused(http_status, plain)


def _passing(reason: str) -> Retry:
    return Retry(
        "payment_channel_unavailable",
        "支付渠道暂时没有响应，将自动重试。",
        "The payment channel does not answer; it is tried again.",
        detail={"reason": reason},
    )


def _unavailable(reason: str) -> Unavailable:
    return Unavailable(
        "payment_channel_unavailable",
        "支付渠道暂时没有响应，请稍后再试。",
        "The payment channel does not answer; please try again shortly.",
        detail={"reason": reason},
    )


def _unreadable(code: str) -> Malformed:
    return Malformed(
        code, "支付通知内容无法识别。", "The notice's content is not what was agreed."
    )

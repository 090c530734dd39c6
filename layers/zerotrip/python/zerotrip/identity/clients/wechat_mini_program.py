"""WeChat mini-program login, `code2Session`.

Source: developers.weixin.qq.com, OpenApiDoc, user-login. The codes 40163, 40226,
40013 and 40125 and the text/plain answer are from practice, not from that page.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import urllib3

from zerotrip.kernel.configuration import PartnerSettings
from zerotrip.kernel.errors import (
    Forbidden,
    GiveUp,
    Refused,
    Unauthenticated,
    Unavailable,
)

_REFUSALS: dict[int, tuple[type[Refused], str, str, str]] = {
    40029: (
        Unauthenticated,
        "wechat_code_invalid",
        "登录凭证无效或已过期，请重新登录。",
        "The login code is invalid or has expired; please sign in again.",
    ),
    40163: (
        Unauthenticated,
        "wechat_code_used",
        "登录凭证已被使用，请重新登录。",
        "The login code has been used already; please sign in again.",
    ),
    40226: (
        Forbidden,
        "wechat_user_blocked",
        "微信限制了该账号登录，请联系微信客服或改用其他方式。",
        "WeChat has restricted this account; contact WeChat or sign in another way.",
    ),
    45011: (
        Unavailable,
        "wechat_rate_limited",
        "登录过于频繁，请一分钟后再试。",
        "Too many sign-ins; please try again in a minute.",
    ),
    -1: (
        Unavailable,
        "wechat_unavailable",
        "微信登录暂时繁忙，请稍后再试。",
        "WeChat sign-in is busy; please try again shortly.",
    ),
}


@dataclass(frozen=True, slots=True)
class WeChatMiniProgramConfig(PartnerSettings):
    """Where code2Session answers and who we are there; `url` without a path."""

    partner_zh = "微信小程序登录"
    partner_en = "the WeChat mini-program login"

    url: str
    appid: str
    secret: str = field(repr=False)
    timeout_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class WeChatLogin:
    """Who signed in: `openid` per mini-program, `unionid` per open-platform account.

    `session_key` is left behind on purpose: nothing here decrypts with it.
    """

    openid: str = field(repr=False)
    unionid: str | None = field(repr=False, default=None)


class WeChatMiniProgram:
    """Exchanges the code of `wx.login()`; each code works once, for five minutes."""

    def __init__(
        self, config: WeChatMiniProgramConfig, http: urllib3.PoolManager
    ) -> None:
        self._config = config
        self._http = http

    def exchange(self, code: str) -> WeChatLogin:
        """The person behind a login code.

        Raises Unauthenticated or Forbidden for a code or person that WeChat turns
        down, Unavailable when it is busy, GiveUp when our own appid or secret is wrong.
        """
        answer = self._ask(code)
        error = answer.get("errcode", 0)
        if error:
            raise _refusal(error if isinstance(error, int) else -1)
        openid = answer.get("openid")
        if not isinstance(openid, str) or not openid:
            raise _refusal(-1)
        return WeChatLogin(openid, answer.get("unionid") or None)

    def _ask(self, code: str) -> dict[str, Any]:
        query = urlencode(
            {
                "appid": self._config.appid,
                "secret": self._config.secret,
                "js_code": code,
                "grant_type": "authorization_code",
            }
        )
        try:
            answer = self._http.request(
                "GET",
                f"{self._config.url}/sns/jscode2session?{query}",
                timeout=self._config.timeout_seconds,
                retries=False,
                redirect=False,
            )
            if answer.status != HTTPStatus.OK:
                raise _refusal(-1)
            # The answer calls itself text/plain, so its body decides.
            body = json.loads(answer.data)
        except (urllib3.exceptions.HTTPError, ValueError):
            # `from None`: such an error may quote the URL, which holds the secret.
            raise _refusal(-1) from None
        if not isinstance(body, dict):
            raise _refusal(-1)
        return body


def _refusal(errcode: int) -> Refused | GiveUp:
    if errcode in _REFUSALS:
        kind, code, zh, en = _REFUSALS[errcode]
        return kind(code, zh, en, detail={"errcode": errcode})
    return GiveUp(
        "wechat_misconfigured",
        "微信小程序登录的配置有误，已通知运维人员。",
        "The WeChat mini-program login is misconfigured; the operators are told.",
        detail={"errcode": errcode},
    )

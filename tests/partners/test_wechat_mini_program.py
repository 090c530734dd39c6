"""code2Session: the client against the sandbox, over HTTP."""

from __future__ import annotations

import json
import traceback

import pytest
import urllib3

from infra.local.partners import PEOPLE, Sandboxes
from zerotrip.identity.clients.wechat_mini_program import (
    WeChatMiniProgram,
    WeChatMiniProgramConfig,
)
from zerotrip.kernel.errors import (
    Forbidden,
    GiveUp,
    Unauthenticated,
    Unavailable,
    ZeroTripError,
)


@pytest.fixture
def settings(partners: Sandboxes) -> dict[str, object]:
    return dict(partners.config["identity"]["wechat_mini_program"])


@pytest.fixture
def wechat(settings: dict[str, object], http: urllib3.PoolManager) -> WeChatMiniProgram:
    return WeChatMiniProgram(WeChatMiniProgramConfig.from_json(settings), http)


def a_code(partners: Sandboxes, **wish: object) -> str:
    code = partners.control("identity", "wechat_code", {"person": "zhang"} | wish)
    return str(code["code"])


def test_a_code_becomes_the_openid_and_no_session_key(
    wechat: WeChatMiniProgram, partners: Sandboxes
) -> None:
    login = wechat.exchange(a_code(partners))
    assert login.openid == PEOPLE["zhang"].openid
    assert login.unionid is None
    assert not hasattr(login, "session_key")


def test_a_unionid_is_taken_when_wechat_gives_one(
    wechat: WeChatMiniProgram, partners: Sandboxes
) -> None:
    assert wechat.exchange(a_code(partners, unionid="u-1")).unionid == "u-1"


def test_the_sandbox_answers_as_wechat_does(
    settings: dict[str, str], partners: Sandboxes, http: urllib3.PoolManager
) -> None:
    answer = http.request(
        "GET",
        f"{settings['url']}/sns/jscode2session",
        fields={
            "appid": settings["appid"],
            "secret": settings["secret"],
            "js_code": a_code(partners),
            "grant_type": "authorization_code",
        },
    )
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain"
    assert set(json.loads(answer.data)) == {"openid", "session_key"}


@pytest.mark.parametrize(
    ("wish", "error", "code"),
    [
        ({"age_seconds": 301}, Unauthenticated, "wechat_code_invalid"),
        ({"errcode": 40226}, Forbidden, "wechat_user_blocked"),
        ({"errcode": 45011}, Unavailable, "wechat_rate_limited"),
        ({"errcode": -1}, Unavailable, "wechat_unavailable"),
        ({"errcode": 40999}, GiveUp, "wechat_misconfigured"),
    ],
)
def test_each_refusal_has_its_own_code(
    wechat: WeChatMiniProgram,
    partners: Sandboxes,
    wish: dict[str, int],
    error: type[ZeroTripError],
    code: str,
) -> None:
    with pytest.raises(error) as refused:
        wechat.exchange(a_code(partners, **wish))
    assert refused.value.code == code


def test_a_code_works_once(wechat: WeChatMiniProgram, partners: Sandboxes) -> None:
    code = a_code(partners)
    wechat.exchange(code)
    with pytest.raises(Unauthenticated) as refused:
        wechat.exchange(code)
    assert refused.value.code == "wechat_code_used"


def test_an_unknown_code_is_invalid(wechat: WeChatMiniProgram) -> None:
    with pytest.raises(Unauthenticated) as refused:
        wechat.exchange("made-up & odd=code")
    assert refused.value.code == "wechat_code_invalid"


@pytest.mark.parametrize(
    ("wrong", "errcode"), [({"appid": "wx0"}, 40013), ({"secret": "0"}, 40125)]
)
def test_our_own_wrong_settings_are_no_fault_of_the_person(
    settings: dict[str, object],
    http: urllib3.PoolManager,
    partners: Sandboxes,
    wrong: dict[str, str],
    errcode: int,
) -> None:
    config = WeChatMiniProgramConfig.from_json(settings | wrong)
    with pytest.raises(GiveUp) as refused:
        WeChatMiniProgram(config, http).exchange(a_code(partners))
    assert refused.value.code == "wechat_misconfigured"
    assert refused.value.detail == {"errcode": errcode}


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "error", "status": 502},
        {"kind": "hang", "seconds": 2},
        {"kind": "lost_answer"},
    ],
)
def test_a_silent_wechat_is_unavailable_and_the_secret_stays_unsaid(
    settings: dict[str, object],
    http: urllib3.PoolManager,
    partners: Sandboxes,
    fault: dict[str, object],
) -> None:
    config = WeChatMiniProgramConfig.from_json(settings | {"timeout_seconds": 0.3})
    partners.control("identity", "faults", fault)
    with pytest.raises(Unavailable) as refused:
        WeChatMiniProgram(config, http).exchange(a_code(partners))
    assert refused.value.code == "wechat_unavailable"
    # Whoever logs the error with its causes must not log the request's URL.
    printed = "".join(traceback.format_exception(refused.value)) + repr(config)
    assert str(settings["secret"]) not in printed


def test_an_address_that_is_none_does_not_give_the_secret_away(
    settings: dict[str, object], http: urllib3.PoolManager
) -> None:
    config = WeChatMiniProgramConfig.from_json(
        settings | {"url": "http://127.0.0.1:99999"}
    )
    with pytest.raises(Unavailable) as refused:
        WeChatMiniProgram(config, http).exchange("code")
    printed = "".join(traceback.format_exception(refused.value))
    assert "wechat_unavailable" in printed
    assert str(settings["secret"]) not in printed


def test_incomplete_settings_name_the_field(settings: dict[str, object]) -> None:
    del settings["appid"]
    with pytest.raises(GiveUp, match="partner_config_invalid") as refused:
        WeChatMiniProgramConfig.from_json(settings)
    assert "appid" in refused.value.detail["reason"]
    assert str(settings["secret"]) not in str(refused.value.detail)

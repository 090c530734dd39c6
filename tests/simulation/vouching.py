"""WeChat's login and the identity provider of one run: who a code stands for.

As the identity sandbox does it: a code works once, for five minutes, and an
authorization code only with its own verifier and nonce.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from tests.simulation.adapters import Outside
from zerotrip.identity.clients.oidc import Claims
from zerotrip.identity.clients.wechat_mini_program import WeChatLogin
from zerotrip.kernel.errors import Unauthenticated, Unavailable

CODE_LIFE = timedelta(minutes=5)
REDIRECT = "https://h5.example.invalid/signed-in"
Vouched = TypeVar("Vouched", WeChatLogin, Claims)


@dataclass
class _Code:
    stands_for: WeChatLogin | Claims
    made_at: datetime
    used: bool = False


@dataclass
class Vouching:
    """Hands codes out, and takes each once."""

    outside: Outside
    _codes: dict[str, _Code] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def code(self, who: WeChatLogin | Claims) -> str:
        """What the client of that account gets, to be handed to us."""
        code = f"code-{next(self._numbers):07}"
        self._codes[code] = _Code(who, self.outside.scheduler.now)
        return code

    def taken(self, call: str, code: str, kind: type[Vouched]) -> Vouched:
        """Who stands behind a code, which is used up by asking."""

        def effect() -> WeChatLogin | Claims:
            kept = self._codes.get(code)
            now = self.outside.scheduler.now
            if kept is None or kept.used or now - kept.made_at >= CODE_LIFE:
                raise Unauthenticated("login_code_refused", "", "")
            kept.used = True
            return kept.stands_for

        found = self.outside(call, effect, _unavailable)
        if not isinstance(found, kind):
            raise Unauthenticated("login_code_refused", "", "")
        return found


@dataclass(frozen=True)
class WeChat:
    """`clients.wechat_mini_program.WeChatMiniProgram`."""

    vouching: Vouching

    def exchange(self, code: str) -> WeChatLogin:
        return self.vouching.taken("wechat.GET", code, WeChatLogin)


@dataclass(frozen=True)
class IdentityProvider:
    """`clients.oidc.OidcProvider`."""

    vouching: Vouching

    def exchange(
        self, code: str, code_verifier: str, nonce: str, redirect_uri: str
    ) -> Claims:
        if (code_verifier, nonce, redirect_uri) != proof_of(code):
            raise Unauthenticated("login_code_refused", "", "")
        return self.vouching.taken("identity.POST", code, Claims)


def proof_of(code: str) -> tuple[str, str, str]:
    """Verifier, nonce and redirect address that belong to a code."""
    return f"verifier-of-{code}", f"nonce-of-{code}", REDIRECT


def _unavailable(_: str) -> Exception:
    return Unavailable("identity_provider_unavailable", "", "")

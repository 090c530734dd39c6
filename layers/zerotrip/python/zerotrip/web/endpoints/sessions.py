"""Signing in, going on, signing out."""

from __future__ import annotations

from zerotrip.web.dependencies import Applicant
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.requests import Login, OidcLogin, Refresh


def open_session(request: Request, deps: Applicant) -> Reply:
    """A login code becomes our own token and a refresh token."""
    login = request.asked(Login).root
    if isinstance(login, OidcLogin):
        grant = deps.sessions.login_oidc(
            login.code, login.code_verifier, login.nonce, login.redirect_uri
        )
    else:
        grant = deps.sessions.login_wechat(login.code)
    return Reply(201, grant.as_json())


def refresh_session(request: Request, deps: Applicant) -> Reply:
    """The next pair of tokens; the old refresh token gives no other one."""
    grant = deps.sessions.refresh(request.asked(Refresh).refresh_token)
    return Reply(200, grant.as_json())


def end_session(request: Request, deps: Applicant) -> Reply:
    """Signs out."""
    deps.sessions.end(request.person)
    return Reply(204)

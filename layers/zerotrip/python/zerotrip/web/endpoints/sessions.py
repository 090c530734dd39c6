"""Signing in, going on, signing out."""

from __future__ import annotations

from zerotrip.identity.model import SubjectKind
from zerotrip.identity.persons import PersonNow
from zerotrip.identity.powers import OFFICE_WORDS
from zerotrip.identity.sessions import only_oneself
from zerotrip.kernel import times
from zerotrip.web import answers, views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
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


def list_bindings(request: Request, deps: Applicant) -> Reply:
    """The logins of who is signed in, and how well they are proven."""
    session = request.person
    person = deps.sessions.bindings(session)
    body = views.bindings(
        person,
        session.actor or session.sub,
        _name(deps, person),
        _acting_for(request, deps),
    )
    return Reply(200, body)


def _name(deps: Applicant, person: PersonNow) -> str | None:
    proven = deps.callers.identities.proven(deps.tenant, person)
    return None if proven is None else proven.name


def _acting_for(request: Request, deps: Applicant) -> answers.ActingFor | None:
    if request.person.actor is None:
        return None
    acting = acting_now(request, deps)
    principal = deps.callers.applicant(acting)
    if acting.power is None or principal is None:
        return None
    zh, en = OFFICE_WORDS[acting.power.office]
    return {
        "kind": "legal" if principal.kind is SubjectKind.LEGAL else "natural",
        "name": principal.name,
        "office": str(acting.power.office),
        "office_name": {"zh": zh, "en": en},
        "power_id": acting.power.id,
    }


def bind_login(request: Request, deps: Applicant) -> Reply:
    """A fresh proof of a further login makes it the same person's."""
    session = request.person
    login = request.asked(Login).root
    if isinstance(login, OidcLogin):
        person = deps.sessions.bind_oidc(
            session, login.code, login.code_verifier, login.nonce, login.redirect_uri
        )
    else:
        person = deps.sessions.bind_wechat(session, login.code)
    return Reply(201, views.bindings(person, session.sub, _name(deps, person)))


def unbind_login(request: Request, deps: Applicant) -> Reply:
    """Takes a login away from its person."""
    deps.sessions.unbind(request.person, request.path["binding_id"])
    return Reply(204)


def open_window_code(request: Request, deps: Applicant) -> Reply:
    """A code that an officer at a window asks for."""
    acting = acting_now(request, deps)
    if acting.power is not None:
        raise only_oneself()
    code, until = deps.sessions.window_code(request.person)
    return Reply(201, {"code": code, "expires_at": times.to_text(until)})


def refresh_session(request: Request, deps: Applicant) -> Reply:
    """The next pair of tokens; the old refresh token gives no other one."""
    grant = deps.sessions.refresh(request.asked(Refresh).refresh_token)
    return Reply(200, grant.as_json())


def end_session(request: Request, deps: Applicant) -> Reply:
    """Signs out."""
    deps.sessions.end(request.person)
    return Reply(204)

"""The REST authoriser's decision: a token in, an IAM policy out.

The policy covers the whole stage, because API Gateway keeps it per token, not per
route; which role may call which route is `permissions`, asked by the handlers. An
officer's row is read at every request: suspended is suspended now, and the roles are
those of the row, not those that the token was issued with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from zerotrip.identity import tokens
from zerotrip.identity.model import STAFF, Session, SessionRefused
from zerotrip.identity.officers import Officers
from zerotrip.kernel.errors import Forbidden

POLICY_VERSION = "2012-10-17"


class Unauthorized(Exception):
    """API Gateway answers 401 to exactly this message, 500 to any other."""

    def __init__(self) -> None:
        super().__init__("Unauthorized")


class Log(Protocol):
    """What is used of Powertools' Logger."""

    def info(self, msg: object, **kwargs: Any) -> None:
        """Writes one line: a sentence and its `code`, never a token."""


@dataclass(frozen=True, slots=True)
class Authoriser:
    """Judges tokens; `public_keys` (by kid) is asked per call, so its maker caches."""

    tenant: str
    realm: tokens.Realm
    public_keys: Callable[[], Mapping[str, tokens.PublicKey]]
    officers: Officers
    clock: Callable[[], datetime]

    def session(self, token: str) -> Session:
        """Whose token it is, as of now.

        Raises SessionRefused when it does not hold, Forbidden `officer_suspended` or
        `officer_unknown` when it holds and its officer does not.
        """
        session = tokens.verify(token, self.public_keys(), self.realm, self.clock())
        if not session.roles & STAFF:
            return session
        officer = self.officers.current(self.tenant, session.sub)
        return replace(
            session,
            roles=officer.roles,
            organisation=officer.organisation,
            department=officer.department,
        )


def answer(event: Mapping[str, Any], authoriser: Authoriser, log: Log) -> Any:
    """The authoriser's answer to a REST TOKEN or REQUEST event.

    Allow with the session as context; Deny (403) for an officer who is suspended.
    Raises Unauthorized (401) for every token that does not hold, all alike.
    """
    stage = stage_of(str(event["methodArn"]))
    try:
        session = authoriser.session(bearer_token(event))
    except SessionRefused as refused:
        log.info(f"{refused.zh} {refused.en}", code=refused.reason)
        raise Unauthorized from refused
    except Forbidden as refused:
        log.info(f"{refused.zh} {refused.en}", code=refused.code)
        return _policy("nobody", "Deny", stage, {"code": refused.code})
    return _policy(session.sub, "Allow", stage, session.as_context())


def bearer_token(event: Mapping[str, Any]) -> str:
    """The token of the Authorization header, whatever the case of its name."""
    value = event.get("authorizationToken")
    if value is None:
        headers: Mapping[str, str] = event.get("headers") or {}
        value = next(
            (held for name, held in headers.items() if name.lower() == "authorization"),
            "",
        )
    scheme, _, token = str(value).strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise SessionRefused("token_missing")
    return token.strip()


def stage_of(method_arn: str) -> str:
    """Every method and path of the stage: `arn:…:{api}/{stage}/*`."""
    api, stage, *_ = method_arn.split("/")
    return f"{api}/{stage}/*"


def _policy(
    principal: str, effect: str, resource: str, context: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": POLICY_VERSION,
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": effect,
                    "Resource": resource,
                }
            ],
        },
        "context": dict(context),
    }

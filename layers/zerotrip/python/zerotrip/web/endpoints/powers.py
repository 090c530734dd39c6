"""Letting others act, and acting for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerotrip.cases.applicant import require_agents_allowed
from zerotrip.identity.agency import Offer
from zerotrip.identity.persons import PersonNow
from zerotrip.identity.powers import Power, why_ended
from zerotrip.kernel import times
from zerotrip.web import answers, views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.endpoints.applications import answers_of
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.idempotency import REPLAYED
from zerotrip.web.requests import NewPower


def list_powers(request: Request, deps: Applicant) -> Reply:
    """What one gave, and what one was given or is offered."""
    acting = acting_now(request, deps)
    shown = {
        "given": [_shown(deps, each) for each in deps.agency.given(acting)],
        "held": [_shown(deps, each) for each in deps.agency.held(acting)],
    }
    return Reply(200, shown)


def offer_power(request: Request, deps: Applicant) -> Reply:
    """Offers a power to a name and number."""
    acting = acting_now(request, deps)

    def act(noted: Mapping[str, Any] | None) -> tuple[Reply, Mapping[str, Any]]:
        # Never the answer itself: it names the principal.
        if noted is not None:
            power = deps.agency.powers.get(noted["power_id"])
            return Reply(201, _shown(deps, power), {REPLAYED: "true"}), noted
        asked = request.asked(NewPower)
        if asked.item_code is not None:
            item = deps.catalogue.current(deps.tenant, asked.item_code).item
            require_agents_allowed(item)
        offered = deps.agency.offer(
            acting,
            Offer(
                agent_name=asked.agent_name,
                agent_number=asked.agent_number,
                acts=tuple(asked.acts),
                item=asked.item_code,
                case_no=asked.case_no,
                starts_at=times.from_text(asked.starts_at) if asked.starts_at else None,
                ends_at=times.from_text(asked.ends_at) if asked.ends_at else None,
            ),
        )
        return Reply(201, _shown(deps, offered)), {"power_id": offered.id}

    return answers_of(deps).anew(request, act)


def accept_power(request: Request, deps: Applicant) -> Reply:
    """Takes what was offered to one's own name and number."""
    acting = acting_now(request, deps)
    taken = deps.agency.accept(acting, request.path["power_id"])
    return Reply(200, _shown(deps, taken))


def open_power_session(request: Request, deps: Applicant) -> Reply:
    """A session in which one acts for the principal."""
    acting = acting_now(request, deps)
    power = deps.agency.usable(acting, request.path["power_id"])
    grant = deps.sessions.begin_for(request.person, power)
    return Reply(201, grant.as_json())


def revoke_power(request: Request, deps: Applicant) -> Reply:
    """Ends a power, by either side."""
    acting = acting_now(request, deps)
    deps.agency.revoke(acting, request.path["power_id"])
    return Reply(204)


def _shown(deps: Applicant, power: Power) -> answers.PowerAnswer:
    persons = deps.callers.persons
    principal = persons.of(deps.tenant, power.principal)
    agent = None if power.agent is None else persons.of(deps.tenant, power.agent)
    return views.power(
        power,
        why_ended(power, principal.principal, deps.now()),
        _party(deps, principal),
        None if agent is None else _party(deps, agent),
    )


def _party(deps: Applicant, person: PersonNow) -> answers.PartyAnswer | None:
    proven = deps.callers.identities.proven(deps.tenant, person)
    if proven is None:
        return None
    return {"kind": proven.kind.value, "name": proven.name}

"""A person's vault: what they handed up before, and letting it stand again."""

from __future__ import annotations

from zerotrip.catalogue.model import Item
from zerotrip.materials.vault import Use, consent
from zerotrip.materials.vault_store import Vaults
from zerotrip.web import views
from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints.acting import acting_now
from zerotrip.web.endpoints.applications import answers_of
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.requests import NewReuse


def list_vault(request: Request, deps: Applicant) -> Reply:
    """One's own files, the newest first."""
    acting = acting_now(request, deps)

    def item_of(use: Use) -> Item:
        return deps.catalogue.pinned(deps.tenant, use.item, use.item_digest)

    entries = Vaults(deps.tables, deps.tenant).of(acting, request.limit)
    files = [views.stored_file(entry, item_of) for entry in entries]
    return Reply(200, {"files": files})


def reuse_material(request: Request, deps: Applicant) -> Reply:
    """Fills a draft's slot with a file of one's vault, by one's consent."""
    acting = acting_now(request, deps)

    def act() -> Reply:
        asked = request.asked(NewReuse)
        application = request.path["application_id"]
        slot, until = deps.applications.reuse_file(
            acting,
            application,
            request.path["material"],
            asked.sha256,
            consent(asked.purpose, asked.consent, deps.now()),
        )
        draft = deps.applications.own(acting, application)
        item = deps.catalogue.pinned(deps.tenant, draft.item, draft.item_digest)
        return Reply(201, views.reuse(slot, item, until))

    return answers_of(deps).once(request, act)

"""Routes and endpoints of `applicant_api`."""

from __future__ import annotations

from zerotrip.web.dependencies import Applicant
from zerotrip.web.endpoints import (
    applications,
    cases,
    inbox,
    licences,
    powers,
    sessions,
    vault,
)
from zerotrip.web.route import Route
from zerotrip.web.routes import applicant as routes
from zerotrip.web.serving import Endpoint

ENDPOINTS: tuple[tuple[Route, Endpoint[Applicant]], ...] = (
    (routes.OPEN_SESSION, sessions.open_session),
    (routes.REFRESH_SESSION, sessions.refresh_session),
    (routes.END_SESSION, sessions.end_session),
    (routes.LIST_BINDINGS, sessions.list_bindings),
    (routes.BIND_LOGIN, sessions.bind_login),
    (routes.UNBIND_LOGIN, sessions.unbind_login),
    (routes.OPEN_WINDOW_CODE, sessions.open_window_code),
    (routes.LIST_POWERS, powers.list_powers),
    (routes.OFFER_POWER, powers.offer_power),
    (routes.ACCEPT_POWER, powers.accept_power),
    (routes.OPEN_POWER_SESSION, powers.open_power_session),
    (routes.REVOKE_POWER, powers.revoke_power),
    (routes.LIST_APPLICATIONS, applications.list_applications),
    (routes.START_APPLICATION, applications.start_application),
    (routes.READ_APPLICATION, applications.read_application),
    (routes.SAVE_APPLICATION, applications.save_application),
    (routes.ADD_MATERIAL, applications.add_material),
    (routes.LIST_VAULT, vault.list_vault),
    (routes.REUSE_MATERIAL, vault.reuse_material),
    (routes.SUBMIT_APPLICATION, applications.submit_application),
    (routes.LIST_CASES, cases.list_cases),
    (routes.READ_CASE, cases.read_case),
    (routes.ADD_CASE_MATERIAL, cases.add_case_material),
    (routes.CORRECT_CASE, cases.correct_case),
    (routes.WITHDRAW_CASE, cases.withdraw_case),
    (routes.PAY_CASE, cases.pay_case),
    (routes.LIST_NOTICES, inbox.list_notices),
    (routes.MARK_NOTICE_READ, inbox.mark_notice_read),
    (routes.READ_LICENCE, licences.read_licence),
    (routes.READ_LICENCE_DOCUMENT, licences.read_licence_document),
)

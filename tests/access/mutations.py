"""Doors left open on purpose: each mutation takes one check out of the product.

Applied by name to the running process and taken back; the product's files stay as they
are. Each names the row and the column of the matrix that must catch it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.access import matrix, rows
from tests.access.operations import operations
from tests.access.scene import Scene
from zerotrip.cases.drafts import Drafts
from zerotrip.cases.requests import Requests, case_unknown
from zerotrip.identity import permissions, tokens
from zerotrip.identity.model import Session
from zerotrip.identity.store import Officers
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.errors import Forbidden
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import Put
from zerotrip.notices.inbox import Inbox
from zerotrip.payments.model import bill_key, read_bill
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import bill_unknown
from zerotrip.web.endpoints import licences
from zerotrip.web.idempotency import Answers

Patch = Callable[[pytest.MonkeyPatch, Scene], None]
Verify = Callable[
    [str, Mapping[str, tokens.PublicKey], tokens.Realm, datetime], Session
]
_verify = tokens.verify


@dataclass(frozen=True)
class Mutation:
    """What is taken out, and the cell that must turn red."""

    name: str
    apply: Patch
    row: str
    column: str


def _part(token: str, number: int) -> dict[str, Any]:
    piece = token.split(".")[number]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(piece + "==="))
    return read


def _verifying(verify: Verify) -> Patch:
    def apply(patch: pytest.MonkeyPatch, scene: Scene) -> None:
        patch.setattr(tokens, "verify", verify)

    return apply


def _any_audience(token: str, keys: Any, realm: tokens.Realm, now: datetime) -> Session:
    said = str(_part(token, 1)["aud"]) if token.count(".") == 2 else ""
    return _verify(token, keys, replace(realm, audience=said), now)


def _any_issuer(token: str, keys: Any, realm: tokens.Realm, now: datetime) -> Session:
    said = str(_part(token, 1)["iss"])
    return _verify(token, keys, replace(realm, issuer=said), now)


def _never_expired(
    token: str, keys: Any, realm: tokens.Realm, now: datetime
) -> Session:
    ends = datetime.fromtimestamp(_part(token, 1)["exp"], now.tzinfo)
    session = _verify(token, keys, realm, min(now, ends - timedelta(seconds=1)))
    return replace(session, expires_at=now + timedelta(hours=1))


def _valid_early(token: str, keys: Any, realm: tokens.Realm, now: datetime) -> Session:
    begins = datetime.fromtimestamp(_part(token, 1)["nbf"], now.tzinfo)
    return _verify(token, keys, realm, max(now, begins))


def _takes_none(token: str, keys: Any, realm: tokens.Realm, now: datetime) -> Session:
    if str(_part(token, 0)["alg"]).lower() == "none":
        return tokens._session(_part(token, 1))[0]
    return _verify(token, keys, realm, now)


def _takes_hs256(token: str, keys: Any, realm: tokens.Realm, now: datetime) -> Session:
    """As a library does whose caller does not say which algorithm it expects."""
    header = _part(token, 0)
    if header["alg"] != "HS256":
        return _verify(token, keys, realm, now)
    der = tokens._SPKI_PREFIX + keys[header["kid"]].point
    content, _, signature = token.rpartition(".")
    made = hmac.digest(der, content.encode(), hashlib.sha256)
    if signature != tokens._encode(made):
        return _verify(token, keys, realm, now)
    return tokens._session(_part(token, 1))[0]


def _takes_embedded_key(
    token: str, keys: Any, realm: tokens.Realm, now: datetime
) -> Session:
    jwk = _part(token, 0).get("jwk")
    if jwk is None:
        return _verify(token, keys, realm, now)
    point = b"\x04" + b"".join(tokens._decode(jwk[axis]) for axis in "xy")
    own = tokens.PublicKey(point)
    return _verify(token, {own.kid: own}, realm, now)


def _any_signature(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(tokens.PublicKey, "verifies", lambda key, signature, content: True)


def _any_owner_of_a_case(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Requests, "own", lambda self, case_no, sub: self._read(case_no))


def _owner_tells_apart(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    def own(self: Requests, case_no: str, sub: str) -> Any:
        now = self._read(case_no)
        if now.case.sub != sub:
            raise Forbidden("not_yours", "不是您的办件。", "This case is not yours.")
        return now

    patch.setattr(Requests, "own", own)


def _any_owner_of_a_draft(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    def own(self: Drafts, tenant: str, application_id: str, sub: str) -> Any:
        row = self.tables.get("drafts", f"{tenant}#APP#{application_id}", "DRAFT")
        return self._open(tenant, row) if row else _own(self, tenant, "none", sub)

    _own = Drafts.own
    patch.setattr(Drafts, "own", own)


def _any_holder(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    def own(request: Any, deps: Any) -> Any:
        key = Key(deps.tenant, Kind.LICENCE, request.path["licence_id"])
        head = deps.records.head(key)
        if head is None:
            raise licences.licence_unknown()
        return head

    patch.setattr(licences, "_own", own)


def _office(*, organisation: bool, department: bool) -> Patch:
    """An office's check without one of its halves."""

    def apply(patch: pytest.MonkeyPatch, scene: Scene) -> None:
        def of(self: Requests, case_no: str, org: str, dep: str) -> Any:
            now = self._read(case_no)
            if organisation and now.case.organisation != org:
                raise case_unknown()
            if department and now.case.department != dep:
                raise case_unknown()
            return now

        patch.setattr(Requests, "of_organisation", of)

    return apply


def _any_role(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(permissions, "permits", lambda roles, method, route: True)


def _suspended_works_on(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Officers, "current", lambda self, tenant, sub: self.find(tenant, sub))


def _any_inbox(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    victim = scene.people["citizen"].sub
    read = Inbox._notices
    patch.setattr(
        Inbox, "_notices", lambda self, tenant, sub: read(self, tenant, victim)
    )


def _any_subject(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    victim = scene.people["citizen"].sub
    find = Records.of_subject
    patch.setattr(
        Records,
        "of_subject",
        lambda self, tenant, sub, limit: find(self, tenant, victim, limit),
    )


def _key_of_nobody(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """An Idempotency-Key that is not kept per person."""
    victim = scene.people["citizen"]
    address = Answers._address
    patch.setattr(
        Answers,
        "_address",
        lambda self, request, key: address(self, replace(request, session=victim), key),
    )


def _writes_first(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A command that writes before it looks whose case it is."""

    def withdraw(self: Requests, case_no: str, sub: str, seen: int) -> Any:
        now = self._read(case_no)
        row = self.records.tables.get("records", now.key.pk, "HEAD")
        assert row is not None
        later = replace(row, version=(row.version or 0) + 1)
        self.records.tables.transact([Put("records", later)])
        return self.own(case_no, sub)

    patch.setattr(Requests, "withdraw", withdraw)


def _any_bill(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A bill is looked up by its number, whichever case it belongs to."""

    def payable(self: Payments, case: Any, bill_id: str | None) -> Any:
        head = self.records.head(bill_key(case.key.tenant, str(bill_id)))
        if head is None:
            raise bill_unknown()
        return read_bill(head)

    patch.setattr(Payments, "_payable", payable)


ONE_CASE = "GET /v1/cases/{case_no}"
STAFF_CASE = "GET /v1/staff/cases/{case_no}"
ANOTHERS_BILL = "POST /v1/cases/{case_no}/payments"
ROWS_CHANGED = "rows"
"""The column of what is found in the tables afterwards."""

MUTATIONS = [
    Mutation("any audience", _verifying(_any_audience), ONE_CASE, "wrong_audience"),
    Mutation("any issuer", _verifying(_any_issuer), ONE_CASE, "wrong_issuer"),
    Mutation("never expired", _verifying(_never_expired), ONE_CASE, "expired"),
    Mutation("valid early", _verifying(_valid_early), STAFF_CASE, "not_yet_valid"),
    Mutation("alg none", _verifying(_takes_none), ONE_CASE, "alg_none"),
    Mutation("HS256", _verifying(_takes_hs256), STAFF_CASE, "hs256_public_der"),
    Mutation(
        "key in the header", _verifying(_takes_embedded_key), ONE_CASE, "embedded_key"
    ),
    Mutation("any signature", _any_signature, ONE_CASE, "forged_signature"),
    Mutation("other claims", _any_signature, STAFF_CASE, "altered_claims"),
    Mutation("any owner of a case", _any_owner_of_a_case, ONE_CASE, "other_citizen"),
    Mutation("owner tells apart", _owner_tells_apart, ONE_CASE, "other_company"),
    Mutation(
        "any owner of a draft",
        _any_owner_of_a_draft,
        "PUT /v1/applications/{application_id}",
        "other_citizen",
    ),
    Mutation(
        "any holder",
        _any_holder,
        "GET /v1/licences/{licence_id}/document",
        "other_company",
    ),
    Mutation(
        "agent for company",
        _any_holder,
        "GET /v1/licences/{licence_id}",
        "agent_in_person",
    ),
    Mutation(
        "any organisation",
        _office(organisation=False, department=True),
        STAFF_CASE,
        "officer_elsewhere",
    ),
    Mutation(
        "any department",
        _office(organisation=True, department=False),
        "POST /v1/staff/cases/{case_no}/decisions",
        "officer_next_door",
    ),
    Mutation("any role", _any_role, "GET /v1/applications", "officer"),
    Mutation(
        "suspended works on",
        _suspended_works_on,
        "GET /v1/worklist",
        "officer_suspended",
    ),
    Mutation(
        "any inbox",
        _any_inbox,
        "POST /v1/notices/{notice_id}/read",
        "other_citizen",
    ),
    Mutation("any subject's list", _any_subject, "GET /v1/cases", "other_citizen"),
    Mutation(
        "an Idempotency-Key for all",
        _key_of_nobody,
        "POST /v1/applications",
        "other_citizen",
    ),
    Mutation("any bill", _any_bill, ANOTHERS_BILL, "anothers_bill"),
    Mutation(
        "writes before it looks",
        _writes_first,
        "POST /v1/cases/{case_no}/withdrawal",
        ROWS_CHANGED,
    ),
]


def red(scene: Scene, mutation: Mutation) -> list[str]:
    """What the mutation's own cell says once the check is out; empty if nothing."""
    before = scene.rows()
    with pytest.MonkeyPatch.context() as patch:
        mutation.apply(patch, scene)
        found = cell_of(scene, mutation)
    if mutation.column == ROWS_CHANGED:
        return rows.changes(before, scene.rows(), scene.owned, ())
    return found


def cell_of(scene: Scene, mutation: Mutation) -> list[str]:
    """What is wrong in the mutation's own cell as things are."""
    if mutation.column == "anothers_bill":
        return list(matrix.anothers_bill(scene).faults)
    (row,) = [each for each in operations() if each.name == mutation.row]
    column = "other_citizen" if mutation.column == ROWS_CHANGED else mutation.column
    (cell,) = matrix.run(scene, [(row, column)])
    return list(cell.faults)

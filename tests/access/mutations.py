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

from tests.access import acting as who
from tests.access import matrix, rows
from tests.access.one_process import put_back
from tests.access.operations import operations
from tests.access.scene import Scene
from zerotrip.cases.drafts import Drafts
from zerotrip.cases.requests import Requests, case_unknown
from zerotrip.identity import callers, permissions, persons, recusal, tokens
from zerotrip.identity.agency import Agency
from zerotrip.identity.model import Session, Subject
from zerotrip.identity.officers import Officers
from zerotrip.identity.persons import PersonNow, Persons
from zerotrip.identity.powers import (
    Acting,
    Power,
    Scope,
    accepted,
    alone,
    revoked,
    why_ended,
)
from zerotrip.identity.recusal import Recusal
from zerotrip.identity.sessions import Sessions
from zerotrip.identity.store import Subjects
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.errors import Conflict, Forbidden
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import Put
from zerotrip.notices.inbox import Inbox
from zerotrip.payments.model import bill_key, read_bill
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import bill_unknown
from zerotrip.web.endpoints import licences
from zerotrip.web.endpoints import sessions as of_sessions

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
    patch.setattr(Requests, "own", lambda self, case_no, acting: self._read(case_no))


def _owner_tells_apart(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    def own(self: Requests, case_no: str, acting: Acting) -> Any:
        now = self._read(case_no)
        if now.case.sub not in acting.subs:
            raise Forbidden("not_yours", "不是您的办件。", "This case is not yours.")
        return now

    patch.setattr(Requests, "own", own)


def _any_owner_of_a_draft(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    def own(self: Drafts, tenant: str, application_id: str, acting: Acting) -> Any:
        row = self.tables.get("drafts", f"{tenant}#APP#{application_id}", "DRAFT")
        return self._open(tenant, row) if row else _own(self, tenant, "none", acting)

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
    victim = alone(scene.people["citizen"].sub)
    read = Inbox._notices
    patch.setattr(
        Inbox, "_notices", lambda self, tenant, acting: read(self, tenant, victim)
    )


def _any_subject(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    victim = scene.people["citizen"].sub
    find = Records.of_subject
    patch.setattr(
        Records,
        "of_subject",
        lambda self, tenant, sub, limit: find(self, tenant, victim, limit),
    )
    # The second lock: what the index gives is held against who acts.
    patch.setattr(Acting, "reaches", lambda self, *about: True)


def _writes_first(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A command that writes before it looks whose case it is."""

    def withdraw(self: Requests, case_no: str, acting: Acting, seen: int) -> Any:
        now = self._read(case_no)
        row = self.records.tables.get("records", now.key.pk, "HEAD")
        assert row is not None
        later = replace(row, version=(row.version or 0) + 1)
        self.records.tables.transact([Put("records", later)])
        return self.own(case_no, acting)

    patch.setattr(Requests, "withdraw", withdraw)


def _any_bill(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A bill is looked up by its number, whichever case it belongs to."""

    def payable(self: Payments, case: Any, bill_id: str | None) -> Any:
        head = self.records.head(bill_key(case.key.tenant, str(bill_id)))
        if head is None:
            raise bill_unknown()
        return read_bill(head)

    patch.setattr(Payments, "_payable", payable)


def _a_login_is_a_person(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    of = Persons.of

    def one(self: Persons, tenant: str, sub: str) -> PersonNow:
        asked = of(self, tenant, sub).asked
        return PersonNow(asked, (asked,))

    patch.setattr(Persons, "of", one)


def _no_agent_reaches(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(
        Acting,
        "reaches",
        lambda self, sub, *about: self.power is None and sub in self.subs,
    )


def _acts_are_not_asked(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Acting, "require", lambda self, act: None)


def _scope(covers: Callable[[Scope, str, str | None], bool]) -> Patch:
    return lambda patch, scene: patch.setattr(Scope, "covers", covers)


def _everything_is_whole(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Acting, "has_all_of", lambda self, sub: sub in self.subs)


def _notices_of_all_items(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(
        Inbox,
        "_within",
        lambda self, tenant, acting, found: frozenset(each.id for each in found),
    )


def _holds_though(reason: str) -> Patch:
    """A power that holds whatever this one reason says."""

    def why(power: Power, principal: Subject, now: datetime) -> str | None:
        found = why_ended(power, principal, now)
        return None if found == reason else found

    return lambda patch, scene: patch.setattr(callers, "why_ended", why)


def _former_logins_hold(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    read = persons.read_subject
    patch.setattr(persons, "read_subject", lambda *of: replace(read(*of), former=False))


def _logins_are_compared(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Recusal by `sub`: the officer's other logins are somebody else."""
    patch.setattr(
        Recusal,
        "own",
        lambda self, officer, parties: frozenset(
            case_no for case_no, subs in parties.items() if officer in set(subs)
        ),
    )


def _no_kin(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Recusal, "_rows", lambda self, officer: [])


def _no_voucher(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Whoever stands for the applicant's identity decides the case too."""
    patch.setattr(
        recusal,
        "_near",
        lambda person, marks, vouched: bool(set(person.marks) & set(marks)),
    )


def _no_former_agent(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """A power that an officer held of the applicant is forgotten when it ends."""
    marks_of = Recusal.marks_of
    patch.setattr(
        Recusal,
        "marks_of",
        lambda self, officer: marks_of(self, officer) - {scene.people["citizen"].sub},
    )


def _lists_ones_own(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Recusal, "own", lambda self, officer, parties: frozenset())


def _sees_ones_own(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(Recusal, "require_others", lambda *of: None)
    patch.setattr(Recusal, "is_near", lambda *of: False)


def _any_power(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Powers are looked up by their id, whosever they are."""

    def usable(self: Agency, acting: Acting, power_id: str) -> Power:
        return self.powers.get(power_id)

    def revoke(self: Agency, acting: Acting, power_id: str) -> Power:
        at = self.callers.now()
        return self.powers.change(
            power_id, lambda power: revoked(power, acting.login, at)
        )

    def accept(self: Agency, acting: Acting, power_id: str) -> Power:
        at = self.callers.now()
        return self.powers.change(
            power_id, lambda power: accepted(power, acting.login, at)
        )

    for name, instead in (("usable", usable), ("revoke", revoke), ("accept", accept)):
        patch.setattr(Agency, name, instead)


def _any_login(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    remove = Subjects.remove
    patch.setattr(
        Subjects,
        "remove",
        lambda self, tenant, own, login: (
            remove(self, tenant, login, login)
            if self.persons.many(tenant, [login])
            else remove(self, tenant, own, login)
        ),
    )


def _officers_are_told(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Whether a login is an officer's is looked up before whose it is."""
    unbind = Sessions.unbind

    def first(self: Sessions, session: Session, login: str) -> None:
        if self.officers.find(self.tenant, login) is not None:
            raise Conflict("officer_login_stays", "不能解除。", "It stays.")
        unbind(self, session, login)

    patch.setattr(Sessions, "unbind", first)


def _principals_logins(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    patch.setattr(
        Sessions,
        "bindings",
        lambda self, session: self.subjects.persons.of(self.tenant, session.sub),
    )


def _as_the_principal(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """The principal's name stands where one's own does."""
    victim = scene.people["citizen"].sub
    name = of_sessions._name
    patch.setattr(
        of_sessions,
        "_name",
        lambda deps, person: name(
            deps, deps.sessions.subjects.persons.of(deps.tenant, victim)
        ),
    )


def _principals_number(patch: pytest.MonkeyPatch, scene: Scene) -> None:
    """Of the principal more is told than the name."""
    told = of_sessions._acting_for
    patch.setattr(
        of_sessions,
        "_acting_for",
        lambda request, deps: {
            **(told(request, deps) or {}),
            "number": scene.things["number"],
        },
    )


ONE_CASE = "GET /v1/cases/{case_no}"
ONE_DRAFT = "GET /v1/applications/{application_id}"
STAFF_CASE = "GET /v1/staff/cases/{case_no}"
ANOTHERS_BILL = "POST /v1/cases/{case_no}/payments"
OF_ONE_ID = {
    "anothers_bill": matrix.anothers_bill,
    "anothers_officer_login": matrix.anothers_officer_login,
}
"""Cells in which one id is another's, of which the path says nothing."""
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
        "an openid is its owner's for ever",
        _any_owner_of_a_case,
        ONE_CASE,
        who.NEW_HOLDER,
    ),
    Mutation("a login is a person", _a_login_is_a_person, ONE_CASE, who.OTHER_LOGIN),
    Mutation(
        "a login is a person, for a draft",
        _a_login_is_a_person,
        "POST /v1/applications/{application_id}/submission",
        who.OTHER_LOGIN,
    ),
    Mutation("no agent reaches", _no_agent_reaches, ONE_CASE, who.AGENT_NOW),
    Mutation(
        "acts are not asked",
        _acts_are_not_asked,
        "POST /v1/cases/{case_no}/payments",
        who.LACKING,
    ),
    Mutation(
        "acts are not asked, of a draft",
        _acts_are_not_asked,
        ONE_DRAFT,
        who.LACKING,
    ),
    Mutation(
        "any item",
        _scope(lambda scope, item, case_no: scope.case_no in (None, case_no)),
        ONE_DRAFT,
        who.OF_OTHER_ITEM,
    ),
    Mutation(
        "any case",
        _scope(lambda scope, item, case_no: scope.item in (None, item)),
        ONE_CASE,
        who.OF_OTHER_CASE,
    ),
    Mutation("any file", _everything_is_whole, "GET /v1/vault", who.OF_OTHER_ITEM),
    Mutation("any notice", _notices_of_all_items, "GET /v1/notices", who.OF_OTHER_ITEM),
    Mutation("for ever", _holds_though("ended"), ONE_CASE, who.EXPIRED),
    Mutation("revoked holds", _holds_though("revoked"), ONE_CASE, who.REVOKED),
    Mutation(
        "whoever represents it",
        _holds_though("representative_changed"),
        "GET /v1/licences/{licence_id}",
        who.BY_FORMER_REPRESENTATIVE,
    ),
    Mutation(
        "the dead let act",
        _holds_though("principal_deceased"),
        "POST /v1/applications",
        who.OF_THE_DECEASED,
    ),
    Mutation("a removed login", _former_logins_hold, ONE_CASE, who.REMOVED),
    Mutation("a former openid", _former_logins_hold, ONE_DRAFT, who.GIVEN_AWAY),
    Mutation("logins are compared", _logins_are_compared, STAFF_CASE, who.APPLIED),
    Mutation(
        "no kin",
        _no_kin,
        "POST /v1/staff/cases/{case_no}/decisions",
        who.KIN_APPLIED,
    ),
    Mutation("no voucher", _no_voucher, STAFF_CASE, who.VOUCHED),
    Mutation(
        "no former agent",
        _no_former_agent,
        "POST /v1/staff/cases/{case_no}/decisions",
        who.ACTED,
    ),
    Mutation("one's own is listed", _lists_ones_own, "GET /v1/worklist", who.APPLIED),
    Mutation(
        "one's own kin is seen",
        _sees_ones_own,
        "POST /v1/staff/identities",
        who.KIN_APPLIED,
    ),
    *(
        Mutation(f"any power: {row}", _any_power, row, "other_citizen")
        for row in (
            "POST /v1/powers/{power_id}/sessions",
            "POST /v1/powers/{power_id}/acceptance",
            "DELETE /v1/powers/{power_id}",
        )
    ),
    Mutation("any login", _any_login, matrix.ONE_BINDING, "other_citizen"),
    Mutation(
        "officers are told",
        _officers_are_told,
        matrix.ONE_BINDING,
        "anothers_officer_login",
    ),
    Mutation(
        "the principal's logins",
        _principals_logins,
        "GET /v1/sessions/bindings",
        who.AGENT_NOW,
    ),
    Mutation(
        "the principal as oneself",
        _as_the_principal,
        "GET /v1/sessions/bindings",
        who.AGENT_NOW,
    ),
    Mutation(
        "the principal's number",
        _principals_number,
        "GET /v1/sessions/bindings",
        who.LACKING,
    ),
    Mutation(
        "for whom one acted is told still",
        _holds_though("revoked"),
        "GET /v1/sessions/bindings",
        who.REVOKED,
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
    if mutation.column in OF_ONE_ID:
        return list(OF_ONE_ID[mutation.column](scene).faults)
    (row,) = [each for each in operations() if each.name == mutation.row]
    if matrix.is_in(row, mutation.column):
        (cell,) = matrix.run_in(scene, [(row, mutation.column)], put_back)
        return list(cell.faults)
    column = "other_citizen" if mutation.column == ROWS_CHANGED else mutation.column
    (cell,) = matrix.run(scene, [(row, column)])
    return list(cell.faults)

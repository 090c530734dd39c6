"""Registering who works here. Commands and the laptop cloud's seeding call these.

An officer is registered by the identity provider's stable subject before the first
login; no name and no number of a document is needed or kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from zerotrip.identity.model import (
    Level,
    Login,
    Officer,
    Organisation,
    Provider,
    Role,
    SubjectKind,
    refuse_faults,
    staff_role_faults,
)
from zerotrip.identity.officers import Officers, officer_row
from zerotrip.identity.rows import IDENTITY_TABLE, login_key, subject_key
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Fault, NotFound
from zerotrip.kernel.identifiers import Mint, is_uscc, uscc_fault
from zerotrip.kernel.tables import (
    Delete,
    Expect,
    Put,
    Rejected,
    StoredRow,
    Tables,
    Write,
)

_DEPARTMENT = re.compile(r"[a-z][a-z0-9-]{0,31}")  # as items name it
_ATTEMPTS = 5


def register_organisation(
    tables: Tables, tenant: str, organisation: Organisation
) -> None:
    """Adds an organisation or changes its names. Raises Invalid for a wrong USCC."""
    if not is_uscc(organisation.uscc):
        refuse_faults((uscc_fault("/uscc"),))
    row = StoredRow(
        f"{tenant}#ORGANISATIONS",
        organisation.uscc,
        {"name_zh": organisation.name_zh, "name_en": organisation.name_en},
    )
    tables.transact([Put(IDENTITY_TABLE, row)])


def organisations(tables: Tables, tenant: str) -> list[Organisation]:
    """All of the tenant's organisations, by USCC."""
    return [
        Organisation(row.sk, row.data["name_zh"], row.data["name_en"])
        for row in tables.query(IDENTITY_TABLE, f"{tenant}#ORGANISATIONS")
    ]


def officers_of(tables: Tables, tenant: str, organisation: str) -> Iterator[Officer]:
    """The officers of one organisation (USCC), suspended ones too."""
    registered = Officers(tables)
    for row in tables.query(IDENTITY_TABLE, f"{tenant}#OFFICERS#{organisation}"):
        officer = registered.find(tenant, row.sk)
        if officer is not None:
            yield officer


def find_officer(
    tables: Tables, hash_key: bytes, tenant: str, oidc_subject: str
) -> str:
    """The `sub` of who was registered so. Raises NotFound `officer_not_registered`."""
    pk = login_key(tenant, hash_key, Login(Provider.OIDC, oidc_subject))
    row = tables.get(IDENTITY_TABLE, pk, "SUB")
    if row is None:
        raise _not_registered()
    return str(row.data["sub"])


def register_officer(
    tables: Tables,
    hash_key: bytes,
    tenant: str,
    oidc_subject: str,
    *,
    organisation: str,
    department: str,
    roles: frozenset[Role],
    mint: Mint,
) -> str:
    """Registers an officer, or changes where they work and their roles; gives `sub`.

    A suspension stays. Raises Invalid with every fault, Conflict
    `registration_collided` when another registration ran at the same time.
    """
    faults = _department_faults(department) + staff_role_faults(roles)
    if tables.get(IDENTITY_TABLE, f"{tenant}#ORGANISATIONS", organisation) is None:
        faults += (_organisation_fault(),)
    refuse_faults(faults)
    login_pk = login_key(tenant, hash_key, Login(Provider.OIDC, oidc_subject))
    login_row = tables.get(IDENTITY_TABLE, login_pk, "SUB")
    sub = mint.opaque() if login_row is None else str(login_row.data["sub"])
    writes: list[Write] = []
    if login_row is None:
        writes += _new_subject(tenant, sub, login_pk)
    officer = Officer(sub, organisation, department, roles)
    writes += _placed(tables, tenant, officer)
    try:
        tables.transact(writes)
    except Rejected as error:
        raise _collided() from error
    return sub


def suspend_officer(tables: Tables, tenant: str, sub: str, now: datetime) -> Officer:
    """From now on every request of this officer is refused; twice is no error."""
    return _set_suspension(tables, tenant, sub, times.to_text(now))


def reinstate_officer(tables: Tables, tenant: str, sub: str) -> Officer:
    """Lifts a suspension; without one it changes nothing."""
    return _set_suspension(tables, tenant, sub, None)


def lift_kin(tables: Tables, tenant: str, sub: str, mark: str) -> bool:
    """The organ decided that a declared relation keeps nobody away any more.

    Answers whether there was one.
    """
    pk, sk = f"{tenant}#OFFICER#{sub}", f"KIN#{mark}"
    declared = tables.get(IDENTITY_TABLE, pk, sk) is not None
    if declared:
        tables.transact([Delete(IDENTITY_TABLE, pk, sk)])
    return declared


def _set_suspension(
    tables: Tables, tenant: str, sub: str, suspended_at: str | None
) -> Officer:
    for _ in range(_ATTEMPTS):
        known = Officers(tables).versioned(tenant, sub)
        if known is None:
            raise _not_registered()
        officer, version = known
        if (officer.suspended_at is None) == (suspended_at is None):
            return officer
        changed = replace(officer, suspended_at=suspended_at)
        kept = officer_row(tenant, changed, version + 1)
        try:
            tables.transact([Put(IDENTITY_TABLE, kept, Expect(version=version))])
        except Rejected:
            continue  # roles changed in between: a suspension must not be lost
        return changed
    raise _collided()


def _new_subject(tenant: str, sub: str, login_pk: str) -> list[Write]:
    login = StoredRow(login_pk, "SUB", {"sub": sub, "mark": ""}, version=1)
    subject = StoredRow(
        subject_key(tenant, sub),
        "SUBJECT",
        {
            "kind": SubjectKind.NATURAL,
            "level": Level.DECLARED,
            "via": Provider.OIDC,
        },
        version=1,
    )
    absent = Expect(absent=True)
    return [Put(IDENTITY_TABLE, row, absent) for row in (login, subject)]


def _placed(tables: Tables, tenant: str, officer: Officer) -> list[Write]:
    """The officer's row and its place in the organisation's list."""
    known = Officers(tables).versioned(tenant, officer.sub)
    listed = f"{tenant}#OFFICERS#{officer.organisation}"
    writes: list[Write] = [Put(IDENTITY_TABLE, StoredRow(listed, officer.sub, {}))]
    if known is None:
        kept = officer_row(tenant, officer, 1)
        return [*writes, Put(IDENTITY_TABLE, kept, Expect(absent=True))]
    before, version = known
    if before.organisation != officer.organisation:
        left = f"{tenant}#OFFICERS#{before.organisation}"
        writes.append(Delete(IDENTITY_TABLE, left, officer.sub))
    officer = replace(officer, suspended_at=before.suspended_at)
    kept = officer_row(tenant, officer, version + 1)
    return [*writes, Put(IDENTITY_TABLE, kept, Expect(version=version))]


def _department_faults(department: str) -> tuple[Fault, ...]:
    if _DEPARTMENT.fullmatch(department):
        return ()
    return (
        Fault(
            "/department",
            "department_wrong",
            "部门代码以小写字母开头，由小写字母、数字和 - 组成，最长32个字符。",
            "A department is lower-case letters, digits and -: 32 at most.",
        ),
    )


def _organisation_fault() -> Fault:
    return Fault(
        "/organisation",
        "organisation_unknown",
        "机构尚未登记，请先登记机构。",
        "The organisation is not registered; register it first.",
    )


def _not_registered() -> NotFound:
    return NotFound(
        "officer_not_registered",
        "没有登记过这名工作人员。",
        "No such officer is registered.",
    )


def _collided() -> Conflict:
    return Conflict(
        "registration_collided",
        "登记信息刚被他人更改，请重试。",
        "Somebody else changed this registration just now; please try again.",
    )

"""Who works here: organisation, department, roles, suspension."""

from __future__ import annotations

from dataclasses import dataclass

from zerotrip.identity.model import Officer, Role
from zerotrip.identity.rows import IDENTITY_TABLE
from zerotrip.kernel.errors import Forbidden
from zerotrip.kernel.tables import StoredRow, Tables


def officer_row(tenant: str, officer: Officer, version: int) -> StoredRow:
    """The row that says what an officer may do."""
    return StoredRow(
        pk=f"{tenant}#OFFICER#{officer.sub}",
        sk="OFFICER",
        data={
            "organisation": officer.organisation,
            "department": officer.department,
            "roles": sorted(officer.roles),
            "suspended_at": officer.suspended_at,
        },
        version=version,
    )


@dataclass(frozen=True, slots=True)
class Officers:
    """Who works here. Read again at each staff request, so suspension is at once."""

    tables: Tables

    def find(self, tenant: str, sub: str) -> Officer | None:
        """The officer, suspended or not; None for everyone else."""
        known = self.versioned(tenant, sub)
        return None if known is None else known[0]

    def current(self, tenant: str, sub: str) -> Officer:
        """The officer. Raises Forbidden `officer_unknown` or `officer_suspended`."""
        officer = self.find(tenant, sub)
        if officer is None:
            raise Forbidden(
                "officer_unknown",
                "您不是登记在册的工作人员。",
                "You are not registered as an officer.",
            )
        if officer.suspended_at is not None:
            raise Forbidden(
                "officer_suspended",
                "您的工作人员账号已停用，请联系管理员。",
                "Your officer account is suspended; please ask your administrator.",
            )
        return officer

    def versioned(self, tenant: str, sub: str) -> tuple[Officer, int] | None:
        """The officer and the row's version, for those who change it."""
        row = self.tables.get(IDENTITY_TABLE, f"{tenant}#OFFICER#{sub}", "OFFICER")
        return None if row is None else (_officer(sub, row), row.version or 0)


def _officer(sub: str, row: StoredRow) -> Officer:
    return Officer(
        sub=sub,
        organisation=row.data["organisation"],
        department=row.data["department"],
        roles=frozenset(Role(role) for role in row.data["roles"]),
        suspended_at=row.data["suspended_at"],
    )

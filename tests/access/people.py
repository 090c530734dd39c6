"""Who is who in the matrix, alike in both worlds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zerotrip.identity.model import Organisation, Role, Session
from zerotrip.identity.staff import (
    register_officer,
    register_organisation,
    reinstate_officer,
)
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.licence_identifier import licence_identifier, parse
from zerotrip.kernel.tables import Tables

VICTIMS_OFFICE = "11441882000000019J"
DEPARTMENT = "vehicle-office"
"""Organisation and department of the item that the victims applied for."""
ELSEWHERE = Organisation("12999999MB0000000T", "示例县政务服务局", "Example Services")
"""Another organisation, with a department of the same name."""
NEXT_DOOR = "archive"
"""Another department of the victims' own organisation."""
WORKPLACES = {
    "officer_elsewhere": (ELSEWHERE.uscc, DEPARTMENT, Role.OFFICER),
    "officer_next_door": (VICTIMS_OFFICE, NEXT_DOOR, Role.OFFICER),
    "auditor_next_door": (VICTIMS_OFFICE, NEXT_DOOR, Role.AUDITOR),
    "officer_suspended": (VICTIMS_OFFICE, DEPARTMENT, Role.OFFICER),
}
"""Organisation, department and role of the staff who are strangers to the victims."""


def session(
    sub: str, role: Role, organisation: str = "", department: str = ""
) -> Session:
    """A session as a sign-in begins it; a token's issuer sets when it ends."""
    return Session(
        sub=sub,
        roles=frozenset({role}),
        session_id=f"access-{sub}",
        level="L3",
        expires_at=datetime.fromtimestamp(0, UTC),
        organisation=organisation,
        department=department,
    )


@dataclass(frozen=True)
class Registry:
    """Registers the matrix's staff; suspends nobody yet."""

    tables: Tables
    hash_key: bytes
    tenant: str
    mint: Mint

    def staff(
        self, name: str, organisation: str, department: str, role: Role
    ) -> Session:
        """A registered officer's session."""
        sub = register_officer(
            self.tables,
            self.hash_key,
            self.tenant,
            f"access-{name}",
            organisation=organisation,
            department=department,
            roles=frozenset({role}),
            mint=self.mint,
        )
        reinstate_officer(self.tables, self.tenant, sub)  # of an earlier run
        return session(sub, role, organisation, department)

    def strangers(self) -> dict[str, Session]:
        """All of WORKPLACES, and the applicants who have no row of their own."""
        register_organisation(self.tables, self.tenant, ELSEWHERE)
        return {
            "other_company": session("SYNTHETIC0COMPANY000000000", Role.COMPANY),
            **{name: self.staff(name, *where) for name, where in WORKPLACES.items()},
        }


def absent_values(licence_id: str, case_no: str) -> dict[str, str]:
    """Per path parameter, and for a bill, a well-formed value that exists nowhere."""
    parts = parse(licence_id)
    return {
        "application_id": "0" * 26,
        "case_no": case_no[:31] + "20000101" + "000000",
        "item_code": "9" * 31,
        "licence_id": licence_identifier(parts.type_code, parts.issuer, "0" * 20),
        "notice_id": "A" * 22,
        "partner": "nobody",
        "bill": "441882" + "0" * 26,
    }


def secrets_of(
    things: Mapping[str, str], form: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    """Per owner what no answer to anyone else may hold: ids, and the form's people."""
    theirs = {
        value
        for name, value in things.items()
        if name not in {"item", "partner", "licence", "company_case"}
    }
    for part in form.values():
        named = ("name", "citizen_number", "telephone", "plate_number", "vin")
        theirs |= {str(part[name]) for name in named if name in part}
    licensed = frozenset({things["licence"], things["company_case"]})
    return {"citizen": frozenset(theirs), "company": licensed}

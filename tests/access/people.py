"""Who is who in the matrix, alike in both worlds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.files import a_file
from zerotrip.catalogue.authoring import Example
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
REUSABLE = "safety_rules"
"""A material of the food licence that may be used again."""
NEXT_DOOR = "archive"
"""Another department of the victims' own organisation."""
WORKPLACES = {
    "officer_elsewhere": (ELSEWHERE.uscc, DEPARTMENT, Role.OFFICER),
    "officer_next_door": (VICTIMS_OFFICE, NEXT_DOOR, Role.OFFICER),
    "auditor_next_door": (VICTIMS_OFFICE, NEXT_DOOR, Role.AUDITOR),
    "officer_suspended": (VICTIMS_OFFICE, DEPARTMENT, Role.OFFICER),
    "editor_elsewhere": (ELSEWHERE.uscc, DEPARTMENT, Role.EDITOR),
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

    def editors(self) -> dict[str, Session]:
        """Who writes the victims' items, and the two offices that answer."""
        return {
            "editor": self.staff("editor", VICTIMS_OFFICE, DEPARTMENT, Role.EDITOR),
            "staffing": self.staff(
                "staffing", ELSEWHERE.uscc, "review", Role.STAFFING_REVIEWER
            ),
            "legal": self.staff("legal", ELSEWHERE.uscc, "review", Role.LEGAL_REVIEWER),
        }

    def strangers(self) -> dict[str, Session]:
        """All of WORKPLACES, and the applicants who have no row of their own."""
        register_organisation(self.tables, self.tenant, ELSEWHERE)
        return {
            "other_company": session("SYNTHETIC0COMPANY000000000", Role.COMPANY),
            **{name: self.staff(name, *where) for name, where in WORKPLACES.items()},
            **self.editors(),
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
        "material": "nothing_of_the_kind",
        "partner": "nobody",
        "bill": "441882" + "0" * 26,
    }


def secrets_of(
    things: Mapping[str, str], form: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    """Per owner what no answer to anyone else may hold: ids, and the form's people."""
    companys = {"licence", "company_case", "company_draft", "stored"}
    public = {"item", "material", "partner", "proposal", "approved"}
    theirs = {value for name, value in things.items() if name not in companys | public}
    for part in form.values():
        named = ("name", "citizen_number", "telephone", "plate_number", "vin")
        theirs |= {str(part[name]) for name in named if name in part}
    licensed = frozenset(things[name] for name in companys)
    return {"citizen": frozenset(theirs), "company": licensed}


def stored_material(food: Example) -> dict[str, str]:
    """A file that the company's first case left in its vault, as `World` uploads it."""
    facts = food.materials[REUSABLE]
    content = a_file(facts["type"], facts["size_bytes"])
    return {"material": REUSABLE, "stored": hashlib.sha256(content).hexdigest()}

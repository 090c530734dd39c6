"""Who is who in the matrix, alike in both worlds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.files import a_file
from tests.support.persons import enrol
from zerotrip.catalogue.authoring import Example
from zerotrip.identity.model import (
    Level,
    Organisation,
    Person,
    Provider,
    Role,
    Session,
)
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import (
    EVERY_ACT,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
)
from zerotrip.identity.rows import IDENTITY_TABLE, SUBJECT, subject_key
from zerotrip.identity.sessions import ANSWERS_TABLE, window_key
from zerotrip.identity.staff import (
    register_officer,
    register_organisation,
    reinstate_officer,
)
from zerotrip.identity.store import Subjects
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.licence_identifier import licence_identifier, parse
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, StoredRow, Tables

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
STRANGER = Person(name="钱示例", id_type="111", id_no="999999199309090091")
COMPANYS_MANAGER = Person(name="王示例", id_type="111", id_no="999999198503030039")
STRANGERS_FIRM = Person(
    corp_name="示例五金有限公司",
    corp_uscc="91999999MA0000001N",
    corp_representative="钱示例",
)
OTHER_CITIZEN = "SYNTHETIC0CITIZEN000000000"
OTHER_COMPANY = "SYNTHETIC0COMPANY000000000"
OTHER_COMPANYS_AGENT = "SYNTHETIC0FIRMSAGENT000000"
NOBODYS_NUMBER = "999999198808080002"
"""Of an identity card that nobody in either world has."""
MINORS_NUMBER = "999999201606010246"
"""Of somebody who is ten years old in 2026."""
WINDOW_CODE, GUARDIANS_CODE, NO_WINDOW_CODE = "ACCESS22", "ACCESS44", "ACCESS33"
"""A code is good for one entry: there is one for each kind of entry."""
TERM = timedelta(days=30)


def session(
    sub: str, role: Role, organisation: str = "", department: str = "", **said: Any
) -> Session:
    """A session as a sign-in begins it; a token's issuer sets when it ends."""
    return Session(
        sub=sub,
        roles=frozenset({role}),
        session_id=f"access-{sub}",
        level=Level.PRESENT,
        expires_at=datetime.fromtimestamp(0, UTC),
        organisation=organisation,
        department=department,
        **said,
    )


def by_name(known: Mapping[str, Session]) -> dict[str, Session]:
    """Each under a session of its own: signing out is everybody's right, of that."""
    return {
        name: replace(each, session_id=f"access-{name.replace(' ', '-')}")
        for name, each in known.items()
    }


@dataclass(frozen=True)
class Registry:
    """Registers the matrix's people and staff; suspends nobody yet."""

    tables: Tables
    hash_key: bytes
    tenant: str
    mint: Mint
    keys: KeyRing
    clock: Callable[[], datetime]

    @property
    def subjects(self) -> Subjects:
        """The product's own: logins are made and bound as sign-ins do it."""
        return Subjects(self.tables, self.keys, self.mint, self.clock, self.hash_key)

    @property
    def powers(self) -> Powers:
        """The product's own."""
        return Powers(self.tables, self.tenant)

    def enrol(self, sub: str, person: Person, **said: Any) -> str:
        """A login under an id that the tests choose, proven as that person."""
        enrol(
            self.tables,
            self.keys,
            self.tenant,
            sub,
            person,
            hash_key=self.hash_key,
            **said,
        )
        return sub

    def power(self, principal: str, agent: str | None, **changed: Any) -> Power:
        """A stored power: everything, accepted, for a month, unless said otherwise."""
        now = self.clock()
        power = Power(
            id=self.mint.opaque(),
            principal=principal,
            agent=agent,
            office=Office.AGENT,
            acts=EVERY_ACT,
            scope=Scope(),
            source=PowerSource.CONSENT,
            starts_at=now - timedelta(minutes=5),
            ends_at=now + TERM,
            state=PowerState.ACCEPTED,
            accepted_at=now,
        )
        return self.powers.add(replace(power, **changed))

    def signed_in(self, known: Mapping[str, Session]) -> None:
        """Keeps each session's row, so that its proof counts as fresh for an hour."""
        now = self.clock()
        for each in known.values():
            said = {
                "sub": each.sub,
                "via": Provider.OIDC,
                "actor": each.actor,
                "power": each.power,
                "staff": bool(each.organisation),
                "signed_in_at": int((now + timedelta(hours=1)).timestamp()),
            }
            row = StoredRow(
                f"{self.tenant}#SESSION#{each.session_id}",
                "SESSION",
                said,
                version=1,
                stage="live",
                expires_at=int((now + TERM).timestamp()),
            )
            self.tables.transact([Put(ANSWERS_TABLE, row)])

    def parts(self, sub: str, kept: frozenset[str]) -> None:
        """Of a person's logins only these stay together, each other is alone."""
        for each in self.subjects.persons.of(self.tenant, sub).every:
            key = subject_key(self.tenant, each.sub)
            row = self.tables.get(IDENTITY_TABLE, key, SUBJECT)
            if row is None:
                raise LookupError(each.sub)
            subs = sorted(kept) if each.sub in kept and len(kept) > 1 else []
            version = row.version or 0
            apart = replace(row, data={**row.data, "subs": subs}, version=version + 1)
            write = Put(IDENTITY_TABLE, apart, Expect(version=version))
            self.tables.transact([write])

    def shows_a_code(self, sub: str, code: str) -> str:
        """A code that somebody shows at a window, good for longer than a run."""
        row = StoredRow(
            window_key(self.tenant, code),
            "WINDOW",
            {"sub": sub},
            version=1,
            stage="live",
            expires_at=int((self.clock() + TERM).timestamp()),
        )
        self.tables.transact([Put(ANSWERS_TABLE, row)])
        return code

    def staff(
        self,
        name: str,
        organisation: str,
        department: str,
        role: Role,
        account: str = "",
    ) -> Session:
        """A registered officer's session; `account` where the name says too little."""
        sub = register_officer(
            self.tables,
            self.hash_key,
            self.tenant,
            f"access-{account or name}",
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

    def at_the_window(self) -> Session:
        """Who looks at documents, and has no part in any case.

        Somebody new in each scene: an officer who vouched for a person once makes no
        further entry about that person.
        """
        account = f"at-the-window-{self.mint.opaque()}"
        where = (VICTIMS_OFFICE, NEXT_DOOR, Role.OFFICER)
        return self.staff("at_the_window", *where, account=account)

    def strangers(self) -> dict[str, Session]:
        """All of WORKPLACES, and the applicants who have no row of their own."""
        register_organisation(self.tables, self.tenant, ELSEWHERE)
        company = self.enrol(OTHER_COMPANY, STRANGERS_FIRM)
        agent = self.enrol(OTHER_COMPANYS_AGENT, STRANGER)
        power = self.power(company, agent, source=PowerSource.PROVIDER)
        return {
            "other_company": session(
                company, Role.COMPANY, actor=agent, power=power.id
            ),
            **{name: self.staff(name, *where) for name, where in WORKPLACES.items()},
            **self.editors(),
            "at_the_window": self.at_the_window(),
        }


def absent_values(licence_id: str, case_no: str) -> dict[str, str]:
    """Per path parameter, and for a bill, a well-formed value that exists nowhere."""
    parts = parse(licence_id)
    return {
        "application_id": "0" * 26,
        "binding_id": "0" * 26,
        "case_no": case_no[:31] + "20000101" + "000000",
        "item_code": "9" * 31,
        "licence_id": licence_identifier(parts.type_code, parts.issuer, "0" * 20),
        "notice_id": "A" * 22,
        "material": "nothing_of_the_kind",
        "partner": "nobody",
        "power_id": "0" * 26,
        "bill": "441882" + "0" * 26,
        "code": NO_WINDOW_CODE,
    }


def secrets_of(
    things: Mapping[str, str], example: Example, form: Mapping[str, Any]
) -> dict[str, frozenset[str]]:
    """Per owner what no answer to anyone else may hold: ids, and the form's people."""
    companys = {"licence", "company_case", "company_draft", "stored"}
    public = {"item", "material", "partner", "proposal", "approved"}
    theirs = {value for name, value in things.items() if name not in companys | public}
    for part in form.values():
        named = ("name", "citizen_number", "telephone", "plate_number", "vin")
        theirs |= {str(part[name]) for name in named if name in part}
    theirs |= {_hash_of(facts) for facts in example.materials.values()}
    licensed = frozenset(things[name] for name in companys)
    return {"citizen": frozenset(theirs), "company": licensed}


def stored_material(food: Example) -> dict[str, str]:
    """A file that the company's first case left in its vault, as `World` uploads it."""
    return {"material": REUSABLE, "stored": _hash_of(food.materials[REUSABLE])}


def _hash_of(facts: Mapping[str, Any]) -> str:
    content = a_file(facts["type"], facts["size_bytes"])
    return hashlib.sha256(content).hexdigest()

"""Where subjects, officers and organisations are kept: table `identity`.

    T#LOGIN#{keyed hash}       SUB            {sub, mark, holder}
    T#SUB#{sub}                SUBJECT        {kind, level, subs, …}, sealed person
    T#SUB#{sub}                HOLDS#{power}  a power that this login may use
    T#SUB#{sub}                GAVE#{power}   a power that this principal gave
    T#NUMBERED#{keyed hash}    {sub}          the logins proven by that number
    T#NUMBERED#{keyed hash}    REGISTER       {ended, representative}
    T#POWER#{power}            POWER          {principal, agent, acts, …}
    T#OFFERED#{keyed hash}     {power}        a power offered to a name and number
    T#OFFICER#{sub}            OFFICER        {organisation, department, roles, …}
    T#OFFICER#{sub}            KIN#{keyed hash}  {relation, declared_at}
    T#OFFICERS#{organisation}  {sub}          the same officers, to be listed
    T#ORGANISATIONS            {uscc}         {name_zh, name_en}

`mark` is the keyed hash of what the provider said last, so that a login that brings
nothing new needs no decryption and no write. `holder` is that of WeChat's `unionid`:
where it changes, the openid was given to somebody else. A person is the set `subs`,
which stands in the row of each of its logins and is changed in all of them at once.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from zerotrip.identity.model import (
    CompanyKind,
    Level,
    Login,
    Person,
    Provider,
    Subject,
    SubjectKind,
)
from zerotrip.kernel.errors import NotFound, Unavailable
from zerotrip.kernel.names import normalised_name
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, StoredRow

IDENTITY_TABLE = "identity"
SUBJECT = "SUBJECT"
REGISTER = "REGISTER"
"""Under a number: what a register said of it, whoever signs in by it."""
PERSON_FIELD = "person"
ATTEMPTS = 5
"""How often a write is tried that somebody else came before."""


def keyed_hash(hash_key: bytes, content: str) -> str:
    """HMAC-SHA256, 64 hexadecimal characters: found again, never turned back."""
    return hmac.new(hash_key, content.encode(), "sha256").hexdigest()


def login_key(tenant: str, hash_key: bytes, login: Login) -> str:
    """Partition key of a way in."""
    hashed = keyed_hash(hash_key, f"{login.provider}:{login.identity}")
    return f"{tenant}#LOGIN#{hashed}"


def subject_key(tenant: str, sub: str) -> str:
    """Partition key of a subject."""
    return f"{tenant}#SUB#{sub}"


def numbered_key(tenant: str, mark: str) -> str:
    """Partition key of the logins that were proven by one number."""
    return f"{tenant}#NUMBERED#{mark}"


def number_mark(hash_key: bytes, number: str) -> str:
    """The keyed hash of an identity number or USCC."""
    return keyed_hash(hash_key, f"number:{number}")


def name_mark(hash_key: bytes, name: str) -> str:
    """The keyed hash of a person's name, alike for each writing of it."""
    return keyed_hash(hash_key, f"name:{normalised_name(name)}")


def read_subject(tenant: str, sub: str, row: StoredRow) -> Subject:
    """The subject that a row holds."""
    data = row.data
    return Subject(
        tenant=tenant,
        sub=sub,
        kind=SubjectKind(data["kind"]),
        level=Level(data["level"]),
        subs=tuple(data.get("subs", ())),
        number=data.get("number"),
        named=data.get("named"),
        representative=data.get("representative"),
        register=bool(data.get("register")),
        company=CompanyKind(data["company"]) if data.get("company") else None,
        ended=data.get("ended"),
        former=bool(data.get("former")),
        via=Provider(data["via"]) if data.get("via") else None,
        seen_by=data.get("seen_by"),
    )


def subject_data(subject: Subject) -> dict[str, Any]:
    """What a row keeps of a subject; nothing for what is not so."""
    said = {
        "kind": subject.kind,
        "level": subject.level,
        "number": subject.number,
        "named": subject.named,
        "representative": subject.representative,
        "register": subject.register or None,
        "company": subject.company,
        "ended": subject.ended,
        "via": subject.via,
        "seen_by": subject.seen_by,
    }
    return {name: value for name, value in said.items() if value is not None}


def opened_person(keys: KeyRing, tenant: str, sub: str, row: StoredRow) -> Person:
    """What is personal in a subject's row: one KMS call."""
    if row.sealed is None:  # an officer who was registered and never came
        return Person()
    owner = f"SUB#{sub}"
    content = keys.open(tenant, owner).unseal(owner, PERSON_FIELD, row.sealed)
    return Person(**json.loads(content))


def changed(row: StoredRow, data: Mapping[str, Any]) -> Put:
    """The write of a row's other data, if nobody wrote it since."""
    version = (row.version or 0) + 1
    return Put(
        IDENTITY_TABLE,
        replace(row, data=data, version=version),
        Expect(version=row.version),
    )


def subject_unknown() -> NotFound:
    """No such login."""
    return NotFound("subject_unknown", "没有这个用户。", "There is no such subject.")


def busy() -> Unavailable:
    """Others wrote first, several times over."""
    return Unavailable(
        "login_busy",
        "登录请求过多，请稍后再试。",
        "Too many sign-ins at once; please try again shortly.",
    )

"""Who is who in tests: proven logins under ids that tests choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import pointer
from zerotrip.identity.model import (
    CompanyKind,
    Level,
    Person,
    Provider,
    Role,
    SubjectKind,
)
from zerotrip.identity.powers import Acting, alone
from zerotrip.identity.rows import IDENTITY_TABLE, SUBJECT, number_mark, subject_key
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Put, StoredRow, Tables

HASH_KEY = b"a synthetic secret for keyed hashes"
ZHANG = Person(name="张示例", id_type="111", id_no="999999199001010016")
FIRM = Person(
    corp_name="示例餐饮管理有限公司",
    corp_uscc="91441882MA0000018A",
    corp_representative="李示例",
)


def enrol(
    tables: Tables,
    keys: KeyRing,
    tenant: str,
    sub: str,
    person: Person,
    *,
    level: Level = Level.PRESENT,
    via: Provider = Provider.OIDC,
    hash_key: bytes = HASH_KEY,
    **facts: Any,
) -> None:
    """Stores a login with that `sub` as a sign-in would; twice is no error."""
    if tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT) is not None:
        return
    owner = f"SUB#{sub}"
    data_key, put = keys.create(tenant, owner)
    number = person.corp_uscc or person.id_no
    kind = SubjectKind.LEGAL if person.corp_uscc else SubjectKind.NATURAL
    said: dict[str, Any] = {"kind": kind, "level": level, "via": via, **facts}
    if number is not None:
        said["number"] = number_mark(hash_key, number)
    if kind is SubjectKind.LEGAL:
        said.setdefault("company", CompanyKind.COMPANY)
    row = StoredRow(
        subject_key(tenant, sub),
        SUBJECT,
        said,
        version=1,
        sealed=data_key.seal(owner, "person", canonical(person.as_json())),
    )
    tables.transact([put, Put(IDENTITY_TABLE, row)])


def named_in(item: Item, form: Mapping[str, Any]) -> Person:
    """Whom a form names as its applicant, as a provider would vouch for them."""
    paths = item.applicant
    name, number = pointer(form, paths.name_path), pointer(form, paths.number_path)
    if item.audience == "person":
        return Person(name=name, id_type="111", id_no=number)
    known = paths.representative_path
    representative = pointer(form, known) if known else None
    return Person(corp_name=name, corp_uscc=number, corp_representative=representative)


def as_named(
    item: Item, form: Mapping[str, Any], locked: Mapping[str, str]
) -> dict[str, Any]:
    """The form with the proven values in the applicant's own fields."""
    made: dict[str, Any] = json_copy(form)
    for path, value in locked.items():
        *parents, last = path[1:].split("/")
        place = made
        for name in parents:
            place = place.setdefault(name, {})
        place[last] = value
    return made


def json_copy(value: Any) -> Any:
    """A copy that shares nothing."""
    if isinstance(value, Mapping):
        return {name: json_copy(each) for name, each in value.items()}
    return [json_copy(each) for each in value] if isinstance(value, list) else value


def acting(sub: str, role: str | Role = Role.CITIZEN) -> Acting:
    """Somebody with one proven login who acts for themselves."""
    return alone(sub, Role(role))

"""What registers said of a number, for the logins that it proves, now and later."""

from __future__ import annotations

from zerotrip.identity.rows import (
    ATTEMPTS,
    IDENTITY_TABLE,
    REGISTER,
    SUBJECT,
    busy,
    changed,
    number_mark,
    numbered_key,
    subject_key,
    subject_unknown,
)
from zerotrip.kernel.tables import Put, Rejected, StoredRow, Tables


def proven_by(tables: Tables, hash_key: bytes, tenant: str, number: str) -> list[str]:
    """The `sub`s that are proven by a number or USCC."""
    return _proven_by_mark(tables, tenant, number_mark(hash_key, number))


def _proven_by_mark(tables: Tables, tenant: str, mark: str) -> list[str]:
    pointers = tables.query(IDENTITY_TABLE, numbered_key(tenant, mark))
    keys = [
        (subject_key(tenant, pointer.sk), SUBJECT)
        for pointer in pointers
        if pointer.sk != REGISTER
    ]
    found = tables.get_many(IDENTITY_TABLE, keys) if keys else []
    # A login may be proven by another number by now: that one's word is not of it.
    return [
        row.pk.rpartition("#")[2] for row in found if row.data.get("number") == mark
    ]


def note_number(
    tables: Tables,
    hash_key: bytes,
    tenant: str,
    number: str,
    **facts: str | bool | None,
) -> list[str]:
    """Keeps what a register said of a number: for the logins that there are, which are
    answered, and for those that come later. None takes a fact back."""
    return note_mark(tables, tenant, number_mark(hash_key, number), **facts)


def note_mark(
    tables: Tables, tenant: str, mark: str, **facts: str | bool | None
) -> list[str]:
    pk = numbered_key(tenant, mark)
    known = tables.get(IDENTITY_TABLE, pk, REGISTER)
    merged = {**(known.data if known else {}), **facts}
    data = {name: value for name, value in merged.items() if value is not None}
    tables.transact([Put(IDENTITY_TABLE, StoredRow(pk, REGISTER, data))])
    subs = _proven_by_mark(tables, tenant, mark)
    for sub in subs:
        note(tables, tenant, sub, **facts)
    return subs


def note(tables: Tables, tenant: str, sub: str, **facts: str | bool | None) -> None:
    """Keeps what a register said of a subject; None takes a fact back."""
    for _ in range(ATTEMPTS):
        row = tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        merged = {**row.data, **facts}
        data = {name: value for name, value in merged.items() if value is not None}
        if data == dict(row.data):
            return
        try:
            tables.transact([changed(row, data)])
        except Rejected:
            continue
        return
    raise busy()

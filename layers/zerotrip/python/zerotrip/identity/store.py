"""Where subjects, officers and organisations are kept: table `identity`.

    T#LOGIN#{keyed hash}       SUB            {sub, mark}
    T#SUB#{sub}                SUBJECT        {kind, level, created_at}, sealed person
    T#OFFICER#{sub}            OFFICER        {organisation, department, roles, …}
    T#OFFICERS#{organisation}  {sub}          the same officers, to be listed
    T#ORGANISATIONS            {uscc}         {name_zh, name_en}

`mark` is the keyed hash of what the provider said last, so that a login that brings
nothing new needs no decryption and no write.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from zerotrip.identity.model import (
    Level,
    Login,
    Officer,
    Person,
    Role,
    Subject,
    SubjectKind,
)
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import Conflict, Forbidden, NotFound, Unavailable
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write

IDENTITY_TABLE = "identity"
_ATTEMPTS = 5
_PERSON_FIELD = "person"


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


@dataclass(frozen=True, slots=True)
class Subjects:
    """People and companies by their ways in; what is personal is sealed per subject."""

    tables: Tables
    keys: KeyRing
    mint: Mint
    clock: Callable[[], datetime]
    hash_key: bytes = field(repr=False)

    def find(self, tenant: str, login: Login) -> str | None:
        """The `sub` behind a login, if it was seen before."""
        row = self._login_row(tenant, login)
        return None if row is None else str(row.data["sub"])

    def get(self, tenant: str, sub: str) -> Subject:
        """Kind and level. Raises NotFound `subject_unknown`."""
        return _subject(tenant, sub, self._subject_row(tenant, sub))

    def person(self, tenant: str, sub: str) -> Person:
        """What is personal, opened: one KMS call. Raises NotFound `subject_unknown`."""
        return self._opened(tenant, sub, self._subject_row(tenant, sub))

    def openid(self, tenant: str, sub: str) -> str | None:
        """Who pays at WeChat; None when this subject never came through WeChat."""
        return self.person(tenant, sub).openid

    def enter(
        self,
        tenant: str,
        login: Login,
        kind: SubjectKind,
        person: Person,
        level: str | None = None,
    ) -> Subject:
        """The subject behind a login, made at the first one, brought up to date later.

        `level` None: this provider proves no identity and leaves the level as it is.
        Two first logins at once give one subject: the rows are written if absent.
        """
        for _ in range(_ATTEMPTS):
            known = self._login_row(tenant, login)
            try:
                if known is None:
                    return self._create(tenant, login, kind, person, level)
                return self._refresh(tenant, known, person, level)
            except Rejected:
                continue  # somebody else wrote first: look again
        raise _busy()

    def bind(
        self, tenant: str, sub: str, login: Login, person: Person, level: str
    ) -> Subject:
        """A further way in for an existing natural person.

        Raises Conflict `login_bound_elsewhere` when it already leads to another.
        """
        for _ in range(_ATTEMPTS):
            known = self._login_row(tenant, login)
            if known is not None and known.data["sub"] != sub:
                raise Conflict(
                    "login_bound_elsewhere",
                    "该账号已与其他用户绑定。",
                    "This account is already bound to another user.",
                )
            try:
                pk = login_key(tenant, self.hash_key, login)
                empty = known or StoredRow(pk, "SUB", {"sub": sub, "mark": ""})
                return self._refresh(tenant, empty, person, level)
            except Rejected:
                continue
        raise _busy()

    def _create(
        self,
        tenant: str,
        login: Login,
        kind: SubjectKind,
        person: Person,
        level: str | None,
    ) -> Subject:
        sub = self.mint.opaque()
        subject = Subject(tenant, sub, kind, level or Level.DECLARED)
        made = StoredRow(
            subject_key(tenant, sub),
            "SUBJECT",
            {"kind": kind, "created_at": times.to_text(self.clock())},
        )
        marked = StoredRow(
            login_key(tenant, self.hash_key, login),
            "SUB",
            {"sub": sub, "mark": self._mark(person, level)},
            version=1,
        )
        self.tables.transact(
            [
                Put(IDENTITY_TABLE, marked, Expect(absent=True)),
                *self._written(tenant, subject, made, person),
            ]
        )
        return subject

    def _refresh(
        self, tenant: str, login_row: StoredRow, person: Person, level: str | None
    ) -> Subject:
        sub = str(login_row.data["sub"])
        row = self._subject_row(tenant, sub)
        subject = _subject(tenant, sub, row)
        mark = self._mark(person, level)
        if login_row.data["mark"] == mark:
            return subject
        subject = replace(subject, level=level or subject.level)
        person = self._opened(tenant, sub, row).updated(person)
        marked = replace(
            login_row,
            data={**login_row.data, "mark": mark},
            version=(login_row.version or 0) + 1,
        )
        expect = Expect(version=login_row.version, absent=login_row.version is None)
        self.tables.transact(
            [
                Put(IDENTITY_TABLE, marked, expect),
                *self._written(tenant, subject, row, person),
            ]
        )
        return subject

    def _written(
        self, tenant: str, subject: Subject, row: StoredRow, person: Person
    ) -> list[Write]:
        """The writes that keep a subject: its row, and its data key when it is new."""
        owner = f"SUB#{subject.sub}"
        writes: list[Write] = []
        if row.sealed is None:
            data_key, put = self.keys.create(tenant, owner)
            writes.append(put)
        else:
            data_key = self.keys.open(tenant, owner)
        content = canonical(person.as_json())
        kept = replace(
            row,
            data={**row.data, "level": subject.level},
            version=(row.version or 0) + 1,
            sealed=data_key.seal(owner, _PERSON_FIELD, content),
        )
        expect = Expect(version=row.version, absent=row.version is None)
        writes.append(Put(IDENTITY_TABLE, kept, expect))
        return writes

    def _opened(self, tenant: str, sub: str, row: StoredRow) -> Person:
        if row.sealed is None:  # an officer who was registered and never came
            return Person()
        owner = f"SUB#{sub}"
        content = self.keys.open(tenant, owner).unseal(owner, _PERSON_FIELD, row.sealed)
        return Person(**json.loads(content))

    def _mark(self, person: Person, level: str | None) -> str:
        said = canonical([level, person.as_json()]).decode()
        return keyed_hash(self.hash_key, said)

    def _login_row(self, tenant: str, login: Login) -> StoredRow | None:
        pk = login_key(tenant, self.hash_key, login)
        return self.tables.get(IDENTITY_TABLE, pk, "SUB")

    def _subject_row(self, tenant: str, sub: str) -> StoredRow:
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), "SUBJECT")
        if row is None:
            raise NotFound(
                "subject_unknown", "没有这个用户。", "There is no such subject."
            )
        return row


def _subject(tenant: str, sub: str, row: StoredRow) -> Subject:
    return Subject(tenant, sub, SubjectKind(row.data["kind"]), str(row.data["level"]))


def _officer(sub: str, row: StoredRow) -> Officer:
    return Officer(
        sub=sub,
        organisation=row.data["organisation"],
        department=row.data["department"],
        roles=frozenset(Role(role) for role in row.data["roles"]),
        suspended_at=row.data["suspended_at"],
    )


def _busy() -> Unavailable:
    return Unavailable(
        "login_busy",
        "登录请求过多，请稍后再试。",
        "Too many sign-ins at once; please try again shortly.",
    )

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
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from zerotrip.identity.model import (
    CompanyKind,
    Level,
    Login,
    Officer,
    Person,
    Proven,
    Provider,
    Role,
    Subject,
    SubjectKind,
)
from zerotrip.identity.powers import level_too_low, subject_ended
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
    Unavailable,
)
from zerotrip.kernel.identifiers import Mint, is_citizen_number
from zerotrip.kernel.names import normalised_name
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write

IDENTITY_TABLE = "identity"
SUBJECT = "SUBJECT"
MOST_LOGINS = 8
REGISTER = "REGISTER"
"""Under a number: what a register said of it, whoever signs in by it."""
USCC = "USCC"
RESIDENT_IDENTITY_CARD = "111"
"""GA/T 2000.156."""
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
class PersonNow:
    """All logins of one person, or one company, as they stand now.

    `asked` is the one that was looked up; `every` holds all, itself among them.
    """

    asked: Subject
    every: tuple[Subject, ...]

    @property
    def subs(self) -> frozenset[str]:
        """Whose drafts, cases, notices and files are this person's."""
        return frozenset(each.sub for each in self.every)

    @property
    def live(self) -> tuple[Subject, ...]:
        """Those by which the person may still sign in."""
        return tuple(each for each in self.every if not each.former)

    @property
    def level(self) -> Level:
        """How well the person is proven: by the best of the logins."""
        reached = {each.level for each in self.live}
        return max(reached, key=list(Level).index, default=Level.DECLARED)

    @property
    def best(self) -> Subject:
        """The login whose provider vouches most for name and number."""
        numbered = [each for each in self.live if each.number is not None]
        return max(
            numbered, key=lambda each: list(Level).index(each.level), default=self.asked
        )

    @property
    def ended(self) -> str | None:
        """`deceased` or `deregistered`, where a register said so."""
        return next((each.ended for each in self.every if each.ended), None)

    @property
    def principal(self) -> Subject:
        """Who was asked for, with what a register said of any of the logins."""
        return replace(self.asked, ended=self.ended)

    @property
    def marks(self) -> frozenset[str]:
        """All by which this person is known again: logins, numbers, and for a company
        its representative's number."""
        known = {each.number for each in self.every}
        known |= {each.representative for each in self.every}
        return self.subs | {each for each in known if each is not None}


@dataclass(frozen=True, slots=True)
class Persons:
    """Reads who is who; nothing is opened and nothing written."""

    tables: Tables

    def of(self, tenant: str, sub: str) -> PersonNow:
        """The person behind a login. Raises NotFound `subject_unknown`."""
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        asked = read_subject(tenant, sub, row)
        others = [each for each in asked.members if each != sub]
        return PersonNow(asked, (asked, *self._subjects(tenant, others).values()))

    def many(self, tenant: str, subs: Iterable[str]) -> dict[str, PersonNow]:
        """By `sub`; those that nobody knows are left out. Two reads at the most."""
        wanted = set(subs)
        found = self._subjects(tenant, wanted)
        members = {other for each in found.values() for other in each.members}
        found |= self._subjects(tenant, members - set(found))
        return {
            sub: PersonNow(
                found[sub],
                tuple(found[each] for each in found[sub].members if each in found),
            )
            for sub in wanted
            if sub in found
        }

    def _subjects(self, tenant: str, subs: Iterable[str]) -> dict[str, Subject]:
        keys = [(subject_key(tenant, sub), SUBJECT) for sub in sorted(subs)]
        if not keys:
            return {}
        found = {}
        for row in self.tables.get_many(IDENTITY_TABLE, keys):
            sub = row.pk.rpartition("#")[2]
            found[sub] = read_subject(tenant, sub, row)
        return found


@dataclass(frozen=True, slots=True)
class Identities:
    """Opens what providers vouched for: one KMS call per person."""

    tables: Tables
    keys: KeyRing

    def person(self, tenant: str, sub: str) -> Person:
        """What is personal of one login. Raises NotFound `subject_unknown`."""
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        return opened_person(self.keys, tenant, sub, row)

    def proven(self, tenant: str, person: PersonNow) -> Proven | None:
        """Name and number as a provider or an officer vouched for them.

        None below `matched`: what somebody says of themselves proves nothing.
        """
        best = person.best
        natural = best.kind is SubjectKind.NATURAL
        if natural and not person.level.reaches(Level.MATCHED):
            return None
        known = self.person(tenant, best.sub)
        if not natural:
            if not known.corp_uscc:
                return None
            return Proven(
                kind=SubjectKind.LEGAL,
                id_type=USCC,
                number=known.corp_uscc,
                name=known.corp_name or "",
                representative=known.corp_representative,
                company=best.company,
            )
        if not known.id_no or not known.name:
            return None
        return Proven(
            kind=SubjectKind.NATURAL,
            id_type=known.id_type or RESIDENT_IDENTITY_CARD,
            number=known.id_no,
            name=known.name,
            telephone=known.telephone,
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What a provider said at a sign-in; `facts` are fields of the subject's row."""

    person: Person = field(repr=False)
    level: Level | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Subjects:
    """People and companies by their ways in; what is personal is sealed per subject."""

    tables: Tables
    keys: KeyRing
    mint: Mint
    clock: Callable[[], datetime]
    hash_key: bytes = field(repr=False)

    @property
    def persons(self) -> Persons:
        """The same table, read only."""
        return Persons(self.tables)

    @property
    def identities(self) -> Identities:
        """The same table, opened."""
        return Identities(self.tables, self.keys)

    def find(self, tenant: str, login: Login) -> str | None:
        """The `sub` behind a login, if it was seen before."""
        row = self._login_row(tenant, login)
        return None if row is None else str(row.data["sub"])

    def get(self, tenant: str, sub: str) -> Subject:
        """Kind and level. Raises NotFound `subject_unknown`."""
        return read_subject(tenant, sub, self._subject_row(tenant, sub))

    def person(self, tenant: str, sub: str) -> Person:
        """What is personal, opened: one KMS call. Raises NotFound `subject_unknown`."""
        return self.identities.person(tenant, sub)

    def openid(self, tenant: str, logins: Iterable[str]) -> str | None:
        """Who pays at WeChat: the openid of the first of these logins that has one."""
        for sub in logins:
            row = self._subject_row(tenant, sub)
            if row.data.get("via") == Provider.WECHAT and not row.data.get("former"):
                return opened_person(self.keys, tenant, sub, row).openid
        return None

    def number_mark(self, number: str) -> str:
        """The keyed hash by which a number is known again."""
        return number_mark(self.hash_key, number)

    def enter(
        self,
        tenant: str,
        login: Login,
        kind: SubjectKind,
        person: Person,
        *,
        level: Level | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> Subject:
        """The subject behind a login, made at the first one, brought up to date later.

        `level` None: this provider proves no identity and leaves the level as it is.
        `facts` are further fields of the subject's row. Two first logins at once give
        one subject: the rows are written if absent. A login whose account or openid is
        somebody else's by now is somebody new. Raises Forbidden `identity_conflict`
        where a provider now vouches for another number than that of the person whose
        login this is.
        """
        said = _Said(person, level, facts or {})
        for _ in range(_ATTEMPTS):
            known = self._login_row(tenant, login)
            try:
                row = self._row_behind(tenant, known, person)
                if known is None or row is None or self._is_another(row, said):
                    return self._create(
                        login,
                        Subject(tenant, self.mint.opaque(), kind, Level.DECLARED),
                        said,
                        known,
                    )
                return self._refresh(tenant, known, row, said)
            except Rejected:
                continue  # somebody else wrote first: look again
        raise _busy()

    def join(self, tenant: str, one: str, other: str) -> PersonNow:
        """Makes two logins one person's; nothing of either is moved.

        Raises Conflict `login_bound_elsewhere` where they are proven as two people,
        `too_many_logins`, Forbidden `identity_level_too_low` where neither is proven.
        """
        for _ in range(_ATTEMPTS):
            first, second = self.persons.of(tenant, one), self.persons.of(tenant, other)
            if other in first.subs:
                return first
            every = (*first.every, *second.every)
            _require_one_person(every)
            try:
                self._write_subs(tenant, every, tuple(each.sub for each in every))
            except Rejected:
                continue  # another binding came first: look again
            return self.persons.of(tenant, one)
        raise _busy()

    def remove(self, tenant: str, own: str, login: str) -> None:
        """Takes a login away from its person. What was begun by it stays theirs.

        Whoever signs in by it from now on is somebody new. Raises NotFound
        `binding_unknown`, Conflict `last_login`, `only_proof`.
        """
        for _ in range(_ATTEMPTS):
            person = self.persons.of(tenant, own)
            live = {each.sub for each in person.live}
            if login not in live:
                raise binding_unknown()
            if live == {login}:
                raise _last_login()
            if all(
                not each.level.reaches(Level.MATCHED)
                for each in person.live
                if each.sub != login
            ):
                # Else a thief with the other login could prove himself the owner.
                raise _only_proof()
            try:
                # The others too: two that take each other away must meet, or nobody
                # would be left.
                rows = [self._row_as_read(tenant, each) for each in person.live]
                self.tables.transact(
                    [
                        _changed(row, {**row.data, "former": True})
                        if row.pk == subject_key(tenant, login)
                        else _changed(row, row.data)
                        for row in rows
                    ]
                )
            except Rejected:
                continue
            return
        raise _busy()

    def vouch(
        self, tenant: str, sub: str, person: Person, officer: str, number: str
    ) -> PersonNow:
        """What an officer saw at a window: level `strong`, and who it was that looked.

        Raises Conflict `proven_as_another` where the login is proven by another number,
        Forbidden as `subject_ended` does where a register says so of the number,
        Invalid `name_differs` where a provider knows the number under another name.
        """
        self.require_name_of_number(tenant, number, person.name or "", sub)
        for _ in range(_ATTEMPTS):
            now = self.persons.of(tenant, sub)
            mark = self.number_mark(number)
            # The former ones too: what they began is this person's still.
            if any(_proven_otherwise(each, mark) for each in now.every):
                raise _proven_as_another()
            subject = self._as_registers_say(
                replace(
                    now.asked,
                    level=Level.STRONG,
                    number=mark,
                    named=self._named(person),
                    seen_by=officer,
                )
            )
            if subject.ended is not None:
                raise subject_ended(subject.ended)
            try:
                row = self._row_as_read(tenant, now.asked)
                held = opened_person(self.keys, tenant, sub, row).updated(person)
                self.tables.transact(
                    [
                        *self._written(tenant, subject, row, held),
                        *self._others_as_read(tenant, now),
                    ]
                )
            except Rejected:
                continue
            return self.persons.of(tenant, sub)
        raise _busy()

    def require_name_of_number(
        self, tenant: str, number: str, name: str, but: str | None = None
    ) -> None:
        """Raises Invalid `name_differs` where the number is proven under another name.

        `but` is the login whose own entry may be corrected.
        """
        subs = proven_by(self.tables, self.hash_key, tenant, number)
        named = name_mark(self.hash_key, name)
        for sub in subs:
            known = self.get(tenant, sub)
            if sub == but or not known.level.reaches(Level.MATCHED):
                continue
            if known.named not in (None, named):
                raise _name_differs()

    def note(self, tenant: str, sub: str, **facts: str | None) -> None:
        """Keeps what a register said of a subject: `ended`, `representative`.

        It holds for every login with the same number, and for those that come later.
        """
        mark = self.persons.of(tenant, sub).best.number
        if mark is not None:
            _note_mark(self.tables, tenant, mark, **facts)
        note(self.tables, tenant, sub, **facts)

    def _row_behind(
        self, tenant: str, known: StoredRow | None, person: Person
    ) -> StoredRow | None:
        """Where a login leads; None for one that is new, or somebody else's by now."""
        if known is None:
            return None
        holder, before = self._holder(person), known.data.get("holder")
        if None not in (holder, before) and holder != before:
            return None
        row = self._subject_row(tenant, str(known.data["sub"]))
        return None if row.data.get("former") else row

    def _is_another(self, row: StoredRow, said: _Said) -> bool:
        """Whether the provider's account is another citizen's by now.

        A citizen's number never changes; that of a passport does.
        """
        before, number = row.data.get("number"), said.person.id_no
        proven = Level(row.data["level"]).reaches(Level.MATCHED)
        if number is None or not proven or before in (None, self.number_mark(number)):
            return False
        tenant, _, sub = row.pk.split("#")
        known = opened_person(self.keys, tenant, sub, row).id_no
        return is_citizen_number(number) and is_citizen_number(known or "")

    def _holder(self, person: Person) -> str | None:
        if person.unionid is None:
            return None
        return keyed_hash(self.hash_key, f"unionid:{person.unionid}")

    def _create(
        self, login: Login, new: Subject, said: _Said, before: StoredRow | None
    ) -> Subject:
        tenant, sub = new.tenant, new.sub
        subject = replace(
            new,
            level=said.level or new.level,
            number=self._number(said.person),
            named=self._named(said.person),
            via=login.provider,
            company=said.facts.get("company"),
            representative=said.facts.get("representative"),
            ended=said.facts.get("ended"),
        )
        subject = self._as_registers_say(subject)
        made = StoredRow(
            subject_key(tenant, sub),
            SUBJECT,
            {"created_at": times.to_text(self.clock())},
        )
        version = 0 if before is None else before.version or 0
        marked = StoredRow(
            login_key(tenant, self.hash_key, login),
            "SUB",
            self._login_data(sub, said),
            version=version + 1,
        )
        expect = Expect(absent=True) if before is None else Expect(version=version)
        writes = [
            Put(IDENTITY_TABLE, marked, expect),
            *self._written(tenant, subject, made, said.person),
        ]
        if before is not None:
            writes += self._left_behind(tenant, str(before.data["sub"]))
        self.tables.transact(writes)
        return subject

    def _left_behind(self, tenant: str, sub: str) -> list[Write]:
        """The write by which a login that was given away leads nowhere any more."""
        row = self._subject_row(tenant, sub)
        if row.data.get("former"):
            return []
        return [_changed(row, {**row.data, "former": True})]

    def _refresh(
        self, tenant: str, login_row: StoredRow, row: StoredRow, said: _Said
    ) -> Subject:
        sub, facts = str(login_row.data["sub"]), said.facts
        subject = read_subject(tenant, sub, row)
        data = self._login_data(sub, said)
        if login_row.data["mark"] == data["mark"]:
            return subject
        number = self._number(said.person) or subject.number
        level, seen_by = said.level or subject.level, subject.seen_by
        others: list[Write] = []
        if number != subject.number:
            seen_by = None  # an officer saw whoever had the other number
        elif seen_by is not None:
            level = subject.level  # no provider takes back what an officer saw
        was_proven = subject.level.reaches(Level.MATCHED)
        if level.reaches(Level.MATCHED) and (
            number != subject.number or not was_proven
        ):
            others = self._same_person(tenant, sub, number)
        row = replace(
            row, data={name: row.data[name] for name in row.data if name != "seen_by"}
        )
        subject = replace(
            subject,
            level=level,
            number=number,
            named=self._named(said.person) or subject.named,
            seen_by=seen_by,
            company=facts.get("company", subject.company),
            representative=(
                subject.representative
                if subject.register
                else facts.get("representative") or subject.representative
            ),
            ended=facts.get("ended") or subject.ended,
        )
        person = opened_person(self.keys, tenant, sub, row).updated(said.person)
        marked = replace(
            login_row,
            data={**login_row.data, **data},
            version=(login_row.version or 0) + 1,
        )
        expect = Expect(version=login_row.version, absent=login_row.version is None)
        self.tables.transact(
            [
                Put(IDENTITY_TABLE, marked, expect),
                *self._written(tenant, subject, row, person),
                *others,
            ]
        )
        return subject

    def _same_person(self, tenant: str, sub: str, number: str | None) -> list[Write]:
        """The writes that hold the other logins as they are while this one is proven.

        Raises Forbidden `identity_conflict` where they are proven as somebody else.
        """
        person = self.persons.of(tenant, sub)
        for each in person.every:
            if each.sub != sub and _proven_otherwise(each, number):
                raise _identity_conflict()
        return self._others_as_read(tenant, person)

    def _others_as_read(self, tenant: str, person: PersonNow) -> list[Write]:
        """Writes that change nothing, and fail where one of the other logins did."""
        rows = [
            self._row_as_read(tenant, each)
            for each in person.live
            if each.sub != person.asked.sub
        ]
        return [_changed(row, row.data) for row in rows]

    def _row_as_read(self, tenant: str, subject: Subject) -> StoredRow:
        """A login's row, for a write. Raises Rejected where it is another by now."""
        row = self._subject_row(tenant, subject.sub)
        if read_subject(tenant, subject.sub, row) != subject:
            raise Rejected(frozenset(), {})
        return row

    def _as_registers_say(self, subject: Subject) -> Subject:
        """A new login, with what registers said of its number before it came."""
        if subject.number is None:
            return subject
        pk = numbered_key(subject.tenant, subject.number)
        row = self.tables.get(IDENTITY_TABLE, pk, REGISTER)
        if row is None:
            return subject
        said = row.data.get("representative")
        return replace(
            subject,
            ended=row.data.get("ended") or subject.ended,
            representative=said or subject.representative,
            register=said is not None,
        )

    def _named(self, person: Person) -> str | None:
        if person.corp_uscc is not None or person.name is None:
            return None
        return name_mark(self.hash_key, person.name)

    def _number(self, person: Person) -> str | None:
        number = person.corp_uscc or person.id_no
        return None if number is None else self.number_mark(number)

    def _write_subs(
        self, tenant: str, every: Iterable[Subject], subs: tuple[str, ...]
    ) -> None:
        """The set, in the row of each of its members, or in none."""
        writes: list[Write] = []
        for each in every:
            row = self._row_as_read(tenant, each)
            writes.append(_changed(row, {**row.data, "subs": sorted(subs)}))
        self.tables.transact(writes)

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
            data={**row.data, **_subject_data(subject)},
            version=(row.version or 0) + 1,
            sealed=data_key.seal(owner, _PERSON_FIELD, content),
        )
        expect = Expect(version=row.version, absent=row.version is None)
        writes.append(Put(IDENTITY_TABLE, kept, expect))
        if subject.number not in (None, row.data.get("number")):
            # A register speaks of numbers: it must find the logins.
            pk = numbered_key(tenant, str(subject.number))
            writes.append(Put(IDENTITY_TABLE, StoredRow(pk, subject.sub, {})))
        return writes

    def _login_data(self, sub: str, said: _Said) -> dict[str, Any]:
        content = canonical([said.level, said.person.as_json(), dict(said.facts)])
        mark = keyed_hash(self.hash_key, content.decode())
        data = {"sub": sub, "mark": mark}
        holder = self._holder(said.person)
        return data if holder is None else {**data, "holder": holder}

    def _login_row(self, tenant: str, login: Login) -> StoredRow | None:
        pk = login_key(tenant, self.hash_key, login)
        return self.tables.get(IDENTITY_TABLE, pk, "SUB")

    def _subject_row(self, tenant: str, sub: str) -> StoredRow:
        row = self.tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        return row


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
    return _note_mark(tables, tenant, number_mark(hash_key, number), **facts)


def _note_mark(
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
    for _ in range(_ATTEMPTS):
        row = tables.get(IDENTITY_TABLE, subject_key(tenant, sub), SUBJECT)
        if row is None:
            raise subject_unknown()
        merged = {**row.data, **facts}
        data = {name: value for name, value in merged.items() if value is not None}
        if data == dict(row.data):
            return
        try:
            tables.transact([_changed(row, data)])
        except Rejected:
            continue
        return
    raise _busy()


def name_mark(hash_key: bytes, name: str) -> str:
    """The keyed hash of a person's name, alike for each writing of it."""
    return keyed_hash(hash_key, f"name:{normalised_name(name)}")


def numbered_key(tenant: str, mark: str) -> str:
    """Partition key of the logins that were proven by one number."""
    return f"{tenant}#NUMBERED#{mark}"


def number_mark(hash_key: bytes, number: str) -> str:
    """The keyed hash of an identity number or USCC."""
    return keyed_hash(hash_key, f"number:{number}")


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


def opened_person(keys: KeyRing, tenant: str, sub: str, row: StoredRow) -> Person:
    """What is personal in a subject's row: one KMS call."""
    if row.sealed is None:  # an officer who was registered and never came
        return Person()
    owner = f"SUB#{sub}"
    content = keys.open(tenant, owner).unseal(owner, _PERSON_FIELD, row.sealed)
    return Person(**json.loads(content))


def subject_unknown() -> NotFound:
    """No such login."""
    return NotFound("subject_unknown", "没有这个用户。", "There is no such subject.")


def binding_unknown() -> NotFound:
    """No such login of one's own."""
    return NotFound(
        "binding_unknown",
        "没有找到这个登录方式。",
        "You have no such way of signing in.",
    )


def _subject_data(subject: Subject) -> dict[str, Any]:
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


def _changed(row: StoredRow, data: Mapping[str, Any]) -> Put:
    """The write of a row's other data, if nobody wrote it since."""
    version = (row.version or 0) + 1
    return Put(
        IDENTITY_TABLE,
        replace(row, data=data, version=version),
        Expect(version=row.version),
    )


def _proven_otherwise(subject: Subject, number: str | None) -> bool:
    """Whether a login is proven as somebody with another number."""
    proven = subject.level.reaches(Level.MATCHED)
    return proven and subject.number not in (None, number)


def _identity_conflict() -> Forbidden:
    return Forbidden(
        "identity_conflict",
        "该登录方式的实名信息与您已有的登录方式不一致；姓名已变更的，请先在统一身份认证"
        "更新，其他情形请持有效证件到政务服务窗口核实。",
        "This login is proven under another name or number than yours: update it at "
        "the identity provider if your name has changed, else a service counter helps.",
    )


def _require_one_person(every: Iterable[Subject]) -> None:
    subjects = tuple(every)
    proven = [each for each in subjects if each.level.reaches(Level.MATCHED)]
    # Numbers that nobody proved yet count too: they may be proven tomorrow.
    if len({each.number for each in subjects if each.number is not None}) > 1:
        raise _bound_elsewhere()
    if len({each.named for each in proven if each.named is not None}) > 1:
        # One number under two names: somebody mistyped, or a name has changed.
        raise _identity_conflict()
    if len([each for each in subjects if not each.former]) > MOST_LOGINS:
        raise Conflict(
            "too_many_logins",
            "绑定的登录方式已达上限（8个），请到政务服务窗口处理。",
            "A person has eight logins at the most; a service counter helps.",
        )
    if not proven:
        raise level_too_low(Level.DECLARED, Level.MATCHED)


def _name_differs() -> Invalid:
    return Invalid(
        "name_differs",
        "姓名与该证件号码已有的实名信息不一致，请对照证件核对；确已变更姓名的，"
        "请办事人先在统一身份认证更新。",
        "The number is known under another name: please check the document. If the "
        "name has changed, the person updates it at the identity provider first.",
        faults=(
            Fault(
                "/name",
                "name_differs",
                "姓名与已有的实名信息不一致，请对照证件核对。",
                "This is not the name that is known with the number.",
            ),
        ),
    )


def _proven_as_another() -> Conflict:
    return Conflict(
        "proven_as_another",
        "该登录方式已实名为其他人员，请核对证件号码；不是同一人的，请其用本人的登录方式"
        "重新生成核验码。",
        "This login is proven as somebody else: check the number, or have the person "
        "make a code with a login of their own.",
    )


def _bound_elsewhere() -> Conflict:
    return Conflict(
        "login_bound_elsewhere",
        "该登录方式不能与您的账号绑定；如有疑问，请持证件到政务服务窗口核实。",
        "This login cannot be bound to your account; a service counter helps.",
    )


def _only_proof() -> Conflict:
    return Conflict(
        "only_proof",
        "这是您唯一已实名认证的登录方式，不能解除；请先用另一种登录方式完成实名认证。",
        "This is your only login that proves who you are: prove another one first.",
    )


def _last_login() -> Conflict:
    return Conflict(
        "last_login",
        "这是您唯一的登录方式，不能解除。",
        "This is your only way of signing in: it stays.",
    )


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

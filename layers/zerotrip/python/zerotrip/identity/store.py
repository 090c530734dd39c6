"""Subjects by their logins: entered, joined, removed, vouched for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from zerotrip.identity.model import Level, Login, Person, Provider, Subject, SubjectKind
from zerotrip.identity.persons import Identities, PersonNow, Persons
from zerotrip.identity.powers import level_too_low, subject_ended
from zerotrip.identity.registers import note, note_mark, proven_by
from zerotrip.identity.rows import (
    ATTEMPTS,
    IDENTITY_TABLE,
    PERSON_FIELD,
    REGISTER,
    SUBJECT,
    busy,
    changed,
    keyed_hash,
    login_key,
    name_mark,
    number_mark,
    numbered_key,
    opened_person,
    read_subject,
    subject_data,
    subject_key,
    subject_unknown,
)
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import (
    Conflict,
    Fault,
    Forbidden,
    Invalid,
    NotFound,
)
from zerotrip.kernel.identifiers import Mint, is_citizen_number
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write

MOST_LOGINS = 8


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
        for _ in range(ATTEMPTS):
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
        raise busy()

    def join(self, tenant: str, one: str, other: str) -> PersonNow:
        """Makes two logins one person's; nothing of either is moved.

        Raises Conflict `login_bound_elsewhere` where they are proven as two people,
        `too_many_logins`, Forbidden `identity_level_too_low` where neither is proven.
        """
        for _ in range(ATTEMPTS):
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
        raise busy()

    def remove(self, tenant: str, own: str, login: str) -> None:
        """Takes a login away from its person. What was begun by it stays theirs.

        Whoever signs in by it from now on is somebody new. Raises NotFound
        `binding_unknown`, Conflict `last_login`, `only_proof`.
        """
        for _ in range(ATTEMPTS):
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
                        changed(row, {**row.data, "former": True})
                        if row.pk == subject_key(tenant, login)
                        else changed(row, row.data)
                        for row in rows
                    ]
                )
            except Rejected:
                continue
            return
        raise busy()

    def vouch(
        self, tenant: str, sub: str, person: Person, officer: str, number: str
    ) -> PersonNow:
        """What an officer saw at a window: level `strong`, and who it was that looked.

        Raises Conflict `proven_as_another` where the login is proven by another number,
        Forbidden as `subject_ended` does where a register says so of the number,
        Invalid `name_differs` where a provider knows the number under another name.
        """
        self.require_name_of_number(tenant, number, person.name or "", sub)
        for _ in range(ATTEMPTS):
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
        raise busy()

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
            note_mark(self.tables, tenant, mark, **facts)
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
        return [changed(row, {**row.data, "former": True})]

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
        return [changed(row, row.data) for row in rows]

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
            writes.append(changed(row, {**row.data, "subs": sorted(subs)}))
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
            data={**row.data, **subject_data(subject)},
            version=(row.version or 0) + 1,
            sealed=data_key.seal(owner, PERSON_FIELD, content),
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


def binding_unknown() -> NotFound:
    """No such login of one's own."""
    return NotFound(
        "binding_unknown",
        "没有找到这个登录方式。",
        "You have no such way of signing in.",
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

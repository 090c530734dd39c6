"""Every encrypted row of every table: it opens where it stands, and nowhere else."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from infra.local.files import a_file
from tests.canary.errands import FOOD, example_of
from tests.canary.marks import Marks, marked
from tests.support.memory import MemoryTables
from tests.support.persons import FIRM, HASH_KEY, acting
from tests.support.town import Town, in_order
from tests.support.world import TENANT, World
from zerotrip.cases.decisions import decision_of
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import read
from zerotrip.identity.model import Level, Login, Person, Provider, Role, SubjectKind
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import (
    EVERY_ACT,
    USUAL_TERM,
    Acting,
    Office,
    Power,
    PowerSource,
    PowerState,
    Scope,
)
from zerotrip.identity.store import Subjects
from zerotrip.kernel.aggregate import Key, chain_faults
from zerotrip.kernel.errors import Erased, GiveUp
from zerotrip.kernel.sealing import DataKey
from zerotrip.kernel.tables import StoredRow

At = tuple[str, str, str]
BROKEN = "sealed_content_broken"


class Bureau(World):
    """Two corrected and decided cases, a further draft, and who they belong to."""

    def __init__(self) -> None:
        super().__init__()
        self.subjects = Subjects(
            self.tables, self.keys, self.mint, self.clock, HASH_KEY
        )
        self.cases = [self._decided(Marks(number)) for number in (1, 2)]
        # Its form holds no more than whose it is, and is sealed like every other.
        self.applications.start(self.enrol("sub-3", FIRM), self.publish(FOOD))

    def _decided(self, marks: Marks) -> str:
        who = self._agent_of(marks)
        form = marked(example_of(FOOD).form, marks)
        wrong = {**form, "premises": {**form["premises"], "metres_to_pollution": 5}}
        case_no = self._handed_in(who, wrong)
        self.run()
        assert self.case(case_no).stage is Stage.CORRECTING
        self.requests.correct(case_no, who, self.case(case_no).head.version, form)
        self.run()
        now = self.case(case_no)
        self.requests.decide(
            now,
            "officer-1",
            now.head.version,
            "refuse",
            f"{marks.name}材料不实",
            articles=["《中华人民共和国食品安全法》第三十五条"],
        )
        self.run()
        return case_no

    def _agent_of(self, marks: Marks) -> Acting:
        """A marked person with the power to act for a marked company."""
        enter = functools.partial(self.subjects.enter, TENANT, level=Level.PRESENT)
        agent = enter(
            Login(Provider.WECHAT, marks.openid),
            SubjectKind.NATURAL,
            Person(name=marks.name, id_no=marks.citizen_number, openid=marks.openid),
        )
        company = enter(
            Login(Provider.USCC, marks.uscc),
            SubjectKind.LEGAL,
            Person(
                corp_name=marks.company,
                corp_uscc=marks.uscc,
                corp_representative=marks.name,
            ),
        )
        power = Power(
            id=self.mint.opaque(), principal=company.sub, agent=agent.sub,
            office=Office.AGENT, acts=EVERY_ACT, scope=Scope(),
            source=PowerSource.PROVIDER, starts_at=self.clock(),
            ends_at=self.clock() + USUAL_TERM, state=PowerState.ACCEPTED,
        )  # fmt: skip
        made = Powers(self.tables, TENANT).add(power)
        return replace(acting(company.sub, Role.COMPANY), login=agent.sub, power=made)

    def _handed_in(self, who: Acting, form: Mapping[str, Any]) -> str:
        draft = self.applications.start(who, self.publish(FOOD))
        draft = self.applications.save(who, draft.id, draft.version, form)
        for material, facts in example_of(FOOD).materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            self.upload(who, draft.id, material, content, facts["type"])
        return self.applications.hand_in(who, draft.id, draft.version).case_no

    def sealed(self) -> dict[At, bytes]:
        """The ciphertext of every row that holds one."""
        rows = self.tables.rows.items()
        return {at: row.sealed for at, row in rows if row.sealed is not None}

    def opened(self, at: At) -> Any:
        """The content of a sealed row, opened as the product opens it."""
        table, pk, sk = at
        kind = f"{table} {pk.split('#')[1]} {sk.split('#')[0]}"
        if kind not in OPENERS:
            raise LookupError(f"add to OPENERS how {kind!r} is opened")
        return OPENERS[kind](self, self.tables.rows[at])


def _draft(office: Bureau, row: StoredRow) -> Any:
    application = row.pk.rpartition("#")[2]
    who = acting(row.data["sub"], Role.COMPANY)
    return office.applications.own(who, application).form


def _form(office: Bureau, row: StoredRow) -> Any:
    head = office.records.head(Key.from_pk(row.pk))
    assert head is not None
    now = read(head)
    chosen = replace(now, case=now.case.model_copy(update={"form": row.sk}))
    handed = read_handed(office.records, office.keys, chosen)
    return handed.form, handed.by.as_sealed()


def _reasons(office: Bureau, row: StoredRow) -> Any:
    now = office.case(row.pk.rpartition("#")[2])
    item = office.catalogue.pinned(TENANT, now.case.item, now.case.item_digest)
    history = office.records.history(now.key)
    # The product tells the decision without its reasons where the key is gone.
    office.keys.open(TENANT, now.case.key_owner)
    told = decision_of(office.records, office.keys, now, item, history)
    return told.reasons if told else None


def _person(office: Bureau, row: StoredRow) -> Any:
    return office.subjects.person(TENANT, row.pk.rpartition("#")[2])


def _data_key(office: Bureau, row: StoredRow) -> Any:
    return office.keys.open(TENANT, row.pk.partition("#")[2]).plain


OPENERS: dict[str, Callable[[Bureau, StoredRow], Any]] = {
    "drafts APP DRAFT": _draft,
    "records CASE FORM": _form,
    "records CASE EVENT": _reasons,
    "identity SUB SUBJECT": _person,
    "keys APP KEY": _data_key,
    "keys SUB KEY": _data_key,
}
"""How the product opens each kind of sealed row."""


@pytest.fixture(scope="module")
def made() -> Bureau:
    return Bureau()


@pytest.fixture
def office(made: Bureau) -> Iterator[Bureau]:
    """The same office each time; what a test exchanges is put back."""
    kept = dict(made.tables.rows)
    yield made
    made.tables.rows.clear()
    made.tables.rows.update(kept)


def test_every_sealed_row_opens_where_it_stands(office: Bureau) -> None:
    opened = {at: office.opened(at) for at in office.sealed()}
    kinds = {f"{t} {pk.split('#')[1]} {sk.split('#')[0]}" for t, pk, sk in opened}
    assert kinds == set(OPENERS), "a kind of sealed row is not covered, or gone"
    words = str([value for value in opened.values() if not isinstance(value, bytes)])
    reasons = [str(value) for at, value in opened.items() if "#v" in at[2]]
    for number in (1, 2):
        assert Marks(number).name in words
        assert any(Marks(number).name in each for each in reasons)


def test_a_kind_of_sealed_row_that_is_new_must_be_covered(office: Bureau) -> None:
    at = ("records", f"{TENANT}#SHIPMENT#1", "CONTACT")
    office.tables.rows[at] = StoredRow(at[1], at[2], {}, sealed=b"0" * 40)
    with pytest.raises(LookupError, match="records SHIPMENT CONTACT"):
        office.opened(at)


def test_no_ciphertext_opens_in_another_place(office: Bureau) -> None:
    """Between cases, between fields of one case, and between tables."""
    wrong = _exchanged(office)
    assert len(wrong) > 100
    assert {at: code for at, code in wrong.items() if code != BROKEN} == {}


def test_without_the_binding_an_exchange_would_be_seen(
    office: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DataKey, "_bound_to", lambda *_: b"")
    unbound = Bureau()
    opened = [pair for pair, code in _exchanged(unbound).items() if code == "opened"]
    fields = {(first[2], second[2]) for first, second in opened}
    assert ("FORM", "FORM#000004") in fields


def test_no_row_opens_under_another_key(office: Bureau) -> None:
    """A whole row, or a whole record with its data key, copied beside another."""
    for (table, pk, sk), row in list(office.tables.rows.items()):
        for other in _others(office, table, pk):
            copied = replace(row, pk=other, sk=sk)
            office.tables.rows[table, other, sk] = copied
    for at in office.sealed():
        with pytest.raises(GiveUp) as refused:
            office.opened(at)
        assert refused.value.code == BROKEN


@pytest.mark.parametrize("broken", [b"", b"short", b"0" * 12, b"0" * 400])
def test_what_is_no_ciphertext_is_named(office: Bureau, broken: bytes) -> None:
    for at, sealed in office.sealed().items():
        for content in (broken, sealed[:-1], sealed + b"0", _flipped(sealed)):
            code = _code_after(office, at, content)
            assert code == BROKEN, at


def test_a_destroyed_key_erases_a_case_and_leaves_its_chain(office: Bureau) -> None:
    case_no = office.cases[0]
    now = office.case(case_no)
    history = office.history(case_no)
    mine = [at for at in office.sealed() if at[1] in (now.key.pk, _owner_pk(now))]
    others = [at for at in office.sealed() if at not in mine]
    del office.tables.rows["keys", _owner_pk(now), "KEY"]
    for at in mine:
        if at[0] == "keys":
            continue
        with pytest.raises(Erased) as gone:
            office.opened(at)
        assert gone.value.code == "data_key_destroyed"
    for at in others:
        assert office.opened(at) is not None
    assert office.history(case_no) == history
    assert chain_faults(office.history(case_no)) == []


@pytest.mark.parametrize(
    ("folder", "step"),
    [
        ("food-business-licence", "pre_review"),
        ("food-business-licence", "sign_licence"),
        ("vehicle-inspection-mark", "approve"),
        ("vehicle-inspection-mark", "dispatch_courier"),
    ],
)
def test_steps_give_up_with_a_code(folder: str, step: str) -> None:
    town = Town(folder)
    world = town.world
    while not any(message.step == step for message in world.queue):
        if world.queue:
            in_order(town)
        else:
            assert town.people_act()
        world.relay()
    del world.tables.rows["keys", _owner_pk(world.case(town.case_no)), "KEY"]
    for message in world.take(step):
        assert world.carry_out(message) == "data_key_destroyed"
    assert [code for _, code in world.dead] == ["data_key_destroyed"]
    assert chain_faults(world.history(town.case_no)) == []


def _owner_pk(now: Any) -> str:
    return f"{TENANT}#{now.case.key_owner}"


def _exchanged(office: Bureau) -> dict[tuple[At, At], str]:
    """What comes of putting each ciphertext in each other's place."""
    sealed = office.sealed()
    return {
        (source, target): _code_after(office, target, sealed[source])
        for source, target in itertools.permutations(sealed, 2)
    }


def _code_after(office: Bureau, at: At, content: bytes) -> str:
    tables: MemoryTables = office.tables
    kept = tables.rows[at]
    tables.rows[at] = replace(kept, sealed=content)
    try:
        office.opened(at)
    except GiveUp as refused:
        return refused.code
    except (KeyError, ValueError, TypeError):
        return "opened"  # and was of another shape than what belongs there
    finally:
        tables.rows[at] = kept
    return "opened"


def _others(office: Bureau, table: str, pk: str) -> set[str]:
    kind = pk.split("#")[1]
    found = {p for t, p, _ in office.tables.rows if t == table}
    return {each for each in found if each.split("#")[1] == kind and each != pk}


def _flipped(sealed: bytes) -> bytes:
    return sealed[:-1] + bytes([sealed[-1] ^ 1])

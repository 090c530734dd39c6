"""Accept-with-promise: what may follow, until when, and what happens if it does not."""

from __future__ import annotations

import pytest

from tests.unit.cases.office import FIRM, FOOD, ROOM, Bus, Office, material, rule
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.cases.views import case_view
from zerotrip.cases.watching import watch_cases
from zerotrip.catalogue.model import Item, Text
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import Conflict, Invalid
from zerotrip.kernel.tables import Put, StoredRow

KEY = material("plan")
LATER = material(
    "lease",
    may_follow_working_days=3,
    note=Text(zh="依据《示例条例》第八条。", en="By article 8 of the example rules."),
)
LATEST = material("report", may_follow_working_days=30)
LEGIBLE = rule("legible", "materials.lease.size_bytes > 1000", "/materials/lease")
# Accepted on Friday 20 November 2026: three working days end with Wednesday the 25th,
# the promised five (which bound thirty) with Friday the 27th; midnight is 16:00 UTC.
WEDNESDAY, FRIDAY = "2026-11-25", "2026-11-27"


@pytest.fixture
def office() -> Office:
    return Office()


def promising(office: Office, *materials: object, by: str = "officer") -> Item:
    return office.offer(
        [LEGIBLE], [KEY, *(materials or (LATER,))], route={"decided_by": by}
    )  # type: ignore[arg-type]


def shown(office: Office, item: Item, case_no: str) -> dict[str, object]:
    return case_view(office.records, office.keys, office.case(case_no), item)


def test_a_promised_material_opens_an_obligation_with_its_last_day(
    office: Office,
) -> None:
    item = promising(office, LATER, LATEST)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease", "report"])
    now = office.case(case_no)
    assert now.stage is Stage.IN_REVIEW
    assert set(now.case.obligations) == {Obligation.PROMISES, Obligation.DECISION}
    view = shown(office, item, case_no)
    assert [(each["code"], each["last_day"]) for each in view["promised"]] == [
        ("lease", WEDNESDAY),
        ("report", FRIDAY),
    ]
    assert "promises" in [each["obligation"] for each in view["asked_of_me"]]
    assert now.head.due_at == f"{WEDNESDAY}T16:00:00.000Z"


def test_what_is_not_promised_is_missing_and_a_key_material_cannot_be(
    office: Office,
) -> None:
    item = promising(office)
    assert office.told(office.hand_in(item, papers=["plan"])) == [
        "/materials/lease material_missing",
    ]
    before = len(office.heads("CASE"))
    for code in ("plan", "nothing"):
        with pytest.raises(Invalid) as refused:
            office.hand_in(item, papers=["plan"], promised=["lease", code])
        assert refused.value.code == "promise_not_possible"
        assert [each.path for each in refused.value.faults] == ["/promised/1"]
    assert len(office.heads("CASE")) == before


def test_a_promise_of_what_is_there_is_none(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan", "lease"], promised=["lease"])
    assert Obligation.PROMISES not in office.case(case_no).case.obligations


def test_nobody_approves_while_a_promise_is_open_but_may_refuse(
    office: Office,
) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    with pytest.raises(Conflict) as conflict:
        office.decide(case_no)
    assert conflict.value.code == "promise_open"
    office.decide(case_no, "refuse")
    assert office.case(case_no).stage is Stage.REFUSED
    assert office.case(case_no).head.due_at is None


def test_what_was_promised_is_handed_in_and_the_officer_decides(
    office: Office,
) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    with pytest.raises(Conflict) as nothing:
        office.correct(case_no)
    assert nothing.value.code == "promised_material_missing"
    office.add(case_no, "lease")
    with pytest.raises(Conflict) as changed:
        office.correct(case_no, office.form(dedicated_room=False))
    assert changed.value.code == "form_under_review"
    seen = office.case(case_no).head.version
    office.correct(case_no, office.form())
    assert office.requests.correct(case_no, FIRM, seen, office.form()).duplicate
    now = office.case(case_no)
    assert set(now.case.obligations) == {Obligation.DECISION}
    assert now.head.due_at is None
    assert shown(office, item, case_no)["promised"] == []
    office.decide(case_no)
    assert office.types(case_no)[2:] == [
        "accepted", "promise_kept", "decision_recorded", "approved", "completed",
    ]  # fmt: skip
    assert chain_faults(office.history(case_no)) == []
    assert office.dead == []


def test_only_what_was_promised_can_be_uploaded_in_review(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    with pytest.raises(Conflict) as refused:
        office.add(case_no, "plan")
    assert refused.value.code == "materials_not_asked"
    kept = office.hand_in(item, papers=["plan", "lease"])
    with pytest.raises(Conflict):
        office.add(kept, "lease")
    with pytest.raises(Conflict) as moved:
        office.correct(kept, office.form())
    assert moved.value.code == "stage_changed"


def test_a_rule_waits_for_the_promise_and_then_looks_at_it(office: Office) -> None:
    item = promising(office, by="rule")
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    assert office.types(case_no)[-1] == "accepted"
    office.add(case_no, "lease")
    office.correct(case_no)
    assert office.types(case_no)[-1] == "completed"
    illegible = office.hand_in(item, papers=["plan"], promised=["lease"])
    office.add(illegible, "lease", 512)
    office.correct(illegible)
    referred = office.history(illegible)[-1]
    assert (referred.type, referred.body["failed_checks"]) == (
        "case.referred",
        ["legible"],
    )


def test_of_two_promises_the_second_keeps_its_own_day(office: Office) -> None:
    item = promising(office, LATER, LATEST, by="rule")
    case_no = office.hand_in(item, papers=["plan"], promised=["lease", "report"])
    office.add(case_no, "lease")
    office.correct(case_no)
    now = office.case(case_no)
    assert set(now.case.obligations) == {Obligation.PROMISES}
    assert now.head.due_at == f"{FRIDAY}T16:00:00.000Z"
    office.add(case_no, "report")
    office.correct(case_no)
    assert office.types(case_no)[-1] == "completed"


def test_a_promise_that_is_not_kept_ends_the_case_by_rule(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    office.clock.forward(days=5, hours=13, minutes=59)  # 23:59 on Wednesday
    assert office.tick().lapsed == 0
    office.clock.forward(minutes=1)
    assert office.tick().lapsed == 1
    now = office.case(case_no)
    assert (now.stage, now.case.obligations, now.head.due_at) == (
        Stage.REFUSED,
        {},
        None,
    )
    lapsed = office.history(case_no)[-1]
    assert lapsed.sk == f"EVENT#watch_deadlines#promise@{WEDNESDAY}T16:00:00.000Z"
    assert lapsed.body["reason"] == "promise_lapsed"
    assert lapsed.body["materials"] == ["lease"]
    (task,) = office.records.rows(now.key, "TASK#")
    assert (task.work, task.data["state"]) == (None, "dropped")
    (ground,) = shown(office, item, case_no)["grounds"]
    assert WEDNESDAY in ground["zh"]
    assert "《示例条例》第八条" in ground["zh"]
    assert office.notices()[-1] == "case.promise_lapsed"
    assert office.tick().lapsed == 0
    assert office.published == []
    assert chain_faults(office.history(case_no)) == []


def test_papers_on_their_way_are_called_back_when_a_promise_lapses(
    office: Office,
) -> None:
    item = office.offer(
        [],
        [KEY, LATER],
        route={"papers_by_courier": True},
        addressee_path="/company",
    )
    office.steps["dispatch_courier"] = lambda event: None
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    (shipment,) = office.case(case_no).case.shipments
    office.clock.forward(days=6)
    assert office.tick().lapsed == 1
    lapsed = office.history(case_no)[-1]
    assert lapsed.body["cancel"] == [f"SHIPMENT#{shipment}"]
    assert lapsed.next_steps == ("dispatch_courier",)


def test_a_withdrawal_ends_the_term_too(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    office.requests.withdraw(case_no, FIRM, office.case(case_no).head.version)
    office.clock.forward(days=30)
    assert office.tick().lapsed == 0
    assert office.case(case_no).stage is Stage.WITHDRAWN


def test_a_lost_race_with_the_clock_changes_nothing(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    office.add(case_no, "lease")
    office.clock.forward(days=6)
    read = office.records.rows

    def rows(*arguments: object) -> object:
        found = read(*arguments)  # type: ignore[arg-type]
        if "promise_kept" not in office.types(case_no):
            office.requests.correct(
                case_no, FIRM, office.case(case_no).head.version, None
            )
        return found

    class Slow:
        """Records in whose reading time passes: the applicant is just in time."""

        def __getattr__(self, name: str) -> object:
            return rows if name == "rows" else getattr(office.records, name)

    late = office.clock()
    due = office.records.due("441882", times.to_text(late))
    watched = watch_cases(Slow(), Bus([]), due, late)  # type: ignore[arg-type]
    assert (watched.cases, watched.lapsed) == (1, 0)
    assert office.types(case_no)[-1] == "promise_kept"


def test_corrections_may_promise_and_may_bring_what_was_promised(
    office: Office,
) -> None:
    item = promising(office)
    case_no = office.hand_in(item)
    assert len(office.told(case_no)) == 2
    office.add(case_no, "plan")
    office.correct(case_no, promised=["lease"])
    assert set(office.case(case_no).case.obligations) == {
        Obligation.PROMISES,
        Obligation.DECISION,
    }
    other = office.hand_in(item, promised=["lease"])
    assert office.told(other) == ["/materials/plan material_missing"]
    office.add(other, "plan")
    office.add(other, "lease")
    office.correct(other)
    assert set(office.case(other).case.obligations) == {Obligation.DECISION}


def test_a_second_acceptance_does_not_prolong_the_term(office: Office) -> None:
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    office.clock.forward(days=3)
    office.send_back(case_no, ROOM)
    assert office.case(case_no).stage is Stage.CORRECTING
    office.correct(case_no, office.form(dedicated_room=False))
    now = office.case(case_no)
    assert now.stage is Stage.IN_REVIEW
    assert now.case.watch["promises"].due == f"{WEDNESDAY}T16:00:00.000Z"


def test_an_operator_loads_holidays(office: Office) -> None:
    off = {"2026": {"off": ["11-23/11-24"], "worked": []}}
    row = StoredRow("441882#CALENDAR", "YEARS", off)
    office.tables.transact([Put("catalogue", row)])
    item = promising(office)
    case_no = office.hand_in(item, papers=["plan"], promised=["lease"])
    (promised,) = shown(office, item, case_no)["promised"]
    assert promised["last_day"] == FRIDAY


def test_the_food_licence_lets_its_rules_follow(office: Office) -> None:
    item = office.catalogue.current("441882", office.publish(FOOD)).item
    case_no = office.hand_in(item, papers=["floor_plan"], promised=["safety_rules"])
    assert Obligation.PROMISES in office.case(case_no).case.obligations

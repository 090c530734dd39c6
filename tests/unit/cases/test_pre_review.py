"""Pre-review: everything is looked at, and one notice, the law, or a rule answers."""

from __future__ import annotations

import pytest

from tests.unit.cases.office import (
    FIRM,
    METRES,
    ROOM,
    Office,
    material,
    rule,
)
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import Handed
from zerotrip.cases.reviewing import review
from zerotrip.cases.views import case_view
from zerotrip.kernel.errors import Conflict

NO = "!form.premises.dedicated_room"
YES = "form.premises.dedicated_room"
BROKEN = {
    "divides by zero": "1 / 0 == 1",
    "missing key": "form.premises.shoe_size == 3",
    "wrong type": "form.premises.dedicated_room > 3",
    "no boolean": "form.premises.area_square_metres",
    "unknown name": "nowhere == 1",
    "too deep": "[1].all(x, [1].all(y, [1].all(z, true)))",
    "does not parse": "form.premises ==",
}


@pytest.fixture
def office() -> Office:
    return Office()


def test_one_notice_names_the_materials_and_every_rule(office: Office) -> None:
    item = office.offer(
        [
            rule("room", NO),
            rule("metres", "form.premises.metres_to_pollution > 100", METRES),
        ],
        [material("plan"), material("lease")],
    )
    case_no = office.hand_in(item)
    assert office.types(case_no) == ["received", "submitted", "corrections_requested"]
    assert office.told(case_no) == [
        "/materials/plan material_missing",
        "/materials/lease material_missing",
        f"{ROOM} room",
        f"{METRES} metres",
    ]
    now = office.case(case_no)
    (row,) = office.records.rows(now.key, "ASKED#")
    assert row.data["looked_at"] == ["lease", "metres", "plan", "room"]
    assert row.data["faults"][2]["zh"] == "room不符。请改正room。"


def test_a_conditional_material_is_asked_only_when_its_condition_is_true(
    office: Office,
) -> None:
    item = office.offer(
        materials=[
            material("wanted", when="form.premises.metres_to_pollution < 100"),
            material("spared", when="form.premises.metres_to_pollution < 10"),
        ]
    )
    assert office.told(office.hand_in(item)) == ["/materials/wanted material_missing"]


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_condition_asks_nobody_and_goes_to_an_officer(
    office: Office, text: str
) -> None:
    item = office.offer(
        materials=[material("unclear", when=text)], route={"decided_by": "rule"}
    )
    case_no = office.hand_in(item)
    accepted = office.history(case_no)[-1]
    assert (accepted.type, accepted.body["broken_checks"]) == (
        "case.accepted",
        ["unclear"],
    )
    assert office.case(case_no).stage is Stage.IN_REVIEW
    assert office.dead == []


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_broken_rule_never_approves_and_never_crashes(
    office: Office, text: str
) -> None:
    item = office.offer(
        [rule("fine", YES), rule("broken", text)], route={"decided_by": "rule"}
    )
    case_no = office.hand_in(item)
    assert office.types(case_no)[-1] == "accepted"
    (task,) = office.records.rows(office.case(case_no).key, "TASK#")
    assert task.data["checks"] == ["broken"]
    assert task.work is not None
    assert office.heads("LICENCE") == []
    assert office.dead == []


def test_a_list_too_long_for_a_rule_waits_for_an_officer(office: Office) -> None:
    item = office.offer(
        [rule("all_pairs", "form.l.all(x, form.l.all(y, x == x && y == y))")],
        route={"decided_by": "rule"},
        form={"type": "object"},
    )
    fits, over = [dict(office.form(), l=[1] * count) for count in (20, 142)]
    assert office.types(office.hand_in(item, fits))[-1] == "completed"
    assert office.types(office.hand_in(item, over))[-1] == "accepted"


def test_a_rule_approves_outright_without_an_officer(office: Office) -> None:
    item = office.offer([rule("room", YES)], route={"decided_by": "rule"})
    case_no = office.hand_in(item)
    assert office.types(case_no) == [
        "received", "submitted", "accepted", "approved", "completed",
    ]  # fmt: skip
    assert office.records.rows(office.case(case_no).key, "TASK#") == []
    approved = office.history(case_no)[3]
    assert approved.body["decision"]["by"] == "rule"


def test_a_ground_of_law_ends_the_case_and_names_everything(office: Office) -> None:
    item = office.offer(
        [
            rule("room", NO),
            rule("outside", "false", METRES, on_failure="not_acceptable"),
        ],
        [material("plan")],
    )
    case_no = office.hand_in(item)
    now = office.case(case_no)
    assert (now.stage, now.case.obligations) == (Stage.NOT_ACCEPTED, {})
    assert office.types(case_no)[-1] == "not_accepted"
    view = case_view(office.records, office.keys, now, item)
    assert [each["code"] for each in view["grounds"]] == [
        "outside",
        "material_missing",
        "room",
    ]
    ground = view["grounds"][0]
    assert ground["zh"].endswith("法律依据：《中华人民共和国行政许可法》第三十二条。")
    assert "请改正outside" in ground["zh"]
    assert ground["en"].endswith("By law: Licensing Law 第三十二条.")
    assert office.notices() == ["case.submitted", "case.not_accepted"]
    with pytest.raises(Conflict):
        office.requests.withdraw(case_no, FIRM, now.head.version)
    assert office.case(case_no).case.watch == {}


def test_a_ground_that_could_not_be_looked_at_is_an_officers(office: Office) -> None:
    item = office.offer([rule("outside", "1 / 0 == 1", on_failure="not_acceptable")])
    assert office.types(office.hand_in(item))[-1] == "accepted"


def test_a_rule_that_fails_on_the_day_of_decision_goes_to_an_officer(
    office: Office,
) -> None:
    day = office.clock().date().isoformat()
    item = office.offer(
        [rule("today", f"today == '{day}'", on_failure="not_acceptable")],
        route={"decided_by": "rule"},
    )
    late = office.steps["approve"]
    office.steps["approve"] = lambda event: (office.clock.forward(days=1), late(event))
    case_no = office.hand_in(item)
    referred = office.history(case_no)[-1]
    assert (referred.type, referred.body["failed_checks"]) == (
        "case.referred",
        ["today"],
    )
    (task,) = office.records.rows(office.case(case_no).key, "TASK#")
    assert task.data["checks"] == ["today"]


def test_what_the_state_has_counts_as_there_and_rules_see_the_licence(
    office: Office,
) -> None:
    kind = "11100000MB0000000X001"
    item = office.offer(
        [
            rule(
                "licence_valid",
                f"licences['{kind}'].valid_until > today && "
                "materials.business.source == 'licence'",
            )
        ],
        [
            material("business", source="licence", licence_type=kind),
            material("itself", source="form"),
        ],
        route={"decided_by": "rule"},
    )
    pin = {"source": "licence", "ref": "1.2", "valid_from": None}
    kept = {"business": {**pin, "valid_until": "2030-01-01"}}
    found = review(item, Handed(office.form(), kept), office.clock())
    assert (found.defects, found.broken) == ((), ())
    expired = {"business": {**pin, "valid_until": "2020-01-01"}}
    found = review(item, Handed(office.form(), expired), office.clock())
    assert [each.code for each in found.defects] == ["licence_valid"]
    found = review(item, Handed(office.form(), {}), office.clock())
    assert [each.code for each in found.defects] == ["material_missing"]
    assert found.broken == ("licence_valid",)

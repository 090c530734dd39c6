"""One notice: what could be seen then and was not told may not be asked for later."""

from __future__ import annotations

import json

import pytest

from tests.unit.cases.office import (
    METRES,
    OFFICER,
    ROOM,
    UNEVEN,
    Office,
    material,
    rule,
)
from zerotrip.cases.commands import Command, accept
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.cases.model import CaseNow
from zerotrip.cases.requests import LateReason
from zerotrip.cases.views import case_view
from zerotrip.kernel.aggregate import chain_faults
from zerotrip.kernel.errors import Conflict, Fault, Invalid

AREA = "/form/premises/area_square_metres"
FAR = rule("far_enough", "form.premises.metres_to_pollution > 100", METRES)


@pytest.fixture
def office() -> Office:
    return Office()


def test_what_was_told_and_is_not_mended_is_told_again(office: Office) -> None:
    item = office.offer([FAR], [material("plan")])
    case_no = office.hand_in(item)
    office.add(case_no, "plan")
    office.correct(case_no)
    assert office.types(case_no)[-1] == "corrections_requested"
    assert office.told(case_no) == [f"{METRES} far_enough"]


def test_a_defect_that_the_correction_made_is_new(office: Office) -> None:
    fits = rule("fits", "form.premises.area_square_metres < 100.0 || "
                "form.premises.metres_to_pollution < 200", AREA)  # fmt: skip
    case_no = office.hand_in(
        office.offer([FAR, fits]), office.form(area_square_metres=300)
    )
    assert office.told(case_no) == [f"{METRES} far_enough"]
    # The area is as it was: its rule held then, and fails for what was changed since.
    office.correct(
        case_no, office.form(area_square_metres=300, metres_to_pollution=500)
    )
    assert office.types(case_no)[-1] == "corrections_requested"
    assert office.told(case_no) == [f"{AREA} fits"]


def test_what_a_broken_rule_hid_goes_to_an_officer_instead(office: Office) -> None:
    item = office.offer([FAR, rule("hidden", UNEVEN)])
    case_no = office.hand_in(item, office.form(dedicated_room=False))
    assert office.told(case_no) == [f"{METRES} far_enough"]
    office.correct(case_no, office.form(dedicated_room=False, metres_to_pollution=500))
    accepted = office.history(case_no)[-1]
    assert (accepted.type, accepted.body["broken_checks"]) == (
        "case.accepted",
        ["hidden"],
    )


def test_what_a_broken_rule_hid_is_told_when_its_place_was_changed(
    office: Office,
) -> None:
    item = office.offer([FAR, rule("hidden", UNEVEN)])
    case_no = office.hand_in(item, office.form(dedicated_room=True))
    office.correct(case_no, office.form(dedicated_room=False, metres_to_pollution=500))
    assert office.told(case_no) == [f"{ROOM} hidden"]


def test_what_an_officer_named_is_told_again_though_a_rule_once_hid_it(
    office: Office,
) -> None:
    item = office.offer([FAR, rule("hidden", UNEVEN)])
    case_no = office.hand_in(item, office.form(dedicated_room=False))
    far = office.form(dedicated_room=False, metres_to_pollution=500)
    office.correct(case_no, far)
    office.send_back(case_no, ROOM, reason="overlooked")
    office.correct(case_no, office.form(dedicated_room=False, metres_to_pollution=501))
    assert office.types(case_no)[-1] == "corrections_requested"
    assert office.told(case_no) == [f"{ROOM} hidden"]


def test_no_rule_was_looked_at_when_an_officer_wrote(office: Office) -> None:
    fits = rule("fits", "form.premises.area_square_metres < 100.0 || "
                "form.premises.metres_to_pollution < 200", AREA)  # fmt: skip
    case_no = office.hand_in(office.offer([fits]), office.form(area_square_metres=300))
    office.send_back(case_no, METRES)
    office.correct(
        case_no, office.form(area_square_metres=300, metres_to_pollution=500)
    )
    assert office.told(case_no) == [f"{AREA} fits"]


def test_the_rest_is_told_while_the_late_one_waits(office: Office) -> None:
    item = office.offer([FAR, rule("hidden", UNEVEN)])
    case_no = office.hand_in(item, office.form(dedicated_room=False))
    office.correct(case_no, office.form(dedicated_room=False, metres_to_pollution=70))
    assert office.told(case_no) == [f"{METRES} far_enough"]
    office.correct(case_no, office.form(dedicated_room=False, metres_to_pollution=500))
    assert office.history(case_no)[-1].body["broken_checks"] == ["hidden"]


def test_an_officers_first_notice_may_name_anything(office: Office) -> None:
    item = office.offer(materials=[material("plan")])
    case_no = office.hand_in(item, papers=["plan"])
    office.send_back(case_no, ROOM, "/materials/plan")
    now = office.case(case_no)
    assert (now.stage, set(now.case.obligations)) == (
        Stage.CORRECTING,
        {Obligation.CORRECTIONS},
    )
    assert office.told(case_no) == [
        f"{ROOM} officer_found",
        "/materials/plan officer_found",
    ]
    (task,) = office.records.rows(now.key, "TASK#")
    assert (task.work, task.data["state"]) == (None, "done")
    assert office.notices()[-1] == "case.returned"
    office.correct(case_no, office.form(dedicated_room=False))
    assert office.case(case_no).stage is Stage.IN_REVIEW
    office.decide(case_no)
    assert office.types(case_no)[-1] == "completed"
    assert chain_faults(office.history(case_no)) == []


def test_the_officers_words_are_sealed_and_shown_to_the_applicant(
    office: Office,
) -> None:
    item = office.offer()
    case_no = office.hand_in(item)
    office.send_back(case_no, ROOM)
    now = office.case(case_no)
    (row,) = office.records.rows(now.key, "ASKED#")
    assert "看不清" not in json.dumps(row.data, ensure_ascii=False)
    view = case_view(office.records, office.keys, now, item)
    (asked,) = view["asked_of_me"]
    assert [each["zh"] for each in asked["faults"]] == ["看不清。"]


def visible(office: Office) -> str:
    """A case whose first notice named the distance alone; it is in review again."""
    item = office.offer([FAR], [material("plan")])
    case_no = office.hand_in(item, papers=["plan"])
    assert office.told(case_no) == [f"{METRES} far_enough"]
    office.correct(case_no, office.form(metres_to_pollution=500))
    assert office.case(case_no).stage is Stage.IN_REVIEW
    return case_no


@pytest.mark.parametrize("path", [ROOM, "/materials/plan", "/form/premises/address"])
def test_a_later_notice_of_what_could_be_seen_is_refused(
    office: Office, path: str
) -> None:
    case_no = visible(office)
    before = office.case(case_no).head
    with pytest.raises(Conflict) as refused:
        office.send_back(case_no, METRES, path)
    assert refused.value.code == "defect_was_visible"
    assert refused.value.detail["defects"] == [{"path": path, "code": "officer_found"}]
    assert office.case(case_no).head == before


def test_what_was_changed_since_may_be_named(office: Office) -> None:
    case_no = visible(office)
    office.send_back(case_no, METRES)
    returned = office.history(case_no)[-1]
    assert (returned.type, "late" in returned.body) == ("case.returned", False)


def test_a_material_with_the_same_bytes_is_as_it_was(office: Office) -> None:
    item = office.offer([FAR], [material("plan")])
    case_no = office.hand_in(item, papers=["plan"])
    office.add(case_no, "plan")  # the same file once more
    office.correct(case_no, office.form(metres_to_pollution=500))
    with pytest.raises(Conflict):
        office.send_back(case_no, "/materials/plan")
    other = office.hand_in(item, papers=["plan"])
    office.add(other, "plan", 30000)
    office.correct(other, office.form(metres_to_pollution=500))
    office.send_back(other, "/materials/plan")
    assert office.case(other).stage is Stage.CORRECTING


def test_an_officer_overrides_with_a_reason_that_supervision_reads(
    office: Office,
) -> None:
    case_no = visible(office)
    office.send_back(case_no, METRES, ROOM, reason="overlooked", text="张示例漏看")
    returned = office.history(case_no)[-1]
    assert returned.actor == OFFICER
    assert returned.body["late"] == [
        {"path": ROOM, "code": "officer_found", "reason": "overlooked"}
    ]
    assert "张示例" not in json.dumps(dict(returned.body), ensure_ascii=False)
    now = office.case(case_no)
    data_key = office.keys.open("441882", now.case.key_owner)
    seen = returned.sk.rpartition("#v")[2]
    assert (
        data_key.unseal(now.key.ref, f"late#{seen}", returned.sealed or b"").decode()
        == "张示例漏看"
    )
    # Told now, and still not mended: that is no new surprise.
    office.correct(case_no, office.form(metres_to_pollution=501))
    office.send_back(case_no, ROOM)
    assert "late" not in office.history(case_no)[-1].body


def test_a_notice_names_places_that_there_are(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    with pytest.raises(Invalid) as refused:
        office.send_back(case_no, ROOM, "/form/nothing", "/materials/nothing", "/x/y")
    assert [each.path for each in refused.value.faults] == [
        "/defects/1/path",
        "/defects/2/path",
        "/defects/3/path",
    ]


def test_a_notice_is_sent_once_and_by_one_officer(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    now = office.case(case_no)
    defects = [Fault(ROOM, "officer_found", "看不清。", "Illegible.")]

    def send(officer: str, *, reason: LateReason | None = None) -> bool:
        seen = now.head.version
        return office.requests.return_case(
            now, officer, seen, defects, reason
        ).duplicate

    assert not send(OFFICER)
    assert send(OFFICER)
    for other in (("officer-2", None), (OFFICER, LateReason("overlooked", "漏看"))):
        with pytest.raises(Conflict) as winner:
            send(other[0], reason=other[1])
        assert winner.value.detail["winner"]["event"] == "case.returned"
    assert office.types(case_no).count("returned") == 1


def test_papers_must_be_there_before_a_notice(office: Office) -> None:
    item = office.offer(route={"papers_by_courier": True}, addressee_path="/company")
    office.steps["dispatch_courier"] = lambda event: None
    case_no = office.hand_in(item)
    with pytest.raises(Conflict) as waiting:
        office.send_back(case_no, ROOM)
    assert waiting.value.code == "papers_not_received"


@pytest.mark.parametrize("brought", [(), ("44188200000000000000000000000001",)])
def test_papers_come_once_however_often_it_is_accepted(
    office: Office, brought: tuple[str, ...]
) -> None:
    item = office.offer(route={"papers_by_courier": True}, addressee_path="/company")
    office.steps["pre_review"] = lambda event: None
    now = office.case(office.hand_in(item))
    case = now.case.model_copy(update={"shipments": brought})
    command = Command("CASE#1#000002", "system:pre_review", office.clock())
    accepted = accept(CaseNow(now.head, case), command, item, office.mint)
    assert ("shipment" in accepted.event.body) is (brought == ())
    assert ("dispatch_courier" in accepted.event.next_steps) is (brought == ())


def test_a_decided_case_is_not_sent_back(office: Office) -> None:
    case_no = office.hand_in(office.offer())
    office.decide(case_no)
    with pytest.raises(Conflict) as moved:
        office.send_back(case_no, ROOM)
    assert moved.value.code == "stage_changed"

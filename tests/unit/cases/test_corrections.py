"""Corrections: what they start from, what changes nothing, what no round undoes."""

from __future__ import annotations

import pytest

from tests.unit.cases.office import FIRM, METRES, OFFICER, ROOM, Office, material, rule
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import Handed
from zerotrip.kernel.errors import Conflict
from zerotrip.materials.model import Holder, HolderKind, SlotState
from zerotrip.materials.uploads import Announced

FAR = rule("far_enough", "form.premises.metres_to_pollution > 100", METRES)
LEASE = material("lease", may_follow_working_days=3)


@pytest.fixture
def office() -> Office:
    return Office()


def lying(office: Office, case_no: str) -> Handed:
    return read_handed(office.records, office.keys, office.case(case_no))


def refused(office: Office, case_no: str, *args: object, **more: object) -> str:
    before = office.case(case_no).head
    with pytest.raises(Conflict) as conflict:
        office.correct(case_no, *args, **more)  # type: ignore[arg-type]
    assert office.case(case_no).head == before
    return conflict.value.code


def test_a_correction_that_changes_nothing_is_refused(office: Office) -> None:
    case_no = office.hand_in(office.offer([FAR], [material("plan")]), papers=["plan"])
    assert refused(office, case_no) == "correction_changes_nothing"
    same = dict(reversed(office.form().items()))
    assert refused(office, case_no, same) == "correction_changes_nothing"
    office.correct(case_no, office.form(metres_to_pollution=500))
    assert office.case(case_no).stage is Stage.IN_REVIEW


def test_the_same_file_again_is_no_correction_and_another_one_is(
    office: Office,
) -> None:
    case_no = office.hand_in(office.offer([FAR], [material("plan")]), papers=["plan"])
    office.add(case_no, "plan")
    assert refused(office, case_no) == "correction_changes_nothing"
    office.add(case_no, "plan", 30000)
    office.correct(case_no)
    assert office.types(case_no)[-2:] == ["corrected", "corrections_requested"]


def test_a_promise_is_a_correction_once(office: Office) -> None:
    item = office.offer([FAR], [LEASE])
    case_no = office.hand_in(item)
    office.correct(case_no, promised=["lease"])
    assert office.types(case_no)[-1] == "corrections_requested"
    assert refused(office, case_no, promised=["lease"]) == "correction_changes_nothing"


def test_a_correction_that_was_sent_twice_is_the_same_one(office: Office) -> None:
    case_no = office.hand_in(office.offer([FAR]))
    seen = office.case(case_no).head.version
    form = office.form(metres_to_pollution=500)
    office.correct(case_no, form)
    assert office.requests.correct(case_no, FIRM, seen, form).duplicate


def test_a_second_round_without_a_form_starts_from_the_first_rounds_form(
    office: Office,
) -> None:
    case_no = office.hand_in(office.offer([FAR], [material("plan")]))
    mended = office.form(metres_to_pollution=500)
    office.correct(case_no, mended)
    assert office.types(case_no)[-1] == "corrections_requested"
    office.add(case_no, "plan")
    office.correct(case_no)
    assert lying(office, case_no).form == mended
    assert office.case(case_no).stage is Stage.IN_REVIEW


def test_materials_of_the_first_round_stay_pinned_whatever_comes_of_a_later_upload(
    office: Office,
) -> None:
    plan, photo = material("plan"), material("photo")
    case_no = office.hand_in(office.offer([FAR], [plan, photo]), papers=["photo"])
    first = lying(office, case_no).materials["photo"]
    office.add(case_no, "plan")
    office.correct(case_no)
    pinned = lying(office, case_no).materials
    assert pinned["photo"] == first
    # The second round begins another upload of the plan, and nothing comes of it.
    slot, _ = office.requests.open_upload(
        case_no, FIRM, "plan", Announced("image/png", 30000)
    )
    waiting = office.slots.get(Holder("441882", HolderKind.CASE, case_no), "plan")
    assert waiting is not None
    assert (waiting.upload_id, waiting.state) == (slot.upload_id, SlotState.OPEN)
    assert refused(office, case_no) == "material_unchecked"
    office.slots.replace(waiting.looked_for(found=False))
    office.correct(case_no, office.form(metres_to_pollution=500))
    assert lying(office, case_no).materials == pinned


def test_who_saw_the_first_round_does_not_decide_the_second(office: Office) -> None:
    # In review before and after: the stage is the same, what lies there is not.
    case_no = office.hand_in(office.offer())
    seen = office.case(case_no)
    office.send_back(case_no, ROOM)
    office.correct(case_no, office.form(dedicated_room=False))
    now = office.case(case_no)
    assert (seen.stage, now.stage) == (Stage.IN_REVIEW, Stage.IN_REVIEW)
    with pytest.raises(Conflict) as conflict:
        office.requests.decide(now, OFFICER, seen.head.version, "approve", "材料齐全")
    assert conflict.value.code == "stage_changed"
    assert office.case(case_no).head == now.head
    office.decide(case_no)
    assert office.types(case_no)[-1] == "completed"

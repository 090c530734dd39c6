"""An applicant at work on a draft, as a mini-program does it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from infra.local.files import a_file
from tests.unit.web.town import CATALOGUE, FOOD, VEHICLE, Answered, Town
from zerotrip.catalogue.authoring import load_example
from zerotrip.identity.model import Level, Role, Session
from zerotrip.kernel.times import legal_day
from zerotrip.materials.model import SlotState

ONE = "/v1/applications/{application_id}"
MATERIALS = ONE + "/materials"
SUBMISSION = ONE + "/submission"
MATERIAL = "loss_declaration"
PROVEN = {"name": "张示例", "citizen_number": "999999199001010016"}
"""What a draft is begun with: who is proven need not type it."""


@pytest.fixture
def zhang(town: Town) -> Session:
    return town.session("sub-zhang")


def _start(town: Town, who: Session, **headers: str) -> Answered:
    code = town.world.publish(VEHICLE)
    return town.call(
        "POST", "/v1/applications", who=who, body={"item_code": code}, headers=headers
    )


def _form(town: Town) -> dict[str, Any]:
    return load_example(CATALOGUE / VEHICLE, legal_day(town.world.clock())).form


def _filled(town: Town, who: Session) -> str:
    """A draft with the whole example form; answers its id."""
    begun = _start(town, who)
    identity = str(begun.body["application_id"])
    saved = town.call(
        "PUT",
        ONE,
        who=who,
        body={"form": _form(town)},
        headers={"If-Match": begun.headers["ETag"]},
        application_id=identity,
    )
    assert saved.status == 200
    return identity


def _announce(town: Town, who: Session, identity: str, **headers: str) -> Answered:
    return town.call(
        "POST",
        MATERIALS,
        who=who,
        body={
            "material": MATERIAL,
            "content_type": "application/pdf",
            "size_bytes": 4096,
        },
        headers=headers,
        application_id=identity,
    )


def _complete(town: Town, who: Session) -> str:
    """A draft that can be handed in."""
    identity = _filled(town, who)
    content = a_file("application/pdf", 4096)
    state = town.world.upload(
        town.acting(who), identity, MATERIAL, content, "application/pdf"
    )
    assert state is SlotState.RECEIVED
    return identity


def _submit(town: Town, who: Session, identity: str, **headers: str) -> Answered:
    return town.call(
        "POST", SUBMISSION, who=who, headers=headers, application_id=identity
    )


def test_a_draft_is_begun_with_its_address_and_version(
    town: Town, zhang: Session
) -> None:
    begun = _start(town, zhang)
    assert begun.status == 201
    assert begun.headers["ETag"] == '"v1"'
    address = f"/v1/applications/{begun.body['application_id']}"
    assert begun.headers["Location"] == address
    assert begun.body["form"] == {"owner": PROVEN}
    assert begun.body["item_changed"] is False


def test_an_unknown_item_is_not_found(town: Town, zhang: Session) -> None:
    answered = town.call(
        "POST", "/v1/applications", who=zhang, body={"item_code": "9" * 31}
    )
    assert (answered.status, answered.code) == (404, "item_unknown")


def test_a_person_does_not_apply_for_a_companys_item(
    town: Town, zhang: Session
) -> None:
    code = town.world.publish(FOOD)
    answered = town.call(
        "POST", "/v1/applications", who=zhang, body={"item_code": code}
    )
    assert (answered.status, answered.code) == (403, "audience_company")


def test_a_form_is_saved_in_part_and_read_again(town: Town, zhang: Session) -> None:
    identity = str(_start(town, zhang).body["application_id"])
    town.call(
        "PUT",
        ONE,
        who=zhang,
        body={"form": {"owner": {"name": "张示例"}, "vehicle": {"model": "SL7000"}}},
        headers={"If-Match": '"v1"'},
        application_id=identity,
    )
    read = town.call("GET", ONE, who=zhang, application_id=identity)
    assert read.body["form"] == {"owner": PROVEN, "vehicle": {"model": "SL7000"}}
    assert read.headers["ETag"] == '"v2"'
    listed = town.call("GET", "/v1/applications", who=zhang)
    assert [each["version"] for each in listed.body["applications"]] == [2]


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 428, "if_match_missing"),
        ({"If-Match": " "}, 428, "if_match_missing"),
        ({"If-Match": "v1"}, 400, "if_match_malformed"),
        ({"If-Match": "*"}, 400, "if_match_malformed"),
        ({"If-Match": 'W/"v1"'}, 400, "if_match_malformed"),
        ({"If-Match": '"v9"'}, 412, "draft_changed"),
    ],
)
def test_saving_says_which_version_was_seen(
    town: Town, zhang: Session, headers: dict[str, str], status: int, code: str
) -> None:
    identity = str(_start(town, zhang).body["application_id"])
    answered = town.call(
        "PUT",
        ONE,
        who=zhang,
        body={"form": {"a": 1}},
        headers=headers,
        application_id=identity,
    )
    assert (answered.status, answered.code) == (status, code)
    read = town.call("GET", ONE, who=zhang, application_id=identity)
    assert read.body["form"] == {"owner": PROVEN}


def test_a_client_that_holds_this_version_is_told_so(
    town: Town, zhang: Session
) -> None:
    identity = str(_start(town, zhang).body["application_id"])
    read = town.call(
        "GET",
        ONE,
        who=zhang,
        headers={"If-None-Match": '"v1"'},
        application_id=identity,
    )
    assert (read.status, read.body) == (304, None)


def test_anothers_draft_is_not_found_whatever_is_done_to_it(
    town: Town, zhang: Session
) -> None:
    identity = _filled(town, zhang)
    other = town.session("sub-other")
    answers = [
        town.call("GET", ONE, who=other, application_id=identity),
        town.call(
            "PUT",
            ONE,
            who=other,
            body={"form": {}},
            headers={"If-Match": '"v2"'},
            application_id=identity,
        ),
        _announce(town, other, identity),
        _submit(town, other, identity),
    ]
    told = {(answered.status, answered.code) for answered in answers}
    assert told == {(404, "application_unknown")}


def test_an_upload_form_is_for_exactly_that_file(town: Town, zhang: Session) -> None:
    identity = _filled(town, zhang)
    answered = _announce(town, zhang, identity)
    fields = answered.body["upload"]["fields"]
    assert answered.status == 201
    assert fields["Content-Type"] == "application/pdf"
    assert fields["size"] == "4096"
    assert answered.body["slot"]["state"] == "open"
    assert answered.body["slot"]["name"]["zh"]


def test_a_file_of_the_wrong_type_and_size_is_told_both_faults(
    town: Town, zhang: Session
) -> None:
    answered = town.call(
        "POST",
        MATERIALS,
        who=zhang,
        body={
            "material": MATERIAL,
            "content_type": "application/zip",
            "size_bytes": 10**9,
        },
        application_id=_filled(town, zhang),
    )
    assert (answered.status, answered.code) == (422, "material_not_acceptable")
    assert answered.fault_codes == {
        "/content_type": "material_type_wrong",
        "/size_bytes": "material_size_wrong",
    }


def test_a_material_that_the_item_does_not_know_is_not_found(
    town: Town, zhang: Session
) -> None:
    answered = town.call(
        "POST",
        MATERIALS,
        who=zhang,
        body={"material": "passport", "content_type": "image/png", "size_bytes": 9},
        application_id=_filled(town, zhang),
    )
    assert (answered.status, answered.code) == (404, "material_unknown")


def test_an_upload_answer_is_signed_anew_for_the_same_upload(
    town: Town, zhang: Session
) -> None:
    identity = _filled(town, zhang)
    first = _announce(town, zhang, identity, **{"Idempotency-Key": "k1"})
    again = _announce(town, zhang, identity, **{"Idempotency-Key": "k1"})
    other = _announce(town, zhang, identity, **{"Idempotency-Key": "k2"})
    keys = [each.body["upload"]["fields"]["key"] for each in (first, again, other)]
    assert keys[0] == keys[1]
    assert keys[2] != keys[0]
    assert "Idempotency-Replayed" not in again.headers
    late = _announce(town, zhang, identity, **{"Idempotency-Key": "k1"})
    assert late.body["upload"]["fields"]["key"] not in keys  # k1's was replaced


def test_a_hand_in_waits_for_its_uploads(town: Town, zhang: Session) -> None:
    identity = _filled(town, zhang)
    _announce(town, zhang, identity)
    answered = _submit(town, zhang, identity)
    assert (answered.status, answered.code) == (409, "material_unchecked")
    assert answered.body["materials"] == [MATERIAL]


def test_a_form_that_breaks_its_schema_is_told_every_fault(
    town: Town, zhang: Session
) -> None:
    identity = str(_start(town, zhang).body["application_id"])
    form = _form(town)
    form["owner"] = {}
    form["vehicle"] = {**form["vehicle"], "model": ""}
    form["replacement"] = {"reason": "eaten", "happened_on": "yesterday"}
    town.call(
        "PUT",
        ONE,
        who=zhang,
        body={"form": form},
        headers={"If-Match": '"v1"'},
        application_id=identity,
    )
    before = dict(town.world.tables.rows)
    answered = _submit(town, zhang, identity)
    assert (answered.status, answered.code) == (422, "form_invalid")
    assert answered.fault_codes == {
        "/form/owner/telephone": "field_missing",
        "/form/vehicle/model": "field_empty",
        "/form/replacement/reason": "field_not_offered",
        "/form/replacement/happened_on": "date_wrong",
    }
    assert town.world.tables.rows == before


def test_a_form_in_anothers_name_is_told_each_field_and_is_not_kept(
    town: Town, zhang: Session
) -> None:
    identity = _filled(town, zhang)
    form = _form(town)
    form["owner"] |= {"name": "李示例", "citizen_number": "999999198503150022"}
    answered = town.call(
        "PUT",
        ONE,
        who=zhang,
        body={"form": form},
        headers={"If-Match": '"v2"'},
        application_id=identity,
    )
    assert (answered.status, answered.code) == (422, "applicant_differs")
    assert answered.fault_codes == {
        "/form/owner/name": "applicant_differs",
        "/form/owner/citizen_number": "applicant_differs",
    }
    read = town.call("GET", ONE, who=zhang, application_id=identity)
    assert read.body["form"] == _form(town)


def test_a_draft_says_whose_it_is_and_which_fields_are_locked(
    town: Town, zhang: Session
) -> None:
    applicant = _start(town, zhang).body["applicant"]
    assert applicant["locked"] == {
        "/owner/name": "张示例",
        "/owner/citizen_number": "999999199001010016",
    }
    assert (applicant["level"], applicant["enough"]) == ("present", True)
    assert applicant["by_agent"] is False


@pytest.mark.parametrize("level", [Level.DECLARED, Level.MATCHED])
def test_who_is_not_proven_well_enough_keeps_the_draft_and_is_told_what_to_do(
    town: Town, level: Level
) -> None:
    town.world.enrol("sub-1", level=level)
    who = town.session("sub-1", level=level)
    identity = _filled(town, who)
    answered = _submit(town, who, identity)
    assert (answered.status, answered.code) == (403, "identity_level_too_low")
    assert (answered.body["level"], answered.body["required"]) == (level, "present")
    read = town.call("GET", ONE, who=who, application_id=identity)
    assert read.body["form"] == _form(town)
    assert town.world.heads("CASE") == []


def test_a_hand_in_answers_the_case_number_at_once(town: Town, zhang: Session) -> None:
    answered = _submit(town, zhang, _complete(town, zhang))
    case_no = answered.body["case_no"]
    assert (answered.status, answered.body["stage"]) == (202, "received")
    assert answered.headers["Location"] == f"/v1/cases/{case_no}"
    case = town.call("GET", "/v1/cases/{case_no}", who=zhang, case_no=case_no)
    assert (case.status, case.body["stage"]) == (200, "received")
    assert case.headers["ETag"] == '"v1"'


def test_handing_in_twice_answers_the_same_number(town: Town, zhang: Session) -> None:
    identity = _complete(town, zhang)
    numbers = {_submit(town, zhang, identity).body["case_no"] for _ in range(2)}
    assert len(numbers) == 1
    assert len(town.world.heads("CASE")) == 1


def test_a_draft_that_was_handed_in_takes_no_changes(
    town: Town, zhang: Session
) -> None:
    identity = _complete(town, zhang)
    _submit(town, zhang, identity)
    saved = town.call(
        "PUT",
        ONE,
        who=zhang,
        body={"form": {}},
        headers={"If-Match": '"v3"'},
        application_id=identity,
    )
    announced = _announce(town, zhang, identity)
    assert {saved.code, announced.code} == {"application_submitted"}
    assert saved.body["case_no"] == announced.body["case_no"]


def test_the_receipt_is_kept_in_the_hand_ins_own_transaction(
    town: Town, zhang: Session
) -> None:
    identity = _complete(town, zhang)
    key = {"Idempotency-Key": "0f3c1b52-6f0e-4c0e-9a55-8d3a1c1f7e21"}
    first = _submit(town, zhang, identity, **key)
    written = {write.table for write in town.world.tables.transactions[-1]}
    again = _submit(town, zhang, identity, **key)
    assert written == {"records", "drafts", "answers"}
    assert again.body == first.body
    assert again.headers["Idempotency-Replayed"] == "true"


def test_one_key_is_not_for_two_hand_ins(town: Town, zhang: Session) -> None:
    first, second = _complete(town, zhang), _complete(town, zhang)
    key = {"Idempotency-Key": "k"}
    _submit(town, zhang, first, **key)
    answered = _submit(town, zhang, second, **key)
    assert (answered.status, answered.code) == (422, "idempotency_key_reused")
    assert len(town.world.heads("CASE")) == 1


def test_a_hand_in_of_an_older_version_is_refused(town: Town, zhang: Session) -> None:
    identity = _complete(town, zhang)
    answered = _submit(town, zhang, identity, **{"If-Match": '"v1"'})
    assert (answered.status, answered.code) == (412, "draft_changed")
    assert town.world.heads("CASE") == []


def test_a_company_lists_only_its_own_drafts(town: Town, zhang: Session) -> None:
    _start(town, zhang)
    listed = town.call(
        "GET", "/v1/applications", who=town.session("sub-firm", Role.COMPANY)
    )
    assert listed.body == {"applications": []}


def test_a_draft_says_when_its_item_has_changed(town: Town, zhang: Session) -> None:
    begun = _start(town, zhang)
    pinned = town.world.catalogue.current("441882", begun.body["item_code"])
    newer = pinned.item.model_copy(
        update={"revision": pinned.item.revision + 1, "promised_working_days": 0}
    )
    layout = town.world.catalogue.layout(pinned.item)
    town.world.catalogue.publish("441882", newer, layout, "operator:test")
    town.world.clock.at += timedelta(minutes=1)
    read = town.call("GET", ONE, who=zhang, application_id=begun.body["application_id"])
    assert read.body["item_changed"] is True
    assert [each["path"] for each in read.body["item_changes"]] == [
        "/promised_working_days"
    ]
    assert "0" in read.body["item_changes"][0]["zh"]

"""The same key again: the same answer, and nothing done twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.web.town import VEHICLE, Answered, Town
from zerotrip.kernel.errors import Conflict
from zerotrip.web import requests
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.idempotency import KEPT_FOR, LEASE, Answers
from zerotrip.web.routes.applicant import START_APPLICATION


def _start(town: Town, key: str, sub: str = "sub-1", item: str = "") -> Answered:
    return town.call(
        "POST",
        "/v1/applications",
        who=town.session(sub),
        body={"item_code": item or town.world.publish(VEHICLE)},
        headers={"Idempotency-Key": key},
    )


def _drafts(town: Town) -> int:
    return sum(
        1
        for table, _, sk in town.world.tables.rows
        if (table, sk) == ("drafts", "DRAFT")
    )


def test_the_same_request_makes_one_draft(town: Town) -> None:
    first, again = _start(town, "k"), _start(town, '"k"')
    assert again.body == first.body
    assert {name: first.headers[name] for name in ("ETag", "Location")} == {
        name: again.headers[name] for name in ("ETag", "Location")
    }
    assert again.headers["Idempotency-Replayed"] == "true"
    assert _drafts(town) == 1


def test_a_key_is_ones_own(town: Town) -> None:
    assert _start(town, "k").body != _start(town, "k", sub="sub-2").body
    assert _drafts(town) == 2


def test_a_key_is_not_for_another_body(town: Town) -> None:
    _start(town, "k")
    answered = _start(town, "k", item="9" * 31)
    assert (answered.status, answered.code) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("key", ["", '""', "k k", "k" * 256, "钥匙"])
def test_a_key_that_is_none_is_refused(town: Town, key: str) -> None:
    answered = _start(town, key)
    assert (answered.status, answered.code) == (400, "idempotency_key_malformed")


def test_a_refused_request_frees_its_key(town: Town) -> None:
    assert _start(town, "k", item="9" * 31).code == "item_unknown"
    assert _start(town, "k").status == 201


def test_after_a_day_the_key_is_free(town: Town) -> None:
    _start(town, "k")
    town.world.clock.at += KEPT_FOR
    again = _start(town, "k")
    assert "Idempotency-Replayed" not in again.headers
    assert _drafts(town) == 2


def test_neither_the_key_nor_the_body_is_kept(town: Town) -> None:
    code = town.world.publish(VEHICLE)
    _start(town, "my-secret-key")
    row = next(
        row
        for (table, _, _), row in town.world.tables.rows.items()
        if table == "answers"
    )
    assert "my-secret-key" not in repr(row)
    asked = {name: row.data[name] for name in row.data if name not in ("body",)}
    assert code not in repr(asked)
    assert "sub-1" not in row.pk


def _answers(town: Town) -> Answers:
    return Answers(town.world.tables, "441882", town.world.clock)


def _request(town: Town, item: str = "1" * 31, **headers: str) -> Request:
    return Request(
        START_APPLICATION,
        path={},
        headers={"idempotency-key": "k", **headers},
        session=town.session("sub-1"),
        body=requests.NewApplication(item_code=item),
    )


def test_a_request_that_is_still_being_answered_is_not_answered_twice(
    town: Town,
) -> None:
    answers, request = _answers(town), _request(town)
    codes: list[str] = []

    def act() -> Reply:
        with pytest.raises(Conflict) as met:
            answers.once(request, lambda: Reply(500))
        codes.append(met.value.code)
        return Reply(201, {"made": 1})

    assert answers.once(request, act).body == {"made": 1}
    assert codes == ["request_in_flight"]


def test_what_died_half_way_may_be_tried_again_when_its_lease_is_over(
    town: Town,
) -> None:
    answers, request = _answers(town), _request(town)

    class Died(BaseException):
        pass

    def die() -> Reply:
        raise Died

    with pytest.raises(Died):
        answers.once(request, die)
    with pytest.raises(Conflict):
        answers.once(request, lambda: Reply(201))
    town.world.clock.at += LEASE
    assert answers.once(request, lambda: Reply(201, {"made": 2})).status == 201
    replayed = answers.once(request, lambda: Reply(500))
    assert replayed.body == {"made": 2}


def test_who_lost_the_lease_does_not_overwrite_the_winners_answer(
    town: Town,
) -> None:
    answers, request = _answers(town), _request(town)

    def slow() -> Reply:
        town.world.clock.at += LEASE
        answers.once(request, lambda: Reply(201, {"by": "the second"}))
        return Reply(201, {"by": "the first"})

    answers.once(request, slow)
    kept = answers.once(request, lambda: Reply(500))
    assert kept.body == {"by": "the second"}


def test_another_version_seen_is_another_request(town: Town) -> None:
    answers, request = _answers(town), _request(town)
    answers.once(request, lambda: Reply(201, {}))
    with pytest.raises(Exception, match="idempotency_key_reused"):
        answers.once(replace(request, seen=8), lambda: Reply(201, {}))


def test_what_goes_stale_is_made_anew_with_its_first_note(town: Town) -> None:
    answers, request = _answers(town), _request(town)
    notes: list[Any] = []

    def act(noted: Any) -> tuple[Reply, dict[str, str]]:
        notes.append(noted)
        return Reply(201, {"n": len(notes)}), {"upload": f"u{len(notes)}"}

    bodies = [answers.anew(request, act).body for _ in range(3)]
    assert bodies == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert notes == [None, {"upload": "u1"}, {"upload": "u1"}]

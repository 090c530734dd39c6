"""Fields that nobody may set: stage, fee, owner and the like change nothing.

OWASP API3:2023. Each route of the document that takes a body is sent a request that
would succeed, with one such field added at one place. It is refused and every row is as
before, or it is ignored and the rows are those of the plain request.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.fuzz.scenes import SCENES, Asked, body_routes
from tests.support.persons import acting
from tests.unit.web.town import Answered, Town
from zerotrip.kernel.tables import StoredRow
from zerotrip.web import requests

EXTRAS: dict[str, Any] = {
    "stage": "completed",
    "status": "settled",
    "fee_paid": True,
    "amount_fen": 1,
    "owner": "sub-other",
    "sub": "sub-other",
    "case_no": "11441882007000001K400012400000120261121483920",
    "version": 999,
    "organisation": "11441882000000027D",
    "role": "approver",
}
OF_ITS_OWN = {"offer_power": {"case_no"}}
"""What a route does take under such a name: a power is for one case, if it says so."""
MADE_OF_THE_FORM = ("hash", "last_hash", "prev_hash", "request_hash", "print")
"""What follows the ciphertext; a form with another field in it has other ones."""
Rows = dict[tuple[str, str, str], StoredRow]
Place = tuple[str, ...]


def _send(town: Town, operation: str, asked: Asked) -> Answered:
    method, path = body_routes()[operation]
    return town.call(
        method,
        path,
        who=asked.who,
        body=asked.body,
        headers=asked.headers,
        **asked.path,
    )


def _places(body: Mapping[str, Any], above: Place = ()) -> Iterator[Place]:
    """Every object of a body, by the names that lead to it."""
    yield above
    for name, value in body.items():
        if isinstance(value, Mapping):
            yield from _places(value, (*above, name))


def _with(body: dict[str, Any], place: Place, name: str) -> dict[str, Any]:
    changed = copy.deepcopy(body)
    at = changed
    for step in place:
        at = at[step]
    at[name] = EXTRAS[name]
    return changed


class Stage:
    """A town that goes back to the moment before the request."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.town = Town()
        self.asked = SCENES[operation](self.town)
        self.rows = dict(self.town.world.tables.rows)
        self.dice = self.town.world.mint.random_bytes.__self__.getstate()  # type: ignore[attr-defined]

    def answer(self, body: dict[str, Any]) -> tuple[Answered, Rows, list[str]]:
        """The answer, all rows after it, and what the payment channel was asked."""
        world = self.town.world
        world.tables.rows = dict(self.rows)
        world.mint.random_bytes.__self__.setstate(self.dice)  # type: ignore[attr-defined]
        self.town.channel.calls.clear()
        self.town.channel.orders.clear()
        answered = _send(self.town, self.operation, replace(self.asked, body=body))
        orders = [
            f"{number} {order.content[0]} {order.content[2]}"
            for number, order in self.town.channel.orders.items()
        ]
        return answered, dict(world.tables.rows), orders


def _stored(rows: Rows) -> dict[tuple[str, str, str], Any]:
    """Rows without ciphertext and what follows from it; refused keys are left out."""
    return {
        key: (
            row.version,
            row.stage,
            row.due,
            row.work,
            row.subject,
            row.expires_at,
            _plain(row.data),
        )
        for key, row in rows.items()
        if not (key[0] == "answers" and "#ANSWER#" in key[1])
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _plain(part)
            for name, part in value.items()
            if name not in MADE_OF_THE_FORM
        }
    return [_plain(part) for part in value] if isinstance(value, list) else value


def test_every_route_with_a_body_has_a_scene() -> None:
    missing = set(body_routes()) - set(SCENES)
    assert missing == set(), "write a scene in tests/fuzz/scenes.py that succeeds"


def _wrong(stage: Stage) -> tuple[list[str], int]:
    """Fields that did something, and how many were tried; the plain one succeeds."""
    plain, wanted, orders = stage.answer(stage.asked.body)
    assert 200 <= plain.status < 300, plain.body
    wrong, tried = [], 0
    for place in _places(stage.asked.body):
        for name in EXTRAS.keys() - OF_ITS_OWN.get(stage.operation, set()):
            tried += 1
            body = _with(stage.asked.body, place, name)
            answered, rows, opened = stage.answer(body)
            if answered.status in (400, 422):
                same = _stored(rows) == _stored(stage.rows) and opened == []
            else:
                same = answered.status == plain.status
                same = same and _stored(rows) == _stored(wanted) and opened == orders
            if not same:
                wrong.append(f"{'/'.join((*place, name))}: {answered.status}")
    return wrong, tried


@pytest.mark.parametrize("operation", sorted(body_routes()))
def test_a_field_that_nobody_may_set_sets_nothing(operation: str) -> None:
    wrong, tried = _wrong(Stage(operation))
    assert tried >= len(EXTRAS) - len(OF_ITS_OWN.get(operation, ()))
    assert wrong == []


def test_what_a_draft_smuggles_in_its_form_is_refused_at_the_hand_in() -> None:
    stage = Stage("submit_application")
    asked = stage.asked
    town = stage.town
    draft = asked.path["application_id"]
    form = town.world.applications.own(acting("sub-zhang"), draft).form
    # `owner` is the item's own field, and its applicant's: another test's business.
    smuggled = {name: value for name, value in EXTRAS.items() if name not in form}
    saved = town.call(
        "PUT",
        "/v1/applications/{application_id}",
        who=asked.who,
        body={"form": {**form, **smuggled}},
        headers=asked.headers,
        application_id=draft,
    )
    assert saved.status == 200
    refused = town.call(
        "POST",
        "/v1/applications/{application_id}/submission",
        who=asked.who,
        body={},
        headers={"If-Match": saved.headers["ETag"]},
        application_id=draft,
    )
    assert (refused.status, refused.code) == (422, "form_invalid")
    assert set(refused.fault_codes) == {f"/form/{name}" for name in smuggled}
    assert town.world.heads("CASE") == []


def test_a_model_that_takes_any_field_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Negative control: with the owner taken from the body, the same test fails."""
    stage = Stage("save_application")
    drafts = stage.town.world.applications.drafts
    save = type(drafts).save

    def owned_by_whom_the_form_says(
        self: Any, draft: Any, seen: int, form: Any, at: Any
    ):
        return save(
            self, replace(draft, sub=form.get("sub", draft.sub)), seen, form, at
        )

    monkeypatch.setattr(type(drafts), "save", owned_by_whom_the_form_says)
    wrong, _ = _wrong(stage)
    assert wrong == ["form/sub: 200"]


def test_a_body_that_ignores_what_it_does_not_know_is_still_safe(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second lock: fields are read by name, so that none gets through unnamed."""
    for model in (requests.NewDecision, requests.Nothing, requests.NewPayment):
        monkeypatch.setitem(model.model_config, "extra", "ignore")
        model.model_rebuild(force=True)
    try:
        for operation in ("decide_case", "withdraw_case", "pay_case"):
            assert _wrong(Stage(operation))[0] == []
    finally:
        monkeypatch.undo()
        for model in (requests.NewDecision, requests.Nothing, requests.NewPayment):
            model.model_rebuild(force=True)

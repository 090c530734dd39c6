"""The campaign against a server that lies: each check sees its own kind of lie."""

from __future__ import annotations

import pytest

from tests.fuzz.campaign import Round, run_round
from tests.fuzz.liar import TOKEN, Lie, liar
from tests.fuzz.people import CALLERS

CITIZEN = next(caller for caller in CALLERS if caller.role == "citizen")
LISTS = frozenset({"list_cases"})
SAVES = frozenset({"save_application"})
FUZZING, COVERAGE = ("fuzzing",), ("coverage",)


@pytest.mark.parametrize(
    ("lie", "phases", "only", "noticed_by"),
    [
        (Lie.CRASH, FUZZING, LISTS, {"not_a_server_error"}),
        (Lie.TEAPOT, FUZZING, LISTS, {"status_code_conformance"}),
        (Lie.HTML, FUZZING, LISTS, {"content_type_conformance"}),
        (Lie.SHAPELESS, FUZZING, LISTS, {"response_schema_conformance"}),
        (Lie.OPEN_DOOR, COVERAGE, LISTS, {"ignored_auth", "negative_data_rejection"}),
        (Lie.EVERY_METHOD, COVERAGE, LISTS, {"unsupported_method"}),
        (Lie.EVERY_METHOD, COVERAGE, SAVES, {"missing_required_header"}),
    ],
)
def test_a_lie_is_noticed_by_the_check_that_is_there_for_it(
    lie: Lie, phases: tuple[str, ...], only: frozenset[str], noticed_by: set[str]
) -> None:
    with liar(lie) as base_url:
        tally = run_round(
            base_url,
            CITIZEN,
            TOKEN.removeprefix("Bearer "),
            {},
            Round(1, 5, phases),
            only=only,
        )
    assert tally.requests > 0
    assert noticed_by <= {finding["check"] for finding in tally.findings.values()}

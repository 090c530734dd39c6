"""The access matrix through gateway, authoriser and keys of the laptop cloud."""

from __future__ import annotations

import pytest

from tests.access import acting
from tests.access.laptop_run import LaptopRun, deployed
from tests.access.matrix import STRANGERS, VICTIMS, slice_of
from tests.access.operations import operations
from tests.access.report import wrong
from tests.access.scene import BY_A_SECRET, Scene
from tests.support.laptop_cloud import LaptopCloud

pytestmark = pytest.mark.cloud
STAFF_ONLY = ("/v1/staff/", "/v1/worklist")


@pytest.fixture(scope="module")
def run(cloud: LaptopCloud, laptop: Scene) -> LaptopRun:
    """One run; the tests of this file are in the order in which its parts must be."""
    return LaptopRun(cloud, laptop)


def test_what_is_deployed_is_what_the_document_says(cloud: LaptopCloud) -> None:
    there = deployed(cloud)
    assert set(there) == {(each.method, each.path) for each in operations()}
    for each in operations():
        kept = there[each.method, each.path]
        assert (kept is None) is each.public, each.name
        if each.path.startswith(STAFF_ONLY):
            assert kept == 0, f"{each.name} would outlive a suspension by {kept} s"
        elif kept is not None:
            assert kept <= 60, each.name


def test_nobody_gets_in_and_nobody_learns_what_exists(run: LaptopRun) -> None:
    run.try_matrix(slice_of(run.operations))
    assert wrong(run.outcome["matrix"]) == []
    assert wrong(run.outcome["tokens_at_partners"]) == []
    assert run.changed == []
    refused = {*STRANGERS, *VICTIMS, *acting.COLUMNS} - {acting.OTHER_LOGIN}
    assert {cell.column for cell in run.outcome["matrix"]} >= refused


def test_who_is_the_applicant_or_acts_for_them_reads_what_they_read(
    run: LaptopRun,
) -> None:
    assert wrong(run.outcome["welcome"]) == []
    welcome = {cell.column for cell in run.outcome["welcome"]}
    assert welcome >= {acting.OTHER_LOGIN, acting.AGENT_NOW}


def test_no_path_takes_a_method_that_the_document_does_not_give_it(
    run: LaptopRun,
) -> None:
    assert len(run.outcome["methods"]) > 100
    assert wrong(run.outcome["methods"]) == []


def test_a_session_that_is_over_opens_nothing(run: LaptopRun) -> None:
    run.try_sessions()
    assert wrong(run.outcome["sessions"]) == []
    assert {cell.column for cell in run.outcome["sessions"]} == {
        "unknown",
        "used_twice",
        "after_reuse",
        "signed_out",
        "over_while_kept",
        "now_an_auditor",
        "moved_since",
        "suspended_since",
    }


def test_the_same_requests_succeed_for_those_who_may(run: LaptopRun) -> None:
    """Otherwise the matrix would have refused misspelt requests."""
    answers = run.try_rightful()
    refused = {name: each.code for name, each in answers.items() if each.status >= 400}
    assert set(refused) == set(BY_A_SECRET)


def test_a_callback_that_is_not_the_partners_does_nothing(run: LaptopRun) -> None:
    run.try_callbacks()
    assert wrong(run.outcome["callbacks"]) == []
    replayed = [c for c in run.outcome["callbacks"] if c.column == "replayed"]
    assert [cell.status for cell in replayed] == [204, 204]

"""A burst of cases on the laptop cloud while its workers are being killed."""

from __future__ import annotations

import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from infra.local.demo import STORIES, Screen, errand_of
from infra.local.mini_program import Client, Partners
from tests.support.laptop_cloud import LaptopCloud
from tests.support.workers import kill, tick, workers_of
from tests.verify import evidence

CASES = 120
DECISIONS_A_ROUND = 10
FOOD = next(story for story in STORIES if story.folder == "food-business-licence")


@pytest.mark.verify
def test_a_burst_with_killed_workers_loses_and_doubles_nothing(
    cloud: LaptopCloud,
) -> None:
    """Acknowledged submissions all end, with one licence file each."""
    partners = Partners.of(cloud.home)
    dice = random.Random(1)
    errands = [
        errand_of(FOOD, cloud.home, Screen(quiet=True), partners) for _ in range(CASES)
    ]
    company = Client(cloud.api_url, partners).sign_in_by_oidc("wang")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda errand: errand._apply(company), errands))
    acknowledged = [errand.case_no for errand in errands]
    killed = 0
    instant = datetime.now(UTC)
    officer = Client(cloud.api_url, partners).sign_in_by_oidc("zhou")
    deadline = time.monotonic() + 1200
    stages: dict[str, str] = {}
    while time.monotonic() < deadline:
        stages = {case_no: _stage(company, case_no) for case_no in acknowledged}
        if set(stages.values()) <= {"completed"}:
            break
        waiting = [no for no, stage in stages.items() if stage == "in_review"]
        for case_no in waiting[:DECISIONS_A_ROUND]:
            officer.decide(case_no, "approve", "材料齐全，符合法定条件。")
            # While its messages are on their way, somebody pulls the plug.
            workers = workers_of(cloud, steps_only=True)
            killed += bool(workers) and kill(dice.choice(workers))
        instant += timedelta(hours=1)
        tick(cloud, instant)
        time.sleep(0.5)
    licences = _licence_files(cloud)
    per_case = [licences.count(case_no) for case_no in acknowledged]
    lost = [no for no, stage in stages.items() if stage != "completed"]
    evidence.write(
        "burst-with-killed-workers",
        acknowledged=len(acknowledged),
        completed=sum(stage == "completed" for stage in stages.values()),
        workers_killed=killed,
        licence_files=sum(per_case),
        lost=len(lost),
        doubled=sum(count > 1 for count in per_case),
    )
    assert killed >= CASES / 2, "it was over before much was killed"
    assert lost == []
    assert per_case == [1] * len(acknowledged)


def _stage(company: Client, case_no: str) -> str:
    return str(company.case(case_no)[0]["stage"])


def _licence_files(cloud: LaptopCloud) -> list[str]:
    pages = cloud.client("s3").get_paginator("list_object_versions")
    versions: list[dict[str, Any]] = [
        version
        for page in pages.paginate(Bucket=cloud.outputs["LicencesBucket"])
        for version in page.get("Versions", [])
    ]
    return [version["Key"].split("/")[1] for version in versions]


def test_evidence_is_json() -> None:
    """What is committed as the last result can be read by a machine."""
    for path in (evidence.ROOT / "docs" / "evidence").glob("*.json"):
        assert json.loads(path.read_text("utf-8"))["measured_at"]

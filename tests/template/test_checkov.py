"""That checkov, asked as `make lint` asks it, sees what is wrong in our templates.

It reads SAM functions and each nested stack as a file of its own; a fault is planted in
a copy of each kind of file, and found where it was planted.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.local.home import ROOT
from tests.template.application import load, stack_names

CHECKOV = ROOT / ".local" / "audit" / "bin" / "checkov"
# File, what stands there, what is put in its place, the check that must find it at the
# resource. The look of a key, in two halves, so that no scan takes it for one here.
FAULTS = [
    (
        "infra/stacks/buckets.yaml",
        "BlockPublicAcls: true",
        "BlockPublicAcls: false",
        "CKV_AWS_53",
        "AWS::S3::Bucket.Uploads",
    ),
    (
        "infra/stacks/queue.yaml",
        "SqsManagedSseEnabled: true",
        "SqsManagedSseEnabled: false",
        "CKV2_ZEROTRIP_1",
        "AWS::SQS::Queue.Queue",
    ),
    (
        "infra/stacks/dead_letters.yaml",
        "      SqsManagedSseEnabled: true\n",
        "",
        "CKV2_ZEROTRIP_1",
        "AWS::SQS::Queue.DeadLetters",
    ),
    (
        "infra/stacks/tables.yaml",
        "SSESpecification: {SSEEnabled: true}",
        "SSESpecification: {SSEEnabled: false}",
        "CKV2_ZEROTRIP_2",
        "AWS::DynamoDB::Table.Records",
    ),
    (
        "infra/stacks/tables.yaml",
        "PointInTimeRecoveryEnabled: true",
        "PointInTimeRecoveryEnabled: false",
        "CKV_AWS_28",
        "AWS::DynamoDB::Table.Records",
    ),
    (
        "infra/stacks/keys.yaml",
        "EnableKeyRotation: true",
        "EnableKeyRotation: false",
        "CKV_AWS_7",
        "AWS::KMS::Key.Data",
    ),
    (
        "infra/stacks/keys.yaml",
        'Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}',
        'Principal: "*"',
        "CKV_AWS_33",
        "AWS::KMS::Key.Data",
    ),
    (
        "template.yaml",
        "Action: events:PutEvents, Resource: !GetAtt EventBus.Arn}",
        'Action: "*", Resource: "*"}',
        "CKV_AWS_62",
        "AWS::IAM::Role.PublishEventsRole",
    ),
    (
        "template.yaml",
        "POWERTOOLS_SERVICE_NAME: authorise\n",
        "POWERTOOLS_SERVICE_NAME: " + "AKIA" + "QRSTUVWX23456789\n",
        "CKV_AWS_45",
        "AWS::Serverless::Function.AuthoriseFunction",
    ),
]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What checkov finds in a copy of all templates with all faults planted."""
    top = tmp_path_factory.mktemp("templates")
    texts = {name: (ROOT / name).read_text("utf-8") for name in stack_names()}
    for name, right, wrong, _, _ in FAULTS:
        assert right in texts[name], f"{name} no longer says {right!r}"
        texts[name] = texts[name].replace(right, wrong, 1)
    for name, text in texts.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    report = _checkov(*(str(top / name) for name in texts))
    assert report["summary"]["parsing_errors"] == 0
    checks: list[dict[str, Any]] = report["results"]["failed_checks"]
    return checks


def _checkov(*paths: str) -> dict[str, Any]:
    asked = subprocess.run(
        [CHECKOV, "--config-file", ROOT / ".checkov.yaml", "-o", "json", "-f", *paths],
        cwd=ROOT,
        # Nothing is fetched; if something were, it would fail here.
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert asked.returncode == 1, asked.stderr[-2000:]
    report: dict[str, Any] = json.loads(asked.stdout)
    return report


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault[3]} {fault[4]}")
def test_a_planted_fault_is_found(
    found: list[dict[str, Any]], fault: tuple[str, str, str, str, str]
) -> None:
    name, _, _, check, resource = fault
    said = {(each["check_id"], each["resource"]) for each in found}
    assert (check, resource) in said
    (at,) = {
        Path(each["repo_file_path"]).name
        for each in found
        if (each["check_id"], each["resource"]) == (check, resource)
    }
    assert at == Path(name).name


def test_nothing_but_the_planted_faults_is_found(found: list[dict[str, Any]]) -> None:
    planted = {resource for *_, resource in FAULTS}
    assert {each["resource"] for each in found} == planted


def test_make_lint_asks_about_every_template() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    asked = ".local/audit/bin/checkov -f template.yaml infra/stacks/*.yaml"
    assert f"\t{asked}\n" in makefile
    elsewhere = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "infra").rglob("*.yaml")
        if "AWSTemplateFormatVersion" in path.read_text("utf-8")
    ]
    assert sorted(["template.yaml", *elsewhere]) == sorted(stack_names())


def test_every_exception_is_explained_beside_it() -> None:
    lines = (ROOT / ".checkov.yaml").read_text("utf-8").splitlines()
    listed = yaml.safe_load("\n".join(lines))["skip-check"]
    for check in listed:
        (at,) = [n for n, line in enumerate(lines) if f"- {check}" in line]
        above = [line.strip() for line in lines[at - 1 : at]]
        assert "#" in lines[at] or above[0].startswith("# "), check
    for name in stack_names():
        for logical_id, resource in load(name)["Resources"].items():
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", []):
                assert len(skip["comment"]) > 20, logical_id

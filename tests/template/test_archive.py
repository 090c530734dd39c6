"""The locked bucket: who writes, who reads, and that nobody deletes."""

from __future__ import annotations

import pytest

from tests.template.application import (
    functions,
    load,
    mention,
    nested,
    parameter,
    resources,
)

ARCHIVE = "Buckets.Outputs.ArchiveArn"
TAKES_AWAY = (
    "s3:Delete",
    "s3:PutObjectRetention",
    "s3:PutObjectLegalHold",
    "s3:BypassGovernanceRetention",
    "s3:PutBucket",
    "s3:PutLifecycle",
    "s3:*",
)


def test_only_its_two_functions_come_near_the_archive():
    actions = {
        function.name: {
            action
            for statement in function.permissions()
            if statement.on(ARCHIVE)
            for action in statement.actions
        }
        for function in functions()
    }
    assert {name: found for name, found in actions.items() if found} == {
        "archive_events": {"s3:PutObject"},
        "seal_day": {
            "s3:PutObject",
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucketVersions",
        },
    }


def test_what_is_written_is_below_the_tenant():
    for function in functions():
        for statement in function.permissions():
            if statement.on(ARCHIVE) and "s3:PutObject" in statement.actions:
                named = [mention(resource) for resource in statement.resources]
                assert named == ["${" + ARCHIVE + "}/${Tenant}/*"]


def test_the_archive_looks_up_rows_by_their_key_and_in_no_other_way():
    (archive,) = [f for f in functions() if f.name == "archive_events"]
    actions = {
        action
        for statement in archive.permissions()
        for action in statement.actions
        if action.startswith("dynamodb:")
    }
    assert actions == {"dynamodb:GetItem", "dynamodb:BatchGetItem"}
    (seal,) = [f for f in functions() if f.name == "seal_day"]
    assert not any(
        action.startswith("dynamodb:")
        for statement in seal.permissions()
        for action in statement.actions
    )


@pytest.mark.parametrize("function", functions(), ids=lambda f: f.name)
def test_no_function_may_take_an_object_away(function):
    allowed = [a for s in function.permissions() for a in s.actions]
    assert [a for a in allowed if a.startswith(TAKES_AWAY)] == []


def test_the_bucket_is_locked_for_as_long_as_the_stage_says():
    bucket = resources("AWS::S3::Bucket", "infra/stacks/buckets.yaml")["Archive"]
    properties = bucket["Properties"]
    assert properties["ObjectLockEnabled"] is True
    lock = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert lock == {
        "Mode": {"Ref": "ArchiveLockMode"},
        "Days": {"Ref": "ArchiveRetentionDays"},
    }
    assert "LifecycleConfiguration" not in properties
    assert parameter("ArchiveRetentionDays") >= 3650
    (given,) = nested("buckets.yaml").values()
    assert given["ArchiveLockMode"] == {"Ref": "ArchiveLockMode"}


def test_the_bucket_itself_turns_deletions_away():
    policies = resources("AWS::S3::BucketPolicy", "infra/stacks/buckets.yaml")
    statements = policies["ArchivePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    (denied,) = [
        s for s in statements if s.get("Sid") == "NobodyDeletesOrShortensTheLock"
    ]
    assert (denied["Effect"], denied["Principal"]) == ("Deny", "*")
    assert {
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectRetention",
        "s3:BypassGovernanceRetention",
    } == set(denied["Action"])
    assert "Condition" not in denied
    (once,) = [s["Fn::If"][1] for s in statements if "Fn::If" in s]
    assert (once["Effect"], once["Action"]) == ("Deny", "s3:PutObject")
    assert once["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def test_the_night_begins_at_two_in_shanghai():
    (seal,) = [f for f in functions() if f.name == "seal_day"]
    (tick,) = seal.events("Schedule")
    assert tick["Schedule"] == "cron(0 18 * * ? *)"  # UTC


def test_the_log_of_an_incomplete_seal_is_counted():
    (counted,) = resources("AWS::Logs::MetricFilter").values()
    assert counted["Properties"]["FilterPattern"] == '{ $.code = "seal_incomplete" }'
    (metric,) = counted["Properties"]["MetricTransformations"]
    alarms = resources("AWS::CloudWatch::Alarm", "infra/stacks/alarms.yaml")
    watched = alarms["SealIncompleteAlarm"]["Properties"]
    assert watched["MetricName"] == metric["MetricName"]
    assert watched["Namespace"] == {"Ref": "Name"}
    name = load()["Resources"]["RelayAlarms"]["Properties"]["Parameters"]["Name"]
    assert metric["MetricNamespace"] == name

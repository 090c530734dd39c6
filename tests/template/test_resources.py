"""What must hold for each queue, rule, bucket, table, key and alarm."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from infra.local.home import ROOT
from tests.template.application import (
    everywhere,
    functions,
    load,
    mention,
    nested,
    resources,
    stack_names,
    sub,
)
from zerotrip.kernel.messages import EVENT_SOURCE

IN_CLOUD = {"Fn::If": ["InCloud", True, False]}
FOURTEEN_DAYS_SECONDS = 14 * 24 * 3600
ALARMS = everywhere("AWS::CloudWatch::Alarm")


def each(kind: str) -> pytest.MarkDecorator:
    """One case per resource of a type, in all templates."""
    return pytest.mark.parametrize(("name", "resource"), everywhere(kind).items())


def policies_of(name: str, kind: str) -> list[dict[str, Any]]:
    """Statements of the resource policies that name the resource `template: id`."""
    template, logical_id = name.split(": ")
    return [
        statement
        for policy in resources(kind, template).values()
        if {"Ref": logical_id}
        in [*policy["Properties"].get("Queues", []), policy["Properties"].get("Bucket")]
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def denies_plain_text(policy: list[dict[str, Any]]) -> bool:
    """Whether somebody who comes without TLS is turned away."""
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    return any(s.get("Effect") == "Deny" and s["Condition"] == insecure for s in policy)


def is_dead_letters(name: str) -> bool:
    """Whether another queue names it as its dead letters, or it is one for rules."""
    template, logical_id = name.split(": ")
    target = {"Fn::GetAtt": [logical_id, "Arn"]}
    named = [
        queue["Properties"].get("RedrivePolicy", {}).get("deadLetterTargetArn")
        for queue in resources("AWS::SQS::Queue", template).values()
    ]
    return target in named or template.endswith("dead_letters.yaml")


@each("AWS::SQS::Queue")
def test_every_queue_has_dead_letters_or_is_one(name: str, resource: dict[str, Any]):
    properties = resource["Properties"]
    if is_dead_letters(name):
        assert "RedrivePolicy" not in properties
        assert properties["MessageRetentionPeriod"] == FOURTEEN_DAYS_SECONDS
    else:
        assert properties["RedrivePolicy"]["maxReceiveCount"] == 5


@each("AWS::SQS::Queue")
def test_every_queue_is_encrypted_at_rest_and_on_the_way(
    name: str, resource: dict[str, Any]
):
    assert resource["Properties"]["SqsManagedSseEnabled"] is True
    assert denies_plain_text(policies_of(name, "AWS::SQS::QueuePolicy"))


def test_every_queue_has_exactly_one_reader():
    read = [function.queue for function in functions() if function.queue]
    assert sorted(read) == sorted(nested("queue.yaml"))


def test_queues_stand_in_the_reused_stacks_only():
    templates = {name.split(":")[0] for name in everywhere("AWS::SQS::Queue")}
    assert templates == {"infra/stacks/queue.yaml", "infra/stacks/dead_letters.yaml"}


@pytest.mark.parametrize("stack", nested("queue.yaml"))
def test_only_the_queues_own_source_may_send_to(stack: str):
    parameters = nested("queue.yaml")[stack]
    source = sub(parameters["SourceArn"])
    if parameters["SourceService"] == "s3.amazonaws.com":
        assert re.search(r"-(uploads|licences)$", source)
    else:
        assert source.endswith(sub(parameters["Name"]))
        assert stack.replace("Queue", "Rule") in resources("AWS::Events::Rule")


@each("AWS::Events::Rule")
def test_every_target_has_dead_letters_and_a_message_group(
    name: str, resource: dict[str, Any]
):
    (target,) = resource["Properties"]["Targets"]
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert queue in nested("dead_letters.yaml"), name
    assert target["SqsParameters"]["MessageGroupId"] == "$.detail.data.organisation"
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 86400
    assert target["InputPath"] == "$.detail"


@each("AWS::Events::Rule")
def test_every_rule_matches_its_own_step_and_knows_nothing_of_items(
    name: str, resource: dict[str, Any]
):
    properties = resource["Properties"]
    (target,) = properties["Targets"]
    pattern = properties["EventPattern"]
    if target["Id"] == "notify":
        assert all(t.startswith("zerotrip.") for t in pattern["detail-type"]), name
    elif target["Id"] == "archive_events":
        assert pattern == {"source": [EVENT_SOURCE]}  # every event, also a new one
    else:
        assert pattern == {"detail": {"data": {"next_steps": [target["Id"]]}}}
    queue, output = target["Arn"]["Fn::GetAtt"]
    reader = {f.name for f in functions() if f.queue == queue}
    assert (reader, output) == ({target["Id"]}, "Outputs.Arn")


def test_a_missed_tick_of_the_clock_is_kept():
    ticks = [event for f in functions() for event in f.events("Schedule")]
    assert ticks
    for tick in ticks:
        assert mention(tick["DeadLetterConfig"]["Arn"]) == "${MissedTicks.Outputs.Arn}"


@each("AWS::S3::Bucket")
def test_every_bucket_is_private_encrypted_and_versioned(
    name: str, resource: dict[str, Any]
):
    properties = resource["Properties"]
    block = properties["PublicAccessBlockConfiguration"]
    assert len(block) == 4
    assert all(block.values())
    rules = properties["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert denies_plain_text(policies_of(name, "AWS::S3::BucketPolicy"))


@each("AWS::DynamoDB::Table")
def test_every_table_can_be_restored_and_is_hard_to_delete(
    name: str, resource: dict[str, Any]
):
    properties = resource["Properties"]
    restore = properties["PointInTimeRecoverySpecification"]
    assert restore == {"PointInTimeRecoveryEnabled": True}, name
    assert properties["DeletionProtectionEnabled"] == IN_CLOUD
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


@each("AWS::DynamoDB::Table")
def test_every_index_holds_keys_only(name: str, resource: dict[str, Any]):
    for index in resource["Properties"].get("GlobalSecondaryIndexes", []):
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}, name


def test_the_records_stream_is_the_only_one_and_carries_new_images():
    streams = {
        name: table["Properties"]["StreamSpecification"]
        for name, table in everywhere("AWS::DynamoDB::Table").items()
        if "StreamSpecification" in table["Properties"]
    }
    expected = {"StreamViewType": "NEW_IMAGE"}
    assert streams == {"infra/stacks/tables.yaml: Records": expected}


@pytest.mark.parametrize(
    "kind",
    [
        "AWS::DynamoDB::Table",
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::SecretsManager::Secret",
    ],
)
def test_what_holds_data_outlives_its_stack(kind: str):
    found = everywhere(kind)
    assert found
    for name, resource in found.items():
        assert resource["DeletionPolicy"] == "Retain", name
        assert resource["UpdateReplacePolicy"] == "Retain", name


def test_the_data_key_rotates_and_the_others_sign():
    keys = resources("AWS::KMS::Key", "infra/stacks/keys.yaml")
    specs = {name: key["Properties"].get("KeySpec") for name, key in keys.items()}
    assert specs == {"Data": None, "Tokens": "ECC_NIST_P256", "Licences": "RSA_2048"}
    assert keys["Data"]["Properties"]["EnableKeyRotation"] is True
    assert keys["Tokens"]["Properties"]["KeyUsage"] == "SIGN_VERIFY"
    assert keys["Licences"]["Properties"]["KeyUsage"] == "SIGN_VERIFY"


@each("AWS::CloudWatch::Alarm")
def test_every_alarm_names_a_runbook_that_is_there(name: str, resource: dict[str, Any]):
    description = sub(resource["Properties"]["AlarmDescription"])
    page = re.search(r"docs/runbooks/([\w${}-]+)\.md", description)
    assert page, name
    names = [page[1]]
    if page[1] == "${Runbook}":
        names = [
            parameters["Runbook"] for parameters in nested("dead_letters.yaml").values()
        ]
    for each_name in names:
        assert (ROOT / "docs" / "runbooks" / f"{each_name}.md").is_file(), each_name


@each("AWS::CloudWatch::Alarm")
def test_every_alarm_tells_somebody(name: str, resource: dict[str, Any]):
    assert resource["Properties"]["AlarmActions"] == [{"Ref": "AlarmTopic"}], name


@pytest.mark.parametrize("queue", everywhere("AWS::SQS::Queue"))
def test_every_dead_letter_queue_has_an_alarm(queue: str):
    template, logical_id = queue.split(": ")
    watched = [
        (
            alarm["Properties"]["MetricName"],
            alarm["Properties"]["Dimensions"][0]["Value"],
        )
        for alarm in resources("AWS::CloudWatch::Alarm", template).values()
    ]
    metric = "ApproximateNumberOfMessagesVisible"
    if not is_dead_letters(queue):
        metric = "ApproximateAgeOfOldestMessage"
    assert (metric, {"Fn::GetAtt": [logical_id, "QueueName"]}) in watched


@pytest.mark.parametrize("template", stack_names())
def test_no_arn_names_a_partition(template: str):
    assert "arn:aws" not in (ROOT / template).read_text(encoding="utf-8")


def test_every_stage_sets_parameters_that_the_template_has():
    config = tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))
    stages = load()["Parameters"]["Stage"]["AllowedValues"]
    assert set(stages) == config.keys() - {"version", "default"}
    for stage in ("staging", "production"):
        overrides = config[stage]["deploy"]["parameters"]["parameter_overrides"]
        given = dict(pair.split("=", 1) for pair in overrides)
        assert given["Stage"] == stage
        assert given.keys() <= load()["Parameters"].keys()
        required = {n for n, p in load()["Parameters"].items() if "Default" not in p}
        assert required <= given.keys()

"""What must hold for each function, also for one that is added tomorrow."""

from __future__ import annotations

import pytest

from infra.local.home import ROOT
from tests.template.application import (
    Function,
    functions,
    load,
    nested,
    parameter,
    resources,
    sub,
)

MAX_TIMEOUT_SECONDS = 15
NIGHTLY = {"seal_day"}
"""Reads a whole day at once, and nobody waits for it: ten minutes at most."""
GATHERS = {"archive_events"}
"""Waits for a batch to fill, because a batch is one object."""
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.name)
each_queue_reader = pytest.mark.parametrize(
    "function", [f for f in functions() if f.queue], ids=lambda f: f.name
)

# A variable is for a function that may use what it names; the actions begin like this.
NEEDS = {
    "RECORDS_TABLE": ("dynamodb:", "Tables.Outputs.RecordsArn"),
    "DRAFTS_TABLE": ("dynamodb:", "Tables.Outputs.DraftsArn"),
    "KEYS_TABLE": ("dynamodb:", "Tables.Outputs.KeysArn"),
    "ANSWERS_TABLE": ("dynamodb:", "Tables.Outputs.AnswersArn"),
    "IDENTITY_TABLE": ("dynamodb:", "Tables.Outputs.IdentityArn"),
    "CATALOGUE_TABLE": ("dynamodb:", "Tables.Outputs.CatalogueArn"),
    "UPLOADS_BUCKET": ("s3:", "Buckets.Outputs.UploadsArn"),
    "LICENCES_BUCKET": ("s3:", "Buckets.Outputs.LicencesArn"),
    "CATALOGUE_BUCKET": ("s3:", "Buckets.Outputs.CatalogueArn"),
    "ARCHIVE_BUCKET": ("s3:", "Buckets.Outputs.ArchiveArn"),
    "EVENT_BUS": ("events:PutEvents", "EventBus.Arn"),
    "DATA_KEY": ("kms:", "Keys.Outputs.DataArn"),
    "TOKEN_KEY": ("kms:", "Keys.Outputs.TokensArn"),
    "LICENCE_KEY": ("kms:", "Keys.Outputs.LicencesArn"),
    "IDENTITY_HASH_SECRET": ("secretsmanager:", "Keys.Outputs.IdentityHash"),
    "IDENTITY_PARTNER_SECRET": ("secretsmanager:", "Keys.Outputs.IdentityPartner"),
    "PAYMENTS_PARTNER_SECRET": ("secretsmanager:", "Keys.Outputs.PaymentsPartner"),
    "COURIER_PARTNER_SECRET": ("secretsmanager:", "Keys.Outputs.CourierPartner"),
    "SHARED_DATA_PARTNER_SECRET": ("secretsmanager:", "Keys.Outputs.SharedDataPartner"),
    "REGISTER_LICENCE_QUEUE": ("sqs:SendMessage", "RegisterLicenceQueue.Outputs.Arn"),
    "RECEIVE_MATERIAL_QUEUE": ("sqs:SendMessage", "ReceiveMaterialQueue.Outputs.Arn"),
    "NOTIFY_QUEUE": ("sqs:SendMessage", "NotifyQueue.Outputs.Arn"),
    "COLLECT_PAYMENT_QUEUE": ("sqs:SendMessage", "CollectPaymentQueue.Outputs.Arn"),
}
NEED_NOTHING = {
    "POWERTOOLS_SERVICE_NAME",
    "PUBLIC_BASE_URL",
    "DEAD_LETTER_QUEUE",
    "MALWARE_SCANNER",  # a network address, or that there is none
    "PAYABLE_DAYS",  # a number
}


def test_every_folder_of_functions_is_deployed_and_nothing_else():
    folders = {path.name for path in (ROOT / "functions").iterdir() if path.is_dir()}
    assert {function.name for function in functions()} == folders - {"__pycache__"}


@each_function
def test_its_name_is_that_of_its_folder(function: Function):
    assert (
        sub(function.properties["FunctionName"])
        == f"zerotrip-${{Stage}}-{function.name}"
    )
    assert function.environment["POWERTOOLS_SERVICE_NAME"] == function.name


def test_every_function_has_a_role_of_its_own():
    roles = [function.role_id for function in functions()]
    assert len(set(roles)) == len(roles)
    assert set(roles) == set(resources("AWS::IAM::Role"))


@each_function
def test_its_role_names_every_resource_and_every_action(function: Function):
    for statement in function.permissions():
        assert not any("*" in action for action in statement.actions), statement
        for resource in statement.resources:
            # Only what stands below a named resource may be a star.
            named = str(resource).count("Fn::GetAtt") or "${" in sub(resource)
            assert named, f"{statement.actions} on {resource}"


@each_function
def test_memory_and_a_short_timeout_are_set(function: Function):
    memory = function.properties["MemorySize"]
    assert parameter(memory["Ref"]) >= 256
    most = 600 if function.name in NIGHTLY else MAX_TIMEOUT_SECONDS
    assert 1 <= function.properties["Timeout"] <= most


@each_function
def test_its_concurrency_has_a_ceiling(function: Function):
    if function.queue:
        (event,) = function.events("SQS")
        assert parameter(event["ScalingConfig"]["MaximumConcurrency"]["Ref"]) >= 2
    else:
        condition, reserved, _ = function.properties["ReservedConcurrentExecutions"][
            "Fn::If"
        ]
        assert reserved["Ref"] in load()["Parameters"]
        assert condition in load()["Conditions"]


@each_function
def test_its_logs_are_kept_for_a_stated_time(function: Function):
    log_group = function.properties["LoggingConfig"]["LogGroup"]["Ref"]
    properties = load()["Resources"][log_group]["Properties"]
    assert sub(properties["LogGroupName"]).endswith(
        sub(function.properties["FunctionName"])
    )
    assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert function.may("logs:PutLogEvents", f"{log_group}.Arn")


@each_function
def test_it_may_use_what_its_environment_names(function: Function):
    for variable in function.environment.keys() - NEED_NOTHING:
        action, target = NEEDS[variable]
        assert function.may(action, target), f"{variable} is set, but not allowed"


@each_function
def test_its_environment_names_what_it_may_use(function: Function):
    for variable, (action, target) in NEEDS.items():
        if function.may(action, target) and variable not in function.environment:
            # The queue that it reads comes to it by its trigger.
            assert f"{function.queue}.Outputs.Arn" == target, f"{variable} is not set"


@each_queue_reader
def test_a_queue_reader_answers_for_each_message_of_a_batch(function: Function):
    (event,) = function.events("SQS")
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    waits = "MaximumBatchingWindowInSeconds" in event
    assert waits is (function.name in GATHERS)
    assert 1 <= event["BatchSize"] <= (1000 if waits else 10)


@each_queue_reader
def test_a_message_stays_hidden_for_six_timeouts_at_least(function: Function):
    visibility = nested("queue.yaml")[str(function.queue)]["VisibilitySeconds"]
    (event,) = function.events("SQS")
    window = event.get("MaximumBatchingWindowInSeconds", {}).get("Ref")
    longest = load()["Parameters"][window]["MaxValue"] if window else 0
    assert visibility >= 6 * function.properties["Timeout"] + longest


@each_queue_reader
def test_a_queue_reader_can_send_poison_to_its_own_dead_letters(function: Function):
    variable = function.environment["DEAD_LETTER_QUEUE"]["Fn::GetAtt"]
    assert ".".join(variable) == f"{function.queue}.Outputs.DeadLetterUrl"
    assert function.may("sqs:SendMessage", f"{function.queue}.Outputs.DeadLetterArn")


@each_queue_reader
def test_a_queue_reader_may_read_its_own_queue_only(function: Function):
    for statement in function.permissions():
        if "sqs:ReceiveMessage" in statement.actions:
            assert statement.resources == (
                {"Fn::GetAtt": [function.queue, "Outputs.Arn"]},
            )


def test_the_reader_of_the_stream_bisects_gives_up_and_reports():
    readers = [(f, e) for f in functions() for e in f.events("DynamoDB")]
    assert [function.name for function, _ in readers] == ["publish_events"]
    event = readers[0][1]
    assert event["BisectBatchOnFunctionError"] is True
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < event["MaximumRetryAttempts"] < 100
    assert event["DestinationConfig"]["OnFailure"]["Type"] == "SQS"
    assert "EVENT#" in event["FilterCriteria"]["Filters"][0]["Pattern"]


def test_heavy_layers_are_carried_by_those_functions_only_that_need_them():
    carry = {
        f.name: [str(layer) for layer in f.properties["Layers"]]
        for f in functions()
        if f.properties.get("Layers")
    }
    assert {name: "".join(layers) for name, layers in carry.items()} == {
        "sign_licence": str({"Ref": "RenderingLayer"}),
        "register_licence": str({"Ref": "RenderingLayer"}),
        "receive_material": str({"Ref": "InspectingLayer"}),
        "publish_item": str({"Ref": "PublishingLayer"}),
    }

"""Who may read and write which rows: the design's list against the roles."""

from __future__ import annotations

import pytest

from tests.template.application import Function, Statement, functions, mention, sub

RECORDS = "Tables.Outputs.RecordsArn"
READS = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
WRITES = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
each_function = pytest.mark.parametrize("function", functions(), ids=lambda f: f.name)

# "Roles are fenced" of the design's data page, and one that follows from it: an upload
# for a case is a row of the case.
WRITERS = {
    "CASE": {
        "applicant_api",
        "staff_api",
        "submit",
        "pre_review",
        "approve",
        "advance_case",
        "watch_deadlines",
        "receive_material",
    },
    # watch_deadlines moves the due time in a bill's head on, so that the channel is
    # asked less and less often; it holds no key of the channel and writes no event.
    "BILL": {"collect_payment", "applicant_api", "partner_webhooks", "watch_deadlines"},
    "SHIPMENT": {"dispatch_courier", "partner_webhooks"},
    "LICENCE": {"sign_licence", "register_licence"},
    "NOTICE": {"notify"},
    "ITEM": {"catalogue_api", "publish_item", "watch_deadlines"},
}


def kinds(statement: Statement) -> set[str]:
    """The kinds of rows that a statement is fenced to."""
    fence = statement.condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    return {sub(key).split("#")[1] for key in fence}


def table_statements(function: Function) -> list[Statement]:
    return [s for s in function.permissions() if s.actions[0].startswith("dynamodb:")]


@each_function
def test_no_function_scans_or_speaks_partiql(function: Function):
    for statement in table_statements(function):
        forbidden = [a for a in statement.actions if "Scan" in a or "PartiQL" in a]
        assert forbidden == []


@each_function
def test_every_access_to_records_is_fenced_by_its_leading_key(function: Function):
    for statement in table_statements(function):
        if statement.on(RECORDS):
            fence = statement.condition["ForAllValues:StringLike"][
                "dynamodb:LeadingKeys"
            ]
            assert all(sub(key).startswith("${Tenant}#") for key in fence)
            # Without it a request that names no key would pass the fence.
            assert statement.condition["Null"] == {"dynamodb:LeadingKeys": "false"}


@each_function
def test_an_index_has_a_statement_of_its_own_and_is_only_queried(function: Function):
    for statement in table_statements(function):
        indexes = ["/index/" in mention(resource) for resource in statement.resources]
        if any(indexes):
            assert all(indexes)
            assert statement.actions == ("dynamodb:Query",)
            assert "ForAllValues:StringLike" in statement.condition


@pytest.mark.parametrize("kind", WRITERS)
def test_only_the_writers_of_the_design_write_rows_of(kind: str):
    writers = {
        function.name
        for function in functions()
        for statement in table_statements(function)
        if statement.on(RECORDS)
        and WRITES & set(statement.actions)
        and kind in kinds(statement)
    }
    assert writers == WRITERS[kind]


def test_the_public_reads_licences_only():
    (public,) = [f for f in functions() if f.name == "public_api"]
    fenced = [s for s in table_statements(public) if s.on(RECORDS)]
    assert [kinds(statement) for statement in fenced] == [{"LICENCE"}]
    assert set(fenced[0].actions) == READS


@pytest.mark.parametrize(
    ("action", "target", "allowed"),
    [
        ("kms:Sign", "Keys.Outputs.LicencesArn", {"sign_licence"}),
        ("kms:Sign", "Keys.Outputs.TokensArn", {"applicant_api"}),
        (
            "kms:GenerateDataKey",
            "Keys.Outputs.DataArn",
            {"applicant_api", "staff_api"},
        ),
        (
            "kms:Decrypt",
            "Keys.Outputs.DataArn",
            {
                "applicant_api",
                "staff_api",
                "pre_review",
                "approve",
                "sign_licence",
                "dispatch_courier",
            },
        ),
        ("s3:PutObject", "Buckets.Outputs.LicencesArn", {"sign_licence"}),
        ("events:PutEvents", "EventBus.Arn", {"publish_events", "watch_deadlines"}),
    ],
)
def test_only_these_functions_may(action: str, target: str, allowed: set[str]):
    assert {f.name for f in functions() if f.may(action, target)} == allowed

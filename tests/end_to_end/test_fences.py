"""The roles of template.yaml, enforced: what a function may not do is refused."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from infra.local.home import REGION
from tests.support.laptop_cloud import LaptopCloud

As = Callable[[str], Callable[[str], Any]]
CASE, BILL = "441882#CASE#no-such-case", "441882#BILL#no-such-bill"
MAY_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    ],
}


@pytest.fixture(scope="module")
def as_function(cloud: LaptopCloud) -> As:
    """Clients with exactly the permissions of one function's role.

    Only Lambda may take the role itself, so its policies are copied to another one.
    """

    def of(step: str) -> Callable[[str], Any]:
        iam, sts = cloud.client("iam"), cloud.client("sts")
        name = f"zerotrip-local-{step}"
        configuration = cloud.client("lambda").get_function(FunctionName=name)
        role = configuration["Configuration"]["Role"].rpartition("/")[2]
        copy = f"{step}-{uuid.uuid4().hex[:8]}"
        made = iam.create_role(
            RoleName=copy, AssumeRolePolicyDocument=json.dumps(MAY_ASSUME)
        )
        for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
            found = iam.get_role_policy(RoleName=role, PolicyName=policy)
            document = json.dumps(found["PolicyDocument"])
            iam.put_role_policy(
                RoleName=copy, PolicyName=policy, PolicyDocument=document
            )
        attached = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        for each in attached:
            iam.attach_role_policy(RoleName=copy, PolicyArn=each["PolicyArn"])
        given = sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="test")
        session = boto3.Session(
            given["Credentials"]["AccessKeyId"],
            given["Credentials"]["SecretAccessKey"],
            given["Credentials"]["SessionToken"],
            region_name=REGION,
        )
        sdk: Any = session
        return lambda service: sdk.client(service, endpoint_url=cloud.endpoint)

    return of


def refused(call: Callable[[], Any]) -> bool:
    """Whether the call is turned away for want of a permission."""
    try:
        call()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        reasons = error.response.get("CancellationReasons", [])
        assert code in {"AccessDeniedException", "AccessDenied"}, (code, reasons)
        return True
    return False


def test_a_step_reads_and_writes_rows_of_its_own_kind_only(
    cloud: LaptopCloud, as_function: As
):
    table, dynamodb = cloud.outputs["RecordsTable"], as_function("submit")("dynamodb")

    def read(pk: str) -> Callable[[], Any]:
        key = {"pk": {"S": pk}, "sk": {"S": "HEAD"}}
        return lambda: dynamodb.get_item(TableName=table, Key=key)

    def query(pk: str) -> Callable[[], Any]:
        return lambda: dynamodb.query(
            TableName=table,
            KeyConditionExpression="#0 = :0",
            ExpressionAttributeNames={"#0": "pk"},
            ExpressionAttributeValues={":0": {"S": pk}},
        )

    def write(*pks: str) -> Callable[[], Any]:
        rows = [
            {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "X"}}}}
            for pk in pks
        ]
        return lambda: dynamodb.transact_write_items(TransactItems=rows)

    assert not refused(read(CASE))
    assert not refused(query(CASE))
    assert not refused(write(CASE))
    assert refused(read(BILL))
    assert refused(query(BILL))
    assert refused(write(BILL))
    assert refused(write(CASE, BILL))
    assert refused(read(CASE.replace("441882", "441883")))
    assert refused(lambda: dynamodb.scan(TableName=table))


def test_two_kinds_in_one_transaction_pass_where_both_are_allowed(
    cloud: LaptopCloud, as_function: As
):
    table = cloud.outputs["RecordsTable"]
    dynamodb = as_function("applicant_api")("dynamodb")
    rows = [
        {"Put": {"TableName": table, "Item": {"pk": {"S": pk}, "sk": {"S": "X"}}}}
        for pk in (CASE, BILL)
    ]
    assert not refused(lambda: dynamodb.transact_write_items(TransactItems=rows))


def test_the_public_opens_no_form_and_signs_nothing(
    cloud: LaptopCloud, as_function: As
):
    public = as_function("public_api")
    digest = {"Message": b"0" * 32, "MessageType": "DIGEST"}
    assert refused(
        lambda: public("kms").sign(
            KeyId=cloud.outputs["TokenKey"], SigningAlgorithm="ECDSA_SHA_256", **digest
        )
    )
    assert refused(
        lambda: public("kms").generate_data_key(
            KeyId=cloud.outputs["DataKey"], KeySpec="AES_256"
        )
    )
    secret = cloud.outputs["IdentityHashSecret"]
    assert refused(lambda: public("secretsmanager").get_secret_value(SecretId=secret))
    assert not refused(
        lambda: public("kms").get_public_key(KeyId=cloud.outputs["TokenKey"])
    )


def test_a_step_receives_from_no_other_steps_queue(cloud: LaptopCloud, as_function: As):
    sqs = as_function("submit")("sqs")
    own, other = cloud.outputs.queue_url("submit"), cloud.outputs.queue_url("approve")
    assert not refused(
        lambda: sqs.get_queue_attributes(QueueUrl=own, AttributeNames=["All"])
    )
    assert refused(lambda: sqs.receive_message(QueueUrl=other))
    assert refused(lambda: sqs.send_message(QueueUrl=other, MessageBody="{}"))

"""One SDK session per function, and the adapters that are made from it.

PynamoDB's own botocore session serves every other client: a second client of one
session costs 7 ms, a session of its own 93 ms (`../shared/performance.md`).
"""

from __future__ import annotations

import functools
import json
from typing import Any

from zerotrip.kernel.objects import S3Objects
from zerotrip.kernel.sealing import KeyRing, KmsKeys
from zerotrip.runtime.late import leave_out_docstrings
from zerotrip.runtime.settings import metered, setting, table_names


@functools.cache
def region() -> str:
    """The region that Lambda says."""
    return setting("AWS_REGION")


@functools.cache
def tables() -> Any:
    """The Tables port on DynamoDB with every table that this function was given."""
    leave_out_docstrings()
    from zerotrip.kernel.store import DynamoTables

    made = DynamoTables(table_names(), region=region())
    _prepare(made.connection.session)
    return made


@functools.cache
def session() -> Any:
    """The botocore session: PynamoDB's where there are tables."""
    if table_names():
        return tables().connection.session
    leave_out_docstrings()
    from botocore.session import get_session

    made = get_session()
    _prepare(made)
    return made


def _prepare(made: Any) -> None:
    """Before the session's first client, which copies hooks and reads models."""
    from zerotrip.runtime.sdk_models import use_compiled_models

    use_compiled_models(made)
    if metered():
        from zerotrip.runtime.metering import meter

        meter(made)


@functools.cache
def client(service: str) -> Any:
    """A botocore client that gives up within a step's time and tries three times."""
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 3},
        # botocore signs presigned addresses by version 2 unless told otherwise, which
        # China's regions and encrypted objects refuse.
        signature_version="s3v4" if service == "s3" else None,
    )
    return session().create_client(service, region_name=region(), config=config)


class _Late:
    """A client that is made when it is first asked for something.

    Many steps are given objects and keys and need neither: a client costs 20 ms.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(client(self._service), name)


@functools.cache
def objects(bucket_setting: str) -> S3Objects:
    """The Objects port on the bucket that a setting names."""
    return S3Objects(_Late("s3"), setting(bucket_setting))


@functools.cache
def key_ring() -> KeyRing:
    """Data keys under the master key."""
    return KeyRing(tables(), KmsKeys(_Late("kms"), setting("DATA_KEY")))


@functools.cache
def secret_text(secret_setting: str) -> str:
    """A secret as it is kept, read once per process."""
    answer = client("secretsmanager").get_secret_value(SecretId=setting(secret_setting))
    return str(answer["SecretString"])


def secret(secret_setting: str) -> dict[str, Any]:
    """A JSON secret."""
    content: dict[str, Any] = json.loads(secret_text(secret_setting))
    return content


def send(queue_setting: str, body: str, attributes: dict[str, str]) -> None:
    """Sends one message; attributes are strings of at most 256 characters each."""
    client("sqs").send_message(
        QueueUrl=setting(queue_setting),
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value[:256]}
            for name, value in attributes.items()
            if value
        },
    )

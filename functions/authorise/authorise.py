"""The authoriser of the REST API `api`: checks our token, says who calls."""

from __future__ import annotations

import functools
import os
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.logging import Logger

from zerotrip.identity.authorise import Authoriser, answer
from zerotrip.identity.officers import Officers
from zerotrip.identity.rows import IDENTITY_TABLE
from zerotrip.identity.tokens import KmsTokenKey, Realm
from zerotrip.kernel.store import DynamoTables
from zerotrip.runtime.settings import metered


@functools.cache
def authoriser() -> Authoriser:
    """Made at the first request, with one SDK session and one GetPublicKey a key."""
    region = os.environ["AWS_REGION"]
    tables = DynamoTables({IDENTITY_TABLE: os.environ["IDENTITY_TABLE"]}, region=region)
    session = tables.connection.session
    if metered():  # before the session's first client, which copies its hooks
        from zerotrip.runtime.metering import meter

        meter(session)
    kms = session.create_client("kms", region_name=region)

    @functools.cache
    def public_keys() -> dict[str, Any]:
        # While a key is being replaced both are named; the first one signs.
        names = os.environ["TOKEN_KEY"].split(",")
        keys = [KmsTokenKey(kms, name.strip()).public_key() for name in names]
        return {key.kid: key for key in keys}

    return Authoriser(
        tenant=os.environ["ZEROTRIP_TENANT"],
        realm=Realm(
            issuer=os.environ["PUBLIC_BASE_URL"],
            audience=f"zerotrip-{os.environ['ZEROTRIP_STAGE']}",
        ),
        public_keys=public_keys,
        officers=Officers(tables),
        clock=lambda: datetime.now(UTC),
    )


@functools.cache
def logger() -> Logger:
    """Named and levelled by the POWERTOOLS_ variables."""
    return Logger()


def handler(event: dict[str, Any], context: object) -> Any:
    """Allow or Deny over the whole stage; raises Unauthorized for API Gateway's 401."""
    return answer(event, authoriser(), logger())

"""The laptop cloud's emulator alone, without functions: a database in a few seconds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infra.local.cloud import await_emulator, emulator
from infra.local.home import Home
from tests.template.application import resources


@contextlib.contextmanager
def running_emulator(scratch: Path) -> Iterator[Home]:
    """An emulator of its own on a free port; its state goes with `scratch`."""
    home = Home(scratch)
    with (scratch / "emulator.log").open("ab") as log, emulator(home, log) as process:
        await_emulator(home, process)
        yield home


def create_tables(client: Any) -> dict[str, str]:
    """The six tables with the template's own keys; answers names by short name."""
    names = {}
    for logical_id, table in resources(
        "AWS::DynamoDB::Table", "infra/stacks/tables.yaml"
    ).items():
        short = logical_id.lower()
        names[short] = f"zerotrip-contract-{short}"
        wanted = table["Properties"]
        further = {
            name: wanted[name]
            for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes")
            if name in wanted
        }
        client.create_table(
            TableName=names[short], BillingMode="PAY_PER_REQUEST", **further
        )
    return names

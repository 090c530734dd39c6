"""`python -m zerotrip.catalogue.commands check|publish|schema`.

check    every folder of a catalogue, every fault with file and line
publish  the folders to a table and a bucket; again is no change
schema   the JSON Schema of item.yaml, as committed under events/catalogue/
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from zerotrip.catalogue import authoring
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.publication import Catalogue, Pinned
from zerotrip.kernel import times
from zerotrip.kernel.errors import Invalid, Refused

Say = Callable[[str], object]


def item_schema() -> dict[str, Any]:
    """The JSON Schema of `item.yaml`, which editors use for completion."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:zerotrip:catalogue:item",
        **Item.model_json_schema(),
    }


def publish_folder(
    folder: Path, catalogue: Catalogue, tenant: str, actor: str
) -> Pinned:
    """Checks one folder and publishes it. Raises Invalid, Conflict, Retry."""
    draft = authoring.load(folder, times.legal_day(catalogue.now()))
    return catalogue.publish(tenant, draft.item, draft.layout, actor)


def check_folders(folders: Sequence[Path], today: date, say: Say) -> bool:
    """Says what is wrong with each folder, or that it is right; whether all are."""
    right = True
    for folder in folders:
        try:
            draft = authoring.load(folder, today)
        except Invalid as error:
            right = False
            for fault in error.faults:
                say(f"{fault.path}: {fault.code}\n  {fault.zh}\n  {fault.en}")
        else:
            item = draft.item
            say(f"{folder.name}: 正确 OK {item.code} r{item.revision} {item.name.zh}")
    return right


def main(arguments: Sequence[str], say: Say) -> int:
    """Runs one command; 0 when all went well, 1 when something was refused."""
    wanted = _parser().parse_args(arguments)
    if wanted.command == "schema":
        say(json.dumps(item_schema(), ensure_ascii=False, indent=2))
        return 0
    found = wanted.folders or authoring.folders(wanted.catalogue)
    if not found:
        say("没有找到事项文件夹。 No item folder was found.")
        return 1
    now = datetime.now(UTC)
    if not check_folders(found, times.legal_day(now), say):
        return 1
    if wanted.command == "publish":
        return _publish(found, wanted, say)
    return 0


def _publish(folders: Sequence[Path], wanted: argparse.Namespace, say: Say) -> int:
    catalogue = _catalogue(wanted)
    refused = 0
    for folder in folders:
        try:
            pinned = publish_folder(folder, catalogue, wanted.tenant, wanted.actor)
        except Refused as error:
            refused += 1
            say(f"{folder.name}: {error.code}\n  {error.zh}\n  {error.en}")
        else:
            say(f"{folder.name}: 已发布 published {pinned.item.code} {pinned.digest}")
    return 1 if refused else 0


def _catalogue(wanted: argparse.Namespace) -> Catalogue:
    # Late: `check` and `schema` need no SDK.
    import boto3

    from zerotrip.kernel.objects import S3Objects
    from zerotrip.kernel.store import DynamoTables

    tables = DynamoTables(
        {"catalogue": wanted.table}, region=wanted.region, host=wanted.endpoint
    )
    client = boto3.client("s3", region_name=wanted.region, endpoint_url=wanted.endpoint)
    return Catalogue(
        tables, S3Objects(client, wanted.bucket), lambda: datetime.now(UTC)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zerotrip.catalogue.commands")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("schema", help="the JSON Schema of item.yaml")
    for name, about in (
        ("check", "look at item folders and say what is wrong"),
        ("publish", "check item folders and offer them"),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument("folders", nargs="*", type=Path)
        command.add_argument("--catalogue", type=Path, default=Path("catalogue"))
        if name == "publish":
            command.add_argument("--tenant", required=True, help="6 digits")
            command.add_argument("--actor", required=True, help="who publishes")
            command.add_argument("--table", required=True)
            command.add_argument("--bucket", required=True)
            command.add_argument("--region", required=True)
            command.add_argument("--endpoint", help="of the laptop cloud")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda line: sys.stdout.write(line + "\n")))

"""`python -m zerotrip.catalogue.commands check|diff|publish|schema`.

check    every folder of a catalogue beside all the others: every fault and finding,
         with file and line
diff     what changed in a folder against a published item's JSON or another folder
publish  the folders to a table and a bucket; again is no change
schema   the JSON Schemas of the catalogue's files, as committed under events/catalogue/
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import ValidationError

from zerotrip.catalogue import authoring
from zerotrip.catalogue.diff import diff
from zerotrip.catalogue.editor_schemas import editor_schemas
from zerotrip.catalogue.files import model_faults
from zerotrip.catalogue.lint import errors
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pages import keep_page
from zerotrip.catalogue.publication import Catalogue, Pinned
from zerotrip.catalogue.shared_entries import (
    publish_elements,
    publish_shared_materials,
    publish_working_days,
)
from zerotrip.catalogue.shared_files import (
    read_elements,
    read_shared_materials,
    read_working_days,
)
from zerotrip.catalogue.whole import Placed, Whole, placed_findings, read_whole
from zerotrip.kernel import times
from zerotrip.kernel.errors import Fault, Invalid, Refused

Say = Callable[[str], object]
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def publish_folder(
    folder: Path, catalogue: Catalogue, tenant: str, actor: str
) -> Pinned:
    """Checks one folder and publishes it. Raises Invalid, Conflict, Retry."""
    draft = authoring.load(folder, times.legal_day(catalogue.now()))
    made = catalogue.publish(tenant, draft.item, draft.layout, actor)
    keep_page(catalogue.objects, made.item, made.digest)
    return made


def check_folders(
    folders: Sequence[Path], today: date, say: Say, *, lenient: bool = False
) -> bool:
    """Says what is wrong with each folder, or that it is right.

    Answers whether nothing blocks publishing: warnings do not.
    """
    right = True
    wholes: dict[Path, Whole] = {}
    for folder in folders:
        catalogue = folder.parent
        if catalogue not in wholes:
            wholes[catalogue] = read_whole(catalogue, today, lenient=lenient)
            right &= _say_shared(wholes[catalogue], say)
        right &= _check(folder, wholes[catalogue], today, say, lenient=lenient)
    return right


def main(arguments: Sequence[str], say: Say) -> int:
    """Runs one command; 0 when all went well, 1 when something was refused."""
    wanted = _parser().parse_args(arguments)
    if wanted.command == "schema":
        return _schema(wanted, say)
    today = times.legal_day(datetime.now(UTC))
    if wanted.command == "diff":
        return _diff(wanted, today, say)
    found = wanted.folders or authoring.folders(wanted.catalogue)
    if not found:
        say("没有找到事项文件夹。 No item folder was found.")
        return 1
    if not check_folders(found, today, say, lenient=wanted.lenient):
        return 1
    if wanted.command == "publish":
        return _publish(found, wanted, say)
    return 0


def _check(folder: Path, whole: Whole, today: date, say: Say, *, lenient: bool) -> bool:
    draft = whole.drafts.get(folder.name)
    if draft is None:
        try:
            draft = authoring.load(folder, today, lenient=lenient)
        except Invalid as error:
            _say_faults(error.faults, say)
            return False
    found = placed_findings(draft, whole.surroundings)
    for placed in found:
        _say_finding(placed, say)
    if errors(placed.finding for placed in found):
        return False
    item = draft.item
    say(f"{folder.name}: 正确 OK {item.code} r{item.revision} {item.name.zh}")
    return True


def _say_shared(whole: Whole, say: Say) -> bool:
    """Faults of base entries and shared files; those of folders come with them."""
    shared = [fault for fault in whole.faults if _is_shared(fault)]
    _say_faults(shared, say)
    return not shared


def _is_shared(fault: Fault) -> bool:
    place, _, _ = fault.path.partition(":")
    folder, _, name = place.partition("/")
    return folder.startswith("_") or name.startswith("_")


def _say_faults(faults: Sequence[Fault], say: Say) -> None:
    for fault in faults:
        say(f"{fault.path}: {fault.code}\n  {fault.zh}\n  {fault.en}")


def _say_finding(placed: Placed, say: Say) -> None:
    place, finding = placed.place, placed.finding
    where = f"{place.file}:{place.line} {finding.path}".rstrip()
    mark = "" if finding.severity == "error" else " (提醒 warning)"
    say(f"{where}: {finding.code}{mark}\n  {finding.zh}\n  {finding.en}")


def _schema(wanted: argparse.Namespace, say: Say) -> int:
    for name, schema in editor_schemas().items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        if wanted.to is None:
            say(text)
        else:
            (wanted.to / name).write_text(text + "\n", encoding="utf-8")
            say(str(wanted.to / name))
    return 0


def _diff(wanted: argparse.Namespace, today: date, say: Say) -> int:
    try:
        before = _item_at(wanted.against, today)
        after = _item_at(wanted.folder, today)
    except Invalid as error:
        _say_faults(error.faults, say)
        return 1
    found = diff(before, after)
    say(f"{before.code} r{before.revision} → {after.code} r{after.revision}")
    for change in found:
        say(f"{SIGNS[change.kind]} {change.path}\n  {change.zh}\n  {change.en}")
    if not found:
        say("没有变化。 Nothing changed.")
    return 0


def _item_at(path: Path, today: date) -> Item:
    """A folder's item, or a published one from its JSON. Raises Invalid."""
    if path.is_dir():
        return authoring.load(path, today).item
    try:
        text = path.read_text(encoding="utf-8")
        return Item.model_validate_json(text, context={"published": True})
    except (OSError, UnicodeDecodeError) as error:
        unread = Fault(
            path.name, "file_missing", "无法读取该文件。", "It cannot be read."
        )
        raise _not_an_item([unread]) from error
    except ValidationError as error:
        raise _not_an_item(
            [
                Fault(
                    f"{path.name} {fault.path}".rstrip(), fault.code, fault.zh, fault.en
                )
                for fault in model_faults(error)
            ]
        ) from error


def _not_an_item(faults: list[Fault]) -> Invalid:
    return Invalid(
        "item_file_wrong",
        "该文件不是已发布的事项。",
        "This file is no published item.",
        faults=faults,
    )


def _publish(folders: Sequence[Path], wanted: argparse.Namespace, say: Say) -> int:
    catalogue = _catalogue(wanted)
    root, tables = wanted.catalogue, catalogue.tables
    publish_elements(tables, wanted.tenant, read_elements(root).values())
    shared = read_shared_materials(root).values()
    publish_shared_materials(tables, wanted.tenant, shared)
    publish_working_days(tables, wanted.tenant, read_working_days(root))
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
    schema = commands.add_parser("schema", help="JSON Schemas of the files")
    schema.add_argument("--to", type=Path, help="a folder to write them to")
    changes = commands.add_parser("diff", help="what changed in a folder")
    changes.add_argument("folder", type=Path)
    changes.add_argument(
        "--against", type=Path, required=True, help="published JSON, or a folder"
    )
    for name, about in (
        ("check", "look at item folders and say what is wrong"),
        ("publish", "check item folders and offer them"),
    ):
        command = commands.add_parser(name, help=about)
        command.add_argument("folders", nargs="*", type=Path)
        command.add_argument("--catalogue", type=Path, default=Path("catalogue"))
        command.add_argument(
            "--lenient", action="store_true", help="take and flag legacy codes"
        )
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

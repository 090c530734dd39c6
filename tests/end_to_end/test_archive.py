"""The archive on the laptop cloud: every event kept, a night sealed, nothing undone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.check_archive import Checked, check
from infra.local.demo import STORIES, Errand, Screen, errand_of
from infra.local.home import TENANT
from infra.local.mini_program import Partners
from tests.contract.test_invocations import INVOCATIONS
from tests.end_to_end.test_fences import As, as_function, refused
from tests.support.laptop_cloud import LaptopCloud
from zerotrip.archive.model import Link, line_of, link_of
from zerotrip.archive.reading import details_of, read_events, root_of
from zerotrip.archive.seals import read_root
from zerotrip.kernel import times
from zerotrip.kernel.objects import S3Objects

__all__ = ["as_function"]

FOOD = next(story for story in STORIES if story.folder == "food-business-licence")
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def objects(cloud: LaptopCloud) -> S3Objects:
    """The archive's bucket."""
    return S3Objects(cloud.client("s3"), cloud.outputs["ArchiveBucket"])


@pytest.fixture(scope="module")
def case(cloud: LaptopCloud, objects: S3Objects) -> str:
    """A finished case, all of whose events have come into the archive."""
    errand: Errand = errand_of(
        FOOD, cloud.home, Screen(quiet=True), Partners.of(cloud.home)
    )
    assert errand.run()["state"] == "completed"
    pk = f"{TENANT}#CASE#{errand.case_no}"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(archived(objects, pk)) < len(event_items(cloud, pk)):
        assert time.monotonic() < deadline, "some event was not archived"
        time.sleep(0.5)
    return pk


def today() -> datetime:
    return datetime.now(times.SHANGHAI)


def archived(objects: S3Objects, pk: str) -> dict[str, Link]:
    """Events of one aggregate in the archive of yesterday and today, by sort key."""
    last = today().date()
    rows = read_events(objects, TENANT, last - timedelta(days=1), last)
    return {row.sk: link_of(row) for row in rows if row.key.pk == pk}


def day_of_the_end(objects: S3Objects, pk: str) -> date:
    """The day on which the last event of an aggregate was archived."""
    last = today().date()
    days = (last - timedelta(days=1), last)
    return max(
        day
        for day in days
        if any(row.key.pk == pk for row in read_events(objects, TENANT, day, day))
    )


def event_items(cloud: LaptopCloud, pk: str) -> list[dict[str, Any]]:
    found = cloud.client("dynamodb").query(
        TableName=cloud.outputs["RecordsTable"],
        KeyConditionExpression="pk = :p AND begins_with(sk, :e)",
        ExpressionAttributeValues={":p": {"S": pk}, ":e": {"S": "EVENT#"}},
        ConsistentRead=True,
    )
    return list(found["Items"])


def checked(cloud: LaptopCloud, objects: S3Objects) -> Checked:
    """What `make check-archive` would read and find."""
    dynamodb = cloud.client("dynamodb")
    return check(objects, dynamodb, cloud.outputs["RecordsTable"], TENANT)


def named(found: Checked, pk: str) -> list[tuple[str, str]]:
    """Findings about one aggregate: other tests of this cloud do as they like."""
    where = pk.partition("#")[2]
    return [(each.code, each.detail) for each in found.findings if each.where == where]


def test_every_event_of_a_case_is_kept_as_it_was_stored(
    cloud: LaptopCloud, objects: S3Objects, case: str
) -> None:
    kept = archived(objects, case)
    assert len(kept) >= 6
    assert all(link.sound for link in kept.values())
    assert named(checked(cloud, objects), case) == []


def test_the_archive_holds_no_person(
    cloud: LaptopCloud, objects: S3Objects, case: str
) -> None:
    last = today().date()
    rows = read_events(objects, TENANT, last - timedelta(days=1), last)
    lines = [line_of(row).decode() for row in rows if row.key.pk == case]
    assert lines
    for line in lines:
        assert "示例" not in line
        assert "13800000000" not in line


def test_the_night_seals_the_day_with_its_events(
    cloud: LaptopCloud, objects: S3Objects, case: str
) -> None:
    """At the schedule's own event, told to be tomorrow's; later events come after."""
    event = json.loads((INVOCATIONS / "seal_day/scheduled_at_two.json").read_text())
    day = day_of_the_end(objects, case)
    following = datetime(day.year, day.month, day.day, 2, tzinfo=times.SHANGHAI)
    event["time"] = f"{(following + timedelta(days=1)).astimezone(UTC):%FT%TZ}"
    answers = [invoke(cloud, "seal_day", event) for _ in range(2)]
    assert answers[1] == {"days": 0, "events": 0, "gaps": 0, "faults": 0}
    sealed = root_of(objects, TENANT, day)
    assert sealed is not None
    root = read_root(sealed)
    assert root["events"] >= 6
    assert [each for each in root["faults"] if each.get("aggregate") == case] == []
    _, heads = details_of(objects, TENANT, day)
    (head,) = [each for each in heads if each.aggregate == case]
    last = max(archived(objects, case).values(), key=lambda link: link.seq)
    assert (head.last, head.hash) == (last.seq, last.hash)


def invoke(cloud: LaptopCloud, step: str, event: dict[str, Any]) -> Any:
    answer = cloud.client("lambda").invoke(
        FunctionName=f"zerotrip-local-{step}", Payload=json.dumps(event).encode()
    )
    content = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, content
    return content


def test_what_is_done_to_the_table_is_found_and_named(
    cloud: LaptopCloud, objects: S3Objects, case: str
) -> None:
    dynamodb, table = cloud.client("dynamodb"), cloud.outputs["RecordsTable"]
    items = {
        json.loads(item["data"]["S"])["seq"]: item for item in event_items(cloud, case)
    }
    changed = {
        **items[2],
        "data": {"S": items[2]["data"]["S"].replace('"actor":"', '"actor":"x', 1)},
    }
    dynamodb.put_item(TableName=table, Item=changed)
    gone = items[max(items)]
    key = {"pk": gone["pk"], "sk": gone["sk"]}
    dynamodb.delete_item(TableName=table, Key=key)
    try:
        found = named(checked(cloud, objects), case)
        assert ("event_changed", "seq 2") in found
        assert ("tail_truncated", f"seq {max(items)}") in found
        assert {code for code, _ in found} == {
            "event_changed",
            "tail_truncated",
            "head_differs",
        }
    finally:
        dynamodb.put_item(TableName=table, Item=items[2])
        dynamodb.put_item(TableName=table, Item=gone)
    assert named(checked(cloud, objects), case) == []


def test_nobody_takes_an_object_away(
    cloud: LaptopCloud, objects: S3Objects, case: str, as_function: As
) -> None:
    day = day_of_the_end(objects, case)
    (version, *_) = objects.first_versions(f"{TENANT}/{day:%Y/%m/%d}/")
    where = {"Bucket": objects.bucket, "Key": version.key}
    one = {**where, "VersionId": version.version_id}
    with pytest.raises(ClientError) as locked:  # even the owner of the account
        cloud.client("s3").delete_object(**one)
    assert locked.value.response["Error"]["Code"] == "AccessDenied"
    for step in ("archive_events", "seal_day", "submit"):
        s3 = as_function(step)("s3")
        assert refused(lambda: s3.delete_object(**where))  # noqa: B023
        assert refused(lambda: s3.delete_object(**one))  # noqa: B023
    assert objects.get(version.key, version.version_id) is not None


def test_the_two_functions_may_do_what_they_do_and_no_more(
    cloud: LaptopCloud, objects: S3Objects, case: str, as_function: As
) -> None:
    archive, seal = as_function("archive_events"), as_function("seal_day")
    table = cloud.outputs["RecordsTable"]
    key = {"pk": {"S": case}, "sk": {"S": "HEAD"}}
    foreign = {**key, "pk": {"S": case.replace(TENANT, "441883")}}
    calls: dict[str, tuple[bool, Callable[[], Any]]] = {
        "row by key": (
            True,
            lambda: archive("dynamodb").get_item(TableName=table, Key=key),
        ),
        "row of another tenant": (
            False,
            lambda: archive("dynamodb").get_item(TableName=table, Key=foreign),
        ),
        "a scan": (False, lambda: archive("dynamodb").scan(TableName=table)),
        "a row written": (
            False,
            lambda: archive("dynamodb").put_item(TableName=table, Item=key),
        ),
        "an object read by who writes": (
            False,
            lambda: archive("s3").get_object(
                Bucket=objects.bucket, Key=f"{TENANT}/2026/01/01/root.json"
            ),
        ),
        "an object beside the tenant": (
            False,
            lambda: archive("s3").put_object(
                Bucket=objects.bucket, Key="441883/x", Body=b""
            ),
        ),
        "a listing": (
            True,
            lambda: seal("s3").list_object_versions(
                Bucket=objects.bucket, Prefix=TENANT
            ),
        ),
        "a row read by who seals": (
            False,
            lambda: seal("dynamodb").get_item(TableName=table, Key=key),
        ),
    }
    assert {name: not refused(call) for name, (_, call) in calls.items()} == {
        name: allowed for name, (allowed, _) in calls.items()
    }

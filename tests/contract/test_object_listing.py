"""First versions, which the archive is read by: kept by the fake and by S3."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.contract.emulator import running_emulator
from tests.support.memory import MemoryObjects
from zerotrip.kernel.objects import AlreadyWritten, Objects, S3Objects

LISTING = "before-parameter-build.s3.ListObjectVersions"
_folders = itertools.count(1)


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with running_emulator(tmp_path_factory.mktemp("emulator")) as home:
        client = home.client("s3")
        client.create_bucket(Bucket="listing")
        client.put_bucket_versioning(
            Bucket="listing", VersioningConfiguration={"Status": "Enabled"}
        )
        yield client


@pytest.fixture(params=["memory", "s3"])
def objects(request: pytest.FixtureRequest) -> Objects:
    if request.param == "memory":
        return MemoryObjects()
    return S3Objects(request.getfixturevalue("s3"), "listing")


@pytest.fixture
def folder() -> str:
    """A prefix that no other test writes below: the bucket is shared."""
    return f"441882/{next(_folders)}/"


def written(objects: Objects, *keys: str) -> dict[str, str]:
    """Version ids by key."""
    return {
        key: objects.put_once(key, key.encode(), content_type="text/plain")
        for key in keys
    }


def test_keys_come_in_order_and_below_the_prefix_only(
    objects: Objects, folder: str
) -> None:
    keys = [f"{folder}{name}" for name in ("b", "a/2", "a/10", "c-d", "c_d", "Z", "文")]
    written(objects, *keys)
    found = [each.key for each in objects.first_versions(folder)]
    assert found == sorted(keys)
    assert [each.key for each in objects.first_versions(f"{folder}a/")] == [
        f"{folder}a/10",
        f"{folder}a/2",
    ]
    assert objects.first_versions(f"{folder}none/") == []


def test_the_first_version_stays_the_first(objects: Objects, folder: str) -> None:
    key = f"{folder}a"
    first = written(objects, key)[key]
    objects.put(key, b"another, longer one", content_type="text/plain")
    objects.put(key, b"", content_type="text/plain")
    (found,) = objects.first_versions(folder)
    assert (found.version_id, found.size_bytes) == (first, len(key.encode()))
    stored = objects.get(key, found.version_id)
    assert stored is not None
    assert stored.content == key.encode()
    newest = objects.get(key)
    assert newest is not None
    assert newest.content == b""


def test_a_key_is_written_once(objects: Objects, folder: str) -> None:
    written(objects, f"{folder}a")
    with pytest.raises(AlreadyWritten):
        objects.put_once(f"{folder}a", b"", content_type="text/plain")
    assert len(objects.first_versions(folder)) == 1


def test_the_least_key(objects: Objects, folder: str) -> None:
    assert objects.first_key(folder) is None
    written(objects, *(f"{folder}{name}" for name in ("b/1", "a/2", "c")))
    assert objects.first_key(folder) == f"{folder}a/2"
    assert objects.first_key(f"{folder}b") == f"{folder}b/1"


def test_what_is_marked_as_deleted_is_listed_and_read_all_the_same(
    s3: Any, folder: str
) -> None:
    objects = S3Objects(s3, "listing")
    key = f"{folder}a"
    first = written(objects, key)[key]
    s3.delete_object(Bucket="listing", Key=key)
    assert objects.get(key) is None
    assert objects.first_key(folder) == key
    (found,) = objects.first_versions(folder)
    assert found.version_id == first
    assert objects.get(key, first) is not None
    # Over a mark a key can be written again; it is not its first version.
    objects.put_once(key, b"later", content_type="text/plain")
    (found,) = objects.first_versions(folder)
    assert found.version_id == first


def test_more_versions_than_one_page_holds(s3: Any, folder: str) -> None:
    objects = S3Objects(s3, "listing")
    asked: list[dict[str, Any]] = []

    def three_at_a_time(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 3
        asked.append(params)

    keys = [f"{folder}{number}" for number in range(5)]
    first = written(objects, *keys)
    for key in keys:
        objects.put(key, b"later", content_type="text/plain")
    s3.meta.events.register(LISTING, three_at_a_time)
    try:
        found = objects.first_versions(folder)
    finally:
        s3.meta.events.unregister(LISTING, three_at_a_time)
    assert {each.key: each.version_id for each in found} == first
    assert len(asked) >= 4

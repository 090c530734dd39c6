"""What S3 says through the queue, read from the samples that all of us use."""

from __future__ import annotations

import pytest

from tests.unit.materials.conftest import BUCKET, DRAFT, UPLOAD, body, records
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.materials.model import object_key
from zerotrip.materials.storage_events import (
    ObjectCreated,
    created_message,
    object_created,
    records_of,
)

KEY = object_key(DRAFT, "loss_declaration", UPLOAD)
CREATED = ObjectCreated(BUCKET, KEY, "096fKKXTRTtl3on89fVO.nfljtsv6qko")


@pytest.mark.parametrize(
    "name",
    [
        "s3_object_created_post",
        "s3_object_created_key_encoded",
        "sent_by_watch_deadlines",
    ],
)
def test_the_same_upload_is_read_from_each_way_of_saying_it(name: str) -> None:
    (record,) = records_of(body(name))
    assert object_created(record) == CREATED


def test_a_key_is_decoded_as_a_form_is() -> None:
    (record,) = records("s3_object_created_key_foreign_text")
    assert object_created(record).key == "441882/扫描 1.pdf"


def test_s3s_own_test_message_has_no_records() -> None:
    assert records_of(body("s3_test_event")) == ()


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"Records": {}}', '{"Records": [1]}', "null"]
)
def test_a_body_of_another_shape_goes_to_the_dead_letter_queue(content: str) -> None:
    with pytest.raises(GiveUp) as caught:
        records_of(content)
    assert caught.value.code == "storage_event_malformed"


def test_a_body_that_is_not_json_goes_to_the_dead_letter_queue() -> None:
    with pytest.raises(GiveUp) as caught:
        records_of(body("sqs_body_not_json"))
    assert caught.value.code == "storage_event_malformed"


def test_a_record_without_a_version_goes_to_the_dead_letter_queue() -> None:
    (record,) = records("s3_object_created_without_version")
    with pytest.raises(GiveUp) as caught:
        object_created(record)
    assert caught.value.code == "storage_event_malformed"


@pytest.mark.parametrize("part", ["bucket", "object"])
def test_a_record_with_a_part_of_another_shape_is_malformed(part: str) -> None:
    (record,) = records("s3_object_created_post")
    record["s3"][part] = "text"
    with pytest.raises(GiveUp) as caught:
        object_created(record)
    assert caught.value.code == "storage_event_malformed"


def test_a_removed_object_is_none_of_this_steps_business() -> None:
    (record,) = records("s3_object_removed")
    with pytest.raises(AlreadyDone) as caught:
        object_created(record)
    assert caught.value.code == "storage_event_ignored"


def test_our_own_message_is_read_as_s3s() -> None:
    odd = ObjectCreated(BUCKET, "441882/扫描 1+2.pdf", "v1")
    (record,) = created_message(odd, 10)["Records"]
    assert object_created(record) == odd

"""A case with events, a bill and a parcel beside it, and the inbox of its applicant."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.memory import MemoryTables
from tests.support.persons import acting
from zerotrip.identity.powers import Acting
from zerotrip.kernel.aggregate import GENESIS, Change, Event, EventRow, Key, Kind
from zerotrip.kernel.messages import CloudEvent, cloud_event
from zerotrip.kernel.records import Records
from zerotrip.notices.inbox import Inbox
from zerotrip.notices.steps import NoticeSteps
from zerotrip.notices.templates import Bilingual
from zerotrip.notices.words import UNNAMED_ITEM, ItemWords

TENANT = "441882"
SUB = "SUBJECT0000000000000000001"
OTHER = "SUBJECT0000000000000000002"
WHO, STRANGER = acting(SUB), acting(OTHER)
CASE_NO = "11441882000000001N400012500100020261121000001"
BILL = Key(TENANT, Kind.BILL, "4418820A1B2C3D4E5F6G7H8J9KMNPQRS")
SHIPMENT = Key(TENANT, Kind.SHIPMENT, "441882ZYXWVTSRQPNMKJHGFEDCBA9876")
ITEM = "11441882000000001N4000125001000"
RECEIVED_AT = "2026-11-20T02:00:00.000Z"
A_CASE = {"item": ITEM, "item_digest": "a digest"}
WORDS = replace(
    UNNAMED_ITEM,
    name=Bilingual("补领机动车行驶证", "Replacement of a vehicle licence"),
    licence=Bilingual("机动车行驶证", "Vehicle Licence"),
    granted=Bilingual("准予许可", "Granted"),
    refused=Bilingual("不予许可", "Refused"),
    fee=Bilingual("机动车行驶证工本费", "Cost of a vehicle licence"),
    courier_charge=Bilingual("证照寄递服务费", "Courier's charge"),
)


def case(case_no: str = CASE_NO) -> Key:
    return Key(TENANT, Kind.CASE, case_no)


@dataclass
class Office:
    """Everything in memory; the clock moves on by a second at each look."""

    tables: MemoryTables = field(default_factory=MemoryTables)
    moment: datetime = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
    item_type: str = "01"

    def now(self) -> datetime:
        self.moment += timedelta(seconds=1)
        return self.moment

    @property
    def records(self) -> Records:
        return Records(self.tables)

    @property
    def deps(self) -> NoticeSteps:
        return NoticeSteps(self.records, TENANT, self.now)

    @property
    def inbox(self) -> Inbox:
        return Inbox(self.records, self.tables, self.words, self.now)

    def words(self, code: str, digest: str) -> ItemWords:
        assert (code, digest) == (ITEM, "a digest")
        return replace(WORDS, type=self.item_type)

    def happens(
        self,
        event_type: str,
        *,
        key: Key | None = None,
        body: dict[str, Any] | None = None,
        head_body: dict[str, Any] | None = None,
    ) -> EventRow:
        """Stores an event at the end of its stream, by default the case."""
        key = key or case()
        head = self.records.head(key)
        change = Change(
            key=key,
            expected_version=head.version if head else 0,
            allowed_from=frozenset(),
            stage="any",
            organisation="11441882000000001N",
            body=dict(A_CASE) if head_body is None else head_body,
            event=Event(
                type=event_type,
                step="step",
                cause=f"v{head.version if head else 0}",
                time=self.now(),
                actor="somebody",
                request_hash="one",
                body=body or {},
            ),
            previous_hash=head.last_hash if head else GENESIS,
            # A case's applicant stands in its subject, not in its body.
            subject=(SUB, RECEIVED_AT) if head_body is None else None,
        )
        return self.records.commit(change).events[0]

    def told(self, who: Acting = WHO) -> list[str]:
        """The types of a person's notices, newest first."""
        return [sent["type"] for sent in self.inbox.list(TENANT, who)]


def message(row: EventRow) -> CloudEvent:
    """The message of an event, as it comes out of the queue."""
    return CloudEvent.model_validate_json(cloud_event(row).model_dump_json())


@pytest.fixture
def office() -> Office:
    return Office()

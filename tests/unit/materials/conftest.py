"""A slot in which a declaration of loss is awaited, and what S3 says about it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.memory import MemoryObjects, MemoryTables
from tests.unit.materials import files
from zerotrip.kernel.tables import StoredRow
from zerotrip.materials.model import Holder, HolderKind, Slot
from zerotrip.materials.steps import MaterialSteps
from zerotrip.materials.store import Slots

INVOCATIONS = Path("events/invocations/receive_material")
TENANT = "441882"
BUCKET = "zerotrip-local-uploads"
UPLOAD = "0A1B2C3D4E5F6G7H8J9KMNPQRS"
ISSUED_AT = datetime(2026, 11, 21, 7, 58, tzinfo=UTC)
DRAFT = Holder(TENANT, HolderKind.APPLICATION, "7K3M9QXW2D5T8VBNRH4J6CYFAE")
CASE = Holder(TENANT, HolderKind.CASE, "11441882000000001N400012500100020261121000001")


def records(name: str) -> list[dict[str, Any]]:
    """The storage records of one sample invocation."""
    invocation = json.loads((INVOCATIONS / f"{name}.json").read_text())
    return [
        record
        for message in invocation["Records"]
        for record in json.loads(message["body"])["Records"]
    ]


def body(name: str) -> str:
    """The first queue message's body of one sample invocation."""
    invocation = json.loads((INVOCATIONS / f"{name}.json").read_text())
    return str(invocation["Records"][0]["body"])


SCANNED_AT = datetime(2026, 11, 21, 8, 0, 30, tzinfo=UTC)


@dataclass
class Desk:
    """The step's ports in memory, and the record that an upload gives rise to."""

    tables: MemoryTables = field(default_factory=MemoryTables)
    objects: MemoryObjects = field(default_factory=MemoryObjects)

    @property
    def slots(self) -> Slots:
        return Slots(self.tables)

    @property
    def deps(self) -> MaterialSteps:
        return MaterialSteps(
            self.slots, self.objects, TENANT, BUCKET, now=lambda: SCANNED_AT
        )

    def open(
        self,
        holder: Holder = DRAFT,
        *,
        upload_id: str = UPLOAD,
        content_type: str = "application/pdf",
        size_bytes: int = len(files.PDF),
        issued_at: datetime = ISSUED_AT,
    ) -> Slot:
        return self.slots.open(
            Slot(
                holder=holder,
                code="loss_declaration",
                upload_id=upload_id,
                content_type=content_type,
                size_bytes=size_bytes,
                issued_at=issued_at,
            )
        )

    def upload(self, slot: Slot, content: bytes = files.PDF) -> dict[str, Any]:
        version_id = self.objects.put(
            slot.object_key, content, content_type=slot.content_type
        )
        return self.said(slot, version_id)

    def said(self, slot: Slot, version_id: str) -> dict[str, Any]:
        record = records("s3_object_created_post")[0]
        stored = record["s3"]["object"]
        stored["key"], stored["versionId"] = slot.object_key, version_id
        return record

    def slot(self, holder: Holder = DRAFT) -> Slot:
        found = self.slots.get(holder, "loss_declaration")
        assert found is not None
        return found

    def rows(self) -> dict[tuple[str, str, str], StoredRow]:
        return dict(self.tables.rows)


@pytest.fixture
def desk() -> Desk:
    return Desk()
